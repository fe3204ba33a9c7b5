import { describe, expect, test } from "vitest";
import { lint } from "../../src/diagnostics/lint.ts";
import { predict } from "../../src/diagnostics/predict.ts";
import { recommend, recommendFor } from "../../src/diagnostics/recommend.ts";
import { structureOf } from "../../src/diagnostics/structure.ts";
import type { Layer } from "../../src/index.ts";
import {
  activation,
  dense,
  meanSquaredError,
  Network,
  prelu,
  residual,
  scale,
  sequential,
  softmaxCrossEntropy,
} from "../../src/index.ts";
import { initializer } from "../../src/init/index.ts";
import type { ActivationName } from "../../src/ops/activation.ts";
import { draws } from "../support/checks.ts";

const create = (...layers: readonly Layer[]) =>
  Network.create({
    ...{ input: [12], body: sequential(...layers), loss: meanSquaredError(), variant: "simd" },
  });

const schemes = async (...layers: readonly Layer[]) =>
  recommend(await create(...layers)).map(({ scheme }) => scheme);

test.each<[ActivationName, string]>([
  ["relu", "he_normal"],
  ["leaky_relu", "he_normal:slope=0.01"],
  ["selu", "lecun_normal"],
  ["tanh", "glorot_uniform"],
  ["sin", "glorot_uniform"],
  ["sigmoid", "variance_scaling:scale=12.8,distribution=normal"],
  // The square of the gain, 1 / 0.425221.
  ["gelu", "variance_scaling:scale=2.352,distribution=normal"],
])("%s takes %s, the outputs Glorot", async (name, scheme) => {
  expect(await schemes(dense(12, { activation: name }), dense(3))).toEqual([
    scheme,
    "glorot_uniform",
  ]);
});

test("an activation that is a layer of its own counts", async () => {
  expect((await schemes(dense(12), activation("selu"), dense(3)))[0]).toBe("lecun_normal");
  expect((await schemes(dense(12), prelu({ slope: 0.1 }), dense(3)))[0]).toBe(
    "he_normal:slope=0.1",
  );
});

test("depth changes the choice for tanh and linear layers", async () => {
  const deep = (name: ActivationName) =>
    schemes(...Array.from({ length: 12 }, () => dense(12, { activation: name })), dense(3));
  expect((await deep("tanh"))[0]).toBe("orthogonal:gain=1");
  expect((await deep("linear"))[0]).toBe("orthogonal:gain=1");
  expect((await deep("relu"))[0]).toBe("he_normal");
});

test("residual branches end in zeros when there are several", async () => {
  const block = () => residual(sequential(dense(12, { activation: "relu" }), dense(12)));
  expect(await schemes(block(), block(), dense(3))).toEqual([
    ...["he_normal", "zeros", "he_normal", "zeros"],
    "glorot_uniform",
  ]);
});

describe("a branch that ends in relu", () => {
  const own = () => residual(dense(12, { activation: "relu" }));
  const apart = () => residual(sequential(dense(12), activation("relu")));

  test.each([
    ["its own", own],
    ["a layer", apart],
  ])("%s: is scaled down, since zeros would never move", async (_, block) => {
    const blocks = Array.from({ length: 8 }, block);
    const [stem, ...rest] = recommend(await create(dense(12), ...blocks, dense(3)));
    expect(stem!.scheme).toBe("glorot_uniform");
    for (const { scheme, reason } of rest.slice(0, 8)) {
      expect(scheme).toBe("he_normal * 0.125");
      expect(reason).toContain("at 0, where its slope is 0, it would never move");
    }
  });

  test("and lint approves of what is recommended, not of zeros", async () => {
    const network = (scheme: string) =>
      create(
        dense(12),
        ...Array.from({ length: 8 }, () =>
          residual(dense(12, { activation: "relu", kernelInitializer: scheme })),
        ),
        dense(3),
      );
    expect(lint(await network("he_normal * 0.125"))).toEqual([]);
    expect(lint(await network("zeros")).map(({ rule }) => rule)).toEqual(
      Array(8).fill("stuck-at-zero"),
    );
  });
});

test("a branch whose factor of 1 silences nothing ends in zeros; one of 0 does not", async () => {
  const block = (initial: number) =>
    residual(sequential(dense(12, { activation: "relu" }), dense(12), scale({ initial })));
  const of = (initial: number) =>
    schemes(...Array.from({ length: 6 }, () => block(initial)), dense(3));
  expect((await of(1))[1]).toBe("zeros");
  expect((await of(0))[1]).toBe("glorot_uniform");
  expect((await of(0.1))[1]).toBe("glorot_uniform");
});

test("depth counts layers in a row: the stem of a deep residual network is none", async () => {
  const block = () => residual(sequential(dense(12, { activation: "relu" }), dense(12)));
  const network = await create(dense(12), ...Array.from({ length: 20 }, block), dense(3));
  expect(recommend(network)[0]).toMatchObject({
    scheme: "glorot_uniform",
    reason: expect.not.stringContaining("orthogonal"),
  });
  const linear = (depth: number) => schemes(...Array.from({ length: depth }, () => dense(12)));
  expect((await linear(9))[0]).toBe("glorot_uniform");
  expect((await linear(10))[0]).toBe("orthogonal:gain=1");
});

