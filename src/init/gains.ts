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
  return forwardGain(activation);
}

/**
 * `gain` as schemes draw with it: to 10 digits, unless it is known in closed form. Engines may differ in the last bits of `Math.exp`,
 * and weights must not.
 */
export function drawnGain(activation: Activation): number {
  const exact = gain(activation);
  return activationFunction(activation).slopes === undefined
    ? Number(exact.toPrecision(10))
    : exact;
}
