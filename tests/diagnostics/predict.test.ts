import { describe, expect, test } from "vitest";
import { predict } from "../../src/diagnostics/predict.ts";
import { signals } from "../../src/diagnostics/signals.ts";
import type { ActivationLike, InitializerLike, Layer } from "../../src/index.ts";
import {
  activation,
  dense,
  dropout,
  flatten,
  lsuv,
  meanSquaredError,
  Network,
  prelu,
  residual,
  scale,
  sequential,
} from "../../src/index.ts";
import { overflowLayer, predictSignal } from "../../src/init/theory/index.ts";
import { draws } from "../support/checks.ts";

const WIDTH = 128;
const ROWS = 64;

const create = (layers: readonly Layer[], policy?: string, seed = 1) =>
  Network.create({
    ...{ input: [WIDTH], body: sequential(...layers), loss: meanSquaredError(), seed },
    ...{ variant: "simd", ...(policy === undefined ? {} : { policy }) },
  });

const units = (like: ActivationLike, kernelInitializer?: InitializerLike) =>
  dense(WIDTH, {
    activation: like,
    ...(kernelInitializer === undefined ? {} : { kernelInitializer }),
  });

const times = (count: number, make: () => Layer) => Array.from({ length: count }, make);

const NETWORKS: Readonly<Record<string, readonly Layer[]>> = {
  "relu at its gain": times(6, () => units("relu")),
  "relu, N(0, 1)": times(6, () => units("relu", "standard_normal")),
  "linear, He": times(6, () => units("linear", "he_normal")),
  "tanh, orthogonal": times(6, () => units("tanh", "orthogonal:gain=1.2")),
  gelu: times(6, () => units("gelu")),
  sigmoid: times(4, () => units("sigmoid", "variance_scaling:scale=12.8")),
  softplus: times(4, () => units("softplus")),
  sin: times(6, () => units("sin", "variance_scaling:scale=2")),
  "a mean that is not 0, relu": times(4, () => units("relu", "normal:mean=0.1,std=0.1")),
  "a mean that is not 0, tanh": times(4, () => units("tanh", "normal:mean=0.02,std=0.15")),
  biases: times(4, () =>
    dense(WIDTH, { activation: "relu", biasInitializer: "normal:mean=-0.5,std=0.3" }),
  ),
  "activations as layers": times(4, () =>
    sequential(dense(WIDTH), prelu(), dense(WIDTH), activation("elu")),
  ),
  "residual blocks": times(6, () => residual(sequential(units("relu"), units("linear")))),
  "residual blocks that end in relu": times(6, () =>
    residual(sequential(units("relu"), units("relu"))),
  ),
  "residual blocks with scales": times(6, () =>
    residual(sequential(units("relu"), units("linear"), scale({ initial: 0.4 }))),
  ),
  "a block in a block": times(3, () =>
    residual(sequential(units("relu"), residual(units("tanh")), units("linear", "he_normal"))),
  ),
};

/**
 * The log of one network's moment strays by about sqrt(5 layers / width) = 0.5 for the deepest of these; the rows of a batch share
 * the weights, so they do not average that away. Four of them, and 0.2 for what the rows lack.
 */
const bound = (layers: number) => 0.2 + (4 * Math.sqrt((5 * layers) / WIDTH)) / 2;

describe.each(Object.entries(NETWORKS))("predicts what is measured: %s", (_, layers) => {
  test("forward and back, layer by layer", async () => {
    const network = await create([...layers, dense(WIDTH)]);
    const inputs = draws(ROWS * WIDTH, 3);
    // So far away that the gradient, y - t, is independent of the weights, as the theory takes it to be.
    const far = 1e3 * Math.sqrt(predict(network).layers.at(-1)!.second);
    const targets = draws(ROWS * WIDTH, 4).map((x) => far * x);
    const measured = signals(network, inputs, targets);
    const last = (path: string) => measured.filter(({ layer }) => layer === path).at(-1)!;
    const gradient = measured.at(-1)!.gradient!.secondMoment;
    const { layers: predicted } = predict(network, { inputs, gradient });
    expect(predicted.length).toBeGreaterThanOrEqual(layers.length + 1);
    for (const [i, { layer, second, gradient: back }] of predicted.entries()) {
      const { forward, gradient: measuredBack } = last(layer);
      const strays = Math.abs(Math.log(second / forward.secondMoment));
      expect(strays, `${layer} forward: ${second}, ${forward.secondMoment}`).toBeLessThan(
        bound(i + 1),
      );
      const straysBack = Math.abs(Math.log(back / measuredBack!.secondMoment));
      expect(straysBack, `${layer} back: ${back}, ${measuredBack!.secondMoment}`).toBeLessThan(
        bound(predicted.length - i),
      );
    }
  });
});

/** Layers of which nothing is random but the theory's expectation. */
const fromTheory = (network: Network) => predict(network, { from: "initializers" });

