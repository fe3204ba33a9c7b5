import { describe, expect, test } from "vitest";
import { float } from "../../src/graph/buffer.ts";
import type { Layer } from "../../src/layers/index.ts";
import { dense, sequential } from "../../src/layers/index.ts";
import type { NetworkOptions } from "../../src/network/network.ts";
import { Network } from "../../src/network/network.ts";
import { loadWeights } from "../../src/network/pretrained.ts";
import { adamw } from "../../src/optim/index.ts";
import { blobs } from "../support/data.ts";

const data = blobs(30, 6, 3);

/** The identity, with three numbers that double in each step. */
const doubling: Layer = {
  kind: "doubling",
  config: {},
  build(tape, x, path) {
    const count = tape.statistic(`${path}/count`, [3], 1.5);
    const at = tape.params.values(count);
    tape.onUpdate(() => tape.emit("scale", at, at, float(2), 3, 0));
    return x;
  },
};

const create = (more: Partial<NetworkOptions> = {}) =>
  Network.create({
    ...{ input: [6], body: sequential(dense(4, { activation: "tanh" }), doubling, dense(3)) },
    ...{ optimizer: adamw({ learningRate: 0.1, weightDecay: 0.5 }), variant: "simd", seed: 1 },
    ...more,
  });
const step = (net: Network) => net.trainStep(data.inputs, data.targets);
const NAME = "doubling/count";

describe("statistics", () => {
  test("are no parameters: not counted, no gradient, out of reach of groups", async () => {
    const net = await create();
    expect(net.parameterCount).toBe(6 * 4 + 4 + 4 * 3 + 3);
    expect(net.parameters.map(({ name }) => name)).not.toContain(NAME);
    expect(net.statistics.map(({ name, shape }) => [name, shape])).toEqual([[NAME, [3]]]);
    expect(() => net.gradient(NAME)).toThrow(/is measured, not learnt/);
    await expect(create({ groups: [{ match: [NAME], learningRateScale: 2 }] })).rejects.toThrow(
      /matches none/,
    );
  });

  test("change by their own instructions alone: no step of the optimiser, no decay", async () => {
    const net = await create();
    expect([...net.weights(NAME)]).toEqual([1.5, 1.5, 1.5]);
    for (let i = 0; i < 4; i++) step(net);
    expect([...net.weights(NAME)]).toEqual([24, 24, 24]);
  });

  test("keep their values where nothing is learnt: probe, prediction, evaluation, a loss that is not finite", async () => {
    const net = await create();
    net.probe(data.inputs, data.targets);
    net.lossAndGradient(data.inputs, data.targets);
    net.predict(data.inputs);
    net.evaluate(data);
    expect(step(net).divergence).toBeUndefined();
    net.setWeights("dense/bias", new Float32Array(4).fill(Number.NaN));
    expect(step(net).divergence).toBeDefined();
    expect([...net.weights(NAME)]).toEqual([3, 3, 3]);
    net.initialise();
    expect([...net.weights(NAME)]).toEqual([1.5, 1.5, 1.5]);
  });

  test("leave every parameter the bits it has without them", async () => {
    const body = sequential(dense(4, { activation: "tanh" }), dense(3));
    const [with_, without] = [await create(), await create({ body })];
    for (const net of [with_, without]) for (let i = 0; i < 3; i++) step(net);
    for (const { name } of without.parameters)
      expect(with_.weights(name)).toEqual(without.weights(name));
  });

  test("are saved, and loaded by name", async () => {
    const net = await create();
    step(net);
    const other = await create({ seed: 2 });
    expect(loadWeights(other, net.save()).loaded).toContain(NAME);
    expect(other.weights(NAME)).toEqual(net.weights(NAME));
    expect(() => net.weights("count")).toThrow(/doubling\/count/);
  });
});
