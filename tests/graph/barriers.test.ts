import { describe, expect, test } from "vitest";
import type { Ptr } from "../../src/core/arena.ts";
import type { Core } from "../../src/core/core.ts";
import { loadCore } from "../../src/core/core.ts";
import type { Program } from "../../src/core/team.ts";
import type { Step } from "../../src/graph/barriers.ts";
import { barriersBefore } from "../../src/graph/barriers.ts";
import type { Access, Effects, Share } from "../../src/graph/effects.ts";
import { effectsOf } from "../../src/graph/effects.ts";
import { adam, dense, dropout, prelu, scale, sequential } from "../../src/index.ts";
import { Network } from "../../src/network/network.ts";
import { random } from "../support/random.ts";
import { partOf } from "../support/shares.ts";
import { everybody } from "../support/threads.ts";

const lines = (count: number): Share => ({ of: "items", count, grain: 16, unit: 4 });
const memory = (at: number, bytes: number, share: Share): Access => {
  return { base: "memory", at, bytes, share };
};
const step = (row: Partial<Effects>, width = 2): Step => ({
  effects: { reads: [], writes: [], flops: 0, elements: 1, parts: 64, stops: false, ...row },
  width,
});
const writes = (at: number, n: number, share = lines(n)) => ({
  writes: [memory(at, 4 * n, share)],
});
const reads = (at: number, n: number, share = lines(n)) => ({ reads: [memory(at, 4 * n, share)] });
const needsBarrier = (a: Step, b: Step) => barriersBefore([a, b, step({})])[1];

describe("a barrier stands between two instructions", () => {
  test.each([
    ["write then read", writes(0, 100, { of: "every" }), reads(0, 100)],
    ["read then write", reads(0, 100, { of: "every" }), writes(0, 100)],
    ["write then write", writes(0, 100, { of: "every" }), writes(0, 100)],
    ["one byte of overlap", writes(0, 100), reads(396, 100)],
  ])("that meet: %s", (_, a, b) => {
    expect(needsBarrier(step(a), step(b))).toBe(true);
  });

  test.each([
    ["ranges apart", writes(0, 100), reads(400, 100)],
    ["both only read", reads(0, 100), reads(0, 100, { of: "every" })],
    ["equal parts of one range", writes(0, 100), reads(0, 100)],
    ["thread 0 in both", writes(0, 100, { of: "first" }), reads(4, 100, { of: "first" })],
  ])("not: %s", (_, a, b) => {
    expect(needsBarrier(step(a), step(b))).toBe(false);
  });

  test("whose equal ranges are divided differently", () => {
    expect(needsBarrier(step(writes(0, 96), 2), step(reads(0, 96), 3))).toBe(true);
    const rows: Share = { of: "items", count: 6, grain: 1, unit: 64 };
    expect(needsBarrier(step(writes(0, 96)), step(reads(0, 96, rows)))).toBe(true);
  });

  test("of which one may stop the run, or is unknown", () => {
    expect(needsBarrier(step({ stops: true }), step({}))).toBe(true);
    expect(needsBarrier({ effects: undefined, width: 2 }, step({}))).toBe(true);
    expect(needsBarrier(step({}), { effects: undefined, width: 2 })).toBe(true);
  });

  test("not where every instruction is thread 0's", () => {
    const steps = [step({ ...writes(0, 100), stops: true }, 1), step(reads(0, 100), 1)];
    expect(barriersBefore(steps)).toEqual([false, false]);
  });
});

const N = 16 * 9;

async function network(threads: number): Promise<Network> {
  const net = await Network.create({
    variant: "simd",
    threads,
    input: [N],
    body: sequential(
      dense(N, { activation: "tanh" }),
      prelu(),
      dropout(0.2),
      dense(96, { activation: "gelu" }),
      scale({ perChannel: true }),
      dense(7),
    ),
    optimizer: adam({ clipNorm: 1 }),
  });
  await everybody(net.core);
  return net;
}

