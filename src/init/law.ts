import type { Draw } from "./draw.ts";
import { normalCdf } from "./theory/erf.ts";

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
      if (low > TAIL) return tailCdf(mean, sigma, low, high);
      if (high < -TAIL) {
        const mirrored = tailCdf(-mean, sigma, -high, -low);
        return (x) => 1 - mirrored(-x);
      }
      // From the nearer tail, so that bounds far out do not cancel.
      const sign = low > 0 ? -1 : 1;
      const at = (z: number) => normalCdf(sign * z);
      const [from, to] = [at(low), at(high)];
      return (x) => clamp((at((x - mean) / sigma) - from) / (to - from));
    }
  }
}

/** From here on tails are taken by Mills' ratio: Q(38) has no f64. */
const TAIL = 5;

/** N(mean, sigma^2) on mean + sigma [a, b], a > 0, by `Q(z) = phi(z) M(z)` over phi(a), which underflows nowhere. */
function tailCdf(mean: number, sigma: number, a: number, b: number): (x: number) => number {
  const start = mean + sigma * a;
  // Distances from `start`: x and mean may both be large.
  const above = (d: number) => (d === Infinity ? 0 : Math.exp(-d * (a + d / 2)) * mills(a + d));
  const [from, to] = [above(0), above(b - a)];
  return (x) => clamp((from - above(Math.max(0, (x - start) / sigma))) / (from - to));
}

/** `Q(z) / phi(z)` of z >= 5, by Laplace's continued fraction `1 / (z + 1 / (z + 2 / (z + …)))`. */
function mills(z: number): number {
  let fraction = 0;
  for (let k = 60; k >= 1; k--) fraction = k / (z + fraction);
  return 1 / (z + fraction);
}

function clamp(x: number): number {
  return x < 0 ? 0 : x > 1 ? 1 : x;
}
