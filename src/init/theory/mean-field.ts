import type { Activation, ActivationFunction } from "./activations.ts";
import { activationFunction } from "./activations.ts";
import type { Stability } from "./gains.ts";
import { momentsOf, refuseJumps, stabilityOf } from "./gains.ts";
import { bivariateMeans } from "./quadrature.ts";

/**
 * A deep fully connected network of infinite width: weights of variance `sigmaW2 / fan_in`, biases of variance `sigmaB2`, both of
 * mean 0, no normalisation and no residual branches. Poole et al. 2016; Schoenholz et al. 2017.
 */
export interface MeanFieldModel {
  readonly activation: Activation;
  readonly sigmaW2: number;
  /** 0 unless given. */
  readonly sigmaB2?: number;
}

/** Where the variance q of the pre-activations goes with depth. */
export interface LengthFixedPoint {
  /** The limit: 0, infinity, or a fixed point of the length map. */
  readonly q: number;
  /** Slope of the length map there; undefined at infinity. */
  readonly slope: number | undefined;
  /** neutral: slope 1, as of a scale-invariant map, which keeps every length. */
  readonly stability: Stability;
}

/** `q' = sigma_b^2 + sigma_w^2 E[f(sqrt(q) z)^2]` */
export function lengthMap(model: MeanFieldModel, q: number): number {
  return lengthOf(parse(model), q);
}

/** `dq' / dq` */
export function lengthSlope(model: MeanFieldModel, q: number): number {
  const { fn, sigmaW2 } = parse(model);
  return sigmaW2 * momentsOf(fn, q).growth;
}

/** `chi_1 = sigma_w^2 E[f'(sqrt(q) z)^2]`: the factor on a gradient's second moment a layer, and on the square of a small distance. */
export function chi1(model: MeanFieldModel, q: number): number {
  const { fn, sigmaW2 } = parse(model);
  refuseJumps("chi1", fn);
  return sigmaW2 * momentsOf(fn, q).slopeSecond;
}

/**
 * Where iterating the length map from `from` (1 unless given) leads: found by search and bisection, not by iteration, which is slow
 * near criticality. For a map that is not monotone (sin) it is the first fixed point in the direction of the first step.
 */
export function lengthFixedPoint(model: MeanFieldModel, from = 1): LengthFixedPoint {
  if (!(from > 0 && from < Infinity)) {
    throw new RangeError(`lengthFixedPoint: from must be positive and finite, got ${from}`);
  }
  const parsed = parse(model);
  const q = lengthLimit(parsed, from);
  if (q === Infinity) return { q, slope: undefined, stability: "unstable" };
  const slope = parsed.sigmaW2 * momentsOf(parsed.fn, q).growth;
  return { q, slope, stability: stabilityOf(slope) };
}

/** One step of the correlation of two inputs whose pre-activations both have variance q, and its derivative. */
export interface CorrelationStep {
  /** `(sigma_b^2 + sigma_w^2 E[f(u) f(v)]) / q'`, u and v of variance q and correlation c; q' = q at the fixed point. */
  readonly c: number;
  /** `dc' / dc = sigma_w^2 E[f'(u) f'(v)] q / q'` */
  readonly slope: number;
}

/** One step of the correlation map at length q. */
export function correlationMap(model: MeanFieldModel, c: number, q: number): CorrelationStep {
  if (!(Math.abs(c) <= 1)) throw new RangeError(`correlationMap: c must be in [-1, 1], got ${c}`);
  if (!(q > 0 && q < Infinity)) {
    throw new RangeError(`correlationMap: q must be positive and finite, got ${q}`);
  }
  const parsed = parse(model);
  refuseJumps("correlationMap", parsed.fn);
  return correlationOf(parsed, c, q);
}

export type Phase = "ordered" | "critical" | "chaotic";

/** The mean-field theory of one network: lengths, correlations, gradients, and how deep a signal reaches. */
export interface MeanField {
  /** Fixed point of the length map. */
  readonly q: number;
  /** Second moment of the activations there, `E[f^2]`. */
  readonly second: number;
  readonly slope: number;
  readonly stability: Stability;
  readonly chi1: number;
  /** ordered: chi_1 < 1, all inputs become alike; chaotic: chi_1 > 1, alike inputs become different. */
  readonly phase: Phase;
  /** Correlation that two inputs end at. */
  readonly c: number;
  /** Depth over which a difference in length falls by e: `-1 / ln |slope|`; infinity at slope 1 and above. */
  readonly xiQ: number;
  /** Depth over which a difference in correlation falls by e: `-1 / ln (dc' / dc)` at c. */
  readonly xiC: number;
  /** Depth over which a gradient's second moment changes by e: `1 / |ln chi_1|`. */
  readonly xiGradient: number;
  /** `6 xi_c`, Schoenholz et al. 2017; networks train in part to nearly twice that. */
  readonly trainableDepth: number;
}

/**
 * The theory at the fixed point that `from` leads to; undefined when lengths grow without bound. When they fall to 0 without biases,
 * xi_c is of the distance between two inputs, which falls with chi_1 a layer: f is its tangent there, and keeps correlations.
 */
