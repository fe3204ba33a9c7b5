import { describe, expect, test } from "vitest";
import { loadDataset } from "../../src/data/index.ts";
import { checkGradient, lint, predict } from "../../src/diagnostics/index.ts";
import type { Layer } from "../../src/layers/index.ts";
import {
  averagePool1d,
  averagePool2d,
  conv1d,
  conv2d,
  convTranspose2d,
  dense,
  depthwiseConv2d,
  flatten,
  globalAveragePool1d,
  globalAveragePool2d,
  globalMaxPool1d,
  globalMaxPool2d,
  input,
  layerConfig,
  layerFromConfig,
  maxPool1d,
  maxPool2d,
  pixelShuffle,
  residual,
  separableConv2d,
  sequential,
  upSampling2d,
} from "../../src/layers/index.ts";
import { Network } from "../../src/network/network.ts";
import { adam } from "../../src/optim/index.ts";
import { draws } from "../support/checks.ts";
import { blobs } from "../support/data.ts";
import { everybody } from "../support/threads.ts";

/** See tests/network/gradients.test.ts: a mean of 24 losses at a step of 1e-3. */
const RELATIVE = 2e-3;
const data = blobs(24, 48, 3);

async function check(...layers: readonly Layer[]): Promise<void> {
  for (const seed of [1, 2]) {
    const body = sequential(...layers, flatten(), dense(3));
    const net = await Network.create({ input: [48], body, seed, variant: "simd" });
    for (const { name, shape } of net.parameters) {
      if (name.endsWith("/bias"))
        net.setWeights(
          name,
          Array.from({ length: shape[0]! }, (_, i) => Math.sin(i + seed)),
        );
    }
    const { relativeError, analytic, numeric } = checkGradient(net, data, { seed });
    expect(relativeError, `seed ${seed}: ${analytic} against ${numeric}`).toBeLessThan(RELATIVE);
  }
}

const image = input([4, 6, 2]);

const POINT = { filters: 4, kernelSize: 1 } as const;

/** One of each layer of the family, on images of 4 x 6 x 2. */
const LAYERS: Readonly<Record<string, readonly Layer[]>> = {
  // A kink within the step would count: relu's share of the work is the kernels' tests'.
  "conv2d, fused": [
    conv2d({ filters: 5, kernelSize: 3, padding: "same", activation: "elu" }),
    conv2d({ filters: 4, kernelSize: [2, 3], strides: [2, 1], activation: "elu" }),
  ],
  "conv2d, an activation whose derivative needs the input": [
    conv2d({ filters: 5, kernelSize: 3, padding: "same", activation: "gelu" }),
    conv2d({ filters: 4, kernelSize: 1, activation: "silu", useBias: false }),
  ],
  "conv2d, groups and dilation": [
    conv2d({ filters: 6, kernelSize: 3, padding: "same", groups: 2, activation: "tanh" }),
    conv2d({ filters: 6, kernelSize: 2, padding: 2, dilation: [2, 3], groups: 3, useBias: false }),
  ],
  "conv2d, circular": [
    conv2d({ filters: 3, kernelSize: 3, padding: "circular", activation: "tanh" }),
    conv2d({ filters: 3, kernelSize: 3, padding: "circular", strides: 2, activation: "tanh" }),
  ],
  convTranspose2d: [
    convTranspose2d({ filters: 6, kernelSize: 3, strides: 2, padding: "same", groups: 2 }),
    convTranspose2d({ filters: 3, kernelSize: [4, 2], padding: 1, activation: "elu" }),
  ],
  depthwiseConv2d: [
    depthwiseConv2d({ kernelSize: 3, padding: "same", activation: "tanh", depthMultiplier: 3 }),
    depthwiseConv2d({ kernelSize: [2, 3], strides: 2, padding: 1, activation: "elu" }),
    depthwiseConv2d({ kernelSize: 3, padding: "same", useBias: false }),
  ],
  separableConv2d: [
    separableConv2d({ filters: 5, kernelSize: 3, padding: "same", activation: "tanh" }),
    separableConv2d({ filters: 4, kernelSize: 3, strides: 2, padding: 1, depthMultiplier: 2 }),
  ],
  "pooling, windows side by side": [
    conv2d({ filters: 9, kernelSize: 3, padding: "same", activation: "tanh" }),
    maxPool2d(),
    averagePool2d({ poolSize: [1, 3] }),
  ],
  "pooling, windows one over another": [
    conv2d({ filters: 5, kernelSize: 3, padding: "same", activation: "tanh" }),
    maxPool2d({ poolSize: 3, strides: [2, 1], padding: 1 }),
    averagePool2d({ poolSize: 2, strides: 1, padding: "same" }),
  ],
  "global average": [
    conv2d({ filters: 9, kernelSize: 3, padding: "same", activation: "tanh" }),
    globalAveragePool2d(),
  ],
  "global maximum": [conv2d({ filters: 9, kernelSize: 3, activation: "tanh" }), globalMaxPool2d()],
  resampling: [
    conv2d({ filters: 8, kernelSize: 3, padding: "same", activation: "tanh" }),
    pixelShuffle({ factor: 2 }),
    upSampling2d({ size: [1, 2] }),
    upSampling2d({ interpolation: "bilinear" }),
  ],
  "several users of one image": [
    conv2d({ filters: 4, kernelSize: 3, padding: "same", activation: "tanh" }),
    residual(depthwiseConv2d({ kernelSize: 3, padding: "same", activation: "tanh" })),
    residual(sequential(averagePool2d({ poolSize: 2 }), upSampling2d())),
    residual(sequential(upSampling2d({ interpolation: "bilinear" }), maxPool2d())),
    residual(sequential(pixelShuffle({ factor: 2 }), maxPool2d(), conv2d(POINT))),
  ],
};

