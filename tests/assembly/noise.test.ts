import { describe, expect, test } from "vitest";
import {
  draws,
  EPS,
  expectClose,
  guarded,
  inSlices,
  stateBlock,
  THREADS,
} from "../support/checks.ts";
import { variants } from "../support/kernels.ts";

const f = Math.fround;
const SIZES = [0, 1, 3, 4, 15, 16, 17, 67];

describe.each(await variants())("noise and lion on $name", (bench) => {
  const { kernels: k } = bench;

  test("line and addScalar equal their definition to the bit, on any number of threads", () => {
    for (const n of SIZES) {
      for (const threads of THREADS) {
        const x = draws(n, n + 1);
        const [y, z] = [guarded(bench, n), guarded(bench, n)];
        const [px, b] = [bench.floats(x), bench.floats([0.3])];
        inSlices(threads, (...t) => k.line(y.at, px, 1.7, -0.4, n, ...t));
        inSlices(threads, (...t) => k.addScalar(z.at, px, b, n, ...t));
        expect(y.read()).toEqual(x.map((v) => f(f(f(1.7) * v) + f(-0.4))));
        expect(z.read()).toEqual(x.map((v) => f(v + f(0.3))));
      }
    }
  });

  test.each([0, 1])(
    "maskChannels equals its definition with beta %d; what is masked may be NaN",
    (beta) => {
      for (const [items, positions, channels] of [
        [1, 1, 1],
        [3, 2, 5],
        [2, 3, 20],
        [5, 1, 33],
      ] as const) {
        for (const threads of THREADS) {
          const n = items * positions * channels;
          const mask = draws(items * channels, 9).map((v) => (v > 0 ? 1 : 0));
          const at = (i: number) =>
            Math.floor(i / (positions * channels)) * channels + (i % channels);
          const x = draws(n, n).map((v, i) => (mask[at(i)] === 0 ? Number.NaN : v));
          const y = guarded(bench, n);
          if (beta) bench.arena.f32(y.at, n).fill(0.5);
          const [px, pm] = [bench.floats(x), bench.floats(mask)];
          const sizes = [items, positions, channels, beta] as const;
          inSlices(threads, (...t) => k.maskChannels(y.at, px, pm, 1.25, ...sizes, ...t));
          const want = x.map((v, i) => f((mask[at(i)] === 0 ? 0 : f(1.25 * v)) + 0.5 * beta));
          expect(y.read()).toEqual(want);
        }
      }
    },
  );

  test("lion equals its definition, and says when an update is not finite", () => {
    const [rate, b1, b2, decay, scale] = [f(0.01), f(0.9), f(0.99), f(0.1), 0.5];
    for (const n of SIZES) {
      for (const threads of THREADS) {
        const [p, g, m] = [draws(n, 1), draws(n, 2), draws(n, 3)];
        if (n > 3) {
          g[3] = 0;
          m[3] = 0; // sign(0) = 0
        }
        const [pp, pm] = [guarded(bench, n), guarded(bench, n)];
        bench.arena.f32(pp.at, n).set(p);
        bench.arena.f32(pm.at, n).set(m);
        const state = stateBlock(bench, { learningRate: rate, gradientScale: scale });
        const pg = bench.floats(g);
        inSlices(threads, (...t) => k.lion(pp.at, pg, pm.at, n, b1, b2, decay, state.at, ...t));
        const u = p.map((_, i) => b1 * m[i]! + (1 - b1) * scale * g[i]!);
        const want = Float64Array.from(
          p,
          (v, i) => v * (1 - rate * decay) - rate * Math.sign(u[i]!),
        );
        expectClose(pp.read(), want, () => 3 * EPS, `p, n = ${n}`);
        const moment = Float64Array.from(m, (v, i) => b2 * v + (1 - b2) * scale * g[i]!);
        expectClose(pm.read(), moment, () => 3 * EPS, `m, n = ${n}`);
        expect(state.get("status")).toBe(0);
      }
    }
    const state = stateBlock(bench, { learningRate: rate, gradientScale: 1 });
    const nan = () => bench.floats([Number.NaN, 1, 1]);
    k.lion(nan(), nan(), nan(), 3, b1, b2, decay, state.at, 0, 1);
    expect(state.get("status")).toBe(bench.enums.Status!.updateNotFinite);
  });
});
