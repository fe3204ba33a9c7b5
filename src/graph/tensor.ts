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
