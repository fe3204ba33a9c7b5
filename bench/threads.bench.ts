import type { Core, Program, Ptr } from "headstart/core";
import { loadCore } from "headstart/core";
import { report, uniform } from "./support.ts";

// What the cost model of src/graph/cost.ts rests on, and what a second thread is worth. One and two threads are timed in turn, many
// times, since other work on the machine falls on both alike; medians.

const SIZES = [64, 96, 128, 256, 512, 1024];
const ROUNDS = 15;

export async function suite(): Promise<void> {
  const core = await loadCore({ variant: "simd", threads: 2 });
  if (core.threads.count < 2) {
    console.log(`threads: one thread here: ${core.threads.reason}`);
    return;
  }
  await present(core);
  const { Op = {}, State = {} } = core.enums;
  const state = core.arena.allocate(State.size!);

  const empty = programOf(core, [[Op.advance!, 2]], 0);
  const barrier = programOf(core, [[Op.advance!, 2 | (1 << 16) | (1 << 24)]], 0);
  const time = (program: Program, width: number, steps: number) => {
    const started = performance.now();
    core.run({ ...program, width }, state, steps);
    return ((performance.now() - started) * 1e6) / steps;
  };
  const both = async (program: Program, steps: number): Promise<readonly [number, number]> => {
    await present(core);
    time(program, 1, steps);
    time(program, 2, steps);
    const one: number[] = [];
    const two: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      one.push(time(program, 1, steps));
      await present(core); // a helper that other work keeps from its core would leave the run to one thread
      two.push(time(program, 2, steps));
    }
    return [median(one), median(two)];
  };

  const [, twoEmpty] = await both(empty, 10_000);
  const [, twoBarriers] = await both(barrier, 10_000);
  const [, wake] = await both(empty, 1);
  console.log(
    `threads: a barrier ${twoEmpty.toFixed(0)} to ${(twoBarriers - twoEmpty).toFixed(0)} ns, ` +
      `a run of nothing with two threads ${wake.toFixed(0)} ns`,
  );

  for (const n of SIZES) {
    const workspace = core.kernels.gemmWorkspace(n, n, n);
    const [a, b, c] = [uniform(core, n * n), uniform(core, n * n), uniform(core, n * n)];
    const ws = core.arena.allocate(2 * workspace);
    const words = [c, n, 1, a, n, 1, b, n, 1, 0, ws, n, n, n, 0, 0, 0, core.tile];
    const program = programOf(core, [[Op.gemm!, words.length + 2, ...words]], workspace);
    const flops = 2 * n ** 3;
    const [one, two] = await both(program, Math.max(1, Math.round(3e7 / flops)));
    report(
      `gemm ${n} x ${n} x ${n}`,
      "GFLOP/s",
      ["1 thread", "2 threads"],
      [flops / one, flops / two],
    );
  }
  for (const n of [4096, 65_536, 1_048_576]) {
    const [x, y] = [uniform(core, n), uniform(core, n)];
    const program = programOf(core, [[Op.add!, 7, y, x, x, n, 0]], 0);
    const [one, two] = await both(program, Math.max(1, Math.round(3e7 / n)));
    report(`add ${n}`, "GB/s", ["1 thread", "2 threads"], [(12 * n) / one, (12 * n) / two]);
  }
}

function programOf(
  core: Core,
  instructions: readonly (readonly number[])[],
  workspace: number,
): Program {
  const words = instructions.flat();
  const at = core.arena.allocate(words.length * 4);
  core.arena.i32(at, words.length).set(words);
  return { at, end: (at + words.length * 4) as Ptr, width: 2, workspace };
}

async function present(core: Core): Promise<void> {
  while (core.threads.present < core.threads.count) {
    core.team?.gather();
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}
