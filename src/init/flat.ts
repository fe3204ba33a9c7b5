import { activationFunction } from "./theory/activations.ts";
import type { ActivationSpec } from "./types.ts";

/** Whether f(0) = 0 and f'(0) = 0, as of relu: weights of 0 before it get no gradient, and give none of a signal. */
export function isFlatAtZero(activation: ActivationSpec): boolean {
  const { f, df } = activationFunction(activation);
  return f(0) === 0 && df(0) === 0;
}
