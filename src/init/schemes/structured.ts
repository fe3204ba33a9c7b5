import type { Draw } from "../draw.ts";
import { drawnGain } from "../gains.ts";
import { placeMap } from "../maps.ts";
import { tapsOf } from "../taps.ts";
import type { ParamSpec } from "../types.ts";
import { fixedValues, size } from "../values.ts";
import { mimetic } from "./mimetic.ts";
import type { Options, Scheme } from "./scheme.ts";
import { nonNegative, number, word } from "./scheme.ts";

export const STRUCTURED: readonly Scheme[] = [
  {
    name: "icnr",
    aliases: [],
    family: "structured",
    applies: "convolutions",
    defaults: { r: 2, order: "depth_to_space", gain: "auto" },
    formula:
      "one kernel of N(0, gain^2 / fan_in) for all r^axes channels that a shuffle makes one channel of; " +
      "channel o becomes o mod C (order=depth_to_space, TensorFlow) or floor(o / r^axes) (order=pixel_shuffle, PyTorch)",
    use: "the convolution before a pixel shuffle: no checkerboard at the start",
    source: "Aitken et al. 2017",
    property: "the shuffled output is constant on blocks of r in every axis",
    draw: icnr,
  },
  {
    name: "bilinear",
    aliases: ["bilinear_upsampling"],
    family: "structured",
    applies: "transposed convolutions",
    defaults: {},
    formula:
      "prod over axes of max(0, 1 - |x - (k - 1) / 2| / stride), from each channel to itself; 0 between channels",
    use: "transposed convolutions that upsample, trained on or not",
    source:
      "Caffe's BilinearFiller (where k = 2 s - s mod 2, its only sizes); Long, Shelhamer & Darrell 2015",
    property: "a ramp is upsampled to a ramp, but for the border",
    draw: (_, spec) => fixedValues(bilinear(spec)),
  },
  {
    name: "mimetic",
    aliases: ["mimetic_attention"],
    family: "structured",
    applies: "attention",
    defaults: { alpha_qk: 0.7, beta_qk: 0.7, alpha_vp: 0.4, beta_vp: 0.4, heads: "auto" },
    formula:
      "per head Q K' = the best rank-d_h part of alpha G / sqrt(d) + beta I, Q = U sqrt(S), K = V sqrt(S); " +
      "V P = alpha G / sqrt(d) - beta I with V = sqrt|beta| I, so that the output projection needs no random number of V's",
    use: "attention of vision transformers on little data; heads=auto: the layer's number of heads",
    source:
      "Trockman & Kolter 2023 (alpha and beta as in public ports of the authors' code, where G is uniform); they split V P by its singular vectors too, which has the same law of V P",
    property: "the diagonal of Q K' is beta on average, that of V P is -beta",
    draw: mimetic,
  },
];

function icnr(options: Options, spec: ParamSpec): Draw {
  const { window } = tapsOf("icnr", spec);
  const r = number(options, "r");
  const order = word(options, "order", ["depth_to_space", "pixel_shuffle"]);
  const factor =
    options.gain === "auto" ? drawnGain(spec.activation) : nonNegative(options, "gain");
  const outputs = spec.shape.at(-1) ?? 1;
  const copies = r ** window.length;
  const channels = outputs / copies;
  if (!(Number.isInteger(r) && r >= 1 && Number.isInteger(channels))) {
    throw new RangeError(
      `icnr: r must be a whole number whose power ${window.length} divides ${outputs} outputs, got ${r}`,
    );
  }
  const std = factor / Math.sqrt(spec.fanIn);
  return {
    distribution: "values",
    theory: { mean: 0, std, low: -Infinity, high: Infinity },
    values: (draws) => {
      const rows = size(spec.shape) / outputs;
      const once = draws.normal(rows * channels, 1);
      return Float32Array.from({ length: rows * outputs }, (_, at) => {
        const o = at % outputs;
        const channel = order === "depth_to_space" ? o % channels : Math.floor(o / copies);
        return std * once[Math.floor(at / outputs) * channels + channel]!;
      });
    },
  };
}

function bilinear(spec: ParamSpec): Float32Array {
  const { window, rows, columns, groups, at } = tapsOf("bilinear", spec);
  const stride = spec.window?.stride ?? [];
  if (window.some((k, axis) => k < 2 * stride[axis]! - 1)) {
    throw new RangeError(
      `bilinear: expected a window of at least 2 stride - 1, got [${window}] for stride [${stride}]`,
    );
  }
  const diagonal = Float64Array.from({ length: rows * columns }, (_, i) =>
    rows === 1 || i % (columns + 1) === 0 ? 1 : 0,
  );
  const values = new Float32Array(size(spec.shape));
  for (let position = 0; position < size(window); position++) {
    let weight = 1;
    let rest = position;
    for (let axis = window.length - 1; axis >= 0; axis--) {
      const k = window[axis]!;
      weight *= Math.max(0, 1 - Math.abs((rest % k) - (k - 1) / 2) / stride[axis]!);
      rest = Math.floor(rest / k);
    }
    for (let group = 0; group < groups; group++) {
      placeMap(values, at(position, group), diagonal, weight);
    }
  }
  return values;
}
