import type { Tape } from "../graph/tape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { defaultInitializer } from "../init/defaults.ts";
import type { InitializerLike } from "../init/initializer.ts";
import { describeInitializer, initializer } from "../init/initializer.ts";
import { normSpecs } from "../init/specs.ts";
import type { GainAndBias } from "../ops/norm.ts";
import {
  batchNorm as batchNormOp,
  groupNorm as groupNormOp,
  layerNorm as layerNormOp,
} from "../ops/norm.ts";
import type { NamedOptions } from "./activation.ts";
import type { Layer, LayerConfig } from "./layer.ts";
import { checkCount, checkName } from "./layer.ts";

export interface NormOptions extends NamedOptions {
  /** Added to the variance. Default 1e-5, PyTorch's; Keras has 1e-3. */
  readonly epsilon?: number;
  /** Whether a gain a channel is learnt. Default true. */
  readonly scale?: boolean;
  /** Whether a bias a channel is learnt. Default true. */
  readonly center?: boolean;
  /** Default `ones`. */
  readonly gainInitializer?: InitializerLike;
  /** Default `zeros`. */
  readonly biasInitializer?: InitializerLike;
}

export interface BatchNormOptions extends NormOptions {
  /**
   * Share of a new batch in the running statistics, PyTorch's convention: `running = (1 - momentum) running + momentum batch`. Default
   * 0.1. What Keras calls momentum is 1 minus this: its default of 0.99 is 0.01 here.
   */
  readonly momentum?: number;
  /**
   * The running variance follows the batch's unbiased variance, n - 1 in the denominator, as PyTorch's (and TensorFlow's fused kernel);
   * `false`: the biased one, as Keras 3's. Batches are normalised with the biased one in all of them. Default true.
   */
  readonly unbiased?: boolean;
}

/**
 * `y = (x - mean) / sqrt(variance + epsilon) gain + bias`, for each channel of the last axis over the batch and all other axes (Ioffe &
 * Szegedy 2015). While training mean and variance are the batch's; in prediction and evaluation the running ones, which start at 0 and 1
 * and are saved as `mean` and `variance` of the layer.
 *
 * Training throws a `RangeError` for a batch that leaves a channel one value.
 */
export function batchNorm(options: BatchNormOptions = {}): Layer {
  const { momentum = 0.1, unbiased = true } = options;
  if (!(momentum >= 0 && momentum <= 1)) {
    throw new RangeError(`batchNorm: momentum must lie in 0 ... 1, got ${momentum}`);
  }
  const parts = partsOf("batchNorm", options);
  const { epsilon } = parts;
  return describe(
    "batch_norm",
    options,
    { momentum, unbiased, ...parts.config },
    (tape, x, path) => {
      const shape = [x.shape.at(-1) ?? 1];
      const learnt = parts.request(tape, x, path);
      const mean = tape.statistic(`${path}/mean`, shape, 0);
      const variance = tape.statistic(`${path}/variance`, shape, 1);
      const running = { mean, variance, momentum, isUnbiased: unbiased };
      return batchNormOp(tape, path, x, { ...learnt, ...running, epsilon });
    },
  );
}

/** `y = (x - mean) / sqrt(variance + epsilon) gain + bias` over the last axis of each position (Ba et al. 2016). */
export function layerNorm(options: NormOptions = {}): Layer {
  const parts = partsOf("layerNorm", options);
  const { epsilon } = parts;
  return describe("layer_norm", options, parts.config, (tape, x, path) => {
    const learnt = parts.request(tape, x, path);
    return layerNormOp(tape, path, x, { ...learnt, epsilon, isCentred: true });
  });
}

/** `y = x / sqrt(mean of x^2 + epsilon) gain` over the last axis (Zhang & Sennrich 2019); no bias. Epsilon 1e-6 by default. */
export function rmsNorm(options: Omit<NormOptions, "center" | "biasInitializer"> = {}): Layer {
  const parts = partsOf("rmsNorm", { epsilon: 1e-6, ...options, center: false });
  const { epsilon } = parts;
  const { center: _, biasInitializer: __, ...config } = parts.config;
  return describe("rms_norm", options, config, (tape, x, path) => {
    const learnt = parts.request(tape, x, path);
    return layerNormOp(tape, path, x, { ...learnt, epsilon, isCentred: false });
  });
}

export interface GroupNormOptions extends NormOptions {
  /** Equal runs of channels; `channels`: one each, which is instance norm. Default 32, PyTorch's and Keras' customary number. */
  readonly groups?: number | "channels";
}

/**
 * Each group of channels of an example over all its positions, `[batch, .., channels]` (Wu & He 2018). Throws a `RangeError` where the
 * groups do not divide the channels.
 */
export function groupNorm(options: GroupNormOptions = {}): Layer {
  const { groups = 32 } = options;
  if (groups !== "channels") checkCount("groupNorm: groups", groups);
  const parts = partsOf("groupNorm", options);
  const { epsilon } = parts;
  return describe("group_norm", options, { groups, ...parts.config }, (tape, x, path) => {
    const channels = x.shape.at(-1) ?? 1;
    const count = groups === "channels" ? channels : groups;
    if (channels % count !== 0) {
      throw new RangeError(
        `${path}: groups must divide the channels: ${channels} channels, ${count} groups`,
      );
    }
    const learnt = parts.request(tape, x, path);
    return groupNormOp(tape, path, x, { ...learnt, groups: count, epsilon });
  });
}

/** Each channel of an example over its positions (Ulyanov et al. 2016): `groupNorm` with a group a channel. */
export function instanceNorm(options: NormOptions = {}): Layer {
  return groupNorm({ ...options, groups: "channels" });
}

type Build = (tape: Tape, x: Tensor, path: string) => Tensor;

function describe(kind: string, { name }: NamedOptions, config: LayerConfig, build: Build): Layer {
  checkName(kind, name);
  return { kind, ...(name === undefined ? {} : { name }), config, build };
}

/** What the norms have in common: their checked options, and the parameters these ask for. */
function partsOf(kind: string, options: NormOptions) {
  const { epsilon = 1e-5, scale = true, center = true } = options;
  if (!(epsilon >= 0 && Number.isFinite(epsilon))) {
    throw new RangeError(`${kind}: epsilon must be finite and not negative, got ${epsilon}`);
  }
  const linear = { name: "linear", alpha: 0 };
  const choose = (role: "gain" | "bias", asked: InitializerLike | undefined) =>
    initializer(asked ?? defaultInitializer(role, linear).initializer);
  const gainInitializer = choose("gain", options.gainInitializer);
  const biasInitializer = choose("bias", options.biasInitializer);
  const isAsked = {
    gain: options.gainInitializer !== undefined,
    bias: options.biasInitializer !== undefined,
  };
  return {
    epsilon,
    config: {
      ...{ epsilon, scale, center },
      gainInitializer: describeInitializer(gainInitializer),
      biasInitializer: describeInitializer(biasInitializer),
    },
    request(tape: Tape, x: Tensor, path: string): GainAndBias {
      const specs = normSpecs(x.shape.at(-1) ?? 1);
      return {
        gain: scale
          ? tape.param(`${path}/gain`, specs.gain, gainInitializer, isAsked.gain)
          : undefined,
        bias: center
          ? tape.param(`${path}/bias`, specs.bias, biasInitializer, isAsked.bias)
          : undefined,
      };
    },
  };
}
