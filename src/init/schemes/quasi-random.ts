import type { Draw, Draws } from "../draw.ts";
import { placeMap } from "../maps.ts";
import { normalQuantile, SOBOL_DIMENSIONS, sobolPoints } from "../sobol.ts";
import type { LinearMap, ParamSpec } from "../types.ts";
import { size } from "../values.ts";
import { fan, mapsOrColumn, mapsTheory } from "./scale.ts";
import type { Options, Scheme } from "./scheme.ts";
import { nonNegative } from "./scheme.ts";

const ABOUT = {
  use: "small layers: each unit's weights fill their law evenly",
  source:
    "Miranskyy, Sorrenti & Thakar 2024; direction numbers of Joe & Kuo 2008; the arrangement in columns is this library's",
  property:
    "each unit's weights stratify their law; columns are no more correlated than independent ones; full rank",
};

export const QUASI_RANDOM: readonly Scheme[] = [
  {
    ...{
      name: "sobol_uniform",
      aliases: ["sobol", "quasi_random_uniform", "qmc_uniform"],
      ...ABOUT,
    },
    family: "quasi-random",
    applies: "any",
    defaults: { scale: 1, mode: "fan_in" },
    formula: "sqrt(3 scale / n) (2u - 1), u of a shifted Sobol sequence, one dimension a unit",
    draw: (options, spec) => {
      const std = deviation(options, spec);
      const limit = Math.sqrt(3) * std;
      return sobol(spec, std, limit, (u) => limit * (2 * u - 1));
    },
  },
  {
    ...{ name: "sobol_normal", aliases: ["quasi_random_normal", "qmc_normal"], ...ABOUT },
    family: "quasi-random",
    applies: "any",
    defaults: { scale: 1, mode: "fan_in" },
    formula: "sqrt(scale / n) Phi^-1(u), u of a shifted Sobol sequence, one dimension a unit",
    draw: (options, spec) => {
      const std = deviation(options, spec);
      // The outermost of the 2^24 cells.
      const limit = -std * normalQuantile(2 ** -25);
      return sobol(spec, std, limit, (u) => std * normalQuantile(u));
    },
  },
];

function deviation(options: Options, spec: ParamSpec): number {
  return Math.sqrt(nonNegative(options, "scale") / fan(String(options.mode), spec));
}

function sobol(spec: ParamSpec, std: number, limit: number, quantile: (u: number) => number): Draw {
  const maps = mapsOrColumn(spec);
  return {
    distribution: "values",
    theory: mapsTheory({ ...spec, maps }, limit, () => std * std),
    values: (draws) => {
      const values = new Float32Array(size(spec.shape));
      let purpose = 1;
      for (const map of maps) {
        const matrix = sobolMatrix(map, draws, purpose, quantile);
        placeMap(values, map, matrix.values);
        purpose = matrix.next;
      }
      return values;
    },
  };
}

/**
 * Row-major [inputs, outputs]: output o takes dimension o mod d of the sequence's first `inputs` points, each dimension moved by a
 * random digital shift, so that each weight alone is uniform and a column of 2^k weights has one in each of 2^k equal cells.
 *
 * d = log2(inputs), at most 16: the leading bits of d dimensions are independent over 2^d points (property A), and no dimensions are
 * used whose first points are known to be alike. The next d outputs take the same points in another random order, which is
 * what makes them independent of the first: shifts alone would leave columns of one dimension strongly correlated.
 */
function sobolMatrix(
  { inputs, outputs }: LinearMap,
  draws: Draws,
  purpose: number,
  quantile: (u: number) => number,
): { values: Float32Array; next: number } {
  const values = new Float32Array(inputs * outputs);
  const dimensions = Math.min(Math.max(Math.floor(Math.log2(inputs)), 1), SOBOL_DIMENSIONS);
  const points = Array.from({ length: Math.min(dimensions, outputs) }, (_, d) =>
    sobolPoints(d, inputs),
  );
  const shifts = draws.uniform(outputs, purpose);
  let next = purpose + 1;
  for (let first = 0; first < outputs; first += dimensions) {
    const order = draws.permutation(inputs, next++);
    const last = Math.min(first + dimensions, outputs);
    for (let i = 0; i < inputs; i++) {
      const at = order[i]!;
      for (let o = first; o < last; o++) {
        const cell = points[o - first]![at]! ^ (shifts[o]! * 2 ** 24);
        values[i * outputs + o] = quantile((cell + 0.5) / 2 ** 24);
      }
    }
  }
  return { values, next };
}