test("a plain chain is predictSignal's", async () => {
  const network = await create([...times(5, () => units("tanh", "lecun_normal")), dense(8)]);
  const chain = predictSignal([
    ...Array.from({ length: 5 }, () => ({
      ...{ fanIn: WIDTH, fanOut: WIDTH, weightVariance: 1 / WIDTH, activation: "tanh" },
    })),
    { fanIn: WIDTH, fanOut: 8, weightVariance: 2 / (WIDTH + 8), activation: "linear" },
  ]);
  const { layers, overflow } = fromTheory(network);
  expect(overflow).toBeUndefined();
  for (const [i, { second, preActivation, gradient, preActivationGradient }] of layers.entries()) {
    const expected = chain[i]!;
    expect(second / expected.second).toBeCloseTo(1, 6);
    expect(preActivation / expected.preActivation).toBeCloseTo(1, 6);
    expect(gradient / expected.gradient).toBeCloseTo(1, 6);
    expect(preActivationGradient / expected.preActivationGradient).toBeCloseTo(1, 6);
  }
});

test("names the layer in which float32 overflows, as predictSignal does", async () => {
  const body = [
    ...times(60, () => dense(256, { activation: "relu", kernelInitializer: "standard_normal" })),
  ];
  const { overflow } = predict({ input: [256], body: sequential(...body) });
  const chain = Array.from({ length: 60 }, () => {
    return { fanIn: 256, fanOut: 256, weightVariance: 1, activation: "relu" };
  });
  expect(overlap(overflow)).toBe(overflowLayer(predictSignal(chain)));
  // The network itself holds its first number that is not finite within a layer of it.
  const network = await Network.create({
    ...{ input: [256], body: sequential(...body, dense(1)), loss: meanSquaredError() },
    variant: "simd",
  });
  const measured = signals(network, draws(8 * 256, 1), draws(8, 2));
  const first = measured.find(({ forward }) => forward.nonFinite > 0)!;
  expect(Math.abs(overlap(first.layer) - overlap(predict(network).overflow))).toBeLessThan(2);
});

/** `dense_36` is layer 37. */
function overlap(path: string | undefined): number {
  return Number(path!.split("_")[1]) + 1;
}

describe("a description is predicted as the network it describes", () => {
  const body = sequential(
    flatten(),
    dense(12),
    activation("gelu"),
    ...times(4, () =>
      residual(
        sequential(
          dense(12, { activation: "relu", biasInitializer: "normal:std=0.1" }),
          dropout(0.25),
          dense(12, { useBias: false }),
          scale({ initial: 0.5, perChannel: true }),
          prelu({ slope: 0.1 }),
        ),
      ),
    ),
    dense(3),
  );

  test.each([undefined, "branch_sqrt_depth", "skip_init:value=0.3"])(
    "policy %s",
    async (policy) => {
      const chosen = policy === undefined ? {} : { policy };
      const flat = policy?.startsWith("skip") ? { perChannel: false } : {};
      const own =
        flat.perChannel === false
          ? sequential(dense(24), residual(sequential(dense(24), scale())), dense(3))
          : body;
      const options = { input: [4, 6], body: own.kind === "sequential" ? own : body, ...chosen };
      const input = flat.perChannel === false ? [24] : [4, 6];
      const network = await Network.create({
        ...{ ...options, input, loss: meanSquaredError(), variant: "simd" },
      });
      expect(predict({ ...options, input })).toEqual(fromTheory(network));
    },
  );
});

test("LSUV brings the predicted pre-activations to 1 as well", async () => {
  const network = await create([...times(5, () => units("relu", "standard_normal")), dense(WIDTH)]);
  const inputs = draws(ROWS * WIDTH, 3);
  lsuv(network, { inputs, targets: draws(ROWS * WIDTH, 4) });
  for (const { preActivation } of predict(network, { inputs }).layers) {
    expect(Math.abs(Math.log(preActivation))).toBeLessThan(bound(6));
  }
});

test("refuses a batch that is no rows", async () => {
  const network = await create([dense(3)]);
  expect(() => predict(network, { inputs: new Float32Array(5) })).toThrow(/predict: inputs/);
});

describe("the warning that weights may depend on the data", () => {
  const inputs = draws(ROWS * WIDTH, 3);
  const batch = { inputs, targets: draws(ROWS * WIDTH, 4) };
  const deep = () => create([...times(5, () => units("relu")), dense(WIDTH)]);

  test("is there after a procedure and after a step, and names a parameter", async () => {
    const calibrated = await deep();
    lsuv(calibrated, batch);
    const trained = await deep();
    trained.trainStep(inputs, batch.targets);
    for (const network of [calibrated, trained]) {
      expect(predict(network).warning).toMatch(/dense\/kernel and \d+ more were set, trained/);
      expect(predict(network, { from: "initializers" }).warning).toBeUndefined();
    }
  });

  test("is not there for draws, nor for descriptions", async () => {
    expect(predict(await deep()).warning).toBeUndefined();
    const body = sequential(dense(3));
    expect(predict({ input: [4], body }).warning).toBeUndefined();
  });
});