describe("the outputs", () => {
  const head = async (units: number, loss: ReturnType<typeof meanSquaredError>) => {
    const body = sequential(dense(64, { activation: "relu" }), dense(units));
    const network = await Network.create({ input: [12], body, loss, variant: "simd" });
    return recommend(network)[1]!;
  };

  test("of a classifier start near 0", async () => {
    const { scheme, reason } = await head(10, softmaxCrossEntropy());
    expect(scheme).toBe("glorot_uniform * 0.1");
    // 2 * 64 / 74 / 100
    expect(reason).toContain("0.0173 of the hidden layer's second moment");
    const at = async (kernelInitializer: string) => {
      const network = await Network.create({
        ...{ input: [12], variant: "simd" },
        body: sequential(dense(64, { activation: "relu" }), dense(10, { kernelInitializer })),
      });
      const targets = Int32Array.from({ length: 64 }, (_, i) => i % 10);
      return network.lossAndGradient(draws(64 * 12, 1), targets).loss - Math.log(10);
    };
    expect(Math.abs(await at(scheme))).toBeLessThan(0.02);
    expect(await at("glorot_uniform")).toBeGreaterThan(0.2);
  });

  test("of a regression have the order of its targets, and no word of classes", async () => {
    const { scheme, reason } = await head(1, meanSquaredError());
    expect(scheme).toBe("glorot_uniform");
    expect(reason).toContain("1.97 times the hidden layer's second moment");
    expect(reason).not.toContain("class");
  });
});

test("deep sigmoids take the variance of their edge of chaos, and hand a gradient on", async () => {
  const deep = (kernelInitializer?: string) =>
    create(
      ...Array.from({ length: 20 }, () =>
        dense(64, {
          activation: "sigmoid",
          ...(kernelInitializer === undefined ? {} : { kernelInitializer }),
        }),
      ),
      dense(3),
    );
  const [{ scheme } = { scheme: "" }] = recommend(await deep());
  expect(scheme).toBe("variance_scaling:scale=103,distribution=normal");
  const shares = async (like: string) => {
    const { layers } = predict(await deep(like));
    return layers[0]!.gradient / layers[19]!.gradient;
  };
  expect(Math.abs(Math.log10(await shares(scheme)))).toBeLessThan(1.5);
  expect(await shares("variance_scaling:scale=12.8")).toBeLessThan(1e-7);
  expect(lint(await deep(scheme))).toEqual([]);
});

test("what is present is what is there, not what it was drawn from", async () => {
  const network = await create(dense(12, { activation: "relu" }), dense(3));
  expect(recommend(network)[0]).toMatchObject({ present: "he_normal", isPresent: true });
  network.setWeights(
    "dense/kernel",
    network.weights("dense/kernel").map((x) => 3 * x),
  );
  expect(recommend(network)[0]).toMatchObject({
    present: expect.stringMatching(/^values of mean .* and std .*, no draw of he_normal$/),
    isPresent: false,
  });
});

test("but not when a branch has a factor of its own: zeros twice would learn nothing", async () => {
  const block = () => residual(sequential(dense(12, { activation: "relu" }), dense(12)));
  const structure = structureOf(await create(block(), block(), dense(3)));
  const [first] = structure.parameters;
  const factor = {
    ...first!,
    name: "residual/scale/scale",
    spec: { ...first!.spec, role: "gain", shape: [1], maps: [] } as const,
    initializer: initializer("zeros"),
  };
  const schemes = (parameters: typeof structure.parameters) =>
    recommendFor({ ...structure, parameters }).map(
      ({ parameter, scheme }) => `${parameter} ${scheme}`,
    );
  expect(schemes(structure.parameters)).toContain("residual/dense_1/kernel zeros");
  const scaled = schemes([...structure.parameters, factor]);
  expect(scaled).toContain("residual/dense_1/kernel glorot_uniform");
  expect(scaled).toContain("residual_1/dense_1/kernel zeros");
});

test("says what the network has, and whether that is it", async () => {
  const network = await create(
    dense(12, { activation: "relu", kernelInitializer: "kaiming_normal_" }),
    dense(3, { kernelInitializer: "zeros" }),
  );
  expect(recommend(network)).toMatchObject([
    { parameter: "dense/kernel", present: "he_normal", isPresent: true },
    { parameter: "dense_1/kernel", present: "zeros", isPresent: false },
  ]);
});

test("a network that follows the recommendations passes the linter, whatever its activation", async () => {
  const names = ["relu", "leaky_relu", "elu", "selu", "gelu", "silu", "tanh", "sigmoid"] as const;
  for (const name of names) {
    for (const depth of [2, 6]) {
      const plain = await create(
        ...Array.from({ length: depth }, () => dense(12, { activation: name })),
        dense(3),
      );
      const chosen = recommend(plain);
      const followed = await create(
        ...chosen.slice(0, -1).map(({ scheme }) => {
          return dense(12, { activation: name, kernelInitializer: scheme });
        }),
        dense(3, { kernelInitializer: chosen.at(-1)!.scheme }),
      );
      expect(lint(followed)).toEqual([]);
    }
  }
});

test("a network without hidden layers is told of its inputs", async () => {
  const [only] = recommend(await create(dense(10)));
  expect(only!.reason).toContain("times the inputs' second moment");
  expect(only!.reason).not.toContain("hidden");
});

test.each(["fixup", "zero_last", "branch_sqrt_depth"])(
  "what the policy %s chose is recommended, and nothing against it",
  async (policy) => {
    const block = () => residual(sequential(dense(12, { activation: "relu" }), dense(12)));
    const body = sequential(dense(12), block(), block(), block(), dense(3));
    const net = await Network.create({ input: [12], body, policy, loss: meanSquaredError() });
    const ruled = net.explain().filter(({ why }) => why.by === "policy");
    const kernels = recommend(net).filter(({ parameter }) =>
      ruled.some(({ name }) => name === parameter),
    );
    expect(kernels.length).toBeGreaterThan(2);
    for (const { isPresent, reason } of kernels) {
      expect(isPresent).toBe(true);
      expect(reason).toContain(`the policy ${policy}'s choice`);
    }
  },
);
