import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import type { Ptr } from "../../src/core/arena.ts";
import type { Core } from "../../src/core/core.ts";
import { loadCore } from "../../src/core/core.ts";
import { LostThread } from "../../src/core/team.ts";
import { node24 } from "../support/node24.ts";
import { everybody } from "../support/threads.ts";

/** A program of three instructions: y = x + x, z = y + y, step + 1; a barrier between the first two if asked for. */
function program(core: Core, n: number, waits: boolean) {
  const { Op = {}, State = {} } = core.enums;
  const { arena } = core;
  const [x, y, z] = [0, 0, 0].map(() => arena.allocate(n * 4)) as [Ptr, Ptr, Ptr];
  const state = arena.allocate(State.size!);
  arena.f32(x, n).fill(1);
  const barrier = waits ? 1 << 24 : 0;
  const words = [
    ...[Op.add!, 7, y, x, x, n, 0],
    ...[Op.add!, 7 | barrier, z, y, y, n, 0],
    ...[Op.advance!, 2],
  ];
  const at = arena.allocate(words.length * 4);
  arena.i32(at, words.length).set(words);
  const end = (at + words.length * 4) as Ptr;
  return { order: { at, end, width: 64, workspace: 0 }, state, z };
}

describe("a team", () => {
  test.each([2, 3, 8])(
    "of %i threads does each instruction once, and each step",
    async (threads) => {
      const core = await loadCore({ variant: "simd", threads });
      expect(core.threads).toMatchObject({ count: threads, reason: undefined });
      const { order, state, z } = program(core, 1000, true);
      await everybody(core);
      for (let run = 1; run <= 20; run++) {
        expect(core.run(order, state, 50)).toBe(50);
        expect(core.arena.i32(state, 1)[0]).toBe(run * 50);
      }
      expect(core.arena.f32(z, 1000).every((v) => v === 4)).toBe(true);
    },
  );

  test("runs alone until its helpers are there, with the same result", async () => {
    const core = await loadCore({ variant: "simd", threads: 2 });
    const { order, state, z } = program(core, 1000, true);
    expect(core.threads.present).toBe(1);
    expect(core.run(order, state, 3)).toBe(3);
    expect(core.arena.f32(z, 1000).every((v) => v === 4)).toBe(true);
  });

  test("does not wake anyone for a program of width 1", async () => {
    const core = await loadCore({ variant: "simd", threads: 2 });
    const { order, state } = program(core, 16, false);
    await new Promise((resolve) => setTimeout(resolve, 300)); // helpers have come and gone
    expect(core.threads.present).toBe(1);
    core.run({ ...order, width: 1 }, state, 5);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(core.threads.present).toBe(1);
  });

  test("gives up a thread that does not come within its patience, and goes on with fewer", async () => {
    const core = await loadCore({ variant: "simd", threads: 3 });
    const { order, state } = program(core, 1000, true);
    await everybody(core);
    core.team!.patience = 100;
    core.team!.abandon(2); // its slot says that it is ready, and nobody is behind it
    const began = performance.now();
    let lost: unknown;
    try {
      core.run(order, state, 10);
    } catch (error) {
      lost = error;
    }
    expect(performance.now() - began).toBeLessThan(3000);
    expect(lost).toBeInstanceOf(LostThread);
    expect(lost).toMatchObject({ thread: 2, threads: 3 });
    expect(core.threads).toMatchObject({ count: 2, reason: "a worker was lost" });
    await everybody(core);
    expect(core.run(order, state, 10)).toBe(10);
  });

  test("does not count on a helper that ended and left its slot as it was", async () => {
    const core = await loadCore({ variant: "simd", threads: 2 });
    const { order, state } = program(core, 1000, true);
    await everybody(core);
    core.team!.patience = 100;
    core.team!.abandon(1);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(core.threads.present).toBe(1);
    expect(core.run(order, state, 10)).toBe(10);
    expect(core.threads.count).toBe(2);
  });

  test("goes on after a program that traps", async () => {
    const core = await loadCore({ variant: "simd", threads: 2 });
    const { order, state } = program(core, 1000, true);
    const bad = program(core, 1000, true);
    core.arena.i32(bad.order.at, 7)[4] = -4096; // an operand that is beyond the memory
    await everybody(core);
    expect(() => core.run(bad.order, bad.state, 1)).toThrow(WebAssembly.RuntimeError);
    await everybody(core);
    expect(core.threads).toMatchObject({ count: 2, present: 2 });
    expect(core.run(order, state, 50)).toBe(50);
  });

  test("refuses a number of threads as text", async () => {
    await expect(loadCore({ threads: "2" as unknown as number })).rejects.toThrow('got "2"');
  });

  test("refuses a number of threads that is none", async () => {
    for (const threads of [0, -1, 1.5, Number.NaN, 65]) {
      await expect(loadCore({ threads })).rejects.toThrow(RangeError);
    }
  });

  test("is one thread where the binary has no others, and says why", async () => {
    const core = await loadCore({ variant: "debug", threads: 2 });
    expect(core.threads).toEqual({
      count: 1,
      present: 1,
      reason: "the debug variant has no threads",
    });
  });
});

const SCRIPT = `
  import { loadCore } from "./dist/core/index.js";
  const core = await loadCore({ variant: "simd", threads: 2 });
  await new Promise((resolve) => setTimeout(resolve, 50));
  const { Op, State } = core.enums;
  const state = core.arena.allocate(State.size);
  const at = core.arena.allocate(8);
  core.arena.i32(at, 2).set([Op.advance, 2]);
  core.run({ at, end: at + 8, width: 2, workspace: 0 }, state, 1000);
  console.log(core.arena.i32(state, 1)[0]);`;

const nodes = [process.execPath, node24().path].filter((path) => path !== undefined);

test.each(nodes)("the process ends by itself, helpers or not (%s)", (node) => {
  const output = execFileSync(node, ["--input-type=module", "-e", SCRIPT], {
    encoding: "utf8",
    timeout: 20_000,
  });
  expect(output.trim()).toBe("1000");
});
