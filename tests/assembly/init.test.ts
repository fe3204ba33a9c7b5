import { describe, expect, test } from "vitest";
import type { Ptr } from "../../src/core/arena.ts";
import type { Bench } from "../support/kernels.ts";
import { variants } from "../support/kernels.ts";
import { ksDistance, momentsOf } from "../support/statistics.ts";

const K0 = 0xdeadbeef;
const K1 = 0x01234567;
const GUARD = 8;

const SHAPES: readonly (readonly [number, number])[] = [
  [1, 1],
  [1, 2],
  [2, 1],
  [1, 9],
  [9, 1],
  [2, 2],
  [3, 3],
  [3, 5],
  [5, 3],
  [4, 4],
  [5, 5],
  [6, 7],
  [8, 8],
  [13, 13],
  [17, 9],
  [9, 17],
  [33, 65],
  [65, 33],
  [64, 64],
  [130, 128],
];

function shift(at: Ptr, elements: number): Ptr {
  return (at + 4 * elements) as Ptr;
}

function bitsOf(bench: Bench, at: Ptr, count: number): number[] {
  return [...new Uint32Array(bench.arena.memory.buffer, at, count)];
}

/** `gain Q` and nothing around it: out and scratch are fenced by NaN. */
function orthogonal(
  bench: Bench,
  rows: number,
  cols: number,
  { gain = 1, k0 = K0, k1 = K1 } = {},
): Float32Array {
  const bytes = bench.kernels.orthogonalScratch(rows, cols);
  const scratch = bench.output(bytes / 4 + 2 * GUARD);
  const out = bench.output(rows * cols + 2 * GUARD);
  bench.kernels.fillOrthogonal(shift(out, GUARD), rows, cols, gain, shift(scratch, GUARD), k0, k1);
  for (const [at, count] of [
    [scratch, bytes / 4],
    [out, rows * cols],
  ] as const) {
    const all = bench.read(at, count + 2 * GUARD);
    expect(all.subarray(0, GUARD).every(Number.isNaN)).toBe(true);
    expect(all.subarray(GUARD + count).every(Number.isNaN)).toBe(true);
  }
  return bench.read(shift(out, GUARD), rows * cols);
}

function transpose(x: Float32Array, rows: number, cols: number): Float32Array {
  return x.map((_, at) => x[(at % rows) * cols + Math.floor(at / rows)]!);
}

/** `max |Q'Q - gain^2 I|` over the columns, in f64. */
function orthogonalityError(q: Float32Array, rows: number, cols: number, gain: number): number {
  let worst = 0;
  for (let a = 0; a < cols; a++) {
    for (let b = 0; b <= a; b++) {
      let dot = 0;
      for (let i = 0; i < rows; i++) dot += q[i * cols + a]! * q[i * cols + b]!;
      worst = Math.max(worst, Math.abs(dot - (a === b ? gain * gain : 0)));
    }
  }
  return worst;
}

/** `H_0 … H_n-1 D` with dense reflectors, from the normals that the kernel draws. */
function denseReference(bench: Bench, m: number, n: number): number[][] {
  const padded = Math.ceil(m / 4) * 4;
  const at = bench.output(n * padded);
  bench.kernels.randomNormal(at, n * padded, 0, 1, K0, K1, 0, 0, 1);
  const normals = bench.read(at, n * padded);
  const identity = () => Array.from({ length: m }, (_, i) => unit(m, i));
  let q = identity();
  const signs: number[] = [];
  for (let k = 0; k < n; k++) {
    const x = Array.from({ length: m }, (_, i) => (i < k ? 0 : normals[k * padded + i]!));
    const norm = Math.hypot(...x);
    const v = x.map((value, i) => (i === k ? value + (value < 0 ? -norm : norm) : value));
    const square = v.reduce((sum, value) => sum + value * value, 0);
    const h = identity().map((row, i) => row.map((e, j) => e - (2 * v[i]! * v[j]!) / square));
    q = q.map((row) => row.map((_, j) => row.reduce((sum, e, l) => sum + e * h[l]![j]!, 0)));
    signs.push(x[k]! < 0 ? 1 : -1);
  }
  return q.map((row) => row.slice(0, n).map((e, j) => e * signs[j]!));
}

function unit(m: number, i: number): number[] {
  return Array.from({ length: m }, (_, j) => (i === j ? 1 : 0));
}

const benches = await variants();

