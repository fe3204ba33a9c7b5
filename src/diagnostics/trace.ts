import type { ActivationFunction } from "../init/theory/activations.ts";
import { activationFunction } from "../init/theory/activations.ts";
import { shiftedMoments } from "../init/theory/shifted.ts";
import type { ActivationSpec } from "../init/types.ts";
import { convPlan, poolPlan } from "../layers/index.ts";
import type { BodyNode } from "./body.ts";

/** What a parameter's numbers are like, be they drawn or expected. */
export interface ParamMoments {
  readonly mean: number;
  readonly variance: number;
  readonly fanIn: number;
  readonly fanOut: number;
}

export type MomentsByName = ReadonlyMap<string, ParamMoments>;

/** What is known of a tensor: its units are alike, and share a part that differs from row to row. */
export interface Flow {
  /** Shape of one example. */
  readonly shape: readonly number[];
  /** `E[x]`, over rows and units. */
  readonly mean: number;
  /** Variance over the rows of the mean over a row's units. */
  readonly meanVariance: number;
  /** `E[x^2]` */
  readonly second: number;
}

/** A tensor on its way, forward and back. */
export interface TracedLayer {
  readonly node: BodyNode;
  /** Innermost residual block. */
  readonly residual: string | undefined;
  readonly input: Flow;
  readonly output: Flow;
  /** Layers with a kernel: before the activation, with and without biases. */
  readonly affine?: { readonly biased: Flow; readonly unbiased: Flow };
  /** Residual blocks: what the branch adds. */
  readonly branch?: Flow;
  /** Second moment of the loss's gradient with respect to the output. */
  gradient: number;
  preActivationGradient: number;
}

/** Beyond, a float64 cannot hold what follows; a float32 overflows at 1e77. */
const HUGE = 1e300;

/**
 * Means and second moments through a body, forward and back, in the mean-field approximation: units of a layer are Gaussian before its
 * activation, given what they share; weights are independent, of the mean and variance given; those met back are independent of those forward.
 */
export function traceMoments(
  nodes: readonly BodyNode[],
  moments: MomentsByName,
  { input, gradient }: { readonly input: Flow; readonly gradient: number },
): readonly TracedLayer[] {
  const layers: TracedLayer[] = [];
  const { output, back } = sequence(nodes, input, { layers, moments, residual: undefined });
  back({ second: gradient, meanSecond: gradient / widthOf(output) });
  return layers;
}

/** Layers whose moments no formula here gives. */
const RECURRENT: ReadonlySet<string> = new Set(["simple_rnn", "gru", "lstm", "bidirectional"]);

/** Whether `traceMoments` gets through a body: recurrent layers stop it. */
export function isTraceable(nodes: readonly BodyNode[]): boolean {
  return nodes.every(({ kind, branch }) => !RECURRENT.has(kind) && isTraceable(branch));
}

/** A gradient on its way back. */
interface Gradient {
  readonly second: number;
  /** Second moment over the rows of the mean over a row's units. */
  readonly meanSecond: number;
}

/** What a layer gives, and how a gradient goes back through it. */
interface Step {
  readonly output: Flow;
  readonly back: (gradient: Gradient) => Gradient;
}

interface Context {
  readonly layers: TracedLayer[];
  readonly moments: MomentsByName;
  readonly residual: string | undefined;
}

function sequence(nodes: readonly BodyNode[], input: Flow, context: Context): Step {
  const steps: Step[] = [];
  for (const node of nodes) steps.push(stepOf(node, steps.at(-1)?.output ?? input, context));
  return {
    output: steps.at(-1)?.output ?? input,
    back: (gradient) => steps.reduceRight((g, step) => step.back(g), gradient),
  };
}

