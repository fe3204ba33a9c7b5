import type { ActivationLike } from "../ops/activation.ts";
import { activation, prelu } from "./activation.ts";
import { multiHeadAttention } from "./attention.ts";
import type { BranchGain } from "./containers.ts";
import { residual, sequential } from "./containers.ts";
import { dense } from "./dense.ts";
import { embedding, positionalEmbedding, tiedDense } from "./embedding.ts";
import { CONV_FACTORIES } from "./from-config-conv.ts";
import type { GraphStep } from "./graph.ts";
import { graphOf } from "./graph.ts";
import { input } from "./input.ts";
import type { KernelNorm } from "./kernel-norm.ts";
import type { Config, Layer, LayerConfig } from "./layer.ts";
import { alphaDropout, bias, gaussianDropout, gaussianNoise, spatialDropout } from "./noise.ts";
import type { NormOptions } from "./norm.ts";
import { batchNorm, groupNorm, layerNorm, rmsNorm } from "./norm.ts";
import { recurrentFromConfig } from "./recurrent.ts";
import type { BidirectionalOptions } from "./recurrent-bidirectional.ts";
import { bidirectional } from "./recurrent-bidirectional.ts";
import { scale } from "./scale.ts";
import { dropout, flatten } from "./shape.ts";
import type { TransformerBlockOptions } from "./transformer.ts";
import { transformerDecoderBlock, transformerEncoderBlock } from "./transformer.ts";

/** Deepest nesting of containers that is read from data. */
const MAX_DEPTH = 256;

/** The layer that `layerConfig` described. Throws a `TypeError` where the data is not such a description. */
export function layerFromConfig(config: Config | undefined, where = "layer", depth = 0): Layer {
  if (depth > MAX_DEPTH)
    throw new RangeError(`${where}: containers are nested more than ${MAX_DEPTH} deep`);
  const record = object(config, where);
  const kind = text(record, "kind", where);
  const make = Object.hasOwn(FACTORIES, kind) ? FACTORIES[kind] : undefined;
  if (make === undefined) {
    throw new TypeError(
      `${where}: there is no layer "${kind}"; there are ${Object.keys(FACTORIES).join(", ")}`,
    );
  }
  return make(record, where, depth);
}

type Factory = (config: LayerConfig, where: string, depth: number) => Layer;

const FACTORIES: Readonly<Record<string, Factory>> = {
  input: (c, where) => input(list(c, "shape", where).map((size) => size as number)),
  dense: (c, where) =>
    dense(number(c, "units", where), {
      ...named(c, where),
      activation: c.activation as ActivationLike,
      useBias: c.useBias !== false,
      kernelInitializer: text(c, "kernelInitializer", where),
      biasInitializer: text(c, "biasInitializer", where),
      ...(c.kernelNorm === undefined ? {} : { kernelNorm: c.kernelNorm as KernelNorm }),
    }),
  activation: (c, where) => activation(c.activation as ActivationLike, named(c, where)),
  prelu: (c, where) =>
    prelu({
      ...named(c, where),
      slope: number(c, "slope", where),
      perChannel: c.perChannel === true,
    }),
  scale: (c, where) =>
    scale({
      ...named(c, where),
      initial: number(c, "initial", where),
      perChannel: c.perChannel === true,
    }),
  flatten: (c, where) => flatten(named(c, where)),
  dropout: (c, where) => dropout(number(c, "rate", where), named(c, where)),
  sequential: (c, where, depth) =>
    sequential(
      ...list(c, "layers", where).map((layer, i) =>
        layerFromConfig(layer, `${where}.layers[${i}]`, depth + 1),
      ),
    ),
  residual: (c, where, depth) =>
    residual(layerFromConfig(c.body, `${where}.body`, depth + 1), {
      ...named(c, where),
      ...(c.shortcut === undefined
        ? {}
        : { shortcut: layerFromConfig(c.shortcut, `${where}.shortcut`, depth + 1) }),
      ...(c.activation === undefined ? {} : { activation: c.activation as ActivationLike }),
      ...(c.gain === undefined ? {} : { gain: c.gain as Partial<BranchGain> }),
    }),
  batch_norm: (c, where) =>
    batchNorm({
      ...norm(c, where),
      momentum: number(c, "momentum", where),
      unbiased: c.unbiased !== false,
    }),
  layer_norm: (c, where) => layerNorm(norm(c, where)),
  rms_norm: (c, where) => {
    const { center: _, biasInitializer: __, ...options } = norm(c, where);
    return rmsNorm(options);
  },
  alpha_dropout: (c, where) => alphaDropout(number(c, "rate", where), named(c, where)),
  spatial_dropout: (c, where) => spatialDropout(number(c, "rate", where), named(c, where)),
  gaussian_dropout: (c, where) => gaussianDropout(number(c, "rate", where), named(c, where)),
  gaussian_noise: (c, where) => gaussianNoise(number(c, "std", where), named(c, where)),
  bias: (c, where) => bias({ ...named(c, where), initial: number(c, "initial", where) }),
  group_norm: (c, where) =>
    groupNorm({
      ...norm(c, where),
      groups: c.groups === "channels" ? "channels" : number(c, "groups", where),
    }),
  simple_rnn: recurrent,
  gru: recurrent,
  lstm: recurrent,
  bidirectional: (c, where, depth) =>
    bidirectional(layerFromConfig(c.layer, `${where}.layer`, depth + 1), {
      ...named(c, where),
      merge: text(c, "merge", where) as NonNullable<BidirectionalOptions["merge"]>,
    }),
  ...CONV_FACTORIES,
  embedding: (c, where) => embeddingFrom(c, where),
  positional_embedding: (c, where) => positionalFrom(c, where),
  tied_dense: (c, where) => tiedFrom(c, where),
  multi_head_attention: (c, where) => attentionFrom(c, where),
  graph: (c, where, depth) => graphFrom(c, where, depth),
  transformer_encoder_block: (c, where) => transformerEncoderBlock(blockFrom(c, where)),
  transformer_decoder_block: (c, where) => transformerDecoderBlock(blockFrom(c, where)),
};

