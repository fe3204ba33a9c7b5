import { didYouMean } from "../../core/nearest.ts";
import { erf, normalCdf, normalDensity } from "./erf.ts";
import type { Jump } from "./shape.ts";
import { shapeOf } from "./shape.ts";

/** A scalar function with its derivative, as the theory wants it. */
export interface ActivationFunction {
  readonly f: (x: number) => number;
  readonly df: (x: number) => number;
  /** Where f or a derivative of it jumps; 0 is always taken for one. */
  readonly kinks: readonly number[];
  /** Where f changes so fast that a quadrature had better divide there too; none unless given. */
  readonly edges?: readonly number[];
  /** Where f itself jumps: there its slope has no second moment. None unless given. */
  readonly jumps?: readonly Jump[];
  /** Slopes [below, above] 0 of a positively homogeneous function: what is known of it is known in closed form. */
  readonly slopes?: readonly [number, number];
}

/**
 * A function of one's own. Without `df` the derivative is numeric, right to about 10 digits. Kinks and jumps within 64 of 0 are found
 * by bisection, and moments are then right to 9 digits (`tests/init/theory/user-functions.test.ts`). Name those farther out, which
 * matter from q = 30 on: over one it does not know of a quadrature may keep no more than one digit.
 */
export interface UserActivation {
  readonly f: (x: number) => number;
  readonly df?: (x: number) => number;
  readonly kinks?: readonly number[];
}

/** A built-in activation, by name or with its parameter, or any function. */
export type Activation =
  | string
  | { readonly name: string; readonly alpha?: number }
  | UserActivation
  | ((x: number) => number);

/**
 * f and f' of an activation. Throws a `RangeError` that lists the names when there is none of that name, and where a user's function
 * is NaN or too rough for a quadrature; a `TypeError` for what is no activation at all.
 */
export function activationFunction(activation: Activation): ActivationFunction {
  if (typeof activation === "function") return fromUser({ f: activation });
  if (typeof activation !== "string" && (activation === null || typeof activation !== "object")) {
    throw new TypeError(
      `activationFunction: expected a name, a function, or { f } or { name }, got ${activation}`,
    );
  }
  if (typeof activation === "object" && "f" in activation) return fromUser(activation);
  const { name, alpha } =
    typeof activation === "string" ? { name: activation, alpha: undefined } : activation;
  const define = Object.hasOwn(DEFINITIONS, name) ? DEFINITIONS[name] : undefined;
  if (define === undefined) {
    throw new RangeError(
      `activationFunction: no definition is known for "${name}"${didYouMean(String(name), THEORY_ACTIVATIONS)}; known are ${THEORY_ACTIVATIONS.join(", ")}`,
    );
  }
  const value = alpha ?? DEFAULT_ALPHA[name] ?? 0;
  if (!Number.isFinite(value)) {
    throw new RangeError(`activationFunction: alpha of ${name} must be finite, got ${alpha}`);
  }
  return define(value);
}

/** PyTorch's defaults. */
export const DEFAULT_ALPHA: Readonly<Record<string, number>> = {
  leaky_relu: 0.01,
  prelu: 0.25,
  elu: 1,
};

// Klambauer et al. 2017.
const SELU_SCALE = 1.0507009873554805;
const SELU_ALPHA = 1.6732632423543772;

const CUBIC = 0.044715;
const GELU_RATE = Math.sqrt(2 / Math.PI);

