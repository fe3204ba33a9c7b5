import { pixelShuffle as pixelShuffleOp, upSample } from "../ops/resample.ts";
import type { Pair } from "../ops/window.ts";
import { pair } from "../ops/window.ts";
import type { NamedOptions } from "./activation.ts";
import type { Layer } from "./layer.ts";
import { checkCount, checkName } from "./layer.ts";
import { short } from "./window.ts";

export interface UpSampling2dOptions extends NamedOptions {
  /** How often each row and column is repeated: one number, or `[rows, columns]`. Default 2. */
  readonly size?: Pair;
  /** `nearest` (default) repeats; `bilinear` interpolates between pixel centres and repeats the edge. */
  readonly interpolation?: "nearest" | "bilinear";
}

/** Images [height, width, channels] made larger. */
export function upSampling2d(options: UpSampling2dOptions = {}): Layer {
  const { name, size = 2, interpolation = "nearest" } = options;
  checkName("upSampling2d", name);
  const factors = pair(size);
  for (const factor of factors) checkCount("upSampling2d: size", factor);
  if (interpolation !== "nearest" && interpolation !== "bilinear") {
    throw new RangeError(
      `upSampling2d: interpolation must be "nearest" or "bilinear", got ${JSON.stringify(interpolation)}`,
    );
  }
  return {
    kind: "upSampling2d",
    ...(name === undefined ? {} : { name }),
    config: { size: short(factors, 2), interpolation },
    build: (tape, x, path) => upSample(tape, path, x, { factors, interpolation }),
  };
}

export interface PixelShuffleOptions extends NamedOptions {
  /** Sub-pixels along each axis. */
  readonly factor: number;
}

/**
 * Images [height, width, factor^2 channels] as [factor height, factor width, channels]: sub-pixel s, row by row, has channels
 * s channels … (s + 1) channels - 1 (TensorFlow's depth_to_space; PyTorch's order is channel by channel).
 */
export function pixelShuffle({ name, factor }: PixelShuffleOptions): Layer {
  checkName("pixelShuffle", name);
  checkCount("pixelShuffle: factor", factor);
  return {
    kind: "pixelShuffle",
    ...(name === undefined ? {} : { name }),
    config: { factor },
    build: (tape, x, path) => pixelShuffleOp(tape, path, x, factor),
  };
}
