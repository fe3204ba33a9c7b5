import { checkNames } from "../core/options.ts";
import type { Dataset } from "../data/dataset.ts";
import type { Augmentation } from "./augment.ts";
import type { Totals } from "./blocks.ts";
import { CheckpointError } from "./checkpoint-error.ts";
import type { Divergence } from "./divergence.ts";
import type { EarlyStopping } from "./early-stopping.ts";
import { NOTHING_YET, Stopper } from "./early-stopping.ts";
import type { FitProgress, Standing } from "./training-file.ts";

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
  /** Ends the fit when the validation data show no progress. Default: never. */
  readonly earlyStopping?: EarlyStopping;
  /** Gives back the parameters of the epoch whose validation was best, when the fit ends otherwise than by `signal`. Default false. */
  readonly restoreBest?: boolean;
  /** Changes the training images from step to step. Default: not. */
  readonly augment?: Augmentation;
  /** Hands over a checkpoint now and then, and at the end unless training diverged. */
  readonly checkpoint?: CheckpointOptions;
}

/** When to take a checkpoint, and what to do with it. Without any `every`: each 30 seconds. */
export interface CheckpointOptions {
  /** Called between two calls into the core; training waits for what it promises. `checkpointFolder` of `headstart/node` keeps files. */
  readonly save: (bytes: Uint8Array<ArrayBuffer>) => void | Promise<void>;
  readonly everySteps?: number;
  readonly everyTicks?: number;
  readonly everySeconds?: number;
}

export interface Metrics {
  readonly loss: number;
  /** For losses over classes. */
  readonly accuracy?: number;
}

/** A moment of training. The last one has a state other than `running`. */
export interface Tick {
  readonly state: "running" | "completed" | "stopped" | "diverged" | "aborted";
  /** Steps of this `fit` done, and to do; those done before it was resumed included. */
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
  /** The best validation so far, with `earlyStopping` or `restoreBest`. */
  readonly best?: { readonly value: number; readonly epoch: number; readonly step: number };
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
  /** Keeps the parameters as they are, and puts them back. */
  readonly keepBest: () => void;
  readonly putBest: () => void;
  readonly checkpoint: () => Uint8Array<ArrayBuffer>;
  /** Where the fit is, for a checkpoint that is taken between two ticks. */
  readonly note: (progress: FitProgress) => void;
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
  readonly shuffle: boolean;
  readonly augment: Augmentation | null;
  /** Steps of this fit done before it was resumed, and where early stopping stood. */
  readonly done: number;
  readonly standing: Standing;
}

const FIT_OPTIONS: readonly (keyof FitOptions)[] = [
  ...(["epochs", "steps", "batchSize", "validation", "shuffle", "signal"] as const),
  ...(["accumulate", "tickMilliseconds", "earlyStopping", "restoreBest"] as const),
  ...(["checkpoint", "augment"] as const),
];

/**
 * Turns epochs or steps into a course; of a fit that is resumed, what is not given is as it was. Throws a `RangeError` for what is no
 * whole number of at least 1, or no option, and a `CheckpointError` for what cannot change in the middle of a fit.
 */
export function courseOf(dataset: Dataset, options: FitOptions, resumed?: FitProgress): Course {
  checkNames("fit", options, FIT_OPTIONS);
  const { rows } = dataset;
  const accumulate = whole("accumulate", options.accumulate ?? 1);
  const usual = resumed === undefined ? 32 : Math.ceil(resumed.batchSize / accumulate);
  const part = Math.min(whole("batchSize", options.batchSize ?? usual), rows);
  const batchSize = Math.min(part * accumulate, rows);
  const shuffle = options.shuffle ?? resumed?.shuffle ?? true;
  const augment = options.augment ?? resumed?.augment ?? null;
  if (resumed !== undefined) checkUnchanged(resumed, { batchSize, shuffle, augment });
  checkStops(options);
  const stepsPerEpoch = Math.ceil(rows / batchSize);
  if (options.steps !== undefined && options.epochs !== undefined) {
    throw new RangeError("fit: give epochs or steps, not both");
  }
  const isOpen = options.steps === undefined && options.epochs === undefined;
  const steps =
    isOpen && resumed !== undefined
      ? resumed.steps
      : options.steps === undefined
        ? whole("epochs", options.epochs ?? 1) * stepsPerEpoch
        : whole("steps", options.steps);
  const { done = 0, standing = NOTHING_YET } = resumed ?? {};
  if (steps < done) {
    throw new CheckpointError(
      "options",
      `fit: expected at least the ${done} steps that are done, got ${steps}; give the epochs or steps of the whole fit`,
    );
  }
  const epochs = Math.ceil(steps / stepsPerEpoch);
  return { rows, batchSize, part, steps, epochs, stepsPerEpoch, shuffle, augment, done, standing };
}

