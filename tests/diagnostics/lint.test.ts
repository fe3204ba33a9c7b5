import { describe, expect, test } from "vitest";
import type { LintParameter, RuleName } from "../../src/diagnostics/lint.ts";
import { lint, lintSubject, RULES } from "../../src/diagnostics/lint.ts";
import type { ActivationLike, InitializerLike, Layer } from "../../src/index.ts";
import {
  activation,
  dense,
  dropout,
  loadWeights,
  lsuv,
  meanSquaredError,
  Network,
  residual,
  scale,
  sequential,
} from "../../src/index.ts";
import { initializer } from "../../src/init/index.ts";
import { draws } from "../support/checks.ts";

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

/** `depth` hidden layers of 64 units, at width 64. */
const wide = (depth: number, name: ActivationLike, kernelInitializer?: InitializerLike): Layer[] =>
  Array.from({ length: depth + 1 }, (_, i) =>
    dense(i < depth ? 64 : 4, {
      activation: i < depth ? name : "linear",
      ...(kernelInitializer === undefined || i === depth ? {} : { kernelInitializer }),
    }),
  );

const create = (layers: readonly Layer[], seed = 1, width = WIDTH) =>
  Network.create({
    ...{ input: [width], body: sequential(...layers), loss: meanSquaredError() },
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
    parameter: "dense_1/kernel",
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
      dense(WIDTH, { activation: "relu" }),
      dense(WIDTH, { kernelInitializer: "lecun_normal" }),
      dropout(0.1),
      activation("relu"),
      dense(4),
    ],
    mended: [
      dense(WIDTH, { activation: "relu" }),
      dense(WIDTH, { kernelInitializer: "he_normal" }),
      dropout(0.1),
      activation("relu"),
      dense(4),
    ],
    parameter: "dense_1/kernel",
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
    lintSubject({
      ...{ depth: 1, blocks: 0, parameters: [parameter], nodes: [], input: [3] },
      loss: meanSquaredError(),
    }).map(({ rule }) => rule);

  test("fires when the forget gate's part is 0, wherever that lies", () => {
    expect(rules(lstm([0, 0, 0, 0, 0, 0, 0, 0]))).toEqual(["forget-bias-zero"]);
    expect(rules(lstm([1, 1, 0, 0, 1, 1, 1, 1], GATES))).toEqual(["forget-bias-zero"]);
  });

  test("is silent when it is 1", () => {
    expect(rules(lstm([0, 0, 1, 1, 0, 0, 0, 0], GATES))).toEqual([]);
    expect(rules(lstm([0, 0, 1, 1, 0, 0, 0, 0]))).toEqual([]);
  });
});

/** Rule and parameter of each finding. */
const found = (network: Network) => lint(network).map((f) => `${f.rule} ${f.parameter}`);

describe("the rules go by the values, not by what they were drawn from", () => {
  test("N(0, 1) set into he_normal", async () => {
    const network = await create(wide(10, "relu", "he_normal"), 1, 64);
    expect(lint(network)).toEqual([]);
    for (let i = 0; i < 10; i++) {
      network.setWeights(i === 0 ? "dense/kernel" : `dense_${i}/kernel`, draws(64 * 64, i));
    }
    const findings = lint(network);
    expect(findings.map(({ rule }) => rule)).toEqual(Array(10).fill("standard-normal"));
    expect(findings[0]!.message).toContain("no draw of he_normal");
  });

  test("standard_normal put right by LSUV", async () => {
    const network = await create(wide(10, "relu", "standard_normal"), 1, 64);
    expect(found(network)).toContain("standard-normal dense_3/kernel");
    lsuv(network, { inputs: draws(64 * 64, 1), targets: draws(64 * 4, 2) });
    expect(lint(network)).toEqual([]);
  });

  test.each([
    ["he_normal", 20],
    ["orthogonal:gain=1", 4],
  ] as const)(
    "%s x %d put right by LSUV on data of variance 1: the first kernel has He's n Var = 1",
    async (scheme, depth) => {
      const network = await create(wide(depth, "relu", scheme), 1, 64);
      // draws() are uniform on [-1, 1), of variance 1/3.
      const inputs = draws(256 * 64, 1).map((x) => Math.sqrt(3) * x);
      lsuv(network, { inputs, targets: draws(256 * 4, 2) });
      expect(lint(network)).toEqual([]);
    },
  );

  test("half of LeCun's variance is too little in a first layer too", async () => {
    const half = "variance_scaling:scale=0.5,distribution=normal";
    const network = await create(
      [dense(64, { activation: "relu", kernelInitializer: half }), dense(4)],
      1,
      64,
    );
    expect(found(network)).toEqual(["activation-scheme-mismatch dense/kernel"]);
  });

  test("loaded weights", async () => {
    const small = await create(wide(4, "relu", "glorot_uniform"), 1, 64);
    const network = await create(wide(4, "relu", "he_normal"), 2, 64);
    loadWeights(network, small.save());
    expect(found(network)).toContain("activation-scheme-mismatch dense_1/kernel");
    const back = await Network.load(network.save());
    expect(lint(back)).toEqual(lint(network));
  });

  test("PyTorch's default is known by its values alone", async () => {
    const bound = "variance_scaling:scale=0.3333333,distribution=uniform";
    const torch = await create(wide(9, "relu", bound), 1, 64);
    const network = await create(wide(9, "relu"), 1, 64);
    for (const { name } of torch.parameters) network.setWeights(name, torch.weights(name));
    expect(found(network)).toContain("framework-default-deep-relu dense_4/kernel");
  });

  test("a pattern is none once other values stand there", async () => {
    const network = await create(wide(3, "tanh", "identity"), 1, 64);
    expect(lint(network)).toEqual([]);
    network.setWeights(
      "dense_1/kernel",
      draws(64 * 64, 1).map((x) => x / 100),
    );
    expect(found(network)).toEqual(["activation-scheme-mismatch dense_1/kernel"]);
  });
});

