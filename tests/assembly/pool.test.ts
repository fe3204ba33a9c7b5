import { describe, expect, test } from "vitest";
import { guarded, inSlices, sameBits, THREADS, wholes } from "../support/checks.ts";
import { variants } from "../support/kernels.ts";
import type { Geometry } from "../support/windows.ts";
import { eachTap, FLAGS, sizesOf, stepsOf, wordsOf } from "../support/windows.ts";

type Made = Omit<Geometry, "batch" | "steps" | "image">;

/** A window that keeps its channels. */
function make(image: [number, number, number], rest: Made): Geometry {
  const steps = [...stepsOf([image[0], image[1]], rest.kernel, rest), image[2]];
  return { ...rest, batch: 3, image, steps: steps as [number, number, number] };
}

const CASES: readonly (readonly [string, Geometry])[] = [
  ["2x2 side by side", make([6, 8, 16], { kernel: [2, 2], stride: [2, 2] })],
  ["2x2, a row and a column left over", make([7, 9, 5], { kernel: [2, 2], stride: [2, 2] })],
  ["3x3 over one another", make([7, 8, 13], { kernel: [3, 3], stride: [2, 1], before: [1, 1] })],
  ["3x2 apart", make([8, 9, 3], { kernel: [3, 2], stride: [4, 3], before: [2, 0] })],
  ["2x3, dilated", make([9, 9, 8], { kernel: [2, 3], dilation: [3, 2] })],
  ["the whole image", make([5, 7, 20], { kernel: [5, 7] })],
  ["one channel", make([1, 17, 1], { kernel: [1, 3], stride: [1, 2], before: [0, 1] })],
  ["5x3, wide", make([9, 21, 37], { kernel: [5, 3], before: [2, 1] })],
];

/** Elements of each channel: the windows' taps in the image, step by step. */
function eachValue(g: Geometry, visit: (image: number, step: number, tap: number) => void): void {
  const channels = g.image[2];
  eachTap(g, (image, step, tap) => {
    if (image < 0) return;
    for (let c = 0; c < channels; c++)
      visit(image * channels + c, step * channels + c, tap * channels + c);
  });
}

