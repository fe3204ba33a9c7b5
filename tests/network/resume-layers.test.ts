import { expect, test } from "vitest";
import type { Dataset } from "../../src/index.ts";
import {
  adam,
  batchNorm,
  dense,
  dropout,
  lstm,
  meanSquaredError,
  Network,
  sequential,
} from "../../src/index.ts";
import { random } from "../support/random.ts";

const next = random(3);
const rows = 40;
const data: Dataset = {
  ...{ rows, shape: [6, 3], classes: undefined, targetWidth: 2 },
  inputs: Float32Array.from({ length: rows * 18 }, () => next() - 0.5),
  targets: Float32Array.from({ length: rows * 2 }, () => next() - 0.5),
} as unknown as Dataset;

const create = () =>
  Network.create({
    input: [6, 3],
    body: sequential(lstm(5, { stateful: true }), batchNorm(), dropout(0.3), dense(2)),
    loss: meanSquaredError(),
    optimizer: adam({ learningRate: 0.01 }),
    ema: 0.9,
    seed: 4,
    variant: "simd",
  });

async function drain(ticks: AsyncGenerator<unknown>): Promise<void> {
  for await (const _ of ticks);
}

function bitsOf(network: Network): unknown {
  const names = [...network.parameters, ...network.statistics].map(({ name }) => name);
  return Object.fromEntries(names.map((name) => [name, Array.from(network.weights(name))]));
}

test("running statistics, dropout and carried states go on where a checkpoint was taken, within an epoch", async () => {
  const whole = await create();
  await drain(whole.fit(data, { steps: 23, batchSize: 8 }));

  const first = await create();
  await drain(first.fit(data, { steps: 13, batchSize: 8 }));
  const bytes = first.checkpoint();

  const second = await Network.restore(bytes);
  expect(bitsOf(second)).toEqual(bitsOf(first));
  await drain(second.fit(data, { steps: 10, batchSize: 8 }));
  expect(bitsOf(second)).toEqual(bitsOf(whole));
  expect(second.predict(data.inputs)).toEqual(whole.predict(data.inputs));
  expect(second.average("dense/kernel")).toEqual(whole.average("dense/kernel"));
  expect(whole.statistics.map(({ name }) => name)).toHaveLength(2);
});
