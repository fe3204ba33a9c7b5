import type { Theory } from "../draw.ts";
import { isSmall, stableRank } from "../edge.ts";
import { drawnGain } from "../gains.ts";
import { spectralNorm, spectralRadius } from "../linear-algebra.ts";
import { placeMap } from "../maps.ts";
import { blockOrthogonal } from "../orthogonal-convolution.ts";
import { CENTRES, middleOf, tapsOf } from "../taps.ts";
import type { LinearMap, ParamSpec } from "../types.ts";
import { randomMatrices, size } from "../values.ts";
import type { Options, Scheme } from "./scheme.ts";
import { nonNegative, number, word } from "./scheme.ts";

export const ORTHOGONAL: readonly Scheme[] = [
  {
    name: "orthogonal",
    aliases: ["haar"],
    family: "orthogonal",
    applies: "kernels",
    defaults: { gain: "auto" },
    formula:
      "gain Q, Q Haar-distributed with orthonormal rows or columns; auto: the gain of the activation",
    use: "deep networks without normalisation; recurrent kernels, gate by gate",
    source: "Saxe, McClelland & Ganguli 2014; Mezzadri 2007 for the Haar measure",
    property: "each map's shorter side is orthonormal times gain, to 1e-5; so is each gate's",
    draw: (options, spec) => ({ distribution: "orthogonal", gain: gainOf(options, spec) }),
  },
  {
    name: "scaled_orthogonal",
    aliases: ["scaled_uniform_orthogonal", "suo"],
    family: "orthogonal",
    applies: "kernels",
    defaults: { gain: "auto" },
    formula: "gain max(sqrt(out / in), 1) Q, Q Haar-distributed, in each linear map",
    use: "deep networks whose width changes: the second moment of a unit stays, not the norm of a vector",
    source: "Martens et al. 2021 (DKS), scaled_uniform_orthogonal of google-deepmind/dks",
    property: "a map's singular values are gain max(sqrt(out / in), 1), all of them",
    draw: (options, spec) => {
      const scale = gainOf(options, spec);
      const factor = (map: LinearMap) => scale * perUnit(map.inputs, map.outputs);
      return randomMatrices(spec, semiOrthogonal(spec, spec.maps, factor), (map, index, draws) =>
        draws.orthogonal(map.inputs, map.outputs, index + 1).map((x) => x * factor(map)),
      );
    },
  },
  {
    name: "delta_orthogonal",
    aliases: ["convolution_delta_orthogonal"],
    family: "orthogonal",
    applies: "convolutions",
    defaults: { gain: "auto", scaled: "no", centre: "floor" },
    formula:
      "0 but for the middle tap (of an even window k: floor or ceil of (k - 1) / 2), gain Q [in, out], Q Haar-distributed with orthonormal rows, in each group; " +
      "scaled=yes: times max(sqrt(out / in), 1)",
    use: "very deep convolutional networks; with in > out, which JAX refuses, the columns are orthonormal: the gradient's norm stays, not the signal's",
    source: "Xiao et al. 2018, algorithms 1 and 2; floor is the middle of JAX; scaled as in DKS",
    property: "with stride 1 and circular padding the norm of the output is gain times the input's",
    draw: (options, spec) => {
      const { taps, mapsAt, factor } = convolution("delta_orthogonal", options, spec);
      const maps = mapsAt(middleOf(taps.window, word(options, "centre", CENTRES)));
      return randomMatrices(
        { shape: spec.shape, maps },
        semiOrthogonal(spec, maps, () => factor),
        (map, index, draws) =>
          draws.orthogonal(map.inputs, map.outputs, index + 1).map((x) => x * factor),
      );
    },
  },
  {
    name: "block_orthogonal",
    aliases: [
      "convolution_orthogonal",
      "convolution_orthogonal1d",
      "convolution_orthogonal2d",
      "convolution_orthogonal3d",
    ],
    family: "orthogonal",
    applies: "convolutions",
    defaults: { gain: "auto", scaled: "no" },
    formula:
      "gain Q prod_j (P_j + (I - P_j) z), k - 1 factors an axis, P_j random orthogonal projections, in each group; " +
      "scaled=yes: times max(sqrt(out / in), 1)",
    use: "as delta_orthogonal, with every tap of the window in use",
    source:
      "Kautsky & Turcajova 1994; Xiao et al. 2018, appendix; TensorFlow 1's ConvolutionOrthogonal",
    property: "with stride 1 and circular padding the norm of the output is gain times the input's",
    draw: (options, spec) => {
      const { taps, mapsAt, factor } = convolution("block_orthogonal", options, spec);
      const { window, rows, columns: cols, groups } = taps;
      // A purpose for Q, two for every factor.
      const purposes = 1 + 2 * window.reduce((sum, k) => sum + k - 1, 0);
      return {
        distribution: "values",
        theory: semiOrthogonal(spec, mapsAt(0), () => factor),
        values: (draws) => {
          const values = new Float32Array(size(spec.shape));
          for (let group = 0; group < groups; group++) {
            const source = { draws, purpose: 1 + group * purposes };
            blockOrthogonal(window, { rows, cols }, source).forEach((tap, position) => {
              placeMap(values, taps.at(position, group), tap, factor);
            });
          }
          return values;
        },
      };
    },
  },
  {
    name: "spectral_radius",
    aliases: ["echo_state"],
    family: "orthogonal",
    applies: "square maps",
    defaults: { rho: 0.9, density: 1 },
    formula:
      "rho G / rho(G), G of N(0, 1), each element kept with probability density; square maps",
    use: "recurrent kernels of echo-state networks, below 1 for a fading memory",
    source: "Jaeger 2001",
    property: "the greatest modulus of the eigenvalues is rho to 1e-4",
    draw: (options, spec) => {
      const rho = nonNegative(options, "rho");
      const density = number(options, "density");
      if (!(density > 0 && density <= 1)) {
        throw new RangeError(
          `spectral_radius: density must be above 0 and at most 1, got ${density}`,
        );
      }
      // The circular law: rho(G) is near sqrt(density n). The mean square is within a fifth of the truth from n = 3 on, half of it at 2.
      const second = spec.maps.reduce((sum, { inputs }) => sum + rho * rho * inputs, 0);
      const std = Math.sqrt(second / size(spec.shape));
      return randomMatrices(
        spec,
        { mean: 0, std, low: -Infinity, high: Infinity, approximate: true },
        ({ inputs: n }, index, draws) => {
          for (let attempt = 0; attempt < 64; attempt++) {
            const purpose = 1 + 2 * (64 * index + attempt);
            const mask = draws.uniform(n * n, purpose);
            const g = draws.normal(n * n, purpose + 1).map((x, i) => (mask[i]! < density ? x : 0));
            const radius = spectralRadius(g, n);
            // Few elements may form no cycle, and then all eigenvalues are 0 up to rounding: draw again.
            const typical = Math.sqrt(g.reduce((sum, x) => sum + x * x, 0) / n);
            if (radius > 0.01 * typical) {
              return Float64Array.from(g, (x) => (x * rho) / radius);
            }
          }
          throw new RangeError(
            `spectral_radius: density ${density} leaves a kernel [${n}, ${n}] without a cycle`,
          );
        },
      );
    },
  },
  {
    name: "spectral_norm",
    aliases: [],
    family: "orthogonal",
    applies: "kernels",
    defaults: { sigma: 1 },
    formula: "sigma G / sigma_1(G), G of N(0, 1), in each linear map",
    use: "layers that must not stretch any vector: Lipschitz networks, critics",
    source: "the start of spectral normalisation, Miyato et al. 2018, arXiv:1802.05957",
    property: "the greatest singular value is sigma to 1e-5",
    draw: (options, spec) => {
      const sigma = nonNegative(options, "sigma");
      // Maps of a size have one rank; a depthwise kernel has thousands of them.
      const ranks = new Map<string, number>();
      const rankOf = ({ inputs, outputs }: LinearMap) => {
        const key = `${inputs} ${outputs}`;
        const rank = ranks.get(key) ?? stableRank(inputs, outputs);
        ranks.set(key, rank);
        return rank;
      };
      const squares = spec.maps.reduce((sum, map) => sum + sigma ** 2 * rankOf(map), 0);
      const std = Math.sqrt(squares / size(spec.shape));
      const exact = spec.maps.every(({ inputs, outputs }) => isSmall(inputs, outputs));
      return randomMatrices(
        spec,
        { mean: 0, std, low: -sigma, high: sigma, ...(exact ? {} : { approximate: true }) },
        ({ inputs, outputs }, index, draws) => {
          const g = draws.normal(inputs * outputs, index + 1);
          const norm = spectralNorm(g, inputs, outputs);
          return Float64Array.from(g, (x) => (x * sigma) / norm);
        },
      );
    },
  },
];

