import * as fs from "node:fs";
import { describe, expect, test } from "vitest";
import { haltonPoints } from "../../src/init/halton.ts";
import { normalQuantile, SOBOL_DIMENSIONS, sobolPoints } from "../../src/init/sobol.ts";
import { denseSpec, vectorSpec } from "../../src/init/specs.ts";
import { momentsOf } from "../support/statistics.ts";
import { convKernel, draw, gatedKernel, mapOf, rankOf } from "./support.ts";

describe("the Sobol sequence", () => {
  test("is PyTorch's, in all its dimensions", () => {
    const columns: number[][] = JSON.parse(fs.readFileSync("tests/fixtures/sobol.json", "utf8"));
    expect(columns).toHaveLength(SOBOL_DIMENSIONS);
    columns.forEach((column, d) => {
      expect([...sobolPoints(d, column.length)]).toEqual(column);
    });
  });

  test("puts one of 2^k points into each of 2^k cells, in every dimension", () => {
    for (let d = 0; d < SOBOL_DIMENSIONS; d++) {
      for (const k of [0, 5, 12]) {
        const cells = new Set([...sobolPoints(d, 2 ** k)].map((x) => x >> (24 - k)));
        expect(cells.size).toBe(2 ** k);
      }
    }
  });

  test("has property A: 2^d points, one in each orthant of d dimensions", () => {
    for (let d = 1; d <= SOBOL_DIMENSIONS; d++) {
      const orthant = new Int32Array(2 ** d);
      for (let dimension = 0; dimension < d; dimension++) {
        sobolPoints(dimension, 2 ** d).forEach((x, i) => {
          orthant[i]! |= (x >> 23) << dimension;
        });
      }
      expect(new Set(orthant).size).toBe(2 ** d);
    }
  });
});

/** Phi(x) - 1/2, by Simpson's rule: its error is below x h^4 phi''''(0) / 180 = 4e-15 for |x| < 6. */
function normalArea(x: number): number {
  const cells = 8000;
  const h = x / cells;
  let sum = 0;
  for (let i = 0; i <= cells; i++) {
    sum += (i === 0 || i === cells ? 1 : i % 2 === 1 ? 4 : 2) * Math.exp(-((i * h) ** 2) / 2);
  }
  return (sum * h) / 3 / Math.sqrt(2 * Math.PI);
}

test("the normal quantile inverts Phi", () => {
  expect(normalQuantile(0.5)).toBe(0);
  for (const p of [2 ** -25, 1e-6, 1e-3, 0.02, 0.0749, 0.0751, 0.3, 0.5 + 2 ** -25, 0.8, 0.999]) {
    const x = normalQuantile(p);
    // An error of 1e-13 in x moves Phi by 1e-13 phi(x) at most.
    expect(Math.abs(normalArea(x) + 0.5 - p)).toBeLessThan(1e-14);
    expect(normalQuantile(1 - p)).toBeCloseTo(-x, p < 1e-5 ? 7 : 11); // 1 - p is rounded
  }
});

/** Column o of a row-major [inputs, outputs] matrix. */
const columnOf = (w: Float32Array, inputs: number, outputs: number, o: number) =>
  Float64Array.from({ length: inputs }, (_, i) => w[i * outputs + o]!);

const LIMIT = (fanIn: number) => Math.sqrt(3 / fanIn);

test("the Halton sequence mirrors the digits of its index: base 2, 3, 5", () => {
  const fractions = (d: number) => [...haltonPoints(d, 7)].map((x) => x / 2 ** 24);
  const expected = [
    [0, 1 / 2, 1 / 4, 3 / 4, 1 / 8, 5 / 8, 3 / 8],
    [0, 1 / 3, 2 / 3, 1 / 9, 4 / 9, 7 / 9, 2 / 9],
    [0, 1 / 5, 2 / 5, 3 / 5, 4 / 5, 1 / 25, 6 / 25],
  ];
  expected.forEach((points, d) => {
    fractions(d).forEach((x, i) => {
      expect(Math.abs(x - points[i]!)).toBeLessThan(2 ** -23);
    });
  });
});

test.each([64, 625, 1024])(
  "halton_uniform: a unit's mean over %d inputs misses by less than 10 / n",
  (n) => {
    const w = draw("halton_uniform", denseSpec(n, 30));
    for (let o = 0; o < 30; o++) {
      // The discrepancy of n points of base b is below (b log n / log b + 1) / n: 29 x 3 / n at most; measured, a tenth of it.
      const { mean } = momentsOf(columnOf(w, n, 30, o));
      expect(Math.abs(mean)).toBeLessThan((10 * LIMIT(n)) / n);
    }
  },
);

