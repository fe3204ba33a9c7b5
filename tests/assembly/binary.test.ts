import { describe, expect, test } from "vitest";
import type { Ptr } from "../../src/core/arena.ts";
import { atTheEdge, draws, guarded, inSlices, THREADS } from "../support/checks.ts";
import { variants } from "../support/kernels.ts";

const LENGTHS = [...Array(41).keys(), 63, 64, 65, 100];
const f = Math.fround;
const ALPHA = f(0.3);

type Run = (y: Ptr, a: Ptr, b: Ptr, n: number, beta: number, t: number, of: number) => void;

/** a and b with infinities and a NaN among them once there is room. */
function operands(n: number): [Float32Array, Float32Array] {
  const [a, b] = [draws(n, 2 * n + 1), draws(n, 2 * n + 2)];
  if (n > 6) a.set([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0], n - 5);
  return [a, b];
}

describe.each(await variants())("binary kernels on $name", (bench) => {
  const { kernels: k } = bench;
  const table: { name: string; run: Run; value: (a: number, b: number) => number }[] = [
    { name: "add", run: k.add, value: (a, b) => f(a + b) },
    { name: "mul", run: k.mul, value: (a, b) => f(a * b) },
    {
      name: "scale",
      run: (y, a, _, n, beta, t, of) => k.scale(y, a, ALPHA, n, beta, t, of),
      value: (a) => f(ALPHA * a),
    },
  ];

  describe.each(table)("$name", ({ run, value }) => {
    test("equals its definition to the bit at every length, and overwrites NaN when beta is 0", () => {
      for (const n of LENGTHS) {
        const [a, b] = operands(n);
        const y = guarded(bench, n);
        run(y.at, bench.floats(a), bench.floats(b), n, 0, 0, 1);
        expect(y.read(), `n = ${n}`).toEqual(a.map((x, i) => value(x, b[i]!)));
      }
    });

    test("adds to what y holds when beta is 1, to the bit", () => {
      for (const n of LENGTHS) {
        const [a, b] = operands(n);
        const before = draws(n, 77);
        const y = guarded(bench, n);
        bench.arena.f32(y.at, n).set(before);
        run(y.at, bench.floats(a), bench.floats(b), n, 1, 0, 1);
        expect(y.read(), `n = ${n}`).toEqual(a.map((x, i) => f(value(x, b[i]!) + before[i]!)));
      }
    });

    test("may write over either operand", () => {
      const n = 45;
      const [a, b] = operands(n);
      for (const beta of [0, 1]) {
        for (const own of [0, 1]) {
          const at = [bench.floats(a), bench.floats(b)] as const;
          const before = [a, b][own]!;
          run(at[own]!, at[0], at[1], n, beta, 0, 1);
          const want = a.map((x, i) => f(value(x, b[i]!) + beta * before[i]!));
          const plain = a.map((x, i) => value(x, b[i]!));
          expect(bench.read(at[own]!, n)).toEqual(beta ? want : plain);
        }
      }
    });

    test("covers each element once, whatever the division", () => {
      const n = 1003;
      const [a, b] = operands(n);
      const want = a.map((x, i) => f(value(x, b[i]!) + 1));
      for (const threads of THREADS) {
        const y = bench.floats(new Float32Array(n).fill(1));
        const [pa, pb] = [bench.floats(a), bench.floats(b)];
        inSlices(threads, (t, of) => run(y, pa, pb, n, 1, t, of));
        expect(bench.read(y, n), `${threads} threads`).toEqual(want);
      }
    });

    test("touches nothing beyond its operands", () => {
      for (let n = 1; n <= 20; n++) {
        const [a, b] = operands(n);
        for (const beta of [0, 1]) {
          atTheEdge(bench, [draws(n, 1), a, b], (y, pa, pb) => run(y, pa, pb, n, beta, 0, 1));
        }
      }
    });

    test.runIf(bench.name === "debug")("asserts that beta is 0 or 1", () => {
      const at = bench.floats(new Float32Array(4));
      expect(() => run(at, at, at, 4, 2, 0, 1)).toThrow(/beta must be 0 or 1/);
    });
  });

  describe("addBias", () => {
    test("adds b to every row to the bit, at every width, in place too", () => {
      for (let cols = 1; cols <= 20; cols++) {
        const rows = 1 + (cols % 5);
        const x = draws(rows * cols, cols);
        const b = draws(cols, 99 + cols);
        const want = x.map((v, i) => f(v + b[i % cols]!));
        const y = guarded(bench, rows * cols);
        const px = bench.floats(x);
        k.addBias(y.at, px, bench.floats(b), rows, cols, 0, 1);
        expect(y.read(), `${rows} x ${cols}`).toEqual(want);
        k.addBias(px, px, bench.floats(b), rows, cols, 0, 1);
        expect(bench.read(px, rows * cols), `${rows} x ${cols} in place`).toEqual(want);
        atTheEdge(bench, [x, x, b], (p, q, r) => k.addBias(p, q, r, rows, cols, 0, 1));
      }
    });

    test("covers each row once, whatever the division", () => {
      const [rows, cols] = [13, 7];
      const x = draws(rows * cols, 5);
      const b = draws(cols, 6);
      for (const threads of THREADS) {
        const at = bench.floats(x);
        const pb = bench.floats(b);
        inSlices(threads, (t, of) => k.addBias(at, at, pb, rows, cols, t, of));
        expect(bench.read(at, rows * cols)).toEqual(x.map((v, i) => f(v + b[i % cols]!)));
      }
    });
  });
});
