import { describe, expect, test } from "vitest";
import type { LintParameter, RuleName } from "../../src/diagnostics/lint.ts";
import { lint, lintSubject, RULES } from "../../src/diagnostics/lint.ts";
import type { ActivationLike, InitializerLike, Layer } from "../../src/index.ts";
import {
  activation,
  dense,
  dropout,
  meanSquaredError,
  Network,
  residual,
  sequential,
} from "../../src/index.ts";
import { initializer } from "../../src/init/index.ts";

const WIDTH = 16;

/** `depth` weight layers of `WIDTH` units, the output with its default. */
const stack = (
  depth: number,
  name: ActivationLike,
  kernelInitializer?: InitializerLike,
): Layer[] => [
  ...Array.from({ length: depth - 1 }, () =>
    dense(WIDTH, {
      activation: name,
      ...(kernelInitializer === undefined ? {} : { kernelInitializer }),
    }),
  ),
  dense(4),
];

const blocks = (count: number, last: InitializerLike): Layer[] => [
  ...Array.from({ length: count }, () =>
    residual(
      sequential(dense(WIDTH, { activation: "relu" }), dense(WIDTH, { kernelInitializer: last })),
    ),
  ),
  dense(4),
];

const create = (layers: readonly Layer[], seed = 1) =>
  Network.create({
    ...{ input: [WIDTH], body: sequential(...layers), loss: meanSquaredError() },
    ...{ variant: "simd", seed },
  });

interface Row {
  readonly rule: RuleName;
  readonly about: string;
  readonly wrong: readonly Layer[];
  readonly mended: readonly Layer[];
  readonly parameter: string;
}

const ROWS: readonly Row[] = [
  {
    ...{ rule: "activation-scheme-mismatch", about: "Glorot before relu" },
    ...{ wrong: stack(3, "relu", "glorot_uniform"), mended: stack(3, "relu", "he_uniform") },
    parameter: "dense/kernel",
  },
  {
    ...{ rule: "activation-scheme-mismatch", about: "N(0, 0.01^2) before tanh" },
    ...{ wrong: stack(3, "tanh", "small_random"), mended: stack(3, "tanh") },
    parameter: "dense/kernel",
  },
  {
    ...{
      rule: "activation-scheme-mismatch",
      about: "LeCun before a relu that is a layer of its own",
    },
    wrong: [
      dense(WIDTH, { kernelInitializer: "lecun_normal" }),
      dropout(0.1),
      activation("relu"),
      dense(4),
    ],
    mended: [
      dense(WIDTH, { kernelInitializer: "he_normal" }),
      dropout(0.1),
      activation("relu"),
      dense(4),
    ],
    parameter: "dense/kernel",
  },
  {
    ...{ rule: "framework-default-deep-relu", about: "PyTorch's default" },
    wrong: stack(8, "relu", "variance_scaling:scale=0.3333333,distribution=uniform"),
    ...{ mended: stack(8, "relu"), parameter: "dense/kernel" },
  },
  {
    ...{ rule: "framework-default-deep-relu", about: "Keras's default" },
    ...{ wrong: stack(8, "relu", "glorot_uniform"), mended: stack(8, "relu") },
    parameter: "dense_3/kernel",
  },
  {
    ...{ rule: "selu-gain", about: "PyTorch's gain of 3/4" },
    ...{ wrong: stack(3, "selu", "orthogonal:gain=0.75"), mended: stack(3, "selu", "orthogonal") },
    parameter: "dense/kernel",
  },
  {
    ...{ rule: "sigmoid-glorot-deep", about: "Glorot" },
    wrong: stack(5, "sigmoid", "glorot_normal"),
    mended: stack(5, "sigmoid", "variance_scaling:scale=12.8"),
    parameter: "dense_1/kernel",
  },
  {
    ...{ rule: "gelu-deep-no-norm", about: "ten layers" },
    ...{ wrong: stack(10, "gelu"), mended: stack(5, "gelu"), parameter: "dense/kernel" },
  },
  {
    ...{ rule: "gelu-deep-no-norm", about: "ten layers, or five residual blocks of silu" },
    wrong: stack(11, "silu"),
    mended: Array.from({ length: 5 }, () =>
      residual(
        sequential(
          dense(WIDTH, { activation: "silu" }),
          dense(WIDTH, { kernelInitializer: "zeros" }),
        ),
      ),
    ),
    parameter: "dense/kernel",
  },
  {
    ...{ rule: "standard-normal", about: "hidden" },
    ...{
      wrong: stack(2, "relu", "standard_normal"),
      mended: stack(2, "relu"),
      parameter: "dense/kernel",
    },
  },
  {
    ...{ rule: "standard-normal", about: "at the output" },
    wrong: [dense(4, { kernelInitializer: "normal:std=1" })],
    ...{ mended: [dense(4)], parameter: "dense/kernel" },
  },
  {
    ...{ rule: "symmetric-hidden", about: "zeros" },
    ...{ wrong: stack(2, "tanh", "zeros"), mended: stack(2, "tanh"), parameter: "dense/kernel" },
  },
  {
    ...{ rule: "symmetric-hidden", about: "a constant" },
    ...{ wrong: stack(2, "tanh", "constant"), mended: stack(2, "tanh", "identity") },
    parameter: "dense/kernel",
  },
  {
    ...{ rule: "residual-no-depth-scaling", about: "six blocks of He" },
    ...{ wrong: blocks(6, "he_normal"), mended: blocks(6, "zeros") },
    parameter: "residual_5/dense_1/kernel",
  },
  {
    ...{ rule: "residual-no-depth-scaling", about: "eight blocks of LeCun, or an eighth of it" },
    wrong: blocks(8, "lecun_normal"),
    mended: blocks(8, "variance_scaling:scale=0.125,distribution=normal"),
    parameter: "residual/dense_1/kernel",
  },
];