describe("mean-not-zero", () => {
  test.each([
    ["relu", "normal:mean=1,std=0.01"],
    ["relu", "uniform:low=0,high=0.1"],
    ["tanh", "uniform:low=0,high=0.1"],
    ["relu", "normal:mean=0.1,std=0.17"],
    ["sigmoid", "normal:mean=0.5,std=0.1"],
  ] as const)("before %s: %s", async (name, scheme) => {
    const findings = lint(await create(wide(3, name, scheme), 1, 64));
    const rules = findings.map((f) => `${f.rule} ${f.parameter}`);
    for (const layer of ["dense", "dense_1", "dense_2"]) {
      expect(rules).toContain(`mean-not-zero ${layer}/kernel`);
    }
    expect(rules.join()).not.toMatch(/mismatch|standard-normal/);
  });

  test("names the growth that is measured: 64 a layer, 4096 of the second moment", async () => {
    const network = await create(wide(3, "relu", "normal:mean=1,std=0.01"), 1, 64);
    const { message } = lint(network).find(({ parameter }) => parameter === "dense_1/kernel")!;
    expect(message).toContain("grows up to 64 times a layer, and its second moment 4100 times");
    const tensors = network.probe(draws(64 * 64, 1), draws(64 * 4, 2));
    const second = (layer: string) => {
      const { values } = tensors.filter((tensor) => tensor.layer === layer).at(-1)!;
      return values.reduce((sum, x) => sum + x * x, 0);
    };
    expect(second("dense_2") / second("dense_1") / 4096).toBeCloseTo(1, 1);
  });

  test("is silent about the mean that chance leaves", async () => {
    for (let seed = 1; seed <= 10; seed++) {
      expect(lint(await create(stack(6, "relu"), seed))).toEqual([]);
    }
  });
});

describe("signal-depth", () => {
  test.each([
    [60, "linear", "he_normal", /grow to .*e\+1[78]/],
    [20, "linear", "normal:std=0.001", /shrink to .*e-8/],
    [20, "sin", "normal:std=0.0001", /shrink to .*e-12\d/],
    [60, "relu", "variance_scaling:scale=3", /grow to .*e\+(9|10|11)/],
    [60, "relu", "variance_scaling:scale=1.3", /shrink to .*e-1[0-3]/],
    [20, "softplus", undefined, /the gradient, on its way back, is predicted to shrink/],
    [20, "sigmoid", "variance_scaling:scale=12.8", /the gradient, on its way back/],
  ] as const)("%i layers of %s, %s", async (depth, name, scheme, text) => {
    const findings = lint(await create(wide(depth, name, scheme), 1, 64));
    expect(findings).toEqual([expect.objectContaining({ rule: "signal-depth" })]);
    expect(findings[0]!.message).toMatch(text);
  });

  test.each([
    [60, "linear", "orthogonal:gain=1"],
    [60, "linear", "lecun_normal"],
    [60, "relu", "he_normal"],
    [60, "tanh", undefined],
    [60, "selu", undefined],
    [20, "sigmoid", "variance_scaling:scale=103,distribution=normal"],
    [3, "linear", "he_normal"],
    [4, "relu", "variance_scaling:scale=3"],
  ] as const)("is silent about %i layers of %s, %s", async (depth, name, scheme) => {
    expect(lint(await create(wide(depth, name, scheme), 1, 64))).toEqual([]);
  });

  test("says where float32 overflows", async () => {
    // 25 = 64 / gain^2 would be standard-normal; 1.55 a layer is no layer's own fault.
    const deep = await create(wide(420, "relu", "variance_scaling:scale=3.1"), 1, 64);
    expect(lint(deep)[0]!.message).toMatch(/past the greatest float32 in dense_4\d\d$/);
  });

  test("tells deep sigmoids that follow the library's own choice what would hold them", async () => {
    const [finding] = lint(await create(wide(20, "sigmoid"), 1, 64));
    expect(finding).toMatchObject({
      rule: "sigmoid-glorot-deep",
      mend: expect.stringContaining("variance_scaling:scale=103,distribution=normal"),
    });
  });
});