const SEQUENCES: Readonly<Record<string, readonly Layer[]>> = {
  conv1d: [
    conv1d({ filters: 5, kernelSize: 3, padding: "same", activation: "tanh" }),
    conv1d({ filters: 4, kernelSize: 4, strides: 2, padding: 1, dilation: 2, activation: "elu" }),
  ],
  "pooling along time": [
    conv1d({ filters: 5, kernelSize: 3, activation: "tanh" }),
    maxPool1d(),
    averagePool1d({ poolSize: 3, strides: 1, padding: 1 }),
    globalAveragePool1d(),
  ],
  "the greatest of all times": [conv1d({ filters: 5, kernelSize: 3 }), globalMaxPool1d()],
};

const ALL = [
  ...Object.entries(LAYERS).map(([name, layers]) => [name, [image, ...layers]] as const),
  ...Object.entries(SEQUENCES).map(
    ([name, layers]) => [name, [input([12, 4]), ...layers]] as const,
  ),
];

describe("layers over images and sequences", () => {
  test.each(ALL)("%s: backpropagation equals the slope of the loss", (_, layers) =>
    check(...layers),
  );

  test.each(ALL)("%s: the description makes the same layers again", (_, layers) => {
    const config = layerConfig(sequential(...layers));
    expect(layerConfig(layerFromConfig(JSON.parse(JSON.stringify(config))))).toEqual(config);
  });

  test("training gives the same bits on 1, 2 and 3 threads", async () => {
    for (const [name, layers] of ALL) {
      const results: string[] = [];
      for (const threads of [1, 2, 3]) {
        const body = sequential(...layers, flatten(), dense(3));
        const net = await Network.create({ input: [48], body, seed: 5, threads });
        await everybody(net.core);
        for (let step = 0; step < 3; step++) net.trainStep(data.inputs, data.targets);
        const all = net.parameters.map((p) => new Uint32Array(net.weights(p.name).buffer).join());
        results.push(all.join());
      }
      expect(results[1], `${name}, 2 threads`).toBe(results[0]);
      expect(results[2], `${name}, 3 threads`).toBe(results[0]);
    }
  });
});

test("the first layer's input has no gradient, and nothing computes it", async () => {
  const net = await Network.create({
    input: [8, 8, 1],
    body: sequential(
      conv2d({ filters: 4, kernelSize: 3, activation: "relu" }),
      conv2d({ filters: 4, kernelSize: 3 }),
      flatten(),
      dense(2),
    ),
    variant: "simd",
  });
  const backward = net.costs({ batchSize: 4 }).filter(({ pass }) => pass === "backward");
  const sums = backward.filter(({ op }) => op === "convolve").map(({ layer }) => layer);
  expect(sums).toEqual(["conv2d_1"]);
});

test("a small network learns the digits", async () => {
  const { train, test: held } = await loadDataset("digits");
  const net = await Network.create({
    input: train.shape,
    body: sequential(
      input([8, 8, 1]),
      conv2d({ filters: 16, kernelSize: 3, padding: "same", activation: "relu" }),
      maxPool2d(),
      conv2d({ filters: 32, kernelSize: 3, padding: "same", activation: "relu" }),
      maxPool2d(),
      flatten(),
      dense(10),
    ),
    optimizer: adam({ learningRate: 3e-3 }),
    seed: 1,
    variant: "simd",
  });
  for await (const { state } of net.fit(train, { epochs: 14, batchSize: 32 })) {
    expect(state).not.toBe("diverged");
  }
  expect(net.evaluate(held).accuracy).toBeGreaterThan(0.95);
});

