import { describe, expect, test } from "vitest";
import { createDataset } from "../../src/data/index.ts";
import type { Layer } from "../../src/layers/index.ts";
import { batchNorm, dense, dropout, prelu, sequential } from "../../src/layers/index.ts";
import type { FitOptions } from "../../src/network/fit.ts";
import type { NetworkOptions } from "../../src/network/network.ts";
import { Network } from "../../src/network/network.ts";
import { adam, adamw, lion, optimizerFromConfig, sgd } from "../../src/optim/index.ts";
import { blobs } from "../support/data.ts";

const data = blobs(30, 6, 3);
const body = sequential(
  dense(8, { activation: "tanh", biasInitializer: "ones" }),
  batchNorm(),
  prelu(),
  dense(3, { biasInitializer: "ones" }),
);
const create = (more: Partial<NetworkOptions> = {}) =>
  Network.create({ input: [6], body, variant: "simd", seed: 1, ...more });
const step = (net: Network) => net.trainStep(data.inputs, data.targets);

async function train(net: Network, options: FitOptions): Promise<Float32Array[]> {
  const losses: Float32Array[] = [];
  for await (const tick of net.fit(data, options)) losses.push(tick.losses);
  return losses;
}

describe("decayBiases", () => {
  test("false leaves biases, gains and slopes to their gradients, and kernels decay as before", async () => {
    const options = { learningRate: 0.1, weightDecay: 0.5 };
    const [all, some, none] = [
      await create({ optimizer: sgd(options) }),
      await create({ optimizer: sgd({ ...options, decayBiases: false }) }),
      await create({ optimizer: sgd({ learningRate: 0.1 }) }),
    ];
    for (const net of [all, some, none]) step(net);
    for (const { name, spec } of some.parameters) {
      const like = spec.role === "kernel" ? all : none;
      expect(some.weights(name), name).toEqual(like.weights(name));
      // What starts at 0 has nothing to decay.
      const isZero = name === "batch_norm/bias";
      if (!isZero) expect(all.weights(name), name).not.toEqual(none.weights(name));
    }
  });

  test("is kept in a file, where it is not the default", async () => {
    const optimizer = adamw({ decayBiases: false });
    const net = await create({ optimizer });
    const loaded = await Network.load(net.save(), { variant: "simd" });
    expect(loaded.recipe.optimizer.decayBiases).toBe(false);
    expect(adamw().config).not.toHaveProperty("decayBiases");
  });
});

describe("ema", () => {
  test("averages follow by their share each step; what was swapped comes back", async () => {
    const net = await create({ ema: 0.75, optimizer: adam({ learningRate: 0.05 }) });
    const name = "dense/kernel";
    let want = Float64Array.from(net.weights(name));
    for (let i = 0; i < 4; i++) {
      step(net);
      const now = net.weights(name);
      want = want.map((a, k) => 0.75 * a + 0.25 * now[k]!);
    }
    net.average(name).forEach((a, k) => {
      expect(a).toBeCloseTo(want[k]!, 6);
    });
    const [values, average] = [net.weights(name), net.average(name)];
    const outputs = net.predict(data.inputs);
    const averaged = net.withAverage(() => {
      expect(net.weights(name)).toEqual(average);
      return net.predict(data.inputs);
    });
    expect(averaged).not.toEqual(outputs);
    expect(net.predict(data.inputs)).toEqual(outputs);
    expect(net.weights(name)).toEqual(values);
    expect(() => net.withAverage(() => expect.fail("inside"))).toThrow("inside");
    expect(net.weights(name)).toEqual(values);
  });

  test("changes nothing of what is learnt, and is kept in a file", async () => {
    const [net, plain] = [await create({ ema: 0.9 }), await create()];
    for (const each of [net, plain]) for (let i = 0; i < 3; i++) step(each);
    for (const { name } of plain.parameters) expect(net.weights(name)).toEqual(plain.weights(name));
    const loaded = await Network.load(net.save(), { variant: "simd" });
    expect(loaded.recipe.ema).toBe(0.9);
    for (const { name } of net.parameters) {
      expect(loaded.weights(name)).toEqual(net.weights(name));
      expect(loaded.average(name)).toEqual(net.average(name));
    }
  });

  test("values that are given, or drawn again, are their own average", async () => {
    const net = await create({ ema: 0.9 });
    step(net);
    net.setWeights("dense/bias", new Float32Array(8).fill(2));
    expect(net.average("dense/bias")).toEqual(new Float32Array(8).fill(2));
    net.initialise();
    expect(net.average("dense/kernel")).toEqual(net.weights("dense/kernel"));
  });

  test("is refused where there is none, or no sense", async () => {
    const net = await create();
    expect(() => net.withAverage(() => 0)).toThrow(/create it with ema/);
    await expect(create({ ema: 1 })).rejects.toThrow("Network: ema must be at least 0 and below 1");
    const kept = await create({ ema: 0.5 });
    expect(() => kept.average("batch_norm/mean")).toThrow(/is measured, not learnt/);
  });
});

