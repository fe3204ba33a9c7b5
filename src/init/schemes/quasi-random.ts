import type { Draw, Draws } from "../draw.ts";
import { haltonPoints } from "../halton.ts";
import { placeMap } from "../maps.ts";
import { normalQuantile, SOBOL_DIMENSIONS, sobolPoints } from "../sobol.ts";
import type { LinearMap, ParamSpec } from "../types.ts";
import { randomMatrices, size } from "../values.ts";
import { fan, mapsOrColumn, mapsTheory } from "./scale.ts";
import type { Options, Scheme } from "./scheme.ts";
import { nonNegative, number } from "./scheme.ts";

const ABOUT = {
  use: "small layers: each unit's weights fill their law evenly",
  source:
    "Miranskyy, Sorrenti & Thakar 2024; direction numbers of Joe & Kuo 2008; the arrangement in columns is this library's",
  property:
    "each unit's weights stratify their law; columns are no more correlated than independent ones; full rank",
};

const HALTON_ABOUT = {
  use: "as sobol_uniform, by the older sequence; Sobol's is the more even one in many dimensions",
  source:
    "Halton 1960; shifts of Cranley & Patterson 1976; the arrangement in columns is this library's",
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
      return quasiRandom(spec, std, limit, (u) => limit * (2 * u - 1), SOBOL);
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
      return quasiRandom(spec, std, limit, (u) => std * normalQuantile(u), SOBOL);
    },
  },
  {
    ...{ name: "halton_uniform", aliases: ["halton"], ...HALTON_ABOUT },
    family: "quasi-random",
    applies: "any",
    defaults: { scale: 1, mode: "fan_in" },
    formula: "sqrt(3 scale / n) (2u - 1), u of a shifted Halton sequence, one prime base a unit",
    draw: (options, spec) => {
      const std = deviation(options, spec);
      const limit = Math.sqrt(3) * std;
      return quasiRandom(spec, std, limit, (u) => limit * (2 * u - 1), HALTON);
    },
  },
  {
    ...{ name: "halton_normal", aliases: [], ...HALTON_ABOUT },
    family: "quasi-random",
    applies: "any",
    defaults: { scale: 1, mode: "fan_in" },
    formula: "sqrt(scale / n) Phi^-1(u), u of a shifted Halton sequence, one prime base a unit",
    draw: (options, spec) => {
      const std = deviation(options, spec);
      const limit = -std * normalQuantile(2 ** -25);
      return quasiRandom(spec, std, limit, (u) => std * normalQuantile(u), HALTON);
    },
  },
  {
    name: "sobol_orthogonal",
    aliases: ["quasi_random_orthogonal", "qmc_orthogonal"],
    family: "quasi-random",
    applies: "kernels",
    defaults: { gain: 1 },
    formula:
      "gain Q of the QR factors of sobol_normal's matrix, R of positive diagonal, the shorter side orthonormal",
    use: "orthogonal layers whose units are spread evenly before they are made orthogonal",
    source: "Miranskyy, Sorrenti & Thakar 2024; the arrangement in columns is this library's",
    property: "the shorter side is orthonormal times gain, to 1e-6",
    draw: (options, spec) => {
      const gain = number(options, "gain");
      const bound = Math.abs(gain);
      const theory = mapsTheory(
        spec,
        bound,
        (map) => bound ** 2 / Math.max(map.inputs, map.outputs),
      );
      let purpose = 1;
      return randomMatrices(spec, theory, (map, index, draws) => {
        if (index === 0) purpose = 1;
        const [long, short] = [
          Math.max(map.inputs, map.outputs),
          Math.min(map.inputs, map.outputs),
        ];
        const tall = { ...map, inputs: long, outputs: short };
        const drawn = quasiMatrix(tall, draws, purpose, normalQuantile, SOBOL);
        purpose = drawn.next;
        const q = orthonormalised(drawn.values, long, short);
        const isTall = map.inputs >= map.outputs;
        return Float64Array.from(q, (_, at) => {
          const [i, o] = [Math.floor(at / map.outputs), at % map.outputs];
          return gain * q[isTall ? i * short + o : o * short + i]!;
        });
      });
    },
  },
];

/** The columns of a [rows, columns] matrix by Gram and Schmidt's process, twice: the second time takes out what rounding left. */
function orthonormalised(a: ArrayLike<number>, rows: number, columns: number): Float64Array {
  const q = Float64Array.from(a);
  const dot = (i: number, j: number) => {
    let sum = 0;
    for (let r = 0; r < rows; r++) sum += q[r * columns + i]! * q[r * columns + j]!;
    return sum;
  };
  for (let j = 0; j < columns; j++) {
    for (let pass = 0; pass < 2; pass++) {
      for (let i = 0; i < j; i++) {
        const along = dot(i, j);
        for (let r = 0; r < rows; r++) q[r * columns + j]! -= along * q[r * columns + i]!;
      }
    }
    const norm = Math.sqrt(dot(j, j));
    for (let r = 0; r < rows; r++) q[r * columns + j]! /= norm;
  }
  return q;
}

/** A sequence of points in the unit cube, times 2^24, and how a random shift moves them. */
interface Sequence {
  readonly points: (dimension: number, count: number) => Int32Array;
  readonly move: (point: number, shift: number) => number;
}

/** A digital shift keeps binary cells whole. */
const SOBOL: Sequence = { points: sobolPoints, move: (point, shift) => point ^ shift };

/** A shift around the circle, Cranley & Patterson's: cells of other bases are no binary ones. */
const HALTON: Sequence = {
  points: haltonPoints,
  move: (point, shift) => (point + Math.floor(shift)) % 2 ** 24,
};

function deviation(options: Options, spec: ParamSpec): number {
  return Math.sqrt(nonNegative(options, "scale") / fan(String(options.mode), spec));
}

function quasiRandom(
  spec: ParamSpec,
  std: number,
  limit: number,
  quantile: (u: number) => number,
  sequence: Sequence,
): Draw {
  const maps = mapsOrColumn(spec);
  return {
    distribution: "values",
    theory: mapsTheory({ ...spec, maps }, limit, () => std * std),
    values: (draws) => {
      const values = new Float32Array(size(spec.shape));
      let purpose = 1;
      for (const map of maps) {
        const matrix = quasiMatrix(map, draws, purpose, quantile, sequence);
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
function quasiMatrix(
  { inputs, outputs }: LinearMap,
  draws: Draws,
  purpose: number,
  quantile: (u: number) => number,
  { points: pointsOf, move }: Sequence,
): { values: Float32Array; next: number } {
  const values = new Float32Array(inputs * outputs);
  const dimensions = Math.min(Math.max(Math.floor(Math.log2(inputs)), 1), SOBOL_DIMENSIONS);
  const points = Array.from({ length: Math.min(dimensions, outputs) }, (_, d) =>
    pointsOf(d, inputs),
  );
  const shifts = draws.uniform(outputs, purpose);
  let next = purpose + 1;
  for (let first = 0; first < outputs; first += dimensions) {
    const order = draws.permutation(inputs, next++);
    const last = Math.min(first + dimensions, outputs);
    for (let i = 0; i < inputs; i++) {
      const at = order[i]!;
      for (let o = first; o < last; o++) {
        const cell = move(points[o - first]![at]!, shifts[o]! * 2 ** 24);
        values[i * outputs + o] = quantile((cell + 0.5) / 2 ** 24);
      }
    }
  }
  return { values, next };
}
