import type { Draw } from "../draw.ts";
import type { ParamSpec } from "../types.ts";
import type { Options, Scheme } from "./scheme.ts";
import { nonNegative, normal, number, truncated } from "./scheme.ts";

export const VARIANCE_SCALING: readonly Scheme[] = [
  {
    name: "variance_scaling",
    aliases: [],
    family: "variance scaling",
    defaults: { scale: 1, mode: "fan_in", distribution: "truncated_normal" },
    formula: "variance scale / n, n the mode's fan",
    use: "the general case: every He, Glorot and LeCun scheme is one of it",
    source: "Keras and JAX variance_scaling",
    property: "variance scale / n for each distribution",
    draw: varianceScaling,
  },
  ...family(
    "glorot",
    "xavier",
    { scale: 1, mode: "fan_avg" },
    {
      use: "tanh and linear layers",
      formula: "variance 2 / (fan_in + fan_out)",
      source: "Glorot & Bengio 2010, eqs. (12) and (16)",
    },
  ),
  ...family(
    "he",
    "kaiming",
    { scale: 2, mode: "fan_in", slope: 0 },
    {
      use: "relu and its kin",
      formula: "variance 2 / ((1 + slope^2) fan_in)",
      source: "He et al. 2015, eqs. (10) and (15)",
    },
  ),
  ...family(
    "lecun",
    "le_cun", // tfjs writes leCunNormal
    { scale: 1, mode: "fan_in" },
    {
      use: "selu and linear layers",
      formula: "variance 1 / fan_in",
      source: "LeCun, Bottou, Orr & Mueller 1998, section 4.6",
    },
  ),
];

/** The uniform and the normal member of a variance-scaling family. */
function family(
  name: string,
  alias: string,
  defaults: Options,
  about: { readonly formula: string; readonly use: string; readonly source: string },
): readonly Scheme[] {
  return (["uniform", "normal"] as const).map((distribution) => ({
    name: `${name}_${distribution}`,
    aliases: [`${alias}_${distribution}`],
    defaults: { ...defaults, distribution },
    family: "variance scaling",
    ...about,
    property: "variance as stated, the same for each distribution",
    draw: varianceScaling,
  }));
}

/** Variance `scale / ((1 + slope^2) n)`, n = fan_in, fan_out or their mean; the three distributions have the same variance. */
function varianceScaling(options: Options, spec: ParamSpec): Draw {
  const slope = options.slope === undefined ? 0 : number(options, "slope");
  const n = fan(String(options.mode), spec);
  const variance = nonNegative(options, "scale") / ((1 + slope * slope) * n);
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
