import * as fs from "node:fs";
import { describe, expect, test } from "vitest";
import { checkGradient } from "../../src/diagnostics/index.ts";
import type { KernelNorm, Layer } from "../../src/layers/index.ts";
import {
  activation,
  batchNorm,
  dense,
  flatten,
  groupNorm,
  input,
  instanceNorm,
  layerConfig,
  layerFromConfig,
  layerNorm,
  residual,
  rmsNorm,
  sequential,
} from "../../src/layers/index.ts";
import { Network } from "../../src/network/network.ts";
import { sgd } from "../../src/optim/index.ts";
import { blobs } from "../support/data.ts";
import { everybody } from "../support/threads.ts";

interface Case {
  readonly kind: string;
  readonly positions: number;
  readonly inputs: readonly number[];
  readonly labels: readonly number[];
  readonly initial: Readonly<Record<string, readonly number[]>>;
  readonly losses: readonly number[];
  readonly gradients: Readonly<Record<string, readonly number[]>>;
  readonly parameters: Readonly<Record<string, readonly number[]>>;
  readonly running: Readonly<Record<string, readonly number[]>>;
  readonly outputs: readonly number[];
}

const { cases }: { cases: readonly Case[] } = JSON.parse(
  fs.readFileSync("tests/fixtures/torch-norm.json", "utf8"),
);

const LAYERS: Readonly<Record<string, Layer>> = {
  batch_norm: batchNorm({ name: "norm" }),
  layer_norm: layerNorm({ name: "norm" }),
  rms_norm: rmsNorm({ name: "norm" }),
  group_norm_2: groupNorm({ name: "norm", groups: 2 }),
  group_norm_4: groupNorm({ name: "norm", groups: 4 }),
  instance_norm: instanceNorm({ name: "norm" }),
};

/** About 60 roundings lie between a weight and its gradient, and the f32 sums of both sides differ. */
const RELATIVE = 60 * 2 ** -24;
/** Five steps feed the differences back. */
const RELATIVE_STEPS = 20 * RELATIVE;

function expectClose(
  got: ArrayLike<number>,
  expected: readonly number[],
  relative: number,
  what: string,
): void {
  const scale = Math.max(...expected.map(Math.abs));
  expect(got.length, what).toBe(expected.length);
  expected.forEach((x, i) => {
    if (!(Math.abs(got[i]! - x) <= relative * scale)) {
      expect.fail(`${what}: element ${i} is ${got[i]}, PyTorch has ${x} (scale ${scale})`);
    }
  });
}

describe("against PyTorch", () => {
  test.each(cases)("$kind over $positions positions", async (fixture) => {
    const { kind, positions } = fixture;
    const norm = LAYERS[kind];
    const kernelNorm = norm === undefined ? { kernelNorm: kind as KernelNorm } : {};
    const net = await Network.create({
      input: [positions, 6],
      body: sequential(
        dense(8, kernelNorm),
        ...(norm === undefined ? [] : [norm]),
        activation("tanh"),
        flatten(),
        dense(3),
      ),
      optimizer: sgd({ learningRate: 0.1 }),
      variant: "simd",
    });
    expect(net.parameters.map(({ name }) => name).sort()).toEqual(
      Object.keys(fixture.initial).sort(),
    );
    for (const [name, values] of Object.entries(fixture.initial)) net.setWeights(name, values);
    net.lossAndGradient(fixture.inputs, fixture.labels);
    // The bias before a norm has the gradient 0, of which nothing but roundings is left: the kernel's is its scale.
    const scale = Math.max(...fixture.gradients["dense/kernel"]!.map(Math.abs));
    for (const [name, gradient] of Object.entries(fixture.gradients)) {
      const isNothing = Math.max(...gradient.map(Math.abs)) < 1e-6 * scale;
      if (isNothing) {
        for (const g of net.gradient(name)) expect(Math.abs(g)).toBeLessThan(1e-6 * scale);
      } else expectClose(net.gradient(name), gradient, RELATIVE, `gradient of ${name}`);
    }
    const losses = fixture.losses.map(() => net.trainStep(fixture.inputs, fixture.labels).loss);
    expectClose(losses, fixture.losses, RELATIVE_STEPS, "losses");
    for (const [name, values] of Object.entries(fixture.parameters)) {
      expectClose(net.weights(name), values, RELATIVE_STEPS, name);
    }
    for (const [name, values] of Object.entries(fixture.running)) {
      expectClose(net.weights(`norm/${name}`), values, RELATIVE_STEPS, `running ${name}`);
    }
    expectClose(net.predict(fixture.inputs), fixture.outputs, RELATIVE_STEPS, "outputs");
  });
});

