import { describe, expect, test } from "vitest";
import type { Ptr } from "../../src/core/arena.ts";
import { atTheEdge, draws, expectClose, guarded, inSlices, THREADS } from "../support/checks.ts";
import { variants } from "../support/kernels.ts";

const f = Math.fround;
const SHAPES = [...Array(36).keys()]
  .map((i) => [1 + (i % 5), i + 1] as const)
  .concat([
    [40, 33],
    [0, 3],
  ]);

describe.each(await variants())("learnt scales on $name", (bench) => {
  const { kernels: k } = bench;

  describe.each(["one", "a column"])("%s", (kind) => {
    const channelsOf = (cols: number) => (kind === "one" ? 1 : cols);

    test("scaleBy equals its definition to the bit, in place too", () => {
      for (const [rows, cols] of SHAPES) {
        const n = rows * cols;
        const channels = channelsOf(cols);
        const [x, s] = [draws(n, n + 1), draws(channels, n + 2)];
        const want = x.map((v, i) => f(s[(i % cols) % channels]! * v));
        const y = guarded(bench, n);
        const px = bench.floats(x);
        k.scaleBy(y.at, px, bench.floats(s), rows, cols, channels, 0, 1);
        expect(y.read(), `${rows} x ${cols}`).toEqual(want);
        k.scaleBy(px, px, bench.floats(s), rows, cols, channels, 0, 1);
        expect(bench.read(px, n), `${rows} x ${cols} in place`).toEqual(want);
      }
    });

    test.each([0, 1])("scaleByBackward equals its definition with beta %d", (beta) => {
      for (const [rows, cols] of SHAPES) {
        const n = rows * cols;
        const channels = channelsOf(cols);
        const [x, dy, s] = [draws(n, n + 1), draws(n, n + 2), draws(channels, n + 3)];
        const [dx, ds] = [guarded(bench, n), guarded(bench, channels)];
        const before = [draws(n, n + 4), draws(channels, n + 5)] as const;
        if (beta) {
          bench.arena.f32(dx.at, n).set(before[0]);
          bench.arena.f32(ds.at, channels).set(before[1]);
        }
        const operands = [bench.floats(x), bench.floats(dy), bench.floats(s)] as const;
        const sizes = [rows, cols, channels, beta, beta, 0, 1] as const;
        k.scaleByBackward(dx.at, ds.at, ...operands, ...sizes);
        expect(dx.read(), `dx, ${rows} x ${cols}`).toEqual(
          dy.map((d, i) => f(f(s[(i % cols) % channels]! * d) + beta * before[0][i]!)),
        );
        const sums = new Float64Array(channels).map((_, c) => beta * before[1][c]!);
        x.forEach((v, i) => {
          sums[(i % cols) % channels]! += v * dy[i]!;
        });
        // n terms below 1 in f64, then one rounding to f32.
        const bound = (c: number) => 2 ** -24 * Math.abs(sums[c]!) + (n + 1) ** 2 * 2 ** -53;
        expectClose(ds.read(), sums, bound, `ds, ${rows} x ${cols}`);
      }
    });

    test("a dx of 0 is not wanted, and ds is the same", () => {
      const [rows, cols] = [5, 19];
      const channels = channelsOf(cols);
      const operands = [1, 2].map((seed) => bench.floats(draws(rows * cols, seed))) as [Ptr, Ptr];
      const s = bench.floats(draws(channels, 3));
      const sums = [0, bench.output(rows * cols)].map((dx) => {
        const ds = bench.output(channels);
        k.scaleByBackward(dx as Ptr | 0, ds, ...operands, s, rows, cols, channels, 0, 0, 0, 1);
        return bench.read(ds, channels);
      });
      expect(sums[0]).toEqual(sums[1]);
      expect(sums[0]!.some((x) => x !== 0)).toBe(true);
    });

    test("the division among threads changes no bit", () => {
      const [rows, cols] = [7, 53];
      const n = rows * cols;
      const channels = channelsOf(cols);
      const [x, dy, s] = [1, 2, 3].map((seed) => draws(n, seed)) as [
        Float32Array,
        Float32Array,
        Float32Array,
      ];
      const results = THREADS.map((threads) => {
        const [px, pdy, ps] = [
          bench.floats(x),
          bench.floats(dy),
          bench.floats(s.subarray(0, channels)),
        ];
        const [y, dx, ds] = [bench.output(n), bench.output(n), bench.output(channels)];
        inSlices(threads, (t, of) => k.scaleBy(y, px, ps, rows, cols, channels, t, of));
        inSlices(threads, (t, of) =>
          k.scaleByBackward(dx, ds, px, pdy, ps, rows, cols, channels, 0, 0, t, of),
        );
        return [bench.read(y, n), bench.read(dx, n), bench.read(ds, channels)];
      });
      for (const result of results) expect(result).toEqual(results[0]);
      expect(results[0]!.flatMap((r) => [...r]).some(Number.isNaN)).toBe(false);
    });

    test("touches nothing beyond its operands", () => {
      for (let cols = 1; cols <= 9; cols++) {
        const n = 2 * cols;
        const channels = channelsOf(cols);
        const [x, s] = [draws(n, 1), draws(channels, 2)];
        atTheEdge(bench, [x, x, s], (y, a, b) => k.scaleBy(y, a, b, 2, cols, channels, 0, 1));
        atTheEdge(bench, [x, s, x, x, s], (dx, ds, a, dy, b) =>
          k.scaleByBackward(dx, ds, a, dy, b, 2, cols, channels, 1, 1, 0, 1),
        );
      }
    });
  });

  test.runIf(bench.name === "debug")("asserts its contract", () => {
    const at = bench.floats(new Float32Array(8));
    expect(() => k.scaleBy(at, at, at, 2, 4, 2, 0, 1)).toThrow(/channels must be 1 or cols/);
    expect(() => k.scaleByBackward(at, at, at, at, at, 2, 4, 1, 0, 0, 0, 1)).toThrow(
      /dx must not be dy or x with one scale/,
    );
  });
});
