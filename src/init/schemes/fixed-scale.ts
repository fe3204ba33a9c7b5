import type { Draw } from "../draw.ts";
import { truncationOf } from "../truncated.ts";
import type { ParamSpec } from "../types.ts";
import { size } from "../values.ts";
import { deviation, positive, standardDraws } from "./scale.ts";
import type { Options, Scheme } from "./scheme.ts";
import { bound, nonNegative, normal, number, truncated, word } from "./scheme.ts";

export const FIXED_SCALE: readonly Scheme[] = [
  {
    name: "uniform",
    aliases: ["random_uniform"],
    family: "fixed scale",
    applies: "any",
    defaults: { low: -0.05, high: 0.05 },
    formula: "U[low, high)",
    use: "when a paper states its bounds",
    source: "Keras RandomUniform",
    property: "inside [low, high), variance (high - low)^2 / 12",
    draw: (options) => {
      const low = number(options, "low");
      const high = number(options, "high");
      if (!(low < high)) {
        throw new RangeError(`uniform: low must be below high, got ${low} and ${high}`);
      }
      return { distribution: "uniform", low, high };
    },
  },
  {
    name: "normal",
    aliases: ["random_normal", "gaussian"],
    family: "fixed scale",
    applies: "any",
    defaults: { mean: 0, std: 0.05 },
    formula: "N(mean, std^2)",
    use: "when a paper states its deviation",
    source: "Keras RandomNormal",
    property: "mean and variance within 5 sigma",
    draw: (options) => normal(number(options, "mean"), nonNegative(options, "std")),
  },
  {
    name: "truncated_normal",
    aliases: ["trunc_normal", "trunc_normal_tf"],
    family: "fixed scale",
    applies: "any",
    defaults: { mean: 0, std: 0.05, low: -2, high: 2, boundsIn: "std", correct: "on" },
    formula:
      "N(mean, sigma^2) on mean + sigma [low, high] (boundsIn=std) or on [low, high] (boundsIn=absolute); correct=on: sigma such that std and mean are what is left, off: sigma = std",
    use: "0.02 of transformers, without its loss of variance; low=-inf or high=inf cut one side only",
    source:
      "variance corrected; correct=off is TensorFlow's, Keras' and JAX's, with boundsIn=absolute PyTorch's and timm's",
    property: "inside its bounds, with exactly the asked mean and variance",
    draw: (options) => truncatedNormal(options, "truncated_normal"),
  },
  {
    name: "bert_truncated_normal",
    aliases: ["bert"],
    family: "fixed scale",
    applies: "any",
    defaults: { mean: 0, std: 0.02, low: -2, high: 2, boundsIn: "std", correct: "off" },
    formula: "N(0, 0.02^2) on [-0.04, 0.04], standard deviation 0.0176",
    use: "to reproduce BERT",
    source: "Devlin et al. 2018, TensorFlow's truncated_normal_initializer(0.02): not corrected",
    property: "inside +-2 std, variance 0.7737 std^2",
    draw: (options) => truncatedNormal(options, "bert_truncated_normal"),
  },
  {
    name: "vit_truncated_normal",
    aliases: ["vit", "init_weights_vit_timm", "init_weight_vit"],
    family: "fixed scale",
    applies: "any",
    defaults: { mean: 0, std: 0.02, low: -2, high: 2, boundsIn: "absolute", correct: "off" },
    formula: "N(0, 0.02^2) on [-2, 2], which is 100 deviations: not truncated in effect",
    use: "to reproduce timm's vision transformers",
    source: "timm trunc_normal_(std=.02), PyTorch's absolute bounds",
    property: "variance std^2",
    draw: (options) => truncatedNormal(options, "vit_truncated_normal"),
  },
  {
    name: "gpt2_normal",
    aliases: ["gpt2", "gpt"],
    family: "fixed scale",
    applies: "any",
    defaults: { std: 0.02 },
    formula: "N(0, std^2), std 0.02",
    use: "transformers of GPT-2's width",
    source: "Radford et al. 2019",
    property: "standard deviation 0.02",
    draw: (options) => normal(0, nonNegative(options, "std")),
  },
  {
    name: "gpt2_residual",
    aliases: ["gpt2_c_proj"],
    family: "fixed scale",
    applies: "any",
    defaults: { std: 0.02, depth: 12 },
    formula: "N(0, std^2 / (2 depth)), depth in blocks of two residual branches",
    use: "the last projection of each residual branch beside gpt2_normal",
    source: "Radford et al. 2019, section 2.3; depth=12 is the smallest GPT-2's",
    property: "standard deviation 0.02 / sqrt(2 depth)",
    draw: (options) =>
      normal(0, nonNegative(options, "std") / Math.sqrt(2 * positive(options, "depth"))),
  },
  {
    name: "laplace",
    aliases: ["double_exponential"],
    family: "fixed scale",
    applies: "any",
    defaults: { mean: 0, std: 0.05, scale: 1, mode: "none" },
    formula:
      "exp(-|w - mean| / b) / 2b, b = std / sqrt(2); std, or sqrt(scale / n) when mode names a fan",
    use: "to see what heavy tails do",
    source: "the Laplace law; excess kurtosis 3",
    property: "variance, kurtosis and law within their confidence limits",
    draw: (options, spec) => {
      const mean = number(options, "mean");
      const std = deviation(options, spec);
      return {
        distribution: "values",
        theory: { mean, std, low: -Infinity, high: Infinity },
        values: (draws) => {
          const n = size(spec.shape);
          const side = draws.uniform(n, 2);
          const b = std / Math.SQRT2;
          return draws.uniform(n, 1).map((u, i) => {
            const size = -b * Math.log1p(-u);
            return side[i]! < 0.5 ? mean - size : mean + size;
          });
        },
      };
    },
  },
  {
    name: "rademacher",
    aliases: ["random_sign"],
    family: "fixed scale",
    applies: "any",
    defaults: { std: 0.05, scale: 1, mode: "none" },
    formula: "+-std, each with probability 1/2; std, or sqrt(scale / n) when mode names a fan",
    use: "binary weights; to separate a weight's sign from its size",
    source: "the Rademacher law; excess kurtosis -2",
    property: "the mean square is std^2 exactly",
    draw: (options, spec) => {
      const std = deviation(options, spec);
      return {
        distribution: "values",
        theory: { mean: 0, std, low: -std, high: std },
        values: (draws) => draws.uniform(size(spec.shape), 1).map((u) => (u < 0.5 ? -std : std)),
      };
    },
  },
  {
    name: "antithetic",
    aliases: ["mirrored_pairs"],
    family: "fixed scale",
    applies: "any",
    defaults: { distribution: "normal", std: 0.05, scale: 1, mode: "none" },
    formula:
      "w and -w at random places of the parameter, w ~ N(0, std^2) or U; std, or sqrt(scale / n) when mode names a fan",
    use: "to take the mean's chance out of small layers",
    source: "antithetic variates: Hammersley & Morton 1956",
    property:
      "values cancel in pairs, but one when their number is odd; alone with moment_matched a value depends on the parameter's size",
    draw: antithetic,
  },
  {
    name: "moment_matched",
    aliases: ["standardized"],
    family: "fixed scale",
    applies: "any",
    defaults: { distribution: "normal", mean: 0, std: 0.05, scale: 1, mode: "none" },
    formula:
      "mean + std (z - mean(z)) / std(z) over the parameter, z normal or uniform; std, or sqrt(scale / n) when mode names a fan",
    use: "to take the variance's chance out of small layers",
    source: "moment matching: the quadratic resampling of Barraquand 1995, of one variable",
    property:
      "sample mean and variance are exact to 1e-6 (from 2 values on), so each value depends on all others",
    draw: momentMatched,
  },
  {
    name: "log_normal",
    aliases: ["lognormal"],
    family: "fixed scale",
    applies: "any",
    defaults: { mean: 0.05, std: 0.05 },
    formula:
      "exp(mu + s z), z of N(0, 1), s^2 = log(1 + std^2 / mean^2), mu = log(mean) - s^2 / 2: mean and std are the weights'",
    use: "weights of one sign, as of excitatory synapses; gains around 1",
    source: "the log-normal law",
    property: "positive; the logarithms are N(mu, s^2)",
    draw: (options, spec) => {
      const mean = positive(options, "mean");
      const std = nonNegative(options, "std");
      const square = Math.log1p((std / mean) ** 2);
      const mu = Math.log(mean) - square / 2;
      return {
        distribution: "values",
        theory: { mean, std, low: 0, high: Infinity },
        values: (draws) =>
          draws.normal(size(spec.shape), 1).map((z) => Math.exp(mu + Math.sqrt(square) * z)),
      };
    },
  },
  {
    name: "student_t",
    aliases: ["t_distribution"],
    family: "fixed scale",
    applies: "any",
    defaults: { df: 5, std: 0.05, scale: 1, mode: "none" },
    formula:
      "std sqrt((df - 2) / df) t, t of Student's law of df > 2 degrees; std, or sqrt(scale / n) when mode names a fan",
    use: "to see what heavy tails do: trained weights have them",
    source: "Student's law; drawn as in Bailey 1994, sqrt(df (u^(-2 / df) - 1)) cos(2 pi v)",
    property: "its law, by Kolmogorov and Smirnov, and its deviation",
    draw: (options, spec) => {
      const df = number(options, "df");
      if (!(df > 2)) throw new RangeError(`df: expected a number above 2, got ${df}`);
      const std = deviation(options, spec);
      const scale = std * Math.sqrt((df - 2) / df);
      return {
        distribution: "values",
        theory: { mean: 0, std, low: -Infinity, high: Infinity },
        values: (draws) => {
          const n = size(spec.shape);
          const turn = draws.uniform(n, 2);
          // 1 - u is in (0, 1].
          return draws
            .uniform(n, 1)
            .map(
              (u, i) =>
                scale *
                Math.sqrt(df * Math.expm1((-2 / df) * Math.log1p(-u))) *
                Math.cos(2 * Math.PI * turn[i]!),
            );
        },
      };
    },
  },
  {
    name: "ternary",
    aliases: ["ternary_sign"],
    family: "fixed scale",
    applies: "any",
    defaults: { density: 0.5, std: 0.05, scale: 1, mode: "none" },
    formula:
      "+-std / sqrt(density), each with probability density / 2, else 0; std, or sqrt(scale / n) when mode names a fan",
    use: "ternary weights",
    source: "Li, Zhang & Liu 2016, ternary weight networks, for the values",
    property: "three values, in their shares",
    draw: (options, spec) => {
      const density = positive(options, "density");
      if (density > 1) throw new RangeError(`density: expected at most 1, got ${density}`);
      const std = deviation(options, spec);
      const a = std / Math.sqrt(density);
      return {
        distribution: "values",
        theory: { mean: 0, std, low: -a, high: a },
        values: (draws) =>
          draws
            .uniform(size(spec.shape), 1)
            .map((u) => (u < density / 2 ? -a : u < density ? a : 0)),
      };
    },
  },
  {
    name: "small_random",
    aliases: ["small_normal"],
    family: "fixed scale",
    applies: "any",
    defaults: { std: 0.01 },
    formula: "N(0, std^2)",
    use: "shallow networks only: the signal shrinks with every layer",
    source: "Krizhevsky et al. 2012, section 5",
    property: "standard deviation 0.01",
    draw: (options) => normal(0, nonNegative(options, "std")),
  },
  {
    name: "standard_normal",
    aliases: ["randn"],
    family: "fixed scale",
    applies: "any",
    defaults: {},
    formula: "N(0, 1)",
    use: "to show how a signal explodes",
    source: "blind to the fan",
    property: "variance 1",
    draw: () => normal(0, 1),
  },
];

