import { meanAndVariance, secondMoment } from "../core/moments.ts";

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
  const finite: number[] = [];
  let zeros = 0;
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) {
    const x = values[i]!;
    if (!Number.isFinite(x)) continue;
    finite.push(x);
    if (x === 0) zeros++;
    min = Math.min(min, x);
    max = Math.max(max, x);
  }
  return {
    ...{ count: values.length, ...meanAndVariance(finite), min, max },
    secondMoment: secondMoment(finite),
    zeroFraction: zeros / finite.length,
    nonFinite: values.length - finite.length,
  };
}
