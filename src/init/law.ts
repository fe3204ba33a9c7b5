import type { Draw } from "./draw.ts";

/** A draw whose values are independent and of one law. */
export type IidDraw = Extract<
  Draw,
  { readonly distribution: "constant" | "uniform" | "normal" | "truncated_normal" }
>;

/** The cumulative distribution function of one value. */
export function cdfOf(draw: IidDraw): (x: number) => number {
  switch (draw.distribution) {
    case "constant":
      return (x) => (x >= draw.value ? 1 : 0);
    case "uniform": {
      const { low, high } = draw;
      return (x) => clamp((x - low) / (high - low));
    }
    case "normal":
      return (x) => normalCdf((x - draw.mean) / draw.std);
    case "truncated_normal": {
      const { mean, sigma, low, high } = draw;
      // From the nearer tail, so that bounds far out do not cancel.
      const sign = low > 0 ? -1 : 1;
      const at = (z: number) => normalCdf(sign * z);
      const [from, to] = [at(low), at(high)];
      return (x) => clamp((at((x - mean) / sigma) - from) / (to - from));
    }
  }
}

/** `P(z <= x)`, z ~ N(0, 1): relative error below 1e-13, tails included. */
export function normalCdf(x: number): number {
  const z = Math.abs(x);
  if (z > 38.6) return x < 0 ? 0 : 1;
  const density = Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
  if (z < 3) {
    // 1/2 + density (x + x^3 / 3 + x^5 / (3 5) + …): all terms of one sign.
    let term = x;
    let sum = x;
    for (let k = 3; Math.abs(term) > 1e-17 * Math.abs(sum); k += 2) {
      term *= (x * x) / k;
      sum += term;
    }
    return 0.5 + density * sum;
  }
  // Laplace's continued fraction of the tail: density / (z + 1 / (z + 2 / (z + …))).
  let fraction = z;
  for (let k = 60; k >= 1; k--) fraction = z + k / fraction;
  return x < 0 ? density / fraction : 1 - density / fraction;
}

function clamp(x: number): number {
  return x < 0 ? 0 : x > 1 ? 1 : x;
}
