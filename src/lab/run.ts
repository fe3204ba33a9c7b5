import type { Dataset } from "../data/dataset.ts";
import type { Divergence } from "../network/divergence.ts";
import type { Network } from "../network/network.ts";
import type { Chance } from "./chance.ts";
import { chanceOf, hasLearnt } from "./chance.ts";
import type { Job } from "./network.ts";
import { createNetwork } from "./network.ts";
import type { ProbeBatch, Signals } from "./signals.ts";
import { measureSignals } from "./signals.ts";
import type { CompareConfig, Run, RunState } from "./types.ts";

/** A loss that is finite and useless. */
const LOST = 1e4;

/** Share of the chance loss that a run must get below to have left it. */
const LEFT = 0.98;

/** Most points of a loss curve. */
const POINTS = 100;

/** Rows of the batch that signals are measured on. */
const PROBE_ROWS = 256;

/** A run, and the signals in its network before the first step. */
export interface Outcome {
  readonly run: Run;
  readonly signals: Signals;
  /** The units of each layer were equal before the first step and still are after the last. */
  readonly unitsStayEqual: boolean;
  /** A hidden layer that gave something before the first step gives 0 for every row after the last. */
  readonly died: boolean;
}

/** What all runs of a comparison share. */
export interface Setup {
  readonly config: CompareConfig;
  readonly train: Dataset;
  readonly test: Dataset;
}

/** Draws a network, measures its signals, trains and evaluates it. Undefined when the signal stopped it before its end. */
export async function train(
  { config, train, test }: Setup,
  job: Job,
  signal?: AbortSignal,
): Promise<Outcome | undefined> {
  const { steps, batchSize } = config;
  const network = await createNetwork(config, train, job);
  const batch = probeBatch(train);
  const signals = measureSignals(network, batch);
  const curve = new Curve(steps);
  let divergence: Divergence | null = null;
  for await (const tick of network.fit(train, { steps, batchSize, ...(signal && { signal }) })) {
    if (tick.state === "aborted") return undefined;
    curve.add(tick.losses, tick.accuracies);
    divergence = tick.divergence ?? null;
  }
  if (divergence !== null) curve.end();
  const after = measureSignals(network, batch);
  const { loss, accuracy } = evaluate(network, train);
  const state = stateOf({ divergence, trainLoss: loss, trainAccuracy: accuracy }, chanceOf(train));
  return {
    run: {
      ...{ seed: job.seed, learningRate: job.learningRate, state },
      trainLoss: loss,
      trainAccuracy: accuracy,
      testAccuracy: evaluate(network, test).accuracy,
      stepsTo90: curve.stepsTo90,
      divergence,
      losses: curve.losses,
    },
    signals,
    unitsStayEqual: signals.unitsAreEqual && after.unitsAreEqual,
    died: after.forward.slice(0, -1).some((moment, i) => moment === 0 && signals.forward[i] !== 0),
  };
}

/**
 * `diverged`: a number was not finite, or the loss after the last step is above 1e4. `stalled`: no better than a network blind to its
 * input, by the loss (above 0.98 of what such a network reaches) and by the accuracy; a loss alone can be spoilt by a few rows with
 * enormous logits. `completed`: neither, which a network of one unit a layer may manage too.
 */
export function stateOf(
  run: Pick<Run, "divergence" | "trainLoss" | "trainAccuracy">,
  chance: Chance,
): RunState {
  const { divergence, trainLoss } = run;
  if (divergence !== null || trainLoss === null || trainLoss > LOST) return "diverged";
  return trainLoss > LEFT * chance.loss && !hasLearnt(run, chance) ? "stalled" : "completed";
}

/** Follows the losses and accuracies of the batches. */
export class Curve {
  readonly losses: (number | null)[] = [];
  /** Steps done when the mean batch accuracy of the last 10 first was at least 0.9. */
  stepsTo90: number | null = null;
  readonly #stride: number;
  readonly #window: number[] = [];
  #step = 0;

  constructor(steps: number) {
    this.#stride = Math.ceil(steps / POINTS);
  }

  add(losses: Float32Array, accuracies: Float32Array): void {
    for (let i = 0; i < losses.length; i++) {
      if (this.#step % this.#stride === 0) this.losses.push(finiteOrNull(losses[i]!));
      this.#step++;
      this.#follow(accuracies[i]!);
    }
  }

  /** The step after the last had no finite loss. */
  end(): void {
    if (this.losses.at(-1) !== null) this.losses.push(null);
  }

  #follow(accuracy: number): void {
    if (this.stepsTo90 !== null) return;
    this.#window.push(accuracy);
    if (this.#window.length > 10) this.#window.shift();
    const mean = this.#window.reduce((sum, x) => sum + x, 0) / 10;
    // 0.9 in f32 is below 0.9.
    if (this.#window.length === 10 && mean >= 0.9 - 1e-6) this.stepsTo90 = this.#step;
  }
}

function evaluate(network: Network, dataset: Dataset): { loss: number | null; accuracy: number } {
  const { loss, accuracy = 0 } = network.evaluate(dataset);
  return { loss: finiteOrNull(loss), accuracy };
}

function probeBatch({ inputs, targets, rows }: Dataset): ProbeBatch {
  const count = Math.min(rows, PROBE_ROWS);
  return {
    inputs: inputs.subarray(0, (inputs.length / rows) * count),
    targets: (targets as Int32Array).subarray(0, count),
  };
}

function finiteOrNull(x: number): number | null {
  return Number.isFinite(x) ? x : null;
}