describe("accumulate", () => {
  const plain: Layer = sequential(dense(8, { activation: "tanh" }), dense(3));

  test("takes the steps of the larger batch, the shorter last one included", async () => {
    const optimizer = adam({ learningRate: 0.05, clipNorm: 0.5 });
    const [whole, parts] = [
      await create({ body: plain, optimizer }),
      await create({ body: plain, optimizer }),
    ];
    // 30 rows: steps of 12, 12 and 6, in batches of 4, the last one of 2.
    const a = await train(whole, { epochs: 3, batchSize: 12 });
    const b = await train(parts, { epochs: 3, batchSize: 4, accumulate: 3 });
    expect(parts.step).toBe(9);
    expect(parts.step).toBe(whole.step);
    const losses = [a, b].map((ticks) => ticks.flatMap((x) => [...x]));
    losses[0]!.forEach((loss, i) => {
      expect(losses[1]![i]).toBeCloseTo(loss, 4);
    });
    for (const { name } of whole.parameters) {
      const other = parts.weights(name);
      whole.weights(name).forEach((w, i) => {
        expect(other[i]).toBeCloseTo(w, 3);
      });
    }
  });

  test("needs the activations of one batch", async () => {
    const wide = sequential(dense(512, { activation: "tanh" }), dense(3));
    const bytes = async (options: FitOptions) => {
      const net = await create({ body: wide });
      const before = net.core.arena.used;
      for await (const _ of net.fit(blobs(300, 6, 3), { steps: 1, ...options }));
      return net.core.arena.used - before;
    };
    const [small, large] = [
      await bytes({ batchSize: 30, accumulate: 10 }),
      await bytes({ batchSize: 300 }),
    ];
    expect(small).toBeLessThan(0.25 * large);
  });

  test("batches of a step draw masks of their own, and have running statistics each", async () => {
    // Every row is the same: what differs between two batches of a step is the mask alone.
    const same = createDataset({
      ...{ name: "same", rows: 4, shape: [40], classes: 3 },
      ...{ inputs: new Float32Array(160).fill(1), targets: new Int32Array(4) },
    });
    const net = await Network.create({
      ...{ input: [40], body: sequential(dropout(0.5), dense(3)), variant: "simd" },
      optimizer: sgd({ learningRate: 1 }),
    });
    const before = net.weights("dense/kernel");
    for await (const _ of net.fit(same, { steps: 1, batchSize: 1, accumulate: 4 }));
    const after = net.weights("dense/kernel");
    const moved = Array.from({ length: 40 }, (_x, i) => Math.abs(after[3 * i]! - before[3 * i]!));
    // Kept in all four or in none: 2 of 16; with one mask for all, every input.
    const sizes = new Set(moved.map((d) => d.toFixed(3)));
    expect(sizes.size).toBeGreaterThan(2);

    const norm = await create();
    await train(norm, { steps: 1, batchSize: 5, accumulate: 3 });
    expect(norm.weights("batch_norm/variance").every(Number.isFinite)).toBe(true);
  });

  test("is a whole number", async () => {
    const net = await create();
    expect(() => net.fit(data, { accumulate: 0 })).toThrow("fit: accumulate must be a whole");
  });
});

test("lion learns, and is made again from its description", async () => {
  const optimizer = lion({ learningRate: 0.01, weightDecay: 0.1 });
  const net = await create({ optimizer });
  const first = step(net).loss;
  for (let i = 0; i < 60; i++) step(net);
  expect(step(net).loss).toBeLessThan(0.5 * first);
  const { kind, learningRate, config } = optimizer;
  expect(optimizerFromConfig({ kind, learningRate, ...config }).config).toEqual(config);
});
