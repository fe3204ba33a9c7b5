import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { createDataset } from "../../src/data/dataset.ts";
import { manifests } from "../../src/data/manifest.ts";
import { permutation, RandomStream } from "../../src/data/philox.ts";
import { split } from "../../src/data/split.ts";

/** Row i holds i, so that a part shows which rows it took. */
const numbered = (rows: number) =>
  createDataset({
    name: "numbered",
    rows,
    shape: [1],
    inputs: Float32Array.from({ length: rows }, (_, i) => i),
    targets: Int32Array.from({ length: rows }, (_, i) => i % 3),
    classes: 3,
  });

describe("split", () => {
  test.each([10, 150, 1797])(
    "the parts of %i rows are disjoint and together all of them",
    (rows) => {
      const { train, test } = split(numbered(rows), { train: 0.7, seed: 4 });
      expect(train.rows).toBe(Math.round(rows * 0.7));
      const all = [...train.inputs, ...test.inputs];
      expect(all.toSorted((a, b) => a - b)).toEqual(Array.from({ length: rows }, (_, i) => i));
      train.inputs.forEach((row, i) => {
        expect(train.targets[i]).toBe(row % 3);
      });
    },
  );

  test("is a permutation of stream (seed, split), cut after `train` rows", () => {
    const { train, test } = split(numbered(100), { train: 33, seed: 7 });
    const order = [...permutation(100, new RandomStream(7, "split"))];
    expect([...train.inputs]).toEqual(order.slice(0, 33));
    expect([...test.inputs]).toEqual(order.slice(33));
  });

  test("defaults to 80 % and seed 0, and changes with the seed", () => {
    const dataset = numbered(50);
    expect(split(dataset)).toEqual(split(dataset, { train: 40, seed: 0 }));
    expect(split(dataset, { seed: 1 }).train.inputs).not.toEqual(split(dataset).train.inputs);
  });

  // Golden bits (SHA-256 of the training rows' indices, joined by commas): published results stand on them.
  test.each([
    ["digits", "dcca4cd9fda4a446cc1b7d73bfe22e9d2d7eedcb509b4507963ba0f4298cbd13"],
    ["iris", "0108e7416c3968b28c61863bca28a4c42fa0d20f2c030f74cbde55714a13b21a"],
    ["wine", "e6a2b9cdc3e78fa58e2ac5965be453c3136ec9c7057cf1437003150ab1663aa9"],
    ["breast_cancer", "033cfd2ab737aea40e663bb05fc04e2a6b847c9608aeb4511fa17196ebb7ab3d"],
  ] as const)("the fixed split of %s never changes", (name, sha256) => {
    const { rows, split: fixed } = manifests[name];
    expect(fixed.train + fixed.test).toBe(rows);
    const { train } = split(numbered(rows), fixed);
    const indices = train.inputs.join(",");
    expect(createHash("sha256").update(indices).digest("hex")).toBe(sha256);
  });

  test.each([0, 1.5, 10, -1, 0.01, 0.99, Number.NaN])("rejects train: %s of 10 rows", (train) => {
    expect(() => split(numbered(10), { train })).toThrow(
      new RangeError(
        "split: train must leave rows on both sides of the 10 of numbered " +
          `(a fraction below 1, or a whole number from 1 to 9), got ${train}`,
      ),
    );
  });
});