/** Every built-in activation by its name, and four that only the theory knows: lecun_tanh, erf, abs, relu_squared. */
const DEFINITIONS: Readonly<Record<string, (alpha: number) => ActivationFunction>> = {
  linear: () => homogeneous(1, 1),
  relu: () => homogeneous(0, 1),
  leaky_relu: (alpha) => homogeneous(alpha, 1),
  prelu: (alpha) => homogeneous(alpha, 1),
  abs: () => homogeneous(-1, 1),
  relu6: () => ({
    f: (x) => clamp(x, 0, 6),
    df: (x) => (x > 0 && x < 6 ? 1 : 0),
    kinks: [0, 6],
  }),
  elu: (alpha) => exponentialBelow(1, alpha),
  selu: () => exponentialBelow(SELU_SCALE, SELU_ALPHA),
  gelu: () => ({
    f: (x) => x * normalCdf(x),
    df: (x) => normalCdf(x) + x * normalDensity(x),
    kinks: [],
  }),
  gelu_tanh: () => ({
    // (1 + tanh(u)) / 2 = sigmoid(2 u)
    f: (x) => x * sigmoid(2 * GELU_RATE * (x + CUBIC * x ** 3)),
    df: (x) => {
      const s = sigmoid(2 * GELU_RATE * (x + CUBIC * x ** 3));
      return s + x * s * (1 - s) * 2 * GELU_RATE * (1 + 3 * CUBIC * x * x);
    },
    kinks: [],
  }),
  silu: () => ({
    f: (x) => x * sigmoid(x),
    df: (x) => sigmoid(x) * (1 + x * sigmoid(-x)),
    kinks: [],
  }),
  mish: () => ({
    f: (x) => x * Math.tanh(softplus(x)),
    df: (x) => {
      const t = Math.tanh(softplus(x));
      return t + x * (1 - t) * (1 + t) * sigmoid(x);
    },
    kinks: [],
  }),
  softplus: () => ({ f: softplus, df: sigmoid, kinks: [] }),
  softsign: () => ({
    f: (x) => x / (1 + Math.abs(x)),
    df: (x) => (1 + Math.abs(x)) ** -2,
    kinks: [0],
  }),
  tanh: () => scaledTanh(1, 1),
  // LeCun, Bottou, Orr & Mueller 1998, section 4.4: f(1) = 1 and the second derivative is largest there.
  lecun_tanh: () => scaledTanh(1.7159, 2 / 3),
  sigmoid: () => ({ f: sigmoid, df: (x) => sigmoid(x) * sigmoid(-x), kinks: [] }),
  hard_sigmoid: () => ({
    f: (x) => clamp(x + 3, 0, 6) / 6,
    df: (x) => (x > -3 && x < 3 ? 1 / 6 : 0),
    kinks: [-3, 3],
  }),
  hard_tanh: () => ({
    f: (x) => clamp(x, -1, 1),
    df: (x) => (x > -1 && x < 1 ? 1 : 0),
    kinks: [-1, 1],
  }),
  hard_swish: () => ({
    f: (x) => (x * clamp(x + 3, 0, 6)) / 6,
    df: (x) => (x <= -3 ? 0 : x >= 3 ? 1 : x / 3 + 1 / 2),
    kinks: [-3, 3],
  }),
  sin: () => ({ f: Math.sin, df: Math.cos, kinks: [] }),
  erf: () => ({ f: erf, df: (x) => (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x), kinks: [] }),
  relu_squared: () => ({
    f: (x) => Math.max(x, 0) ** 2,
    df: (x) => 2 * Math.max(x, 0),
    kinks: [0],
  }),
};

/** The names that have a definition here. */
export const THEORY_ACTIVATIONS: readonly string[] = Object.keys(DEFINITIONS);

function homogeneous(below: number, above: number): ActivationFunction {
  return {
    f: (x) => (x > 0 ? above : below) * x,
    df: (x) => (x > 0 ? above : below),
    kinks: [0],
    slopes: [below, above],
  };
}

/** `scale (x > 0 ? x : alpha (e^x - 1))` */
function exponentialBelow(scale: number, alpha: number): ActivationFunction {
  return {
    f: (x) => scale * (x > 0 ? x : alpha * Math.expm1(x)),
    df: (x) => scale * (x > 0 ? 1 : alpha * Math.exp(x)),
    kinks: [0],
  };
}

/** `height tanh(rate x)` */
function scaledTanh(height: number, rate: number): ActivationFunction {
  return {
    f: (x) => height * Math.tanh(rate * x),
    df: (x) => {
      const t = Math.tanh(rate * x);
      return height * rate * (1 - t) * (1 + t);
    },
    kinks: [],
  };
}

function fromUser({ f, df, kinks = [] }: UserActivation): ActivationFunction {
  for (const [name, value] of Object.entries({ f, df })) {
    if (typeof value === "function" || (name === "df" && value === undefined)) continue;
    throw new TypeError(`activationFunction: expected ${name} to be a function, got ${value}`);
  }
  if (!kinks.every(Number.isFinite)) {
    throw new RangeError(`activationFunction: kinks must be finite, got [${kinks.join(", ")}]`);
  }
  const stated = kinks.includes(0) ? kinks : [...kinks, 0];
  const { kinks: found, edges, jumps } = shapeOf(f, stated);
  const all = [...stated, ...found];
  return { f, df: df ?? numericDerivative(f, all, edges), kinks: all, edges, jumps };
}

/**
 * The five-point central difference, error h^4 f''''' / 30. Its step is 1e-3, a 500th of where f is steep, and so short that the points
 * stay on x's side of every kink; on a kink itself it is the mean of the two slopes.
 */
function numericDerivative(
  f: (x: number) => number,
  kinks: readonly number[],
  edges: readonly number[],
) {
  return (x: number): number => {
    const wide = Math.min(1e-3 * Math.max(1, Math.abs(x)), widthAt(edges, x) / 500);
    const room = kinks.reduce((least, kink) => Math.min(least, Math.abs(x - kink)), Infinity);
    const h = room > 0 ? Math.min(wide, 0.49 * room) : wide;
    return (8 * (f(x + h) - f(x - h)) - (f(x + 2 * h) - f(x - 2 * h))) / (12 * h);
  };
}

/** Distance of the two edges that x lies between. */
function widthAt(edges: readonly number[], x: number): number {
  let [low, high] = [-1, edges.length];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (edges[middle]! <= x) low = middle;
    else high = middle;
  }
  return (edges[high] ?? Infinity) - (edges[low] ?? -Infinity);
}

function clamp(x: number, low: number, high: number): number {
  return Math.min(Math.max(x, low), high);
}

function sigmoid(x: number): number {
  return x < 0 ? Math.exp(x) / (1 + Math.exp(x)) : 1 / (1 + Math.exp(-x));
}

function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}
