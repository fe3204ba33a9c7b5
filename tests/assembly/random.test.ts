import { describe, expect, test } from "vitest";
import type { Ptr } from "../../src/core/arena.ts";
import type { Bench } from "../support/kernels.ts";
import { variants } from "../support/kernels.ts";
import { philoxReference, wordReference } from "../support/philox.ts";
import { autocorrelation, ksDistance, momentsOf, truncatedNormal } from "../support/statistics.ts";

const K0 = 0xdeadbeef;
const K1 = 0x01234567;
const KEY = [K0, K1];
const STEP = 7;
const EPS = 2 ** -24;

/** Truncations of every kind: wide, one-sided, narrow, far, touching 0, none at all. */
const BOUNDS: readonly (readonly [number, number])[] = [
  [-2, 2],
  [-1, 3],
  [-0.1, Infinity],
  [0, Infinity],
  [-Infinity, 0],
  [-Infinity, Infinity],
  [0, 1],
  [-0.5, 0.5],
  [-0.25, 1.5],
  [2, 2.125],
  [-5, -4.875],
  [0.5, 2.5],
  [3, Infinity],
  [-Infinity, -8],
  [30, 31],
];

type Four = readonly [number, number, number, number];

/** Counter, key and words of philox4x32-10 in Random123's kat_vectors. */
const KNOWN_ANSWERS: readonly (readonly [Four, readonly [number, number], Four])[] = [
  [
    [0, 0, 0, 0],
    [0, 0],
    [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
  ],
  [
    [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
    [0xffffffff, 0xffffffff],
    [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
  ],
  [
    [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
    [0xa4093822, 0x299f31d0],
    [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
  ],
];

type Fill = (bench: Bench, out: Ptr, n: number, thread?: number, threads?: number) => void;

/** Every kernel whose element i is a function of (key, step, i) alone. */
const FILLS: readonly (readonly [string, Fill])[] = [
  ["randomBits", (b, out, n, t = 0, of = 1) => b.kernels.randomBits(out, n, K0, K1, STEP, t, of)],
  [
    "randomUniform",
    (b, out, n, t = 0, of = 1) => b.kernels.randomUniform(out, n, -3, 2, K0, K1, STEP, t, of),
  ],
  [
    "randomNormal",
    (b, out, n, t = 0, of = 1) => b.kernels.randomNormal(out, n, 0.5, 2, K0, K1, STEP, t, of),
  ],
  [
    "randomBernoulli",
    (b, out, n, t = 0, of = 1) => b.kernels.randomBernoulli(out, n, 0.3, K0, K1, STEP, t, of),
  ],
  ...BOUNDS.map(([low, high]): [string, Fill] => [
    `randomTruncatedNormal [${low}, ${high}]`,
    (b, out, n, t = 0, of = 1) =>
      b.kernels.randomTruncatedNormal(out, n, 0.5, 2, low, high, K0, K1, STEP, t, of),
  ]),
];

/** As u32: NaN patterns and signed zeros count. */
function bitsOf(bench: Bench, at: Ptr, count: number): number[] {
  return [...new Uint32Array(bench.arena.memory.buffer, at, count)];
}

function draw(bench: Bench, fill: Fill, n: number): Float32Array {
  const out = bench.output(n);
  fill(bench, out, n);
  return bench.read(out, n);
}

function shift(at: Ptr, bytes: number): Ptr {
  return (at + bytes) as Ptr;
}

const benches = await variants();

describe.each(benches)("random on $name", (bench) => {
  const { kernels } = bench;

  test.each(KNOWN_ANSWERS)(
    "philox gives Random123's known answer for counter %j",
    (counter, key, answer) => {
      const out = bench.output(4);
      kernels.philox(out, ...counter, ...key);
      expect(bitsOf(bench, out, 4)).toEqual(answer);
      expect(philoxReference(counter, key)).toEqual(answer);
    },
  );

  test("element i of randomBits is word i mod 4 of the block with counter (i / 4, 0, step, 0)", () => {
    const n = 133;
    const out = bench.output(n);
    kernels.randomBits(out, n, K0, K1, 0xfffffff0, 0, 1);
    const expected = Array.from({ length: n }, (_, i) => wordReference(i, KEY, 0xfffffff0));
    expect(bitsOf(bench, out, n)).toEqual(expected);
  });

  test.each(FILLS)(
    "%s gives the same bits for every division among threads, and stays in its range",
    (_, fill) => {
      for (const n of [0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 1003]) {
        const whole = bench.output(n + 16);
        fill(bench, shift(whole, 32), n);
        const expected = bitsOf(bench, whole, n + 16);
        const untouched = bitsOf(bench, bench.output(8), 8);
        expect(expected.slice(0, 8)).toEqual(untouched);
        expect(expected.slice(n + 8)).toEqual(untouched);
        for (const threads of [2, 3, 5]) {
          const out = bench.output(n + 16);
          for (let thread = threads - 1; thread >= 0; thread--) {
            fill(bench, shift(out, 32), n, thread, threads);
          }
          expect(bitsOf(bench, out, n + 16), `n ${n}, threads ${threads}`).toEqual(expected);
        }
      }
    },
  );

  test.each(FILLS)("%s gives an element the same bits whatever n and the alignment", (_, fill) => {
    const long = bench.output(200);
    fill(bench, long, 200);
    const expected = bitsOf(bench, long, 200);
    for (const n of [1, 6, 19, 50, 199]) {
      const out = bench.output(n + 1);
      fill(bench, shift(out, 4), n);
      expect(bitsOf(bench, shift(out, 4), n)).toEqual(expected.slice(0, n));
    }
  });

  test("streams of another key word or step are uncorrelated", () => {
    const n = 50_000;
    const stream = (k0: number, k1: number, step: number) => {
      const out = bench.output(n);
      kernels.randomUniform(out, n, -1, 1, k0, k1, step, 0, 1);
      return bench.read(out, n);
    };
    const base = stream(1, 2, 3);
    for (const other of [stream(2, 2, 3), stream(1, 3, 3), stream(1, 2, 4), stream(2, 1, 3)]) {
      const correlation = (3 / n) * base.reduce((sum, x, i) => sum + x * other[i]!, 0);
      expect(Math.abs(correlation)).toBeLessThan(5 / Math.sqrt(n));
    }
  });

  describe("randomUniform", () => {
    // A float is bound above by the next one, and `low + u (high - low)` of these rounds to `high` half of the time.
    const tight = 1 + 2 ** -23;

    test.each([
      [-1, 1],
      [0, 1],
      [-0.05, 0.05],
      [1, tight],
      [-tight, -1],
      [-(2 ** -149), 0],
      [2, 2],
      [1e30, 3e38],
    ])("equals low + (word >>> 8) 2^-24 (high - low), kept below high, on [%d, %d)", (from, to) => {
      const [low, high] = [Math.fround(from), Math.fround(to)];
      const n = 1000;
      const out = bench.output(n);
      kernels.randomUniform(out, n, low, high, K0, K1, STEP, 0, 1);
      const unit = Math.fround((high - low) * EPS);
      const actual = bench.read(out, n);
      for (let i = 0; i < n; i++) {
        const u = wordReference(i, KEY, STEP) >>> 8;
        const x = Math.fround(low + Math.fround(u * unit));
        const bound = x < high || low === high ? x : nextBelow(high);
        expect(actual[i]).toBe(bound);
        expect(actual[i]! >= low && (actual[i]! < high || low === high)).toBe(true);
      }
    });

    test("has the moments, the law and the independence of a uniform", () => {
      const n = 200_000;
      const out = bench.output(n);
      kernels.randomUniform(out, n, -1, 3, K0, K1, STEP, 0, 1);
      const x = bench.read(out, n);
      const { mean, variance, kurtosis } = momentsOf(x);
      const sigma = Math.sqrt(16 / 12);
      expect(Math.abs(mean - 1)).toBeLessThan((5 * sigma) / Math.sqrt(n));
      expect(Math.abs(variance / sigma ** 2 - 1)).toBeLessThan(5 * Math.sqrt(0.8 / n));
      expect(Math.abs(kurtosis + 1.2)).toBeLessThan(0.02);
      expect(ksDistance(x, (t) => (t + 1) / 4)).toBeLessThan(1.95 / Math.sqrt(n));
      for (const lag of [1, 2, 4, 16]) {
        expect(Math.abs(autocorrelation(x, lag))).toBeLessThan(4 / Math.sqrt(n));
      }
    });
  });

  describe("randomNormal", () => {
    test("equals Box-Muller of the words, in f64, within 6 u of the radius", () => {
      const n = 20_000;
      const actual = draw(
        bench,
        (b, out, n) => b.kernels.randomNormal(out, n, 0, 1, K0, K1, STEP, 0, 1),
        n,
      );
      const words = wordsOf(bench, n);
      let worst = 0;
      for (let i = 0; i < n; i += 2) {
        const fraction = Math.fround((Math.fround(words[i]! & 0x7fffffff) + 0.5) * 2 ** -31);
        const radius = Math.sqrt(-2 * Math.log(fraction));
        const angle = (2 * Math.PI * words[i + 1]!) / 2 ** 32;
        worst = Math.max(
          worst,
          Math.abs(actual[i]! - radius * Math.cos(angle)) / radius,
          Math.abs(actual[i + 1]! - radius * Math.sin(angle)) / radius,
        );
      }
      // Logarithm 1.5 u, halved by the root; root and product 1 u each; sine or cosine 1.3 u; three roundings of an
      // angle below pi / 4, 2.4 u.
      expect(worst / EPS).toBeLessThan(6);
    });

    test("has the moments, the law and the independence of a normal", () => {
      const n = 2 ** 19;
      const x = draw(
        bench,
        (b, out, n) => b.kernels.randomNormal(out, n, 0, 1, K0, K1, STEP, 0, 1),
        n,
      );
      const { mean, variance, skewness, kurtosis } = momentsOf(x);
      expect(Math.abs(mean)).toBeLessThan(5 / Math.sqrt(n));
      expect(Math.abs(variance - 1)).toBeLessThan(5 * Math.sqrt(2 / n));
      expect(Math.abs(skewness)).toBeLessThan(5 * Math.sqrt(6 / n));
      expect(Math.abs(kurtosis)).toBeLessThan(5 * Math.sqrt(24 / n));
      const law = truncatedNormal(-Infinity, Infinity);
      expect(ksDistance(x, (t) => law.cdf(t))).toBeLessThan(1.95 / Math.sqrt(n));
      for (const lag of [1, 2, 3, 4, 16]) {
        expect(Math.abs(autocorrelation(x, lag))).toBeLessThan(4 / Math.sqrt(n));
      }
      // Cosine and sine share a radius: their squares would betray it.
      const squares = x.map((z) => z * z);
      expect(Math.abs(autocorrelation(squares, 1))).toBeLessThan(4 / Math.sqrt(n));
      // P(|z| > 4) = 6.334e-5
      const beyond = x.filter((z) => Math.abs(z) > 4).length;
      expect(Math.abs(beyond - 6.334e-5 * n)).toBeLessThan(5 * Math.sqrt(6.334e-5 * n));
      expect(x.every((z) => Math.abs(z) < 6.67)).toBe(true);
    });

    test("is mean + std z of the standard one", () => {
      const n = 1000;
      const z = draw(
        bench,
        (b, out, n) => b.kernels.randomNormal(out, n, 0, 1, K0, K1, STEP, 0, 1),
        n,
      );
      const x = draw(
        bench,
        (b, out, n) => b.kernels.randomNormal(out, n, -3, 0.25, K0, K1, STEP, 0, 1),
        n,
      );
      // 0.25 z is exact, so fused or not there is one rounding.
      expect(x).toEqual(z.map((z) => -3 + 0.25 * z));
    });
  });

  describe("randomTruncatedNormal", () => {
    test.each(BOUNDS)("has the law of a normal given [%d, %d]", (low, high) => {
      const n = 60_000;
      const law = truncatedNormal(low, high);
      const x = draw(
        bench,
        (b, out, n) => b.kernels.randomTruncatedNormal(out, n, 0, 1, low, high, 5, 6, 0, 0, 1),
        n,
      );
      const { mean, variance } = momentsOf(x);
      expect(Math.abs(mean - law.mean)).toBeLessThan(5 * Math.sqrt(law.variance / n));
      const spread = Math.sqrt((law.fourth / law.variance ** 2 - 1) / n);
      expect(Math.abs(variance / law.variance - 1)).toBeLessThan(5 * spread);
      expect(ksDistance(x, (t) => law.cdf(t))).toBeLessThan(1.95 / Math.sqrt(n));
      expect(Math.abs(autocorrelation(x, 1))).toBeLessThan(4 / Math.sqrt(n));
      expect(x.every((z) => z >= low && z <= high)).toBe(true);
    });

    test.each(BOUNDS)(
      "never leaves [mean + %d std, mean + %d std], computed in f64",
      (low, high) => {
        for (const [m, s] of [
          [0.3, 0.7],
          [-100, 1.02e-4], // floats are 0.07 std apart: draws near 2 std round beyond it
          [1e-3, 1e-5],
        ]) {
          const [mean, std] = [Math.fround(m!), Math.fround(s!)];
          const out = bench.output(5000);
          kernels.randomTruncatedNormal(out, 5000, mean, std, low, high, K0, K1, STEP, 0, 1);
          const x = bench.read(out, 5000);
          expect(x.every((v) => v >= mean + std * low && v <= mean + std * high)).toBe(true);
        }
      },
    );

    test("keeps every draw of randomNormal that lies within wide bounds", () => {
      const n = 5000;
      const z = draw(
        bench,
        (b, out, n) => b.kernels.randomNormal(out, n, 0, 1, K0, K1, STEP, 0, 1),
        n,
      );
      const x = draw(
        bench,
        (b, out, n) => b.kernels.randomTruncatedNormal(out, n, 0, 1, -2, 2, K0, K1, STEP, 0, 1),
        n,
      );
      const differs = x.filter((v, i) => v !== z[i]).length;
      const outside = z.filter((v) => Math.abs(v) > 2).length;
      expect(z.every((v, i) => Math.abs(v) > 2 || v === x[i])).toBe(true);
      expect(differs).toBe(outside);
      expect(outside).toBeGreaterThan(0);
    });

    test("the left tail is the mirror image of the right one", () => {
      const n = 1000;
      const tail = (low: number, high: number) =>
        draw(
          bench,
          (b, out, n) => b.kernels.randomTruncatedNormal(out, n, 0, 1, low, high, K0, K1, 1, 0, 1),
          n,
        );
      expect(tail(-Infinity, -3)).toEqual(tail(3, Infinity).map((x) => -x));
      expect(tail(-2.125, -2)).toEqual(tail(2, 2.125).map((x) => -x));
    });

    test.each([
      ["neighbouring floats as bounds", 0, 1, 1, 1 + 2 ** -23],
      ["a tail beyond any normal", 0, 1, 1e10, Infinity],
      ["a tail whose square overflows", 0, 1, 1e30, 3e38],
      ["bounds that round to the mean", 1, 1e-12, -2, 2],
      ["no spread and an infinite bound", 3, 0, -Infinity, 1],
      ["denormal width", 0, 1, 0, 2 ** -149],
    ])("ends, inside its bounds as floats, with %s", (_, mean, std, low, high) => {
      const out = bench.output(100);
      kernels.randomTruncatedNormal(out, 100, mean, std, low, high, K0, K1, STEP, 0, 1);
      const least = Math.fround(mean + (std === 0 ? 0 : std * low));
      const most = Math.fround(mean + (std === 0 ? 0 : std * high));
      expect(bench.read(out, 100).every((x) => x >= least && x <= most)).toBe(true);
    });

    test.runIf(bench.name !== "debug")("ends even for bounds that hold nothing", () => {
      for (const [low, high] of [
        [2, 1],
        [Number.NaN, 1],
        [-1, Number.NaN],
        [Infinity, Infinity],
      ]) {
        const out = bench.output(100);
        kernels.randomTruncatedNormal(out, 100, 0, 1, low!, high!, K0, K1, STEP, 0, 1);
      }
    });

    test.runIf(bench.name === "debug")("the debug build refuses bounds that hold nothing", () => {
      const out = bench.output(1);
      expect(() => kernels.randomTruncatedNormal(out, 1, 0, 1, 2, 1, K0, K1, 0, 0, 1)).toThrow(
        /randomTruncatedNormal: low must be less than high/,
      );
    });
  });

  describe("randomBernoulli", () => {
    test.each([0, 1, 0.5, 0.1, 0.9, 2 ** -6, 1 - 2 ** -24])(
      "is 1 with probability %d, else 0",
      (given) => {
        const p = Math.fround(given);
        const n = 50_000;
        const x = draw(
          bench,
          (b, out, n) => b.kernels.randomBernoulli(out, n, p, K0, K1, STEP, 0, 1),
          n,
        );
        const words = wordsOf(bench, n);
        // Words are compared as signed numbers, so those with the upper bit come first.
        const threshold = Math.round(p * 2 ** 32);
        expect(x.every((v, i) => v === ((words[i]! ^ 0x80000000) >>> 0 < threshold ? 1 : 0))).toBe(
          true,
        );
        const { mean } = momentsOf(x);
        expect(Math.abs(mean - p)).toBeLessThanOrEqual(5 * Math.sqrt((p * (1 - p)) / n) + 1e-9);
      },
    );

    test("tells probabilities apart that differ by 2^-32", () => {
      // Floats below 2^-8 are multiples of 2^-32: put p on either side of one word.
      const n = 2 ** 18;
      const ranks = wordsOf(bench, n).map((word) => word ^ 0x80000000);
      const rank = ranks.reduce((best, r) => (r < 2 ** 24 && r > best ? r : best), 0);
      const i = ranks.indexOf(rank);
      const out = bench.output(n);
      kernels.randomBernoulli(out, n, rank / 2 ** 32, K0, K1, STEP, 0, 1);
      expect(bench.read(out, n)[i]).toBe(0);
      kernels.randomBernoulli(out, n, (rank + 1) / 2 ** 32, K0, K1, STEP, 0, 1);
      expect(bench.read(out, n)[i]).toBe(1);
    });

    test("p = 1 is certain: even the greatest word is a 1, and dropped at rate 1", () => {
      // Found by search: element 264 of this step draws the greatest signed word.
      const [n, step] = [265, 129_832];
      expect(wordReference(264, KEY, step)).toBe(0x7fffffff);
      const out = bench.output(n);
      kernels.randomBernoulli(out, n, 1, K0, K1, step, 0, 1);
      expect(bench.read(out, n).every((v) => v === 1)).toBe(true);
      kernels.dropout(out, out, n, 1, K0, K1, step, 0, 0, 1);
      expect(bench.read(out, n).every((v) => v === 0)).toBe(true);
    });
  });

  describe("dropout", () => {
    const n = 1003;
    const x = Float32Array.from({ length: n }, (_, i) => Math.fround(Math.sin(i) * 3));

    test.each([0, 0.1, 0.5, 0.999])(
      "is x / (1 - rate) where randomBernoulli(%d) is 0, and 0 elsewhere",
      (given) => {
        const rate = Math.fround(given);
        const dropped = draw(
          bench,
          (b, out, n) => b.kernels.randomBernoulli(out, n, rate, K0, K1, STEP, 0, 1),
          n,
        );
        const scale = Math.fround(1 / (1 - rate));
        const expected = x.map((v, i) => (dropped[i] === 1 ? 0 : v * scale));
        const y = bench.output(n);
        kernels.dropout(y, bench.floats(x), n, rate, K0, K1, STEP, 0, 0, 1);
        expect(bench.read(y, n)).toEqual(expected);

        const inPlace = bench.floats(x);
        kernels.dropout(inPlace, inPlace, n, rate, K0, K1, STEP, 0, 0, 1);
        expect(bench.read(inPlace, n)).toEqual(expected);

        const start = x.map((v) => v * v);
        const sum = bench.floats(start);
        kernels.dropout(sum, bench.floats(x), n, rate, K0, K1, STEP, 1, 0, 1);
        expect(bench.read(sum, n)).toEqual(start.map((v, i) => v + expected[i]!));
      },
    );

    test("the same call on dy is its gradient: both drop the same elements", () => {
      const ones = new Float32Array(n).fill(1);
      const [y, dx] = [bench.output(n), bench.output(n)];
      kernels.dropout(y, bench.floats(x.map((v) => v + 10)), n, 0.5, K0, K1, 9, 0, 0, 1);
      kernels.dropout(dx, bench.floats(ones), n, 0.5, K0, K1, 9, 0, 0, 1);
      const kept = bench.read(y, n).map((v) => (v === 0 ? 0 : 2));
      expect(bench.read(dx, n)).toEqual(kept);
      expect(new Set(kept)).toEqual(new Set([0, 2]));
    });

    test.each([0, 1])(
      "reads and writes nothing beyond n, with beta %d: at the end of memory it would trap",
      (beta) => {
        for (let n = 1; n < 20; n++) {
          const [out, input] = [bench.output(n), bench.floats(x.subarray(0, n))];
          bench.arena.allocate(4 * n); // what lies at the end of memory is nobody's, or this
          const end = bench.arena.memory.buffer.byteLength;
          const at = (end - 4 * n) as Ptr;
          kernels.dropout(out, at, n, 0.5, K0, K1, STEP, beta, 0, 1);
          kernels.dropout(at, input, n, 0.5, K0, K1, STEP, beta, 0, 1);
        }
      },
    );

    test("rate 1 drops everything, and a dropped element is 0 even if x is not finite", () => {
      const wild = x.map((v, i) => [v, Number.NaN, Infinity, -Infinity][i % 4]!);
      const y = bench.output(n);
      kernels.dropout(y, bench.floats(wild), n, 1, K0, K1, STEP, 0, 0, 1);
      expect(bench.read(y, n).every((v) => v === 0)).toBe(true);
    });

    test.each([0, 1])(
      "gives the same bits for every division among threads, with beta %d, within its range",
      (beta) => {
        for (const n of [0, 1, 3, 4, 6, 15, 16, 17, 35, 64, 250]) {
          const whole = bench.floats(new Float32Array(n + 16).fill(5));
          const input = bench.floats(x.subarray(0, n));
          kernels.dropout(shift(whole, 32), input, n, 0.4, K0, K1, STEP, beta, 0, 1);
          const expected = bench.read(whole, n + 16);
          expect([...expected.slice(0, 8), ...expected.slice(n + 8)].every((v) => v === 5)).toBe(
            true,
          );
          for (const threads of [2, 3, 5]) {
            const out = bench.floats(new Float32Array(n + 16).fill(5));
            for (let thread = threads - 1; thread >= 0; thread--) {
              kernels.dropout(shift(out, 32), input, n, 0.4, K0, K1, STEP, beta, thread, threads);
            }
            expect(bench.read(out, n + 16)).toEqual(expected);
          }
        }
      },
    );
  });

  describe("permutation", () => {
    function permute(n: number, k0: number, step: number, threads = 1): Int32Array {
      const out = bench.output(n + 2);
      for (let t = 0; t < threads; t++)
        kernels.permutation(shift(out, 4), n, k0, K1, step, t, threads);
      const all = bitsOf(bench, out, n + 2);
      const guard = bitsOf(bench, bench.output(1), 1)[0];
      expect([all[0], all[n + 1]]).toEqual([guard, guard]);
      return Int32Array.from(all.slice(1, n + 1));
    }

    test("holds 0 … n - 1 once each, for every n up to 70 and some more", () => {
      for (const n of [...Array(71).keys(), 255, 256, 257, 1000]) {
        const sorted = permute(n, K0, STEP).sort();
        expect(sorted).toEqual(Int32Array.from({ length: n }, (_, i) => i));
      }
    });

    test("depends on key and step, and is thread 0's work alone", () => {
      const base = permute(100, 1, 1);
      expect(permute(100, 1, 1, 3)).toEqual(base);
      expect(permute(100, 2, 1)).not.toEqual(base);
      expect(permute(100, 1, 2)).not.toEqual(base);
      const out = bench.output(4);
      kernels.permutation(out, 4, 1, 1, 1, 1, 2);
      expect(bench.read(out, 4).every(Number.isNaN)).toBe(true);
    });

    test("equals Fisher-Yates with Lemire's bounded draws, rejections included", () => {
      const n = 2 ** 20;
      const out = bench.output(n);
      kernels.permutation(out, n, K0, K1, STEP, 0, 1);
      const actual = new Int32Array(bench.arena.memory.buffer, out, n).slice();
      const words = wordsOf(bench, n);
      const expected = new Int32Array(n);
      let rejected = 0;
      for (let i = 0; i < n; i++) {
        let word = words[i]!;
        const biased = 2 ** 32 % (i + 1);
        for (let attempt = 1; Math.imul(word, i + 1) >>> 0 < biased; attempt++, rejected++) {
          word = wordReference(i, KEY, STEP, attempt);
        }
        const j = Math.floor((word * (i + 1)) / 2 ** 32);
        expected[i] = expected[j]!;
        expected[j] = i;
      }
      expect(rejected).toBeGreaterThan(20); // 64 are expected
      expect(actual.every((item, i) => item === expected[i])).toBe(true);
    });

    test("draws each of the 24 orders of 4 alike (chi-square)", () => {
      const draws = 24_000;
      const counts = new Map<string, number>();
      const out = bench.output(4);
      for (let step = 0; step < draws; step++) {
        kernels.permutation(out, 4, K0, K1, step, 0, 1);
        const order = bitsOf(bench, out, 4).join("");
        counts.set(order, (counts.get(order) ?? 0) + 1);
      }
      expect(counts.size).toBe(24);
      const expected = draws / 24;
      const chi2 = [...counts.values()].reduce((sum, c) => sum + (c - expected) ** 2 / expected, 0);
      expect(chi2).toBeLessThan(23 + 5 * Math.sqrt(2 * 23));
    });

    test("puts each of 7 items at each place alike (chi-square)", () => {
      const draws = 20_000;
      const counts = new Float64Array(49);
      const out = bench.output(7);
      for (let step = 0; step < draws; step++) {
        kernels.permutation(out, 7, K0, K1, step, 0, 1);
        bitsOf(bench, out, 7).forEach((item, place) => {
          counts[place * 7 + item]! += 1;
        });
      }
      const expected = draws / 7;
      const chi2 = counts.reduce((sum, c) => sum + (c - expected) ** 2 / expected, 0);
      // 36 degrees of freedom; the cells of one draw are a permutation matrix, which scales the sum by 6 / 7.
      expect((chi2 * 6) / 7).toBeLessThan(36 + 5 * Math.sqrt(2 * 36));
    });
  });

  function wordsOf(bench: Bench, n: number): Uint32Array {
    const out = bench.output(n);
    bench.kernels.randomBits(out, n, K0, K1, STEP, 0, 1);
    return new Uint32Array(bench.arena.memory.buffer, out, n).slice();
  }
});

describe("variants", () => {
  const [simd, ...others] = benches as [Bench, ...Bench[]];

  test.each(others)(
    "$name draws the bits of simd; with fused multiply-adds normals may differ by 6 u",
    (other) => {
      for (const [name, fill] of FILLS) {
        const n = 999;
        const [expected, actual] = [draw(simd, fill, n), draw(other, fill, n)];
        if (!other.fused || !name.includes("ormal")) {
          expect(new Uint32Array(actual.buffer), name).toEqual(new Uint32Array(expected.buffer));
          continue;
        }
        // A borderline draw may be accepted by one and not by the other; none of these is.
        const worst = Math.max(...actual.map((x, i) => Math.abs(x - expected[i]!)));
        // Both are within 6 u of a radius below 7, times the deviation 2; and the last rounding of numbers below 64.
        expect(worst, name).toBeLessThan((2 * 6 * 7 * 2 + 64) * EPS);
      }
    },
  );

  test("golden bits: what a seed draws is part of the interface", () => {
    const golden = (at: string) => {
      const [, fill] = FILLS.find(([name]) => name === at)!;
      return [...new Uint32Array(draw(simd, fill, 4).buffer)].map((w) => w.toString(16));
    };
    expect(golden("randomBits")).toEqual(["a49e61ff", "4d6a8e89", "be51356c", "b80d63ea"]);
    expect(golden("randomUniform")).toEqual(["3e5c5f90", "bfbe759d", "3f379608", "3f1842f0"]);
    expect(golden("randomNormal")).toEqual(["bf05eeb6", "405fa008", "3d0ed688", "bfed549a"]);
    expect(golden("randomTruncatedNormal [-2, 2]")).toEqual([
      "bf05eeb6",
      "405fa008",
      "3d0ed688",
      "bfed549a",
    ]);
    expect(golden("randomTruncatedNormal [3, Infinity]")).toEqual([
      "40e84026",
      "40d9be65",
      "40ddf2a8",
      "40e00041",
    ]);
    expect(golden("randomTruncatedNormal [2, 2.125]")).toEqual([
      "409249e6",
      "4094d6a9",
      "4093e513",
      "409380d6",
    ]);
  });
});

function nextBelow(x: number): number {
  const f = new Float32Array([x]);
  const bits = new Int32Array(f.buffer);
  if (x === 0) return -(2 ** -149);
  bits[0]! += x > 0 ? -1 : 1;
  return f[0]!;
}