const next = random(5);
const INPUTS = Float32Array.from({ length: 48 * N }, () => next() - 0.5);
const LABELS = Int32Array.from({ length: 48 }, () => Math.floor(next() * 7));

/** The program of a training step, which is thereby done, instruction by instruction with its header taken apart. */
function instructionsOf(net: Network) {
  const core = net.core as { -readonly [K in keyof Core]: Core[K] };
  const { run } = core;
  let plan: Program | undefined;
  core.run = (program, state, steps) => {
    plan = program;
    return run(program, state, steps);
  };
  net.trainStep(INPUTS, LABELS);
  core.run = run;
  if (plan === undefined) throw new Error("the step ran no program");
  const words = [...core.arena.i32(plan.at, (plan.end - plan.at) / 4)];
  const names = Object.entries(core.enums.Op ?? {});
  const list = [];
  for (let at = 0; at < words.length; ) {
    const header = words[at + 1]!;
    const count = header & 0xffff;
    const op = names.find(([, code]) => code === words[at])![0];
    const operands = words.slice(at + 2, at + count);
    const effects = effectsOf(op, operands, core.enums.State ?? {})!;
    list.push({ at, op, effects, width: (header >> 16) & 0xff, waits: (header >> 24) & 1 });
    at += count;
  }
  return { plan, list };
}

test("between two barriers of a training step no thread touches what another writes", async () => {
  const { list } = instructionsOf(await network(3));
  expect(list.some(({ width }) => width > 1)).toBe(true);
  expect(list.some(({ waits }) => waits === 0)).toBe(true);
  const touched = (accesses: readonly Access[], thread: number, width: number) =>
    thread >= width
      ? []
      : accesses.flatMap((access) =>
          partOf(access, thread, width).map(([from, to]) => ({ base: access.base, from, to })),
        );
  let open: typeof list = [];
  for (const later of list) {
    if (later.waits === 1) open = [];
    for (const earlier of open) {
      for (let s = 0; s < 3; s++) {
        for (let t = 0; t < 3; t++) {
          if (s === t) continue;
          const [w1, r1] = [earlier.effects.writes, earlier.effects.reads].map((x) =>
            touched(x, s, earlier.width),
          );
          const [w2, r2] = [later.effects.writes, later.effects.reads].map((x) =>
            touched(x, t, later.width),
          );
          const meet = (xs: typeof w1, ys: typeof w1) =>
            xs!.some((x) => ys!.some((y) => x.base === y.base && x.from < y.to && y.from < x.to));
          const clash = meet(w1, w2) || meet(w1, r2) || meet(r1, w2);
          expect(clash, `${earlier.op} and ${later.op}, threads ${s} and ${t}`).toBe(false);
        }
      }
    }
    open.push(later);
  }
});

test("a run with every barrier there could be gives the same bits", async () => {
  const weights = async (everywhere: boolean) => {
    const net = await network(3);
    const { plan, list } = instructionsOf(net);
    const words = net.core.arena.i32(plan.at, (plan.end - plan.at) / 4);
    if (everywhere) for (const { at } of list) words[at + 1]! |= 1 << 24;
    for (let i = 0; i < 10; i++) net.trainStep(INPUTS, LABELS);
    return net.parameters.map(({ name }) => [name, net.weights(name)]);
  };
  expect(await weights(true)).toEqual(await weights(false));
});

test("the barrier bit changes nothing for one thread", async () => {
  const core = await loadCore({ variant: "simd" });
  const state = core.arena.allocate(core.enums.State!.size!);
  const at = core.arena.allocate(8);
  core.arena.i32(at, 2).set([core.enums.Op!.advance!, 2 | (1 << 24)]);
  expect(core.kernels.run(at, (at + 8) as Ptr, state, 3, 0, 1)).toBe(3);
  expect(core.arena.i32(state, 1)[0]).toBe(3);
});
