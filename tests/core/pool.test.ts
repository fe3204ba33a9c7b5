import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { Pool } from "../../src/core/pool.ts";
import type { Helper, HelperEvents } from "../../src/core/workers.ts";

/** A pool whose helpers do nothing but be started; what they would tell of themselves is told by the test. */
function pretend() {
  const started: HelperEvents[] = [];
  const pool = new Pool((events) => {
    started.push(events);
    const helper: Helper = { invite() {}, terminate() {} };
    return helper;
  });
  return { pool, started };
}

test("a start that fails is tried again, but not for ever", () => {
  const { pool, started } = pretend();
  for (let i = 0; i < 2; i++) {
    expect(pool.helper(1)).toBeDefined();
    started[i]!.onEnd("no memory");
    expect(pool.failure).toBeUndefined();
  }
  expect(pool.helper(1)).toBeDefined();
  started[2]!.onUp(); // from here failures are counted anew
  started[2]!.onEnd("it ended");
  for (let i = 3; i < 6; i++) {
    expect(pool.failure).toBeUndefined();
    expect(pool.helper(1)).toBeDefined();
    started[i]!.onEnd("no memory");
  }
  expect(pool.failure).toBe("a worker could not be started: no memory");
  expect(pool.helper(1)).toBeUndefined();
  expect(started.length).toBe(6);
});

const SCRIPT = `
  import { loadCore } from "./dist/core/index.js";
  let most = 0;
  for (let i = 0; i < 100; i++) {
    const { arena, enums: { Op, State }, run } = await loadCore({ variant: "simd", threads: 2 });
    const block = arena.allocate(1 << 24);
    arena.f32(block, 1 << 22).fill(1);
    const state = arena.allocate(State.size);
    const at = arena.allocate(8);
    arena.i32(at, 2).set([Op.advance, 2]);
    await new Promise((resolve) => setTimeout(resolve, 5));
    run({ at, end: at + 8, width: 2, workspace: 0 }, state, 1);
    most = Math.max(most, process.memoryUsage().rss / 2 ** 20);
  }
  console.log(most);`;

test("memories that are gone here do not stay with the helpers", () => {
  const output = execFileSync(process.execPath, ["--input-type=module", "-e", SCRIPT], {
    encoding: "utf8",
  });
  expect(Number(output)).toBeLessThan(900); // 100 of 16 MB; those not collected yet, here and there, are some hundreds
});
