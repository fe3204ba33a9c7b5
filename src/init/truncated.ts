/** N(mean, sigma^2) on mean + sigma [low, high]. */
export interface Truncation {
  readonly mean: number;
  readonly sigma: number;
  readonly low: number;
  readonly high: number;
}

/**
 * `sqrt(E|z|^2)` of a complex normal z, E|z|^2 = 1, cut at |z| <= c: |z|^2 is of Exp(1) cut at c^2, so it is
 * `sqrt(1 - c^2 / (exp(c^2) - 1))`; 0.9619618 for c = 2.
 */
export function complexTruncatedStd(c: number): number {
  return Math.sqrt(1 - (c * c) / Math.expm1(c * c));
}

const CELLS = 4096;

/**
 * The normal law that has the given mean and standard deviation once it is cut at [low, high], absolute bounds; `undefined` when
 * there is none: the deviation of a cut normal law around the interval's middle stays below the uniform's `(high - low) / sqrt(12)`.
 *
 * With u = (x - mean) / std the density is exp(a u + b u^2), and (a, b) minimises the convex `log integral exp(a u + b u^2) - b`,
 * since its gradient is (E[u], E[u^2] - 1). Newton's method with halved steps, integrals by Simpson's rule.
 */
export function truncationOf(
  mean: number,
  std: number,
  low: number,
  high: number,
): Truncation | undefined {
  const from = Math.max((low - mean) / std, -40);
  const to = Math.min((high - mean) / std, 40);
  if (!(from < 0 && to > 0)) return undefined;
  let a = 0;
  let b = -0.5;
  let at = momentsOf(a, b, from, to);
  for (let round = 0; round < 100; round++) {
    const [m1, m2, m3, m4] = at.moments;
    const [g, h] = [m1, m2 - 1];
    const [vaa, vab, vbb] = [m2 - m1 * m1, m3 - m1 * m2, m4 - m2 * m2];
    const det = vaa * vbb - vab * vab;
    const [da, db] = [(vbb * g - vab * h) / det, (vaa * h - vab * g) / det];
    const slope = da * g + db * h;
    if (!(slope > 1e-22)) break; // converged, or a degenerate law
    let step = 1;
    let next = momentsOf(a - da, b - db, from, to);
    // Below 1e-8 Newton's steps need no guard, and the rounding of the values would be all that it sees.
    const least = at.logMass - b - 1e-4 * slope;
    while (slope > 1e-8 && step > 1e-6 && !(next.logMass - (b - step * db) <= least)) {
      step /= 2;
      next = momentsOf(a - step * da, b - step * db, from, to);
    }
    a -= step * da;
    b -= step * db;
    at = next;
  }
  const [m1, m2] = at.moments;
  if (b >= -1e-9 || Math.abs(m1) > 1e-8 || Math.abs(m2 - 1) > 1e-8) return undefined;
  const sigma = std / Math.sqrt(-2 * b);
  const centre = mean - (std * a) / (2 * b);
  return { mean: centre, sigma, low: (low - centre) / sigma, high: (high - centre) / sigma };
}

/** E[u], …, E[u^4] of the density exp(a u + b u^2) on [from, to], and the logarithm of its integral. */
function momentsOf(
  a: number,
  b: number,
  from: number,
  to: number,
): { logMass: number; moments: readonly [number, number, number, number] } {
  const width = (to - from) / CELLS;
  const log = (u: number) => a * u + b * u * u;
  // The exponent's greatest value on the interval, so that nothing overflows.
  const top =
    b < 0 ? log(Math.min(Math.max(-a / (2 * b), from), to)) : Math.max(log(from), log(to));
  let mass = 0;
  const sums: [number, number, number, number] = [0, 0, 0, 0];
  for (let i = 0; i <= CELLS; i++) {
    const u = from + i * width;
    const w = (i === 0 || i === CELLS ? 1 : i % 2 === 1 ? 4 : 2) * Math.exp(log(u) - top);
    mass += w;
    sums[0] += w * u;
    sums[1] += w * u * u;
    sums[2] += w * u ** 3;
    sums[3] += w * u ** 4;
  }
  return {
    logMass: top + Math.log((mass * width) / 3),
    moments: [sums[0] / mass, sums[1] / mass, sums[2] / mass, sums[3] / mass],
  };
}
