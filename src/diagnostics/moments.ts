/** What a set of numbers looks like; values that are not finite are counted and left out of the rest. */
export interface Moments {
  readonly count: number;
  readonly mean: number;
  /** Biased: divided by the count. */
  readonly variance: number;
  /** E[x^2]; not the variance when the mean is not 0, as behind a relu. */
  readonly secondMoment: number;
  readonly min: number;
  readonly max: number;
  readonly zeroFraction: number;
  readonly nonFinite: number;
}

/** Moments in f64. */
export function momentsOf(values: ArrayLike<number>): Moments {
  let finite = 0;
  let sum = 0;
  let squares = 0;
  let zeros = 0;
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) {
    const x = values[i]!;
    if (!Number.isFinite(x)) continue;
    finite++;
    sum += x;
    squares += x * x;
    if (x === 0) zeros++;
    min = Math.min(min, x);
    max = Math.max(max, x);
  }
  const mean = sum / finite;
  let spread = 0;
  for (let i = 0; i < values.length; i++) {
    const x = values[i]!;
    if (Number.isFinite(x)) spread += (x - mean) ** 2;
  }
  return {
    ...{ count: values.length, mean, min, max },
    variance: spread / finite,
    secondMoment: squares / finite,
    zeroFraction: zeros / finite,
    nonFinite: values.length - finite,
  };
}
