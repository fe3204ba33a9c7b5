import { meanAndVariance, secondMoment } from "../core/moments.ts";
import { initializer, resolve } from "../init/initializer.ts";
import type { PolicyLike, PolicyParam } from "../init/policies/index.ts";
import { applyPolicy, policy } from "../init/policies/index.ts";
import { denseSpec, normSpecs, vectorSpec } from "../init/specs.ts";
import { FLOAT32_MAX } from "../init/theory/predict.ts";
import type { ActivationSpec, ParamSpec } from "../init/types.ts";
import type { KernelNorm, Layer } from "../layers/index.ts";
import { convPlan, initialGain } from "../layers/index.ts";
import { Network } from "../network/network.ts";
import type { BodyNode } from "./body.ts";
import { nodesOf } from "./body.ts";
import type { Flow, MomentsByName, TracedLayer } from "./trace.ts";
import { traceMoments } from "./trace.ts";

/** A network that need not exist: its parameters are expected to be what their initializers give. */
export interface BodyDescription {
  /** Shape of one example. */
  readonly input: readonly number[];
  readonly body: Layer;
  readonly policy?: PolicyLike;
}

export interface PredictNetworkOptions {
  /** A batch, whose mean, second moment and what a row's numbers share are taken. Default: independent numbers of mean 0 and variance 1. */
  readonly inputs?: ArrayLike<number>;
  /** Second moment of the gradient with respect to the output. Default 1. */
  readonly gradient?: number;
  /** Whether a network's parameters count as what they are now, or as their initializers. Default `values`. */
  readonly from?: "values" | "initializers";
}

/** What theory expects of a layer's output. */
export interface PredictedLayer {
  /** Path of the layer: `layer` of what `signals` and `Network.probe` give. */
  readonly layer: string;
  readonly kind: string;
  readonly residual: string | undefined;
  readonly mean: number;
  /** `E[y^2]` */
  readonly second: number;
  /** Over that of the layer's input. */
  readonly ratio: number;
  /** Second moment before the activation of the layer's own. */
  readonly preActivation: number;
  /** Second moment of the loss's gradient with respect to y, and to what goes into the activation. */
  readonly gradient: number;
  readonly preActivationGradient: number;
}

export interface NetworkPrediction {
  /** In the order of computation; a residual block comes after its branch. */
  readonly layers: readonly PredictedLayer[];
  /** The first layer whose output or pre-activation has a root mean square above the greatest float32. */
  readonly overflow: string | undefined;
  /** Why the numbers may be far off, where the weights are no draw and may go by the data; undefined where they are independent. */
  readonly warning: string | undefined;
}

/**
 * Means and second moments of a network layer by layer, forward and back, before anything is computed: residual blocks, learnt scales,
 * biases and weights whose mean is not 0 included. `signals` measures the same.
 *
 * The approximation is `predictSignal`'s; dropout is on, as in training. A single network of small width strays from it,
 * by a factor of about exp(±sqrt(5 depth / width)) with relu.
 *
 * That holds for weights that are independent of the data and of each other. Procedures (LSUV, Krähenbühl's) and training make them depend
 * on the data: the prediction then strays by any factor (7 for 1.1 after `lsuv` and 1e4 for 1 after `krahenbuhl` have been met). `warning` says
 * when that may be so; `signals` measures.
 */
export function predict(
  subject: Network | BodyDescription,
  { inputs, gradient = 1, from = "values" }: PredictNetworkOptions = {},
): NetworkPrediction {
  const isNetwork = subject instanceof Network;
  const shape = isNetwork ? subject.recipe.input : subject.input;
  const nodes = nodesOf(isNetwork ? subject.recipe.body : subject.body);
  const moments = isNetwork ? momentsOfNetwork(subject, from) : momentsOfBody(nodes, subject);
  const input = inputs === undefined ? standardInput(shape) : inputOf(inputs, shape);
  const layers = traceMoments(nodes, moments, { input, gradient });
  const overflow = layers.find(
    ({ output, affine }) => isOver(output.second) || isOver(affine?.biased.second ?? 0),
  );
  const warning = isNetwork && from === "values" ? dependenceOf(subject) : undefined;
  return { layers: layers.map(predictionOf), overflow: overflow?.node.path, warning };
}

function dependenceOf(network: Network): string | undefined {
  const given = network.explain().filter(({ why }) => why.by === "values");
  const [first] = given;
  if (first === undefined) return undefined;
  const more = given.length > 1 ? ` and ${given.length - 1} more` : "";
  return (
    `the values of ${first.name}${more} were set, trained or rescaled since they were drawn: where they depend on the data, ` +
    "theory, which takes weights for independent, may be far off; signals measures"
  );
}

function isOver(second: number): boolean {
  return !(Math.sqrt(second) <= FLOAT32_MAX);
}

function predictionOf(traced: TracedLayer): PredictedLayer {
  const { node, residual, input, output, affine, gradient, preActivationGradient } = traced;
  const hasActivation = node.kind === "activation" || node.kind === "prelu";
  return {
    ...{ layer: node.path, kind: node.kind, residual },
    ...{ mean: output.mean, second: output.second, ratio: output.second / input.second },
    preActivation: affine?.biased.second ?? (hasActivation ? input.second : output.second),
    ...{ gradient, preActivationGradient },
  };
}

/** Independent numbers of mean 0 and variance 1. */
export function standardInput(shape: readonly number[]): Flow {
  return { shape, mean: 0, meanVariance: 1 / (shape.at(-1) ?? 1), second: 1 };
}

