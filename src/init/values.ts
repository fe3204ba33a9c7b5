import { meanAndVariance } from "../core/moments.ts";
import type { Draw, Draws, Theory } from "./draw.ts";
import { placeMap } from "./maps.ts";
import type { LinearMap, ParamSpec } from "./types.ts";

/** The draw of values that need no random numbers; its theory is what they have. */
export function fixedValues(values: Float32Array): Draw {
  return { distribution: "values", values: () => values.slice(), theory: momentsOf(values) };
}

/** The draw of `fixedValues` for a matrix, row-major [inputs, outputs], in each linear map, and zeros elsewhere. */
export function fixedMatrices(
  { shape, maps }: Pick<ParamSpec, "shape" | "maps">,
  matrix: (map: LinearMap) => ArrayLike<number>,
): Draw {
  const values = new Float32Array(size(shape));
  for (const map of maps) placeMap(values, map, matrix(map));
  return fixedValues(values);
}

/** The draw that fills each of `maps` with a random row-major [inputs, outputs] matrix, and zeros elsewhere. */
export function randomMatrices(
  { shape, maps }: Pick<ParamSpec, "shape" | "maps">,
  theory: Theory,
  matrix: (map: LinearMap, index: number, draws: Draws) => ArrayLike<number>,
): Draw {
  return {
    distribution: "values",
    values: (draws) => {
      const values = new Float32Array(size(shape));
      maps.forEach((map, index) => {
        placeMap(values, map, matrix(map, index, draws));
      });
      return values;
    },
    theory,
  };
}

function momentsOf(values: Float32Array): Theory {
  const { mean, variance } = meanAndVariance(values);
  const low = values.reduce((a, b) => Math.min(a, b), Infinity);
  const high = values.reduce((a, b) => Math.max(a, b), -Infinity);
  return { mean, std: Math.sqrt(variance), low, high };
}

/** The product of the sizes: 1 for none. */
export function size(shape: readonly number[]): number {
  return shape.reduce((product, n) => product * n, 1);
}

/** A parameter as an error shows it: `dense kernel [3, 5]`. */
export function nameOf({ layer, role, shape }: ParamSpec): string {
  return `${layer} ${role} [${shape.join(", ")}]`;
}
