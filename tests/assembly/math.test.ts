import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { Ptr } from "../../src/core/arena.ts";
import type { Bench } from "../support/kernels.ts";
import { variants } from "../support/kernels.ts";
import { EPS, erf, erfc, LEAST_NORMAL, ulp } from "../support/reference.ts";

type Name = "exp" | "log" | "erf" | "sin" | "cos";

/** Spaced evenly in the logarithm. */
const spread = (from: number, to: number, count: number) =>
  Array.from({ length: count }, (_, i) => Math.fround(from * (to / from) ** (i / (count - 1))));

/** Spaced evenly. */
const line = (from: number, to: number, count: number) =>
  Array.from({ length: count }, (_, i) => Math.fround(from + ((to - from) * i) / (count - 1)));

/** The floats within 4 places of `x`. */
function neighbours(x: number): Float32Array {
  const bits = new Int32Array(new Float32Array([x]).buffer)[0]!;
  return new Float32Array(Int32Array.from({ length: 9 }, (_, i) => bits + i - 4).buffer);
}

/** Every float next to a multiple of pi / 2 up to 8192: the zeros of sin and cos, where a relative error is hardest to keep. */
const QUADRANTS = Array.from({ length: 5214 }, (_, q) => [
  ...neighbours(((q + 1) * Math.PI) / 2),
]).flat();

const CIRCLE = [
  ...spread(1e-37, 8192, 60_000),
  ...spread(-1e-37, -8192, 20_000),
  ...line(-8192, 8192, 60_000),
  ...line(-10, 10, 30_000),
  ...QUADRANTS,
];

/** Arguments over the whole domain, the definition in f64, and the bound in ULP: what docs/kernels.md promises. */
const FUNCTIONS: readonly { name: Name; f: (x: number) => number; at: number[]; bound: number }[] =
  [
    {
      name: "exp",
      f: Math.exp,
      at: [
        ...line(-87.336, 88.7228, 120_000),
        ...spread(1e-30, 88, 40_000),
        ...spread(-1e-30, -87, 40_000),
        ...neighbours(88.7228317).slice(0, 5),
        ...neighbours(-87.3365402).slice(0, 5),
      ],
      bound: 1.02,
    },
    {
      name: "log",
      f: Math.log,
      at: [...spread(2 ** -149, 3.4e38, 120_000), ...line(0.4, 2.5, 80_000), ...neighbours(1)],
      bound: 0.9,
    },
    {
      name: "erf",
      f: erf,
      at: [
        ...spread(1e-37, 10, 60_000),
        ...spread(-1e-37, -10, 60_000),
        ...line(-4.5, 4.5, 80_000),
      ],
      bound: 1.2,
    },
    { name: "sin", f: Math.sin, at: CIRCLE, bound: 2.4 },
    { name: "cos", f: Math.cos, at: CIRCLE, bound: 2.4 },
  ];

