import { describe, expect, test } from "vitest";
import { createDataset } from "../../src/data/index.ts";
import { dense } from "../../src/layers/index.ts";
import { binaryCrossEntropy, meanSquaredError } from "../../src/losses/index.ts";
import {
  accuracy,
  auc,
  classesOf,
  classReport,
  confusionMatrix,
  mae,
  measure,
  r2,
  rmse,
  topK,
} from "../../src/network/metrics.ts";
import { Network } from "../../src/network/network.ts";
import { blobs, linear } from "../support/data.ts";
import { random } from "../support/random.ts";

const SEED = 11;
const next = random(SEED);
const whole = (n: number) => Math.floor(next() * n);
const list = (n: number, of: () => number) => Array.from({ length: n }, of);

describe("metrics of classes", () => {
  test("a worked case: 3 classes, 8 rows", () => {
    const targets = [0, 0, 0, 1, 1, 2, 2, 2];
    const predicted = [0, 0, 1, 1, 2, 2, 2, 0];
    expect(accuracy(predicted, targets)).toBe(5 / 8);
    const matrix = confusionMatrix(predicted, targets, { classes: 3 });
    expect(matrix).toEqual([
      [2, 1, 0],
      [0, 1, 1],
      [1, 0, 2],
    ]);
    const { perClass, macro, micro } = classReport(matrix);
    expect(perClass).toEqual([
      { precision: 2 / 3, recall: 2 / 3, f1: 4 / 6, support: 3 },
      { precision: 1 / 2, recall: 1 / 2, f1: 2 / 4, support: 2 },
      { precision: 2 / 3, recall: 2 / 3, f1: 4 / 6, support: 3 },
    ]);
    expect(macro.f1).toBeCloseTo((2 / 3 + 1 / 2 + 2 / 3) / 3, 15);
    expect(micro).toEqual({ precision: 5 / 8, recall: 5 / 8, f1: 5 / 8 });
  });

  test("a class that is never taken, or has no rows, scores 0 and not NaN", () => {
    const { perClass, macro } = classReport(confusionMatrix([0, 0], [0, 1], { classes: 3 }));
    expect(perClass[1]).toEqual({ precision: 0, recall: 0, f1: 0, support: 1 });
    expect(perClass[2]).toEqual({ precision: 0, recall: 0, f1: 0, support: 0 });
    expect(macro.recall).toBe(1 / 3);
  });

  test("F1 is the harmonic mean of precision and recall, on random matrices", () => {
    for (let trial = 0; trial < 50; trial++) {
      const classes = 2 + whole(5);
      const matrix = list(classes, () => 0).map(() => list(classes, () => whole(9)));
      for (const { precision, recall, f1 } of classReport(matrix).perClass) {
        const harmonic =
          precision + recall === 0 ? 0 : (2 * precision * recall) / (precision + recall);
        expect(f1).toBeCloseTo(harmonic, 12);
      }
    }
  });

  test("top-k by sorting, ties going to the lesser index; top-1 is the accuracy of the first maximum", () => {
    for (let trial = 0; trial < 50; trial++) {
      const classes = 2 + whole(6);
      const rows = 1 + whole(20);
      const scores = list(rows * classes, () => whole(4)); // many ties
      const targets = list(rows, () => whole(classes));
      for (let k = 1; k <= classes; k++) {
        const right = targets.filter((target, row) => {
          const own = scores.slice(row * classes, (row + 1) * classes);
          const order = own.map((_, c) => c).sort((a, b) => own[b]! - own[a]! || a - b);
          return order.slice(0, k).includes(target);
        });
        expect(topK(scores, targets, { k, classes })).toBe(right.length / rows);
      }
      const first = topK(scores, targets, { k: 1, classes });
      expect(first).toBe(accuracy(classesOf(scores, classes), targets));
    }
    expect(() => topK([1, 2], [0], { k: 3, classes: 2 })).toThrow(
      /k must be .* 1 to the 2 classes, got 3/,
    );
    expect(topK([Number.NaN, 1], [0], { k: 2, classes: 2 })).toBe(0);
  });

  test("AUC by the definition over all pairs, ties counting half", () => {
    for (let trial = 0; trial < 50; trial++) {
      const rows = 4 + whole(40);
      const scores = list(rows, () => whole(6));
      const targets = list(rows, () => whole(2));
      targets[0] = 0;
      targets[1] = 1;
      let [sum, pairs] = [0, 0];
      for (let i = 0; i < rows; i++) {
        for (let j = 0; j < rows; j++) {
          if (targets[i] !== 1 || targets[j] !== 0) continue;
          pairs++;
          sum += scores[i]! > scores[j]! ? 1 : scores[i] === scores[j] ? 0.5 : 0;
        }
      }
      expect(auc(scores, targets)).toBeCloseTo(sum / pairs, 12);
    }
    expect(auc([1, 2, 3, 4], [0, 0, 1, 1])).toBe(1);
    expect(auc([4, 3, 2, 1], [0, 0, 1, 1])).toBe(0);
    expect(auc([5, 5, 5], [0, 1, 1])).toBe(0.5);
    expect(auc([1, 2], [1, 1])).toBeNaN();
    expect(auc([Number.NaN, 2], [0, 1])).toBeNaN();
  });
});

