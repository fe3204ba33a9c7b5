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
export { type Options, SCHEMES, type Scheme } from "./schemes.ts";
export type { ActivationSpec, Initializer, ParamSpec, Role } from "./types.ts";
