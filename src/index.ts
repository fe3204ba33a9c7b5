export { OutOfMemoryError } from "./core/arena.ts";
export type { CoreOptions } from "./core/core.ts";
export type { Variant } from "./core/variants.ts";
export * from "./data/index.ts";
export { type InitializerLike, initializer } from "./init/initializer.ts";
export type { Policy, PolicyLike } from "./init/policies/index.ts";
export type { PresetLike, PresetName } from "./init/presets.ts";
export type { Initializer, ParamSpec } from "./init/types.ts";
export {
  type AttentionOptions,
  activation,
  alphaDropout,
  averagePool1d,
  averagePool2d,
  type BatchNormOptions,
  type BiasOptions,
  type BidirectionalOptions,
  type BranchGain,
  type BranchGainLike,
  batchNorm,
  bias,
  bidirectional,
  type Conv1dOptions,
  type Conv2dOptions,
  conv1d,
  conv2d,
  convTranspose2d,
  type DenseOptions,
  type DepthwiseConv2dOptions,
  dense,
  depthwiseConv2d,
  dropout,
  type EmbeddingOptions,
  embedding,
  flatten,
  type GraphBuilder,
  type GraphNode,
  type GroupNormOptions,
  type GruOptions,
  gaussianDropout,
  gaussianNoise,
  globalAveragePool1d,
  globalAveragePool2d,
  globalMaxPool1d,
  globalMaxPool2d,
  graph,
  groupNorm,
  gru,
  input,
  instanceNorm,
  type KernelNorm,
  type Layer,
  type LstmOptions,
  layerConfig,
  layerFromConfig,
  layerNorm,
  lstm,
  maxPool1d,
  maxPool2d,
  multiHeadAttention,
  type NamedOptions,
  type NormOptions,
  type PixelShuffleOptions,
  type Pool1dOptions,
  type Pool2dOptions,
  type PositionalEmbeddingOptions,
  type PReluOptions,
  pixelShuffle,
  positionalEmbedding,
  prelu,
  type ResidualOptions,
  residual,
  rmsNorm,
  type ScaleOptions,
  type SeparableConv2dOptions,
  type SimpleRnnOptions,
  scale,
  separableConv2d,
  sequential,
  simpleRnn,
  spatialDropout,
  type TiedDenseOptions,
  type TransformerBlockOptions,
  tiedDense,
  transformerDecoderBlock,
  transformerEncoderBlock,
  type UpSampling2dOptions,
  upSampling2d,
} from "./layers/index.ts";
export {
  binaryCrossEntropy,
  huber,
  type Loss,
  meanAbsoluteError,
  meanSquaredError,
  softmaxCrossEntropy,
} from "./losses/index.ts";
export type { Augmentation } from "./network/augment.ts";
export { type CheckpointCode, CheckpointError } from "./network/checkpoint-error.ts";
export { type Divergence, describeDivergence } from "./network/divergence.ts";
export type { EarlyStopping } from "./network/early-stopping.ts";
export type { Explanation, Measured, Why } from "./network/explain.ts";
export type { CheckpointOptions, FitOptions, Metrics, Tick } from "./network/fit.ts";
export type { ParameterGroup } from "./network/groups.ts";
export type { ClassReport, ClassScores, Measures, MetricName } from "./network/metrics.ts";
/** Metrics of predictions against targets: pure functions of arrays. */
export * as metrics from "./network/metrics.ts";
export {
  type LoadOptions,
  Network,
  type NetworkOptions,
  type Parameter,
  type ProbedTensor,
} from "./network/network.ts";
export {
  type LoadReport,
  type LoadWeightsOptions,
  loadWeights,
  type SelectWeightsOptions,
  type ShapeMismatch,
  selectWeights,
} from "./network/pretrained.ts";
export {
  type Batch,
  calibrateBias,
  gradInit,
  type InputBatch,
  krahenbuhl,
  type LayerReport,
  type LsuvReport,
  lsuv,
  metaInit,
  type ShrinkPerturbOptions,
  shrinkPerturb,
  weightNormInit,
} from "./network/procedures/index.ts";
export type {
  InstructionCost,
  InstructionProfile,
  Profile,
  ProfileOptions,
} from "./network/profile.ts";
export {
  floatsOf,
  readSafetensors,
  SafetensorsError,
  type StoredTensor,
  writeSafetensors,
} from "./network/safetensors.ts";
export type { StreamBatch, StreamOptions } from "./network/stream.ts";
export { widenFrom } from "./network/widen.ts";
export { WorkerLostError } from "./network/worker-lost.ts";
export { ACTIVATIONS, type ActivationLike, type ActivationName } from "./ops/activation.ts";
export {
  type AdamOptions,
  adam,
  adamw,
  type CommonOptions,
  constantRate,
  cosineDecay,
  lion,
  type MomentumOptions,
  momentum,
  nesterov,
  type Optimizer,
  type RmspropOptions,
  rmsprop,
  type Schedule,
  sgd,
  stepDecay,
} from "./optim/index.ts";
export { version } from "./version.ts";
