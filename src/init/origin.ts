import type { ActivationSpec } from "./types.ts";

/** An activation at 0: its value, and its slopes from the left and from the right. */
interface Origin {
  readonly value: number;
  readonly left: number;
  readonly right: number;
}

const SELU_SCALE = 1.0507009873554805;
const SELU_ALPHA = 1.6732632423543772;

const smooth = (value: number, slope: number): Origin => ({ value, left: slope, right: slope });

const ORIGINS: Readonly<Record<string, (alpha: number) => Origin>> = {
  linear: () => smooth(0, 1),
  relu: () => ({ value: 0, left: 0, right: 1 }),
  relu6: () => ({ value: 0, left: 0, right: 1 }),
  leaky_relu: (alpha) => ({ value: 0, left: alpha, right: 1 }),
  prelu: (alpha) => ({ value: 0, left: alpha, right: 1 }),
  elu: (alpha) => ({ value: 0, left: alpha, right: 1 }),
  selu: () => ({ value: 0, left: SELU_SCALE * SELU_ALPHA, right: SELU_SCALE }),
  gelu: () => smooth(0, 0.5),
  gelu_tanh: () => smooth(0, 0.5),
  silu: () => smooth(0, 0.5),
  mish: () => smooth(0, 0.6), // tanh(ln 2)
  softplus: () => smooth(Math.LN2, 0.5),
  softsign: () => smooth(0, 1),
  tanh: () => smooth(0, 1),
  sigmoid: () => smooth(0.5, 0.25),
  hard_sigmoid: () => smooth(0.5, 1 / 6),
  hard_tanh: () => smooth(0, 1),
  hard_swish: () => smooth(0, 0.5),
  sin: () => smooth(0, 1),
};

/**
 * Kumar's scale `1 / (f'(0)^2 (1 + f(0)^2))`. Where f has a kink at 0, f'(0)^2 is the mean square of its two slopes, what a symmetric
 * input sees: 2 for relu and 2 / (1 + slope^2) for leaky_relu, as He's.
 */
export function kumarScale({ name, alpha }: ActivationSpec): number {
  const origin = ORIGINS[name]?.(alpha);
  if (origin === undefined) {
    throw new RangeError(
      `kumar: f(0) and f'(0) are not known for "${name}"; known are ${Object.keys(ORIGINS).join(", ")}`,
    );
  }
  const { value, left, right } = origin;
  const square = (left * left + right * right) / 2;
  return 1 / (square * (1 + value * value));
}