const SPECIAL: Readonly<Record<Name, readonly (readonly [number, number])[]>> = {
  exp: [
    [Number.NaN, Number.NaN],
    [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
    [Number.NEGATIVE_INFINITY, 0],
    [0, 1],
    [-0, 1],
    [2 ** -149, 1],
    [-(2 ** -140), 1],
    [88.72284, Number.POSITIVE_INFINITY],
    [3e38, Number.POSITIVE_INFINITY],
    [-87.34, 0],
    [-150, 0],
    [-3e38, 0],
  ],
  log: [
    [Number.NaN, Number.NaN],
    [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
    [Number.NEGATIVE_INFINITY, Number.NaN],
    [-1, Number.NaN],
    [-(2 ** -149), Number.NaN],
    [0, Number.NEGATIVE_INFINITY],
    [-0, Number.NEGATIVE_INFINITY],
    [1, 0],
  ],
  erf: [
    [Number.NaN, Number.NaN],
    [Number.POSITIVE_INFINITY, 1],
    [Number.NEGATIVE_INFINITY, -1],
    [0, 0],
    [-0, -0],
    [3e38, 1],
    [-5, -1],
  ],
  sin: [
    [Number.NaN, Number.NaN],
    [Number.POSITIVE_INFINITY, Number.NaN],
    [Number.NEGATIVE_INFINITY, Number.NaN],
    [0, 0],
    [-0, -0],
    [2 ** -149, 2 ** -149],
  ],
  cos: [
    [Number.NaN, Number.NaN],
    [Number.POSITIVE_INFINITY, Number.NaN],
    [Number.NEGATIVE_INFINITY, Number.NaN],
    [0, 1],
    [-0, 1],
    [2 ** -149, 1],
  ],
};

const expected = new Map(FUNCTIONS.map(({ name, f, at }) => [name, at.map(f)]));

test("the reference erf and erfc agree with published values", () => {
  // Abramowitz and Stegun, table 7.1; erfc(5) and erfc(10) from the DLMF, 7.23.
  expect(erf(0.5)).toBeCloseTo(0.5204998778, 10);
  expect(erf(1.5)).toBeCloseTo(0.9661051465, 10);
  expect(erfc(5) / 1.5374597944280349e-12).toBeCloseTo(1, 12);
  expect(erfc(10) / 2.088487583762545e-45).toBeCloseTo(1, 12);
  expect(erfc(2.4999) - erfc(2.5001)).toBeCloseTo(
    2e-4 * (2 / Math.sqrt(Math.PI)) * Math.exp(-6.25),
    9,
  );
});

describe.each(await variants())("elementary functions on $name", (bench) => {
  test.each(FUNCTIONS)("$name is within $bound ULP over its domain", ({ name, at, bound }) => {
    const y = apply(bench, name, at);
    const exact = expected.get(name)!;
    let worst = { error: 0, x: 0, y: 0, exact: 0 };
    for (let i = 0; i < y.length; i++) {
      const error = ulp(y[i]!, exact[i]!);
      if (!(error <= worst.error)) worst = { error, x: at[i]!, y: y[i]!, exact: exact[i]! };
    }
    expect(worst.error, JSON.stringify(worst)).toBeLessThanOrEqual(bound);
  });

  test.each(FUNCTIONS)(
    "$name has its limits, NaN only for NaN and where it has no value",
    ({ name }) => {
      const pairs = SPECIAL[name];
      const y = apply(
        bench,
        name,
        pairs.map(([x]) => x),
      );
      expect([...y]).toEqual(pairs.map(([, value]) => value));
    },
  );

  test.each(["sin", "cos"] as const)(
    "%s is a number within [-1, 1] however large the argument",
    (name) => {
      const y = apply(bench, name, [
        ...spread(8192, 3.4e38, 20_000),
        ...spread(-8192, -3.4e38, 20_000),
      ]);
      expect(y.every((v) => Math.abs(v) <= 1)).toBe(true);
    },
  );

  test("sin and cos lose digits beyond 8192 in proportion to the argument", () => {
    const at = line(8192, 65_536, 20_000);
    const bound = (x: number) => 4 * x * EPS;
    expect(
      apply(bench, "sin", at).every((y, i) => Math.abs(y - Math.sin(at[i]!)) <= bound(at[i]!)),
    ).toBe(true);
    expect(
      apply(bench, "cos", at).every((y, i) => Math.abs(y - Math.cos(at[i]!)) <= bound(at[i]!)),
    ).toBe(true);
  });

  test.each(FUNCTIONS)(
    "$name gives each length the bits of a longer run and writes nothing beyond",
    ({ name }) => {
      const x = Float32Array.from({ length: 67 }, (_, i) => Math.fround(Math.sin(i) * 8 + 8.5));
      const whole = apply(bench, name, x);
      for (let n = 0; n <= 67; n++) {
        const out = bench.floats(new Float32Array(n + 8).fill(777));
        const y = (out + 4 * (n % 4)) as Ptr; // no alignment is needed
        bench.kernels[name](y, bench.floats(x), n, 0, 1);
        const result = bench.read(out, n + 8);
        const want = new Float32Array(n + 8).fill(777);
        want.set(whole.subarray(0, n), n % 4);
        expect(result, `n = ${n}`).toEqual(want);
      }
    },
  );

  test.each(FUNCTIONS)(
    "$name works in place and gives the same bits for every division",
    ({ name }) => {
      const x = Float32Array.from({ length: 203 }, (_, i) => Math.fround(Math.cos(i) * 3 + 3.5));
      const whole = apply(bench, name, x);
      for (const threads of [1, 2, 3, 5]) {
        const y = bench.floats(x);
        for (let thread = 0; thread < threads; thread++) {
          bench.kernels[name](y, y, x.length, thread, threads);
        }
        expect(bench.read(y, x.length)).toEqual(whole);
      }
    },
  );

  test.each(FUNCTIONS)(
    "$name does not read beyond its operand: memory may end there",
    ({ name }) => {
      const y = bench.output(16);
      bench.arena.memory.grow(1); // nothing uses the last page
      const end = bench.arena.memory.buffer.byteLength;
      for (let n = 1; n <= 16; n++) bench.kernels[name](y, (end - 4 * n) as Ptr, n, 0, 1);
    },
  );

  test("exp flushes no normal result", () => {
    const y = apply(bench, "exp", line(-87.3365, -86, 5000));
    expect(y.every((v) => v >= LEAST_NORMAL)).toBe(true);
  });

  // Golden bits: the promise is that every engine gives them, so they are written down once.
  test.skipIf(bench.fused)("the bits are those of every other engine", () => {
    const at = line(-20, 20, 4001);
    const bits = FUNCTIONS.map(({ name }) => {
      const y = apply(bench, name, name === "log" ? at.map(Math.abs) : at);
      return `${name} ${createHash("sha256").update(y).digest("hex").slice(0, 16)}`;
    });
    expect(bits).toEqual([
      "exp 2dd34f815476abd6",
      "log 7c9cb021a84f719a",
      "erf c668163bf40446aa",
      "sin 8911a2035b36c4a4",
      "cos 04168d9c57a9b777",
    ]);
  });
});

function apply(bench: Bench, name: Name, x: ArrayLike<number>): Float32Array {
  const from = bench.floats(x);
  const y = bench.output(x.length);
  bench.kernels[name](y, from, x.length, 0, 1);
  return bench.read(y, x.length);
}