describe.each(benches)("init on $name", (bench) => {
  const { kernels } = bench;

  test.each([0.1, -0, Number.NaN, Infinity])(
    "fillConstant writes %d to n elements and no more",
    (value) => {
      for (const n of [0, 1, 2, 3, 4, 5, 15, 16, 17, 63, 64, 65, 1003]) {
        for (const threads of [1, 2, 3, 5]) {
          const out = bench.floats(new Float32Array(n + 2 * GUARD).fill(7));
          for (let t = 0; t < threads; t++)
            kernels.fillConstant(shift(out, GUARD), n, value, t, threads);
          const expected = new Float32Array(n + 2 * GUARD).fill(7).fill(value, GUARD, GUARD + n);
          expect(bench.read(out, n + 2 * GUARD)).toEqual(expected);
        }
      }
    },
  );

  test("fillIdentity has gain on the diagonal, 0 elsewhere, and writes no more", () => {
    for (const [rows, cols] of [...SHAPES, [0, 3], [3, 0], [1, 100], [100, 1]] as const) {
      for (const threads of [1, 2, 3, 5]) {
        const count = rows * cols;
        const out = bench.output(count + 2 * GUARD);
        for (let t = 0; t < threads; t++) {
          kernels.fillIdentity(shift(out, GUARD), rows, cols, -1.5, t, threads);
        }
        const expected = new Float32Array(count + 2 * GUARD).fill(Number.NaN);
        for (let at = 0; at < count; at++) {
          expected[GUARD + at] = Math.floor(at / cols) === at % cols ? -1.5 : 0;
        }
        expect(bench.read(out, count + 2 * GUARD)).toEqual(expected);
      }
    }
  });

  test("orthogonalScratch is exact where an i32 would wrap", () => {
    const bytes = (m: number, n: number) => 16 * n + 32 * (m + 8) + 4 * n * m;
    expect(kernels.orthogonalScratch(8192, 8192)).toBe(bytes(8192, 8192));
    expect(kernels.orthogonalScratch(65536, 32768)).toBe(bytes(65536, 32768));
    expect(kernels.orthogonalScratch(2, 2 ** 31 - 1)).toBe(bytes(2 ** 31, 2));
  });

  test.each(SHAPES)(
    "fillOrthogonal(%d, %d) has orthonormal columns, or rows, times gain",
    (rows, cols) => {
      for (const gain of [1, Math.fround(Math.SQRT2), 0.01].map(Math.fround)) {
        const q = orthogonal(bench, rows, cols, { gain });
        const tall = rows >= cols ? q : transpose(q, rows, cols);
        // Each entry is rounded once, by u |q| at the most; then |δ(q_a'q_b)| <= 2 u by Cauchy-Schwarz. f64 adds nothing.
        const error = orthogonalityError(tall, Math.max(rows, cols), Math.min(rows, cols), gain);
        expect(error).toBeLessThan(2 * 2 ** -24 * gain * gain * (1 + 1e-6));
      }
    },
  );

  test.each(SHAPES.filter(([rows, cols]) => rows >= cols && rows <= 17))(
    "fillOrthogonal(%d, %d) is the product of dense reflections; the wide one is its transpose",
    (rows, cols) => {
      const expected = denseReference(bench, rows, cols).flat();
      const q = orthogonal(bench, rows, cols);
      // Rounding to f32, of numbers up to 1; the f64 sums before it are 1e-13 apart.
      expect(Math.max(...q.map((e, i) => Math.abs(e - expected[i]!)))).toBeLessThan(2 ** -24);
      if (rows > cols) expect(orthogonal(bench, cols, rows)).toEqual(transpose(q, rows, cols));
    },
  );

  test("a key gives the same bits again, another key others", () => {
    const q = orthogonal(bench, 12, 12);
    expect(orthogonal(bench, 12, 12)).toEqual(q);
    expect(orthogonal(bench, 12, 12, { k0: K0 + 1 })).not.toEqual(q);
    expect(orthogonal(bench, 12, 12, { k1: K1 + 1 })).not.toEqual(q);
  });

  test("256 x 256 is orthogonal to 1e-6", () => {
    expect(orthogonalityError(orthogonal(bench, 256, 256), 256, 256, 1)).toBeLessThan(1e-6);
  });

  describe("Haar measure", () => {
    const draws = 20_000;

    /** Many matrices, one key each. */
    function sample(rows: number, cols: number): Float32Array[] {
      const scratch = bench.arena.allocate(kernels.orthogonalScratch(rows, cols));
      const out = bench.output(rows * cols);
      return Array.from({ length: draws }, (_, k) => {
        kernels.fillOrthogonal(out, rows, cols, 1, scratch, k, K1);
        return bench.read(out, rows * cols);
      });
    }

    test("every entry of a 3 x 3 matrix is uniform on [-1, 1], also after a fixed rotation (Archimedes)", () => {
      const matrices = sample(3, 3);
      const uniform = (t: number) => (Math.min(Math.max(t, -1), 1) + 1) / 2;
      const bound = 1.95 / Math.sqrt(draws);
      for (let at = 0; at < 9; at++) {
        const entry = Float32Array.from(matrices, (q) => q[at]!);
        expect(ksDistance(entry, uniform), `entry ${at}`).toBeLessThan(bound);
      }
      const left = Float32Array.from(matrices, (q) => (q[0]! + 2 * q[3]! - 2 * q[6]!) / 3);
      const right = Float32Array.from(matrices, (q) => (q[6]! + 2 * q[7]! - 2 * q[8]!) / 3);
      expect(ksDistance(left, uniform)).toBeLessThan(bound);
      expect(ksDistance(right, uniform)).toBeLessThan(bound);
    });

    test("determinants are 1 and -1 alike, and the angles of 2 x 2 rotations are uniform", () => {
      const matrices = sample(2, 2);
      const rotations = matrices.filter((q) => q[0]! * q[3]! - q[1]! * q[2]! > 0);
      expect(Math.abs(rotations.length - draws / 2)).toBeLessThan(2.5 * Math.sqrt(draws));
      for (const part of [
        rotations,
        matrices.filter((q) => !rotations.includes(q)).slice(0, 5000),
      ]) {
        const angles = Float32Array.from(part, (q) => Math.atan2(q[2]!, q[0]!));
        const distance = ksDistance(angles, (t) => (t + Math.PI) / (2 * Math.PI));
        expect(distance).toBeLessThan(1.95 / Math.sqrt(part.length));
      }
    });

    test("a 4 x 4 matrix has the moments of Haar's measure on O(4)", () => {
      const n = 4;
      const matrices = sample(n, n);
      const expectMean = (expected: number, f: (q: Float32Array) => number) => {
        const { mean, variance } = momentsOf(matrices.map(f));
        expect(Math.abs(mean - expected)).toBeLessThan(5 * Math.sqrt(variance / draws));
      };
      for (let at = 0; at < n * n; at++) {
        expectMean(0, (q) => q[at]!);
        expectMean(1 / n, (q) => q[at]! ** 2);
        expectMean(3 / (n * (n + 2)), (q) => q[at]! ** 4);
      }
      const trace = (q: Float32Array) => q[0]! + q[5]! + q[10]! + q[15]!;
      expectMean(0, trace);
      expectMean(1, (q) => trace(q) ** 2);
      expectMean(3, (q) => trace(q) ** 4);
      expectMean(1 / (n * (n + 2)), (q) => (q[0]! * q[1]!) ** 2);
      expectMean((n + 1) / ((n - 1) * n * (n + 2)), (q) => (q[0]! * q[5]!) ** 2);
      expectMean(-1 / ((n - 1) * n * (n + 2)), (q) => q[0]! * q[1]! * q[4]! * q[5]!);
    });

    test("a row of a 1 x 3 matrix, and both of a 2 x 3, are uniform on the sphere", () => {
      for (const rows of [1, 2]) {
        const matrices = sample(rows, 3);
        for (let at = 0; at < 3 * rows; at++) {
          const entry = Float32Array.from(matrices, (q) => q[at]!);
          expect(ksDistance(entry, (t) => (t + 1) / 2)).toBeLessThan(1.95 / Math.sqrt(draws));
        }
      }
    });
  });
});

describe("variants", () => {
  const [simd, ...others] = benches as [Bench, ...Bench[]];

  test.each(others)(
    "$name fills the bits of simd; fused multiply-adds may move a normal by 12 u",
    (other) => {
      for (const [rows, cols] of SHAPES) {
        const [expected, actual] = [simd, other].map((bench) => orthogonal(bench, rows, cols));
        if (other.fused) {
          const worst = Math.max(...actual!.map((e, i) => Math.abs(e - expected![i]!)));
          // A relative change d of a reflector's vector changes the reflection by 4 d at the most.
          expect(worst).toBeLessThan(4 * 12 * 2 ** -24 * Math.min(rows, cols));
        } else {
          expect(actual).toEqual(expected);
        }
      }
    },
  );

  test("golden bits: what a seed fills is part of the interface", () => {
    const golden = bitsOf(simd, simd.floats(orthogonal(simd, 2, 2)), 4).map((w) => w.toString(16));
    expect(golden).toEqual(["bf5a4571", "bf05c467", "bf05c467", "3f5a4571"]);
  });
});
