import { describe, expect, test } from "vitest";
import { philox4x32 } from "../../src/data/philox.ts";
import { draws, guarded, inSlices, THREADS } from "../support/checks.ts";
import { variants } from "../support/kernels.ts";

interface Case {
  readonly shape: readonly [number, number, number];
  readonly flip: number;
  readonly shift: number;
}

const CASES: readonly Case[] = [
  { shape: [1, 1, 1], flip: 1, shift: 0 },
  { shape: [5, 7, 1], flip: 0, shift: 2 },
  { shape: [5, 7, 3], flip: 1, shift: 0 },
  { shape: [6, 4, 2], flip: 1, shift: 3 },
];
const ROWS = 23;
const [STEP, K0, K1] = [17, 0x12345678, 0x9abcdef0];

/** By the definition, on coordinates. */
function reference(x: ArrayLike<number>, { shape: [h, w, c], flip, shift }: Case, step = STEP) {
  const y = new Float32Array(ROWS * h * w * c);
  for (let r = 0; r < ROWS; r++) {
    const [w0, w1] = philox4x32([r, 0, step, 0], K0, K1);
    const move = (word: number) => Math.floor((word * (2 * shift + 1)) / 2 ** 32) - shift;
    const [down, right] = [move(w0), move(w1)];
    for (let i = 0; i < h; i++) {
      for (let j = 0; j < w; j++) {
        const [si, moved] = [i - down, j - right];
        if (si < 0 || si >= h || moved < 0 || moved >= w) continue;
        const sj = flip && w0 % 2 === 1 ? w - 1 - moved : moved;
        for (let k = 0; k < c; k++) {
          y[((r * h + i) * w + j) * c + k] = x[((r * h + si) * w + sj) * c + k]!;
        }
      }
    }
  }
  return y;
}

describe.each(await variants())("augmentation and class weights on $name", (bench) => {
  const { kernels: k, arena, enums } = bench;
  const state = arena.allocate(enums.State!.size!);
  const setStep = (step: number) =>
    new DataView(arena.memory.buffer, state).setInt32(enums.State!.step!, step, true);

  test.each(CASES)(
    "images are mirrored and moved by definition, whatever the division: %o",
    (one) => {
      setStep(STEP);
      const [h, w, c] = one.shape;
      const x = draws(ROWS * h * w * c, 1);
      const at = bench.floats(x);
      for (const threads of THREADS) {
        const out = guarded(bench, x.length);
        inSlices(threads, (t, of) =>
          k.augment(out.at, at, state, ROWS, h, w, c, one.flip, one.shift, K0, K1, t, of),
        );
        expect([...out.read()], `${threads} threads`).toEqual([...reference(x, one)]);
      }
    },
  );

  test("every way comes about as often as it should", () => {
    // A single pixel of a 9 x 9 image tells where it went, and over 60 steps of 23 rows each way is taken.
    const one: Case = { shape: [9, 9, 1], flip: 1, shift: 1 };
    const x = new Float32Array(ROWS * 81);
    for (let r = 0; r < ROWS; r++) x[r * 81 + 4 * 9 + 2] = 1;
    const at = bench.floats(x);
    const counts = new Map<number, number>();
    for (let step = 0; step < 60; step++) {
      setStep(step);
      const out = guarded(bench, x.length);
      k.augment(out.at, at, state, ROWS, 9, 9, 1, 1, 1, K0, K1, 0, 1);
      const y = out.read();
      expect([...y]).toEqual([...reference(x, one, step)]);
      for (let r = 0; r < ROWS; r++) {
        const place = y.subarray(r * 81, (r + 1) * 81).indexOf(1);
        counts.set(place, (counts.get(place) ?? 0) + 1);
      }
    }
    // 18 ways alike over 1380 draws: 76.7 each, standard deviation 8.5; six of them are 51.
    expect(counts.size).toBe(18);
    for (const n of counts.values()) expect(Math.abs(n - 1380 / 18)).toBeLessThan(51);
  });

  test("weightRows multiplies losses and gradients by the weight of the class", () => {
    const weights = [0.5, 2, 0, 3];
    const labels = [3, 0, -1, 1, 2, 1, 0];
    const rows = labels.length;
    for (const cols of [1, 4, 5]) {
      for (const threads of THREADS) {
        const losses = guarded(bench, rows);
        const gradient = guarded(bench, rows * cols);
        const [l, g] = [draws(rows, 1), draws(rows * cols, 2)];
        arena.f32(losses.at, rows).set(l);
        arena.f32(gradient.at, g.length).set(g);
        const [pt, pw] = [bench.ints(labels), bench.floats(weights)];
        inSlices(threads, (t, of) =>
          k.weightRows(losses.at, gradient.at, pt, pw, rows, cols, 0, t, of),
        );
        const factor = (r: number) => (labels[r]! < 0 ? 1 : weights[labels[r]!]!);
        const product = (x: number, r: number) => Math.fround(x * factor(r));
        expect([...losses.read()]).toEqual([...l].map(product));
        expect([...gradient.read()]).toEqual(
          [...g].map((x, i) => product(x, Math.floor(i / cols))),
        );
      }
    }
  });

  test("weightRows takes targets that are numbers by which side of 1/2 they are on", () => {
    const losses = guarded(bench, 4);
    arena.f32(losses.at, 4).set([1, 1, 1, 1]);
    const targets = bench.floats([0, 1, 0.5, 0.75]);
    k.weightRows(losses.at, 0, targets, bench.floats([3, 7]), 4, 1, 1, 0, 1);
    expect([...losses.read()]).toEqual([3, 7, 3, 7]);
  });
});
