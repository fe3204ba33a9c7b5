/** Sample statistics and reference laws, in f64. */

export interface Moments {
  readonly mean: number;
  readonly variance: number;
  readonly skewness: number;
  /** Excess kurtosis: 0 for a normal law. */
  readonly kurtosis: number;
}

export function momentsOf(x: ArrayLike<number>): Moments {
  const n = x.length;
  let mean = 0;
  for (let i = 0; i < n; i++) mean += x[i]! / n;
  let m2 = 0;
  let m3 = 0;
  let m4 = 0;
  for (let i = 0; i < n; i++) {
    const d = x[i]! - mean;
    m2 += (d * d) / n;
    m3 += (d * d * d) / n;
    m4 += (d * d * d * d) / n;
  }
  return { mean, variance: m2, skewness: m3 / m2 ** 1.5, kurtosis: m4 / (m2 * m2) - 3 };
}

/** Kolmogorov-Smirnov: `sup |F_n(x) - F(x)|`. Reject at 1.95 / sqrt(n), which chance exceeds once in a thousand. */
export function ksDistance(sample: Float32Array, cdf: (x: number) => number): number {
  const x = sample.slice().sort();
  let distance = 0;
  for (let i = 0; i < x.length; i++) {
    const f = cdf(x[i]!);
    distance = Math.max(distance, f - i / x.length, (i + 1) / x.length - f);
  }
  return distance;
}

/** Correlation of `x[i]` with `x[i + lag]`, standard deviation 1 / sqrt(n) when independent. */
export function autocorrelation(x: ArrayLike<number>, lag: number): number {
  const { mean, variance } = momentsOf(x);
  let sum = 0;
  for (let i = 0; i + lag < x.length; i++) sum += (x[i]! - mean) * (x[i + lag]! - mean);
  return sum / (x.length * variance);
}

/** A law with a density known up to a factor, tabulated on [low, high] by Simpson's rule. */
export class Law {
  readonly mean: number;
  readonly variance: number;
  /** Fourth central moment, for the standard deviation of a sample variance. */
  readonly fourth: number;
  readonly #low: number;
  readonly #step: number;
  readonly #cumulative: Float64Array;

  constructor(low: number, high: number, density: (x: number) => number, cells = 4000) {
    this.#low = low;
    this.#step = (high - low) / cells;
    this.#cumulative = new Float64Array(cells + 1);
    const integrate = (f: (x: number) => number, each?: (i: number, sum: number) => void) => {
      let sum = 0;
      for (let i = 0; i < cells; i++) {
        const x = low + i * this.#step;
        sum += (f(x) + 4 * f(x + this.#step / 2) + f(x + this.#step)) * (this.#step / 6);
        each?.(i + 1, sum);
      }
      return sum;
    };
    const total = integrate(density, (i, sum) => {
      this.#cumulative[i] = sum;
    });
    for (let i = 0; i <= cells; i++) this.#cumulative[i]! /= total;
    const central = (center: number, power: number) =>
      integrate((x) => (x - center) ** power * density(x)) / total;
    this.mean = central(0, 1);
    this.variance = central(this.mean, 2);
    this.fourth = central(this.mean, 4);
  }

  cdf(x: number): number {
    const cells = this.#cumulative.length - 1;
    const at = Math.min(Math.max((x - this.#low) / this.#step, 0), cells);
    const cell = Math.min(Math.floor(at), cells - 1);
    const [a, b] = [this.#cumulative[cell]!, this.#cumulative[cell + 1]!];
    return a + (at - cell) * (b - a);
  }
}

/** The standard normal law given `low <= z <= high`; what lies 12 deviations or 40 decay lengths out is nothing. */
export function truncatedNormal(low: number, high: number): Law {
  const mode = Math.min(Math.max(0, low), high);
  const reach = Math.min(12, 40 / Math.abs(mode));
  const density = (x: number) => Math.exp((mode * mode - x * x) / 2);
  return new Law(Math.max(low, mode - reach), Math.min(high, mode + reach), density);
}
