import type { Draw } from "../draw.ts";
import { drawnGain } from "../gains.ts";
import { placeMap } from "../maps.ts";
import type { LinearMap, ParamSpec } from "../types.ts";
import { size } from "../values.ts";
import { mapsTheory, positive } from "./scale.ts";
import type { Options, Scheme } from "./scheme.ts";
import { nonNegative, number } from "./scheme.ts";

export const SPARSE: readonly Scheme[] = [
  {
    name: "martens",
    aliases: ["sparse", "sparse_init"],
    family: "sparse",
    applies: "kernels",
    defaults: { k: 15, std: 1 },
    formula:
      "k weights of each unit are N(0, std^2), the others 0; all where fan_in < k; std=auto: gain of the activation / sqrt(k)",
    use: "inputs of a unit that do not depend on the width; second-order methods",
    source:
      "Martens 2010, section 5; Sutskever et al. 2013. PyTorch's sparse_ counts zeros for each input instead",
    property: "exactly k non-zero incoming weights for each unit, pre-activation variance k std^2",
    draw: martens,
  },
  {
    name: "sparse_bernoulli",
    aliases: ["bernoulli", "bernoulli_mask", "sparse_normal"],
    family: "sparse",
    applies: "kernels",
    defaults: { density: 0.1, scale: 2 },
    formula: "N(0, scale / (density fan_in)) with probability density, else 0",
    use: "sparse layers with the signal of dense ones",
    source: "variance corrected for the mask: Evci et al. 2022",
    property: "density, and variance scale / fan_in over all weights",
    draw: (options, spec) => {
      const density = positive(options, "density");
      if (density > 1) {
        throw new RangeError(`sparse_bernoulli: density must be at most 1, got ${density}`);
      }
      return masked(spec, nonNegative(options, "scale"), () => density);
    },
  },
  {
    name: "sparse_erdos_renyi",
    aliases: ["erdos_renyi", "erk", "erdos_renyi_kernel"],
    family: "sparse",
    applies: "kernels",
    defaults: { epsilon: 20, scale: 2 },
    formula:
      "N(0, scale / (density fan_in)) with probability density, else 0; density = epsilon (n_in + n_out) / (n_in n_out), for windows epsilon (n_in + n_out + sum k) / (n_in n_out prod k), at most 1",
    use: "the sparse networks of SET and RigL",
    source:
      "Mocanu et al. 2018 (SET; epsilon=20 is that of the authors' code for CIFAR-10); Evci et al. 2020 for windows",
    property: "the density of each map, and variance scale / fan_in over all weights",
    draw: (options, spec) => {
      const epsilon = positive(options, "epsilon");
      return masked(spec, nonNegative(options, "scale"), (map) => erdosRenyi(spec, map, epsilon));
    },
  },
];

/** Weights N(0, scale / (density fan_in)) where a uniform number is below the map's density. */
function masked(spec: ParamSpec, scale: number, densityOf: (map: LinearMap) => number): Draw {
  return {
    distribution: "values",
    theory: mapsTheory(spec, Infinity, () => scale / spec.fanIn),
    values: (draws) => {
      const values = new Float32Array(size(spec.shape));
      spec.maps.forEach((map, index) => {
        const density = densityOf(map);
        const std = Math.sqrt(scale / (density * spec.fanIn));
        const n = map.inputs * map.outputs;
        const mask = draws.uniform(n, 2 * index + 1);
        const z = draws.normal(n, 2 * index + 2);
        placeMap(
          values,
          map,
          z.map((x, i) => (mask[i]! < density ? std * x : 0)),
        );
      });
      return values;
    },
  };
}

function erdosRenyi(spec: ParamSpec, { inputs, outputs }: LinearMap, epsilon: number): number {
  const window = spec.window?.size ?? [];
  const positions = size(window);
  const reach = window.reduce((sum, k) => sum + k, 0);
  return Math.min(1, (epsilon * (inputs / positions + outputs + reach)) / (inputs * outputs));
}

function martens(options: Options, spec: ParamSpec): Draw {
  const k = number(options, "k");
  if (!Number.isInteger(k) || k < 1) {
    throw new RangeError(`martens: k must be a whole number of at least 1, got ${k}`);
  }
  const stdOf = ({ inputs }: LinearMap): number =>
    options.std === "auto"
      ? drawnGain(spec.activation) / Math.sqrt(Math.min(k, inputs))
      : nonNegative(options, "std");
  return {
    distribution: "values",
    theory: mapsTheory(
      spec,
      Infinity,
      (map) => (stdOf(map) ** 2 * Math.min(k, map.inputs)) / map.inputs,
    ),
    values: (draws) => {
      const values = new Float32Array(size(spec.shape));
      spec.maps.forEach((map, index) => {
        const { inputs, outputs } = map;
        const few = Math.min(k, inputs);
        const std = stdOf(map);
        const choice = draws.uniform(few * outputs, 2 * index + 1);
        const z = draws.normal(few * outputs, 2 * index + 2);
        const matrix = new Float32Array(inputs * outputs);
        for (let o = 0; o < outputs; o++) {
          // Floyd's sample of `few` of the inputs: each subset is as likely as another.
          const chosen = new Set<number>();
          for (let t = 0; t < few; t++) {
            const last = inputs - few + t;
            const at = o * few + t;
            const input = Math.floor(choice[at]! * (last + 1));
            const place = chosen.has(input) ? last : input;
            chosen.add(place);
            matrix[place * outputs + o] = std * z[at]!;
          }
        }
        placeMap(values, map, matrix);
      });
      return values;
    },
  };
}