export function meanField(model: MeanFieldModel, from = 1): MeanField | undefined {
  refuseJumps("meanField", parse(model).fn);
  const { q, slope, stability } = lengthFixedPoint(model, from);
  if (slope === undefined) return undefined;
  const parsed = parse(model);
  const moments = momentsOf(parsed.fn, q);
  const chi = parsed.sigmaW2 * moments.slopeSecond;
  const phase = Math.abs(chi - 1) < CRITICAL ? "critical" : chi < 1 ? "ordered" : "chaotic";
  const { c, slope: slopeC } =
    phase === "chaotic" && q > 0 ? correlationFixedPoint(parsed, q) : { c: 1, slope: chi };
  const xiC = phase === "critical" ? Infinity : depthScale(slopeC);
  return {
    ...{ q, second: moments.second, slope, stability, chi1: chi, phase, c },
    ...{ xiQ: depthScale(Math.abs(slope)), xiC },
    xiGradient: phase === "critical" ? Infinity : 1 / Math.abs(Math.log(chi)),
    trainableDepth: 6 * xiC,
  };
}

/** A chi_1 this near 1 is 1: quadrature and bisection leave 1e-12, and no network is 1e8 layers deep. */
const CRITICAL = 1e-9;

interface Parsed {
  readonly fn: ActivationFunction;
  readonly sigmaW2: number;
  readonly sigmaB2: number;
}

function parse({ activation, sigmaW2, sigmaB2 = 0 }: MeanFieldModel): Parsed {
  for (const [name, value] of Object.entries({ sigmaW2, sigmaB2 })) {
    if (!(value >= 0 && value < Infinity)) {
      throw new RangeError(`mean field: ${name} must be finite and not negative, got ${value}`);
    }
  }
  return { fn: activationFunction(activation), sigmaW2, sigmaB2 };
}

function lengthOf({ fn, sigmaW2, sigmaB2 }: Parsed, q: number): number {
  return sigmaB2 + sigmaW2 * momentsOf(fn, q).second;
}

function lengthLimit(parsed: Parsed, from: number): number {
  const { fn, sigmaW2, sigmaB2 } = parsed;
  if (fn.slopes !== undefined) {
    // q' = sigma_b^2 + s q, the slope s the same everywhere.
    const s = sigmaW2 * momentsOf(fn, 1).growth;
    if (Math.abs(s - 1) < 1e-15) return sigmaB2 === 0 ? from : Infinity;
    return s < 1 ? sigmaB2 / (1 - s) : Infinity;
  }
  const excess = (q: number) => lengthOf(parsed, q) - q;
  const start = excess(from);
  if (start === 0) return from;
  const factor = start > 0 ? 1.5 : 1 / 1.5;
  for (let near = from; near < 1e30; near *= factor) {
    // A map with f(0) = 0 and no biases that still falls at 1e-10 falls to 0.
    if (near < 1e-10) return sigmaB2 + sigmaW2 * fn.f(0) ** 2;
    const far = near * factor;
    if (excess(far) * start <= 0) return bisect(excess, near, far);
  }
  return Infinity;
}

function correlationOf({ fn, sigmaW2, sigmaB2 }: Parsed, c: number, q: number): CorrelationStep {
  const { second, slopeSecond } = momentsOf(fn, q);
  const next = sigmaB2 + sigmaW2 * second;
  const [product, slopes] = productMeans(fn, { c, q, second, slopeSecond });
  return { c: (sigmaB2 + sigmaW2 * product) / next, slope: (sigmaW2 * slopes * q) / next };
}

/** `[E[f(u) f(v)], E[f'(u) f'(v)]]` */
function productMeans(
  { f, df, kinks, slopes }: ActivationFunction,
  at: {
    readonly c: number;
    readonly q: number;
    readonly second: number;
    readonly slopeSecond: number;
  },
): readonly [number, number] {
  const { c, q } = at;
  if (c === 1) return [at.second, at.slopeSecond];
  if (slopes !== undefined) {
    // f(x) = a x + b |x|: the arc-cosine kernel, Cho & Saul 2009.
    const [below, above] = slopes;
    const a2 = ((above + below) / 2) ** 2;
    const b2 = ((above - below) / 2) ** 2;
    const arc = (2 / Math.PI) * Math.asin(c);
    const root = (2 / Math.PI) * Math.sqrt((1 - c) * (1 + c));
    return [q * (a2 * c + b2 * (root + arc * c)), a2 + b2 * arc];
  }
  if (c === -1)
    throw new RangeError("correlationMap: c of -1 has a closed form for relu and its kin only");
  const [product = 0, slope = 0] = bivariateMeans(
    [
      [f, f],
      [df, df],
    ],
    { c, scale: Math.sqrt(q), kinks },
  );
  return [product, slope];
}

/**
 * The correlation below 1 that inputs end at in the chaotic phase. The map is a power series in c with coefficients that are not
 * negative, so convex on [0, 1]: Newton's iteration from 0 approaches its first fixed point from below.
 */
function correlationFixedPoint(parsed: Parsed, q: number): CorrelationStep {
  let c = 0;
  let step = correlationOf(parsed, c, q);
  for (let k = 0; k < 100; k++) {
    const next = Math.min(c + (step.c - c) / (1 - step.slope), 1);
    if (!(next - c > 1e-13) || step.slope >= 1) break;
    c = next;
    step = correlationOf(parsed, c, q);
  }
  return { c, slope: step.slope };
}

function depthScale(slope: number): number {
  return slope < 1 ? -1 / Math.log(slope) : Infinity;
}

/** The zero of g between two points of opposite sign, to the last bits. */
export function bisect(g: (x: number) => number, a: number, b: number): number {
  const sign = Math.sign(g(a));
  let [inside, outside] = [a, b];
  for (let k = 0; k < 60; k++) {
    const middle = (inside + outside) / 2;
    if (Math.sign(g(middle)) === sign) inside = middle;
    else outside = middle;
  }
  return (inside + outside) / 2;
}
