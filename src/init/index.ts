export { type Choice, defaultInitializer } from "./defaults.ts";
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
export { cdfOf, normalCdf } from "./law.ts";
export {
  misreadFans,
  PRESETS,
  type Preset,
  type PresetName,
  type PresetOptions,
  preset,
  presetInitializer,
  presetScheme,
  torchGain,
} from "./presets.ts";
export { SCHEMES } from "./schemes/index.ts";
export type { Family, Options, Scheme } from "./schemes/scheme.ts";
export { denseSpec, matrix, vectorSpec } from "./specs.ts";
export type {
  ActivationSpec,
  Initializer,
  LinearMap,
  ParamSpec,
  Role,
  Window,
} from "./types.ts";
export { type Verdict, verify } from "./verify.ts";
