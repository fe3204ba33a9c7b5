import type { Dataset } from "./dataset.ts";
import { createDataset } from "./dataset.ts";

export interface WindowOptions {
  /** Times a row. */
  readonly length: number;
  /** Times after the window that are to be predicted. Default 1. */
  readonly horizon?: number;
  /** Times from one window to the next. Default 1. */
  readonly stride?: number;
  /** Values a time, one behind the other. Default 1. */
  readonly features?: number;
  /** The feature that is predicted, counted from 0. Default: all of them. */
  readonly target?: number;
}

/**
 * Windows over a time series, row-major [times, features]: row i is times [i stride, i stride + length), and its target the `horizon`
 * times after them. Windows overlap: divide the series into parts in time before, not the windows afterwards.
 */
export function windows(series: ArrayLike<number>, options: WindowOptions): Dataset {
  const { length, horizon = 1, stride = 1, features = 1, target } = options;
  for (const [name, value] of Object.entries({ length, horizon, stride, features })) {
    if (Number.isSafeInteger(value) && value > 0) continue;
    throw new RangeError(`windows: ${name} must be a whole number of at least 1, got ${value}`);
  }
  const times = series.length / features;
  if (!Number.isInteger(times)) {
    throw new RangeError(
      `windows: expected times of ${features} values, got ${series.length} values`,
    );
  }
  const rows = Math.floor((times - length - horizon) / stride) + 1;
  if (rows < 1) {
    throw new RangeError(
      `windows: expected at least length + horizon = ${length + horizon} times, got ${times}`,
    );
  }
  if (target !== undefined && !(Number.isSafeInteger(target) && target >= 0 && target < features)) {
    throw new RangeError(
      `windows: target must be a feature from 0 to ${features - 1}, got ${target}`,
    );
  }
  const wanted = target === undefined ? [...Array(features).keys()] : [target];
  const targetWidth = horizon * wanted.length;
  const inputs = new Float32Array(rows * length * features);
  const targets = new Float32Array(rows * targetWidth);
  for (let row = 0; row < rows; row++) {
    const from = row * stride * features;
    for (let i = 0; i < length * features; i++) {
      inputs[row * length * features + i] = series[from + i]!;
    }
    for (let i = 0; i < targetWidth; i++) {
      const time = length + Math.floor(i / wanted.length);
      targets[row * targetWidth + i] = series[from + time * features + wanted[i % wanted.length]!]!;
    }
  }
  const shape = [length, features];
  return createDataset({ name: "windows", rows, shape, inputs, targets, classes: 0, targetWidth });
}
