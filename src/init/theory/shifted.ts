import type { ActivationFunction } from "./activations.ts";
import { normalCdf, normalDensity } from "./erf.ts";
import { momentsOf } from "./gains.ts";

/** Means over x ~ N(mean, q) of an activation. */
export interface ShiftedMoments {
  /** `E[f]` */
  readonly mean: number;
  /** `E[f^2]` */
  readonly second: number;
  /** `E[f']` */
  readonly slopeMean: number;
  /** `E[f'^2]` */
  readonly slopeSecond: number;
}

/** The moments of f(x), x ~ N(shift, q): closed forms for relu and its kin, else by quadrature. */
export function shiftedMoments(fn: ActivationFunction, shift: number, q: number): ShiftedMoments {
  if (shift === 0) return momentsOf(fn, q);
  const { f, df, kinks, slopes } = fn;
  if (slopes === undefined) {
    // Functions bend about 0, so the panels end there too.
    return momentsOf(
      {
        f: (x) => f(x + shift),
        df: (x) => df(x + shift),
        kinks: [0, ...kinks].map((k) => k - shift),
      },
      q,
    );
  }
  const [below, above] = slopes;
  const s = Math.sqrt(q);
  const open = s === 0 ? Number(shift > 0) : normalCdf(shift / s);
  const density = s === 0 ? 0 : normalDensity(shift / s);
  const positive = Math.max(0, shift * open + s * density); // E[max(x, 0)]
  const square = Math.max(0, (shift * shift + q) * open + shift * s * density);
  return {
    mean: below * shift + (above - below) * positive,
    second: above * above * square + below * below * (shift * shift + q - square),
    slopeMean: below + (above - below) * open,
    slopeSecond: above * above * open + below * below * (1 - open),
  };
}
