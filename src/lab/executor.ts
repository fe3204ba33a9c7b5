import type { Job } from "./network.ts";
import type { Outcome, Setup } from "./run.ts";
import { train } from "./run.ts";

/** Does the runs of one comparison, some of them at a time. */
export interface Executor {
  /** Runs at a time. */
  readonly slots: number;
  /** Undefined when the signal stopped the run before its end. */
  readonly run: (job: Job, signal: AbortSignal) => Promise<Outcome | undefined>;
  readonly close: () => Promise<void>;
}

/** One run at a time, in this thread; between two calls into the core it lets others have the thread. */
export function inThisThread(setup: Setup): Executor {
  return {
    slots: 1,
    run: (job, signal) => train(setup, job, signal),
    close: async () => {},
  };
}
