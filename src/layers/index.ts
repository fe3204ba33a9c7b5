export { activation, type NamedOptions, type PReluOptions, prelu } from "./activation.ts";
export { type AttentionOptions, multiHeadAttention } from "./attention.ts";
export {
  type BranchGain,
  type BranchGainLike,
  gainConfig,
  type ResidualOptions,
  residual,
  SHORTCUT,
  sequential,
} from "./containers.ts";
export { type Conv1dOptions, type Conv2dOptions, conv1d, conv2d } from "./conv.ts";
export {
  convTranspose2d,
  type DepthwiseConv2dOptions,
  depthwiseConv2d,
  type SeparableConv2dOptions,
  separableConv2d,
} from "./conv-kinds.ts";
export { type ConvPlan, convPlan, poolPlan } from "./conv-shape.ts";
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
export { initialGain, type KernelNorm } from "./kernel-norm.ts";
export { buildAll, type Layer, type LayerConfig, Scope } from "./layer.ts";
export {
  alphaDropout,
  type BiasOptions,
  bias,
  gaussianDropout,
  gaussianNoise,
  spatialDropout,
} from "./noise.ts";
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
export {
  averagePool1d,
  averagePool2d,
  globalAveragePool1d,
  globalAveragePool2d,
  globalMaxPool1d,
  globalMaxPool2d,
  maxPool1d,
  maxPool2d,
  type Pool1dOptions,
  type Pool2dOptions,
} from "./pool.ts";
export {
  type GruOptions,
  gru,
  type LstmOptions,
  lstm,
  type SimpleRnnOptions,
  simpleRnn,
} from "./recurrent.ts";
export { type BidirectionalOptions, bidirectional } from "./recurrent-bidirectional.ts";
export {
  type PixelShuffleOptions,
  pixelShuffle,
  type UpSampling2dOptions,
  upSampling2d,
} from "./resample.ts";
export { type ScaleOptions, scale } from "./scale.ts";
export { layerConfig } from "./serialise.ts";
export { dropout, flatten } from "./shape.ts";
export {
  type TransformerBlockOptions,
  transformerDecoderBlock,
  transformerEncoderBlock,
} from "./transformer.ts";
