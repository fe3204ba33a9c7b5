export { checkGradient, type GradientCheck, type GradientCheckOptions } from "./gradient-check.ts";
export { type Finding, lint, RULES, type RuleName } from "./lint.ts";
export { type Moments, momentsOf } from "./moments.ts";
export {
  type BodyDescription,
  type NetworkPrediction,
  type PredictedLayer,
  type PredictNetworkOptions,
  predict,
} from "./predict.ts";
export { type Recommendation, recommend } from "./recommend.ts";
export { type LayerSignal, signals } from "./signals.ts";
