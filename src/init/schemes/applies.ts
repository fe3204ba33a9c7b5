import type { ParamSpec } from "../types.ts";
import { nameOf } from "../values.ts";

export type Applies =
  | "any"
  | "kernels"
  | "matrices"
  | "even outputs"
  | "outputs in fours"
  | "square maps"
  | "even square maps"
  | "convolutions"
  | "1-d convolutions"
  | "2-d convolutions"
  | "transposed convolutions"
  | "attention"
  | "biases"
  | "gated biases";

interface Condition {
  /** As a refusal says it: "expected linear maps, got …". */
  readonly expected: string;
  readonly holds: (spec: ParamSpec) => boolean;
}

/** What schemes may ask of a parameter. What they ask beyond, of sizes and options, they say in their formula and check themselves. */
export const APPLIES: Readonly<Record<Applies, Condition>> = {
  any: { expected: "any parameter", holds: () => true },
  kernels: {
    expected: "a kernel: a bias or a gain has no linear map",
    holds: ({ maps }) => maps.length > 0,
  },
  matrices: {
    expected: "a kernel that is one matrix",
    holds: ({ maps, shape }) => maps.length > 0 && shape.length === 2,
  },
  "even outputs": {
    expected: "linear maps with as many real as imaginary outputs",
    holds: ({ maps }) => maps.length > 0 && maps.every(({ outputs }) => outputs % 2 === 0),
  },
  "outputs in fours": {
    expected: "linear maps with as many outputs in each of four parts",
    holds: ({ maps }) => maps.length > 0 && maps.every(({ outputs }) => outputs % 4 === 0),
  },
  "even square maps": {
    expected: "square linear maps of even size",
    holds: ({ maps }) =>
      maps.length > 0 &&
      maps.every(({ inputs, outputs }) => inputs === outputs && inputs % 2 === 0),
  },
  "square maps": {
    expected: "square linear maps",
    holds: ({ maps }) => maps.length > 0 && maps.every(({ inputs, outputs }) => inputs === outputs),
  },
  convolutions: {
    expected: "a convolution kernel [window…, inputs, outputs]",
    holds: isConvolution,
  },
  "1-d convolutions": {
    expected: "a convolution kernel over one axis, none of a transposed one",
    holds: (spec) => isPlain(spec, 1),
  },
  "2-d convolutions": {
    expected: "a convolution kernel over two axes, none of a transposed one",
    holds: (spec) => isPlain(spec, 2),
  },
  "transposed convolutions": {
    expected: "a transposed convolution with as many outputs as inputs, or one input a group",
    holds: (spec) => {
      const [rows = 0, outputs = 0] = spec.shape.slice(-2);
      const columns = spec.maps[0]?.outputs;
      return (
        isConvolution(spec) &&
        spec.layer === "conv_transpose" &&
        (rows === columns || (rows === 1 && outputs > 0))
      );
    },
  },
  attention: {
    // All of them: an LSTM has an output gate.
    expected: "parts called query, key, value, output",
    holds: ({ parts = [] }) =>
      parts.length > 0 && parts.every((part) => ["query", "key", "value", "output"].includes(part)),
  },
  biases: {
    expected: "a bias",
    holds: ({ role, shape }) => role === "bias" && shape.length === 1,
  },
  "gated biases": {
    expected: "the bias of a gated layer",
    holds: ({ role, shape, parts }) => role === "bias" && shape.length === 1 && parts !== undefined,
  },
};

/** Throws a `RangeError` unless a parameter is what a scheme is for. */
export function checkApplies(applies: Applies, spec: ParamSpec): void {
  const { expected, holds } = APPLIES[applies];
  if (!holds(spec)) throw new RangeError(`expected ${expected}, got ${nameOf(spec)}`);
}

function isConvolution({ shape, window, maps }: ParamSpec): boolean {
  return window !== undefined && shape.length === window.size.length + 2 && maps.length > 0;
}

function isPlain(spec: ParamSpec, axes: number): boolean {
  return (
    isConvolution(spec) && spec.window?.size.length === axes && spec.layer !== "conv_transpose"
  );
}
