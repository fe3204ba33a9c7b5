/**
 * The bias b of a unit for which `z + b > 0` on a share p of its pre-activations z: minus the (1 - p) quantile, halfway between
 * the two samples it parts. At least one sample stays on either side; equal samples cannot be parted.
 */
export function calibratedBias(preactivations: ArrayLike<number>, p: number): number {
  const n = preactivations.length;
  if (!(p > 0 && p < 1)) {
    throw new RangeError(`calibratedBias: p must be between 0 and 1, got ${p}`);
  }
  if (n < 2) {
    throw new RangeError(`calibratedBias: expected at least two pre-activations, got ${n}`);
  }
  const sorted = Float64Array.from(preactivations).sort();
  if (!sorted.every(Number.isFinite)) {
    throw new RangeError("calibratedBias: expected finite pre-activations, got others");
  }
  const active = Math.min(Math.max(Math.round(p * n), 1), n - 1);
  return -(sorted[n - active - 1]! + sorted[n - active]!) / 2;
}
