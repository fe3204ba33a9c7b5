export {
  type AdamOptions,
  adam,
  adamw,
  type Blocks,
  type CommonOptions,
  type LionOptions,
  lion,
  type MomentumOptions,
  momentum,
  nesterov,
  type Optimizer,
  optimizerFromConfig,
  type RmspropOptions,
  rmsprop,
  sgd,
} from "./optimizer.ts";
export {
  constantRate,
  cosineDecay,
  type Schedule,
  stepDecay,
  type WarmupOption,
} from "./schedule.ts";
