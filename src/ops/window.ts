import type { Ref } from "../graph/buffer.ts";
import type { Tape } from "../graph/tape.ts";

/** One number for both axes, or one each: rows, then columns. */
export type Pair = number | readonly [number, number];

/**
 * - `valid`: windows lie within the image.
 * - `same`: `ceil(size / stride)` outputs; an odd row or column of zeros more goes below or to the right, as in TensorFlow.
 * - a number or a pair: so many rows of zeros above and below, columns left and right, as in PyTorch.
 * - `circular`: as many as `same`, beyond an edge the image begins again.
 */
export type Padding = "same" | "valid" | "circular" | Pair;

/** A window over an image: sizes per axis, rows first. */
export interface WindowOptions {
  readonly size: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly dilation: readonly [number, number];
  readonly padding: Padding;
}

/** Where a window lies: positions on each axis, and zeros before the first row and column. */
export interface Placement {
  readonly outputs: readonly [number, number];
  readonly before: readonly [number, number];
}

/** Where a window goes over an image of `height` x `width`. Throws a `RangeError` when it fits nowhere. */
export function placeWindow(
  where: string,
  image: readonly [number, number],
  options: WindowOptions,
): Placement {
  const axes = [0, 1].map((axis) => placeAxis(where, image, axis as 0 | 1, options));
  return {
    outputs: [axes[0]!.outputs, axes[1]!.outputs],
    before: [axes[0]!.before, axes[1]!.before],
  };
}

function placeAxis(
  where: string,
  image: readonly [number, number],
  axis: 0 | 1,
  { size, strides, dilation, padding }: WindowOptions,
) {
  const n = image[axis];
  const stride = strides[axis];
  const reach = (size[axis] - 1) * dilation[axis] + 1;
  if (padding === "same" || padding === "circular") {
    if (padding === "circular" && n % stride !== 0) {
      throw new RangeError(
        `${where}: circular padding needs a size that the stride divides, got [${image}] and a stride of ${stride}; ` +
          `use padding "same" or another stride`,
      );
    }
    const outputs = Math.ceil(n / stride);
    const total = Math.max(0, (outputs - 1) * stride + reach - n);
    return { outputs, before: Math.floor(total / 2) };
  }
  const [rows, columns] = padding === "valid" ? [0, 0] : pair(padding);
  const before = axis === 0 ? rows : columns;
  if (n + 2 * before < reach) {
    throw new RangeError(
      `${where}: a window of ${reach} does not fit into an image of [${image}] with padding ${before}; ` +
        `use padding "same" or a smaller kernelSize`,
    );
  }
  return { outputs: Math.floor((n + 2 * before - reach) / stride) + 1, before };
}

export function pair(value: Pair): readonly [number, number] {
  return typeof value === "number" ? [value, value] : value;
}

/** What the kernels' `Window` holds. */
export interface WindowWords {
  readonly batch: number;
  /** Height, width, channels of what the kernel writes, or has at the window's steps. */
  readonly out: readonly [number, number, number];
  readonly in: readonly [number, number, number];
  readonly options: WindowOptions;
  readonly before: readonly [number, number];
  readonly groups: number;
  readonly flags: number;
}

/** The operands at the end of an instruction with a window. */
export function windowWords(words: WindowWords): number[] {
  const { batch, out, options, before, groups, flags } = words;
  const { size, strides, dilation } = options;
  return [batch, ...out, ...words.in, ...size, ...strides, ...dilation, ...before, groups, flags];
}

/** Scratch of a convolution. */
export function windowWorkspace(tape: Tape, words: WindowWords): Ref {
  const { options, out, groups } = words;
  const { size, strides, dilation } = options;
  const span = (axis: 0 | 1) => (size[axis] - 1) * dilation[axis] + 1;
  const reach = (out[1] - 1) * strides[1] + span(1);
  const taps = size[0] * size[1];
  const channels = [words.in[2], out[2], groups] as const;
  const bytes = tape.core.kernels.convolveWorkspace(taps, span(0), reach, ...channels) >>> 0;
  return tape.workspace(bytes);
}