function stepOf(node: BodyNode, input: Flow, context: Context): Step {
  const { moments, residual, layers } = context;
  const { path, kind, config } = node;
  const record = (output: Flow, more: Pick<TracedLayer, "affine" | "branch"> = {}): TracedLayer => {
    const layer = { node, residual, input, output, ...more, gradient: 0, preActivationGradient: 0 };
    layers.push(layer);
    return layer;
  };
  const elementwise = (fn: ActivationFunction): Step => {
    const activated = activate(fn, input);
    const { output } = activated;
    const layer = record(output);
    return { output, back: (gradient) => backThrough(activated, gradient, layer) };
  };
  const scaled = (factor: number, meanFactor: number): Step => {
    const output = {
      ...input,
      mean: meanFactor * input.mean,
      meanVariance: factor * input.meanVariance,
      second: factor * input.second,
    };
    const layer = record(output);
    return {
      output,
      back(gradient) {
        note(layer, gradient, gradient);
        return times(gradient, factor);
      },
    };
  };
  if (RECURRENT.has(kind)) {
    throw new RangeError(
      `predict: no prediction is known for the layer "${kind}" of ${path}: its gates depend on the sequence; measure with signals`,
    );
  }
  const shifted = (output: Flow): Step => {
    const layer = record(output);
    return {
      output,
      back(gradient) {
        note(layer, gradient, gradient);
        return gradient;
      },
    };
  };
  const kernel = kernelOf(node, moments);
  if (kernel !== undefined) {
    const bias = moments.get(`${path}/bias`);
    const image = convPlan(path, config, input.shape);
    const units = image?.shape.at(-1) ?? (config.units as number | undefined) ?? kernel.fanOut;
    // A patch is like the input; zeros beyond an edge are left out of account.
    const patch = image === undefined ? input : { ...input, shape: image.shape };
    const unbiased = affine(patch, kernel, undefined, units);
    const biased = bias === undefined ? unbiased : affine(patch, kernel, bias, units);
    const fn = activationFunction((config.activation ?? "linear") as unknown as ActivationSpec);
    const activated = activate(fn, biased);
    const { output } = activated;
    const layer = record(output, { affine: { biased, unbiased } });
    return {
      output,
      back(gradient) {
        const dz = backThrough(activated, gradient, layer);
        const common = (kernel.fanOut * kernel.mean) ** 2 * dz.meanSecond;
        const own = kernel.fanOut * kernel.variance * dz.second;
        return { second: common + own, meanSecond: common + own / widthOf(input) };
      },
    };
  }
  const pooled = poolPlan(path, config, input.shape);
  if (pooled !== undefined) {
    // The values of a window are taken for independent Gaussians.
    const isMax = /max/i.test(kind);
    const own = Math.max(0, input.second - input.mean ** 2 - input.meanVariance);
    const of = isMax ? greatestOf(pooled.taps) : { mean: 0, variance: 1 / pooled.taps };
    const mean = input.mean + of.mean * Math.sqrt(own);
    const second = mean * mean + input.meanVariance + of.variance * own;
    const output = { ...input, shape: pooled.shape, mean, second };
    const layer = record(output);
    // Outputs for each input; a mean gives each of its inputs 1 / taps.
    const density = sizeOf(pooled.shape) / sizeOf(input.shape);
    return {
      output,
      back(gradient) {
        note(layer, gradient, gradient);
        return times(gradient, isMax ? density : density / pooled.taps);
      },
    };
  }
  const depthwise = moments.get(`${path}/depthwise_kernel`);
  const pointwise = moments.get(`${path}/pointwise_kernel`);
  if (depthwise !== undefined && pointwise !== undefined) {
    const plan = { ...config, kind: "depthwiseConv2d" };
    const shape = convPlan(path, plan, input.shape)?.shape ?? input.shape;
    const filters = Number(config.filters);
    const between = affine({ ...input, shape }, depthwise, undefined, shape.at(-1) ?? 1);
    const unbiased = affine(between, pointwise, undefined, filters);
    const biased = affine(between, pointwise, moments.get(`${path}/bias`), filters);
    const activated = activate(
      activationFunction(config.activation as unknown as ActivationSpec),
      biased,
    );
    const { output } = activated;
    const layer = record(output, { affine: { biased, unbiased } });
    return {
      output,
      back(gradient) {
        const dz = backThrough(activated, gradient, layer);
        const own = (kernel: ParamMoments) =>
          kernel.fanOut * (kernel.variance + kernel.fanOut * kernel.mean ** 2);
        return times(dz, own(pointwise) * own(depthwise));
      },
    };
  }
  switch (kind) {
    case "upSampling2d": {
      const { size } = config;
      const [rows = 1, columns = 1] = (typeof size === "number" ? [size, size] : size) as number[];
      const [height = 1, width = 1, channels = 1] = input.shape;
      const shape = [height * rows, width * columns, channels];
      const back = (gradient: Gradient) => times(gradient, rows * columns);
      return { output: { ...input, shape }, back };
    }
    case "residual": {
      const past = sequence(node.shortcut ?? [], input, context);
      const { output: branch, back } = sequence(node.branch, input, { ...context, residual: path });
      const sum = {
        ...past.output,
        mean: past.output.mean + branch.mean,
        meanVariance: past.output.meanVariance + branch.meanVariance,
        second: past.output.second + 2 * past.output.mean * branch.mean + branch.second,
      };
      const own = (config.activation ?? { name: "linear", alpha: 0 }) as unknown as ActivationSpec;
      const isLinear = own.name === "linear";
      const activated = isLinear ? undefined : activate(activationFunction(own), sum);
      const output = activated?.output ?? sum;
      const layer = record(output, { branch });
      return {
        output,
        back(dy) {
          if (activated === undefined) note(layer, dy, dy);
          const gradient = activated === undefined ? dy : backThrough(activated, dy, layer);
          const [through, beside] = [back(gradient), past.back(gradient)];
          return {
            second: beside.second + through.second,
            meanSecond: beside.meanSecond + through.meanSecond,
          };
        },
      };
    }
    case "activation":
      return elementwise(activationFunction(config.activation as unknown as ActivationSpec));
    case "prelu": {
      const alpha = moments.get(`${path}/slope`)?.mean ?? 0;
      return elementwise(activationFunction({ name: "prelu", alpha }));
    }
    case "scale": {
      const { mean, variance } = moments.get(`${path}/scale`) ?? { mean: 1, variance: 0 };
      return scaled(mean * mean + variance, mean);
    }
    case "batch_norm":
    case "layer_norm":
    case "rms_norm":
    case "group_norm": {
      const { output, factor } = normalise(node, input, moments);
      const layer = record(output);
      return {
        output,
        back(gradient) {
          note(layer, gradient, gradient);
          return times(gradient, factor);
        },
      };
    }
    case "bias": {
      const { mean = 0 } = moments.get(`${path}/bias`) ?? {};
      return shifted({
        ...input,
        mean: input.mean + mean,
        second: input.second + 2 * mean * input.mean + mean * mean,
      });
    }
    case "alpha_dropout":
      // It keeps mean 0 and variance 1, which is what comes from selu.
      return scaled(1, 1);
    case "gaussian_noise": {
      const variance = Number(config.std) ** 2;
      const meanVariance = input.meanVariance + variance / widthOf(input);
      return shifted({ ...input, meanVariance, second: input.second + variance });
    }
    case "spatial_dropout":
    case "gaussian_dropout":
    case "dropout":
      // What is kept is divided by 1 - rate.
      return scaled(1 / (1 - Number(config.rate)), 1);
    case "flatten": {
      const size = input.shape.reduce((product, n) => product * n, 1);
      const meanVariance = (input.meanVariance * (input.shape.at(-1) ?? 1)) / size;
      return { output: { ...input, shape: [size], meanVariance }, back: (gradient) => gradient };
    }
    case "pixelShuffle": {
      const [height = 1, width = 1, channels = 1] = input.shape;
      const f = Number(config.factor);
      const shape = [height * f, width * f, channels / f ** 2];
      return { output: { ...input, shape }, back: (gradient) => gradient };
    }
    case "input":
      return { output: input, back: (gradient) => gradient };
    // Embeddings, attention and graphs have no prediction: refused like what is not known.
    default:
      throw new RangeError(`predict: no prediction is known for the layer "${kind}" of ${path}`);
  }
}

