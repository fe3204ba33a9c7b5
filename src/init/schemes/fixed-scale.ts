import type { Scheme } from "./scheme.ts";
import { nonNegative, normal, number, truncated } from "./scheme.ts";

export const FIXED_SCALE: readonly Scheme[] = [
  {
    name: "uniform",
    aliases: ["random_uniform"],
    family: "fixed scale",
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
    defaults: { mean: 0, std: 0.05 },
    formula: "N(mean, std^2)",
    use: "when a paper states its deviation",
    source: "Keras RandomNormal",
    property: "mean and variance within 5 sigma",
    draw: (options) => normal(number(options, "mean"), nonNegative(options, "std")),
  },
  {
    name: "truncated_normal",
    aliases: ["trunc_normal"],
    family: "fixed scale",
    defaults: { mean: 0, std: 0.05, low: -2, high: 2 },
    formula: "N(mean, sigma^2) on mean + sigma [low, high], sigma such that the result has std",
    use: "BERT's and ViT's 0.02, without their loss of variance",
    source: "variance corrected, unlike TensorFlow's and PyTorch's",
    property: "inside its bounds, with exactly the asked mean and variance",
    draw: (options) => {
      const low = number(options, "low");
      const high = number(options, "high");
      return truncated(number(options, "mean"), nonNegative(options, "std"), low, high);
    },
  },
  {
    name: "small_random",
    aliases: ["small_normal"],
    family: "fixed scale",
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
    defaults: {},
    formula: "N(0, 1)",
    use: "to show how a signal explodes",
    source: "blind to the fan",
    property: "variance 1",
    draw: () => normal(0, 1),
  },
];
