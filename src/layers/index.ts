export { activation, type NamedOptions, type PReluOptions, prelu } from "./activation.ts";
export { residual, sequential } from "./containers.ts";
export { type Conv1dOptions, type Conv2dOptions, conv1d, conv2d } from "./conv.ts";
export { type DenseOptions, dense } from "./dense.ts";
export { layerFromConfig } from "./from-config.ts";
export { checkShape, input } from "./input.ts";
export type { KernelNorm } from "./kernel-norm.ts";
export { buildAll, type Layer, type LayerConfig, Scope } from "./layer.ts";
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
  type GruOptions,
  gru,
  type LstmOptions,
  lstm,
  type SimpleRnnOptions,
  simpleRnn,
} from "./recurrent.ts";
export { type BidirectionalOptions, bidirectional } from "./recurrent-bidirectional.ts";
export { type ScaleOptions, scale } from "./scale.ts";
export { layerConfig } from "./serialise.ts";
export { dropout, flatten } from "./shape.ts";
