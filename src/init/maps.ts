import type { LinearMap } from "./types.ts";

/** Writes a row-major [inputs, outputs] matrix times `gain` where a linear map lies. */
export function placeMap(
  values: Float32Array,
  map: LinearMap,
  matrix: ArrayLike<number>,
  gain = 1,
): void {
  const { inputs, outputs, outputStride } = map;
  for (let i = 0; i < inputs; i++) {
    const row = rowOf(map, i);
    for (let o = 0; o < outputs; o++) {
      values[row + o * outputStride] = gain * matrix[i * outputs + o]!;
    }
  }
}

/** Where input i of a linear map meets output 0; its other outputs follow `outputStride` apart. */
export function rowOf({ offset, inputStride, inputOffsets }: LinearMap, i: number): number {
  return offset + (inputOffsets?.[i] ?? i * inputStride);
}
