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

/** An even window of size k has two middles, `floor` and `ceil` of (k - 1) / 2: JAX's and PyTorch's. */
export const CENTRES = ["floor", "ceil"] as const;

export type Centre = (typeof CENTRES)[number];

/** The position of a window's middle; under padding "same" the input that an output lies on is at `floor`. */
export function middleOf(window: readonly number[], centre: Centre): number {
  // Row-major: the last axis is the fastest.
  return window.reduce((position, k) => position * k + Math[centre]((k - 1) / 2), 0);
}