const data = blobs(24, 6, 3);

describe("backpropagation equals the slope of the loss along a random direction", () => {
  const norms: readonly (readonly [string, Layer])[] = [
    ["batchNorm", batchNorm()],
    ["batchNorm without gain and bias", batchNorm({ scale: false, center: false })],
    ["layerNorm", layerNorm()],
    ["layerNorm with a gain alone", layerNorm({ center: false })],
    ["rmsNorm", rmsNorm()],
    ["groupNorm", groupNorm({ groups: 2 })],
    ["groupNorm of one group", groupNorm({ groups: 1 })],
  ];
  const bodies: readonly (readonly [string, Layer])[] = [
    ...norms.map(([name, norm]) => {
      const body = sequential(dense(8), norm, activation("tanh"), dense(3));
      return [name, body] as const;
    }),
    ...norms.map(([name, norm]) => {
      const inner = residual(sequential(norm, dense(8, { activation: "silu" })));
      return [`${name} in a residual block`, sequential(dense(8), inner, dense(3))] as const;
    }),
    ["first of all", sequential(layerNorm(), dense(3))],
    ["positions", sequential(input([3, 2]), dense(4), instanceNorm(), flatten(), dense(3))],
    [
      "weight norm",
      sequential(dense(8, { kernelNorm: "weight_norm", activation: "tanh" }), dense(3)),
    ],
    [
      "standardised",
      sequential(dense(8, { kernelNorm: "standardised", activation: "silu" }), dense(3)),
    ],
  ];
  test.each(bodies)("%s", async (_, body) => {
    for (const seed of [1, 2, 3]) {
      const net = await Network.create({ input: [6], body, seed, variant: "simd" });
      for (const { name, shape } of net.parameters) {
        if (!/bias|gain/.test(name)) continue;
        const base = name.endsWith("gain") ? 1 : 0;
        net.setWeights(
          name,
          Array.from({ length: shape[0]! }, (_x, i) => base + 0.5 * Math.sin(i + seed)),
        );
      }
      const { relativeError, analytic, numeric } = checkGradient(net, data, { seed });
      // As tests/network/gradients.test.ts has it.
      expect(relativeError, `seed ${seed}: ${analytic} against ${numeric}`).toBeLessThan(2e-3);
    }
  });
});

describe("batch norm", () => {
  const create = (norm: Layer, threads = 1) =>
    Network.create({
      ...{ input: [6], body: sequential(norm, dense(3)), variant: "simd", seed: 1, threads },
    });

  test("running statistics follow the batch's mean and variance by momentum", async () => {
    const rows = data.inputs.length / 6;
    const of = (c: number) => Array.from({ length: rows }, (_, r) => data.inputs[r * 6 + c]!);
    const mean = (xs: readonly number[]) => xs.reduce((a, b) => a + b, 0) / xs.length;
    const variance = (xs: readonly number[], less: number) =>
      xs.reduce((sum, x) => sum + (x - mean(xs)) ** 2, 0) / (xs.length - less);
    for (const unbiased of [true, false]) {
      const net = await create(batchNorm({ momentum: 0.25, unbiased }));
      net.trainStep(data.inputs, data.targets);
      const want = Array.from({ length: 6 }, (_, c) => variance(of(c), unbiased ? 1 : 0));
      net.weights("batch_norm/mean").forEach((x, c) => {
        expect(x).toBeCloseTo(0.25 * mean(of(c)), 6);
      });
      net.weights("batch_norm/variance").forEach((x, c) => {
        expect(x).toBeCloseTo(0.75 + 0.25 * want[c]!, 5);
      });
    }
  });

  test("prediction takes the running statistics, which a file keeps", async () => {
    const net = await create(batchNorm());
    for (let i = 0; i < 5; i++) net.trainStep(data.inputs, data.targets);
    const one = data.inputs.subarray(0, 6);
    expect(net.predict(one)).toEqual(net.predict(data.inputs).subarray(0, 3));
    const loaded = await Network.load(net.save(), { variant: "simd" });
    expect(loaded.predict(data.inputs)).toEqual(net.predict(data.inputs));
    expect(loaded.statistics.map(({ name }) => name)).toEqual([
      "batch_norm/mean",
      "batch_norm/variance",
    ]);
  });

  test("a batch of one row is refused in training, by name", async () => {
    const net = await create(batchNorm({ name: "bn" }));
    const row = data.inputs.subarray(0, 6);
    expect(() => net.trainStep(row, [0])).toThrow(RangeError);
    expect(() => net.trainStep(row, [0])).toThrow(/bn: batchNorm wants at least 2 values/);
    expect(net.predict(row)).toHaveLength(3);
  });
});

