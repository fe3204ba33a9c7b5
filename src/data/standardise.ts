import type { Dataset } from "./dataset.ts";
import { featuresOf } from "./dataset.ts";

export interface StandardiseOptions {
  /** Clamps to ±limit standard deviations; default: no clamp. A pixel that is nearly always 0 wants one (4, say). */
  readonly limit?: number;
}

/** Mean and standard deviation of each feature, fitted on one data set and applied to any of the same shape. */
export interface Standardiser {
  readonly mean: Float64Array;
  /** Population standard deviation (divided by n); exactly 0 for a constant column. */
  readonly std: Float64Array;
  /** `(x - mean) / std` in f64, rounded once to f32; 0 throughout a column that was constant where it was fitted. */
  apply(dataset: Dataset, options?: StandardiseOptions): Dataset;
}

/** Fits on `dataset`, which should be the training part alone: statistics of the test part would leak into training. */
export function standardiser(dataset: Dataset): Standardiser {
  return standardiserOf(statisticsOf(dataset));
}

/** A standardiser from the mean and deviation of each feature that an earlier one had. */
export function standardiserOf(statistics: {
  readonly mean: ArrayLike<number>;
  readonly std: ArrayLike<number>;
}): Standardiser {
  const mean = Float64Array.from(statistics.mean);
  const std = Float64Array.from(statistics.std);
  return {
    mean,
    std,
    apply: (other, { limit = Number.POSITIVE_INFINITY } = {}) => {
      if (!(limit > 0)) throw new RangeError(`standardiser: limit must be positive, got ${limit}`);
      if (featuresOf(other) !== mean.length) {
        throw new RangeError(
          `standardiser: fitted on ${mean.length} features, ` +
            `but ${other.name} has ${featuresOf(other)} ([${other.shape}])`,
        );
      }
      return Object.freeze({ ...other, inputs: transform(other.inputs, mean, std, limit) });
    },
  };
}

/**
 * Two passes in f64, so that a large mean does not cancel the variance away.
 *
 * A constant column needs no special case: up to 2^29 equal f32 add up exactly in f64, so its mean is its value and its std 0.
 */
function statisticsOf({ rows, inputs, ...dataset }: Dataset): {
  mean: Float64Array;
  std: Float64Array;
} {
  const features = featuresOf(dataset);
  const mean = new Float64Array(features);
  const std = new Float64Array(features);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < features; j++) {
      mean[j]! += inputs[i * features + j]!;
    }
  }
  for (let j = 0; j < features; j++) mean[j]! /= rows;
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < features; j++) {
      const deviation = inputs[i * features + j]! - mean[j]!;
      std[j]! += deviation * deviation;
    }
  }
  for (let j = 0; j < features; j++) std[j] = Math.sqrt(std[j]! / rows);
  return { mean, std };
}

function transform(
  inputs: Float32Array,
  mean: Float64Array,
  std: Float64Array,
  limit: number,
): Float32Array {
  const features = mean.length;
  const out = new Float32Array(inputs.length);
  for (let i = 0; i < inputs.length; i += features) {
    for (let j = 0; j < features; j++) {
      const scale = std[j]!;
      const z = scale === 0 ? 0 : (inputs[i + j]! - mean[j]!) / scale;
      out[i + j] = Math.max(-limit, Math.min(limit, z));
    }
  }
  return out;
}
