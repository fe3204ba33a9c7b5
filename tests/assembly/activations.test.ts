import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { Ptr } from "../../src/core/arena.ts";
import type { Bench } from "../support/kernels.ts";
import { variants } from "../support/kernels.ts";
import { ACTIVATIONS, EPS, LEAST_NORMAL, ulpAt } from "../support/reference.ts";

const ALPHA = Math.fround(0.7);
const INF = Number.POSITIVE_INFINITY;

interface Row {
  readonly kind: string;
  /** Bound of the forward's error in ULP; `floor` is what may be lost to underflow besides. */
  readonly ulps: number | ((x: number) => number);
  readonly floor?: number;
  /** Bound of the derivative's error in units of 2^-24, for |f'| of about 1; where it jumps. */
  readonly slope: number;
  readonly jumps?: readonly number[];
  /** In the left tail, x in [from, -3], the derivative keeps this many ULP. */
  readonly tail?: { readonly from: number; readonly ulps: number };
  /** f and f' at -Infinity and Infinity. */
  readonly limits: readonly [number, number, number, number];
}

/** Exponent of geluTanh's sigmoid: its rounding error is what the tail loses. */
const geluTanhExponent = (x: number) => 1.6 * Math.abs(x) + 0.0714 * Math.abs(x) ** 3;

/** What docs/kernels.md promises. */
const ROWS: readonly Row[] = [
  { kind: "linear", ulps: 0, slope: 0, limits: [-INF, INF, 1, 1] },
  { kind: "relu", ulps: 0, slope: 0, limits: [0, INF, 0, 1] },
  { kind: "leakyRelu", ulps: 0.5, slope: 0, limits: [-INF, INF, ALPHA, 1] },
  { kind: "relu6", ulps: 0, slope: 0, jumps: [6], limits: [0, 6, 0, 0] },
  { kind: "elu", ulps: 1.7, slope: 0.9, limits: [-ALPHA, INF, 0, 1] },
  {
    kind: "selu",
    ulps: 1.9,
    slope: 2.5,
    limits: [Math.fround(-1.7580993408473766), INF, 0, Math.fround(1.0507009873554805)],
  },
  { kind: "gelu", ulps: 7, slope: 2.4, tail: { from: -12.8, ulps: 3.5 }, limits: [0, INF, 0, 1] },
  {
    kind: "geluTanh",
    ulps: (x) => (x < 0 ? 3 + 3 * geluTanhExponent(x) : 3),
    floor: 3e-38,
    slope: 3.6,
    limits: [0, INF, 0, 1],
  },
  {
    kind: "silu",
    ulps: 2.3,
    floor: 3e-37,
    slope: 3.3,
    tail: { from: -80, ulps: 6.5 },
    limits: [0, INF, 0, 1],
  },
  {
    kind: "mish",
    ulps: 5, // 4.65 at -6.76633
    floor: 1.1e-36,
    slope: 3.9,
    tail: { from: -80, ulps: 8 },
    limits: [0, INF, 0, 1],
  },
  {
    kind: "softplus",
    ulps: 2.9,
    slope: 1.6,
    tail: { from: -87, ulps: 2.5 },
    limits: [0, INF, 0, 1],
  },
  {
    kind: "softsign",
    ulps: 1.5,
    slope: 3.5,
    tail: { from: -1e18, ulps: 3.5 },
    limits: [-1, 1, 0, 0],
  },
  { kind: "tanh", ulps: 2.5, slope: 5.4, limits: [-1, 1, 0, 0] },
  { kind: "sigmoid", ulps: 2.4, slope: 1.6, limits: [0, 1, 0, 0] },
  { kind: "hardSigmoid", ulps: 1.4, slope: 0.1, jumps: [-3, 3], limits: [0, 1, 0, 0] },
  { kind: "hardTanh", ulps: 0, slope: 0, jumps: [-1, 1], limits: [-1, 1, 0, 0] },
  { kind: "hardSwish", ulps: 2.5, slope: 1.4, jumps: [-3, 3], limits: [0, INF, 0, 1] },
  {
    kind: "sin",
    ulps: 2.4,
    slope: 1.6,
    limits: [Number.NaN, Number.NaN, Number.NaN, Number.NaN],
  },
];

