import { checkNames } from "../core/options.ts";
import type { Dataset } from "../data/dataset.ts";
import type { Totals } from "./blocks.ts";
import type { Divergence } from "./divergence.ts";

export interface FitOptions {
  /** Passes over the data. Default 1, unless `steps` is given. */
  readonly epochs?: number;
  /** Optimiser steps, instead of `epochs`. */
  readonly steps?: number;
  /** Rows of a step; the last batch of an epoch has what remains. Default 32. */
  readonly batchSize?: number;
  /**
   * Batches of a step: their gradients are averaged over all rows before the one update, so that `batchSize` 32 and `accumulate` 4 take
   * the steps of a batch of 128 in the memory of 32. Batch norm sees each batch on its own. Default 1.
   */
  readonly accumulate?: number;
  /** Evaluated at the end of each epoch, and at the end. */
  readonly validation?: Dataset;
  /** Draw a new order of the rows each epoch. Default true. */
  readonly shuffle?: boolean;
  /** Stops between two calls into the core; everything done so far stays. */
  readonly signal?: AbortSignal;
  /** Time between ticks, at most 4096 steps. Default 50: about 20 a second. */
  readonly tickMilliseconds?: number;
}

export interface Metrics {
  readonly loss: number;
  /** For losses over classes. */
  readonly accuracy?: number;
}

/** A moment of training. The last one has a state other than `running`. */
export interface Tick {
  readonly state: "running" | "completed" | "diverged" | "aborted";
  /** Steps of this `fit` done, and to do. */
  readonly step: number;
  readonly steps: number;
  /** Which of this fit's epochs the last step was in, from 1. */
  readonly epoch: number;
  readonly epochs: number;
  /** Mean over the rows trained on since the last tick. */
  readonly loss: number;
  readonly metrics: Metrics;
  /** Each step since the last tick: mean loss of its batch, and share of its rows that were right. */
  readonly losses: Float32Array;
  readonly accuracies: Float32Array;
  readonly learningRate: number;
  /** Rows a second since the last tick. */
  readonly rate: number;
  /** At the end of an epoch, when there are validation data. */
  readonly validation?: Metrics;
  /** When the state is `diverged`. */
  readonly divergence?: Divergence;
}

/** What `fit` drives: a network seen from its training loop. */
export interface Trainer {
  readonly step: number;
  /** Steps done on this data set with this batch size: where in an epoch training is. */
  readonly stepOnSet: number;
  /** Steps that `history` reaches back. */
  readonly historyLength: number;
  readonly learningRate: number;
  readonly hasAccuracy: boolean;
  /** Runs at most `count` steps of `rows` rows each; fewer when a number was not finite. */
  readonly run: (rows: number, count: number) => number;
  readonly takeTotals: () => Totals;
  readonly history: (
    from: number,
    to: number,
  ) => { losses: Float32Array; accuracies: Float32Array };
  readonly evaluate: (dataset: Dataset) => Metrics;
  readonly locateDivergence: (rows: number) => Divergence;
}

/** The checked schedule of a fit. */
export interface Course {
  readonly rows: number;
  readonly batchSize: number;
  /** Rows that go forward and back together: `batchSize`, or what it is the sum of. */
  readonly part: number;
  readonly steps: number;
  readonly epochs: number;
  readonly stepsPerEpoch: number;
}

const FIT_OPTIONS: readonly (keyof FitOptions)[] = [
  ...(["epochs", "steps", "batchSize", "validation", "shuffle", "signal"] as const),
  ...(["accumulate", "tickMilliseconds"] as const),
];

/** Turns epochs or steps into a course. Throws a `RangeError` for what is no whole number of at least 1, or no option. */
export function courseOf(dataset: Dataset, options: FitOptions): Course {
  checkNames("fit", options, FIT_OPTIONS);
  const { rows } = dataset;
  const part = Math.min(whole("batchSize", options.batchSize ?? 32), rows);
  const batchSize = Math.min(part * whole("accumulate", options.accumulate ?? 1), rows);
  const stepsPerEpoch = Math.ceil(rows / batchSize);
  const { tickMilliseconds = 0 } = options;
  if (!(tickMilliseconds >= 0)) {
    throw new RangeError(`fit: tickMilliseconds must not be negative, got ${tickMilliseconds}`);
  }
  if (options.steps !== undefined && options.epochs !== undefined) {
    throw new RangeError("fit: give epochs or steps, not both");
  }
  const steps =
    options.steps === undefined
      ? whole("epochs", options.epochs ?? 1) * stepsPerEpoch
      : whole("steps", options.steps);
  return { rows, batchSize, part, steps, epochs: Math.ceil(steps / stepsPerEpoch), stepsPerEpoch };
}