/** A layer's kernel as its products see it: what a `kernelNorm` makes of it. */
function kernelOf({ path, config }: BodyNode, moments: MomentsByName): ParamMoments | undefined {
  const kernel = moments.get(`${path}/kernel`);
  const gain = moments.get(`${path}/gain`);
  if (kernel === undefined || gain === undefined || config.kernelNorm === undefined) return kernel;
  const { mean, variance, fanIn } = kernel;
  const square = mean * mean + variance;
  if (square === 0) return kernel;
  const length = (gain.mean ** 2 + gain.variance) / fanIn;
  if (config.kernelNorm === "standardised") return { ...kernel, mean: 0, variance: length };
  const scaled = (gain.mean * mean) / Math.sqrt(fanIn * square);
  return { ...kernel, mean: scaled, variance: Math.max(0, length - scaled * scaled) };
}

/**
 * What a norm makes of a flow, and of the second moment of a gradient. Units being alike, batch norm takes each one's mean and variance
 * over the rows for those of all; layer and group norm take out what a row's units share.
 */
function normalise(
  { path, kind, config }: BodyNode,
  input: Flow,
  moments: MomentsByName,
): { readonly output: Flow; readonly factor: number } {
  const gain = moments.get(`${path}/gain`) ?? { mean: 1, variance: 0 };
  const bias = moments.get(`${path}/bias`) ?? { mean: 0, variance: 0 };
  const isRms = kind === "rms_norm";
  const shared = isRms || kind === "batch_norm" ? input.meanVariance : 0;
  const spread = isRms
    ? input.second
    : Math.max(0, input.second - input.mean ** 2 - (input.meanVariance - shared));
  const power = spread + Number(config.epsilon);
  const gainSquare = gain.mean ** 2 + gain.variance;
  const mean = isRms ? (gain.mean * input.mean) / Math.sqrt(power) : 0;
  return {
    factor: gainSquare / power,
    output: {
      ...input,
      mean: mean + bias.mean,
      meanVariance: (gain.mean ** 2 * shared) / power,
      second: (gainSquare * spread) / power + 2 * mean * bias.mean + bias.mean ** 2 + bias.variance,
    },
  };
}

