import type { Run, RunState } from "./types.ts";

/** The figures of a run that a median stands for. */
export type Figures = Pick<
  Run,
  "state" | "trainLoss" | "trainAccuracy" | "testAccuracy" | "stepsTo90"
>;

/** Each figure's median over runs. A null counts as infinite: it is the median when it is in the middle. */
export function medianOf(runs: readonly Run[]): Figures {
  return {
    state: commonState(runs),
    trainLoss: medianOrNull(runs.map((run) => run.trainLoss)),
    trainAccuracy: median(runs.map((run) => run.trainAccuracy)),
    testAccuracy: median(runs.map((run) => run.testAccuracy)),
    stepsTo90: medianOrNull(runs.map((run) => run.stepsTo90)),
  };
}

/** The middle number, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle]!;
  return sorted.length % 2 === 1 ? upper : (sorted[middle - 1]! + upper) / 2;
}

function medianOrNull(values: readonly (number | null)[]): number | null {
  const middle = median(values.map((value) => value ?? Number.POSITIVE_INFINITY));
  return Number.isFinite(middle) ? middle : null;
}

/** The state of most runs; the worst of those that are equally frequent. */
function commonState(runs: readonly Run[]): RunState {
  const count = (state: RunState) => runs.filter((run) => run.state === state).length;
  const worstFirst: readonly RunState[] = ["diverged", "stalled", "completed"];
  return worstFirst.reduce((best, state) => (count(state) > count(best) ? state : best));
}
