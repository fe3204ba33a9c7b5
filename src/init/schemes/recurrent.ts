import { shiftedWishart } from "../edge.ts";
import { product, spectralNorm, transpose } from "../linear-algebra.ts";
import type { ParamSpec } from "../types.ts";
import { fixedMatrices, fixedValues, nameOf, randomMatrices, size } from "../values.ts";
import type { Scheme } from "./scheme.ts";
import { nonNegative, normal, number, word } from "./scheme.ts";

export const RECURRENT: readonly Scheme[] = [
  {
    name: "irnn",
    aliases: [],
    family: "recurrent",
    applies: "any",
    defaults: { alpha: 1, std: 0.001 },
    formula: "alpha I in recurrent kernels, N(0, std^2) in other kernels, 0 in biases",
    use: "recurrent relu networks with long memories; alpha below 1 for shorter ones",
    source: "Le, Jaitly & Hinton 2015, sections 2 and 3",
    property: "the state of units that stay active is copied, and its gradient too",
    draw: (options, spec) => {
      const alpha = number(options, "alpha");
      const std = nonNegative(options, "std");
      if (spec.role === "bias") return { distribution: "constant", value: 0 };
      if (spec.role !== "recurrent") return normal(0, std);
      return fixedMatrices(spec, ({ inputs, outputs }) =>
        Float32Array.from({ length: inputs * outputs }, (_, at) =>
          at % outputs === Math.floor(at / outputs) ? alpha : 0,
        ),
      );
    },
  },
  {
    name: "np_rnn",
    aliases: ["nprnn"],
    family: "recurrent",
    applies: "square maps",
    defaults: {},
    formula: "(A + I) / lambda_max(A + I), A = R'R / n, R of N(0, 1) [n, n]; square maps",
    use: "recurrent relu networks: one direction is kept, all others fade",
    source: "Talathi & Vartak 2015, arXiv:1511.03771, as implemented in DurstewitzLab/dendPLRNN",
    property: "symmetric, eigenvalues in (0, 1], the greatest 1 to 1e-5",
    draw: (_, spec) => {
      const cells = size(spec.shape);
      let sum = 0;
      let squares = 0;
      for (const { inputs: n } of spec.maps) {
        // The trace and the sum of squares are those of the eigenvalues.
        const { first, second } = shiftedWishart(n);
        sum += first;
        squares += second;
      }
      const mean = sum / cells;
      const std = Math.sqrt(Math.max(0, squares / cells - mean * mean));
      const exact = spec.maps.every(({ inputs }) => inputs <= 2);
      return randomMatrices(
        spec,
        { mean, std, low: -1, high: 1, ...(exact ? {} : { approximate: true }) },
        ({ inputs: n }, index, draws) => {
          const r = draws.normal(n * n, index + 1);
          const a = product(transpose(r, n, n), r, { m: n, k: n, n });
          const shifted = a.map((x, at) => x / n + (at % (n + 1) === 0 ? 1 : 0));
          const greatest = spectralNorm(shifted, n, n);
          return shifted.map((x) => x / greatest);
        },
      );
    },
  },
  {
    name: "forget_bias",
    aliases: ["unit_forget_bias"],
    family: "recurrent",
    applies: "gated biases",
    defaults: { value: 1 },
    formula: "value in the part of the forget gate, 0 in the others",
    use: "biases of LSTM layers: memories are kept until the network learns to drop them",
    source: "Gers et al. 2000; Jozefowicz et al. 2015, section 2.2; Keras's unit_forget_bias",
    property: "the forget gate's biases are exactly value, all others exactly 0",
    draw: (options, spec) => {
      const value = number(options, "value");
      const { units, part } = gates("forget_bias", spec);
      const forget = part("forget");
      const values = new Float32Array(size(spec.shape));
      return fixedValues(values.fill(value, forget * units, (forget + 1) * units));
    },
  },
  {
    name: "chrono",
    aliases: ["chrono_init"],
    family: "recurrent",
    applies: "gated biases",
    defaults: { t_max: 100, update: "keeps" },
    formula:
      "b_forget = log U(1, t_max - 1), b_input = -b_forget, 0 elsewhere; of a GRU b_update = log U(1, t_max - 1) where its update gate " +
      "keeps the state (h' = z h + ..., PyTorch and Keras), minus that where it writes (update=writes)",
    use: "biases of gated layers on sequences with dependencies up to t_max steps long",
    source: "Tallec & Ollivier 2018, section 3",
    property:
      "exp of the forget biases is uniform on [1, t_max - 1]: the times they remember are spread",
    draw: (options, spec) => {
      const longest = number(options, "t_max");
      if (!(longest > 2)) throw new RangeError(`chrono: t_max must be above 2, got ${longest}`);
      const keeps = word(options, "update", ["keeps", "writes"]) === "keeps";
      const { units, part } = gates("chrono", spec);
      const gru = spec.parts?.includes("update") === true;
      const signs: readonly (readonly [number, number])[] = gru
        ? [[part("update"), keeps ? 1 : -1]]
        : [
            [part("forget"), 1],
            [part("input"), -1],
          ];
      return {
        distribution: "values",
        theory: chronoTheory(
          longest - 1,
          signs.map(([, sign]) => sign),
          size(spec.shape) / units,
        ),
        values: (draws) => {
          const values = new Float32Array(size(spec.shape));
          draws.uniform(units, 1).forEach((u, i) => {
            const bias = Math.log1p(u * (longest - 2));
            for (const [at, sign] of signs) values[at * units + i] = sign * bias;
          });
          return values;
        },
      };
    },
  },
];

/** Where the parts of a bias lie, one after the other, each of as many units. */
function gates(scheme: string, spec: ParamSpec) {
  const { parts, shape, role } = spec;
  if (role !== "bias" || shape.length !== 1 || parts === undefined) {
    throw new RangeError(`${scheme}: expected the bias of a gated layer, got ${nameOf(spec)}`);
  }
  const part = (name: string): number => {
    const at = parts.indexOf(name);
    if (at < 0) {
      throw new RangeError(
        `${scheme}: expected a part called "${name}", got ${parts.join(", ")} of ${nameOf(spec)}`,
      );
    }
    return at;
  };
  return { units: size(shape) / parts.length, part };
}

/** With X uniform on [1, b]: `E[log X] = (b l - b + 1) / (b - 1)`, `E[log^2 X] = (b (l^2 - 2 l + 2) - 2) / (b - 1)`, l = log b. */
function chronoTheory(b: number, signs: readonly number[], parts: number) {
  const l = Math.log(b);
  const first = (b * l - b + 1) / (b - 1);
  const second = (b * (l * l - 2 * l + 2) - 2) / (b - 1);
  const mean = (first * signs.reduce((sum, sign) => sum + sign, 0)) / parts;
  return {
    mean,
    std: Math.sqrt((second * signs.length) / parts - mean * mean),
    low: signs.includes(-1) ? -l : 0,
    high: signs.includes(1) ? l : 0,
  };
}
