import type { Activation } from "./activations.ts";
import { activationFunction } from "./activations.ts";
import { momentsOf } from "./gains.ts";

/** One layer `h = f(x W + b)` with independent weights and biases of mean 0. */
export interface LayerModel {
  readonly fanIn: number;
  readonly fanOut: number;
  /** Variance of one weight. */
  readonly weightVariance: number;
  /** 0 unless given. */
  readonly biasVariance?: number;
  readonly activation: Activation;
}

/** What theory expects of a layer, over the draw of the weights. */
export interface LayerPrediction {
  /** Variance of the pre-activations, `biasVariance + fanIn weightVariance E[h_(l-1)^2]`. */
  readonly preActivation: number;
  /** `E[h_l^2]`: a second moment, not a variance. */
  readonly second: number;
  /** `E[h_l^2] / E[h_(l-1)^2]` */
  readonly ratio: number;
  /** Second moment of the loss's gradient with respect to h_l, and to the pre-activations. */
  readonly gradient: number;
  readonly preActivationGradient: number;
  /** Second moment of the gradient with respect to the layer's input, over that with respect to h_l. */
  readonly gradientRatio: number;
  /** Standard deviation of the log of one network's mean of h_l^2, at this width, for one input. */
  readonly logSd: number;
}

export interface PredictOptions {
  /** Second moment of the input; 1 unless given. */
  readonly input?: number;
  /** Second moment of the gradient with respect to the last output; 1 unless given. */
  readonly gradient?: number;
}

/**
 * Second moments layer by layer, forward and back, in the mean-field approximation: exact in expectation forward for relu and
 * its kin at any width, else to O(depth / width). The gradient's takes weights back to be independent of those forward.
 *
 * `logSd` adds what each layer's finite width contributes, `(E[f^4] / E[f^2]^2 - 1) / fanOut`, damped or amplified by the layers after
 * it to first order: sqrt(5 L / n) for relu and sqrt(2 L / n) for linear layers of width n (Hanin & Nica 2018).
 */
export function predictSignal(
  layers: readonly LayerModel[],
  { input = 1, gradient = 1 }: PredictOptions = {},
): readonly LayerPrediction[] {
  nonNegative("input", input);
  nonNegative("gradient", gradient);
  layers.forEach(check);
  let before = input;
  let logVariance = 0;
  const forward = layers.map((layer) => {
    const { fanIn, weightVariance, biasVariance = 0, activation } = layer;
    const own = fanIn * weightVariance * before;
    const q = biasVariance + own;
    // A float32 overflows at 1e77, the square of its greatest: what a float64 cannot hold either is infinite, its slopes those at HUGE.
    const moments = momentsOf(activationFunction(activation), Math.min(q, HUGE));
    const { spread, slopeSecond, growth } = moments;
    const second = q > HUGE ? Infinity : moments.second;
    const elasticity = moments.second > 0 ? (growth * Math.min(own, HUGE)) / moments.second : 0;
    logVariance = elasticity * elasticity * logVariance + spread / layer.fanOut;
    const ratio = second / before;
    before = second;
    return { preActivation: q, second, ratio, slopeSecond, logSd: Math.sqrt(logVariance) };
  });
  let after = gradient;
  const backward = layers
    .map(({ fanOut, weightVariance }, index) => ({ fanOut, weightVariance, index }))
    .reverse()
    .map(({ fanOut, weightVariance, index }) => {
      const { slopeSecond } = forward[index]!;
      const own = after;
      const preActivationGradient = slopeSecond * own;
      const gradientRatio = fanOut * weightVariance * slopeSecond;
      after = gradientRatio * own;
      return { gradient: own, preActivationGradient, gradientRatio };
    })
    .reverse();
  return forward.map(({ slopeSecond: _, ...rest }, index) => ({ ...rest, ...backward[index]! }));
}

const HUGE = 1e300;

/** Greatest float32. */
export const FLOAT32_MAX: number = (2 - 2 ** -23) * 2 ** 127;

/**
 * The first layer, counted from 1, whose activations have a root mean square above the greatest float32; undefined when there
 * is none. Since the largest of many activations is a few times that, a network may overflow a layer sooner.
 */
export function overflowLayer(prediction: readonly LayerPrediction[]): number | undefined {
  const index = prediction.findIndex(({ second }) => !(Math.sqrt(second) <= FLOAT32_MAX));
  return index < 0 ? undefined : index + 1;
}

/** The law of log(q_L / q_0) over networks of width n: `E ≈ -L k / (2 n)`, `sd ≈ sqrt(L k / n)`, while E[q_L / q_0] itself is the predicted one. */
export interface FiniteWidthLaw {
  readonly mean: number;
  readonly sd: number;
}

/**
 * The finite-width law of `depth` layers of `width` units of a scale-invariant activation, k = E[f^4] / E[f^2]^2 - 1: 5 for relu,
 * 2 for linear. Orthogonal linear layers do not fluctuate at all.
 */
export function finiteWidthLaw(
  activation: Activation,
  { width, depth }: { readonly width: number; readonly depth: number },
): FiniteWidthLaw {
  const fn = activationFunction(activation);
  if (fn.slopes === undefined) {
    throw new RangeError(
      "finiteWidthLaw: expected linear, relu, leaky_relu, prelu or abs: others have no law of depth / width alone; use predictSignal",
    );
  }
  if (!(width > 0)) throw new RangeError(`finiteWidthLaw: width must be positive, got ${width}`);
  nonNegative("depth", depth);
  const variance = (momentsOf(fn, 1).spread * depth) / width;
  return { mean: -variance / 2, sd: Math.sqrt(variance) };
}

function check(
  { fanIn, fanOut, weightVariance, biasVariance = 0 }: LayerModel,
  index: number,
): void {
  for (const [name, value] of Object.entries({ fanIn, fanOut, weightVariance, biasVariance })) {
    nonNegative(`${name} of layer ${index + 1}`, value);
  }
}

function nonNegative(name: string, value: number): void {
  if (!(value >= 0 && value < Infinity)) {
    throw new RangeError(`predictSignal: ${name} must be finite and not negative, got ${value}`);
  }
}