test("metrics of values, by hand", () => {
  expect(mae([1, 2, 5], [1, 4, 4])).toBe(1);
  expect(rmse([1, 2, 5], [1, 4, 4])).toBe(Math.sqrt(5 / 3));
  expect(r2([1, 2, 5], [1, 4, 4])).toBeCloseTo(1 - 5 / 6, 15);
  expect(r2([3, 3, 3], [1, 4, 4])).toBe(0); // the mean explains nothing
  expect(r2([7, 7], [7, 7])).toBe(1);
  expect(r2([7, 8], [7, 7])).toBe(Number.NEGATIVE_INFINITY);
  // Two columns far apart: each about its own mean.
  expect(r2([0, 100, 2, 102], [0, 101, 2, 101], { width: 2 })).toBe(1 - 2 / 2);
  expect(() => mae([], [])).toThrow(/at least one/);
});

describe("evaluate", () => {
  test("gives what was asked for, from one pass over the data", async () => {
    const data = blobs(100, 6, 3);
    const net = await Network.create({ input: [6], body: dense(3), seed: 1 });
    const names = ["confusion", "f1", "precision", "recall", "top3", "classes"] as const;
    const result = net.evaluate(data, { metrics: names });
    const plain = net.evaluate(data);
    expect(plain).toEqual({ loss: result.loss, accuracy: result.accuracy });
    const matrix = result.confusion!;
    const right = matrix.reduce((sum, row, i) => sum + row[i]!, 0);
    expect(right / 100).toBe(result.accuracy);
    expect(result.classes!.micro.f1).toBeCloseTo(result.accuracy!, 12);
    expect(result.top3).toBe(1);
    expect(result.f1).toBe(result.classes!.macro.f1);
  });

  test("one logit, two logits and values have their own", async () => {
    const rows = 60;
    const inputs = Float32Array.from({ length: rows * 2 }, () => next() - 0.5);
    const targets = Int32Array.from({ length: rows }, (_, i) => (inputs[2 * i]! > 0 ? 1 : 0));
    const data = createDataset({ name: "half", rows, shape: [2], inputs, targets, classes: 2 });
    const one = await Network.create({ input: [2], body: dense(1), loss: binaryCrossEntropy() });
    one.setWeights("dense/kernel", [1, 0]);
    expect(one.evaluate(data, { metrics: ["auc", "f1", "confusion"] })).toMatchObject({
      auc: 1,
      f1: 1,
    });
    const two = await Network.create({ input: [2], body: dense(2) });
    two.setWeights("dense/kernel", [1, 0, 0, 0]); // backwards
    expect(two.evaluate(data, { metrics: ["auc", "accuracy"] })).toMatchObject({
      auc: 0,
      accuracy: 0,
    });
    const line = linear(50, 6, 2);
    const values = await Network.create({ input: [6], body: dense(2), loss: meanSquaredError() });
    const {
      loss,
      rmse: root,
      mae: mean,
      r2: share,
    } = values.evaluate(line, { metrics: ["rmse", "mae", "r2"] });
    expect(root! ** 2).toBeCloseTo(loss, 4);
    expect(mean).toBeLessThan(root!);
    expect(share).toBeLessThan(1);
    expect(() => values.evaluate(line, { metrics: ["f1"] })).toThrow(
      /f1 does not suit targets that are numbers/,
    );
    expect(() => two.evaluate(data, { metrics: ["r2"] })).toThrow(
      /r2 does not suit targets that are classes/,
    );
  });

  test("rows whose class is -1 are left out", () => {
    const outputs = [2, 1, 0, 3, 5, 0];
    const result = measure(["accuracy", "confusion"], outputs, [0, -1, 1], {
      width: 2,
      classes: 2,
    });
    expect(result).toEqual({
      accuracy: 0.5,
      confusion: [
        [1, 0],
        [1, 0],
      ],
    });
  });
});
