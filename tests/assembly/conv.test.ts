import { describe, expect, test } from "vitest";
import { draws, EPS, guarded, inSlices, sameBits, THREADS, wholes } from "../support/checks.ts";
import type { Bench } from "../support/kernels.ts";
import { variants } from "../support/kernels.ts";
import type { Geometry } from "../support/windows.ts";
import { eachProduct, FLAGS, sizesOf, stepsOf, wordsOf } from "../support/windows.ts";

const RELU = 1;

type Made = Omit<Geometry, "batch" | "steps" | "image"> & { readonly batch?: number };

function make(
  image: [number, number, number],
  filters: number,
  { batch = 2, ...rest }: Made,
): Geometry {
  return {
    ...rest,
    ...{ batch, image, steps: [...stepsOf([image[0], image[1]], rest.kernel, rest), filters] },
  };
}

/** Sizes around the tile (6 x 8, 6 x 16), pieces of a patch above and below the length that is read in place, bands that end in mid-image. */
const CASES: readonly (readonly [string, Geometry])[] = [
  ["3x3x1 -> 16 same", make([9, 13, 1], 16, { kernel: [3, 3], before: [1, 1] })],
  ["3x3x3 -> 17", make([8, 11, 3], 17, { kernel: [3, 3] })],
  ["3x3x16 -> 32 same", make([7, 14, 16], 32, { kernel: [3, 3], before: [1, 1] })],
  ["3x3x5 -> 7, stride 2", make([9, 12, 5], 7, { kernel: [3, 3], stride: [2, 2], before: [1, 1] })],
  ["5x3x8 -> 24, stride 3x2", make([13, 11, 8], 24, { kernel: [5, 3], stride: [3, 2] })],
  ["3x3x6 -> 9, dilation 2x3", make([11, 12, 6], 9, { kernel: [3, 3], dilation: [2, 3] })],
  [
    "3x3x4 -> 10, stride 2, dilation 3",
    make([13, 12, 4], 10, {
      ...{ kernel: [3, 3], stride: [2, 2], dilation: [3, 3], before: [2, 3] },
    }),
  ],
  [
    "4x4x2 -> 3, stride 4x2, dilation 2",
    make([12, 15, 2], 3, { kernel: [4, 4], stride: [4, 2], dilation: [2, 2], before: [3, 3] }),
  ],
  ["1x1x20 -> 12", make([5, 6, 20], 12, { kernel: [1, 1] })],
  ["1x1x4 -> 4, stride 2", make([5, 6, 4], 4, { kernel: [1, 1], stride: [2, 2] })],
  ["1x5x3 -> 8, one row", make([1, 17, 3], 8, { kernel: [1, 5], before: [0, 2] })],
  ["3x3, 4 groups, 8 -> 12", make([6, 7, 8], 12, { kernel: [3, 3], before: [1, 1], groups: 4 })],
  [
    "3x2, 2 groups, 32 -> 40, stride 2x1",
    make([6, 7, 32], 40, { kernel: [3, 2], stride: [2, 1], groups: 2 }),
  ],
  ["depthwise as groups, multiplier 2", make([6, 6, 5], 10, { kernel: [3, 3], groups: 5 })],
  [
    "circular 3x3x2 -> 5",
    { ...make([6, 7, 2], 5, { kernel: [3, 3], before: [1, 1] }), circular: true },
  ],
  [
    "circular 5x3x13 -> 8, stride 2x1",
    {
      ...{ batch: 2, image: [6, 7, 13], steps: [3, 7, 8], kernel: [5, 3], stride: [2, 1] },
      ...{ before: [1, 1], circular: true },
    },
  ],
  ["more padding than image", make([3, 2, 3], 4, { kernel: [3, 3], before: [4, 5] })],
  ["a band ends in mid-image", make([40, 37, 16], 6, { batch: 1, kernel: [3, 3] })],
  ["a row longer than a band", make([4, 700, 16], 5, { batch: 1, kernel: [3, 3] })],
  ["one output", make([3, 3, 2], 1, { batch: 1, kernel: [3, 3] })],
];

/** The four uses of `convolve`: which operand it reads and writes, and how the kernel lies. */
const USES = [
  ["the convolution", 0],
  ["its input's gradient", FLAGS.fractional | FLAGS.swapped],
  ["the transposed convolution", FLAGS.fractional],
  ["its input's gradient", FLAGS.swapped],
] as const;

function expected(g: Geometry, flags: number, x: Float32Array, w: Float32Array): Float64Array {
  const isFractional = (flags & FLAGS.fractional) !== 0;
  const { image, steps } = sizesOf(g);
  const y = new Float64Array(isFractional ? image : steps);
  // The kernel's last axis is what is written, unless swapped.
  const lastIsImage = isFractional !== ((flags & FLAGS.swapped) !== 0);
  eachProduct(g, lastIsImage, (i, s, k) => {
    if (isFractional) y[i]! += x[s]! * w[k]!;
    else y[s]! += x[i]! * w[k]!;
  });
  return y;
}

