import { expect, test } from "vitest";
import { createDataset } from "../../src/data/index.ts";
import {
  embedding,
  layerNorm,
  positionalEmbedding,
  sequential,
  tiedDense,
  transformerEncoderBlock,
} from "../../src/layers/index.ts";
import { Network } from "../../src/network/network.ts";
import { adam } from "../../src/optim/index.ts";
import { random } from "../support/random.ts";

const WORDS = 6;
const LENGTH = 5;
const TIME = 2 * LENGTH;

/** Words, a mark, the words but the last; the targets are the words, at the positions from the mark on. */
function copying(rows: number, seed: number) {
  const next = random(seed);
  const inputs = new Float32Array(rows * TIME);
  const targets = new Int32Array(rows * TIME).fill(-1);
  for (let row = 0; row < rows; row++) {
    const words = Array.from({ length: LENGTH }, () => Math.floor(next() * WORDS));
    inputs.set([...words, WORDS, ...words.slice(0, -1)], row * TIME);
    targets.set(words, row * TIME + LENGTH);
  }
  const about = { name: "copying", rows, shape: [TIME], classes: WORDS + 1, targetWidth: TIME };
  return createDataset({ ...about, inputs, targets });
}

const create = (causal: boolean, layers: number) =>
  Network.create({
    input: [TIME],
    body: sequential(
      embedding(WORDS + 1, 32, { name: "words" }),
      positionalEmbedding(),
      ...Array.from({ length: layers }, () => transformerEncoderBlock({ heads: 2, causal })),
      layerNorm(),
      tiedDense("words"),
    ),
    optimizer: adam({ learningRate: 3e-3 }),
    ...{ seed: 1, variant: "simd" },
  });

test("a causal transformer of two layers copies words it has not seen in that order", async () => {
  const net = await create(true, 2);
  const options = { epochs: 25, batchSize: 32 };
  for await (const tick of net.fit(copying(1024, 1), options))
    expect(tick.state).not.toBe("diverged");
  expect(net.evaluate(copying(256, 2)).accuracy).toBeGreaterThan(0.99);
});

test("without a layer of attention it knows no more than the last word", async () => {
  const net = await create(true, 0);
  const options = { epochs: 10, batchSize: 32 };
  for await (const tick of net.fit(copying(1024, 1), options))
    expect(tick.state).not.toBe("diverged");
  expect(net.evaluate(copying(256, 2)).accuracy).toBeLessThan(0.4);
});
