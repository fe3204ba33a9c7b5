import type { Dataset } from "../data/dataset.ts";
import { isPresetName } from "../init/presets.ts";
import { dense, sequential } from "../layers/index.ts";
import { softmaxCrossEntropy } from "../losses/index.ts";
import { Network } from "../network/network.ts";
import type { Optimizer } from "../optim/index.ts";
import { adam, adamw, momentum, nesterov, rmsprop, sgd } from "../optim/index.ts";
import type { CompareConfig } from "./types.ts";

/** What tells one run of a comparison from another. */
export interface Job {
  /** Text of the initializer of every kernel, or the name of a preset. */
  readonly scheme: string;
  readonly learningRate: number;
  readonly seed: number;
}

/**
 * The network under comparison: `depth - 1` hidden layers `h = f(h W + b)` of `width` units, then the logits; b = 0.
 *
 * Every kernel has the scheme of the job, the last one too; under a preset kernels and biases are as the library's. Softmax
 * cross-entropy.
 */
export function createNetwork(
  config: CompareConfig,
  { shape, classes }: Pick<Dataset, "shape" | "classes">,
  { scheme, learningRate, seed }: Job,
): Promise<Network> {
  const { activation, depth, width, variant } = config;
  const isPreset = isPresetName(scheme);
  const kernel = isPreset ? {} : { kernelInitializer: scheme };
  const hidden = Array.from({ length: depth - 1 }, () => dense(width, { activation, ...kernel }));
  return Network.create({
    input: [shape.reduce((size, axis) => size * axis, 1)],
    body: sequential(...hidden, dense(classes, kernel)),
    loss: softmaxCrossEntropy(),
    optimizer: OPTIMIZERS[config.optimizer]({ learningRate }),
    seed,
    variant,
    ...(isPreset ? { preset: scheme } : {}),
  });
}

/** Each with its usual constants: momentum 0.9, Adam's betas 0.9 and 0.999. */
export const OPTIMIZERS: Readonly<
  Record<CompareConfig["optimizer"], (options: { learningRate: number }) => Optimizer>
> = { sgd, momentum, nesterov, rmsprop, adam, adamw };
