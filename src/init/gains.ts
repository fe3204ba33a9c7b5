import type { ActivationSpec } from "./types.ts";

/**
 * `1 / sqrt(E[f(z)^2])`, z ~ N(0, 1): the factor on the weights' standard deviation that keeps the second moment of an
 * activation's output at 1. Values by quadrature; `tests/init/gains.test.ts` computes them again from the definitions.
 */
const GAINS: Readonly<Record<string, number>> = {
  linear: 1,
  relu: Math.SQRT2,
  relu6: Math.SQRT2, // to 6 digits: |z| > 6 is rare
  elu: 1.245198,
  selu: 1,
  gelu: 1.53353,
  gelu_tanh: 1.533581,
  silu: 1.676532,
  mish: 1.486848,
  softplus: 1.041867,
  softsign: 2.337533,
  tanh: 1.592537,
  sigmoid: 1.846229,
  hard_sigmoid: 1.89784,
  hard_tanh: 1.392036,
  hard_swish: 1.736657,
  sin: 1.520867,
};

/**
 * The second-moment gain of an activation. `leaky_relu` and `prelu`: sqrt(2 / (1 + slope^2)), He et al. 2015 eq. (15);
 * `elu` is given for scale 1 only.
 */
export function gain({ name, alpha }: ActivationSpec): number {
  if (name === "leaky_relu" || name === "prelu") return Math.sqrt(2 / (1 + alpha * alpha));
  const known = GAINS[name];
  if (known === undefined) {
    throw new RangeError(
      `gain: no gain is known for "${name}"; known are ${Object.keys(GAINS).join(", ")}`,
    );
  }
  return known;
}