/** Even in x around 0 and even in log |x| over all floats. */
const POINTS = Float32Array.from([
  ...Array.from({ length: 80_000 }, (_, i) => -12.8 + i / 3125),
  ...Array.from({ length: 30_000 }, (_, i) => -100 + i / 300),
  ...Array.from({ length: 45_000 }, (_, i) => 1e-38 * 1e76 ** (i / 44_999)),
  ...Array.from({ length: 45_000 }, (_, i) => -1e-38 * 1e76 ** (i / 44_999)),
]);

/** sin is good to 8192; the others to the end. */
const inDomain = (kind: string, x: number) => kind !== "sin" || Math.abs(x) <= 8192;

/** The definitions at the points, computed once for all variants. */
const EXACT = new Map(
  ROWS.map(({ kind }) => {
    const { f, df } = ACTIVATIONS[kind]!;
    return [
      kind,
      { f: [...POINTS].map((x) => f(x, ALPHA)), df: [...POINTS].map((x) => df(x, ALPHA)) },
    ];
  }),
);

/** Numbers of every class, then ordinary ones. */
const MIXED = Float32Array.from([
  ...[Number.NaN, INF, -INF, 0, -0, 2 ** -149, -(2 ** -149), 1e-40, -1e-40, 3e38, -3e38, 3, -3, 6],
  ...Array.from({ length: 189 }, (_, i) => 5 * Math.sin(i * i)),
]);

const GUARD = 777;

