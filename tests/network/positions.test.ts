import { describe, expect, test } from "vitest";
import { createDataset } from "../../src/data/index.ts";
import { checkGradient } from "../../src/diagnostics/index.ts";
import { dense, flatten, sequential } from "../../src/layers/index.ts";
import { Network } from "../../src/network/network.ts";
import { draws } from "../support/checks.ts";

const TIME = 5;
const FEATURES = 3;
const CLASSES = 4;
const ROWS = 6;
const INPUTS = draws(ROWS * TIME * FEATURES, 1);

/** A class a position; every third is not known. */
const LABELS = Int32Array.from({ length: ROWS * TIME }, (_, i) => (i % 3 === 1 ? -1 : i % CLASSES));
const KNOWN = [...LABELS.keys()].filter((i) => LABELS[i]! >= 0);

const data = createDataset({
  ...{ name: "positions", rows: ROWS, shape: [TIME, FEATURES], classes: CLASSES },
  ...{ inputs: INPUTS, targets: LABELS, targetWidth: TIME },
});

const create = (seed = 1) =>
  Network.create({
    input: [TIME, FEATURES],
    body: sequential(dense(7, { activation: "tanh" }), dense(CLASSES)),
    ...{ seed, variant: "simd" },
  });

/** The mean loss and the share of hits over the known positions, from the outputs, in f64. */
function expected(outputs: Float32Array): { loss: number; accuracy: number } {
  const rows = KNOWN.map((i) => {
    const x = [...outputs.subarray(i * CLASSES, (i + 1) * CLASSES)];
    const top = Math.max(...x);
    const log = Math.log(x.reduce((sum, v) => sum + Math.exp(v - top), 0));
    return { loss: log + top - x[LABELS[i]!]!, hit: x.indexOf(top) === LABELS[i]! ? 1 : 0 };
  });
  return {
    loss: rows.reduce((sum, { loss }) => sum + loss, 0) / rows.length,
    accuracy: rows.reduce<number>((sum, { hit }) => sum + hit, 0) / rows.length,
  };
}

describe("a class a position", () => {
  test("loss and accuracy are means over the positions whose class is known", async () => {
    const net = await create();
    const want = expected(net.predict(INPUTS));
    for (const got of [net.evaluate(data), net.lossAndGradient(INPUTS, LABELS)]) {
      expect(got.loss).toBeCloseTo(want.loss, 6);
      expect(got.accuracy).toBeCloseTo(want.accuracy, 12);
    }
  });

  test("the gradient is the slope of that mean", async () => {
    for (const seed of [1, 2, 3]) {
      const { relativeError } = checkGradient(await create(seed), data, { seed });
      expect(relativeError).toBeLessThan(2e-3); // as in gradients.test.ts
    }
  });

  test("training on the resident set sees the classes of its rows", async () => {
    const staged = await create();
    const resident = await create();
    for (let step = 0; step < 3; step++) staged.trainStep(INPUTS, LABELS);
    const options = { steps: 3, batchSize: ROWS, shuffle: false };
    for await (const tick of resident.fit(data, options)) void tick;
    for (const { name } of staged.parameters) {
      expect(resident.weights(name)).toEqual(staged.weights(name));
    }
  });

  test("a batch without any known class moves nothing but adam's own memory", async () => {
    const net = await create();
    const before = net.weights("dense/kernel");
    const none = new Int32Array(ROWS * TIME).fill(-1);
    expect(net.trainStep(INPUTS, none).divergence).toBeUndefined();
    expect(net.weights("dense/kernel")).toEqual(before);
  });

  test("a wrong class is refused with its place", async () => {
    const net = await create();
    const wrong = LABELS.slice();
    wrong[2 * TIME + 3] = CLASSES;
    expect(() => net.trainStep(INPUTS, wrong)).toThrow(
      "targets: row 2, position 3: expected a class from 0 to 3, or -1 for none, got 4",
    );
    expect(() => createDataset({ ...data, targets: wrong })).toThrow(/label 4.*0 to 3, or -1/s);
    const one = { ...data, shape: [1], inputs: INPUTS.slice(0, ROWS), targetWidth: 1 };
    expect(() => createDataset({ ...one, targets: LABELS.slice(0, ROWS) })).toThrow(/0 to 3/);
  });

  test("one class a row for outputs of several positions is refused, and says where flatten goes", async () => {
    const net = await create();
    const one = { ...data, targets: Int32Array.from({ length: ROWS }, () => 1), targetWidth: 1 };
    expect(() => net.fit(one)).toThrow(
      /expected 5 classes a row, one for each position of the output's shape \[5,4\], got 1; .*flatten\(\)/,
    );
    const flat = await Network.create({
      ...{ input: [TIME, FEATURES], variant: "simd" },
      body: sequential(flatten(), dense(CLASSES)),
    });
    expect(() => flat.fit(data)).toThrow(/expected 1 classes a row/);
  });
});
