import type { Draw } from "../draw.ts";
import { drawnGain } from "../gains.ts";
import { looksLinearDraw } from "../looks-linear.ts";
import { kumarScale } from "../origin.ts";
import type { LinearMap, ParamSpec } from "../types.ts";
import { randomMatrices } from "../values.ts";
import { fan, mapsTheory, positive, standardDraws } from "./scale.ts";
import type { Options, Scheme } from "./scheme.ts";
import { nonNegative, normal, number, truncated, uniformOf, word } from "./scheme.ts";

export const VARIANCE_SCALING: readonly Scheme[] = [
  {
    name: "variance_scaling",
    aliases: [],
    family: "variance scaling",
    applies: "any",
    defaults: { scale: 1, mode: "fan_in", distribution: "truncated_normal" },
    formula:
      "variance scale / n, n = fan_in, fan_out, their mean fan_avg or fan_geo_avg = sqrt(fan_in fan_out)",
    use: "the general case: every He, Glorot and LeCun scheme is one of it",
    source: "Keras and JAX variance_scaling",
    property: "variance scale / n for each distribution",
    draw: varianceScaling,
  },
  ...family(
    "glorot",
    { prefix: "xavier", uniform: ["glorot", "xavier", "init_weights_vit_moco"], normal: [] },
    { scale: 1, mode: "fan_avg" },
    {
      use: "tanh and linear layers",
      formula: "variance 2 / (fan_in + fan_out)",
      source: "Glorot & Bengio 2010, eqs. (12) and (16)",
    },
  ),
  ...family(
    "he",
    { prefix: "kaiming", uniform: [], normal: ["he", "kaiming", "msra", "msra_prelu"] },
    { scale: 2, mode: "fan_in", slope: 0 },
    {
      use: "relu and its kin",
      formula: "variance 2 / ((1 + slope^2) fan_in)",
      source: "He et al. 2015, eqs. (10) and (15)",
    },
  ),
  ...family(
    "lecun",
    { prefix: undefined, uniform: [], normal: ["lecun"] },
    { scale: 1, mode: "fan_in" },
    {
      use: "selu and linear layers",
      formula: "variance 1 / fan_in",
      source: "LeCun, Bottou, Orr & Mueller 1998, section 4.6",
    },
  ),
  {
    name: "fan_geo_avg",
    aliases: ["geometric_mean"],
    family: "variance scaling",
    applies: "any",
    defaults: { scale: 1, distribution: "normal" },
    formula: "variance scale / sqrt(fan_in fan_out)",
    use: "layers whose width changes: as far from keeping signals as from keeping gradients, on a logarithmic scale",
    source: "JAX variance_scaling(mode=fan_geo_avg)",
    property:
      "variance sqrt(fan_in / fan_out) of outputs and its inverse of gradients: their product is 1",
    draw: (options, spec) => varianceScaling({ ...options, mode: "fan_geo_avg" }, spec),
  },
  {
    name: "embedding_normal",
    aliases: ["default_embed_init"],
    family: "variance scaling",
    applies: "any",
    defaults: { scale: 1, distribution: "normal" },
    formula: "variance scale / fan_out: rows of an embedding have length sqrt(scale)",
    use: "embeddings, whose rows are looked up and not summed",
    source: "flax default_embed_init; T5, fairseq",
    property: "the mean square length of a row is scale",
    draw: (options, spec) => varianceScaling({ ...options, mode: "fan_out" }, spec),
  },
  {
    name: "kumar",
    aliases: ["kumar_normal"],
    family: "variance scaling",
    applies: "any",
    defaults: { mode: "fan_in", distribution: "normal" },
    formula: "variance 1 / (f'(0)^2 (1 + f(0)^2) n), f the activation that follows",
    use: "sigmoid networks, which Glorot's variance leaves saturated around 1/2",
    source:
      "Kumar 2017, arXiv:1704.08863. At a kink, f'(0)^2 is the mean square of the two slopes: He's for relu; beyond relu that is ours",
    property: "12.8 / fan_in for sigmoid, 1 / fan_in for tanh, 2 / fan_in for relu",
    draw: (options, spec) =>
      varianceScaling({ ...options, scale: kumarScale(spec.activation) }, spec),
  },
  {
    name: "torch_default",
    aliases: ["pytorch_default", "torch_linear", "lora_a"],
    family: "variance scaling",
    applies: "any",
    defaults: {},
    formula: "U[-1, 1) / sqrt(fan_in), variance 1 / (3 fan_in); the same for biases",
    use: "to reproduce PyTorch's Linear and Conv, and the A of LoRA (its B is zeros); too small for deep relu networks",
    source: "PyTorch kaiming_uniform_(a=sqrt(5)); the heuristic of Glorot & Bengio 2010, eq. (1)",
    property: "variance times fan_in is 1/3",
    draw: (_, { fanIn }) => symmetric(1 / Math.sqrt(fanIn)),
  },
  {
    name: "rnn_default",
    aliases: ["torch_rnn", "torch_lstm", "torch_gru"],
    family: "variance scaling",
    applies: "any",
    defaults: {},
    formula: "U[-1, 1) / sqrt(H), H the units of a gate; for kernels, recurrent kernels and biases",
    use: "to reproduce PyTorch's RNN, LSTM and GRU",
    source: "PyTorch RNNBase.reset_parameters",
    property: "variance 1 / (3 H)",
    draw: (_, spec) => symmetric(1 / Math.sqrt(spec.maps[0]?.outputs ?? spec.fanOut)),
  },
  {
    name: "siren",
    aliases: ["siren_uniform"],
    family: "variance scaling",
    applies: "any",
    defaults: { layer: "hidden", omega0: 30 },
    formula: "hidden: U[-1, 1) sqrt(6 / fan_in) / omega0; first: U[-1, 1) / fan_in",
    use: "networks of sin(omega0 (Wx + b))",
    source: "Sitzmann et al. 2020, theorem 1.8",
    property:
      "omega0 Wx of arcsine inputs is N(0, 1); with depth its variance settles at v = 1 - exp(-2v) = 0.797",
    draw: (options, { fanIn }) => {
      const omega0 = positive(options, "omega0");
      return word(options, "layer", ["first", "hidden"]) === "first"
        ? symmetric(1 / fanIn)
        : symmetric(Math.sqrt(6 / fanIn) / omega0);
    },
  },
  {
    name: "looks_linear",
    aliases: ["mirrored", "ll_init", "ll"],
    family: "variance scaling",
    applies: "kernels",
    defaults: { gain: 1, mirror: "both", pairs: "halves" },
    formula:
      "gain [[W, -W], [-W, W]], W orthogonal of half the size; mirror=outputs (first layer): [W, -W], inputs (last layer): [W; -W]",
    use: "deep relu networks without normalisation or residuals",
    source:
      "Balduzzi et al. 2017; pairs=neighbours survives grouping and flattening, which halves do not",
    property:
      "a relu network of such layers is exactly linear, and an isometry for gain 1 and square layers",
    draw: (options, spec) => {
      const mirror = word(options, "mirror", ["both", "outputs", "inputs"]);
      return looksLinearDraw(spec, number(options, "gain"), {
        inputs: mirror !== "outputs",
        outputs: mirror !== "inputs",
        pairs: word(options, "pairs", ["halves", "neighbours"]),
      });
    },
  },
  {
    name: "mup",
    aliases: ["maximal_update"],
    family: "variance scaling",
    applies: "any",
    defaults: { layer: "hidden", scale: 1, base: 1, distribution: "normal" },
    formula:
      "input and hidden: variance scale / fan_in; output: scale base / fan_in^2, base the fan_in at which the two agree",
    use: "learning rates that carry over between widths; Adam's rate of hidden and output layers is to go as 1 / width too",
    source: "Yang & Hu 2021; Yang et al. 2022, arXiv:2203.03466, table 8",
    property: "doubling fan_in halves the variance of hidden and quarters that of output layers",
    draw: (options, spec) => {
      const scale = nonNegative(options, "scale");
      const output = word(options, "layer", ["input", "hidden", "output"]) === "output";
      const base = positive(options, "base");
      const factor = output ? base / spec.fanIn : 1;
      return varianceScaling({ ...options, scale: scale * factor, mode: "fan_in" }, spec);
    },
  },
  {
    name: "ntk",
    aliases: ["ntk_normal", "equalized_lr", "equalised_lr"],
    family: "variance scaling",
    applies: "any",
    defaults: {},
    formula: "N(0, 1); the forward pass is to multiply by gain / sqrt(fan_in)",
    use: "layers that scale their product by gain / sqrt(fan_in) themselves; elsewhere it is N(0, 1) and explodes",
    source:
      "Jacot, Gabriel & Hongler 2018; Karras et al. 2018 (equalised learning rate). A parametrisation: only the weights' part is here",
    property: "times gain / sqrt(fan_in), the variance is gain^2 / fan_in",
    draw: () => normal(0, 1),
  },
  {
    name: "weight_norm_resnet",
    aliases: ["arpit_bengio", "arpit"],
    family: "variance scaling",
    applies: "kernels",
    defaults: { gain: "auto", blocks: 1 },
    formula:
      "w = g v / |v| for each unit, v of N(0, I), g = gain sqrt(fan_in / fan_out) / sqrt(blocks); gain^2 = 2 before relu, 1 before linear",
    use: "weight-normalised networks; blocks=B for the last layer of each of B residual branches",
    source: "Arpit, Campos & Bengio 2019, arXiv:1906.02341",
    property: "each unit's incoming weights have the norm g exactly",
    draw: (options, spec) => {
      const gain = options.gain === "auto" ? drawnGain(spec.activation) : number(options, "gain");
      const g =
        (gain * Math.sqrt(spec.fanIn / spec.fanOut)) / Math.sqrt(positive(options, "blocks"));
      return unitVectors(spec, () => g, "normal");
    },
  },
  {
    name: "nguyen_widrow",
    aliases: ["initnw"],
    family: "variance scaling",
    applies: "any",
    defaults: { beta: 0.7 },
    formula:
      "v beta H^(1 / fan_in) / |v| for each of H = fan_out units, v of U[-1, 1)^fan_in; biases U[-1, 1) beta H^(1 / fan_in)",
    use: "networks of one hidden tanh layer on inputs in [-1, 1]",
    source: "Nguyen & Widrow 1990",
    property:
      "each unit's incoming weights have the norm beta H^(1 / fan_in) exactly; biases stay within it",
    draw: (options, spec) => {
      const norm = positive(options, "beta") * spec.fanOut ** (1 / spec.fanIn);
      return spec.maps.length === 0 ? symmetric(norm) : unitVectors(spec, () => norm, "uniform");
    },
  },
  {
    name: "depth_scaled",
    aliases: ["residual_scaled"],
    family: "variance scaling",
    applies: "any",
    defaults: { scale: 1, mode: "fan_in", distribution: "normal", depth: 1 },
    formula: "variance scale / (2 depth n), depth in blocks of two residual branches",
    use: "the last layer of each residual branch",
    source: "Radford et al. 2019, section 2.3, on any fan",
    property: "the sum of 2 depth such branches has the variance of one without the factor",
    draw: (options, spec) => {
      const scale = nonNegative(options, "scale") / (2 * positive(options, "depth"));
      return varianceScaling({ ...options, scale }, spec);
    },
  },
  {
    name: "small_init",
    aliases: ["small_init_normal"],
    family: "variance scaling",
    applies: "any",
    defaults: { d: "auto" },
    formula:
      "N(0, 2 / (5 d)), d the model's width; auto: the lesser of the fans, which it is for every kernel of a transformer",
    use: "transformers: all kernels but the last of each branch, which take wang",
    source: "Nguyen & Salazar 2019; GPT-NeoX-20B",
    property: "standard deviation sqrt(2 / (5 d))",
    draw: (options, spec) => normal(0, Math.sqrt(2 / (5 * width(options, spec)))),
  },
  {
    name: "wang",
    aliases: ["wang_init"],
    family: "variance scaling",
    applies: "any",
    defaults: { d: "auto", depth: 1 },
    formula: "N(0, (2 / (depth sqrt(d)))^2), d the model's width; auto: the lesser of the fans",
    use: "the last kernel of each branch of a transformer of `depth` blocks",
    source: "GPT-NeoX-20B, after Wang's mesh-transformer-jax",
    property: "standard deviation 2 / (depth sqrt(d))",
    draw: (options, spec) =>
      normal(0, 2 / (positive(options, "depth") * Math.sqrt(width(options, spec)))),
  },
];