test("what theory expects of a convolution's layers is what signals measure", async () => {
  const body = sequential(
    conv2d({ filters: 64, kernelSize: 3, padding: "circular", activation: "relu" }),
    conv2d({ filters: 64, kernelSize: 3, padding: "circular", activation: "relu" }),
    depthwiseConv2d({ kernelSize: 3, padding: "circular", kernelInitializer: "lecun_normal" }),
    convTranspose2d({ filters: 12, kernelSize: 2, strides: 2, kernelInitializer: "lecun_normal" }),
    flatten(),
    dense(10),
  );
  const net = await Network.create({ input: [6, 6, 16], body, seed: 3, variant: "simd" });
  const inputs = draws(32 * 576, 3, -Math.sqrt(3), Math.sqrt(3));
  const measured = net.probe(inputs, new Int32Array(32));
  const second = (xs: Float32Array) => xs.reduce((sum, x) => sum + x * x, 0) / xs.length;
  for (const subject of [net, { input: [6, 6, 16], body }]) {
    const { layers } = predict(subject);
    expect(layers.map(({ layer }) => layer)).toContain("convTranspose2d");
    for (const { layer, second: expected } of layers) {
      const { values } = measured.filter((t) => t.layer === layer).at(-1)!;
      // One network of width 64 and few taps strays by a factor or so.
      expect(second(values) / expected, layer).toBeGreaterThan(0.6);
      expect(second(values) / expected, layer).toBeLessThan(1.6);
    }
  }
  const pooled = predict({
    input: [6, 6, 5],
    body: sequential(maxPool2d(), averagePool2d({ poolSize: 3 }), globalMaxPool2d()),
  });
  // The greatest of 4 independent N(0, 1) has mean 1.0294 and variance 0.4917; a fifth of the inputs' variance is what 5 channels share.
  const greatest = 1.0294 * Math.sqrt(0.8);
  const [most, mean, whole] = pooled.layers;
  expect(most?.mean).toBeCloseTo(greatest, 3);
  expect(most?.second).toBeCloseTo(greatest ** 2 + 0.2 + 0.8 * 0.4917, 3);
  expect(mean?.mean).toBeCloseTo(greatest, 3);
  expect(whole?.mean).toBeCloseTo(greatest, 3);
});

test("no weight of a separable convolution is taken for stuck", async () => {
  const net = await Network.create({
    input: [6, 6, 2],
    body: sequential(separableConv2d({ filters: 3, kernelSize: 3 }), flatten(), dense(2)),
    variant: "simd",
  });
  const stuck = lint(net).filter(({ message }) => /0/.test(message) && /stuck|never/.test(message));
  expect(stuck).toEqual([]);
});

describe("what cannot be is refused by name", () => {
  const create = (shape: number[], layer: Layer) =>
    Network.create({ input: shape, body: layer, variant: "simd" });

  test("options", () => {
    const convolution = (more: object) => () => conv2d({ filters: 4, kernelSize: 3, ...more });
    expect(convolution({ filters: 0 })).toThrow(
      "conv2d: filters must be a whole number of at least 1, got 0",
    );
    expect(convolution({ kernelSize: [3, 0] })).toThrow("conv2d: size must be a whole number");
    expect(convolution({ strides: 1.5 })).toThrow("conv2d: strides must be a whole number");
    expect(convolution({ padding: "full" })).toThrow(
      'conv2d: padding must be "same", "valid", "circular", a number or [rows, columns], got "full"',
    );
    expect(convolution({ padding: -1 })).toThrow("conv2d: padding must be a whole number");
  });

  test("shapes", async () => {
    const layer = conv2d({ filters: 4, kernelSize: 5 });
    await expect(create([28, 28], layer)).rejects.toThrow(
      "conv2d: expected images of shape [height, width, channels], got [28,28]; put input([height, width, channels]) before it",
    );
    await expect(create([4, 8, 1], layer)).rejects.toThrow(
      'conv2d: a window of 5 does not fit into an image of [4,8] with padding 0; use padding "same" or a smaller kernelSize',
    );
    await expect(
      create([8, 8, 3], conv2d({ filters: 4, kernelSize: 3, groups: 2 })),
    ).rejects.toThrow("conv2d: groups must divide the channels and the filters, got 2 for 3 and 4");
    await expect(
      create([7, 8, 3], conv2d({ filters: 4, kernelSize: 3, strides: 2, padding: "circular" })),
    ).rejects.toThrow("conv2d: circular padding needs a size that the stride divides");
    await expect(create([8], conv1d({ filters: 4, kernelSize: 3 }))).rejects.toThrow(
      "conv1d: expected sequences of shape [time, channels], got [8]",
    );
  });
});