describe("stuck-at-zero", () => {
  const zeros = { kernelInitializer: "zeros" };
  const block = (...layers: readonly Layer[]) => residual(sequential(...layers));
  const relu = dense(WIDTH, { activation: "relu" });

  test.each<[string, readonly Layer[], readonly string[]]>([
    [
      "a kernel of zeros before its own relu",
      [block(relu, dense(WIDTH, { activation: "relu", ...zeros }))],
      ["stuck-at-zero residual/dense_1/kernel"],
    ],
    [
      "a kernel of zeros before a relu that is a layer",
      [block(relu, dense(WIDTH, zeros), activation("relu"))],
      ["stuck-at-zero residual/dense_1/kernel"],
    ],
    [
      "a factor of 0 before relu",
      [block(relu, dense(WIDTH), scale({ initial: 0 }), activation("relu"))],
      ["stuck-at-zero residual/scale/scale"],
    ],
    [
      "two zeros in one branch",
      [block(relu, dense(WIDTH, zeros), scale({ initial: 0 }))],
      ["stuck-at-zero residual/dense_1/kernel", "stuck-at-zero residual/scale/scale"],
    ],
    [
      "a hidden layer outside blocks",
      [dense(WIDTH, { activation: "relu", ...zeros })],
      ["stuck-at-zero dense/kernel"],
    ],
  ])("fires for %s", async (_, layers, expected) => {
    const network = await create([...layers, dense(4)]);
    expect(found(network)).toEqual(expected);
    // And they do not move.
    for (let step = 0; step < 3; step++) network.trainStep(draws(8 * WIDTH, step), draws(32, 9));
    for (const text of expected) {
      const values = network.weights(text.split(" ")[1]!);
      expect(values.every((x) => x === 0)).toBe(true);
    }
  });

  test.each<[string, readonly Layer[]]>([
    ["a branch that ends in zeros", [block(relu, dense(WIDTH, zeros))]],
    ["zeros before tanh", [block(relu, dense(WIDTH, { activation: "tanh", ...zeros }))]],
    ["a relu behind the sum", [block(relu, dense(WIDTH, zeros)), activation("relu")]],
    ["a factor of 0", [block(relu, dense(WIDTH), scale({ initial: 0 }))]],
    [
      "a bias that opens the relu",
      [block(relu, dense(WIDTH, { activation: "relu", biasInitializer: "ones", ...zeros }))],
    ],
    ["zeros under a factor of 1", [block(relu, dense(WIDTH, zeros), scale())]],
  ])("is silent about %s, which moves", async (_, layers) => {
    const network = await create([...layers, dense(4)]);
    expect(found(network)).toEqual([]);
    for (let step = 0; step < 3; step++) network.trainStep(draws(8 * WIDTH, step), draws(32, 9));
    for (const { name, spec } of network.parameters) {
      if (spec.role !== "kernel" && spec.role !== "gain") continue;
      expect(network.weights(name).some((x) => x !== 0)).toBe(true);
    }
  });
});

describe("dead-units", () => {
  const biased = async (values: (unit: number) => number, name: ActivationLike = "relu") => {
    const network = await create(wide(2, name), 1, 64);
    network.setWeights(
      "dense_1/bias",
      Float32Array.from({ length: 64 }, (_, i) => values(i)),
    );
    return lint(network);
  };

  test("fires for a bias of -1000 before relu, and for one unit of it", async () => {
    expect(await biased(() => -1000)).toMatchObject([
      { rule: "dead-units", parameter: "dense_1/kernel" },
    ]);
    const [one] = await biased((i) => (i === 5 ? -1000 : 0));
    expect(one!.message).toMatch(/^1 of 64 units start at -(999|1000) before relu/);
  });

  test("fires where tanh is flat, on either side", async () => {
    expect(await biased((i) => (i === 0 ? 50 : i === 1 ? -50 : 0), "tanh")).toMatchObject([
      { rule: "dead-units", message: expect.stringMatching(/^2 of 64/) },
    ]);
  });

  test("is silent about a bias that units come across, and about +1000 before relu", async () => {
    expect(await biased(() => -1)).toEqual([]);
    expect(await biased((i) => (i === 5 ? 1000 : 0))).toEqual([]);
  });
});