/** Incoming weights of each unit of a map: a random vector of the given norm. */
function unitVectors(
  spec: ParamSpec,
  normOf: (map: LinearMap) => number,
  of: "normal" | "uniform",
): Draw {
  const most = spec.maps.reduce((high, map) => Math.max(high, normOf(map)), 0);
  const theory = mapsTheory(spec, Math.abs(most), (map) => normOf(map) ** 2 / map.inputs);
  return randomMatrices(spec, theory, (map, index, draws) => {
    const { inputs, outputs } = map;
    const v = standardDraws(of, draws, inputs * outputs, index + 1);
    const squares = new Float64Array(outputs);
    v.forEach((x, at) => {
      squares[at % outputs]! += x * x;
    });
    return Float64Array.from(v, (x, at) => (normOf(map) * x) / Math.sqrt(squares[at % outputs]!));
  });
}

/** U[-limit, limit) */
function symmetric(limit: number): Draw {
  return { distribution: "uniform", low: -limit, high: limit };
}

/** The width of a transformer's model: option `d`. */
function width(options: Options, { fanIn, fanOut }: ParamSpec): number {
  return options.d === "auto" ? Math.min(fanIn, fanOut) : positive(options, "d");
}

/** The uniform and the normal member of a variance-scaling family. */
function family(
  name: string,
  /** Another prefix, and the names that leave the distribution open. */
  also: {
    readonly prefix: string | undefined;
    readonly uniform: readonly string[];
    readonly normal: readonly string[];
  },
  defaults: Options,
  about: { readonly formula: string; readonly use: string; readonly source: string },
): readonly Scheme[] {
  return (["uniform", "normal"] as const).map((distribution) => ({
    name: `${name}_${distribution}`,
    aliases: [
      ...(also.prefix === undefined ? [] : [`${also.prefix}_${distribution}`]),
      ...also[distribution],
    ],
    defaults: { ...defaults, distribution },
    family: "variance scaling",
    applies: "any",
    ...about,
    property: "variance as stated, the same for each distribution",
    draw: varianceScaling,
  }));
}

/** Variance `scale / ((1 + slope^2) n)`, n the mode's fan; the three distributions have the same variance. */
function varianceScaling(options: Options, spec: ParamSpec): Draw {
  const slope = options.slope === undefined ? 0 : number(options, "slope");
  const n = fan(String(options.mode), spec);
  const std = Math.sqrt(nonNegative(options, "scale") / ((1 + slope * slope) * n));
  switch (word(options, "distribution", ["uniform", "normal", "truncated_normal"])) {
    case "uniform":
      return uniformOf(std);
    case "normal":
      return normal(0, std);
    case "truncated_normal":
      return truncated(0, std, -2, 2);
  }
}
