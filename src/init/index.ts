export { calibratedBias } from "./calibration.ts";
export { type Draw, type Theory, theoryOf, truncatedMoments } from "./draw.ts";
export { fill } from "./fill.ts";
export { gain } from "./gains.ts";
export {
  describeInitializer,
  type InitializerLike,
  initializer,
  type Resolved,
  resolve,
  schemeOf,
} from "./initializer.ts";
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
export { SCHEMES } from "./schemes/index.ts";
export type { Family, Options, Scheme } from "./schemes/scheme.ts";
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
  denseSpec,
  depthwiseSpec,
  embeddingSpec,
  fusedAttentionSpecs,
  type LocalOptions,
  locallyConnectedSpec,
  matrix,
  matrix,
  normSpecs,
  type PixelShuffleOptions,
  pixelShuffleSpec,
  type RecurrentOptions,
  recurrentSpecs,
  type SeparableOptions,
  separableSpecs,
  vectorSpec,
  vectorSpec,
} from "./specs.ts";
export * from "./theory/index.ts";
export type {
  ActivationSpec,
  Initializer,
  LinearMap,
  ParamSpec,
  Role,
  Window,
} from "./types.ts";