/** What decides which rows a step sees cannot change in the middle of a fit. */
function checkUnchanged(
  resumed: FitProgress,
  own: Pick<FitProgress, "batchSize" | "shuffle" | "augment">,
): void {
  for (const name of ["batchSize", "shuffle", "augment"] as const) {
    const [before, now] = [resumed[name], own[name]].map((value) => JSON.stringify(value));
    if (before === now) continue;
    throw new CheckpointError(
      "options",
      `fit: expected ${name} ${before}, as in the fit that is resumed, got ${now}; leave it out`,
    );
  }
}

function checkStops(options: FitOptions): void {
  const { earlyStopping, restoreBest, validation } = options;
  if ((earlyStopping !== undefined || restoreBest) && validation === undefined) {
    throw new RangeError(
      `fit: ${restoreBest ? "restoreBest" : "earlyStopping"} needs validation data; give \`validation\``,
    );
  }
  checkTimes(options);
}

/** What says when something happens. */
export function checkTimes({
  tickMilliseconds = 0,
  checkpoint,
}: Pick<FitOptions, "tickMilliseconds" | "checkpoint">): void {
  if (!(tickMilliseconds >= 0)) {
    throw new RangeError(`fit: tickMilliseconds must not be negative, got ${tickMilliseconds}`);
  }
  if (checkpoint === undefined) return;
  const every = ["everySteps", "everyTicks", "everySeconds"] as const;
  checkNames("fit: checkpoint", checkpoint, ["save", ...every]);
  for (const name of every) {
    const value = checkpoint[name];
    if (value !== undefined && !(value > 0)) {
      throw new RangeError(`fit: checkpoint.${name} must be positive, got ${value}`);
    }
  }
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
  const { batchSize, rows, steps, stepsPerEpoch, shuffle, augment } = course;
  const plan = { steps, batchSize, shuffle, augment };
  const tickTime = options.tickMilliseconds ?? 50;
  const start = trainer.step - course.done;
  const end = start + steps;
  const stopper = new Stopper(options.earlyStopping, course.standing);
  const clock = options.checkpoint && new CheckpointClock(options.checkpoint, course.done);
  let millisecondsPerStep = Number.POSITIVE_INFINITY;
  let reported = trainer.step;
  let lastTick = performance.now();
  trainer.takeTotals();

  const tick = (state: Tick["state"], more: Partial<Tick> = {}): Tick => {
    const now = performance.now();
    const { loss, accuracy, rows: seen } = trainer.takeTotals();
    const { losses, accuracies } = trainer.history(reported, trainer.step);
    const done = trainer.step - start;
    trainer.note({ ...plan, done, standing: stopper.standing });
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
  /** A tick with the validation of this moment, judged, and the checkpoint that is due. */
  const report = async (validates: boolean): Promise<Tick> => {
    const isEnd = trainer.step === end;
    const totals = tick(isEnd ? "completed" : "running");
    if (!validates) return save(totals);
    const validation = trainer.evaluate(options.validation!);
    if (stopper.judge(validation, totals) && options.restoreBest) trainer.keepBest();
    trainer.note({ ...plan, done: totals.step, standing: stopper.standing });
    const state = !isEnd && stopper.isOver ? "stopped" : totals.state;
    const isWatched = options.earlyStopping !== undefined || options.restoreBest === true;
    return save({ ...totals, state, validation, ...(isWatched ? stopper.best : {}) });
  };
  const save = async (report: Tick): Promise<Tick> => {
    if (clock?.isDue(report)) await options.checkpoint!.save(trainer.checkpoint());
    // An interrupted fit is left as it is, since it may go on.
    const hasEnded = report.state !== "running" && report.state !== "aborted";
    if (hasEnded && options.restoreBest) trainer.putBest();
    return report;
  };
  tick("running"); // notes where the fit begins

  while (trainer.step < end) {
    if (options.signal?.aborted) return yield* last(await save(tick("aborted")));
    if (stopper.isOver) return yield* last(await save(tick("stopped")));
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
    const untilSave = clock?.stepsLeft(trainer.step - start) ?? Number.POSITIVE_INFINITY;
    const most = Math.min(end - trainer.step, trainer.historyLength - unreported);
    const count = Math.min(full, wanted, most, untilSave);

    const before = performance.now();
    const done = trainer.run(size, count);
    const elapsed = performance.now() - before;
    if (done > 0) millisecondsPerStep = elapsed / done;
    if (done < count) {
      const divergence = trainer.locateDivergence(size);
      return yield* last(await save(tick("diverged", { divergence })));
    }

    const isEpochEnd = trainer.stepOnSet % stepsPerEpoch === 0;
    const isEnd = trainer.step === end;
    const validates = options.validation !== undefined && (isEpochEnd || isEnd);
    const isFull = trainer.step - reported === trainer.historyLength;
    const isSaved = clock?.stepsLeft(trainer.step - start) === 0;
    const isLate = performance.now() - lastTick >= tickTime;
    if (validates || isEnd || isFull || isSaved || isLate) {
      const now = await report(validates);
      yield now;
      if (now.state !== "running") return now;
      await nextTask();
    }
  }
  return yield* last(await save(tick("completed")));
}

/** Says when a checkpoint is due. */
export class CheckpointClock {
  readonly #steps: number;
  readonly #ticks: number;
  readonly #milliseconds: number;
  #nextStep: number;
  #ticksSince = 0;
  #savedAt: number = performance.now();

  constructor({ everySteps, everyTicks, everySeconds }: CheckpointOptions, done: number) {
    const isOpen = everySteps === undefined && everyTicks === undefined;
    this.#steps = everySteps ?? Number.POSITIVE_INFINITY;
    this.#ticks = everyTicks ?? Number.POSITIVE_INFINITY;
    this.#milliseconds = (everySeconds ?? (isOpen ? 30 : Number.POSITIVE_INFINITY)) * 1000;
    this.#nextStep = this.#following(done);
  }

  /** Steps until one is due for their number; 0 at that step. */
  stepsLeft(done: number): number {
    return Math.max(0, this.#nextStep - done);
  }

  /** Whether to take one at this tick; if so, the next one is counted from here. */
  isDue({ state, step }: Tick): boolean {
    if (state === "diverged") return false;
    this.#ticksSince++;
    const isLate = performance.now() - this.#savedAt >= this.#milliseconds;
    const isDue =
      state !== "running" || step >= this.#nextStep || this.#ticksSince >= this.#ticks || isLate;
    if (!isDue) return false;
    this.#nextStep = this.#following(step);
    this.#ticksSince = 0;
    this.#savedAt = performance.now();
    return true;
  }

  /** The first multiple after `done`. */
  #following(done: number): number {
    if (!Number.isFinite(this.#steps)) return this.#steps;
    return (Math.floor(done / this.#steps) + 1) * this.#steps;
  }
}

async function* last(tick: Tick): AsyncGenerator<Tick, Tick, void> {
  yield tick;
  return tick;
}

/** Lets timers, input and aborts run. `setImmediate` where there is one: a timer would wait a millisecond. */
export function nextTask(): Promise<void> {
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
