import type { Chance } from "../../src/lab/chance.ts";
import type { Outcome } from "../../src/lab/run.ts";
import { stateOf } from "../../src/lab/run.ts";
import type { CompareConfig, Run } from "../../src/lab/types.ts";

/** Ten classes of equal size, as in the digits. */
export const TEN: Chance = { classes: 10, loss: Math.log(10), accuracy: 0.1 };

export const CONFIG: CompareConfig = {
  depth: 4,
  width: 16,
  activation: "relu",
  schemes: ["he_normal", "zeros"],
  optimizer: "momentum",
  learningRate: "auto",
  steps: 300,
  batchSize: 100,
  seeds: [1, 2, 3],
  variant: "simd",
};

/** A run that ended with the given accuracy and loss; its state follows from them. */
export function fakeRun(accuracy: number, loss: number | null, more: Partial<Run> = {}): Run {
  const divergence =
    loss === null ? { step: 3, layer: "dense_1", tensor: "output", value: Infinity } : null;
  return {
    seed: 1,
    learningRate: 0.01,
    state: stateOf({ divergence, trainLoss: loss, trainAccuracy: accuracy }, TEN),
    trainLoss: loss,
    trainAccuracy: accuracy,
    testAccuracy: accuracy,
    stepsTo90: null,
    divergence,
    losses: [2.3, loss],
    ...more,
  };
}

/** A run that met infinity at once. */
export const DIVERGED: Run = fakeRun(0, null, { losses: [null] });

/** A run that stayed at ln 10 from the first step to the last. */
export const STALLED: Run = fakeRun(0.1, Math.LN10, { losses: [Math.LN10, Math.LN10] });

/** A run that learnt this much. */
export const learnt = (accuracy: number): Run => fakeRun(accuracy, 2 * (1 - accuracy));

export function fakeOutcome(run: Run, more: Partial<Outcome> = {}): Outcome {
  const signals = { forward: [1, 1, 1, 1], gradient: [1, 1, 1, 1], unitsAreEqual: false };
  return { run, signals, unitsStayEqual: false, died: false, ...more };
}
