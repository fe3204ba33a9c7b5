import { describe, expect, test } from "vitest";
import type { Ptr } from "../../src/core/arena.ts";
import { variants } from "../support/kernels.ts";

describe.each(await variants())("run on $name", ({ kernels, arena, enums }) => {
  const { Op = {}, State = {} } = enums;

  test("what changes the state as a whole happens once, whatever the number of threads", () => {
    const plan = arena.allocate(64);
    arena.i32(plan, 4).set([Op.schedule!, 2, Op.advance!, 2]);
    const state = arena.allocate(State.size!);
    const run = (steps: number, thread: number) =>
      kernels.run(plan, (plan + 16) as Ptr, state, steps, thread, 3);
    for (let step = 0; step < 5; step++) {
      for (const thread of [0, 1, 2]) expect(run(1, thread)).toBe(1);
    }
    expect(arena.i32(state, 1)[0]).toBe(5);
  });

  test("many steps in one call are as many calls of one step", () => {
    const plan = arena.allocate(64);
    arena.i32(plan, 2).set([Op.advance!, 2]);
    const state = arena.allocate(State.size!);
    expect(kernels.run(plan, (plan + 8) as Ptr, state, 1000, 0, 1)).toBe(1000);
    expect(arena.i32(state, 1)[0]).toBe(1000);
  });
});
