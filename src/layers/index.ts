export { activation, type NamedOptions, type PReluOptions, prelu } from "./activation.ts";
export { residual, sequential } from "./containers.ts";
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
export { layerFromConfig } from "./from-config.ts";
export { checkShape, input } from "./input.ts";
export type { Layer, LayerConfig } from "./layer.ts";
export { buildAll, Scope } from "./layer.ts";
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
  type PixelShuffleOptions,
  pixelShuffle,
  type UpSampling2dOptions,
  upSampling2d,
} from "./resample.ts";
export { type ScaleOptions, scale } from "./scale.ts";
export { layerConfig } from "./serialise.ts";
export { dropout, flatten } from "./shape.ts";
