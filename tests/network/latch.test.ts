import { expect, test } from "vitest";
import { createDataset } from "../../src/data/index.ts";
import { dense, lstm, sequential } from "../../src/layers/index.ts";
import { Network } from "../../src/network/network.ts";
import { adam } from "../../src/optim/index.ts";
import { random } from "../support/random.ts";

const [STEPS, BATCH] = [100, 32];

/** A sign, then 99 steps of noise: examples/latch.mjs. */
function latch(rows: number, seed: number) {
  const next = random(seed);
  const targets = Int32Array.from({ length: rows }, () => Math.floor(2 * next()));
  const inputs = Float32Array.from({ length: rows * STEPS }, (_, i) => {
    if (i % STEPS === 0) return 2 * targets[i / STEPS]! - 1;
    return 0.3 * Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  });
  return createDataset({ name: "latch", rows, shape: [STEPS, 1], inputs, targets, classes: 2 });
}

/** Accuracy of the last 30 batches of `batches`. */
async function trained(unitForgetBias: boolean, batches: number, seed: number): Promise<number> {
  const net = await Network.create({
    ...{ input: [STEPS, 1], body: sequential(lstm(32, { unitForgetBias }), dense(2)), seed },
    optimizer: adam({ learningRate: 3e-3, clipNorm: 1 }),
    variant: "simd",
  });
  let last: number[] = [];
  for await (const { accuracies } of net.fit(latch(BATCH * batches, seed), { batchSize: BATCH })) {
    last = [...last, ...accuracies].slice(-30);
  }
  return last.reduce((sum, x) => sum + x, 0) / 30;
}

test("an LSTM remembers a sign over 100 steps when its forget gate starts open, and only then", async () => {
  for (const seed of [1, 2, 3]) expect(await trained(true, 300, seed)).toBeGreaterThan(0.95);
  // 30 batches of guesses: 0.5, standard deviation 0.016.
  for (const seed of [1, 2]) expect(await trained(false, 300, seed)).toBeLessThan(0.65);
});