function inputOf(inputs: ArrayLike<number>, shape: readonly number[]): Flow {
  const width = shape.at(-1) ?? 1;
  const rows = inputs.length / width;
  if (!(Number.isInteger(rows) && rows > 0)) {
    throw new RangeError(
      `predict: inputs: expected rows of shape [${shape}], got ${inputs.length} numbers`,
    );
  }
  const means = Float64Array.from({ length: rows }, (_, row) => {
    let sum = 0;
    for (let i = 0; i < width; i++) sum += inputs[row * width + i]!;
    return sum / width;
  });
  const { mean, variance } = meanAndVariance(means);
  return { shape, mean, meanVariance: variance, second: secondMoment(inputs) };
}

/** The moments of a network's parameters: of their values, or of the laws these are drawn from. */
export function momentsOfNetwork(
  network: Network,
  from: "values" | "initializers" = "values",
): MomentsByName {
  return new Map(
    network.parameters.map(({ name, spec, initializer }) => {
      const { fanIn, fanOut } = spec;
      if (from === "initializers") return [name, expected({ spec, initializer })];
      return [name, { ...meanAndVariance(network.weights(name)), fanIn, fanOut }];
    }),
  );
}

function expected({ spec, initializer }: Pick<PolicyParam, "spec" | "initializer">) {
  const { mean, std } = resolve(initializer, spec).theory;
  return { mean, variance: std * std, fanIn: spec.fanIn, fanOut: spec.fanOut };
}

function momentsOfBody(
  nodes: readonly BodyNode[],
  { input, policy: like }: BodyDescription,
): MomentsByName {
  const params: PolicyParam[] = [];
  declare(nodes, input, params, undefined);
  const chosen =
    like === undefined
      ? params.map((param) => param.initializer)
      : applyPolicy(policy(like), params);
  return new Map(
    params.map(({ name, spec }, i) => [name, expected({ spec, initializer: chosen[i]! })]),
  );
}

/** The parameters that building would ask for; gives the shape of the output. */
function declare(
  nodes: readonly BodyNode[],
  input: readonly number[],
  params: PolicyParam[],
  residual: string | undefined,
): readonly number[] {
  const add = (name: string, spec: ParamSpec, like: string) => {
    const placed = residual === undefined ? spec : { ...spec, residual };
    params.push({ name, spec: placed, initializer: initializer(like) });
  };
  return nodes.reduce<readonly number[]>((shape, { path, kind, config, branch, shortcut }) => {
    const activation = (config.activation ?? LINEAR) as unknown as ActivationSpec;
    const vector = denseSpec(1, 1, LINEAR);
    switch (kind) {
      case "dense": {
        const units = Number(config.units);
        const spec = denseSpec(shape.at(-1) ?? 1, units, activation);
        add(`${path}/kernel`, spec, String(config.kernelInitializer));
        if (config.useBias !== false) {
          add(`${path}/bias`, vectorSpec(spec, "bias", units), String(config.biasInitializer));
        }
        if (config.kernelNorm !== undefined) {
          const { initializer: drawn } = params.find(({ name }) => name === `${path}/kernel`)!;
          const value = initialGain({ spec, initializer: drawn }, config.kernelNorm as KernelNorm);
          add(`${path}/gain`, vectorSpec(spec, "gain", units), `constant:value=${value}`);
        }
        return [...shape.slice(0, -1), units];
      }
      case "conv1d":
      case "conv2d":
      case "convTranspose2d":
      case "depthwiseConv2d": {
        const plan = convPlan(path, config, shape);
        if (plan === undefined) return shape;
        const filters = plan.shape.at(-1) ?? 1;
        add(`${path}/kernel`, plan.spec, String(config.kernelInitializer));
        if (config.useBias !== false) {
          const bias = vectorSpec(plan.spec, "bias", filters);
          add(`${path}/bias`, bias, String(config.biasInitializer));
        }
        return plan.shape;
      }
      case "scale":
      case "prelu": {
        const [role, part, value] =
          kind === "scale"
            ? (["gain", "scale", config.initial] as const)
            : (["slope", "slope", config.slope] as const);
        const size = config.perChannel === true ? (shape.at(-1) ?? 1) : 1;
        const spec = { ...vectorSpec(vector, role, size), layer: kind };
        add(`${path}/${part}`, spec, `constant:value=${String(value)}`);
        return shape;
      }
      case "residual":
        declare(shortcut ?? [], shape, params, residual);
        return declare(branch, shape, params, path);
      case "batch_norm":
      case "layer_norm":
      case "rms_norm":
      case "group_norm": {
        const specs = normSpecs(shape.at(-1) ?? 1);
        if (config.scale !== false) {
          add(`${path}/gain`, specs.gain, String(config.gainInitializer));
        }
        if (config.center !== false && kind !== "rms_norm") {
          add(`${path}/bias`, specs.bias, String(config.biasInitializer));
        }
        return shape;
      }
      case "bias":
        add(
          `${path}/bias`,
          { ...vectorSpec(vector, "bias", 1), layer: kind },
          `constant:value=${String(config.initial)}`,
        );
        return shape;
      case "flatten":
        return [shape.reduce((product, n) => product * n, 1)];
      case "embedding":
      case "positional_embedding":
      case "tied_dense":
      case "multi_head_attention":
      case "transformer_encoder_block":
      case "transformer_decoder_block":
      case "graph":
        throw new RangeError(`predict: no prediction is known for the layer "${kind}" of ${path}`);
      default:
        return shape;
    }
  }, input);
}

const LINEAR: ActivationSpec = { name: "linear", alpha: 0 };