describe.each(await variants())("windows that keep their channels on $name", (bench) => {
  const { kernels } = bench;

  test.each(CASES)("pooling, %s: both directions equal the definition, in any slices", (_, g) => {
    const { image, steps } = sizesOf(g);
    const window = bench.ints(wordsOf(g));
    const x = wholes(image, 1); // many equal values
    const dy = wholes(steps, 2);
    const before = wholes(image, 3);
    const most = new Float64Array(steps).fill(Number.NEGATIVE_INFINITY);
    const count = new Float64Array(steps);
    const sum = new Float64Array(steps);
    const first = new Int32Array(steps);
    eachValue(g, (i, s) => {
      count[s]!++;
      sum[s]! += x[i]!;
      if (x[i]! > most[s]!) {
        most[s] = x[i]!;
        first[s] = i;
      }
    });
    const back = { max: new Float64Array(image), average: new Float64Array(image) };
    for (let s = 0; s < steps; s++) back.max[first[s]!]! += dy[s]!;
    eachValue(g, (i, s) => {
      back.average[i]! += Math.fround(dy[s]! / count[s]!);
    });
    const mean = sum.map((total, s) => Math.fround(total / count[s]!));
    const at = { x: bench.floats(x), dy: bench.floats(dy), y: bench.floats(most) };
    for (const threads of THREADS) {
      const y = { max: guarded(bench, steps), average: guarded(bench, steps) };
      inSlices(threads, (t, of) => {
        kernels.maxPool(y.max.at, at.x, window, t, of);
        kernels.averagePool(y.average.at, at.x, window, t, of);
      });
      expect([...y.max.read()]).toEqual([...most]);
      expect([...y.average.read()]).toEqual([...mean]);
      for (const beta of [0, 1]) {
        const add = (d: Float64Array) => [...d.map((v, i) => v + beta * before[i]!)];
        const dx = { max: guarded(bench, image), average: guarded(bench, image) };
        if (beta) for (const d of Object.values(dx)) bench.arena.f32(d.at, image).set(before);
        inSlices(threads, (t, of) => {
          kernels.maxPoolBackward(dx.max.at, at.x, at.y, at.dy, beta, window, t, of);
          kernels.averagePoolBackward(dx.average.at, at.dy, beta, window, t, of);
        });
        expect([...dx.max.read()]).toEqual(add(back.max));
        const means = dx.average.read();
        // At most 15 windows hold a value: as many roundings of sums up to 15 * 8 + 8.
        const worst = add(back.average).findIndex(
          (v, i) => !(Math.abs(means[i]! - v) <= 16 * 128 * 2 ** -24),
        );
        expect(worst).toBe(-1);
      }
    }
  });

  test.each(CASES)("depthwise, %s: every pass is exact, in any slices", (_, g) => {
    const { image, steps } = sizesOf(g);
    const channels = g.image[2];
    const taps = g.kernel[0] * g.kernel[1];
    const window = { 0: bench.ints(wordsOf(g)), 1: bench.ints(wordsOf(g, FLAGS.fractional)) };
    const scratch = bench.arena.allocate(1 << 20);
    const [x, dy, w] = [wholes(image, 1), wholes(steps, 2), wholes(taps * channels, 3)];
    const bias = wholes(channels, 4);
    const beforeX = wholes(image, 5);
    const beforeW = wholes(taps * channels, 6);
    const y = Float64Array.from({ length: steps }, (_, s) => bias[s % channels]!);
    const dx = Float64Array.from(beforeX);
    const dw = Float64Array.from(beforeW);
    eachValue(g, (i, s, k) => {
      y[s]! += x[i]! * w[k]!;
      dx[i]! += dy[s]! * w[k]!;
      dw[k]! += x[i]! * dy[s]!;
    });
    const at = [x, dy, w, bias].map((v) => bench.floats(v));
    for (const threads of THREADS) {
      const got = guarded(bench, steps);
      const back = [guarded(bench, image), guarded(bench, taps * channels)] as const;
      bench.arena.f32(back[0].at, image).set(beforeX);
      bench.arena.f32(back[1].at, taps * channels).set(beforeW);
      const plain = [guarded(bench, image), guarded(bench, taps * channels)] as const;
      inSlices(threads, (t, of) => {
        kernels.depthwise(got.at, at[0]!, at[2]!, at[3]!, scratch, 0, 1, 0, window[0], t, of);
        for (const [beta, [to, filter]] of [back, plain].map((d, i) => [1 - i, d] as const)) {
          kernels.depthwise(to.at, at[1]!, at[2]!, 0, scratch, beta, 0, 0, window[1], t, of);
          kernels.depthwiseFilter(filter.at, at[0]!, at[1]!, scratch, beta, window[0], t, of);
        }
      });
      expect([...got.read()]).toEqual([...y.map((v) => Math.max(0, v))]);
      expect([...back[0].read()]).toEqual([...dx]);
      expect([...back[1].read()]).toEqual([...dw]);
      expect([...plain[0].read()]).toEqual([...dx.map((v, i) => v - beforeX[i]!)]);
      expect([...plain[1].read()]).toEqual([...dw.map((v, i) => v - beforeW[i]!)]);
    }
  });

  test.each([1, 4, 7])(
    "resampling of %i channels equals its definition, and its adjoint",
    (channels) => {
      const [batch, height, width, factor] = [3, 4, 5, 3];
      const n = batch * height * width * channels;
      const m = n * factor * factor;
      const [x, dy] = [wholes(n, 1), wholes(m, 2)];
      const sizes = [batch, height, width, channels, factor] as const;
      const at = { x: bench.floats(x), dy: bench.floats(dy), fine: bench.floats(dy) };
      for (const bilinear of [0, 1]) {
        const weight = (out: number, into: number, size: number) => {
          if (!bilinear) return Math.floor(out / factor) === into ? 1 : 0;
          const centre = Math.min(size - 1, Math.max(0, (out + 0.5) / factor - 0.5));
          return Math.max(0, 1 - Math.abs(centre - into));
        };
        const y = new Float64Array(m);
        const dx = new Float64Array(n);
        for (let b = 0; b < batch; b++)
          for (let i = 0; i < height * factor; i++)
            for (let j = 0; j < width * factor; j++)
              for (let r = 0; r < height; r++)
                for (let s = 0; s < width; s++) {
                  const share = weight(i, r, height) * weight(j, s, width);
                  if (share === 0) continue;
                  for (let c = 0; c < channels; c++) {
                    const out = ((b * height * factor + i) * width * factor + j) * channels + c;
                    const into = ((b * height + r) * width + s) * channels + c;
                    y[out]! += share * x[into]!;
                    dx[into]! += share * dy[out]!;
                  }
                }
        let first: Float32Array[] | undefined;
        for (const threads of THREADS) {
          const up = guarded(bench, m);
          const down = guarded(bench, n);
          inSlices(threads, (t, of) => {
            kernels.upSample(up.at, at.x, ...sizes, factor, bilinear, t, of);
            kernels.upSampleBackward(down.at, at.dy, ...sizes, factor, bilinear, 0, t, of);
          });
          const got = [up.read(), down.read()];
          first ??= got;
          expect(got.every((values, i) => sameBits(values, first![i]!))).toBe(true);
        }
        // 4 and up to 36 products of whole numbers up to 8 and shares rounded a few times.
        const near = (got: Float32Array, is: Float64Array, terms: number) =>
          is.findIndex((v, i) => !(Math.abs(got[i]! - v) <= terms * 8 * 4 * 2 ** -24));
        expect(near(first![0]!, y, 4)).toBe(-1);
        expect(near(first![1]!, dx, 36)).toBe(-1);
      }
      const shuffled = new Float64Array(m);
      const coarse = wholes(m, 4);
      for (let b = 0; b < batch; b++)
        for (let i = 0; i < height; i++)
          for (let j = 0; j < width; j++)
            for (let s = 0; s < factor * factor; s++)
              for (let c = 0; c < channels; c++) {
                const row = (b * height + i) * factor + Math.floor(s / factor);
                const out = (row * width + j) * factor + (s % factor);
                const into = ((b * height + i) * width + j) * factor * factor + s;
                shuffled[out * channels + c] = coarse[into * channels + c]!;
              }
      const from = bench.floats(coarse);
      for (const threads of THREADS) {
        const fine = guarded(bench, m);
        const twice = bench.floats(coarse);
        inSlices(threads, (t, of) => kernels.pixelShuffle(fine.at, from, ...sizes, 0, 0, t, of));
        expect([...fine.read()]).toEqual([...shuffled]);
        inSlices(threads, (t, of) => kernels.pixelShuffle(twice, fine.at, ...sizes, 1, 1, t, of));
        expect([...bench.read(twice, m)]).toEqual([...coarse.map((v) => 2 * v)]);
      }
    },
  );
});