describe.each(ROWS)("$rule: $about", ({ rule, wrong, mended, parameter }) => {
  test("fires", async () => {
    const findings = lint(await create(wrong));
    expect(findings.map((f) => `${f.rule} ${f.parameter}`)).toContain(`${rule} ${parameter}`);
    for (const { message, mend } of findings) {
      expect(`${message} ${mend}`).not.toMatch(/NaN|undefined|Infinity|\[object/);
    }
  });

  test("is silent, and so is every other rule, once it is mended", async () => {
    expect(lint(await create(mended))).toEqual([]);
  });
});

test("an output of zeros is no finding, and neither is a single unit", async () => {
  expect(
    lint(
      await create([dense(8, { activation: "relu" }), dense(1, { kernelInitializer: "zeros" })]),
    ),
  ).toEqual([]);
  expect(lint(await create([dense(1, { activation: "tanh" }), dense(1)]))).toEqual([]);
});

test("identical-parameters: fires for copies, is silent for the identity and for independent draws", async () => {
  const network = await create([
    dense(WIDTH, { activation: "relu" }),
    dense(WIDTH, { activation: "relu" }),
    dense(4),
  ]);
  expect(lint(network)).toEqual([]);
  network.setWeights("dense_1/kernel", network.weights("dense/kernel"));
  expect(lint(network)).toEqual([
    expect.objectContaining({
      rule: "identical-parameters",
      parameter: "dense_1/kernel",
      message: "has the values of dense/kernel",
    }),
  ]);
  expect(lint(await create(stack(3, "tanh", "identity")))).toEqual([]);
});

test("not-finite: fires at the value", async () => {
  const network = await create([dense(4)]);
  const values = network.weights("dense/kernel");
  values[5] = Number.NaN;
  network.setWeights("dense/kernel", values);
  expect(lint(network)).toMatchObject([{ rule: "not-finite", message: "value 5 is NaN" }]);
});

describe("forget-bias-zero", () => {
  const lstm = (values: readonly number[], parts?: readonly string[]): LintParameter => ({
    name: "lstm/bias",
    shape: [values.length],
    initializer: initializer("zeros"),
    spec: {
      ...{ layer: "lstm", role: "bias", shape: [values.length], fanIn: 3, fanOut: 2, maps: [] },
      activation: { name: "linear", alpha: 0 },
      ...(parts === undefined ? {} : { parts }),
    },
    place: {
      ...{ layer: "lstm", activation: { name: "linear", alpha: 0 }, residual: undefined },
      ...{ endsBranch: false, isNormalised: false, isOutput: true },
    },
    values: Float32Array.from(values),
  });
  const GATES = ["input", "forget", "cell", "output"];
  const rules = (parameter: LintParameter) =>
    lintSubject({ depth: 1, blocks: 0, parameters: [parameter] }).map(({ rule }) => rule);

  test("fires when the forget gate's part is 0, wherever that lies", () => {
    expect(rules(lstm([0, 0, 0, 0, 0, 0, 0, 0]))).toEqual(["forget-bias-zero"]);
    expect(rules(lstm([1, 1, 0, 0, 1, 1, 1, 1], GATES))).toEqual(["forget-bias-zero"]);
  });

  test("is silent when it is 1", () => {
    expect(rules(lstm([0, 0, 1, 1, 0, 0, 0, 0], GATES))).toEqual([]);
    expect(rules(lstm([0, 0, 1, 1, 0, 0, 0, 0]))).toEqual([]);
  });
});

test("every rule is in this file's tables", () => {
  const tested = new Set<string>([
    ...ROWS.map(({ rule }) => rule),
    ...["identical-parameters", "not-finite", "forget-bias-zero"],
  ]);
  expect(Object.keys(RULES).filter((rule) => !tested.has(rule))).toEqual([]);
});

test("what a network takes by itself passes: relu, tanh, selu, gelu and sigmoid, two hidden layers", async () => {
  for (const name of ["relu", "tanh", "selu", "gelu", "sigmoid"] as const) {
    expect(lint(await create(stack(3, name)))).toEqual([]);
  }
});
