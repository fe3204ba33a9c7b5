export { calibratedBias } from "./calibration.ts";
export { type Choice, defaultInitializer } from "./defaults.ts";
export { type Draw, type Theory, theoryOf, truncatedMoments } from "./draw.ts";
export { fill } from "./fill.ts";
export { gain } from "./gains.ts";
export {
  describeInitializer,
  describeRounded,
  type InitializerLike,
  initializer,
  type Resolved,
  resolve,
  schemeOf,
} from "./initializer.ts";
export { cdfOf } from "./law.ts";
export {
  applyPolicy,
  describePolicy,
  POLICIES,
  type Policy,
  type PolicyLike,
  type PolicyParam,
  type PolicyRow,
  policy,
} from "./policies/index.ts";
export {
  isPresetName,
  misreadFans,
  PRESETS,
  type Preset,
  type PresetLike,
  type PresetName,
  type PresetOptions,
  preset,
  presetInitializer,
  presetScheme,
  torchGain,
} from "./presets.ts";
export { SCHEMES } from "./schemes/index.ts";
export type { Family, Options, Scheme } from "./schemes/scheme.ts";
export { drawSlice, type Range } from "./slice.ts";
export {
  type AttentionOptions,
  attentionSpecs,
  bilinearSpec,
  type Cell,
  type ConvOptions,
  convSpec,
  convTransposeSpec,
  type DepthwiseOptions,
  denseSpec,
  depthwiseSpec,
  embeddingSpec,
  fusedAttentionSpecs,
  type LocalOptions,
  locallyConnectedSpec,
  matrix,
  normSpecs,
  type PixelShuffleOptions,
  pixelShuffleSpec,
  type RecurrentOptions,
  recurrentSpecs,
  type SeparableOptions,
  separableSpecs,
  vectorSpec,
} from "./specs.ts";
export { normalCdf } from "./theory/erf.ts";
export * from "./theory/index.ts";
export type {
  ActivationSpec,
  Initializer,
  LinearMap,
  ParamSpec,
  Role,
  Window,
} from "./types.ts";
export { type Verdict, verify } from "./verify.ts";
