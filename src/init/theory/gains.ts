import type { Activation, ActivationFunction } from "./activations.ts";
import { activationFunction } from "./activations.ts";
import { normalDensity } from "./erf.ts";
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

/**
 * The moments of f(x), x ~ N(0, q): closed forms for relu and its kin, else by quadrature. `q` 0 gives their limits. Where f jumps,
 * E[f'^2] is infinite; what else may be infinite is E[f^4]. Throws a `RangeError` where E[f^2] is.
 */
export function activationMoments(activation: Activation, q = 1): ActivationMoments {
  const moments = momentsOf(activationFunction(activation), q);
  if (Number.isFinite(moments.second)) return moments;
  throw new RangeError(
    `activationMoments: expected E[f^2] over N(0, ${q}) to be finite, but f grows so fast that it has its mass beyond 12 deviations`,
  );
}

/** Throws a `RangeError` where f jumps: nothing that needs E[f'^2] can be said of it. */
export function refuseJumps(where: string, { jumps = [] }: ActivationFunction): void {
  const [jump] = jumps;
  if (jump === undefined) return;
  const { at, below, above } = jump;
  throw new RangeError(
    `${where}: expected a continuous activation, but f jumps from ${below.toPrecision(4)} to ${above.toPrecision(4)} at ` +
      `x = ${Number(at.toPrecision(6))}: E[f'^2] is infinite`,
  );
}

/** Infinite where the integral is, or has its mass where the rule does not reach. */
export function momentsOf(
  { f, df, kinks, slopes, edges = [], jumps = [] }: ActivationFunction,
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
  const { z, w } = gaussianRule([...kinks, ...edges], scale);
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
  if (!Number.isFinite(second) || isFarOut(z, w, squares, second)) {
    return {
      mean: sums.mean,
      second: Infinity,
      spread: Infinity,
      slopeMean: Infinity,
      slopeSecond: Infinity,
      growth: Infinity,
    };
  }
  // Relative squares: the fourth power of a large value would overflow.
  const fourths = squares.map((y2) => (y2 / second) ** 2);
  const fourth = fourths.reduce((sum, y4, i) => sum + w[i]! * y4, 0);
  const spread = second === 0 ? 0 : isFarOut(z, w, fourths, fourth) ? Infinity : fourth - 1;
  for (const { at, below, above } of jumps) {
    // d/dq of the part that passes the jump, and a slope that is a delta function.
    const zAt = at / scale;
    sums.growth += ((above ** 2 - below ** 2) * zAt * normalDensity(zAt)) / (2 * scale * scale);
    sums.slopeSecond = Infinity;
  }
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

/** Share of an integral that may lie beyond `TAIL` deviations; of a polynomial of degree 20 it is 1e-13. */
const FAR_SHARE = 1e-9;
const TAIL = 11;

function isFarOut(z: Float64Array, w: Float64Array, values: Float64Array, sum: number): boolean {
  let far = 0;
  for (let i = 0; i < z.length; i++) if (Math.abs(z[i]!) > TAIL) far += w[i]! * values[i]!;
  return !(far <= FAR_SHARE * sum);
}

/** `1 / sqrt(E[f(z)^2])`, z ~ N(0, 1): with weights of variance gain^2 / fan_in, a second moment of 1 stays 1. */
export function forwardGain(activation: Activation): number {
  const { second } = activationMoments(activation);
  return 1 / Math.sqrt(notZero("forwardGain", "E[f^2]", second));
}

/** `1 / sqrt(E[f'(z)^2])`: with weights of variance gain^2 / fan_out, the gradient's second moment stays what it is. */
export function backwardGain(activation: Activation): number {
  refuseJumps("backwardGain", activationFunction(activation));
  const { slopeSecond } = activationMoments(activation);
  return 1 / Math.sqrt(notZero("backwardGain", "E[f'^2]", slopeSecond));
}

function notZero(where: string, what: string, value: number): number {
  if (value > 0) return value;
  throw new RangeError(
    `${where}: expected ${what} to be positive, got ${value}: no gain makes it 1`,
  );
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
  refuseJumps("diagnoseGain", activationFunction(activation));
  const { second, slopeSecond, growth } = activationMoments(activation);
  notZero("diagnoseGain", "E[f^2]", second);
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
