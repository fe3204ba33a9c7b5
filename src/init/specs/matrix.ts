import type { LinearMap } from "../types.ts";

/** A row-major [inputs, outputs] matrix, or a part of one whose rows are `stride` apart. */
export function matrix(
  inputs: number,
  outputs: number,
  offset = 0,
  stride: number = outputs,
): LinearMap {
  return { offset, inputs, outputs, inputStride: stride, outputStride: 1 };
}

/** The `count` maps of [inputs, outputs] that lie side by side in a row-major [inputs, count outputs] matrix. */
export function sideBySide(count: number, inputs: number, outputs: number): LinearMap[] {
  return Array.from({ length: count }, (_, i) =>
    matrix(inputs, outputs, i * outputs, count * outputs),
  );
}
