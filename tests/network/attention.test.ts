import { describe, expect, test } from "vitest";
import type { Dataset } from "../../src/data/index.ts";
import { createDataset } from "../../src/data/index.ts";
import { nodesOf } from "../../src/diagnostics/body.ts";
import { checkGradient, predict } from "../../src/diagnostics/index.ts";
import { stuckAtZero } from "../../src/diagnostics/stuck.ts";
import type { Layer } from "../../src/layers/index.ts";
import {
  activation,
  dense,
  dropout,
  embedding,
  flatten,
  graph,
  layerConfig,
  layerFromConfig,
  multiHeadAttention,
  positionalEmbedding,
  residual,
  sequential,
  tiedDense,
  transformerDecoderBlock,
  transformerEncoderBlock,
} from "../../src/layers/index.ts";
import type { Loss } from "../../src/losses/index.ts";
import { meanSquaredError, softmaxCrossEntropy } from "../../src/losses/index.ts";
import { Network } from "../../src/network/network.ts";
import { draws, sameBits } from "../support/checks.ts";
import { everybody } from "../support/threads.ts";

const ROWS = 6;
const TIME = 5;
const VOCABULARY = 7;

/** Tokens, the later rows padded with 0 at their ends. */
const TOKENS = Float32Array.from({ length: ROWS * TIME }, (_, i) => {
  const [row, t] = [Math.floor(i / TIME), i % TIME];
  return t >= TIME - (row % 3) ? 0 : 1 + ((3 * i + row) % (VOCABULARY - 1));
});

const labelled = (width: number, classes: number, inputs = TOKENS): Dataset =>
  createDataset({
    ...{ name: "tokens", rows: ROWS, shape: [inputs.length / ROWS], classes, targetWidth: width },
    inputs,
    targets: Int32Array.from({ length: ROWS * width }, (_, i) => (5 * i + (i >> 2)) % classes),
  });

const valued = (width: number, inputs: Float32Array): Dataset =>
  createDataset({
    ...{
      name: "values",
      rows: ROWS,
      shape: [inputs.length / ROWS],
      classes: 0,
      targetWidth: width,
    },
    ...{ inputs, targets: draws(ROWS * width, 9) },
  });

const create = (
  body: Layer,
  input: readonly number[],
  loss: Loss = softmaxCrossEntropy(),
  seed = 1,
) => Network.create({ body, input, loss, seed, variant: "simd" });

/** As in gradients.test.ts, which derives the bound for a loss of about 1. */
const RELATIVE = 2e-3;

async function checkAll(body: Layer, data: Dataset, loss?: Loss): Promise<void> {
  for (const seed of [1, 2, 3]) {
    const net = await create(body, data.shape, loss, seed);
    for (const { name, shape } of net.parameters) {
      const n = shape.reduce((a, b) => a * b, 1);
      if (name.endsWith("/bias")) net.setWeights(name, draws(n, seed + n));
    }
    const { relativeError, analytic, numeric } = checkGradient(net, data, { seed });
    expect(relativeError, `seed ${seed}: ${analytic} against ${numeric}`).toBeLessThan(RELATIVE);
  }
}

const tokens = (options = {}) => embedding(VOCABULARY, 8, { name: "tokens", ...options });

const twoInputs = graph(({ input, layer, apply, add, multiply, concat, slice }) => {
  const a = input("a", [4]);
  const b = input("b", [2, 3]);
  const tower = layer(dense(5, { activation: "tanh" }));
  const wide = apply(dense(6, { activation: "tanh" }), apply(flatten(), b));
  const first = slice(wide, { begin: 1, end: 5 });
  const [x, y] = [tower(a), tower(first)];
  const both = concat([add(x, y, x), multiply(x, y), slice(b, { axis: 0, begin: 1, end: 2 }) && y]);
  return [apply(dense(3), both), slice(both, { begin: 0, end: 4 })];
});

const crossed = graph(({ input, apply, slice }) => {
  const memory = apply(tokens({ maskZero: true }), input("memory", [TIME]));
  const queries = apply(embedding(VOCABULARY, 6), input("queries", [3]));
  const seen = apply(multiHeadAttention({ heads: 2, dropout: 0.2 }), queries, memory);
  return apply(dense(4), slice(seen, { axis: 0, begin: 1, end: 3 }));
});

