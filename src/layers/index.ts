export { activation, type NamedOptions, type PReluOptions, prelu } from "./activation.ts";
export { type AttentionOptions, multiHeadAttention } from "./attention.ts";
export { residual, sequential } from "./containers.ts";
export { type DenseOptions, dense } from "./dense.ts";
export {
  type EmbeddingOptions,
  embedding,
  type PositionalEmbeddingOptions,
  positionalEmbedding,
  type TiedDenseOptions,
  tiedDense,
} from "./embedding.ts";
export { layerFromConfig } from "./from-config.ts";
export { type GraphBuilder, type GraphNode, type GraphStep, graph, graphInputs } from "./graph.ts";
export { checkShape, input } from "./input.ts";
export type { KernelNorm } from "./kernel-norm.ts";
export type { Layer, LayerConfig } from "./layer.ts";
export { buildAll, Scope } from "./layer.ts";
export {
  type BatchNormOptions,
  batchNorm,
  type GroupNormOptions,
  groupNorm,
  instanceNorm,
  layerNorm,
  type NormOptions,
  rmsNorm,
} from "./norm.ts";
export { type ScaleOptions, scale } from "./scale.ts";
export { layerConfig } from "./serialise.ts";
export { dropout, flatten } from "./shape.ts";
export {
  type TransformerBlockOptions,
  transformerDecoderBlock,
  transformerEncoderBlock,
} from "./transformer.ts";