function truncatedNormal(options: Options, name: string): Draw {
  const mean = number(options, "mean");
  const std = nonNegative(options, "std");
  const low = bound(options, "low");
  const high = bound(options, "high");
  const boundsIn = word(options, "boundsIn", ["std", "absolute"]);
  const correct = word(options, "correct", ["on", "off"]);
  if (!(low < high)) {
    throw new RangeError(`${name}: low must be below high, got ${low} and ${high}`);
  }
  if (boundsIn === "std") {
    if (correct === "on") return truncated(mean, std, low, high);
    return { distribution: "truncated_normal", mean, sigma: std, low, high };
  }
  if (std === 0 && low <= mean && mean <= high) return { distribution: "constant", value: mean };
  if (correct === "off" && std > 0) {
    const [a, b] = [(low - mean) / std, (high - mean) / std];
    return { distribution: "truncated_normal", mean, sigma: std, low: a, high: b };
  }
  const truncation = std > 0 ? truncationOf(mean, std, low, high) : undefined;
  if (truncation === undefined) {
    throw new RangeError(
      `${name}: no normal law cut at [${low}, ${high}] has mean ${mean} and standard deviation ${std}`,
    );
  }
  return { distribution: "truncated_normal", ...truncation };
}

function antithetic(options: Options, spec: ParamSpec): Draw {
  const distribution = word(options, "distribution", ["normal", "uniform"]);
  const std = deviation(options, spec);
  const limit = distribution === "uniform" ? Math.sqrt(3) * std : Infinity;
  return {
    distribution: "values",
    theory: { mean: 0, std, low: -limit, high: limit },
    values: (draws) => {
      const n = size(spec.shape);
      const z = standardDraws(distribution, draws, Math.ceil(n / 2), 1);
      // Pairs at random places: neighbours, or halves, would halve the rank of a matrix.
      const place = draws.permutation(n, 2);
      const values = new Float32Array(n);
      for (let i = 0; i < n; i++) {
        values[place[i]!] = (i % 2 === 0 ? std : -std) * z[Math.floor(i / 2)]!;
      }
      return values;
    },
  };
}

function momentMatched(options: Options, spec: ParamSpec): Draw {
  const distribution = word(options, "distribution", ["normal", "uniform"]);
  const mean = number(options, "mean");
  const std = deviation(options, spec);
  const n = size(spec.shape);
  // |w - mean| <= std sqrt(n - 1) for any n numbers with this mean and deviation. A single number is drawn as it comes.
  const reach = n > 1 ? std * Math.sqrt(n - 1) : Infinity;
  return {
    distribution: "values",
    theory: { mean, std, low: mean - reach, high: mean + reach },
    values: (draws) => {
      const z = standardDraws(distribution, draws, n, 1);
      if (n === 1) return z.map((x) => mean + std * x);
      const centre = z.reduce((sum, x) => sum + x, 0) / n;
      const spread = Math.sqrt(z.reduce((sum, x) => sum + (x - centre) ** 2, 0) / n);
      return z.map((x) => mean + (std * (x - centre)) / spread);
    },
  };
}
