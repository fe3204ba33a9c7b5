import type { Dataset } from "../data/index.ts";
import type { Metrics, Network } from "../index.ts";
import type { OpenData } from "./data.ts";
import type { Preprocessing } from "./preprocessing.ts";
import { unscale } from "./preprocessing.ts";

/** How a network does after training: losses as it was trained, errors in the units of the data; null when not finite. */
export interface Scores {
  readonly trainLoss: number | null;
  readonly testLoss: number | null;
  readonly trainAccuracy?: number | null;
  readonly testAccuracy?: number | null;
  /** Regression: root mean squared error on the test part, in the units of the targets. */
  readonly testRmse?: number | null;
  /** Regression: share of the test targets' variance that is explained. */
  readonly testR2?: number | null;
}

/** Two parts of a data set. */
export interface Parts {
  readonly train: Dataset;
  readonly test: Dataset;
}

/** `parts` are the data as the network sees them. */
export function scoresOf(
  network: Network,
  data: OpenData,
  parts: Parts,
  { targets }: Preprocessing,
): Scores {
  const onTrain = network.evaluate(parts.train);
  const onTest = network.evaluate(parts.test);
  const losses = { trainLoss: finiteOrNull(onTrain.loss), testLoss: finiteOrNull(onTest.loss) };
  if (onTest.accuracy !== undefined) {
    return { ...losses, trainAccuracy: accuracyOf(onTrain), testAccuracy: accuracyOf(onTest) };
  }
  const predicted = unscale(network.predict(parts.test.inputs), targets);
  const { rmse, r2 } = regressionScores(predicted, data.test.targets, data.test.targetWidth);
  return { ...losses, testRmse: finiteOrNull(rmse), testR2: finiteOrNull(r2) };
}

/** Root mean squared error, and `1 - sum (t - y)^2 / sum (t - mean t)^2`, each target about the mean of its column. */
export function regressionScores(
  predicted: ArrayLike<number>,
  targets: ArrayLike<number>,
  width: number,
): { readonly rmse: number; readonly r2: number } {
  const rows = targets.length / width;
  const mean = new Float64Array(width);
  for (let i = 0; i < targets.length; i++) mean[i % width]! += targets[i]! / rows;
  let residual = 0;
  let total = 0;
  for (let i = 0; i < targets.length; i++) {
    residual += (targets[i]! - predicted[i]!) ** 2;
    total += (targets[i]! - mean[i % width]!) ** 2;
  }
  return { rmse: Math.sqrt(residual / targets.length), r2: 1 - residual / total };
}

/** Null where the loss is not finite: outputs that are NaN are neither right nor wrong. */
export function accuracyOf({ loss, accuracy }: Metrics): number | null {
  return accuracy !== undefined && Number.isFinite(loss) ? accuracy : null;
}

/** Null for what JSON cannot say. */
export function finiteOrNull(x: number): number | null {
  return Number.isFinite(x) ? x : null;
}
