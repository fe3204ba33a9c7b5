export { activation, type NamedOptions, type PReluOptions, prelu } from "./activation.ts";
export {
  type BranchGain,
  type BranchGainLike,
  gainConfig,
  type ResidualOptions,
  residual,
  SHORTCUT,
  sequential,
} from "./containers.ts";
export { type DenseOptions, dense } from "./dense.ts";
export { layerFromConfig } from "./from-config.ts";
export { checkShape, input } from "./input.ts";
export { initialGain, type KernelNorm } from "./kernel-norm.ts";
export type { Layer, LayerConfig } from "./layer.ts";
export { buildAll, Scope } from "./layer.ts";
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
export { type ScaleOptions, scale } from "./scale.ts";
export { layerConfig } from "./serialise.ts";
export { dropout, flatten } from "./shape.ts";