const decoded = graph(({ input, apply }) => {
  const memory = apply(tokens({ maskZero: true }), input("memory", [TIME]));
  const queries = apply(embedding(VOCABULARY, 8), input("queries", [3]));
  return apply(
    dense(4),
    apply(transformerDecoderBlock({ heads: 2, dropout: 0.1 }), queries, memory),
  );
});

/** Tokens and their first three again, as the inputs of `crossed`. */
const CROSSED = Float32Array.from({ length: ROWS * (TIME + 3) }, (_, i) => {
  const [row, t] = [Math.floor(i / (TIME + 3)), i % (TIME + 3)];
  return t < TIME ? TOKENS[row * TIME + t]! : (row + t) % VOCABULARY;
});

const CASES: readonly (readonly [string, Layer, Dataset, Loss | undefined])[] = [
  ["an embedding", sequential(tokens(), dense(3)), labelled(TIME, 3), undefined],
  [
    "a masked embedding, squared error",
    sequential(tokens({ maskZero: true }), dense(3)),
    valued(TIME * 3, TOKENS),
    meanSquaredError(),
  ],
  [
    "positions learned and sinusoidal, masked attention",
    sequential(
      tokens({ maskZero: true }),
      positionalEmbedding({ embeddingInitializer: "normal:std=1" }),
      positionalEmbedding({ encoding: "sinusoidal" }),
      residual(multiHeadAttention({ heads: 2 })),
      dense(4),
    ),
    labelled(TIME, 4),
    undefined,
  ],
  [
    "causal attention with dropout, without bias, heads of their own size",
    sequential(
      tokens(),
      multiHeadAttention({ heads: 3, keyDim: 5, causal: true, dropout: 0.3, useBias: false }),
      activation("tanh"),
      dense(4),
    ),
    labelled(TIME, 4),
    undefined,
  ],
  [
    "tied weights",
    sequential(tokens(), dense(8, { activation: "tanh" }), tiedDense("tokens")),
    labelled(TIME, VOCABULARY),
    undefined,
  ],
  [
    "a graph of two inputs and outputs",
    twoInputs,
    valued(7, draws(ROWS * 10, 4)),
    meanSquaredError(),
  ],
  [
    "encoder blocks, masked, before and after the norm, with dropout",
    sequential(
      tokens({ maskZero: true }),
      transformerEncoderBlock({ heads: 2, dropout: 0.1, expansion: 2 }),
      transformerEncoderBlock({
        heads: 2,
        norm: "post",
        keyDim: 3,
        causal: true,
        activation: "silu",
      }),
      dense(4),
    ),
    labelled(TIME, 4),
    undefined,
  ],
  ["a decoder block", decoded, labelled(3, 4, CROSSED), undefined],
  ["cross-attention", crossed, labelled(2, 4, CROSSED), undefined],
];

describe.each(CASES)("%s", (_, body, data, loss) => {
  test("has the gradient of its loss", () => checkAll(body, data, loss));

  test("is made again from its description, and saved and loaded", async () => {
    const again = layerFromConfig(JSON.parse(JSON.stringify(layerConfig(body))));
    expect(layerConfig(again)).toEqual(layerConfig(body));
    const net = await create(body, data.shape, loss);
    const loaded = await Network.load(net.save(), { variant: "simd" });
    expect(loaded.predict(data.inputs)).toEqual(net.predict(data.inputs));
  });
});