function gainOf(options: Options, spec: ParamSpec): number {
  return options.gain === "auto" ? drawnGain(spec.activation) : number(options, "gain");
}

/** What a semi-orthogonal map lacks for unit second moments when it has more outputs than inputs. */
function perUnit(inputs: number, outputs: number): number {
  return Math.max(Math.sqrt(outputs / inputs), 1);
}

/** What the two convolutional schemes share: the kernel's taps, those of each group at a position, and the factor on an isometry. */
function convolution(scheme: string, options: Options, spec: ParamSpec) {
  const taps = tapsOf(scheme, spec);
  const scaled = word(options, "scaled", ["no", "yes"]) === "yes";
  const factor = gainOf(options, spec) * (scaled ? perUnit(taps.rows, taps.columns) : 1);
  const mapsAt = (position: number) =>
    Array.from({ length: taps.groups }, (_, group) => taps.at(position, group));
  return { taps, mapsAt, factor };
}

/** The squares of a semi-orthogonal matrix sum to its shorter side, however a convolution spreads them; no element exceeds 1. */
function semiOrthogonal(
  spec: ParamSpec,
  maps: readonly LinearMap[],
  factor: (map: LinearMap) => number,
): Theory {
  const squares = maps.reduce(
    (sum, map) => sum + Math.min(map.inputs, map.outputs) * factor(map) ** 2,
    0,
  );
  const high = maps.reduce((most, map) => Math.max(most, Math.abs(factor(map))), 0);
  return { mean: 0, std: Math.sqrt(squares / size(spec.shape)), low: -high, high };
}