describe("norms", () => {
  test("have the same bits on 1 to 4 threads, running statistics too", async () => {
    const body = sequential(
      dense(70, { kernelNorm: "weight_norm" }),
      batchNorm(),
      activation("relu"),
      dense(64, { kernelNorm: "standardised" }),
      groupNorm({ groups: 4 }),
      layerNorm(),
      rmsNorm(),
      dense(3),
    );
    const big = blobs(300, 131, 3);
    const bits = await Promise.all(
      [1, 2, 3, 4].map(async (threads) => {
        const net = await Network.create({ input: [131], body, threads, variant: "simd" });
        await everybody(net.core);
        for (let i = 0; i < 3; i++) net.trainStep(big.inputs, big.targets);
        const all = [...net.parameters, ...net.statistics].map(({ name }) => net.weights(name));
        return [...all, net.predict(big.inputs)];
      }),
    );
    for (const other of bits) expect(other).toEqual(bits[0]);
    expect(bits[0]!.every((values) => values.every(Number.isFinite))).toBe(true);
  });

  test("are made again from their description", () => {
    const layers = [
      batchNorm({ momentum: 0.2, epsilon: 1e-3, unbiased: false, name: "a" }),
      layerNorm({ scale: false }),
      rmsNorm({ epsilon: 1e-5, gainInitializer: "zeros" }),
      groupNorm({ groups: 4, center: false }),
      instanceNorm(),
      dense(3, { kernelNorm: "weight_norm" }),
    ];
    for (const layer of layers) {
      expect(layerConfig(layerFromConfig(layerConfig(layer)))).toEqual(layerConfig(layer));
    }
  });

  test("refuse what does not fit, by name", async () => {
    expect(() => batchNorm({ momentum: 1.5 })).toThrow("batchNorm: momentum must lie in 0 ... 1");
    expect(() => layerNorm({ epsilon: -1 })).toThrow("layerNorm: epsilon must be finite");
    expect(() => dense(3, { kernelNorm: "none" as KernelNorm })).toThrow(/no kernelNorm "none"/);
    const body = sequential(groupNorm({ groups: 4 }), dense(3));
    await expect(Network.create({ input: [6], body })).rejects.toThrow(
      "group_norm: groups must divide the channels: 6 channels, 4 groups",
    );
  });

  test("weight norm begins with the length that the initializer gives, standardisation with a variance of 1", async () => {
    const body = sequential(
      dense(50, { kernelNorm: "weight_norm", kernelInitializer: "he_normal", name: "w" }),
      dense(50, { kernelNorm: "standardised", activation: "relu", name: "s" }),
      dense(3),
    );
    const net = await Network.create({ input: [6], body });
    expect(net.weights("w/gain")[0]).toBeCloseTo(Math.SQRT2, 6);
    expect(net.weights("s/gain")[0]).toBeCloseTo(Math.sqrt(2 / (1 - 1 / Math.PI)), 6);
  });

  test("zero_gamma finds their gains: each block is the identity at the start", async () => {
    const block = () =>
      residual(sequential(dense(6, { activation: "tanh" }), dense(6), batchNorm()));
    const body = sequential(block(), block());
    const net = await Network.create({ input: [6], body, policy: "zero_gamma", variant: "simd" });
    expect(net.weights("residual/batch_norm/gain").every((x) => x === 0)).toBe(true);
    expect(net.weights("residual/dense_1/kernel").some((x) => x !== 0)).toBe(true);
    expect(net.predict(data.inputs)).toEqual(Float32Array.from(data.inputs));
  });
});
