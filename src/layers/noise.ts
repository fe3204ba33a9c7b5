import type { Tape } from "../graph/tape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { initializer } from "../init/initializer.ts";
import { denseSpec, vectorSpec } from "../init/specs.ts";
import {
  addScalar,
  alphaDropout as alphaDropoutOp,
  gaussianDropout as gaussianDropoutOp,
  gaussianNoise as gaussianNoiseOp,
  spatialDropout as spatialDropoutOp,
} from "../ops/noise.ts";
import type { NamedOptions } from "./activation.ts";
import type { Layer } from "./layer.ts";
import { checkName } from "./layer.ts";

/** Dropout that keeps mean 0 and variance 1 behind selu (Klambauer et al. 2017); while training only. */
export function alphaDropout(rate: number, options: NamedOptions = {}): Layer {
  return rated("alpha_dropout", rate, options, alphaDropoutOp);
}

/** Zeroes whole channels of an example, all positions of `[batch, .., channels]`, with probability `rate` (Tompson et al. 2015). */
export function spatialDropout(rate: number, options: NamedOptions = {}): Layer {
  return rated("spatial_dropout", rate, options, spatialDropoutOp);
}

/** Multiplies by N(1, rate / (1 - rate)) while training (Srivastava et al. 2014): dropout's mean and variance. */
export function gaussianDropout(rate: number, options: NamedOptions = {}): Layer {
  return rated("gaussian_dropout", rate, options, gaussianDropoutOp);
}

/** Adds N(0, std^2) while training. */
export function gaussianNoise(std: number, { name }: NamedOptions = {}): Layer {
  checkName("gaussian_noise", name);
  if (!(std >= 0 && Number.isFinite(std))) {
    throw new RangeError(`gaussian_noise: std must be finite and not negative, got ${std}`);
  }
  return {
    kind: "gaussian_noise",
    ...(name === undefined ? {} : { name }),
    config: { std },
    build: (tape, x, path) => gaussianNoiseOp(tape, path, x, std),
  };
}

export interface BiasOptions extends NamedOptions {
  /** Default 0. */
  readonly initial?: number;
}

/** `y = x + b`, one learnt number for all: Fixup's biases (Zhang et al. 2019); `scale()` is its multiplier. */
export function bias({ name, initial = 0 }: BiasOptions = {}): Layer {
  checkName("bias", name);
  if (!Number.isFinite(initial)) {
    throw new RangeError(`bias: initial must be finite, got ${initial}`);
  }
  const constant = initializer("constant", { value: initial });
  return {
    kind: "bias",
    ...(name === undefined ? {} : { name }),
    config: { initial },
    build(tape, x, path) {
      const linear = { name: "linear", alpha: 0 };
      const { kernel: _, ...spec } = vectorSpec(denseSpec(1, 1, linear), "bias", 1);
      const b = tape.param(`${path}/bias`, { ...spec, layer: "bias" }, constant, true);
      return addScalar(tape, path, x, b);
    },
  };
}

function rated(
  kind: string,
  rate: number,
  { name }: NamedOptions,
  op: (tape: Tape, layer: string, x: Tensor, rate: number) => Tensor,
): Layer {
  checkName(kind, name);
  if (!(rate >= 0 && rate < 1)) {
    throw new RangeError(`${kind}: rate must be at least 0 and below 1, got ${rate}`);
  }
  return {
    kind,
    ...(name === undefined ? {} : { name }),
    config: { rate },
    build: (tape, x, path) => op(tape, path, x, rate),
  };
}