function workspaceOf({ kernels, arena }: Bench, words: readonly number[]) {
  const [, , outW, outC, , , inC, kernelH, kernelW, , strideW, dilationH, dilationW] =
    words as number[];
  const span = (k: number, d: number) => (k - 1) * d + 1;
  const bytes = kernels.convolveWorkspace(
    ...([kernelH! * kernelW!, span(kernelH!, dilationH!)] as const),
    ...([(outW! - 1) * strideW! + span(kernelW!, dilationW!), inC!, outC!, words[15]!] as const),
  );
  return arena.allocate(bytes >>> 0);
}

describe.each(await variants())("convolution on $name", (bench) => {
  const { kernels } = bench;

  test.each(CASES)("%s: every pass is exact on whole numbers", (_, g) => {
    const { image, steps, weights } = sizesOf(g);
    const w = wholes(weights, 3);
    const ws = bench.floats(w);
    for (const [use, flags] of USES) {
      const isFractional = (flags & FLAGS.fractional) !== 0;
      const words = wordsOf(g, flags);
      const window = bench.ints(words);
      const scratch = workspaceOf(bench, words);
      const x = wholes(isFractional ? steps : image, 1);
      const sums = expected(g, flags, x, w);
      const before = wholes(sums.length, 2);
      const bias = wholes(words[3]!, 4);
      const at = { x: bench.floats(x), bias: bench.floats(bias) };
      for (const tile of [8, 16]) {
        const y = guarded(bench, sums.length);
        kernels.convolve(y.at, at.x, ws, at.bias, scratch, 0, RELU, 0, tile, window, 0, 1);
        const withBias = sums.map((s, i) => Math.max(0, s + bias[i % bias.length]!));
        expect([...y.read()], `${use}, tile ${tile}`).toEqual([...withBias]);
        const z = bench.floats(before);
        kernels.convolve(z, at.x, ws, 0, scratch, 1, 0, 0, tile, window, 0, 1);
        const added = [...sums.map((s, i) => s + before[i]!)];
        expect([...bench.read(z, sums.length)], `${use}, added, tile ${tile}`).toEqual(added);
      }
    }
    for (const flags of [0, FLAGS.swapped]) {
      const words = wordsOf(g, flags);
      const window = bench.ints(words);
      const scratch = workspaceOf(bench, words);
      const x = wholes(image, 5);
      const dy = wholes(steps, 6);
      const sums = new Float64Array(weights);
      eachProduct(g, flags !== 0, (i, s, k) => {
        sums[k]! += x[i]! * dy[s]!;
      });
      const before = wholes(weights, 7);
      const at = [bench.floats(x), bench.floats(dy), scratch] as const;
      for (const tile of [8, 16]) {
        const dw = guarded(bench, weights);
        kernels.convolveFilter(dw.at, ...at, 0, tile, window, 0, 1);
        expect([...dw.read()], `filter, flags ${flags}, tile ${tile}`).toEqual([...sums]);
        const added = bench.floats(before);
        kernels.convolveFilter(added, ...at, 1, tile, window, 0, 1);
        expect([...bench.read(added, weights)]).toEqual([...sums.map((s, i) => s + before[i]!)]);
      }
    }
  });

  test.each(CASES)("%s: slices and tiles give the same bits, within the bound", (_, g) => {
    const { image, steps, weights } = sizesOf(g);
    const w = draws(weights, 3);
    const at = bench.floats(w);
    for (const [use, flags] of USES) {
      const words = wordsOf(g, flags);
      const window = bench.ints(words);
      const scratch = workspaceOf(bench, words);
      const x = draws((flags & FLAGS.fractional) !== 0 ? steps : image, 1);
      const from = bench.floats(x);
      const sums = expected(g, flags, x, w);
      const absolute = expected(g, flags, x.map(Math.abs), w.map(Math.abs));
      const terms = (g.kernel[0] * g.kernel[1] * words[6]!) / (g.groups ?? 1) + 2;
      let first: Float32Array | undefined;
      for (const [threads, tile] of [...THREADS.map((t) => [t, 8] as const), [1, 16] as const]) {
        const y = guarded(bench, sums.length);
        inSlices(threads, (thread, of) => {
          kernels.convolve(y.at, from, at, 0, scratch, 0, 0, 0, tile, window, thread, of);
        });
        const got = y.read();
        first ??= got;
        expect(sameBits(got, first), `${use}, ${threads} threads, tile ${tile}`).toBe(true);
      }
      const worst = first!.findIndex(
        (v, i) => !(Math.abs(v - sums[i]!) <= terms * EPS * absolute[i]!),
      );
      expect(worst, use).toBe(-1);
    }
    for (const flags of [0, FLAGS.swapped]) {
      const words = wordsOf(g, flags);
      const window = bench.ints(words);
      const scratch = workspaceOf(bench, words);
      const from = [bench.floats(draws(image, 5)), bench.floats(draws(steps, 6)), scratch] as const;
      let first: Float32Array | undefined;
      for (const [threads, tile] of [...THREADS.map((t) => [t, 8] as const), [1, 16] as const]) {
        const dw = guarded(bench, weights);
        inSlices(threads, (thread, of) => {
          kernels.convolveFilter(dw.at, ...from, 0, tile, window, thread, of);
        });
        const got = dw.read();
        first ??= got;
        expect(sameBits(got, first), `filter, ${threads} threads, tile ${tile}`).toBe(true);
      }
    }
  });
});