/** What the norms have in common; initializers that are the defaults count as not asked for. */
function norm(c: LayerConfig, where: string): NormOptions {
  const asked = (key: string, usual: string) =>
    c[key] === undefined || c[key] === usual ? {} : { [key]: text(c, key, where) };
  return {
    ...named(c, where),
    epsilon: number(c, "epsilon", where),
    scale: c.scale !== false,
    center: c.center !== false,
    ...asked("gainInitializer", "ones"),
    ...asked("biasInitializer", "zeros"),
  };
}

function recurrent(config: LayerConfig, where: string): Layer {
  number(config, "units", where);
  for (const role of ["kernel", "recurrent", "bias"]) text(config, `${role}Initializer`, where);
  named(config, where);
  return recurrentFromConfig(config);
}

// Attention, embeddings, graphs.
function embeddingFrom(c: LayerConfig, where: string): Layer {
  const embeddingInitializer = text(c, "embeddingInitializer", where);
  const options = { ...named(c, where), maskZero: c.maskZero === true, embeddingInitializer };
  return embedding(number(c, "vocabulary", where), number(c, "units", where), options);
}

function positionalFrom(c: LayerConfig, where: string): Layer {
  return positionalEmbedding({
    ...named(c, where),
    encoding: text(c, "encoding", where) as "learned" | "sinusoidal",
    embeddingInitializer: text(c, "embeddingInitializer", where),
  });
}

function tiedFrom(c: LayerConfig, where: string): Layer {
  return tiedDense(text(c, "embedding", where), {
    ...named(c, where),
    useBias: c.useBias !== false,
    biasInitializer: text(c, "biasInitializer", where),
  });
}

function attentionFrom(c: LayerConfig, where: string): Layer {
  return multiHeadAttention({
    ...named(c, where),
    heads: number(c, "heads", where),
    ...(c.keyDim === undefined ? {} : { keyDim: number(c, "keyDim", where) }),
    causal: c.causal === true,
    dropout: number(c, "dropout", where),
    useBias: c.useBias !== false,
    kernelInitializer: text(c, "kernelInitializer", where),
    biasInitializer: text(c, "biasInitializer", where),
  });
}

function blockFrom(c: LayerConfig, where: string): TransformerBlockOptions {
  return {
    ...named(c, where),
    heads: number(c, "heads", where),
    ...(c.keyDim === undefined ? {} : { keyDim: number(c, "keyDim", where) }),
    causal: c.causal === true,
    norm: text(c, "norm", where) as "pre" | "post",
    expansion: number(c, "expansion", where),
    activation: c.activation as ActivationLike,
    dropout: number(c, "dropout", where),
    epsilon: number(c, "epsilon", where),
  };
}

function graphFrom(c: LayerConfig, where: string, depth: number): Layer {
  const steps = list(c, "steps", where).map((step, i) => object(step, `${where}.steps[${i}]`));
  const parts = list(c, "parts", where).map((part, i) =>
    layerFromConfig(part, `${where}.parts[${i}]`, depth + 1),
  );
  const outputs = list(c, "outputs", where).map((i) => i as number);
  return graphOf({ steps: steps as unknown as GraphStep[], parts, outputs }, named(c, where));
}

function object(value: Config | undefined, where: string): LayerConfig {
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    throw new TypeError(`${where}: expected a layer's description, got ${JSON.stringify(value)}`);
  }
  return value as LayerConfig;
}

function text(config: LayerConfig, key: string, where: string): string {
  const value = config[key];
  if (typeof value === "string") return value;
  throw new TypeError(`${where}.${key}: expected text, got ${JSON.stringify(value)}`);
}

function number(config: LayerConfig, key: string, where: string): number {
  const value = config[key];
  if (typeof value === "number") return value;
  throw new TypeError(`${where}.${key}: expected a number, got ${JSON.stringify(value)}`);
}

function list(config: LayerConfig, key: string, where: string): readonly Config[] {
  const value = config[key];
  if (Array.isArray(value)) return value;
  throw new TypeError(`${where}.${key}: expected a list, got ${JSON.stringify(value)}`);
}

function named(config: LayerConfig, where: string): { readonly name?: string } {
  return config.name === undefined ? {} : { name: text(config, "name", where) };
}
