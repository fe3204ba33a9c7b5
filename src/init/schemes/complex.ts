import type { Draw, Draws } from "../draw.ts";
import { placeMap } from "../maps.ts";
import { complexTruncatedStd } from "../truncated.ts";
import type { ParamSpec } from "../types.ts";
import { randomMatrices, size } from "../values.ts";
import { fan, mapsTheory } from "./scale.ts";
import type { Options, Scheme } from "./scheme.ts";
import { nonNegative, word } from "./scheme.ts";

/** Kernels of complex layers, held as real ones. */
export const COMPLEX: readonly Scheme[] = [
  {
    name: "complex_variance_scaling",
    aliases: ["complex_glorot", "complex_normal"],
    family: "variance scaling",
    applies: "even outputs",
    defaults: { scale: 1, mode: "fan_avg", distribution: "normal" },
    formula:
      "w = r exp(i phi), phi of U[-pi, pi), E|w|^2 = scale / n, n of fan_in inputs and fan_out / 2 complex outputs: r of Rayleigh's law " +
      "(distribution=normal), the same cut at twice its root mean square (truncated_normal), or w uniform in a disk (uniform); " +
      "the first half of each map's outputs are real parts, the second the imaginary ones",
    use: "complex layers; scale=2, mode=fan_in before relu of both parts",
    source:
      "Trabelsi et al. 2018 (normal); JAX's complex dtypes (the others, where the truncated one has 1.019 of its variance)",
    property: "E|w|^2 is scale / n in all three; the phase is uniform",
    draw: complexDraw,
  },
  {
    name: "quaternion_variance_scaling",
    aliases: ["quaternion_glorot"],
    family: "variance scaling",
    applies: "outputs in fours",
    defaults: { scale: 1, mode: "fan_avg" },
    formula:
      "w = r (cos phi + u sin phi), phi of U[-pi, pi), u a random imaginary unit, r of the chi law of 4 degrees, E|w|^2 = scale / n, n of fan_in inputs and fan_out / 4 " +
      "quaternion outputs; quarters of each map's outputs are the parts 1, i, j, k",
    use: "quaternion layers; scale=2, mode=fan_in before relu of all parts",
    source: "Gaudet & Maida 2018; Parcollet et al. 2019",
    property: "E|w|^2 is scale / n; half of it real, the rest even among i, j, k",
    draw: quaternionDraw,
  },
];

/** Where the truncated law is cut, in units of the root mean square before the cut: JAX's. */
const CUT = 2;

function complexDraw(options: Options, spec: ParamSpec): Draw {
  const scale = nonNegative(options, "scale");
  const mode = word(options, "mode", ["fan_in", "fan_out", "fan_avg", "fan_geo_avg"]);
  const kind = word(options, "distribution", ["normal", "truncated_normal", "uniform"]);
  const { maps } = spec;
  const square = scale / fan(mode, { ...spec, fanOut: spec.fanOut / 2 });
  const root = Math.sqrt(square);
  const { modulus, bound } = MODULI[kind];
  return {
    distribution: "values",
    theory: mapsTheory(spec, root * bound, () => square / 2),
    values: (draws) => {
      const values = new Float32Array(size(spec.shape));
      maps.forEach((map, index) => {
        const count = (map.inputs * map.outputs) / 2;
        const half = map.outputs / 2;
        const [re, im] = partsOf(draws, count, 2 * index + 1, modulus);
        const matrix = Float64Array.from({ length: 2 * count }, (_, at) => {
          const [i, o] = [Math.floor(at / map.outputs), at % map.outputs];
          return root * (o < half ? re : im)[i * half + (o % half)]!;
        });
        placeMap(values, map, matrix);
      });
      return values;
    },
  };
}

/** The inverse distribution function of the modulus, `E r^2 = 1`, and its greatest value. Of the normal law its parts are drawn. */
const MODULI = {
  normal: { modulus: undefined, bound: Infinity },
  truncated_normal: {
    // |w|^2 is of Exp(1) cut at CUT^2.
    modulus: (u: number) =>
      Math.sqrt(-Math.log1p(u * Math.expm1(-(CUT ** 2)))) / complexTruncatedStd(CUT),
    bound: CUT / complexTruncatedStd(CUT),
  },
  uniform: { modulus: (u: number) => Math.sqrt(2 * u), bound: Math.SQRT2 },
} as const;

/** Real and imaginary parts of `count` numbers with E|w|^2 = 1. */
function partsOf(
  draws: Draws,
  count: number,
  purpose: number,
  modulus: ((u: number) => number) | undefined,
): readonly [Float64Array, Float64Array] {
  const draw = modulus === undefined ? draws.normal : draws.uniform;
  const a = draw(count, purpose);
  const b = draw(count, purpose + 1);
  if (modulus === undefined) {
    return [
      Float64Array.from(a, (x) => x * Math.SQRT1_2),
      Float64Array.from(b, (x) => x * Math.SQRT1_2),
    ];
  }
  const phase = (i: number) => Math.PI * (2 * b[i]! - 1);
  return [
    Float64Array.from(a, (u, i) => modulus(u) * Math.cos(phase(i))),
    Float64Array.from(a, (u, i) => modulus(u) * Math.sin(phase(i))),
  ];
}

function quaternionDraw(options: Options, spec: ParamSpec): Draw {
  const scale = nonNegative(options, "scale");
  const mode = word(options, "mode", ["fan_in", "fan_out", "fan_avg", "fan_geo_avg"]);
  const square = scale / fan(mode, { ...spec, fanOut: spec.fanOut / 4 });
  return randomMatrices(
    spec,
    mapsTheory(spec, Infinity, () => square / 4),
    ({ inputs, outputs }, index, draws) => {
      const count = (inputs * outputs) / 4;
      const quarter = outputs / 4;
      const purpose = 1 + 3 * index;
      const z = draws.normal(4 * count, purpose);
      const axis = draws.normal(3 * count, purpose + 1);
      const angle = draws.uniform(count, purpose + 2);
      const matrix = new Float64Array(4 * count);
      for (let q = 0; q < count; q++) {
        // r^2 is a fourth of chi-square: the sum of four squares.
        const r = Math.sqrt(
          (square / 4) *
            (z[4 * q]! ** 2 + z[4 * q + 1]! ** 2 + z[4 * q + 2]! ** 2 + z[4 * q + 3]! ** 2),
        );
        const phi = Math.PI * (2 * angle[q]! - 1);
        const length = Math.hypot(axis[3 * q]!, axis[3 * q + 1]!, axis[3 * q + 2]!);
        const first = Math.floor(q / quarter) * outputs + (q % quarter);
        matrix[first] = r * Math.cos(phi);
        for (let part = 1; part < 4; part++) {
          matrix[first + part * quarter] = (r * Math.sin(phi) * axis[3 * q + part - 1]!) / length;
        }
      }
      return matrix;
    },
  );
}
