import type { Ptr } from "../core/arena.ts";
import type { Core } from "../core/core.ts";
import type { Effects } from "../graph/effects.ts";
import { bytesOf, effectsOf } from "../graph/effects.ts";
import type { Plan } from "../graph/plan.ts";
import type { Instruction } from "../graph/tape.ts";

export interface ProfileOptions {
  /** Rows of a step. Default 32. */
  readonly batchSize?: number;
  /** Steps that each instruction is timed in. Default 50. */
  readonly steps?: number;
}

/** What an instruction of a plan is, and the work it does: the same on every machine. */
export interface InstructionCost {
  readonly op: string;
  /** Path of the layer it belongs to; `data`, `loss` or `optimizer` for what belongs to none. */
  readonly layer: string;
  readonly pass: "forward" | "backward";
  /** Of a product `m x n x k` and which operand is transposed, `NN`, `TN`, `NT`; of the others the elements. */
  readonly shape: string;
  /** Additions and multiplications of its formula; undefined for an instruction whose effects are not known. */
  readonly flops: number | undefined;
  /** Bytes it reads and writes, each once. */
  readonly bytes: number | undefined;
  /** Threads that repay themselves in it, of those the network has. */
  readonly threads: number;
  /** Whether the threads wait for each other before it. */
  readonly waits: boolean;
}

/** An instruction with the time it takes. */
export interface InstructionProfile extends InstructionCost {
  /** Mean of the quickest three quarters of its executions, on one thread. */
  readonly microseconds: number;
  /** Of the sum over all instructions. */
  readonly share: number;
}

/** Where the time of a training step goes. */
export interface Profile {
  readonly batchSize: number;
  readonly steps: number;
  /** A step as it is run in training, many in one call. */
  readonly stepMicroseconds: number;
  /** The sum over the instructions, run one by one: above `stepMicroseconds` by what a call costs. */
  readonly microseconds: number;
  readonly instructions: readonly InstructionProfile[];
}

interface Located {
  readonly at: Ptr;
  readonly end: Ptr;
  readonly cost: InstructionCost;
}

/** The work of each instruction of a plan, from its words in memory and the table of effects. */
export function costsOf(core: Core, plan: Plan): readonly InstructionCost[] {
  return locate(core, plan).map(({ cost }) => cost);
}

/** Times the instructions of a training plan by running it in pieces from here. It trains: the caller puts back what it changes. */
export function profilePlan(
  core: Core,
  plan: Plan,
  state: Ptr,
  batchSize: number,
  steps: number,
): Profile {
  const run = (at: Ptr, end: Ptr, count: number): void => {
    const done = core.kernels.run(at, end, state, count, 0, 1);
    if (done < count) throw new Error("profile: a number was not finite; fit says where");
  };
  const stepMicroseconds = wholeStep(() => run(plan.at, plan.end, 1));
  const located = locate(core, plan);
  const times = located.map(() => new Float64Array(steps));
  for (let step = 0; step < steps; step++) {
    located.forEach(({ at, end }, i) => {
      const start = performance.now();
      run(at, end, 1);
      times[i]![step] = performance.now() - start;
    });
  }
  const idle = clockCost();
  const microseconds = times.map((t) => Math.max(0, 1000 * (quickMean(t) - idle)));
  const total = microseconds.reduce((sum, x) => sum + x, 0);
  return {
    batchSize,
    steps,
    stepMicroseconds,
    microseconds: total,
    instructions: located.map(({ cost }, i) => {
      return { ...cost, microseconds: microseconds[i]!, share: microseconds[i]! / total };
    }),
  };
}

const WARM_UP_MILLISECONDS = 100;

/** One step in microseconds, after the engine has had time to compile its best. */
function wholeStep(run: () => void): number {
  const times: number[] = [];
  const end = performance.now() + 2 * WARM_UP_MILLISECONDS;
  while (times.length < 3 || performance.now() < end) {
    const start = performance.now();
    run();
    times.push(performance.now() - start);
  }
  return 1000 * quickMean(Float64Array.from(times.slice(times.length >> 1)));
}

/** What it costs to look at the clock twice. */
function clockCost(): number {
  return quickMean(
    Float64Array.from({ length: 1000 }, () => {
      const start = performance.now();
      return performance.now() - start;
    }),
  );
}

/** The mean without the slowest quarter, which other programs disturbed; unlike a median it sees below a coarse clock's tick. */
function quickMean(times: Float64Array): number {
  const quick = times.sort().subarray(0, Math.ceil(0.75 * times.length));
  return quick.reduce((sum, x) => sum + x, 0) / quick.length;
}

/** Finds the instructions in memory: opcode, header (see `Header` in assembly/run.ts), operands. */
function locate(core: Core, plan: Plan): readonly Located[] {
  const names = new Map(Object.entries(core.enums.Op ?? {}).map(([name, code]) => [code, name]));
  const words = core.arena.i32(plan.at, (plan.end - plan.at) / 4);
  const recorded = plan.listing.values();
  const located: Located[] = [];
  for (let i = 0; i < words.length; ) {
    const [code, header] = [words[i]!, words[i + 1]!];
    const length = header & 0xffff;
    const op = names.get(code) ?? `opcode ${code}`;
    const operands = Array.from(words.subarray(i + 2, i + length));
    const at = (plan.at + 4 * i) as Ptr;
    i += length;
    const effects = effectsOf(op, operands, core.enums.State ?? {});
    const threads = Math.max(1, (header >>> 16) & 0xff);
    const waits = header >>> 24 !== 0;
    const cost = { ...costOf(op, operands, effects, recorded.next().value), threads, waits };
    located.push({ at, end: (plan.at + 4 * i) as Ptr, cost });
  }
  return located;
}

function costOf(
  op: string,
  words: readonly number[],
  effects: Effects | undefined,
  recorded: Instruction | undefined,
): Omit<InstructionCost, "threads" | "waits"> {
  return {
    op,
    layer: recorded?.layer ?? "data",
    pass: recorded?.pass ?? "forward",
    shape: op === "gemm" ? productShape(words) : `${effects?.elements ?? ""}`,
    flops: effects?.flops,
    bytes: effects && bytesOf(effects),
  };
}

function productShape([, , , , , csa, , , csb, , , m, n, k]: readonly number[]): string {
  return `${m}x${n}x${k} ${csa === 1 ? "N" : "T"}${csb === 1 ? "N" : "T"}`;
}
