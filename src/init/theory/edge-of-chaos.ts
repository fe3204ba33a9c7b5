import type { Activation } from "./activations.ts";
import { activationFunction } from "./activations.ts";
import type { Stability } from "./gains.ts";
import { momentsOf, refuseJumps, stabilityOf } from "./gains.ts";
import { bisect } from "./mean-field.ts";

/** A point (sigma_w, sigma_b) where a small difference neither grows nor shrinks with depth: chi_1 = 1. */
export interface EdgeOfChaos {
  readonly sigmaW2: number;
  readonly sigmaB2: number;
  readonly sigmaW: number;
  readonly sigmaB: number;
  /** Fixed point of the length map; for relu and its kin any length is one, and 1 stands for it. */
  readonly q: number;
  /** Slope of the length map at q. Above 1, as for gelu, the network leaves q, and with it the edge. */
  readonly slope: number;
  readonly stability: Stability;
}

/**
 * The edge at a given variance of the biases: q with `q = sigma_b^2 + E[f^2] / E[f'^2]` (over x ~ N(0, q)), then
 * `sigma_w^2 = 1 / E[f'^2]`. The point of least q when there are several; undefined when there is none for q up to 1e6.
 */
export function edgeOfChaos(activation: Activation, sigmaB2 = 0): EdgeOfChaos | undefined {
  if (!(sigmaB2 >= 0 && sigmaB2 < Infinity)) {
    throw new RangeError(`edgeOfChaos: sigmaB2 must be finite and not negative, got ${sigmaB2}`);
  }
  const fn = activationFunction(activation);
  refuseJumps("edgeOfChaos", fn);
  const at = (q: number): EdgeOfChaos => {
    const { slopeSecond, growth } = momentsOf(fn, q);
    const sigmaW2 = 1 / slopeSecond;
    const slope = sigmaW2 * growth;
    return {
      ...{ sigmaW2, sigmaB2, sigmaW: Math.sqrt(sigmaW2), sigmaB: Math.sqrt(sigmaB2) },
      ...{ q, slope, stability: stabilityOf(slope) },
    };
  };
  // chi_1 and the slope are one number for a homogeneous function: its edge is the single point without biases.
  if (fn.slopes !== undefined) return sigmaB2 === 0 ? at(1) : undefined;
  if (sigmaB2 === 0 && fn.f(0) === 0) {
    // The edge begins at q = 0, where f is its tangent; no tangent (relu_squared), no such point.
    if (fn.df(0) !== 0) return at(0);
  }
  const excess = (q: number) => {
    const { second, slopeSecond } = momentsOf(fn, q);
    return sigmaB2 + second / slopeSecond - q;
  };
  const factor = 1.5;
  for (let q = LEAST; q < GREATEST; q *= factor) {
    if (excess(q) > 0 !== excess(q * factor) > 0) return at(bisect(excess, q, q * factor));
  }
  return undefined;
}

const LEAST = 1e-8;
const GREATEST = 1e6;
