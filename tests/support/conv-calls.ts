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
const EACH: Geometry = {
  ...{ batch: 3, image: [5, 6, 19], steps: [3, 3, 19], kernel: [3, 3], stride: [2, 2], groups: 19 },
  ...{ before: [1, 1] },
};
const SIDE: Geometry = {
  ...{ batch: 3, image: [4, 6, 9], steps: [2, 3, 9], kernel: [2, 2], stride: [2, 2] },
};
const OVER: Geometry = {
  ...{ batch: 3, image: [5, 4, 11], steps: [3, 4, 11], kernel: [3, 2], stride: [2, 1] },
  ...{ before: [1, 0] },
};
/** One tap: y is x, and all of dy goes back. */
const TOUCHING: Geometry = { batch: 3, image: [4, 5, 9], steps: [4, 5, 9], kernel: [1, 1] };
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
  depthwise: [0, FLAGS.fractional].flatMap((flags) =>
    [0, 1].map((beta) => (p: Place) => {
      const { image, steps } = sizesOf(EACH);
      const [out, into] = flags ? [image, steps] : [steps, image];
      const at = [p.floats(out), p.floats(into), p.floats(9 * 19), beta ? 0 : p.floats(19)];
      return [...at, p.workspace(1 << 20), beta, 0, 0, ...wordsOf(EACH, flags)];
    }),
  ),
  depthwiseFilter: [0, 1].map((beta) => (p: Place) => {
    const { image, steps } = sizesOf(EACH);
    const at = [p.floats(9 * 19), p.floats(image), p.floats(steps), p.workspace(1 << 20)];
    return [...at, beta, ...wordsOf(EACH)];
  }),
  maxPool: pools((p, g) => [p.floats(sizesOf(g).steps), p.floats(sizesOf(g).image)]),
  averagePool: pools((p, g) => [p.floats(sizesOf(g).steps), p.floats(sizesOf(g).image)]),
  maxPoolBackward: [0, 1].flatMap((beta) =>
    pools(
      (p, g) => {
        const { image, steps } = sizesOf(g);
        const values = p.floats(steps);
        // The first of equal values gets the gradient: windows of equal numbers, so that there is one.
        return [p.floats(image), values, values, p.floats(steps), beta];
      },
      [TOUCHING],
    ),
  ),
  averagePoolBackward: [0, 1].flatMap((beta) =>
    pools((p, g) => [p.floats(sizesOf(g).image), p.floats(sizesOf(g).steps), beta]),
  ),
  upSample: [0, 1].map((bilinear) => (p: Place) => {
    return [p.floats(2 * 6 * 12 * 5), p.floats(2 * 12 * 5), 2, 3, 4, 5, 2, 3, bilinear];
  }),
  upSampleBackward: [0, 1].flatMap((bilinear) =>
    [0, 1].map((beta) => (p: Place) => {
      return [p.floats(2 * 12 * 5), p.floats(2 * 6 * 12 * 5), 2, 3, 4, 5, 2, 3, bilinear, beta];
    }),
  ),
  pixelShuffle: [0, 1].flatMap((inverse) =>
    [0, 1].map((beta) => (p: Place) => {
      return [p.floats(360), p.floats(360), 2, 3, 5, 3, 2, inverse, beta];
    }),
  ),
};

function pools(make: (place: Place, g: Geometry) => number[], of = [SIDE, OVER]): Make[] {
  return of.map((g) => (p: Place) => [...make(p, g), ...wordsOf(g)]);
}
