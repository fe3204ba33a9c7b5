export {
  adam,
  adamw,
  type AdamOptions,
  type Blocks,
  type CommonOptions,
  momentum,
  type MomentumOptions,
  nesterov,
  type Optimizer,
  optimizerFromConfig,
  rmsprop,
  type RmspropOptions,
  sgd,
} from "./optimizer.ts";
export { constantRate, cosineDecay, type Schedule, stepDecay, type WarmupOption } from "./schedule.ts";
