export { OutOfMemoryError } from "./core/arena.ts";
export type { CoreOptions } from "./core/core.ts";
export type { Variant } from "./core/variants.ts";
export * from "./data/index.ts";
export { type InitializerLike, initializer } from "./init/initializer.ts";
export type { Policy, PolicyLike } from "./init/policies/index.ts";
export type { PresetLike, PresetName } from "./init/presets.ts";
export type { Initializer, ParamSpec } from "./init/types.ts";
export {
  activation,
  type DenseOptions,
  dense,
  dropout,
  flatten,
  input,
  type Layer,
  layerConfig,
  layerFromConfig,
  type NamedOptions,
  type PReluOptions,
  prelu,
  residual,
  type ScaleOptions,
  scale,
  sequential,
} from "./layers/index.ts";
export {
  binaryCrossEntropy,
  huber,
  type Loss,
  meanAbsoluteError,
  meanSquaredError,
  softmaxCrossEntropy,
} from "./losses/index.ts";
export { type Divergence, describeDivergence } from "./network/divergence.ts";
export type { Explanation, Measured, Why } from "./network/explain.ts";
export type { FitOptions, Metrics, Tick } from "./network/fit.ts";
export type { ParameterGroup } from "./network/groups.ts";
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
