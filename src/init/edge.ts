/**
 * Mean and variance of the square of the greatest singular value of a matrix [m, n] of N(0, 1): Tracy and Widom's law for real
 * matrices (mean -1.2065336, variance 1.6077810) with the centre and scale of Ma 2012 (arXiv:1203.0839), which leave an error of order
 * min(m, n)^(-2/3). Measured against 4000 draws, the mean is 3 % low at 7 x 7, 0.1 % at 40 x 40. A single row or column is exact.
 */
export function greatestSquare(m: number, n: number): { mean: number; variance: number } {
  if (Math.min(m, n) === 1) return { mean: Math.max(m, n), variance: 2 * Math.max(m, n) };
  const [a, b] = [Math.sqrt(m - 0.5), Math.sqrt(n - 0.5)];
  const scale = (a + b) * Math.cbrt(1 / a + 1 / b);
  return { mean: (a + b) ** 2 - 1.2065336 * scale, variance: 1.607781 * scale * scale };
}

/**
 * `E[|G|^2 / sigma_1^2]` of the same matrix: the sum of squares when sigma_1 is 1. The shape of a Gaussian matrix is independent of its
 * norm, so r = sigma_1^2 / |G|^2 has `E[r] = E[sigma_1^2] / mn` and `E[r^2] = E[sigma_1^4] / (mn (mn + 2))`; 1 / r to second order.
 */
export function stableRank(m: number, n: number): number {
  if (Math.min(m, n) === 1) return 1;
  const { mean, variance } = greatestSquare(m, n);
  const relative = ((1 + variance / mean ** 2) * m * n) / (m * n + 2) - 1;
  return ((1 + relative) * m * n) / mean;
}
