import { describe, expect, test } from "vitest";
import { FileError } from "../../src/cli/exit.ts";
import {
  fitPreprocessing,
  LIMIT,
  parsePreprocessing,
  preprocess,
  unscale,
} from "../../src/cli/preprocessing.ts";
import { regressionScores } from "../../src/cli/scores.ts";
import { createDataset, loadDataset, standardiser } from "../../src/data/index.ts";

const wine = await loadDataset("wine");

const house = createDataset({
  name: "houses",
  rows: 4,
  shape: [2],
  inputs: Float32Array.of(1, 7, 2, 7, 3, 7, 6, 7),
  targets: Float32Array.of(100_000, 150_000, 200_000, 350_000),
  classes: 0,
});

describe("preprocessing", () => {
  test("has the same bits as the library's standardiser, clamped", () => {
    const prepared = preprocess(wine.test, fitPreprocessing(wine.train, true));
    const expected = standardiser(wine.train).apply(wine.test, { limit: LIMIT });
    expect(prepared.inputs).toEqual(expected.inputs);
    expect(Math.max(...prepared.inputs)).toBeLessThanOrEqual(LIMIT);
  });

  test("without standardisation the numbers are left alone", () => {
    const prepared = preprocess(wine.test, fitPreprocessing(wine.train, false));
    expect(prepared.inputs).toBe(wine.test.inputs);
  });

  test("targets of a regression have mean 0 and variance 1, and come back in their units", () => {
    const description = fitPreprocessing(house, true);
    const targets = Array.from(preprocess(house, description).targets);
    const mean = targets.reduce((a, b) => a + b, 0) / 4;
    const variance = targets.reduce((a, b) => a + b * b, 0) / 4;
    expect(mean).toBeCloseTo(0, 6);
    expect(variance).toBeCloseTo(1, 6);
    const back = unscale(Float32Array.from(targets), description.targets);
    back.forEach((y, i) => {
      // f32 rounding of z, times the deviation of 93541
      expect(Math.abs(y - house.targets[i]!)).toBeLessThan(2 ** -23 * 2 * 93_541);
    });
  });

  test("a column that did not vary becomes 0, even where it varies later", () => {
    const description = fitPreprocessing(house, true);
    const later = { ...house, inputs: Float32Array.of(1, 9, 2, 8, 3, 7, 6, 6) };
    const { inputs } = preprocess(later, description);
    expect([1, 3, 5, 7].map((i) => inputs[i])).toEqual([0, 0, 0, 0]);
  });

  test("survives being written and read", () => {
    for (const train of [wine.train, house]) {
      const description = fitPreprocessing(train, true);
      expect(parsePreprocessing(JSON.stringify(description), "m")).toEqual(description);
    }
  });

  const good = fitPreprocessing(wine.train, true);
  test.each([
    ["no JSON", "{"],
    ["null", "null"],
    ["another task", JSON.stringify({ ...good, task: "poetry" })],
    ["no shape", JSON.stringify({ ...good, shape: [] })],
    ["a negative shape", JSON.stringify({ ...good, shape: [-13] })],
    ["too few means", JSON.stringify({ ...good, inputs: { mean: [1], std: [1] } })],
    ["a mean that is text", JSON.stringify({ ...good, inputs: { ...good.inputs, mean: ["1"] } })],
    [
      "a negative deviation",
      JSON.stringify({ ...good, shape: [1], inputs: { mean: [0], std: [-1] } }),
    ],
    ["inputs left out", JSON.stringify({ ...good, inputs: undefined })],
    ["names that are numbers", JSON.stringify({ ...good, classNames: [1, 2, 3] })],
  ])("a description with %s is refused, naming the file", (_, text) => {
    expect(() => parsePreprocessing(text, "model.st")).toThrow(FileError);
    expect(() => parsePreprocessing(text, "model.st")).toThrow(/^model\.st: /);
  });
});

describe("scores of a regression", () => {
  test("are the root mean squared error and the share of variance explained", () => {
    expect(regressionScores([1, 2, 3], [1, 2, 3], 1)).toEqual({ rmse: 0, r2: 1 });
    expect(regressionScores([2, 2, 2], [1, 2, 3], 1)).toEqual({ rmse: Math.sqrt(2 / 3), r2: 0 });
  });

  test("each target is compared with the mean of its own column", () => {
    const targets = [1, 100, 3, 300];
    expect(regressionScores([2, 200, 2, 200], targets, 2).r2).toBe(0);
  });
});