function widthOf({ shape }: Flow): number {
  return shape.at(-1) ?? 1;
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, n) => product * n, 1);
}

/** Mean and variance of the greatest of n independent N(0, 1): its density is n phi Phi^(n - 1). */
function greatestOf(n: number): { readonly mean: number; readonly variance: number } {
  const step = 1 / 64;
  let below = 0; // Phi
  let [total, mean, second] = [0, 0, 0];
  for (let t = -8; t <= 8; t += step) {
    const density = Math.exp((-t * t) / 2) / Math.sqrt(2 * Math.PI);
    const weight = n * density * (below + (density * step) / 2) ** (n - 1) * step;
    below += density * step;
    total += weight;
    mean += weight * t;
    second += weight * t * t;
  }
  mean /= total;
  return { mean, variance: second / total - mean * mean };
}

function times({ second, meanSecond }: Gradient, factor: number): Gradient {
  return { second: factor * second, meanSecond: factor * meanSecond };
}

function note(layer: TracedLayer, dy: Gradient, dz: Gradient): void {
  layer.gradient = dy.second;
  layer.preActivationGradient = dz.second;
}

/** `dz = f'(z) dy` */
function backThrough(
  { output, slopeSecond, slopeMeanSquare }: Activated,
  dy: Gradient,
  layer: TracedLayer,
): Gradient {
  const common = slopeMeanSquare * dy.meanSecond;
  const second = slopeSecond * dy.second;
  const dz = { second, meanSecond: common + Math.max(0, second - common) / widthOf(output) };
  note(layer, dy, dz);
  return dz;
}

/**
 * `z = x W + b`: what the units share has mean `n mean(W) E[x] + E[b]`; each has its own N(0, n var(W) E[x^2] + var(b)), and a row's mean
 * takes a share of that.
 */
function affine(
  input: Flow,
  { mean, variance, fanIn }: ParamMoments,
  bias: ParamMoments | undefined,
  units: number,
): Flow {
  const sum = fanIn * mean;
  const common = sum * input.mean + (bias?.mean ?? 0);
  const commonVariance = sum * sum * input.meanVariance;
  // A product with an infinite moment: 0 weights give 0.
  const own = (variance > 0 ? fanIn * variance * input.second : 0) + (bias?.variance ?? 0);
  return {
    shape: [...input.shape.slice(0, -1), units],
    mean: common,
    meanVariance: commonVariance + own / units,
    second: common * common + commonVariance + own,
  };
}

/** f(x) of a flow. */
interface Activated {
  readonly output: Flow;
  /** `E[f'^2]` */
  readonly slopeSecond: number;
  /** Mean over the rows of `E[f']^2`. */
  readonly slopeMeanSquare: number;
}

export function activate(fn: ActivationFunction, x: Flow): Activated {
  const units = widthOf(x);
  const isHuge = !(x.second <= HUGE);
  // What overflows has the slopes of HUGE; what it shares is forgotten.
  const { mean, meanVariance, second } = isHuge ? { mean: 0, meanVariance: 0, second: HUGE } : x;
  const own = Math.max(0, second - mean * mean - meanVariance);
  let sums = { mean: 0, meanSquare: 0, second: 0, slopeSecond: 0, slopeMeanSquare: 0 };
  if (meanVariance <= LITTLE * own) {
    const f = shiftedMoments(fn, mean, own + meanVariance);
    sums = { ...f, meanSquare: f.mean ** 2, slopeMeanSquare: f.slopeMean ** 2 };
  } else {
    for (const { t, weight } of NODES) {
      const f = shiftedMoments(fn, mean + t * Math.sqrt(meanVariance), own);
      sums.mean += weight * f.mean;
      sums.meanSquare += weight * f.mean * f.mean;
      sums.second += weight * f.second;
      sums.slopeSecond += weight * f.slopeSecond;
      sums.slopeMeanSquare += weight * f.slopeMean ** 2;
    }
  }
  const isUnbounded = isHuge && sums.second > Math.sqrt(HUGE);
  const output = {
    shape: x.shape,
    mean: sums.mean,
    meanVariance:
      Math.max(0, sums.meanSquare - sums.mean ** 2) +
      Math.max(0, sums.second - sums.meanSquare) / units,
    second: isUnbounded ? Infinity : sums.second,
  };
  const { slopeSecond, slopeMeanSquare } = sums;
  return { output, slopeSecond, slopeMeanSquare };
}

/** A shared part this small beside a unit's own is one Gaussian with it. */
const LITTLE = 0.05;

/** Points and weights for the mean over N(0, 1): the trapezoidal rule, which converges faster than any power for it. */
const NODES = Array.from({ length: 25 }, (_, i) => (i - 12) / 2).map((t) => ({
  t,
  weight: Math.exp((-t * t) / 2) / (2 * Math.sqrt(2 * Math.PI)),
}));
