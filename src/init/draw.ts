import type { ParamSpec } from "./types.ts";

/** What a fill kernel is asked to do, every number worked out. */
export type Draw =
  | { readonly distribution: "constant"; readonly value: number }
  | { readonly distribution: "uniform"; readonly low: number; readonly high: number }
  | { readonly distribution: "normal"; readonly mean: number; readonly std: number }
  | {
      /** N(mean, sigma^2) restricted to mean + sigma [low, high]; `std` is what that leaves. */
      readonly distribution: "truncated_normal";
      readonly mean: number;
      readonly sigma: number;
      readonly low: number;
      readonly high: number;
    }
  | { readonly distribution: "orthogonal"; readonly gain: number }
  | { readonly distribution: "identity"; readonly gain: number };

/** Mean, standard deviation and range that a draw has in theory. */
export interface Theory {
  readonly mean: number;
  readonly std: number;
  /** Least and greatest possible value. */
  readonly low: number;
  readonly high: number;
}

/** The moments of a draw for a parameter of a given shape. */
export function theoryOf(draw: Draw, spec: ParamSpec): Theory {
  switch (draw.distribution) {
    case "constant":
      return { mean: draw.value, std: 0, low: draw.value, high: draw.value };
    case "uniform":
      return {
        mean: (draw.low + draw.high) / 2,
        std: (draw.high - draw.low) / Math.sqrt(12),
        low: draw.low,
        high: draw.high,
      };
    case "normal":
      return { mean: draw.mean, std: draw.std, low: -Infinity, high: Infinity };
    case "truncated_normal": {
      const { mean, sigma, low, high } = draw;
      const standard = truncatedMoments(low, high);
      return {
        mean: mean + sigma * standard.mean,
        std: sigma * standard.std,
        low: mean + sigma * low,
        high: mean + sigma * high,
      };
    }
    case "orthogonal": {
      const [rows = 1, columns = 1] = spec.shape;
      const std = draw.gain / Math.sqrt(Math.max(rows, columns));
      return { mean: 0, std, low: -Math.abs(draw.gain), high: Math.abs(draw.gain) };
    }
    case "identity": {
      const [rows = 1, columns = 1] = spec.shape;
      const density = Math.min(rows, columns) / (rows * columns);
      return {
        mean: draw.gain * density,
        std: Math.abs(draw.gain) * Math.sqrt(density * (1 - density)),
        low: Math.min(0, draw.gain),
        high: Math.max(0, draw.gain),
      };
    }
  }
}

/**
 * Mean and standard deviation of N(0, 1) restricted to [a, b]:
 * `mean = (phi(a) - phi(b)) / Z`, `var = 1 + (a phi(a) - b phi(b)) / Z - mean^2`, `Z = Phi(b) - Phi(a)`, by Simpson's rule in
 * f64, which stays accurate far in the tails where Z underflows.
 */
export function truncatedMoments(a: number, b: number): { mean: number; std: number } {
  if (!(a < b)) throw new RangeError(`truncated normal: low must be below high, got ${a} and ${b}`);
  const low = Math.max(a, -40);
  const high = Math.min(b, 40);
  // exp(-x^2/2) scaled by its greatest value on the interval, so that nothing underflows.
  const nearest = Math.min(Math.max(0, low), high);
  const steps = 4096;
  const h = (high - low) / steps;
  let mass = 0;
  let first = 0;
  let second = 0;
  for (let i = 0; i <= steps; i++) {
    const x = low + i * h;
    const weight =
      (i === 0 || i === steps ? 1 : i % 2 === 1 ? 4 : 2) *
      Math.exp((nearest * nearest - x * x) / 2);
    const d = x - nearest;
    mass += weight;
    first += weight * d;
    second += weight * d * d;
  }
  const shift = first / mass;
  return { mean: nearest + shift, std: Math.sqrt(second / mass - shift * shift) };
}
