import type { Activation, ActivationFunction } from "./activations.ts";
import { activationFunction } from "./activations.ts";
import { gaussianRule } from "./quadrature.ts";

/** Means over x ~ N(0, q) of an activation. */
export interface ActivationMoments {
  /** `E[f]` */
  readonly mean: number;
  /** `E[f^2]` */
  readonly second: number;
  /** `E[f^4] / E[f^2]^2 - 1`: the relative variance of one unit's square. */
  readonly spread: number;
  /** `E[f']` */
  readonly slopeMean: number;
  /** `E[f'^2]` */
  readonly slopeSecond: number;
  /** `d E[f^2] / dq = E[f f' z] / sqrt(q)`, which needs no second derivative. */
  readonly growth: number;
}

/** The moments of f(x), x ~ N(0, q): closed forms for relu and its kin, else by quadrature. `q` 0 gives their limits. */
export function activationMoments(activation: Activation, q = 1): ActivationMoments {
  return momentsOf(activationFunction(activation), q);
}

export function momentsOf(
  { f, df, kinks, slopes }: ActivationFunction,
  q: number,
): ActivationMoments {
  if (!(q >= 0 && q < Infinity)) {
    throw new RangeError(`activationMoments: q must be finite and not negative, got ${q}`);
  }
  if (slopes !== undefined) {
    const [below, above] = slopes;
    const half = (below * below + above * above) / 2;
    return {
      mean: ((above - below) * Math.sqrt(q)) / Math.sqrt(2 * Math.PI),
      second: half * q,
      spread: half === 0 ? 0 : (1.5 * (below ** 4 + above ** 4)) / (half * half) - 1,
      slopeMean: (below + above) / 2,
      slopeSecond: half,
      growth: half,
    };
  }
  const scale = Math.sqrt(Math.max(q, LEAST));
  const { z, w } = gaussianRule(kinks, scale);
  const squares = new Float64Array(z.length);
  const sums = { mean: 0, second: 0, slopeMean: 0, slopeSecond: 0, growth: 0 };
  for (let i = 0; i < z.length; i++) {
    const x = scale * z[i]!;
    const [y, slope, weight] = [f(x), df(x), w[i]!];
    squares[i] = y * y;
    sums.mean += weight * y;
    sums.second += weight * y * y;
    sums.slopeMean += weight * slope;
    sums.slopeSecond += weight * slope * slope;
    sums.growth += (weight * y * slope * z[i]!) / scale;
  }
  const { second } = sums;
  // Relative squares: the fourth power of a large value would overflow.
  const spread =
    second > 0 ? squares.reduce((sum, y2, i) => sum + w[i]! * (y2 / second) ** 2, -1) : 0;
  if (q >= LEAST) return { ...sums, spread };
  const share = q / LEAST;
  const origin = f(0);
  return {
    ...{ ...sums, spread },
    mean: origin + Math.sqrt(share) * (sums.mean - origin),
    second: origin * origin + share * (second - origin * origin),
  };
}

/** Below, every smooth function is its tangent on either side of 0, and rounding would leave nothing of f(sqrt(q) z) - f(0). */
const LEAST = 1e-20;

/** `1 / sqrt(E[f(z)^2])`, z ~ N(0, 1): with weights of variance gain^2 / fan_in, a second moment of 1 stays 1. */
export function forwardGain(activation: Activation): number {
  return 1 / Math.sqrt(activationMoments(activation).second);
}

/** `1 / sqrt(E[f'(z)^2])`: with weights of variance gain^2 / fan_out, the gradient's second moment stays what it is. */
export function backwardGain(activation: Activation): number {
  return 1 / Math.sqrt(activationMoments(activation).slopeSecond);
}

/** What one gain can and cannot do for a deep network without normalisation, at weights of variance g^2 / n and no biases. */
export interface GainDiagnosis {
  readonly forward: number;
  readonly backward: number;
  /**
   * Slope of the length map at its fixed point 1 under the forward gain. Below 1 the point attracts; at 1 every length is kept
   * (scale-invariant); above 1 it repels: no single gain can hold a deep network.
   */
  readonly slope: number;
  /** `E[f'^2] / E[f^2]`: the factor on the gradient's second moment a layer, under the forward gain. */
  readonly chi1: number;
  readonly stability: Stability;
}

export function diagnoseGain(activation: Activation): GainDiagnosis {
  const { second, slopeSecond, growth } = activationMoments(activation);
  const slope = growth / second;
  return {
    forward: 1 / Math.sqrt(second),
    backward: 1 / Math.sqrt(slopeSecond),
    slope,
    chi1: slopeSecond / second,
    stability: stabilityOf(slope),
  };
}

/** Whether lengths near a fixed point come closer with depth, stay, or part. */
export type Stability = "stable" | "neutral" | "unstable";

export function stabilityOf(slope: number): Stability {
  // relu6 is neutral but for 1e-7, and so in effect at any depth that is built.
  if (Math.abs(slope - 1) < 1e-6) return "neutral";
  return slope < 1 ? "stable" : "unstable";
}
