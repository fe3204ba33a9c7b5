export { checkGradient, type GradientCheck, type GradientCheckOptions } from "./gradient-check.ts";
export { type Moments, momentsOf } from "./moments.ts";
export { type LayerSignal, signals } from "./signals.ts";
