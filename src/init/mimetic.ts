import { svd } from "./linear-algebra.ts";

/** `alpha G / sqrt(n) + beta I`, G of N(0, 1) [n, n]. */
export function nudgedIdentity(
  g: ArrayLike<number>,
  n: number,
  { alpha, beta }: { readonly alpha: number; readonly beta: number },
): Float64Array {
  return Float64Array.from(
    { length: n * n },
    (_, at) => (alpha * g[at]!) / Math.sqrt(n) + (at % (n + 1) === 0 ? beta : 0),
  );
}

/**
 * `[Q, K]`, both [n, rank], with Q K' the best approximation of A [n, n] of that rank, its singular values shared evenly:
 * `Q = U sqrt(S)`, `K = V sqrt(S)`. Each pair of columns has its sign from `signs`, so that no algorithm's choice of signs shows.
 */
export function splitProduct(
  a: ArrayLike<number>,
  n: number,
  signs: readonly number[],
): readonly [Float64Array, Float64Array] {
  const { u, s, v } = svd(a, n);
  const side = (vectors: readonly Float64Array[]) =>
    Float64Array.from({ length: n * signs.length }, (_, at) => {
      const j = at % signs.length;
      return signs[j]! * Math.sqrt(s[j]!) * vectors[j]![Math.floor(at / signs.length)]!;
    });
  return [side(u), side(v)];
}

/**
 * The mean of the greatest `share` of the singular values of `alpha G / sqrt(n) + beta I`, as n grows. They and their negatives are
 * the free convolution of two atoms at ±beta with a semicircle of variance alpha^2, whose Cauchy transform solves
 * `g = w / (w^2 - beta^2)`, `w = z - alpha^2 g`; density -Im g / pi.
 */
export function meanTopSingularValue(alpha: number, beta: number, share: number): number {
  if (alpha === 0) return Math.abs(beta);
  const high = Math.abs(beta) + 2.2 * Math.abs(alpha);
  const cells = 400;
  const density = Array.from({ length: cells }, (_, i) =>
    densityAt(((i + 0.5) * high) / cells, { alpha, beta, above: high / cells }),
  );
  const mass = density.reduce((sum, d) => sum + d, 0) * share;
  let taken = 0;
  let first = 0;
  for (let i = cells - 1; i >= 0 && taken < mass; i--) {
    const d = Math.min(density[i]!, mass - taken);
    taken += d;
    first += (d * (i + 0.5) * high) / cells;
  }
  return first / taken;
}

/** -Im g(x + i above), by averaged fixed-point iteration, which stays in the lower half-plane. */
function densityAt(
  x: number,
  { alpha, beta, above }: { readonly alpha: number; readonly beta: number; readonly above: number },
): number {
  let [re, im] = [0, -1];
  for (let i = 0; i < 500; i++) {
    const [wr, wi] = [x - alpha * alpha * re, above - alpha * alpha * im];
    const [dr, di] = [wr * wr - wi * wi - beta * beta, 2 * wr * wi];
    const norm = dr * dr + di * di;
    re = (re + (wr * dr + wi * di) / norm) / 2;
    im = (im + (wi * dr - wr * di) / norm) / 2;
  }
  return -im;
}
