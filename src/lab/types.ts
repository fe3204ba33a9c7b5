import type { Variant } from "../core/variants.ts";
import type { Dataset } from "../data/dataset.ts";
import type { Divergence } from "../network/divergence.ts";
import type { ActivationLike } from "../ops/activation.ts";

/** A comparison of initialisation schemes: one network, one data set, one optimiser, everything else equal. */
export interface CompareConfig {
  /** Weight layers, the output layer included. */
  readonly depth: number;
  /** Units of each hidden layer. */
  readonly width: number;
  readonly activation: ActivationLike;
  /** Initializer texts, or presets' names: `he_normal`, `orthogonal:gain=1`, `torch`. */
  readonly schemes: readonly string[];
  readonly optimizer: "sgd" | "momentum" | "nesterov" | "rmsprop" | "adam" | "adamw";
  /** `auto` searches a grid for each scheme, wider while the winner sits at its edge. */
  readonly learningRate: number | "auto";
  readonly steps: number;
  readonly batchSize: number;
  /** The seeds of the runs: `[1, 2, 3]`. */
  readonly seeds: readonly number[];
  /** The core's variant; `simd` gives the same numbers on every machine. */
  readonly variant: Variant;
}

export type RunState = "completed" | "stalled" | "diverged";

/** One training run. */
export interface Run {
  readonly seed: number;
  readonly learningRate: number;
  readonly state: RunState;
  /** Over the whole training set, after the last step; null when not finite. */
  readonly trainLoss: number | null;
  readonly trainAccuracy: number;
  readonly testAccuracy: number;
  /** First step at which the mean batch accuracy of the last 10 steps is at least 0.9. */
  readonly stepsTo90: number | null;
  readonly divergence: Divergence | null;
  /** Batch loss at up to 100 evenly spaced steps; null when not finite. */
  readonly losses: readonly (number | null)[];
}

/** One rate of the search: the median over the seeds that were tried at it. */
export interface Trial {
  readonly learningRate: number;
  readonly state: RunState;
  readonly trainLoss: number | null;
  readonly trainAccuracy: number;
}

/** Second moments per weight layer at initialisation, first layer first, mean over the seeds; null when not finite. */
export type Signal = readonly (number | null)[];

export interface SchemeResult {
  /** Canonical text of the initializer. */
  readonly scheme: string;
  /** False when the comparison was stopped before the search and every seed were done: the rest tells of the runs there were. */
  readonly complete: boolean;
  readonly learningRate: number;
  /** Medians over the seeds (the state: of most seeds). */
  readonly state: RunState;
  readonly trainLoss: number | null;
  readonly trainAccuracy: number;
  readonly testAccuracy: number;
  readonly stepsTo90: number | null;
  /** E[h^2] of each weight layer's output (after its activation). */
  readonly forward: Signal;
  /** E[(dL/dh)^2] of the same tensors. */
  readonly gradient: Signal;
  /** What happened, in one sentence. */
  readonly explanation: string;
  /** Rates tried, lowest first. */
  readonly trials: readonly Trial[];
  readonly runs: readonly Run[];
}

export interface Comparison {
  readonly schemes: readonly SchemeResult[];
  readonly config: CompareConfig;
  readonly data: {
    readonly name: string;
    readonly sha256: string;
    readonly trainRows: number;
    readonly testRows: number;
    readonly classes: number;
  };
  readonly core: { readonly variant: Variant; readonly version: string };
  /** False when it was stopped early: schemes without a single run are not listed. */
  readonly complete: boolean;
  readonly seconds: number;
}

export interface CompareData {
  readonly train: Dataset;
  readonly test: Dataset;
  readonly sha256: string;
}

/** How far a comparison is. `total` grows when a grid is widened. */
export interface CompareProgress {
  readonly done: number;
  readonly total: number;
  readonly scheme: string;
  readonly learningRate: number;
  readonly seed: number;
  /** Set when a run has just ended. */
  readonly run?: Run;
}

export interface CompareOptions {
  readonly onProgress?: (progress: CompareProgress) => void;
  /** Stops the runs under way; the runs that were done are kept. */
  readonly signal?: AbortSignal;
  /** Runs at a time; default: the machine's cores. 1 runs in this thread. */
  readonly workers?: number;
}