describe("threads", () => {
  const [rows, time, width] = [24, 20, 32];
  const words = Float32Array.from({ length: rows * 2 * time }, (_, i) => (i * i + (i >> 3)) % 40);
  const body = graph(({ input, layer, apply, add, multiply, concat, slice }) => {
    const look = layer(embedding(40, width, { name: "tokens", maskZero: true }));
    const [x, memory] = [look(input("x", [time])), look(input("memory", [time]))];
    const placed = apply(positionalEmbedding(), x);
    const own = apply(multiHeadAttention({ heads: 4, causal: true, dropout: 0.1 }), placed);
    const crossed = apply(multiHeadAttention({ heads: 2 }), add(placed, own), memory);
    const wide = concat([multiply(own, crossed), crossed]);
    return apply(tiedDense("graph/tokens"), slice(wide, { begin: width / 2, end: width * 1.5 }));
  });

  test("train to the same bits, 1 to 8 of them", async () => {
    const targets = Int32Array.from({ length: rows * time }, (_, i) => (i % 5 ? (7 * i) % 40 : -1));
    const train = async (threads: number) => {
      const net = await Network.create({ body, seed: 1, threads, variant: "simd" });
      await everybody(net.core);
      for (let step = 0; step < 3; step++) net.trainStep(words, targets);
      return net.parameters.map(({ name }) => net.weights(name));
    };
    const one = await train(1);
    for (const threads of [2, 3, 4, 8]) {
      (await train(threads)).forEach((w, i) => {
        expect(sameBits(w, one[i]!), `${threads} threads, parameter ${i}`).toBe(true);
      });
    }
  });
});

test("biases of 0 inside blocks are not stuck, unless no gradient comes to them", async () => {
  const body = (zero: boolean) =>
    sequential(
      tokens(),
      transformerEncoderBlock({ name: "block", heads: 2 }),
      dense(3, zero ? { kernelInitializer: "zeros", useBias: false } : {}),
      dense(3, zero ? { kernelInitializer: "zeros" } : {}),
    );
  const stuck = async (zero: boolean) => {
    const net = await create(body(zero), [TIME]);
    const names = net.parameters.map(({ name }) => name);
    const zeros = names.filter((name) => net.weights(name).every((w) => w === 0));
    return stuckAtZero(nodesOf(body(zero)), new Set(zeros), new Set(names));
  };
  expect(await stuck(false)).toEqual([]);
  expect(await stuck(true)).toContain("block/mlp_in/bias");
});

describe("masks", () => {
  test("what lies at padding changes no output elsewhere, no loss and no gradient", async () => {
    const body = sequential(
      tokens({ maskZero: true }),
      multiHeadAttention({ heads: 2 }),
      dropout(0),
      dense(4),
    );
    const data = labelled(TIME, 4);
    const net = await create(body, data.shape);
    const look = () => ({
      ...net.lossAndGradient(data.inputs, data.targets),
      outputs: [...net.predict(data.inputs)].filter((_, i) => TOKENS[i >> 2] !== 0),
      gradients: net.parameters.map(({ name }) => net.gradient(name)),
    });
    const before = look();
    const table = net.weights("tokens/embedding");
    net.setWeights(
      "tokens/embedding",
      table.map((w, i) => (i < 8 ? w + 3 : w)),
    );
    const after = look();
    expect(after).toEqual(before);
    expect([...after.gradients[0]!.subarray(0, 8)]).toEqual(Array(8).fill(0));
  });
});

