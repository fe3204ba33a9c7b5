import { describe, expect, test } from "vitest";
import {
  product,
  spectralNorm,
  spectralRadius,
  svd,
  transpose,
} from "../../src/init/linear-algebra.ts";

/** N(0, 1) by Box and Muller over a linear congruence. */
function gaussian(count: number, seed: number): Float64Array {
  let state = seed >>> 0;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  return Float64Array.from(
    { length: count },
    () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()),
  );
}

/** `lim |A^(2^k)|^(1 / 2^k)` by squaring 26 times: log rho to log(condition of the eigenvectors) / 2^26. */
function radiusBySquaring(a: Float64Array, n: number): number {
  let power: Float64Array = a;
  let log = 0;
  for (let k = 0; k < 26; k++) {
    power = product(power, power, { m: n, k: n, n });
    const norm = Math.sqrt(power.reduce((sum, x) => sum + x * x, 0));
    log += Math.log(norm) / 2 ** (k + 1);
    power = power.map((x) => x / norm);
  }
  return Math.exp(log);
}

describe("spectralRadius", () => {
  test.each([1, 2, 3, 4, 5, 10, 33, 64])(
    "of a random [%d, n] matrix is the limit of its powers",
    (n) => {
      for (let seed = 1; seed <= 5; seed++) {
        const a = gaussian(n * n, 100 * n + seed);
        expect(Math.abs(spectralRadius(a, n) / radiusBySquaring(a, n) - 1)).toBeLessThan(1e-6);
      }
    },
  );

  test("sees complex pairs: rotations, cyclic shifts, a companion matrix", () => {
    expect(spectralRadius([0, -2, 2, 0], 2)).toBeCloseTo(2, 12);
    for (const n of [3, 4, 7, 16]) {
      const shift = new Float64Array(n * n);
      for (let i = 0; i < n; i++) shift[i * n + ((i + 1) % n)] = 3;
      expect(spectralRadius(shift, n)).toBeCloseTo(3, 10);
    }
    // x^3 = 0.5 x^2 - x + 4
    const companion = [0.5, -1, 4, 1, 0, 0, 0, 1, 0];
    expect(spectralRadius(companion, 3)).toBeCloseTo(
      radiusBySquaring(Float64Array.from(companion), 3),
      6,
    );
  });

  test("is that of the diagonal for triangular matrices, and 0 for 0", () => {
    expect(spectralRadius([1, 5, 5, 0, -7, 5, 0, 0, 2], 3)).toBeCloseTo(7, 12);
    expect(spectralRadius(new Float64Array(25), 5)).toBe(0);
    expect(() => spectralRadius([1, Number.NaN, 0, 1], 2)).toThrow(RangeError);
  });
});

describe("svd", () => {
  test.each([1, 2, 5, 24])(
    "[%d, n]: U S V' is the matrix, U and V are orthonormal, S falls",
    (n) => {
      const a = gaussian(n * n, n);
      const { u, s, v } = svd(a, n);
      for (let i = 0; i < n; i++) {
        if (i > 0) expect(s[i]!).toBeLessThanOrEqual(s[i - 1]!);
        for (let j = 0; j < n; j++) {
          let [again, uu, vv] = [0, 0, 0];
          for (let k = 0; k < n; k++) {
            again += u[k]![i]! * s[k]! * v[k]![j]!;
            uu += u[i]![k]! * u[j]![k]!;
            vv += v[i]![k]! * v[j]![k]!;
          }
          expect(Math.abs(again - a[i * n + j]!)).toBeLessThan(1e-12 * n);
          expect(Math.abs(uu - (i === j ? 1 : 0))).toBeLessThan(1e-12 * n);
          expect(Math.abs(vv - (i === j ? 1 : 0))).toBeLessThan(1e-12 * n);
        }
      }
    },
  );
});

describe("spectralNorm", () => {
  test.each([
    [1, 1],
    [1, 9],
    [9, 1],
    [30, 30],
  ])("of a random [%d, %d] matrix is its greatest singular value", (rows, cols) => {
    const a = gaussian(rows * cols, rows);
    const n = Math.max(rows, cols);
    const padded = new Float64Array(n * n);
    for (let i = 0; i < rows; i++) padded.set(a.subarray(i * cols, (i + 1) * cols), i * n);
    expect(spectralNorm(a, rows, cols)).toBeCloseTo(svd(padded, n).s[0]!, 10);
  });

  test("has converged where it stops early: [400, 300], against A'A to the power 4096", () => {
    const a = gaussian(400 * 300, 7);
    const gram = product(transpose(a, 400, 300), a, { m: 300, k: 400, n: 300 });
    let power = gram;
    for (let k = 0; k < 12; k++) {
      power = product(power, power, { m: 300, k: 300, n: 300 });
      const norm = Math.sqrt(power.reduce((sum, x) => sum + x * x, 0));
      power = power.map((x) => x / norm);
    }
    // The Rayleigh quotient of the columns of a high power.
    const image = product(gram, power, { m: 300, k: 300, n: 300 });
    let [above, below] = [0, 0];
    power.forEach((x, i) => {
      above += x * image[i]!;
      below += x * x;
    });
    expect(spectralNorm(a, 400, 300)).toBeCloseTo(Math.sqrt(above / below), 8);
  });

  test("of the identity and of a matrix of rank 1", () => {
    const identity = Float64Array.from({ length: 49 }, (_, i) => (i % 8 === 0 ? 1 : 0));
    expect(spectralNorm(identity, 7, 7)).toBeCloseTo(1, 12);
    expect(spectralNorm([3, 4, 6, 8], 2, 2)).toBeCloseTo(Math.sqrt(125), 12);
    expect(spectralNorm(new Float64Array(6), 2, 3)).toBe(0);
  });
});
