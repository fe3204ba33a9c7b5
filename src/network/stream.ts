import { checkNames } from "../core/options.ts";
import type { Dataset } from "../data/dataset.ts";
import type { Divergence } from "./divergence.ts";
import type { FitOptions, Metrics, Tick, Trainer } from "./fit.ts";
import { CheckpointClock, checkTimes, nextTask } from "./fit.ts";

/** Rows of a stream, row-major, as `trainStep` takes them. */
export interface StreamBatch {
  readonly inputs: ArrayLike<number>;
  readonly targets: ArrayLike<number>;
}

/** What a fit of a stream takes; whoever makes the stream decides on batches, order and epochs. */
export type StreamOptions = Pick<
  FitOptions,
  "steps" | "validation" | "signal" | "tickMilliseconds" | "checkpoint"
>;

/** What a fit of a stream drives. */
export interface StreamTrainer
  extends Pick<
    Trainer,
    | "step"
    | "learningRate"
    | "hasAccuracy"
    | "historyLength"
    | "takeTotals"
    | "history"
    | "checkpoint"
  > {
  /** Copies a batch into the core, and gives what runs its step: undefined, or how it diverged. */
  readonly stage: (batch: StreamBatch) => () => Divergence | undefined;
  readonly evaluate: (dataset: Dataset) => Metrics;
}

const NAMES: readonly (keyof StreamOptions)[] = [
  ...(["steps", "validation", "signal", "tickMilliseconds", "checkpoint"] as const),
];

/** Throws a `RangeError` for an option that a stream has no use for. */
export function checkStream(options: StreamOptions): void {
  checkNames("fit of a stream", options, NAMES);
  const { steps } = options;
  if (steps !== undefined && !(Number.isSafeInteger(steps) && steps >= 1)) {
    throw new RangeError(
      `fit of a stream: steps must be a whole number of at least 1, got ${steps}`,
    );
  }
  checkTimes(options);
}

/**
 * A step for each batch, until the stream ends or `steps` are done. The next batch is asked for as soon as one has been copied, so that
 * it is read while the core works; a producer may write the next one into the same arrays.
 */
export async function* streamLoop(
  trainer: StreamTrainer,
  batches: AsyncIterable<StreamBatch>,
  options: StreamOptions,
): AsyncGenerator<Tick, Tick, void> {
  const { steps = Number.POSITIVE_INFINITY, signal, validation } = options;
  const tickTime = options.tickMilliseconds ?? 50;
  const clock = options.checkpoint && new CheckpointClock(options.checkpoint, 0);
  const start = trainer.step;
  let reported = start;
  let lastTick = performance.now();
  trainer.takeTotals();

  const tick = async (state: Tick["state"], more: Partial<Tick> = {}): Promise<Tick> => {
    const now = performance.now();
    const { loss, accuracy, rows } = trainer.takeTotals();
    const { losses, accuracies } = trainer.history(reported, trainer.step);
    const rate = (rows / Math.max(now - lastTick, 1e-3)) * 1000;
    reported = trainer.step;
    lastTick = now;
    const isEnd = state === "completed" && validation !== undefined;
    const report: Tick = {
      ...{ state, step: trainer.step - start, steps, losses, accuracies, rate, loss },
      ...{ epoch: 1, epochs: 1, learningRate: trainer.learningRate },
      metrics: trainer.hasAccuracy ? { loss, accuracy } : { loss },
      ...(isEnd ? { validation: trainer.evaluate(validation) } : {}),
      ...more,
    };
    if (clock?.isDue(report)) await options.checkpoint!.save(trainer.checkpoint());
    return report;
  };

  const iterator = batches[Symbol.asyncIterator]();
  const ask = () => {
    const next = iterator.next();
    next.catch(() => {}); // told where it is awaited, or to nobody when the fit ends before
    return next;
  };
  let ending: Tick["state"] = "completed";
  let divergence: Divergence | undefined;
  let isOpen = true;
  try {
    for (let pending = ask(); trainer.step - start < steps; ) {
      const { value, done } = await pending;
      if (done) {
        isOpen = false;
        break;
      }
      if (signal?.aborted) {
        ending = "aborted";
        break;
      }
      const run = trainer.stage(value);
      if (trainer.step - start + 1 < steps) pending = ask();
      divergence = run();
      if (divergence !== undefined) {
        ending = "diverged";
        break;
      }
      const isFull = trainer.step - reported === trainer.historyLength;
      const isSaved = clock?.stepsLeft(trainer.step - start) === 0;
      const isLast = trainer.step - start === steps;
      if (!isLast && (isFull || isSaved || performance.now() - lastTick >= tickTime)) {
        yield await tick("running");
        await nextTask();
      }
    }
    const last = await tick(ending, divergence === undefined ? {} : { divergence });
    yield last;
    return last;
  } finally {
    if (isOpen) await iterator.return?.();
  }
}
