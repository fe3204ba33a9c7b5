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
      // From the nearer tail, so that bounds far out do not cancel.
      const sign = low > 0 ? -1 : 1;
      const at = (z: number) => normalCdf(sign * z);
      const [from, to] = [at(low), at(high)];
      return (x) => clamp((at((x - mean) / sigma) - from) / (to - from));
    }
  }
}

function clamp(x: number): number {
  return x < 0 ? 0 : x > 1 ? 1 : x;
}
