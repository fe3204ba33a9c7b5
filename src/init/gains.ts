import type { Activation } from "./theory/activations.ts";
import { activationFunction } from "./theory/activations.ts";
import { forwardGain } from "./theory/gains.ts";

/**
 * `1 / sqrt(E[f(z)^2])`, z ~ N(0, 1): the factor on the weights' standard deviation that keeps the second moment of an
 * activation's output at 1, by quadrature. For leaky_relu and prelu sqrt(2 / (1 + slope^2)), He et al. 2015 eq. (15).
 */
export function gain(activation: Activation): number {
  const { slopes } = activationFunction(activation);
  // One rounding less than 1 / sqrt(1 / 2): relu's gain is the float64 nearest to sqrt 2.
  if (slopes !== undefined) return Math.sqrt(2 / (slopes[0] ** 2 + slopes[1] ** 2));
  // 10 digits, what the quadrature has: engines may differ in the last bits of Math.exp, and weights must not.
  return Number(forwardGain(activation).toPrecision(10));
}
