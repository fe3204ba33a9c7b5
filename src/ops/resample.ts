import type { Tape } from "../graph/tape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { imageOf } from "./conv.ts";

export interface UpSampleOptions {
  readonly factors: readonly [number, number];
  readonly interpolation: "nearest" | "bilinear";
}

/** Each pixel `factors` times, or the bilinear interpolation between pixel centres. */
export function upSample(
  tape: Tape,
  layer: string,
  x: Tensor,
  { factors, interpolation }: UpSampleOptions,
): Tensor {
  const [height, width, channels] = imageOf(layer, x);
  const sizes = [tape.batch, height, width, channels, ...factors] as const;
  const isBilinear = interpolation === "bilinear" ? 1 : 0;
  const y = tape.tensor([height * factors[0], width * factors[1], channels], layer);
  tape.emit("upSample", y.data, x.data, ...sizes, isBilinear);
  tape.onBackward(() => {
    const dy = tape.grad(y);
    const dx = tape.addGrad(x);
    if (dy === undefined || dx === undefined) return;
    tape.emit("upSampleBackward", dx.at, dy, ...sizes, isBilinear, dx.beta);
  });
  return y;
}

/** `y[i f + r, j f + s, c] = x[i, j, (r f + s) channels + c]`: TensorFlow's depth_to_space. */
export function pixelShuffle(tape: Tape, layer: string, x: Tensor, factor: number): Tensor {
  const [height, width, all] = imageOf(layer, x);
  const channels = all / factor ** 2;
  if (!Number.isInteger(channels)) {
    throw new RangeError(
      `${layer}: a factor of ${factor} needs a multiple of ${factor ** 2} channels, got ${all}`,
    );
  }
  const sizes = [tape.batch, height, width, channels, factor] as const;
  const y = tape.tensor([height * factor, width * factor, channels], layer);
  tape.emit("pixelShuffle", y.data, x.data, ...sizes, 0, 0);
  tape.onBackward(() => {
    const dy = tape.grad(y);
    const dx = tape.addGrad(x);
    if (dy === undefined || dx === undefined) return;
    tape.emit("pixelShuffle", dx.at, dy, ...sizes, 1, dx.beta);
  });
  return y;
}
