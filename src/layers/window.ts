import type { Padding, Pair, WindowOptions } from "../ops/window.ts";
import { pair } from "../ops/window.ts";
import { checkCount } from "./layer.ts";

/** Options of a window over an image; every number may be one for both axes, or `[rows, columns]`. */
export interface PlaceOptions {
  /** Default 1. */
  readonly strides?: Pair;
  /**
   * `valid` (default): windows lie within the image. `same`: `ceil(size / stride)` outputs, as in TensorFlow. A number or a pair: zeros
   * on each side, as in PyTorch. `circular`: as many outputs as `same`, and beyond an edge the image begins again.
   */
  readonly padding?: Padding;
  /** Distance of the taps. Default 1. */
  readonly dilation?: Pair;
}

/** A window's options, checked and complete. Sequences are images of one row. */
export function windowOf(
  where: string,
  size: Pair,
  { strides = 1, padding = "valid", dilation = 1 }: PlaceOptions,
  axes: 1 | 2 = 2,
): WindowOptions {
  const sizes = (key: string, value: Pair) => {
    const both = axes === 1 ? ([1, oneOf(`${where}: ${key}`, value)] as const) : pair(value);
    checkPair(`${where}: ${key}`, both, 1);
    return both;
  };
  return {
    size: sizes("size", size),
    strides: sizes("strides", strides),
    dilation: sizes("dilation", dilation),
    padding: paddingOf(`${where}: padding`, padding, axes),
  };
}

function paddingOf(where: string, padding: Padding, axes: 1 | 2): Padding {
  if (padding === "same" || padding === "valid" || padding === "circular") return padding;
  if (typeof padding === "string") {
    throw new RangeError(
      `${where} must be "same", "valid", "circular", a number or [rows, columns], got ${JSON.stringify(padding)}`,
    );
  }
  const both = axes === 1 ? ([0, oneOf(where, padding)] as const) : pair(padding);
  checkPair(where, both, 0);
  return both;
}

function oneOf(where: string, value: Pair): number {
  if (typeof value === "number") return value;
  throw new RangeError(`${where} must be one number along a sequence, got [${value}]`);
}

function checkPair(where: string, value: readonly number[], least: number): void {
  if (!Array.isArray(value) || value.length !== 2) {
    throw new TypeError(`${where} must be a number or [rows, columns], got ${String(value)}`);
  }
  for (const n of value) if (n !== 0 || least > 0) checkCount(where, n);
}

/** What a description keeps of a window: numbers where both axes have the same. */
export function windowConfig(
  { strides, padding, dilation }: WindowOptions,
  axes: 1 | 2 = 2,
): { readonly strides: Pair; readonly padding: Padding; readonly dilation: Pair } {
  return {
    strides: short(strides, axes),
    padding: typeof padding === "string" ? padding : short(pair(padding), axes),
    dilation: short(dilation, axes),
  };
}

export function short([rows, columns]: readonly [number, number], axes: 1 | 2): Pair {
  return axes === 1 || rows === columns ? columns : [rows, columns];
}
