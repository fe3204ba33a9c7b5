import { describe, expect, test } from "vitest";
import { createDataset } from "../../src/data/index.ts";
import { dense, residual, sequential } from "../../src/layers/index.ts";
import { Network } from "../../src/network/network.ts";
import type { Optimizer } from "../../src/optim/index.ts";
import { adam, sgd } from "../../src/optim/index.ts";

const data = createDataset({
  name: "waves",
  rows: 40,
  shape: [4],
  inputs: Float32Array.from({ length: 160 }, (_, i) => Math.sin(i)),
  targets: Int32Array.from({ length: 40 }, (_, i) => i % 3),
  classes: 3,
});

const make = (optimizer: Optimizer) =>
  Network.create({
    input: [4],
    body: sequential(
      dense(8, { activation: "relu", name: "in" }),
      residual(dense(8, { activation: "tanh" }), { name: "block" }),
      dense(3, { name: "out" }),
    ),
    optimizer,
    seed: 3,
  });

async function losses(net: Network): Promise<number[]> {
  const all: number[] = [];
  for await (const tick of net.fit(data, { steps: 12, batchSize: 10 })) all.push(...tick.losses);
  return all;
}

describe("profile", () => {
  test("leaves a network as it was: it then trains like one that was never looked at", async () => {
    const [plain, profiled] = [await make(adam()), await make(adam())];
    profiled.profile(data, { batchSize: 10, steps: 7 });
    expect(profiled.step).toBe(0);
    expect(await losses(profiled)).toEqual(await losses(plain));
    profiled.profile(data, { batchSize: 10, steps: 7 });
    expect(profiled.step).toBe(12);
    for (const { name } of plain.parameters) {
      expect(profiled.weights(name)).toEqual(plain.weights(name));
    }
    expect(await losses(profiled)).toEqual(await losses(plain));
  });

  test("times the instructions that costs lists; the shares add up to 1", async () => {
    const net = await make(sgd());
    const { instructions, microseconds, stepMicroseconds, steps } = net.profile(data, {
      batchSize: 10,
      steps: 5,
    });
    const counted = instructions.map(({ microseconds: _, share: __, ...cost }) => cost);
    expect(counted).toEqual(net.costs({ batchSize: 10 }));
    expect(steps).toBe(5);
    expect(stepMicroseconds).toBeGreaterThan(0);
    const sum = (of: (i: (typeof instructions)[number]) => number) =>
      instructions.reduce((total, i) => total + of(i), 0);
    expect(sum((i) => i.share)).toBeCloseTo(1, 9);
    expect(sum((i) => i.microseconds)).toBeCloseTo(microseconds, 6);
  });

  test("a number that is not finite ends it, and the network is as it was", async () => {
    const net = await make(sgd({ learningRate: 1e30 }));
    const before = net.weights("in/kernel");
    expect(() => net.profile(data, { batchSize: 10, steps: 5 })).toThrow("not finite");
    expect(net.weights("in/kernel")).toEqual(before);
    expect(net.step).toBe(0);
  });

  test("is refused while the network is in a fit", async () => {
    const net = await make(sgd());
    const ticks = net.fit(data, { steps: 4, tickMilliseconds: 0 });
    await ticks.next();
    expect(() => net.profile(data)).toThrow("in a fit");
    await ticks.return(undefined as never);
  });
});

describe("costs", () => {
  test("names the layer of each instruction, forward and backward, inside residual blocks too", async () => {
    const net = await make(sgd());
    const gemms = net.costs({ batchSize: 10 }).filter(({ op }) => op === "gemm");
    expect(gemms.map(({ layer, pass, shape }) => `${layer} ${pass} ${shape}`)).toEqual([
      "in forward 10x8x4 NN",
      "block/dense forward 10x8x8 NN",
      "out forward 10x3x8 NN",
      "out backward 8x3x10 TN",
      "out backward 10x8x3 NT",
      "block/dense backward 8x8x10 TN",
      "block/dense backward 10x8x8 NT",
      "in backward 4x8x10 TN", // no gradient by the network's input
    ]);
    const others = net.costs({ batchSize: 10 }).filter(({ op }) => op !== "gemm");
    expect(new Set(others.map(({ layer, op }) => `${layer} ${op}`))).toEqual(
      new Set([
        ...["data shuffle", "data gatherBatch", "loss softmaxCrossEntropy", "loss recordLoss"],
        ...["block add", "block scale", "in activationBackwardBias"],
        ...["block/dense activationBackwardBias", "out activationBackwardBias"],
        ...["optimizer schedule", "optimizer sgd", "optimizer advance"],
      ]),
    );
  });

  test("refuses a batch of no rows", async () => {
    const net = await make(sgd());
    expect(() => net.costs({ batchSize: 0 })).toThrow("batchSize");
  });
});
