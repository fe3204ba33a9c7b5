import type { Buffer, Ref } from "./buffer.ts";

/**
 * A value of the graph while it is traced: a shape over memory that has no address yet.
 *
 * Tensors that are views of one another (`flatten`) share a `value`, and with it the gradient.
 */
export interface Tensor {
  /** The batch first: `[batch, ...example]`. */
  readonly shape: readonly number[];
  /** Product of the shape. */
  readonly size: number;
  readonly data: Ref;
  readonly value: Value;
  /**
   * Of a sequence `[batch, time, ..]`: 1 at the positions that count and 0 at padding, `[batch, time]`. Layers that keep the time axis
   * pass it on; attention, recurrence, pooling over time and the losses honour it.
   */
  readonly mask?: Tensor;
  /** Where it lies in a row of the network's inputs, in floats, if it is a part of them as they are. */
  readonly columns?: number;
}

/** `y` with the mask of `x`, where `y` has none of its own and `x`'s time axis. */
export function withMaskOf(x: Tensor, y: Tensor): Tensor {
  const { mask } = x;
  const keepsTime = y.shape.length > 2 && y.shape[1] === mask?.shape[1];
  return mask !== undefined && y.mask === undefined && keepsTime ? { ...y, mask } : y;
}

/** What a gradient belongs to: one forward buffer, whatever shapes it is seen in. */
export interface Value {
  readonly buffer: Buffer;
  /** False for the data set's inputs: nothing upstream of them learns. */
  readonly needsGrad: boolean;
  /** Set when the first writer of the gradient asks for it. */
  grad?: Buffer;
}

/** Product of a shape in doubles: it cannot wrap. Throws when it is no safe integer. */
export function sizeOf(shape: readonly number[], what: string): number {
  const size = shape.reduce((product, n) => product * n, 1);
  if (!Number.isSafeInteger(size)) {
    throw new RangeError(
      `${what}: shape [${shape}] has ${size} elements, more than can be counted`,
    );
  }
  return size;
}
