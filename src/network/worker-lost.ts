import type { Core } from "../core/core.ts";
import type { LostThread, Program } from "../core/team.ts";

/**
 * A thread did not come back in the middle of a run: its worker was ended, or crashed. The network goes on with fewer threads, and
 * can be used: see `isWhole`.
 */
export class WorkerLostError extends Error {
  override readonly name = "WorkerLostError";
  /** The optimiser step that was under way, counted from 0. */
  readonly step: number;
  /** The instruction that the thread was at, or waited before: `gemm`. */
  readonly instruction: string;
  readonly thread: number;
  readonly threads: number;
  /**
   * The parameters are those of the last finished step. False when the loss was in an update: some may have taken it and others not;
   * draw them again, or load them.
   */
  readonly isWhole: boolean;

  constructor(cause: LostThread, step: number, place: Place) {
    const { thread, threads } = cause;
    const { instruction, isWhole } = place;
    super(
      `step ${step}: thread ${thread} of ${threads} was lost at ${instruction}; ` +
        (isWhole
          ? "the parameters are those of the last finished step"
          : "the update was not finished, so the parameters are neither the old nor the new ones"),
      { cause },
    );
    this.step = step;
    this.thread = thread;
    this.threads = threads;
    this.instruction = instruction;
    this.isWhole = isWhole;
  }
}

interface Place {
  readonly instruction: string;
  readonly isWhole: boolean;
}

const UPDATES: readonly string[] = ["sgd", "momentum", "rmsprop", "adam"];

/** What the threads were at, read from the words of the program. */
export function placeOfLoss(core: Core, program: Program, { seenAt, waitedAt }: LostThread): Place {
  const names = new Map(Object.entries(core.enums.Op ?? {}).map(([name, code]) => [code, name]));
  const words = core.arena.i32(program.at, (program.end - program.at) / 4);
  let instruction = "the start";
  // Everything before the barrier that the caller waited in front of was begun; what lies before the barrier before, ended.
  let begun = 0;
  let ended = 0;
  let updates = 0;
  for (let i = 0; i < words.length; i += words[i + 1]! & 0xffff) {
    const at = program.at + 4 * i;
    const name = names.get(words[i]!) ?? "an instruction";
    const isBarrier = ((words[i + 1]! >> 24) & 1) === 1;
    if (at === seenAt) instruction = name;
    if (at < waitedAt && isBarrier) ended = updates;
    if (UPDATES.includes(name)) {
      updates++;
      if (at < waitedAt) begun = updates;
    }
  }
  if (seenAt === program.end) instruction = "the end of the step";
  return { instruction, isWhole: begun === 0 || ended === updates };
}
