import { checkNames } from "../core/options.ts";
import { streamKey } from "../core/rng.ts";
import type { Buffer } from "../graph/buffer.ts";
import { ref } from "../graph/buffer.ts";
import type { Tape } from "../graph/tape.ts";

/** How training images are changed, each in each step by chances of its own, which are functions of seed, step and row. */
export interface Augmentation {
  /** Mirrors left to right, half of the time. Default false. */
  readonly flip?: boolean;
  /** Moves by up to so many pixels, zeros coming in: a random crop out of the image padded by as many. Default 0. */
  readonly shift?: number;
}

/** Throws a `RangeError` for what is no augmentation, or for inputs that are no images. */
export function checkAugmentation(options: Augmentation, input: readonly number[]): void {
  checkNames("fit: augment", options, ["flip", "shift"]);
  const { shift = 0 } = options;
  if (input.length !== 2 && input.length !== 3) {
    throw new RangeError(
      `fit: augment wants images of shape [height, width] or [height, width, channels], the inputs have shape [${input}]`,
    );
  }
  const least = Math.min(input[0]!, input[1]!);
  if (!Number.isSafeInteger(shift) || shift < 0 || shift >= least) {
    throw new RangeError(
      `fit: augment.shift must be a whole number of pixels below ${least}, got ${shift}`,
    );
  }
}

/** Writes the batch in `from`, changed, to `to`. */
export function emitAugmentation(
  tape: Tape,
  { flip = false, shift = 0 }: Augmentation,
  images: { readonly from: Buffer; readonly to: Buffer; readonly shape: readonly number[] },
): void {
  const [height = 1, width = 1, channels = 1] = images.shape;
  const { k0, k1 } = streamKey(tape.seed, "augment");
  const sizes = [tape.batch, height, width, channels, flip ? 1 : 0, shift, k0 | 0, k1 | 0] as const;
  tape.emit("augment", ref(images.to), ref(images.from), ...sizes);
}
