import { matrix } from "./specs.ts";
import type { LinearMap, ParamSpec } from "./types.ts";
import { nameOf } from "./values.ts";

/** A convolution kernel [window…, rows, groups columns] as a matrix [rows, columns] for each window position and group. */
export interface Taps {
  readonly window: readonly number[];
  readonly groups: number;
  readonly rows: number;
  readonly columns: number;
  /** The matrix of a group at a window position, counted row by row. */
  readonly at: (position: number, group: number) => LinearMap;
}

/** The taps of a convolution kernel, transposed ones included. Throws for what has no window. */
export function tapsOf(scheme: string, spec: ParamSpec): Taps {
  const { shape, window, maps } = spec;
  const [rows = 0, outputs = 0] = shape.slice(-2);
  const columns = maps[0]?.outputs;
  if (window === undefined || shape.length !== window.size.length + 2 || columns === undefined) {
    throw new RangeError(
      `${scheme}: expected a convolution kernel [window…, inputs, outputs], got ${nameOf(spec)}`,
    );
  }
  return {
    ...{ window: window.size, groups: outputs / columns, rows, columns },
    at: (position, group) =>
      matrix(rows, columns, position * rows * outputs + group * columns, outputs),
  };
}

/** The window's middle, `floor((k - 1) / 2)` along each axis: where padding "same" puts the input that an output lies on. */
export function centre(window: readonly number[]): number {
  return window.reduce((position, k) => position * k + Math.floor((k - 1) / 2), 0);
}
