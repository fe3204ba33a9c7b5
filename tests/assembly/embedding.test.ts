import { describe, expect, test } from "vitest";
import type { Ptr } from "../../src/core/arena.ts";
import {
  draws,
  EPS,
  expectClose,
  guarded,
  inSlices,
  sameBits,
  THREADS,
} from "../support/checks.ts";
import { variants } from "../support/kernels.ts";

const VOCABULARY = 7;
const ROWS = 23;

describe.each(await variants())("embedding on $name", (bench) => {
  const { kernels: k } = bench;
  const tokens = Float32Array.from({ length: ROWS }, (_, r) => (r * r + (r >> 2)) % VOCABULARY);

  test.each([1, 3, 4, 16, 33])("width %i: rows of the table, exactly", (width) => {
    const table = draws(VOCABULARY * width, 1);
    const y = guarded(bench, ROWS * width);
    const [t, w] = [bench.floats(tokens), bench.floats(table)];
    for (const threads of THREADS) {
      inSlices(threads, (thread, of) => k.embed(y.at, t, w, ROWS, VOCABULARY, width, thread, of));
      const want = [...tokens].flatMap((v) => [...table.subarray(v * width, (v + 1) * width)]);
      expect([...y.read()]).toEqual(want);
    }
  });

  test.each([1, 3, 4, 16, 33, 50])(
    "width %i: the gradient sums each token's rows, in order",
    (width) => {
      const dy = draws(ROWS * width, 2);
      const [t, d] = [bench.floats(tokens), bench.floats(dy)];
      for (const skips of [0, 1]) {
        for (const beta of [0, 1]) {
          const want = new Float64Array(VOCABULARY * width).fill(beta);
          const size = new Float64Array(VOCABULARY * width).fill(beta);
          tokens.forEach((v, r) => {
            if (skips && v === 0) return;
            for (let c = 0; c < width; c++) {
              want[v * width + c]! += dy[r * width + c]!;
              size[v * width + c]! += Math.abs(dy[r * width + c]!);
            }
          });
          let first: Float32Array | undefined;
          for (const threads of THREADS) {
            const out = guarded(bench, VOCABULARY * width);
            if (beta) bench.arena.f32(out.at, VOCABULARY * width).fill(1);
            inSlices(threads, (thread, of) =>
              k.embedBackward(out.at, t, d, ROWS, VOCABULARY, width, skips, beta, thread, of),
            );
            const got = out.read();
            expectClose(got, want, (i) => ROWS * EPS * size[i]!, `skips ${skips}, beta ${beta}`);
            first ??= got;
            expect(sameBits(got, first)).toBe(true);
          }
        }
      }
    },
  );

  test("the mask is 0 at token 0 alone", () => {
    const mask = guarded(bench, ROWS);
    const t = bench.floats(tokens);
    inSlices(3, (thread, of) => k.maskOfTokens(mask.at, t, ROWS, thread, of));
    expect([...mask.read()]).toEqual([...tokens].map((v) => (v === 0 ? 0 : 1)));
  });

  test.each([1, 4, 9, 21])(
    "%i columns are taken out of wider rows and put back, added or not",
    (cols) => {
      const [rows, wide] = [5, 24];
      const x = draws(rows * wide, 3);
      const from = bench.floats(x);
      for (const threads of THREADS) {
        const part = guarded(bench, rows * cols);
        inSlices(threads, (thread, of) =>
          k.copyColumns(part.at, cols, (from + 8) as Ptr, wide, rows, cols, 0, thread, of),
        );
        const want = Array.from({ length: rows }, (_, r) => [
          ...x.subarray(r * wide + 2, r * wide + 2 + cols),
        ]);
        expect([...part.read()]).toEqual(want.flat());
        const back = guarded(bench, rows * wide);
        bench.arena.f32(back.at, rows * wide).set(x);
        inSlices(threads, (thread, of) =>
          k.copyColumns((back.at + 8) as Ptr, wide, part.at, cols, rows, cols, 1, thread, of),
        );
        const isInside = (i: number) => i % wide >= 2 && i % wide < 2 + cols;
        expect([...back.read()]).toEqual(
          [...x].map((v, i) => (isInside(i) ? Math.fround(2 * v) : v)),
        );
      }
    },
  );
});