describe("what does not fit is refused", () => {
  const net = create(sequential(tokens(), dense(3)), [TIME]);
  const bad = (token: number) => TOKENS.map((t, i) => (i === 2 * TIME + 3 ? token : t));
  const message = (token: string) =>
    `row 2, column 3: tokens expects a token from 0 to 6, got ${token}; give the embedding a larger vocabulary`;

  test.each([
    [7, "7"],
    [-1, "-1"],
    [1.5, "1.5"],
    [Number.NaN, "NaN"],
  ])("token %d", async (token, text) => {
    const inputs = bad(token);
    const labels = labelled(TIME, 3).targets;
    const network = await net;
    expect(() => network.predict(inputs)).toThrow(`inputs: ${message(text)}`);
    expect(() => network.trainStep(inputs, labels)).toThrow(`inputs: ${message(text)}`);
    const data = { ...labelled(TIME, 3), inputs };
    expect(() => network.fit(data)).toThrow(`tokens: ${message(text)}`);
    expect(() => network.evaluate(data)).toThrow(`tokens: ${message(text)}`);
  });

  test.each<[string, Layer, readonly number[], string]>([
    ["computed tokens", sequential(dense(3), embedding(4, 2)), [3], "embedding: expected tokens"],
    [
      "a table that is not there",
      tiedDense("tokens"),
      [3],
      'tied_dense: there is no embedding "tokens"',
    ],
    [
      "another width",
      sequential(tokens(), dense(4), tiedDense("tokens")),
      [3],
      "tied_dense: expected 8 features",
    ],
    [
      "a decoder block alone",
      sequential(tokens(), transformerDecoderBlock({ heads: 2 })),
      [3],
      "transformer_decoder_block: expected a context",
    ],
    [
      "heads that do not divide",
      sequential(tokens(), multiHeadAttention({ heads: 3 })),
      [3],
      "expected a width that 3 heads divide, got 8",
    ],
    [
      "no sequence",
      multiHeadAttention({ heads: 1 }),
      [3],
      "expected sequences [time, features], got examples of shape [3]",
    ],
    ["another row of inputs", twoInputs, [9], "its inputs are [4] and [2,3], 10 numbers"],
  ])("%s", async (_, body, input, text) => {
    await expect(create(body, input)).rejects.toThrow(text);
  });

  test("a graph of what is no graph", () => {
    const config = layerConfig(twoInputs) as unknown as { steps: { from: number[] }[] };
    const late = {
      ...config,
      steps: config.steps.map((s, i) => (i === 2 ? { ...s, from: [5] } : s)),
    };
    expect(() => layerFromConfig(late as never)).toThrow(
      "graph: step 2: expected nodes before it, got 5",
    );
    expect(() =>
      graph(({ input, apply }) => apply(dense(3), input("x", [2]), input("y", [2]))),
    ).toThrow("graph: step 2: dense takes 1 inputs, got 2");
    expect(() => graph(({ input }) => [input("x", [2]), input("x", [2])])).toThrow(
      'two inputs are called "x"',
    );
    expect(() => graph(() => ({ index: 0 }))).toThrow(
      "expected nodes that this graph's functions gave",
    );
  });

  test("a prediction, by the layer's name", async () => {
    const body = sequential(tokens(), multiHeadAttention({ heads: 2 }), dense(3));
    const network = await create(body, [TIME]);
    const message = 'no prediction is known for the layer "embedding" of tokens';
    expect(() => predict(network)).toThrow(message);
    expect(() => predict({ body, input: [TIME] })).toThrow(message);
  });
});

describe("a graph", () => {
  test("computes what it says, and shares what is applied twice", async () => {
    const net = await create(twoInputs, [10], meanSquaredError());
    const names = net.parameters.map(({ name }) => name);
    expect(names.filter((name) => name.endsWith("kernel"))).toEqual(
      ["graph/dense_1/kernel", "graph/dense/kernel", "graph/dense_2/kernel"].sort(
        (a, b) => names.indexOf(a) - names.indexOf(b),
      ),
    );
    const x = draws(10, 4);
    const at = (name: string) =>
      [net.weights(`graph/${name}/kernel`), net.weights(`graph/${name}/bias`)] as const;
    const apply = (name: string, v: readonly number[]) => {
      const [w, b] = at(name);
      return [...b].map((bias, o) => bias + v.reduce((s, u, i) => s + u * w[i * b.length + o]!, 0));
    };
    const tanh = (v: readonly number[]) => v.map(Math.tanh);
    const [tower, widened] = names[0]!.includes("dense_1/")
      ? ["dense", "dense_1"]
      : ["dense_1", "dense"];
    const wide = tanh(apply(widened!, [...x.subarray(4)]));
    const [p, q] = [
      tanh(apply(tower!, [...x.subarray(0, 4)])),
      tanh(apply(tower!, wide.slice(1, 5))),
    ];
    const both = [...p.map((v, i) => 2 * v + q[i]!), ...p.map((v, i) => v * q[i]!), ...q];
    const want = [...apply("dense_2", both), ...both.slice(0, 4)];
    net.predict(x).forEach((y, i) => {
      expect(y).toBeCloseTo(want[i]!, 5);
    });
  });
});
