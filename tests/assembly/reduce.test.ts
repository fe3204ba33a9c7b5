import { describe, expect, test } from "vitest";
import type { Ptr } from "../../src/core/arena.ts";
import {
  atTheEdge,
  draws,
  EPS,
  expectClose,
  guarded,
  inSlices,
  THREADS,
  wholes,
} from "../support/checks.ts";
import { variants } from "../support/kernels.ts";

/** The unit roundoff of f64. */
const U = 2 ** -53;
const SHAPES = [...Array(40).keys()]
  .map((i) => [1 + (i % 7), i + 1] as const)
  .concat([
    [3, 100],
    [200, 35],
    [0, 5],
  ]);

const sum = (x: Iterable<number>) => [...x].reduce((a, b) => a + b, 0);

function rowsOf(x: Float32Array, rows: number, cols: number): Float32Array[] {
  return Array.from({ length: rows }, (_, r) => x.subarray(r * cols, (r + 1) * cols));
}

function columnsOf(x: Float32Array, rows: number, cols: number): Float32Array[] {
  return Array.from({ length: cols }, (_, c) =>
    Float32Array.from({ length: rows }, (_, r) => x[r * cols + c]!),
  );
}

describe.each(await variants())("reductions on $name", (bench) => {
  const { kernels: k } = bench;
  type Run = (
    out: Ptr,
    x: Ptr,
    rows: number,
    cols: number,
    beta: number,
    t: number,
    of: number,
  ) => void;
  const sums: {
    name: string;
    run: Run;
    split: typeof rowsOf;
    /** Additions on the longest path to a result. */
    depth: (rows: number, cols: number) => number;
  }[] = [
    { name: "rowSums", run: k.rowSums, split: rowsOf, depth: (_, cols) => cols / 16 + 6 },
    { name: "columnSums", run: k.columnSums, split: columnsOf, depth: (rows) => rows },
  ];

  describe.each(sums)("$name", ({ run, split, depth }) => {
    test("is exact on whole numbers and overwrites NaN when beta is 0", () => {
      for (const [rows, cols] of SHAPES) {
        const x = wholes(rows * cols, cols);
        const want = split(x, rows, cols).map(sum);
        const out = guarded(bench, want.length);
        run(out.at, bench.floats(x), rows, cols, 0, 0, 1);
        expect([...out.read()], `${rows} x ${cols}`).toEqual(want);
      }
    });

    test("errs by at most depth EPS sum |x|, also when it adds to what out holds", () => {
      for (const [rows, cols] of SHAPES) {
        for (const beta of [0, 1]) {
          const x = draws(rows * cols, cols);
          const parts = split(x, rows, cols);
          const before = draws(parts.length, 3);
          const out = bench.floats(before);
          run(out, bench.floats(x), rows, cols, beta, 0, 1);
          const got = bench.read(out, parts.length);
          const want = parts.map((part, i) => sum(part) + beta * before[i]!);
          const size = parts.map(
            (part, i) => sum(part.map(Math.abs)) + beta * Math.abs(before[i]!),
          );
          const bound = (i: number) => (depth(rows, cols) + beta) * EPS * size[i]!;
          expectClose(got, want, bound, `${rows} x ${cols}, beta ${beta}`);
        }
      }
    });

    test("gives the same bits however it is divided", () => {
      const [rows, cols] = [37, 83];
      const x = bench.floats(draws(rows * cols, 8));
      const results = THREADS.map((threads) => {
        const out = bench.floats(new Float32Array(cols).fill(0.1));
        inSlices(threads, (t, of) => run(out, x, rows, cols, 1, t, of));
        return bench.read(out, cols);
      });
      for (const result of results) expect(result).toEqual(results[0]);
    });

    test("touches nothing beyond its operands", () => {
      for (let cols = 1; cols <= 20; cols++) {
        const x = draws(3 * cols, cols);
        const out = new Float32Array(split(x, 3, cols).length);
        for (const beta of [0, 1]) {
          atTheEdge(bench, [out, x], (po, px) => run(po, px, 3, cols, beta, 0, 1));
        }
      }
    });

    test("lets a NaN through to its own sum alone", () => {
      const x = wholes(5 * 9, 4);
      x[2 * 9 + 3] = Number.NaN;
      const want = split(x, 5, 9).map(sum);
      expect(want.filter(Number.isNaN)).toHaveLength(1);
      const out = bench.output(want.length);
      run(out, bench.floats(x), 5, 9, 0, 0, 1);
      expect([...bench.read(out, want.length)]).toEqual(want);
    });
  });

  describe("moments", () => {
    const momentsOf = (x: ArrayLike<number>) => {
      const out = bench.arena.allocate(64);
      k.moments(out, bench.floats(x), x.length);
      return [...bench.arena.f64(out, 8)];
    };

    /** Two passes in f64 over the finite values. */
    const reference = (x: Float32Array) => {
      const kept = [...x].filter(Number.isFinite);
      const n = kept.length;
      const mean = sum(kept) / n;
      return [
        mean,
        sum(kept.map((v) => (v - mean) ** 2)) / n,
        sum(kept.map((v) => v * v)) / n,
        Math.min(...kept),
        Math.max(...kept),
        kept.filter((v) => v === 0).length / n,
        x.length - n,
        x.length,
      ];
    };

    const check = (x: Float32Array, what: string) => {
      const want = reference(x);
      const [, variance, second] = want as [number, number, number];
      const n = x.length;
      const size = Math.max(...[...x].filter(Number.isFinite).map(Math.abs));
      // Both sides round n times in f64; the error of the mean enters the variance squared, since deviations sum to 0.
      const bounds = [
        2 * n * U * size,
        2 * (n + 4) * U * variance + (2 * n * U * size) ** 2,
        2 * (n + 4) * U * second,
      ];
      expectClose(momentsOf(x), want, (i) => bounds[i] ?? 0, what);
    };

    test("equals its definition in f64 at every length", () => {
      for (const n of [...Array(40).keys()].map((i) => i + 1).concat(1000)) {
        const x = draws(n, n, -2, 5);
        if (n > 3) x[n - 2] = 0;
        check(x, `n = ${n}`);
      }
    });

    test("counts values that are not finite and leaves them out, wherever they are", () => {
      for (let n = 2; n <= 21; n++) {
        for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
          const x = draws(n, n, 1, 2);
          x[(n % 7) % n] = bad;
          x[n - 1] = -0;
          check(x, `n = ${n}, ${bad}`);
        }
      }
    });

    test("keeps the variance of a small spread about a large mean", () => {
      const x = draws(1000, 3, 1e6, 1e6 + 1);
      check(x, "mean 1e6");
      expect(momentsOf(x)[1]).toBeGreaterThan(0.05);
    });

    test("gives equal values a variance of exactly 0", () => {
      expect(momentsOf(new Float32Array(999).fill(0.1))[1]).toBe(0);
    });

    test("is NaN with exact counts when nothing is left, and for n = 0", () => {
      const nothing = Array<number>(6).fill(Number.NaN);
      expect(momentsOf([])).toEqual([...nothing, 0, 0]);
      expect(momentsOf([Number.NaN, Number.POSITIVE_INFINITY])).toEqual([...nothing, 2, 2]);
    });

    test("holds squares beyond f32 in its second moment", () => {
      const x = Float32Array.of(3e38, -3e38, 3e38);
      check(x, "large");
      expect(momentsOf(x)[2]).toBeGreaterThan(8e76);
    });

    test("touches nothing beyond its operands", () => {
      for (let n = 1; n <= 20; n++) {
        const operands = [new Float64Array(8), draws(n, n)];
        atTheEdge(bench, operands, (out, x) => k.moments(out, x, n));
      }
    });
  });

  describe("columnMoments", () => {
    test("is the rounded mean and biased deviation of every column", () => {
      for (const [rows, cols] of SHAPES) {
        const x = draws(rows * cols, cols, -3, 4);
        const [mean, std] = [guarded(bench, cols), guarded(bench, cols)];
        k.columnMoments(mean.at, std.at, bench.floats(x), rows, cols, 0, 1);
        const columns = columnsOf(x, rows, cols);
        const means = columns.map((column) => sum(column) / rows);
        const stds = columns.map((column, c) =>
          Math.sqrt(sum([...column].map((v) => (v - means[c]!) ** 2)) / rows),
        );
        // One rounding to f32, after f64 sums.
        const bound = (want: number) => EPS * Math.abs(want) + 8 * rows * U;
        expectClose(mean.read(), means, (c) => bound(means[c]!), `means, ${rows} x ${cols}`);
        expectClose(std.read(), stds, (c) => bound(stds[c]!), `stds, ${rows} x ${cols}`);
      }
    });

    test("gives a constant column its value and a deviation of exactly 0", () => {
      const [rows, cols] = [777, 13];
      const values = draws(cols, 1, -100, 100);
      const x = Float32Array.from({ length: rows * cols }, (_, i) => values[i % cols]!);
      const [mean, std] = [bench.output(cols), bench.output(cols)];
      k.columnMoments(mean, std, bench.floats(x), rows, cols, 0, 1);
      expect(bench.read(mean, cols)).toEqual(values);
      expect(bench.read(std, cols)).toEqual(new Float32Array(cols));
    });

    test("makes the column of a value that is not finite NaN, and no other", () => {
      const [rows, cols] = [6, 11];
      for (let c = 0; c < cols; c++) {
        const x = draws(rows * cols, 3);
        x[2 * cols + c] = Number.NEGATIVE_INFINITY;
        const [mean, std] = [bench.output(cols), bench.output(cols)];
        k.columnMoments(mean, std, bench.floats(x), rows, cols, 0, 1);
        const bad = [...bench.read(std, cols).keys()].filter((i) => i === c);
        expect([...bench.read(std, cols).entries()].filter(([, v]) => Number.isNaN(v))).toEqual(
          bad.map((i) => [i, Number.NaN]),
        );
      }
    });

    test("gives the same bits however it is divided", () => {
      const [rows, cols] = [29, 75];
      const x = bench.floats(draws(rows * cols, 8));
      const results = THREADS.map((threads) => {
        const [mean, std] = [bench.output(cols), bench.output(cols)];
        inSlices(threads, (t, of) => k.columnMoments(mean, std, x, rows, cols, t, of));
        return [bench.read(mean, cols), bench.read(std, cols)];
      });
      for (const result of results) expect(result).toEqual(results[0]);
    });

    test("touches nothing beyond its operands", () => {
      for (let cols = 1; cols <= 20; cols++) {
        const operands = [new Float32Array(cols), new Float32Array(cols), draws(3 * cols, cols)];
        atTheEdge(bench, operands, (m, s, x) => k.columnMoments(m, s, x, 3, cols, 0, 1));
      }
    });
  });
});