describe.each(await variants())("activations on $name", (bench) => {
  const { kernels } = bench;
  const kindOf = (kind: string) => bench.enums.Activation![kind]!;

  const forward = (kind: string, x: ArrayLike<number>, alpha = ALPHA) => {
    const y = bench.output(x.length);
    kernels.activationForward(y, bench.floats(x), x.length, kindOf(kind), alpha, 0, 1);
    return bench.read(y, x.length);
  };

  /** What the backward reads: y or x. */
  const saved = (kind: string, x: Float32Array, alpha = ALPHA) =>
    kernels.activationReadsOutput(kindOf(kind)) ? forward(kind, x, alpha) : x;

  const backward = (kind: string, x: Float32Array, dy: ArrayLike<number>) => {
    const s = bench.floats(saved(kind, x));
    const dx = bench.output(x.length);
    kernels.activationBackward(dx, s, bench.floats(dy), x.length, kindOf(kind), ALPHA, 0, 0, 1);
    return bench.read(dx, x.length);
  };

  test("the kinds are those with a definition", () => {
    expect(Object.keys(bench.enums.Activation!)).toEqual(Object.keys(ACTIVATIONS));
    expect(ROWS.map(({ kind }) => kind)).toEqual(Object.keys(ACTIVATIONS));
  });

  test.each(ROWS)(
    "$kind equals its definition within its bound",
    ({ kind, ulps, floor = LEAST_NORMAL }) => {
      const y = forward(kind, POINTS);
      const bound = typeof ulps === "number" ? () => ulps : ulps;
      expectWithin(y, EXACT.get(kind)!.f, (x, exact) => bound(x) * ulpAt(exact) + floor, kind);
    },
  );

  test.each(ROWS)(
    "$kind: the backward multiplies by the derivative",
    ({ kind, slope, jumps = [] }) => {
      const dx = backward(kind, POINTS, new Float32Array(POINTS.length).fill(1));
      const isJump = (x: number) => jumps.some((at) => Math.abs(x - at) < 1e-6);
      expectWithin(dx, EXACT.get(kind)!.df, (x) => (isJump(x) ? 2 : slope * EPS), kind);
      const half = backward(kind, POINTS, new Float32Array(POINTS.length).fill(-0.5));
      expect(half.every((v, i) => v === -0.5 * dx[i]! || Math.abs(v) < LEAST_NORMAL)).toBe(true);
    },
  );

  test.each(ROWS.filter(({ tail }) => tail))(
    "$kind: the derivative keeps its digits in the left tail",
    ({ kind, tail }) => {
      const dx = backward(kind, POINTS, new Float32Array(POINTS.length).fill(1));
      const bound = (x: number, exact: number) =>
        x < -3 && x > tail!.from ? tail!.ulps * ulpAt(exact) + LEAST_NORMAL : INF;
      expectWithin(dx, EXACT.get(kind)!.df, bound, kind);
    },
  );

  test.each(ROWS)("$kind has its limits at infinity, forward and backward", ({ kind, limits }) => {
    const x = Float32Array.of(-INF, INF);
    const got = [...forward(kind, x), ...backward(kind, x, [1, 1])].map((v) => v + 0); // -0 is 0 here
    expect(got).toEqual(limits);
  });

  test.each(ROWS)(
    "$kind: NaN in, NaN out, forward and backward, and in that lane only",
    ({ kind }) => {
      const x = Float32Array.of(1, Number.NaN, -1, 2, 0.5);
      expect([...forward(kind, x)].map(Number.isNaN)).toEqual([false, true, false, false, false]);
      const dx = [...backward(kind, x, [1, 1, 1, 1, Number.NaN])];
      expect(dx.map(Number.isNaN)).toEqual([false, kind !== "linear", false, false, true]);
      const dead = backward(kind, Float32Array.of(-4, 8), [Number.NaN, Number.NaN]);
      expect([...dead]).toEqual([Number.NaN, Number.NaN]);
    },
  );

  test("odd and even activations keep the sign of zero", () => {
    for (const kind of [
      "linear",
      "leakyRelu",
      "elu",
      "selu",
      "softsign",
      "tanh",
      "hardTanh",
      "sin",
    ]) {
      expect([...forward(kind, [0, -0])], kind).toEqual([0, -0]);
    }
  });

  test.each(ROWS)(
    "$kind gives each length the bits of a longer run and writes nothing beyond",
    ({ kind }) => {
      const code = kindOf(kind);
      const dyAll = MIXED.map((_, i) => Math.cos(i));
      const yAll = forward(kind, MIXED);
      const sAll = saved(kind, MIXED);
      const dxAll = backward(kind, MIXED, dyAll);
      for (const n of [...Array(41).keys(), MIXED.length]) {
        const from = MIXED.length - n; // other numbers meet the tail each time
        const x = bench.floats(MIXED.subarray(from));
        const s = bench.floats(sAll.subarray(from));
        const dy = bench.floats(dyAll.subarray(from));
        const out = bench.floats(new Float32Array(n + 8).fill(GUARD));
        const at = (out + 4 * (n % 4)) as Ptr; // no alignment is needed
        const wanted = (values: Float32Array) => {
          const want = new Float32Array(n + 8).fill(GUARD);
          want.set(values.subarray(from), n % 4);
          return want;
        };
        kernels.activationForward(at, x, n, code, ALPHA, 0, 1);
        expect(bench.read(out, n + 8), `n = ${n}`).toEqual(wanted(yAll));
        kernels.activationBackward(at, s, dy, n, code, ALPHA, 0, 0, 1);
        expect(bench.read(out, n + 8), `n = ${n}`).toEqual(wanted(dxAll));
      }
    },
  );

  test.each(ROWS)("$kind works in place, and with beta 1 adds to what is there", ({ kind }) => {
    const n = MIXED.length;
    const code = kindOf(kind);
    const y = bench.floats(MIXED);
    kernels.activationForward(y, y, n, code, ALPHA, 0, 1);
    expect(bench.read(y, n)).toEqual(forward(kind, MIXED));

    const dy = MIXED.map((_, i) => Math.cos(i));
    const dx = backward(kind, MIXED, dy);
    const s = bench.floats(saved(kind, MIXED));
    const d = bench.floats(dy);
    kernels.activationBackward(d, s, d, n, code, ALPHA, 0, 0, 1);
    expect(bench.read(d, n)).toEqual(dx);

    const before = MIXED.map((_, i) => Math.sin(i));
    for (const count of [n, 6]) {
      const sum = bench.floats(before);
      kernels.activationBackward(sum, s, bench.floats(dy), count, code, ALPHA, 1, 0, 1);
      const want = before.map((v, i) => (i < count ? v + dx[i]! : v));
      expect(bench.read(sum, n)).toEqual(want);
    }
  });

  test.each(ROWS)("$kind gives the same bits for every division among threads", ({ kind }) => {
    const n = MIXED.length;
    const code = kindOf(kind);
    const x = bench.floats(MIXED);
    const s = bench.floats(saved(kind, MIXED));
    const dyValues = MIXED.map((_, i) => Math.cos(i));
    const dy = bench.floats(dyValues);
    for (const threads of [2, 3, 5, 40]) {
      const y = bench.output(n);
      const dx = bench.output(n);
      for (let thread = 0; thread < threads; thread++) {
        kernels.activationForward(y, x, n, code, ALPHA, thread, threads);
        kernels.activationBackward(dx, s, dy, n, code, ALPHA, 0, thread, threads);
      }
      expect(bench.read(y, n)).toEqual(forward(kind, MIXED));
      expect(bench.read(dx, n)).toEqual(backward(kind, MIXED, dyValues));
    }
  });

  test.each([
    ["relu", [0], [0]],
    ["leakyRelu", [0], [ALPHA]],
    ["relu6", [0, 6], [0, 0]],
    ["elu", [0], [ALPHA]],
    ["selu", [0], [Math.fround(1.7580993408473766)]],
    ["hardSigmoid", [-3, 3], [0, 0]],
    ["hardTanh", [-1, 1], [0, 0]],
    ["hardSwish", [-3, 3], [0, 1]],
  ])("%s has the stated derivative at its kinks", (kind, at, slopes) => {
    expect([
      ...backward(
        kind,
        Float32Array.from(at),
        at.map(() => 1),
      ),
    ]).toEqual(slopes);
  });

  test("leakyRelu and elu tell their side from the output also when alpha is 0", () => {
    for (const kind of ["leakyRelu", "elu"]) {
      const x = Float32Array.of(-2, -0, 0, 2);
      const s = bench.floats(forward(kind, x, 0));
      const dx = bench.output(4);
      kernels.activationBackward(dx, s, bench.floats([1, 1, 1, 1]), 4, kindOf(kind), 0, 0, 0, 1);
      expect([...bench.read(dx, 4)], kind).toEqual([0, 0, 0, 1]);
    }
  });

  describe("backward with the bias gradient", () => {
    const bias = (options: {
      kind: string;
      s: ArrayLike<number>;
      dy: ArrayLike<number>;
      rows: number;
      cols: number;
      before?: readonly number[];
      inPlace?: boolean;
      threads?: number;
    }) => {
      const { kind, s, dy, rows, cols, before, inPlace = false, threads = 1 } = options;
      const sAt = bench.floats(s);
      const dyAt = bench.floats([...Array.from(dy), GUARD, GUARD, GUARD, GUARD]);
      const dz = inPlace ? dyAt : bench.output(rows * cols + 4);
      const guards = [GUARD, GUARD, GUARD, GUARD];
      const db = bench.floats([...(before ?? Array(cols).fill(Number.NaN)), ...guards]);
      if (!inPlace) {
        bench.arena.f32((dz + 4 * rows * cols) as Ptr, 4).fill(GUARD);
      }
      for (let thread = 0; thread < threads; thread++) {
        kernels.activationBackwardBias(
          ...([
            dz,
            db,
            sAt,
            dyAt,
            rows,
            cols,
            kindOf(kind),
            0.5,
            before ? 1 : 0,
            thread,
            threads,
          ] as const),
        );
      }
      expect([...bench.read((dz + 4 * rows * cols) as Ptr, 4)]).toEqual(guards);
      expect([...bench.read((db + 4 * cols) as Ptr, 4)]).toEqual(guards);
      return { dz: bench.read(dz, rows * cols), db: bench.read(db, cols) };
    };

    const COLS = [...Array(21).keys(), 31, 32, 33, 34, 48, 67].slice(1);

    test.each(["linear", "relu", "leakyRelu"])(
      "%s equals the definition exactly on small integers, for every shape around the tile",
      (kind) => {
        for (const rows of [0, 1, 2, 3, 4, 5, 7, 8, 13]) {
          for (const cols of COLS) {
            const n = rows * cols;
            const s = Float32Array.from({ length: n }, (_, i) => ((i * 7) % 5) - 2);
            const dy = Float32Array.from({ length: n }, (_, i) => ((i * 11) % 17) - 8);
            const dz = dy.map((d, i) => d * ACTIVATIONS[kind]!.df(s[i]!, 0.5));
            const before = Array.from({ length: cols }, (_, c) => c - 3);
            const sums = before.map((_, c) => {
              let sum = 0;
              for (let i = c; i < n; i += cols) sum += dz[i]!;
              return sum;
            });
            for (const inPlace of [false, true]) {
              const message = `${rows} x ${cols}, in place: ${inPlace}`;
              const fresh = bias({ kind, s, dy, rows, cols, inPlace });
              expect(equal(fresh.dz, dz), message).toBe(true);
              expect(equal(fresh.db, sums), message).toBe(true);
              const added = bias({ kind, s, dy, rows, cols, inPlace, before });
              expect(equal(added.dz, dz), message).toBe(true);
              expect(
                added.db.every((v, c) => v === before[c]! + sums[c]!),
                message,
              ).toBe(true);
            }
          }
        }
      },
    );

    test.each(ROWS)("$kind gives the bits of the plain backward, and their sums", ({ kind }) => {
      for (const [rows, cols] of [
        [9, 3],
        [13, 15],
        [7, 16],
        [10, 39],
      ] as const) {
        const n = rows * cols;
        const x = Float32Array.from({ length: n }, (_, i) => 3 * Math.sin(i * i));
        const dy = Float32Array.from({ length: n }, (_, i) => Math.cos(i));
        const s = saved(kind, x, 0.5);
        const { dz, db } = bias({ kind, s, dy, rows, cols });
        const dx = bench.output(n);
        kernels.activationBackward(
          ...([dx, bench.floats(s), bench.floats(dy), n, kindOf(kind), 0.5, 0, 0, 1] as const),
        );
        expect(dz).toEqual(bench.read(dx, n));
        for (let c = 0; c < cols; c++) {
          let sum = 0;
          let size = 0;
          for (let i = c; i < n; i += cols) {
            sum += dz[i]!;
            size += Math.abs(dz[i]!);
          }
          expect(Math.abs(db[c]! - sum)).toBeLessThanOrEqual(rows * EPS * size);
        }
      }
    });

    test.each(["linear", "relu", "tanh", "gelu"])(
      "%s gives the same bits for every division",
      (kind) => {
        for (const [rows, cols] of [
          [6, 10],
          [11, 16],
          [9, 70],
          [5, 200],
        ] as const) {
          const x = Float32Array.from({ length: rows * cols }, (_, i) => 3 * Math.sin(i * i));
          const dy = x.map((_, i) => Math.cos(i));
          const s = saved(kind, x, 0.5);
          for (const inPlace of [false, true]) {
            const whole = bias({ kind, s, dy, rows, cols, inPlace });
            for (const threads of [2, 3, 5]) {
              expect(bias({ kind, s, dy, rows, cols, inPlace, threads })).toEqual(whole);
            }
          }
        }
      },
    );
  });

  describe("prelu", () => {
    const SHAPES = [1, 2, 5].flatMap((rows) =>
      [1, 3, 4, 7, 16, 33].map((cols) => [rows, cols] as const),
    );

    const data = (rows: number, cols: number, channels: number) => {
      const n = rows * cols;
      const x = Float32Array.from({ length: n }, (_, i) => ((i * 7) % 9) - 4);
      const dy = Float32Array.from({ length: n }, (_, i) => ((i * 5) % 11) - 5);
      const slope = Float32Array.from({ length: channels }, (_, c) => (c % 4) / 4 - 0.25);
      return { n, x, dy, slope, slopeOf: (i: number) => slope[channels === 1 ? 0 : i % cols]! };
    };

    test.each(["one slope", "one a column"])(
      "with %s equals its definition exactly on small integers",
      (which) => {
        for (const [rows, cols] of SHAPES) {
          const channels = which === "one slope" ? 1 : cols;
          const { n, x, dy, slope, slopeOf } = data(rows, cols, channels);
          const message = `${rows} x ${cols}`;
          for (const threads of [1, 2, 3, 5]) {
            for (const beta of [0, 1]) {
              const xAt = bench.floats(x);
              const slopeAt = bench.floats(slope);
              const y = bench.floats([...Array(n).fill(Number.NaN), GUARD]);
              const dx = bench.floats([...Array(n).fill(beta ? 2 : Number.NaN), GUARD]);
              const dslope = bench.floats([...Array(channels).fill(beta ? 3 : Number.NaN), GUARD]);
              const dyAt = bench.floats(dy);
              for (let thread = 0; thread < threads; thread++) {
                kernels.preluForward(y, xAt, slopeAt, rows, cols, channels, thread, threads);
                kernels.preluBackward(
                  ...([dx, dslope, xAt, dyAt, slopeAt, rows, cols, channels] as const),
                  ...([beta, beta, thread, threads] as const),
                );
              }
              const wantY = [...x].map((v, i) => (v > 0 ? v : slopeOf(i) * v));
              const wantDx = [...dy].map((d, i) => (x[i]! > 0 ? d : slopeOf(i) * d) + 2 * beta);
              const wantSlope = Array(channels).fill(3 * beta);
              for (let i = 0; i < n; i++) {
                if (x[i]! <= 0) wantSlope[channels === 1 ? 0 : i % cols] += x[i]! * dy[i]!;
              }
              expect(equal(bench.read(y, n + 1), [...wantY, GUARD]), message).toBe(true);
              expect(equal(bench.read(dx, n + 1), [...wantDx, GUARD]), message).toBe(true);
              expect([...bench.read(dslope, channels + 1)], message).toEqual([...wantSlope, GUARD]);
            }
          }
        }
      },
    );

    test("a NaN reaches y, dx and the gradient of its own slope", () => {
      const x = bench.floats([1, Number.NaN, -1]);
      const [y, dx, dslope] = [bench.output(3), bench.output(3), bench.output(3)];
      const slope = bench.floats([0.5, 0.5, 0.5]);
      kernels.preluForward(y, x, slope, 1, 3, 3, 0, 1);
      kernels.preluBackward(dx, dslope, x, bench.floats([1, 1, 1]), slope, 1, 3, 3, 0, 0, 0, 1);
      expect([...bench.read(y, 3)]).toEqual([1, Number.NaN, -0.5]);
      expect([...bench.read(dx, 3)]).toEqual([1, Number.NaN, 0.5]);
      expect([...bench.read(dslope, 3)]).toEqual([0, Number.NaN, -1]);
    });

    test("with one slope its gradient is summed to f32 accuracy over many elements", () => {
      const n = 100_003;
      const x = Float32Array.from({ length: n }, (_, i) => Math.sin(i * i));
      const dy = Float32Array.from({ length: n }, (_, i) => 1 + Math.cos(i));
      const dslope = bench.output(1);
      kernels.preluBackward(
        ...([
          bench.output(n),
          dslope,
          bench.floats(x),
          bench.floats(dy),
          bench.floats([0.25]),
        ] as const),
        ...([1, n, 1, 0, 0, 0, 1] as const),
      );
      let sum = 0;
      let size = 0;
      for (let i = 0; i < n; i++) {
        if (x[i]! > 0) continue;
        sum += x[i]! * dy[i]!;
        size += Math.abs(x[i]! * dy[i]!);
      }
      // A product, 256 additions in a lane of a block, two across its lanes, one rounding to f32.
      expect(Math.abs(bench.read(dslope, 1)[0]! - sum)).toBeLessThanOrEqual(260 * EPS * size);
    });
  });

  test("no operand is read beyond its end: memory may end there", () => {
    const edge = lastPage(bench);
    const { relu, gelu } = bench.enums.Activation as { relu: number; gelu: number };
    for (let n = 1; n <= 21; n++) {
      const [a, b, c] = [bench.output(4 * n), bench.output(4 * n), bench.output(4 * n)];
      const end = (count: number) => (edge - 4 * count) as Ptr;
      for (const kind of [relu, gelu]) {
        kernels.activationForward(a, end(n), n, kind, 0, 0, 1);
        kernels.activationBackward(a, end(n), b, n, kind, 0, 0, 0, 1);
        kernels.activationBackward(a, b, end(n), n, kind, 0, 0, 0, 1);
        kernels.activationBackward(end(n), a, b, n, kind, 0, 1, 0, 1);
        for (const rows of [1, 4]) {
          const all = end(rows * n);
          kernels.activationBackwardBias(a, b, all, c, rows, n, kind, 0, 0, 0, 1);
          kernels.activationBackwardBias(a, b, c, all, rows, n, kind, 0, 0, 0, 1);
          kernels.activationBackwardBias(all, b, a, c, rows, n, kind, 0, 0, 0, 1);
          kernels.activationBackwardBias(a, end(n), b, c, rows, n, kind, 0, 1, 0, 1);
          kernels.activationBackwardBias(all, b, all, all, rows, n, 0, 0, 0, 0, 1);
        }
      }
      kernels.preluForward(a, end(n), b, 1, n, n, 0, 1);
      kernels.preluForward(a, b, end(n), 1, n, n, 0, 1);
      kernels.preluBackward(a, b, end(n), c, c, 1, n, n, 0, 0, 0, 1);
      kernels.preluBackward(a, b, c, end(n), c, 1, n, n, 0, 0, 0, 1);
      kernels.preluBackward(a, b, c, c, end(n), 1, n, n, 0, 0, 0, 1);
      kernels.preluBackward(a, end(n), c, c, b, 1, n, n, 0, 1, 0, 1);
      kernels.preluBackward(end(n), a, c, c, b, 1, n, n, 1, 0, 0, 1);
      kernels.preluBackward(a, b, end(n), c, c, 1, n, 1, 0, 0, 0, 1);
      kernels.preluBackward(a, b, c, end(n), c, 1, n, 1, 0, 0, 0, 1);
    }
  });

  // Golden bits: the promise is that every engine gives them, so they are written down once.
  test.skipIf(bench.fused)("the bits are those of every other engine", () => {
    const x = Float32Array.from({ length: 4001 }, (_, i) => i / 100 - 20);
    const bits = createHash("sha256");
    for (const { kind } of ROWS) {
      bits.update(forward(kind, x)).update(backward(kind, x, new Float32Array(x.length).fill(1)));
    }
    expect(bits.digest("hex").slice(0, 16)).toBe("166e6c81f8e4b573");
  });
});

/** Where memory ends, after a page that nothing uses. */
function lastPage({ arena }: Bench): number {
  arena.memory.grow(1);
  return arena.memory.buffer.byteLength;
}

/** Equal as numbers: 0 is -0. */
function equal(actual: Float32Array, expected: ArrayLike<number>): boolean {
  return actual.length === expected.length && actual.every((v, i) => v === expected[i]);
}

/** Every value is within `bound(x, exact)` of the exact one at the point x, in the domain of the kind. */
function expectWithin(
  actual: Float32Array,
  exact: readonly number[],
  bound: (x: number, exact: number) => number,
  kind: string,
): void {
  let worst = { excess: 0, x: 0, actual: 0, exact: 0 };
  for (let i = 0; i < actual.length; i++) {
    const x = POINTS[i]!;
    if (!inDomain(kind, x)) continue;
    const error = Math.abs(actual[i]! - exact[i]!);
    const excess = error === 0 ? 0 : error / bound(x, exact[i]!);
    if (!(excess <= worst.excess)) worst = { excess, x, actual: actual[i]!, exact: exact[i]! };
  }
  expect(worst.excess, JSON.stringify(worst)).toBeLessThanOrEqual(1);
}
