import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import type { Ptr } from "../../src/core/arena.ts";
import type { Bench } from "../support/kernels.ts";
import { variants } from "../support/kernels.ts";
import { random } from "../support/random.ts";

const EPS = 2 ** -24;
const MR = 6;
const TILES = [8, 16] as const;
const LINEAR = 0;

interface Case {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** Layouts: row-major, column-major, or rows with a gap; for C also every second column. */
  readonly a?: Layout;
  readonly b?: Layout;
  readonly c?: Layout;
  readonly beta?: 0 | 1;
  readonly bias?: boolean;
  readonly threads?: number;
  readonly tile?: 8 | 16;
}

type Layout = "rows" | "columns" | "gaps" | "spread";

function strides(
  layout: Layout,
  rows: number,
  cols: number,
): { row: number; column: number; size: number } {
  switch (layout) {
    case "rows":
      return { row: cols, column: 1, size: rows * cols };
    case "columns":
      return { row: 1, column: rows, size: rows * cols };
    case "gaps":
      return { row: cols + 3, column: 1, size: rows * (cols + 3) };
    case "spread":
      return { row: 2 * cols + 1, column: 2, size: rows * (2 * cols + 1) };
  }
}

/** Runs gemm on the values of `draw` and returns the cells with what f64 loops give and the bound on their difference. */
function check(bench: Bench, input: Case, draw: () => number, exact: boolean): void {
  const {
    m,
    n,
    k,
    a = "rows",
    b = "rows",
    c = "rows",
    beta = 0,
    bias = false,
    threads = 1,
    tile = 8,
  } = input;
  const sa = strides(a, m, k);
  const sb = strides(b, k, n);
  const sc = strides(c, m, n);
  const A = Float32Array.from({ length: sa.size }, draw);
  const B = Float32Array.from({ length: sb.size }, draw);
  const C0 = Float32Array.from({ length: sc.size }, () => (beta ? draw() : Number.NaN));
  const biasValues = Float32Array.from({ length: n }, draw);
  const GUARD = 12345;
  const pc = bench.floats([...C0, GUARD, GUARD, GUARD, GUARD]);
  const bytes = bench.kernels.gemmWorkspace(m, n, k) >>> 0;
  const ws = bench.arena.allocate(bytes * threads + 64);
  bench.arena.f32(ws, (bytes * threads) / 4 + 16).fill(Number.NaN);
  const pa = bench.floats(A);
  const pb = bench.floats(B);
  const pbias = bias ? bench.floats(biasValues) : (0 as Ptr);
  for (let t = 0; t < threads; t++) {
    bench.kernels.gemm(
      ...([
        pc,
        sc.row,
        sc.column,
        pa,
        sa.row,
        sa.column,
        pb,
        sb.row,
        sb.column,
        pbias,
        (ws + t * bytes) as Ptr,
      ] as const),
      ...([m, n, k, beta, LINEAR, 0, tile, t, threads] as const),
    );
  }
  const got = bench.read(pc, sc.size + 4);
  const label = JSON.stringify(input);
  expect([...got.slice(-4)], `${label}: guard`).toEqual([GUARD, GUARD, GUARD, GUARD]);
  const slack = bench.arena.f32(ws, (bytes * threads) / 4 + 16).slice(-16);
  expect(slack.every(Number.isNaN), `${label}: wrote beyond its workspace`).toBe(true);

  const touched = new Set<number>();
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let sum = beta ? C0[i * sc.row + j * sc.column]! : 0;
      if (bias) sum += biasValues[j]!;
      let magnitude = Math.abs(sum);
      for (let p = 0; p < k; p++) {
        const product = A[i * sa.row + p * sa.column]! * B[p * sb.row + j * sb.column]!;
        sum += product;
        magnitude += Math.abs(product);
      }
      const at = i * sc.row + j * sc.column;
      touched.add(at);
      // gamma_(k+1) |A||B|: one rounding a product, one an addition (Higham 2002, section 3.5).
      const bound = exact ? 0 : (((k + 2) * EPS) / (1 - (k + 2) * EPS)) * magnitude;
      if (!(Math.abs(got[at]! - sum) <= bound)) {
        expect.fail(`${label}: C[${i}, ${j}] is ${got[at]}, expected ${sum} +- ${bound}`);
      }
    }
  }
  for (let at = 0; at < sc.size; at++) {
    if (touched.has(at)) continue;
    if (!Object.is(got[at], C0[at]))
      expect.fail(`${label}: wrote between the cells of C, at ${at}`);
  }
}

const integers = (seed: number) => {
  const next = random(seed);
  return () => Math.floor(next() * 7) - 3; // products and sums are exact in f32
};
const reals = (seed: number) => {
  const next = random(seed);
  return () => next() * 2 - 1;
};

