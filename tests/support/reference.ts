/** 2^-24: the relative error of one f32 rounding. */
export const EPS: number = 2 ** -24;

/** Least normal f32. Kernels may flush what is below to 0. */
export const LEAST_NORMAL: number = 2 ** -126;

/** Spacing of the floats at `x`. */
export function ulpAt(x: number): number {
  const exponent = Math.floor(Math.log2(Math.abs(x)));
  return 2 ** (Math.max(exponent, -126) - 23);
}

/** Distance of an f32 result from the exact one in units of the last place; 0 when both are NaN or the same infinity. */
export function ulp(actual: number, expected: number): number {
  if (Object.is(actual, Math.fround(expected)) || actual === expected) return 0;
  const error = Math.abs(actual - expected) / ulpAt(expected);
  return Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
}

/** `2 / sqrt(pi) e^(-x^2) (x + 2 x^3 / 3 + 4 x^5 / 15 + ...)`, all terms of one sign. */
export function erf(x: number): number {
  if (Math.abs(x) > 2.5) return Math.sign(x) * (1 - erfc(Math.abs(x)));
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

/** From 2.5 on Laplace's continued fraction: `e^(-x^2) / sqrt(pi) / (x + (1/2) / (x + (2/2) / (x + ...)))`. */
export function erfc(x: number): number {
  if (!(x > 2.5)) return 1 - erf(x);
  let fraction = 0;
  for (let k = 80; k >= 1; k--) fraction = k / 2 / (x + fraction);
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / (x + fraction);
}

/** An activation and its derivative in f64, both as functions of a finite input. */
export interface ActivationReference {
  readonly f: (x: number, alpha: number) => number;
  readonly df: (x: number, alpha: number) => number;
}

/** Every activation by the name of its kind. */
export const ACTIVATIONS: Readonly<Record<string, ActivationReference>> = {
  linear: { f: (x) => x, df: () => 1 },
  relu: { f: (x) => Math.max(x, 0), df: (x) => (x > 0 ? 1 : 0) },
  leakyRelu: { f: (x, a) => (x > 0 ? x : a * x), df: (x, a) => (x > 0 ? 1 : a) },
  relu6: { f: (x) => clamp(x, 0, 6), df: (x) => (x > 0 && x < 6 ? 1 : 0) },
  elu: {
    f: (x, a) => (x > 0 ? x : a * Math.expm1(x)),
    df: (x, a) => (x > 0 ? 1 : a * Math.exp(x)),
  },
  selu: {
    f: (x) => SELU_SCALE * (x > 0 ? x : SELU_ALPHA * Math.expm1(x)),
    df: (x) => SELU_SCALE * (x > 0 ? 1 : SELU_ALPHA * Math.exp(x)),
  },
  gelu: { f: (x) => x * normal(x), df: (x) => normal(x) + x * density(x) },
  geluTanh: {
    f: (x) => x * logistic(cubic(x)),
    df: (x) => {
      const rate = 2 * Math.sqrt(2 / Math.PI) * (1 + 3 * 0.044715 * x * x);
      return logistic(cubic(x)) * (1 + x * rate * logistic(-cubic(x)));
    },
  },
  silu: { f: (x) => x * logistic(x), df: (x) => logistic(x) * (1 + x * logistic(-x)) },
  mish: {
    f: (x) => x * Math.tanh(softplus(x)),
    df: (x) => {
      const t = Math.tanh(softplus(x));
      return t + x * (1 - t * t) * logistic(x);
    },
  },
  softplus: { f: softplus, df: logistic },
  softsign: { f: (x) => x / (1 + Math.abs(x)), df: (x) => (1 + Math.abs(x)) ** -2 },
  tanh: { f: Math.tanh, df: (x) => Math.cosh(x) ** -2 },
  sigmoid: { f: logistic, df: (x) => logistic(x) * logistic(-x) },
  hardSigmoid: { f: (x) => clamp(x + 3, 0, 6) / 6, df: (x) => (x > -3 && x < 3 ? 1 / 6 : 0) },
  hardTanh: { f: (x) => clamp(x, -1, 1), df: (x) => (x > -1 && x < 1 ? 1 : 0) },
  hardSwish: {
    f: (x) => (x * clamp(x + 3, 0, 6)) / 6,
    df: (x) => (x <= -3 ? 0 : x >= 3 ? 1 : x / 3 + 1 / 2),
  },
  sin: { f: Math.sin, df: Math.cos },
};

// Klambauer et al. 2017.
const SELU_SCALE = 1.0507009873554805;
const SELU_ALPHA = 1.6732632423543772;

function clamp(x: number, low: number, high: number): number {
  return Math.min(Math.max(x, low), high);
}

function logistic(x: number): number {
  return x < 0 ? Math.exp(x) / (1 + Math.exp(x)) : 1 / (1 + Math.exp(-x));
}

function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

/** The normal distribution and its density. */
function normal(x: number): number {
  return erfc(-x / Math.SQRT2) / 2;
}

function density(x: number): number {
  return Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
}

/** `2 sqrt(2 / pi) (x + 0.044715 x^3)` */
function cubic(x: number): number {
  return 2 * Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3);
}