describe("symmetric-hidden", () => {
  test("fires for 63 equal units of 64, not for two", async () => {
    const network = await create(wide(2, "relu"), 1, 64);
    const values = network.weights("dense_1/kernel");
    const copy = (from: number) =>
      values.map((x, i) => (i % 64 >= from ? values[i - (i % 64) + from]! : x));
    network.setWeights("dense_1/kernel", copy(1));
    expect(lint(network)).toMatchObject([
      { rule: "symmetric-hidden", message: expect.stringMatching(/^62 of 64 units/) },
    ]);
    network.setWeights("dense_1/kernel", copy(62));
    expect(lint(network)).toEqual([]);
  });

  test("fires for zeros inside a branch, which only its end may have", async () => {
    const inside = residual(
      sequential(dense(WIDTH, { kernelInitializer: "zeros" }), dense(WIDTH), dense(WIDTH)),
    );
    expect(found(await create([inside, dense(4)]))).toEqual([
      "symmetric-hidden residual/dense/kernel",
    ]);
  });
});

describe("limits", () => {
  const rules = async (layers: readonly Layer[], width = WIDTH) =>
    new Set(lint(await create(layers, 1, width)).map(({ rule }) => rule));

  test("a library's default is that of a deep network from 8 weight layers on", async () => {
    expect(await rules(stack(7, "relu", "glorot_uniform"))).toEqual(
      new Set(["activation-scheme-mismatch"]),
    );
    expect(await rules(stack(8, "relu", "glorot_uniform"))).toEqual(
      new Set(["framework-default-deep-relu"]),
    );
  });

  test("a deep sigmoid's variance is too small below 6.4 / fan_in", async () => {
    for (const [scale, expected] of [
      [2.5, ["sigmoid-glorot-deep"]],
      [6.3, ["sigmoid-glorot-deep"]],
      [6.5, []],
    ] as const) {
      const scheme = `variance_scaling:scale=${scale},distribution=normal`;
      expect(await rules(stack(5, "sigmoid", scheme))).toEqual(new Set(expected));
    }
  });

  test("tanh takes 0.3 to 3.5 / fan_in", async () => {
    for (const [scale, expected] of [
      [0.29, ["activation-scheme-mismatch"]],
      [0.31, []],
      [3.4, []],
      [3.6, ["activation-scheme-mismatch"]],
    ] as const) {
      const scheme = `variance_scaling:scale=${scale},distribution=normal`;
      expect(await rules(stack(3, "tanh", scheme))).toEqual(new Set(expected));
    }
  });

  test("small weights in a residual branch are a scheme, large ones are not", async () => {
    const block = (kernelInitializer: string, name: ActivationLike) =>
      residual(
        sequential(
          dense(WIDTH, { activation: name, kernelInitializer }),
          dense(WIDTH, { kernelInitializer: "zeros" }),
        ),
      );
    for (const name of ["relu", "tanh", "selu"] as const) {
      const small = "variance_scaling:scale=0.1,distribution=normal";
      expect(await rules([block(small, name), dense(4)])).toEqual(new Set());
      const large = "variance_scaling:scale=5,distribution=normal";
      expect((await rules([block(large, name), dense(4)])).size).toBe(1);
    }
  });

  test("Glorot in a layer that widens keeps a gradient, and is no finding before tanh", async () => {
    expect(await rules([dense(256, { activation: "tanh" }), dense(4)])).toEqual(new Set());
  });
});

test("every rule is in this file's tables", () => {
  const tested = new Set<string>([
    ...ROWS.map(({ rule }) => rule),
    ...["mean-not-zero", "signal-depth", "stuck-at-zero", "dead-units"],
    ...["identical-parameters", "not-finite", "forget-bias-zero"],
  ]);
  expect(Object.keys(RULES).filter((rule) => !tested.has(rule))).toEqual([]);
});

test("what a network takes by itself passes: relu, tanh, selu, gelu and sigmoid, two hidden layers", async () => {
  for (const name of ["relu", "tanh", "selu", "gelu", "sigmoid"] as const) {
    expect(lint(await create(stack(3, name)))).toEqual([]);
  }
});