function transpose(x: Float32Array, rows: number, cols: number): Float32Array {
  return Float32Array.from(
    { length: x.length },
    (_, i) => x[(i % rows) * cols + Math.floor(i / rows)]!,
  );
}

const LAYOUTS: readonly Layout[] = ["rows", "columns", "gaps", "spread"];

describe.each(await variants())("gemm on $name", (bench) => {
  test("is exact on small integers for every m, n up to two tiles and one", () => {
    const draw = integers(1);
    for (const tile of TILES) {
      for (let m = 1; m <= 2 * MR + 1; m++) {
        for (let n = 1; n <= 2 * tile + 1; n++)
          check(bench, { m, n, k: 1 + ((m * n) % 9), tile }, draw, true);
      }
    }
  });

  test("is exact on small integers for every layout of A, B and C, with and without beta", () => {
    const draw = integers(2);
    for (const a of LAYOUTS) {
      for (const b of LAYOUTS) {
        for (const c of LAYOUTS) {
          for (const beta of [0, 1] as const) {
            for (const [m, n, k] of [
              [7, 9, 5],
              [13, 20, 4],
              [6, 8, 16],
              [1, 1, 1],
            ] as const) {
              for (const tile of TILES) check(bench, { m, n, k, a, b, c, beta, tile }, draw, true);
            }
          }
        }
      }
    }
  });

  test("adds the bias to every row, whatever the layout of C", () => {
    const draw = integers(3);
    for (const c of LAYOUTS) {
      for (const n of [1, 3, 8, 10, 21])
        for (const tile of TILES) check(bench, { m: 9, n, k: 6, c, bias: true, tile }, draw, true);
    }
  });

  test("k = 0 gives zeros, the bias, or C itself", () => {
    const draw = integers(4);
    check(bench, { m: 5, n: 11, k: 0 }, draw, true);
    check(bench, { m: 5, n: 11, k: 0, bias: true }, draw, true);
    check(bench, { m: 5, n: 11, k: 0, beta: 1 }, draw, true);
  });

  test("m = 0 or n = 0 touches nothing", () => {
    check(bench, { m: 0, n: 5, k: 3 }, integers(5), true);
    check(bench, { m: 5, n: 0, k: 3 }, integers(5), true);
  });

  test("stays within gamma_k |A||B| where blocks of m, n and k are crossed and both operands are packed", () => {
    const draw = reals(6);
    for (const [m, n, k] of [
      [250, 300, 20],
      [31, 270, 800],
      [200, 17, 390],
      [125, 2060, 5],
    ] as const) {
      check(bench, { m, n, k, tile: 16 }, draw, false);
      check(bench, { m, n, k, a: "columns" }, draw, false);
      check(bench, { m, n, k, b: "columns", bias: true, tile: 16 }, draw, false);
      check(bench, { m, n, k, b: "columns", beta: 1 }, draw, false);
    }
  });

  test("300 random shapes, layouts, threads and tiles stay within gamma_k |A||B|", () => {
    const next = random(7);
    const pick = <T>(from: readonly T[]): T => from[Math.floor(next() * from.length)]!;
    for (let i = 0; i < 300; i++) {
      const size = () => 1 + Math.floor(next() ** 2 * 60);
      const beta = pick([0, 1] as const);
      const input = {
        ...{
          m: size(),
          n: size(),
          k: size(),
          a: pick(LAYOUTS),
          b: pick(LAYOUTS),
          c: pick(LAYOUTS),
          beta,
        },
        ...{ bias: beta === 0 && next() < 0.5, threads: pick([1, 2, 3, 5]), tile: pick(TILES) },
      };
      check(bench, input, reals(100 + i), false);
    }
  });

  test("is exact on small integers for one row, one column and few products, in every layout", () => {
    const draw = integers(10);
    let turn = 0;
    for (const [m, n, k] of [
      [1, 37, 21],
      [37, 1, 21],
      [1, 1, 9],
      [1, 2060, 1],
      [9, 27, 1],
      [7, 29, 3],
      [9, 27, 4],
    ] as const) {
      for (const a of LAYOUTS) {
        for (const b of LAYOUTS) {
          for (const c of LAYOUTS) {
            const rest = ++turn % 2 ? { beta: 1 as const, threads: 2 } : { bias: true };
            check(bench, { m, n, k, a, b, c, ...rest }, draw, true);
          }
        }
      }
    }
  });

  test("gives the same bits for any number of threads, either tile, and rows or columns alone", () => {
    const draw = reals(8);
    for (const [m, n, k] of [
      [37, 45, 401],
      [3, 150, 800],
      [140, 5, 30],
      [9, 70, 3],
    ] as const) {
      const A = Float32Array.from({ length: m * k }, draw);
      const B = Float32Array.from({ length: k * n }, draw);
      const ws = bench.arena.allocate(bench.kernels.gemmWorkspace(m, n, k) >>> 0);
      const [a, b] = [bench.floats(A), bench.floats(B)];
      const c = bench.output(m * n);
      const transposed = bench.floats(transpose(B, k, n));
      const layouts = [
        [b, n, 1],
        [transposed, 1, k],
      ] as const;
      const results = layouts.flatMap(([at, rsb, csb]) => {
        const right = [at, rsb, csb, 0, ws] as const;
        const whole = TILES.flatMap((tile) =>
          [1, 2, 3, 8].map((threads) => {
            bench.arena.f32(c, m * n).fill(Number.NaN);
            for (let t = 0; t < threads; t++) {
              bench.kernels.gemm(
                ...([c, n, 1, a, k, 1, ...right, m, n, k, 0, LINEAR, 0, tile, t, threads] as const),
              );
            }
            return bench.read(c, m * n);
          }),
        );
        bench.arena.f32(c, m * n).fill(Number.NaN);
        for (let i = 0; i < m; i++) {
          const [row, from] = [(c + i * n * 4) as Ptr, (a + i * k * 4) as Ptr];
          bench.kernels.gemm(
            ...([row, n, 1, from, k, 1, ...right, 1, n, k, 0, LINEAR, 0, 8, 0, 1] as const),
          );
        }
        const byRows = bench.read(c, m * n);
        bench.arena.f32(c, m * n).fill(Number.NaN);
        for (let j = 0; j < n; j++) {
          const [column, from] = [(c + j * 4) as Ptr, (at + j * csb * 4) as Ptr];
          bench.kernels.gemm(
            ...([column, n, 1, a, k, 1, from, rsb, csb, 0, ws] as const),
            ...([m, 1, k, 0, LINEAR, 0, 8, 0, 1] as const),
          );
        }
        return [...whole, byRows, bench.read(c, m * n)];
      });
      for (const result of results) expect(result).toEqual(results[0]);
    }
  });

  test("applies the epilogue's activation once, to finished cells only", () => {
    const { relu = -1 } = bench.enums.Activation ?? {};
    const draw = integers(9);
    for (const [m, n, k] of [
      [5, 10, 3],
      [130, 24, 800],
      [13, 2060, 4],
      [1, 100, 20],
      [100, 1, 20],
    ] as const) {
      for (const gap of [0, 5]) {
        const A = Float32Array.from({ length: m * k }, draw);
        const B = Float32Array.from({ length: k * n }, draw);
        const [a, b] = [bench.floats(A), bench.floats(B)];
        const [plain, rectified] = [bench.output(m * (n + gap)), bench.output(m * (n + gap))];
        const ws = bench.arena.allocate(bench.kernels.gemmWorkspace(m, n, k) >>> 0);
        const rest = [n + gap, 1, a, k, 1, b, n, 1, 0, ws, m, n, k, 0] as const;
        bench.kernels.gemm(plain, ...rest, LINEAR, 0, 8, 0, 1);
        bench.kernels.gemm(rectified, ...rest, relu, 0, 8, 0, 1);
        const expected = bench.read(plain, m * (n + gap)).map((x) => (x < 0 ? 0 : x));
        expect(bench.read(rectified, m * (n + gap))).toEqual(expected);
      }
    }
  });

  test("a NaN in A reaches exactly its row of C", () => {
    const [m, n, k] = [8, 10, 6];
    const A = new Float32Array(m * k).fill(1);
    A[3 * k + 2] = Number.NaN;
    const c = bench.output(m * n);
    const ws = bench.arena.allocate(bench.kernels.gemmWorkspace(m, n, k) >>> 0);
    const [a, b] = [bench.floats(A), bench.floats(new Float32Array(k * n).fill(2))];
    bench.kernels.gemm(c, n, 1, a, k, 1, b, n, 1, 0 as Ptr, ws, m, n, k, 0, LINEAR, 0, 8, 0, 1);
    const got = bench.read(c, m * n);
    got.forEach((x, i) => {
      expect(Number.isNaN(x)).toBe(Math.floor(i / n) === 3);
    });
  });
});

test("the peak loops are multiply-adds over every float they are said to hold", async () => {
  for (const bench of await variants()) {
    for (const tile of TILES) {
      const values = Float32Array.from({ length: 6 * tile }, (_, i) => i - 20);
      const at = bench.floats([...values, 2, 1]);
      bench.kernels[`peak${tile}`](at, 3);
      expect(bench.read(at, 6 * tile)).toEqual(values.map((x) => 8 * x + 7));
    }
  }
});

test("the committed micro-kernels are what their script writes", () => {
  execFileSync(process.execPath, ["scripts/generate-microkernels.mjs", "--check"]);
});
