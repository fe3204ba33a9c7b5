import type { Draw } from "./draw.ts";
import { truncatedMoments } from "./draw.ts";
import { gain } from "./gains.ts";
import type { ParamSpec } from "./types.ts";

export type Options = Readonly<Record<string, number | string>>;

/** A weight-initialisation scheme: its names, its options with defaults, and the draw it asks for. */
export interface Scheme {
  readonly name: string;
  /** Spellings of PyTorch, Keras, JAX, tfjs. */
  readonly aliases: readonly string[];
  readonly defaults: Options;
  /** The law of one weight, in the field's notation. */
  readonly formula: string;
  /** Paper and equation, or the library that made it common. */
  readonly source: string;
  readonly draw: (options: Options, spec: ParamSpec) => Draw;
}

/** Every scheme, one row each. */
export const SCHEMES: readonly Scheme[] = [
  {
    name: "zeros",
    aliases: ["zero"],
    defaults: {},
    formula: "0",
    source: "no weight gets a gradient in a hidden layer",
    draw: () => ({ distribution: "constant", value: 0 }),
  },
  {
    name: "ones",
    aliases: ["one"],
    defaults: {},
    formula: "1",
    source: "for gains, not for kernels",
    draw: () => ({ distribution: "constant", value: 1 }),
  },
  {
    name: "constant",
    aliases: ["full"],
    defaults: { value: 0.1 },
    formula: "value",
    source: "all units of a layer stay equal",
    draw: (options) => ({ distribution: "constant", value: number(options, "value") }),
  },
  {
    name: "uniform",
    aliases: ["random_uniform"],
    defaults: { low: -0.05, high: 0.05 },
    formula: "U[low, high)",
    source: "Keras RandomUniform",
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
    defaults: { mean: 0, std: 0.05 },
    formula: "N(mean, std^2)",
    source: "Keras RandomNormal",
    draw: (options) => normal(number(options, "mean"), positive(options, "std")),
  },
  {
    name: "truncated_normal",
    aliases: ["trunc_normal"],
    defaults: { mean: 0, std: 0.05, low: -2, high: 2 },
    formula: "N(mean, sigma^2) on mean + sigma [low, high], sigma such that the result has std",
    source: "variance corrected, unlike TensorFlow's and PyTorch's",
    draw: (options) => {
      const low = number(options, "low");
      const high = number(options, "high");
      return truncated(number(options, "mean"), positive(options, "std"), low, high);
    },
  },
  {
    name: "small_random",
    aliases: ["small_normal"],
    defaults: { std: 0.01 },
    formula: "N(0, std^2)",
    source: "Krizhevsky et al. 2012, section 5",
    draw: (options) => normal(0, positive(options, "std")),
  },
  {
    name: "standard_normal",
    aliases: ["randn"],
    defaults: {},
    formula: "N(0, 1)",
    source: "blind to the fan",
    draw: () => normal(0, 1),
  },
  {
    name: "variance_scaling",
    aliases: [],
    defaults: { scale: 1, mode: "fan_in", distribution: "truncated_normal" },
    formula: "variance scale / n, n the mode's fan",
    source: "Keras and JAX variance_scaling",
    draw: varianceScaling,
  },
  ...family(
    "glorot",
    "xavier",
    { scale: 1, mode: "fan_avg" },
    {
      formula: "variance 2 / (fan_in + fan_out)",
      source: "Glorot & Bengio 2010, eqs. (12) and (16)",
    },
  ),
  ...family(
    "he",
    "kaiming",
    { scale: 2, mode: "fan_in", slope: 0 },
    {
      formula: "variance 2 / ((1 + slope^2) fan_in)",
      source: "He et al. 2015, eqs. (10) and (15)",
    },
  ),
  ...family(
    "lecun",
    "le_cun", // tfjs writes leCunNormal
    { scale: 1, mode: "fan_in" },
    {
      formula: "variance 1 / fan_in",
      source: "LeCun, Bottou, Orr & Mueller 1998, section 4.6",
    },
  ),
  {
    name: "orthogonal",
    aliases: ["haar"],
    defaults: { gain: "auto" },
    formula:
      "gain Q, Q Haar-distributed with orthonormal rows or columns; auto: the gain of the activation",
    source: "Saxe, McClelland & Ganguli 2014; Mezzadri 2007 for the Haar measure",
    draw: (options, spec) => ({
      distribution: "orthogonal",
      gain: options.gain === "auto" ? gain(spec.activation) : number(options, "gain"),
    }),
  },
  {
    name: "identity",
    aliases: ["eye"],
    defaults: { gain: 1 },
    formula: "gain I (the leading diagonal when not square)",
    source: "Le, Jaitly & Hinton 2015",
    draw: (options) => ({ distribution: "identity", gain: number(options, "gain") }),
  },
];

/** The uniform and the normal member of a variance-scaling family. */
function family(
  name: string,
  alias: string,
  defaults: Options,
  about: { readonly formula: string; readonly source: string },
): readonly Scheme[] {
  return (["uniform", "normal"] as const).map((distribution) => ({
    name: `${name}_${distribution}`,
    aliases: [`${alias}_${distribution}`],
    defaults: { ...defaults, distribution },
    ...about,
    draw: varianceScaling,
  }));
}

/** Variance `scale / ((1 + slope^2) n)`, n = fan_in, fan_out or their mean; the three distributions have the same variance. */
function varianceScaling(options: Options, spec: ParamSpec): Draw {
  const slope = options.slope === undefined ? 0 : number(options, "slope");
  const n = fan(String(options.mode), spec);
  const variance = positive(options, "scale") / ((1 + slope * slope) * n);
  const std = Math.sqrt(variance);
  switch (options.distribution) {
    case "uniform": {
      const limit = Math.sqrt(3 * variance);
      return { distribution: "uniform", low: -limit, high: limit };
    }
    case "normal":
      return normal(0, std);
    case "truncated_normal":
      return truncated(0, std, -2, 2);
    default:
      throw new RangeError(
        `distribution: expected uniform, normal or truncated_normal, got ${options.distribution}`,
      );
  }
}

function fan(mode: string, { fanIn, fanOut }: ParamSpec): number {
  switch (mode) {
    case "fan_in":
      return fanIn;
    case "fan_out":
      return fanOut;
    case "fan_avg":
      return (fanIn + fanOut) / 2;
    default:
      throw new RangeError(`mode: expected fan_in, fan_out or fan_avg, got ${mode}`);
  }
}

function normal(mean: number, std: number): Draw {
  return { distribution: "normal", mean, std };
}

/** The draw whose truncation leaves standard deviation `std` and mean `mean`, whatever the bounds. */
function truncated(mean: number, std: number, low: number, high: number): Draw {
  const standard = truncatedMoments(low, high);
  const sigma = std / standard.std;
  return { distribution: "truncated_normal", mean: mean - sigma * standard.mean, sigma, low, high };
}

function number(options: Options, key: string): number {
  const value = options[key];
  if (typeof value !== "number" || !Number.isFinite(value)) {
    throw new TypeError(`${key}: expected a finite number, got ${value}`);
  }
  return value;
}

function positive(options: Options, key: string): number {
  const value = number(options, key);
  if (value < 0)
    throw new RangeError(`${key}: expected a number that is not negative, got ${value}`);
  return value;
}