/**
 * Drives the trainer in calls as long as a tick, and says what happened at each: JavaScript runs between ticks, never per step.
 *
 * Where in an epoch training is follows from the steps done on this set, so a fit that starts in the middle of one goes on.
 */
export async function* fitLoop(
  trainer: Trainer,
  course: Course,
  options: FitOptions,
): AsyncGenerator<Tick, Tick, void> {
  const { batchSize, rows, steps, stepsPerEpoch } = course;
  const tickTime = options.tickMilliseconds ?? 50;
  const start = trainer.step;
  const end = start + steps;
  let millisecondsPerStep = Number.POSITIVE_INFINITY;
  let reported = start;
  let lastTick = performance.now();
  trainer.takeTotals();

  const tick = (state: Tick["state"], more: Partial<Tick> = {}): Tick => {
    const now = performance.now();
    const { loss, accuracy, rows: seen } = trainer.takeTotals();
    const { losses, accuracies } = trainer.history(reported, trainer.step);
    const done = trainer.step - start;
    const rate = (seen / Math.max(now - lastTick, 1e-3)) * 1000;
    reported = trainer.step;
    lastTick = now;
    return {
      ...{ state, step: done, steps, losses, accuracies, rate, loss },
      epoch: Math.min(Math.max(1, Math.ceil(done / stepsPerEpoch)), course.epochs),
      epochs: course.epochs,
      metrics: trainer.hasAccuracy ? { loss, accuracy } : { loss },
      learningRate: trainer.learningRate,
      ...more,
    };
  };

  while (trainer.step < end) {
    if (options.signal?.aborted) return yield* last(tick("aborted"));
    const inEpoch = trainer.stepOnSet % stepsPerEpoch;
    const remainder = rows % batchSize;
    const isPartial = remainder !== 0 && inEpoch === stepsPerEpoch - 1;
    const size = isPartial ? remainder : batchSize;
    // A call may cross epochs where all batches are alike and nothing is to be done between two.
    const crosses = remainder === 0 && options.validation === undefined;
    const inFull = crosses ? Number.POSITIVE_INFINITY : Math.floor(rows / batchSize) - inEpoch;
    const full = isPartial ? 1 : inFull;
    const wanted = Math.max(1, Math.floor(tickTime / millisecondsPerStep));
    const unreported = trainer.step - reported;
    const count = Math.min(full, wanted, end - trainer.step, trainer.historyLength - unreported);

    const before = performance.now();
    const done = trainer.run(size, count);
    const elapsed = performance.now() - before;
    if (done > 0) millisecondsPerStep = elapsed / done;
    if (done < count) {
      const divergence = trainer.locateDivergence(size);
      return yield* last(tick("diverged", { divergence }));
    }

    const isEpochEnd = trainer.stepOnSet % stepsPerEpoch === 0;
    const isEnd = trainer.step === end;
    const validates = options.validation !== undefined && (isEpochEnd || isEnd);
    const isFull = trainer.step - reported === trainer.historyLength;
    if (validates || isEnd || isFull || performance.now() - lastTick >= tickTime) {
      const totals = tick(isEnd ? "completed" : "running");
      const report = validates
        ? { ...totals, validation: trainer.evaluate(options.validation!) }
        : totals;
      yield report;
      if (isEnd) return report;
      await nextTask();
    }
  }
  return yield* last(tick("completed"));
}

async function* last(tick: Tick): AsyncGenerator<Tick, Tick, void> {
  yield tick;
  return tick;
}

/** Lets timers, input and aborts run. `setImmediate` where there is one: a timer would wait a millisecond. */
function nextTask(): Promise<void> {
  const immediate = (globalThis as { setImmediate?: (f: () => void) => void }).setImmediate;
  return new Promise((resolve) => {
    if (immediate) immediate(resolve);
    else setTimeout(resolve);
  });
}

function whole(name: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < 1 || value > 2 ** 31 - 1) {
    throw new RangeError(`fit: ${name} must be a whole number of at least 1, got ${value}`);
  }
  return value;
}
