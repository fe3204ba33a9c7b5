export {
  type CalibrateBiasOptions,
  calibrateBias,
  normaliseChannels,
  weightNormInit,
} from "./channels.ts";
export {
  type FirstStepOptions,
  firstStepLoss,
  type GradInitOptions,
  gradInit,
} from "./grad-init.ts";
export { type KrahenbuhlOptions, krahenbuhl } from "./krahenbuhl.ts";
export type { Batch, InputBatch, LayerReport } from "./layers.ts";
export { type LsuvOptions, type LsuvReport, lsuv } from "./lsuv.ts";
export { gradientQuotient, type MetaInitOptions, metaInit } from "./meta-init.ts";
export { type ShrinkPerturbOptions, shrinkPerturb } from "./shrink-perturb.ts";
