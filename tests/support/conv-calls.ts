import type { Geometry } from "./windows.ts";
import { FLAGS, sizesOf, wordsOf } from "./windows.ts";

/** A region of memory in which an instruction finds its operands. */
interface Place {
  floats(count: number): number;
  workspace(bytes: number): number;
}

type Make = (place: Place) => number[];

const IMAGE: Geometry = {
  ...{ batch: 2, image: [7, 9, 5], steps: [4, 5, 19], kernel: [3, 3], stride: [2, 2] },
  ...{ before: [1, 1] },
};
const GROUPS: Geometry = {
  ...{ batch: 3, image: [4, 6, 4], steps: [4, 6, 6], kernel: [3, 3], groups: 2 },
  ...{ before: [1, 1], circular: true },
};
const EVERY_USE = [0, FLAGS.swapped, FLAGS.fractional, FLAGS.fractional | FLAGS.swapped];

/** Operands of every opcode of the family. */
export const CONV_CALLS: Readonly<Record<string, readonly Make[]>> = {
  convolve: [IMAGE, GROUPS].flatMap((g) =>
    EVERY_USE.flatMap((flags) =>
      [0, 1].map((beta) => (p: Place) => {
        const { image, steps, weights } = sizesOf(g);
        const words = wordsOf(g, flags);
        const isFractional = (flags & FLAGS.fractional) !== 0;
        const [out, into] = isFractional ? [image, steps] : [steps, image];
        const at = [p.floats(out), p.floats(into), p.floats(weights)];
        const bias = beta ? 0 : p.floats(words[3]!);
        return [...at, bias, p.workspace(1 << 20), beta, 0, 0, 8, ...words];
      }),
    ),
  ),
  convolveFilter: [IMAGE, GROUPS].flatMap((g) =>
    [0, FLAGS.swapped].flatMap((flags) =>
      [0, 1].map((beta) => (p: Place) => {
        const { image, steps, weights } = sizesOf(g);
        const at = [p.floats(weights), p.floats(image), p.floats(steps), p.workspace(1 << 20)];
        return [...at, beta, 8, ...wordsOf(g, flags)];
      }),
    ),
  ),
};