describe("sobol_uniform", () => {
  test.each([[64, 100] as const, [256, 40] as const, [1024, 20] as const])(
    "[%d, %d]: each unit has one weight in each of as many cells",
    (inputs, outputs) => {
      const w = draw("sobol_uniform", denseSpec(inputs, outputs));
      for (let o = 0; o < outputs; o++) {
        const u = columnOf(w, inputs, outputs, o).map((x) => (x / LIMIT(inputs) + 1) / 2);
        expect(new Set(u.map((x) => Math.floor(x * inputs))).size).toBe(inputs);
      }
    },
  );

  test("a unit's mean and variance miss by O(1 / n), not O(1 / sqrt(n))", () => {
    const [inputs, outputs] = [1024, 50];
    const w = draw("sobol_uniform", denseSpec(inputs, outputs));
    for (let o = 0; o < outputs; o++) {
      const { mean, variance } = momentsOf(columnOf(w, inputs, outputs, o));
      // One point in each of n cells: the mean is off by half a cell at most, the mean square by less than two of its steps.
      expect(Math.abs(mean)).toBeLessThanOrEqual((LIMIT(inputs) / inputs) * 1.001);
      expect(Math.abs(variance * inputs - 1)).toBeLessThan(6 / inputs);
    }
  });
});

test("sobol_normal has the normal law in each unit", () => {
  const [inputs, outputs] = [1024, 50];
  const w = draw("sobol_normal:scale=2", denseSpec(inputs, outputs));
  for (let o = 0; o < outputs; o++) {
    const { mean, variance, kurtosis } = momentsOf(columnOf(w, inputs, outputs, o));
    // sqrt(2 / n) = 0.044 would be the deviation of independent weights' variance, 0.031 that of the mean in units of std.
    expect(Math.abs(mean) / Math.sqrt(2 / inputs)).toBeLessThan(0.01);
    expect(Math.abs(variance * (inputs / 2) - 1)).toBeLessThan(0.02);
    expect(Math.abs(kurtosis)).toBeLessThan(0.3);
  }
});

describe.each(["sobol_uniform", "sobol_normal", "halton_uniform", "halton_normal"])(
  "%s",
  (name) => {
    test.each([[64, 300] as const, [100, 300] as const, [256, 300] as const])(
      "[%d, %d]: columns are no more correlated than independent ones",
      (inputs, outputs) => {
        const w = draw(name, denseSpec(inputs, outputs));
        const columns = Array.from({ length: outputs }, (_, o) => {
          const column = columnOf(w, inputs, outputs, o);
          const { mean, variance } = momentsOf(column);
          return column.map((x) => (x - mean) / Math.sqrt(variance * inputs));
        });
        let worst = 0;
        let squares = 0;
        for (let a = 0; a < outputs; a++) {
          for (let b = 0; b < a; b++) {
            const r = columns[a]!.reduce((sum, x, i) => sum + x * columns[b]![i]!, 0);
            worst = Math.max(worst, Math.abs(r));
            squares += r * r;
          }
        }
        const pairs = (outputs * (outputs - 1)) / 2;
        // Independent columns: E[r^2] = 1 / (n - 1). The pairs' r^2 are nearly uncorrelated, their relative deviation sqrt(2).
        const chance = 1 + 5 * Math.sqrt(2 / pairs);
        expect(squares / pairs).toBeLessThan(chance / (inputs - 1));
        expect(worst).toBeLessThan(5.5 / Math.sqrt(inputs)); // 45,000 pairs: chance reaches 4.7
      },
    );

    test.each([[16, 16] as const, [64, 64] as const, [100, 60] as const])(
      "[%d, %d] has full rank",
      (rows, cols) => {
        expect(rankOf(draw(name, denseSpec(rows, cols)), rows, cols, 1e-4)).toBe(
          Math.min(rows, cols),
        );
      },
    );

    test("gates and groups are independent, each by its own fan", () => {
      for (const spec of [gatedKernel(128, 10, 4), convKernel([3, 3], 8, 16, 2)]) {
        const values = draw(name, spec);
        const maps = spec.maps.map((map) => mapOf(values, map));
        expect(new Set(maps.map((map) => map[0])).size).toBe(maps.length);
        for (const map of maps) {
          const { variance } = momentsOf(map);
          expect(Math.abs(variance * spec.fanIn - 1)).toBeLessThan(5 * Math.sqrt(2 / map.length));
        }
      }
    });

    test("a bias is one column", () => {
      const bias = draw(name, vectorSpec(denseSpec(64, 256), "bias", 256));
      const { mean, variance } = momentsOf(bias);
      expect(Math.abs(mean) * 8).toBeLessThan(0.02);
      expect(Math.abs(variance * 64 - 1)).toBeLessThan(0.05);
    });

    test("another seed draws other values", () => {
      expect(draw(name, denseSpec(9, 7), 1)).not.toEqual(draw(name, denseSpec(9, 7), 2));
    });
  },
);
