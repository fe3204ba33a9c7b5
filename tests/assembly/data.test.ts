import { describe, expect, test } from "vitest";
import {
  atTheEdge,
  draws,
  EPS,
  expectClose,
  guarded,
  inSlices,
  THREADS,
} from "../support/checks.ts";
import { variants } from "../support/kernels.ts";

const WIDTHS = [...Array(21).keys()].concat([64, 100]);

describe.each(await variants())("data kernels on $name", (bench) => {
  const { kernels: k, arena } = bench;

  describe("gatherRows", () => {
    /** Words of every kind, NaN payloads and small integers among them. */
    const words = (n: number) =>
      Int32Array.from(draws(n, n, -(2 ** 31), 2 ** 31 - 256), (x, i) =>
        i % 5 ? x : 0x7fa00000 + i,
      );

    test("copies words bit for bit at every width, rows in any order and more than once", () => {
      for (const width of WIDTHS) {
        const table = words(9 * width);
        const index = [8, 0, 3, 3, 3, 7, 1, 8, 2, 4, 0];
        const out = guarded(bench, index.length * width);
        k.gatherRows(out.at, bench.ints(table), bench.ints(index), index.length, width, 0, 1);
        out.read();
        const got = arena.i32(out.at, index.length * width).slice();
        const want = index.flatMap((r) => [...table.slice(r * width, (r + 1) * width)]);
        expect([...got], `width ${width}`).toEqual(want);
      }
    });

    test("fills each row once, whatever the division", () => {
      const [rows, width] = [29, 7];
      const table = draws(100 * width, 1);
      const at = bench.floats(table);
      const index = Int32Array.from(draws(rows, 2, 0, 99.9));
      const want = [...index].flatMap((r) => [...table.slice(r * width, (r + 1) * width)]);
      for (const threads of THREADS) {
        const out = guarded(bench, rows * width);
        const pi = bench.ints(index);
        inSlices(threads, (t, of) => k.gatherRows(out.at, at, pi, rows, width, t, of));
        expect([...out.read()], `${threads} threads`).toEqual(want);
      }
    });

    test("touches nothing beyond its operands", () => {
      for (let width = 1; width <= 20; width++) {
        const x = draws(2 * width, width);
        atTheEdge(bench, [x, x, Int32Array.of(1, 1)], (out, table, index) =>
          k.gatherRows(out, table, index, 2, width, 0, 1),
        );
      }
    });
  });

  describe("standardise", () => {
    const f = Math.fround;
    /** Two correctly rounded operations, so known to the bit. */
    const reference = (x: number, mean: number, std: number, limit: number) => {
      if (std === 0) return 0;
      const q = f(f(x - mean) / std);
      return Number.isNaN(q) ? q : Math.max(-limit, Math.min(limit, q));
    };

    test("equals its definition to the bit at every width, with and without a limit, in place too", () => {
      for (const cols of WIDTHS) {
        for (const limit of [Number.POSITIVE_INFINITY, f(1.5)]) {
          const rows = 4;
          const x = draws(rows * cols, cols, -5, 5);
          const mean = draws(cols, 1);
          const std = draws(cols, 2, 0.5, 2).map((s, c) => (c % 4 === 3 ? 0 : s));
          const y = guarded(bench, rows * cols);
          const [px, pm, ps] = [x, mean, std].map((v) => bench.floats(v));
          k.standardise(y.at, px!, pm!, ps!, rows, cols, limit, 0, 1);
          k.standardise(px!, px!, pm!, ps!, rows, cols, limit, 0, 1);
          const want = x.map((v, i) => reference(v, mean[i % cols]!, std[i % cols]!, limit));
          expect(y.read(), `${cols} columns`).toEqual(want);
          expect(bench.read(px!, rows * cols), `${cols} columns in place`).toEqual(want);
        }
      }
    });

    test("keeps a NaN, limits an infinity, and gives 0 in a constant column whatever is in it", () => {
      const bad = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e38];
      const at = bench.floats([...bad, ...bad]);
      const mean = bench.floats([1, 1, 1, 1]);
      const y = bench.output(8);
      k.standardise(y, at, mean, bench.floats([1, 1, 1, 1e-10]), 2, 4, 10, 0, 1);
      expect([...bench.read(y, 8)]).toEqual([Number.NaN, 10, -10, 10, Number.NaN, 10, -10, 10]);
      k.standardise(y, at, mean, bench.floats([0, 0, 0, 0]), 2, 4, 10, 0, 1);
      expect([...bench.read(y, 8)]).toEqual(Array<number>(8).fill(0));
    });

    test("after columnMoments, gives every column mean 0 and deviation 1, and constant ones 0", () => {
      const [rows, cols] = [500, 9];
      const x = draws(rows * cols, 4, 2, 9).map((v, i) => (i % cols === 5 ? 0.1 : v));
      const at = bench.floats(x);
      const [mean, std] = [bench.output(cols), bench.output(cols)];
      k.columnMoments(mean, std, at, rows, cols, 0, 1);
      k.standardise(at, at, mean, std, rows, cols, Number.POSITIVE_INFINITY, 0, 1);
      const [means, stds] = [bench.output(cols), bench.output(cols)];
      k.columnMoments(means, stds, at, rows, cols, 0, 1);
      const constant = (c: number) => Number(c === 5);
      // The mean was rounded at a size of 9 or less, and a deviation is at least 1.
      expectClose(bench.read(means, cols), new Float32Array(cols), () => 9 * EPS, "means");
      const want = Array.from({ length: cols }, (_, c) => 1 - constant(c));
      expectClose(bench.read(stds, cols), want, () => 6 * EPS, "deviations");
      expect(bench.read(at, rows * cols).filter((_, i) => i % cols === 5)).toEqual(
        new Float32Array(rows),
      );
    });

    test("gives the same bits however it is divided, and touches nothing beyond its operands", () => {
      const [rows, cols] = [17, 6];
      const [x, mean, std] = [draws(rows * cols, 1), draws(cols, 2), draws(cols, 3, 1, 2)];
      const [px, pm, ps] = [x, mean, std].map((v) => bench.floats(v));
      const results = THREADS.map((threads) => {
        const y = bench.output(rows * cols);
        inSlices(threads, (t, of) => k.standardise(y, px!, pm!, ps!, rows, cols, 1, t, of));
        return bench.read(y, rows * cols);
      });
      for (const result of results) expect(result).toEqual(results[0]);
      for (let n = 1; n <= 20; n++) {
        const v = draws(2 * n, n);
        const operands = [v, v, draws(n, 2), draws(n, 3, 1, 2)];
        atTheEdge(bench, operands, (y, p, m, s) => k.standardise(y, p, m, s, 2, n, 1, 0, 1));
      }
    });
  });
});
