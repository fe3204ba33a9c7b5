import type { ParamSpec } from "../types.ts";
import { fixedValues, size } from "../values.ts";
import type { Options, Scheme } from "./scheme.ts";
import { number } from "./scheme.ts";

export const BIASES: readonly Scheme[] = [
  {
    name: "small_positive",
    aliases: [],
    family: "biases",
    applies: "any",
    defaults: { value: 0.01 },
    formula: "value, above 0",
    use: "biases before relu, so that few units start dead",
    source: "a common choice, 0.01 to 0.1",
    property: "all values are exactly the given one",
    draw: (options) => {
      const value = number(options, "value");
      if (!(value > 0)) throw new RangeError(`small_positive: value must be above 0, got ${value}`);
      return { distribution: "constant", value };
    },
  },
  {
    name: "carry_bias",
    aliases: ["highway_bias", "transform_gate_bias"],
    family: "biases",
    applies: "any",
    defaults: { value: -1 },
    formula: "value, below 0",
    use: "biases of a highway layer's transform gate, -1 to -4: the layer begins by carrying its input",
    source: "Srivastava et al. 2015",
    property: "all values are exactly the given one; the gate opens by sigmoid(value) < 1/2",
    draw: (options) => {
      const value = number(options, "value");
      if (!(value < 0)) throw new RangeError(`carry_bias: value must be below 0, got ${value}`);
      return { distribution: "constant", value };
    },
  },
  {
    name: "log_prior",
    aliases: [],
    family: "biases",
    applies: "biases",
    defaults: { p: "uniform" },
    formula: "b_c = log(p_c / sum p), p the classes' shares or counts: p=900/90/10",
    use: "the bias before a softmax: the first loss is the entropy of the classes, not more",
    source: "Karpathy's recipe; uniform is timm's nlhb, -log C",
    property: "softmax(b) is p / sum p to 1e-6",
    draw: (options, spec) => fixedValues(logPrior(options, spec)),
  },
  {
    name: "focal_prior",
    aliases: ["focal_bias", "prior_probability"],
    family: "biases",
    applies: "any",
    defaults: { pi: 0.01 },
    formula: "-log((1 - pi) / pi)",
    use: "biases before a sigmoid whose positives are rare, as in detection",
    source: "Lin et al. 2017 (RetinaNet)",
    property: "sigmoid(b) is pi to 1e-6",
    draw: (options) => {
      const pi = number(options, "pi");
      if (!(pi > 0 && pi < 1)) {
        throw new RangeError(`focal_prior: pi must be between 0 and 1, got ${pi}`);
      }
      return { distribution: "constant", value: -Math.log((1 - pi) / pi) };
    },
  },
];

function logPrior(options: Options, spec: ParamSpec): Float32Array {
  const classes = size(spec.shape);
  if (options.p === "uniform") return new Float32Array(classes).fill(-Math.log(classes));
  const p = String(options.p).split("/").map(Number);
  if (p.length !== classes || !p.every((share) => share > 0 && Number.isFinite(share))) {
    throw new RangeError(
      `log_prior: p must be "uniform" or ${classes} positive numbers with / between them, got ${options.p}`,
    );
  }
  const sum = p.reduce((all, share) => all + share, 0);
  return Float32Array.from(p, (share) => Math.log(share / sum));
}
