import { describe, expect, test } from "vitest";
import type { Dataset } from "../../src/data/dataset.ts";
import { createDataset } from "../../src/data/dataset.ts";
import { RandomStream } from "../../src/data/philox.ts";
import { standardiser } from "../../src/data/standardise.ts";

const UNIT = 2 ** -53;

/** A data set with these columns. */
function columns(...values: number[][]): Dataset {
  const rows = values[0]!.length;
  const inputs = Float32Array.from({ length: rows * values.length }, (_, k) => {
    const column = values[k % values.length]!;
    return column[Math.floor(k / values.length)]!;
  });
  const targets = new Int32Array(rows);
  return createDataset({ name: "c", rows, shape: [values.length], inputs, targets, classes: 1 });
}

const column = ({ inputs, shape }: Dataset, j: number) =>
  [...inputs].filter((_, k) => k % shape[0]! === j);

describe("standardiser", () => {
  test("equals exact statistics: integers whose sums and squares are exact in f64", () => {
    const { mean, std } = standardiser(
      columns([2, 4, 4, 4, 5, 5, 7, 9], [-3, -1, 1, 3, -3, -1, 1, 3]),
    );
    expect([...mean]).toEqual([5, 0]);
    expect([...std]).toEqual([2, Math.sqrt(5)]);
  });

  test("gives each column mean 0 and variance 1, whatever its scale", () => {
    const rows = 1000;
    const random = new RandomStream(1, "columns");
    const draw = (scale: number, shift: number, from: number) =>
      Array.from({ length: rows }, (_, i) => shift + scale * random.normal(from + i));
    const dataset = columns(draw(1e-6, 0, 0), draw(1e9, 1e9, 2000), draw(1, -50, 4000));
    const z = standardiser(dataset).apply(dataset);
    for (let j = 0; j < 3; j++) {
      const values = column(z, j);
      const mean = values.reduce((sum, x) => sum + x, 0) / rows;
      const square = values.reduce((sum, x) => sum + x * x, 0) / rows;
      // Each value is rounded to f32 once: the relative error 2^-24 of values of mean square 1.
      expect(Math.abs(mean)).toBeLessThan(2 ** -24);
      expect(Math.abs(square - 1)).toBeLessThan(2 * 2 ** -24);
    }
  });

  test("a large mean does not cancel the variance", () => {
    // 2^20 + k / 8 is exact in f32; the variance of k = 0 … 7 is 63 / 12, so the exact one is 63 / 12 / 64.
    const dataset = columns(Array.from({ length: 800 }, (_, i) => 2 ** 20 + (i % 8) / 8));
    const { mean, std } = standardiser(dataset);
    // Naive summation: n u relative error of the mean; its square enters the variance.
    expect(Math.abs(mean[0]! - (2 ** 20 + 3.5 / 8))).toBeLessThanOrEqual(800 * UNIT * 2 ** 20);
    expect(Math.abs(std[0]! ** 2 / (63 / 12 / 64) - 1)).toBeLessThan(1e-12);
  });

  test("computes (x - mean) / std in f64 and rounds once", () => {
    const dataset = columns([0.1, 0.7, 2.3, -4.1, 9.9]);
    const x = [...dataset.inputs];
    const mean = x.reduce((sum, value) => sum + value, 0) / 5;
    const std = Math.sqrt(x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 5);
    const expected = x.map((value) => Math.fround((value - mean) / std));
    expect(column(standardiser(dataset).apply(dataset), 0)).toEqual(expected);
  });

  test("a constant column becomes 0, also on other data", () => {
    const constant = Array<number>(100_003).fill(Math.fround(0.1));
    const varying = constant.map((_, i) => i);
    const fitted = standardiser(columns(constant, varying));
    expect(fitted.std[0]).toBe(0);
    expect(fitted.mean[0]).toBe(Math.fround(0.1));
    expect(column(fitted.apply(columns([5, 6], [1, 2])), 0)).toEqual([0, 0]);
  });

  test("clamps to the limit, and does not by default", () => {
    const fitted = standardiser(columns([-1, 1]));
    expect(column(fitted.apply(columns([-50, -2, 0.5, 100])), 0)).toEqual([-50, -2, 0.5, 100]);
    const clamped = fitted.apply(columns([-50, -2, 0.5, 100]), { limit: 4 });
    expect(column(clamped, 0)).toEqual([-4, -2, 0.5, 4]);
  });

  test("leaves its argument, the targets and the names alone", () => {
    const dataset = columns([1, 2], [3, 4]);
    const z = standardiser(dataset).apply(dataset);
    expect([...dataset.inputs]).toEqual([1, 3, 2, 4]);
    expect(z.targets).toBe(dataset.targets);
    expect(z.name).toBe("c");
  });

  test("rejects another number of features and a limit that is not positive", () => {
    const fitted = standardiser(columns([1, 2]));
    expect(() => fitted.apply(columns([1, 2], [3, 4]))).toThrow(
      new RangeError("standardiser: fitted on 1 features, but c has 2 ([2])"),
    );
    expect(() => fitted.apply(columns([1, 2]), { limit: 0 })).toThrow(
      new RangeError("standardiser: limit must be positive, got 0"),
    );
  });
});
