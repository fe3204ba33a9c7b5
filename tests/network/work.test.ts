// A guard that is no stopwatch: the work of a training step of three fixed networks, as the plan and the table of effects count it.

import { describe, expect, test } from "vitest";
import { dense, sequential } from "../../src/layers/index.ts";
import { meanSquaredError, softmaxCrossEntropy } from "../../src/losses/index.ts";
import { Network } from "../../src/network/network.ts";
import type { InstructionCost } from "../../src/network/profile.ts";
import type { Optimizer } from "../../src/optim/index.ts";
import { adam, sgd } from "../../src/optim/index.ts";

interface Work {
  readonly instructions: number;
  readonly products: number;
  readonly flops: number;
  readonly bytes: number;
  /** Of a step on two threads, the one at its end included; 0 when nothing repays a second thread. */
  readonly barriers: number;
}

interface Workload {
  readonly name: string;
  readonly widths: readonly number[];
  readonly activation: "relu" | "tanh";
  readonly batch: number;
  readonly optimizer: Optimizer;
  readonly work: Work;
}

const DEEP = [64, ...Array<number>(50).fill(128), 10];

const WORKLOADS: readonly Workload[] = [
  {
    name: "W2 SGD",
    ...{ widths: [784, 512, 256, 10], activation: "relu", batch: 128, optimizer: sgd() },
    work: { instructions: 18, products: 8, flops: 310_498_112, bytes: 15_779_308, barriers: 14 },
  },
  {
    name: "W2 Adam",
    ...{ widths: [784, 512, 256, 10], activation: "relu", batch: 128, optimizer: adam() },
    work: { instructions: 18, products: 8, flops: 316_392_176, bytes: 24_352_496, barriers: 14 },
  },
  {
    name: "W3",
    ...{ widths: DEEP, activation: "tanh", batch: 64, optimizer: sgd() },
    work: {
      instructions: 210,
      products: 152,
      flops: 314_968_000,
      bytes: 34_400_236,
      barriers: 157,
    },
  },
  {
    name: "W4",
    ...{ widths: [2, 16, 16, 1], activation: "tanh", batch: 32, optimizer: sgd() },
    work: { instructions: 18, products: 8, flops: 60_064, bytes: 45_696, barriers: 0 },
  },
];

const MEANING = `the work of a step is not what it was.
More instructions, flops or bytes: something is computed, copied or accumulated that was not before, such as a gradient that nobody
reads or an activation that is no longer fused into its product. Fewer: a saving, or something left out. More barriers: threads
wait where they did not have to. When that is what you meant, write the new figures here and say in the commit what they buy.`;

describe.each(WORKLOADS)("a training step of $name", ({ widths, activation, batch, ...rest }) => {
  const costs = Network.create({
    input: [widths[0]!],
    body: sequential(
      ...widths.slice(1, -1).map((units) => dense(units, { activation })),
      dense(widths.at(-1)!),
    ),
    loss: widths.at(-1) === 1 ? meanSquaredError() : softmaxCrossEntropy(),
    optimizer: rest.optimizer,
    variant: "simd",
    threads: 2,
  }).then((net) => net.costs({ batchSize: batch }));

  test("has these instructions, flops and bytes", async () => {
    expect(workOf(await costs), MEANING).toEqual(rest.work);
  });

  test("multiplies forward, by the weights and by the inputs, and nothing else", async () => {
    const products = (await costs).filter(({ op }) => op === "gemm");
    const each = widths.slice(1).map((n, i) => 2 * batch * n * widths[i]!);
    const all = each.reduce((sum, flops) => sum + flops, 0);
    // Forward and by the weights in every layer; by the inputs in all but the first.
    expect(products.reduce((sum, { flops }) => sum + flops!, 0)).toBe(3 * all - each[0]!);
    expect(products).toHaveLength(3 * each.length - 1);
  });

  test("has no instruction of unknown cost", async () => {
    expect((await costs).filter(({ flops }) => flops === undefined)).toEqual([]);
  });
});

function workOf(costs: readonly InstructionCost[]): Work {
  const sum = (of: (cost: InstructionCost) => number) => costs.reduce((s, c) => s + of(c), 0);
  return {
    instructions: costs.length,
    products: costs.filter(({ op }) => op === "gemm").length,
    flops: sum(({ flops }) => flops!),
    bytes: sum(({ bytes }) => bytes!),
    barriers: costs.some(({ threads }) => threads > 1)
      ? sum(({ waits }) => (waits ? 1 : 0)) + 1
      : 0,
  };
}
