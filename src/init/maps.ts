import type { Draw, Draws } from "./draw.ts";
import type { LinearMap, ParamSpec } from "./types.ts";

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

/**
 * The draw that fills each linear map of a parameter with a row-major [inputs, outputs] matrix, and zeros elsewhere. When the matrix
 * needs no random numbers its theory is measured from the values themselves.
 */
export function matrixValues(
  spec: ParamSpec,
  matrix: (map: LinearMap, index: number, draws: Draws | undefined) => Float32Array,
): Draw {
  const make = (draws?: Draws): Float32Array => {
    const values = new Float32Array(spec.shape.reduce((product, n) => product * n, 1));
    spec.maps.forEach((map, index) => {
      placeMap(values, map, matrix(map, index, draws));
    });
    return values;
  };
  const values = make();
  const n = values.length;
  const mean = values.reduce((sum, x) => sum + x, 0) / n;
  const std = Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / n);
  const low = values.reduce((a, b) => Math.min(a, b), Infinity);
  const high = values.reduce((a, b) => Math.max(a, b), -Infinity);
  return { distribution: "values", values: make, theory: { mean, std, low, high } };
}
