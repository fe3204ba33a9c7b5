import type { ActivationLike, Dataset, NetworkOptions } from "../index.ts";
import {
  adam,
  adamw,
  createDataset,
  dense,
  meanSquaredError,
  momentum,
  nesterov,
  rmsprop,
  sequential,
  sgd,
  softmaxCrossEntropy,
} from "../index.ts";
import type { OptimizerName } from "./options.ts";

/** A network of dense layers with a batch of noise: cross-entropy over the outputs, squared error when there is one. */
export interface Workload {
  readonly name: string;
  /** Inputs, units of the hidden layers, outputs. */
  readonly widths: readonly number[];
  readonly activation: ActivationLike;
  readonly batch: number;
  readonly optimizer: OptimizerName;
}

export type WorkloadName = "w2" | "w2-adam" | "w3" | "w4";

/** The networks of docs/benchmarks.md. */
export const WORKLOADS: Readonly<Record<WorkloadName, Workload>> = {
  w2: {
    name: "784-512-256-10 relu, batch 128, sgd",
    ...{ widths: [784, 512, 256, 10], activation: "relu", batch: 128, optimizer: "sgd" },
  },
  "w2-adam": {
    name: "784-512-256-10 relu, batch 128, adam",
    ...{ widths: [784, 512, 256, 10], activation: "relu", batch: 128, optimizer: "adam" },
  },
  w3: {
    name: "64-(128 x 50)-10 tanh, batch 64, sgd",
    widths: [64, ...Array<number>(50).fill(128), 10],
    ...{ activation: "tanh", batch: 64, optimizer: "sgd" },
  },
  w4: {
    name: "2-16-16-1 tanh, batch 32, sgd",
    ...{ widths: [2, 16, 16, 1], activation: "tanh", batch: 32, optimizer: "sgd" },
  },
};

const OPTIMIZERS = { sgd, momentum, nesterov, rmsprop, adam, adamw };

export function networkOf(workload: Workload): NetworkOptions {
  const { widths, activation, optimizer } = workload;
  return {
    input: [widths[0]!],
    body: sequential(
      ...widths.slice(1, -1).map((units) => dense(units, { activation })),
      dense(widths.at(-1)!),
    ),
    loss: widths.at(-1) === 1 ? meanSquaredError() : softmaxCrossEntropy(),
    optimizer: OPTIMIZERS[optimizer](),
    seed: 1,
  };
}

/** Eight batches of inputs in [-1, 1), with classes at random, or values in [0, 1) when there is one output. */
export function workloadData({ widths, batch }: Workload): Dataset {
  const [inputs, outputs] = [widths[0]!, widths.at(-1)!];
  const rows = 8 * batch;
  let state = 1;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const common = {
    name: "noise",
    rows,
    shape: [inputs],
    inputs: Float32Array.from({ length: rows * inputs }, () => 2 * next() - 1),
  };
  if (outputs === 1) {
    const targets = Float32Array.from({ length: rows }, next);
    return createDataset({ ...common, targets, classes: 0 });
  }
  const targets = Int32Array.from({ length: rows }, () => Math.floor(outputs * next()));
  return createDataset({ ...common, targets, classes: outputs });
}
