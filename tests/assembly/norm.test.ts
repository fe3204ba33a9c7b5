import { describe, expect, test } from "vitest";
import type { Ptr } from "../../src/core/arena.ts";
import { draws, EPS, expectClose, guarded, inSlices, THREADS } from "../support/checks.ts";
import { variants } from "../support/kernels.ts";

const EPSILON = Math.fround(1e-3);

/** Sizes below and above a vector, and chunks of 64, 125 and more rows, the last one shorter. */
const COLUMNS = [
  [1, 2, 1],
  [1, 7, 3],
  [3, 5, 4],
  [2, 300, 131],
  [1, 130, 260],
  [2, 9, 33],
] as const;

const GROUPS = [
  [1, 1, 1, 1],
  [3, 1, 7, 1],
  [2, 5, 6, 1],
  [2, 3, 20, 4],
  [5, 4, 12, 4],
  [2, 3, 10, 5],
  [3, 1, 131, 1],
] as const;

interface Reference {
  readonly y: Float64Array;
  readonly dx: Float64Array;
  readonly dgain: Float64Array;
  readonly dbias: Float64Array;
  /** Largest |x - mean| / sqrt(variance + epsilon), and largest reciprocal. */
  readonly rstd: number;
}

/** Both families by their definition: element i belongs to the set `setOf(i)` and the channel `channelOf(i)`. */
function reference(
  x: Float32Array,
  dy: Float32Array,
  parameters: { readonly gain: Float32Array; readonly bias: Float32Array },
  options: {
    readonly setOf: (i: number) => number;
    readonly channelOf: (i: number) => number;
    readonly isCentred: boolean;
    readonly factor?: number;
  },
): Reference {
  const { setOf, channelOf, isCentred, factor = 1 } = options;
  const { gain, bias } = parameters;
  const sets = 1 + x.reduce((most, _, i) => Math.max(most, setOf(i)), 0);
  const meanOf = (value: (i: number) => number): Float64Array => {
    const [sums, counts] = [new Float64Array(sets), new Float64Array(sets)];
    x.forEach((_, i) => {
      sums[setOf(i)]! += value(i);
      counts[setOf(i)]!++;
    });
    return sums.map((sum, s) => sum / counts[s]!);
  };
  const mean = isCentred ? meanOf((i) => x[i]!) : new Float64Array(sets);
  const variance = meanOf((i) => (x[i]! - mean[setOf(i)]!) ** 2);
  const rstd = variance.map((v) => 1 / Math.sqrt(v + EPSILON));
  const hat = Float64Array.from(x, (v, i) => (v - mean[setOf(i)]!) * rstd[setOf(i)]!);
  const e = Float64Array.from(dy, (d, i) => d * gain[channelOf(i)]! * factor);
  const a = isCentred ? meanOf((i) => e[i]!) : new Float64Array(sets);
  const b = meanOf((i) => e[i]! * hat[i]!);
  const [dgain, dbias] = [new Float64Array(gain.length), new Float64Array(gain.length)];
  dy.forEach((d, i) => {
    dgain[channelOf(i)]! += factor * d * hat[i]!;
    dbias[channelOf(i)]! += d;
  });
  return {
    y: hat.map((h, i) => factor * h * gain[channelOf(i)]! + bias[channelOf(i)]!),
    dx: e.map((v, i) => rstd[setOf(i)]! * (v - a[setOf(i)]! - hat[i]! * b[setOf(i)]!)),
    dgain,
    dbias,
    rstd: Math.max(...rstd),
  };
}

/** Values below 4, 12 roundings of terms of that size, and a mean that was rounded once. */
const bound = (rstd: number, of: number) => 12 * EPS * Math.max(1, rstd) * (1 + of);

describe.each(await variants())("norms on $name", (bench) => {
  const { kernels: k, arena } = bench;

  interface Columns {
    readonly items: number;
    readonly rows: number;
    readonly cols: number;
    readonly isCentred: boolean;
    readonly beta: number;
    readonly threads: number;
  }

  /** Forward and backward as an op records them. */
  function runColumns({ items, rows, cols, isCentred, beta, threads }: Columns) {
    const n = items * rows * cols;
    const [x, dy] = [draws(n, n, -1, 2), draws(n, n + 1)];
    const [gain, bias] = [draws(cols, n + 2, 0.5, 1.5), draws(cols, n + 3)];
    const factor = 0.5;
    const [px, pdy, pg, pb] = [x, dy, gain, bias].map(bench.floats) as [Ptr, Ptr, Ptr, Ptr];
    const partials = arena.allocate(k.columnPartials(items, rows, cols) * 8);
    const [mean, variance] = [bench.output(items * cols), bench.output(items * cols)];
    const sums = bench.output(2 * items * cols);
    const [y, dx] = [guarded(bench, n), guarded(bench, n)];
    const [dgain, dbias] = [guarded(bench, cols), guarded(bench, cols)];
    if (beta)
      for (const [p, m] of [
        [dx, n],
        [dgain, cols],
        [dbias, cols],
      ] as const) {
        arena.f32(p.at, m).fill(0.25);
      }
    const shape = [items, rows, cols] as const;
    const c = isCentred ? 1 : 0;
    const all = (run: (thread: number, threads: number) => void) => inSlices(threads, run);
    all((...t) => k.columnStatistics(partials, px, ...shape, c, ...t));
    all((...t) => k.columnMerge(mean, variance, partials, ...shape, ...t));
    all((...t) => k.columnNorm(y.at, px, mean, variance, pg, pb, ...shape, EPSILON, factor, ...t));
    all((...t) => k.columnNormSums(partials, px, pdy, mean, ...shape, ...t));
    all((...t) =>
      k.columnNormMerge(
        ...([sums, dgain.at, dbias.at, partials, variance, ...shape] as const),
        ...([EPSILON, factor, c, beta, beta, ...t] as const),
      ),
    );
    all((...t) =>
      k.columnNormBackward(
        ...([dx.at, px, pdy, mean, variance, pg, sums, ...shape] as const),
        ...([EPSILON, factor, beta, ...t] as const),
      ),
    );
    const want = reference(
      x,
      dy,
      { gain, bias },
      {
        setOf: (i) => Math.floor(i / (rows * cols)) * cols + (i % cols),
        channelOf: (i) => i % cols,
        isCentred,
        factor,
      },
    );
    const got = { y: y.read(), dx: dx.read(), dgain: dgain.read(), dbias: dbias.read() };
    return { want, got };
  }

  function check(
    { want, got }: { want: Reference; got: Record<"y" | "dx" | "dgain" | "dbias", Float32Array> },
    beta: number,
    what: string,
  ): void {
    for (const part of ["y", "dx", "dgain", "dbias"] as const) {
      const plus = part === "y" ? 0 : 0.25 * beta;
      const values = want[part].map((v) => v + plus);
      const terms = part.startsWith("d") && part !== "dx" ? want.y.length / want[part].length : 1;
      expectClose(
        got[part],
        values,
        (i) => terms * bound(want.rstd, Math.abs(values[i]!)),
        `${part}, ${what}`,
      );
    }
  }

  test.each([
    [true, 0],
    [true, 1],
    [false, 0],
    [false, 1],
  ])("columns equal their definition, centred %s, beta %d", (isCentred, beta) => {
    for (const [items, rows, cols] of COLUMNS) {
      const run = runColumns({ items, rows, cols, isCentred, beta, threads: 1 });
      check(run, beta, `[${items}, ${rows}, ${cols}]`);
    }
  });

  function runGroups(
    [items, positions, channels, groups]: readonly [number, number, number, number],
    { isCentred, beta, threads }: { isCentred: boolean; beta: number; threads: number },
  ) {
    const n = items * positions * channels;
    const [x, dy] = [draws(n, n + 7, -1, 2), draws(n, n + 1)];
    const [gain, bias] = [draws(channels, n + 2, 0.5, 1.5), draws(channels, n + 3)];
    const [px, pdy, pg, pb] = [x, dy, gain, bias].map(bench.floats) as [Ptr, Ptr, Ptr, Ptr];
    const stats = bench.output(2 * items * groups);
    const [y, dx] = [guarded(bench, n), guarded(bench, n)];
    const [dgain, dbias] = [guarded(bench, channels), guarded(bench, channels)];
    if (beta)
      for (const [p, m] of [
        [dx, n],
        [dgain, channels],
        [dbias, channels],
      ] as const) {
        arena.f32(p.at, m).fill(0.25);
      }
    const shape = [items, positions, channels, groups] as const;
    const c = isCentred ? 1 : 0;
    inSlices(threads, (...t) => {
      k.groupNorm(y.at, stats, px, pg, pb, ...shape, EPSILON, c, ...t);
    });
    inSlices(threads, (...t) => {
      const at = [dgain.at, dbias.at, px, pdy, stats] as const;
      k.groupNormParameters(...at, ...shape, beta, beta, ...t);
    });
    inSlices(threads, (...t) => {
      k.groupNormBackward(dx.at, px, pdy, stats, pg, ...shape, c, beta, ...t);
    });
    const want = reference(
      x,
      dy,
      { gain, bias },
      {
        setOf: (i) => {
          const [item, channel] = [Math.floor(i / (positions * channels)), i % channels];
          return item * groups + Math.floor(channel / (channels / groups));
        },
        channelOf: (i) => i % channels,
        isCentred,
      },
    );
    const got = { y: y.read(), dx: dx.read(), dgain: dgain.read(), dbias: dbias.read() };
    return { want, got };
  }

  test.each([
    [true, 0],
    [true, 1],
    [false, 0],
    [false, 1],
  ])("groups equal their definition, centred %s, beta %d", (isCentred, beta) => {
    for (const shape of GROUPS) {
      check(runGroups(shape, { isCentred, beta, threads: 1 }), beta, `[${shape}]`);
    }
  });

  test("the division among threads changes no bit", () => {
    const base = { items: 2, rows: 300, cols: 131, isCentred: true, beta: 1 };
    const columns = THREADS.map((threads) => runColumns({ ...base, threads }).got);
    const groups = THREADS.map(
      (threads) => runGroups([7, 3, 40, 4], { isCentred: true, beta: 1, threads }).got,
    );
    for (const runs of [columns, groups]) for (const run of runs) expect(run).toEqual(runs[0]);
  });

  test("a small spread about a large mean keeps its variance; equal values have none", () => {
    const [rows, cols] = [200, 5];
    const x = draws(rows * cols, 3, 4096, 4097).map((v, i) => (i % cols === 4 ? 7 : v));
    const partials = arena.allocate(k.columnPartials(1, rows, cols) * 8);
    const [mean, variance] = [bench.output(cols), bench.output(cols)];
    k.columnStatistics(partials, bench.floats(x), 1, rows, cols, 1, 0, 1);
    k.columnMerge(mean, variance, partials, 1, rows, cols, 0, 1);
    for (let c = 0; c < cols; c++) {
      const column = [...x.filter((_, i) => i % cols === c)];
      const m = column.reduce((a, b) => a + b, 0) / rows;
      const v = column.reduce((a, b) => a + (b - m) ** 2, 0) / rows;
      expect(bench.read(mean, cols)[c]).toBe(Math.fround(m));
      expect(bench.read(variance, cols)[c]! / (v || 1)).toBeCloseTo(v === 0 ? 0 : 1, 6);
    }
  });

  test("follow goes the share of the way to what it follows", () => {
    for (const n of [1, 5, 16, 67]) {
      const [x, y] = [draws(n, n), draws(n, n + 1)];
      const at = guarded(bench, n);
      arena.f32(at.at, n).set(y);
      inSlices(3, (...t) => k.follow(at.at, bench.floats(x), 0.25, 1.5, n, ...t));
      const want = Float64Array.from(y, (old, i) => old + 0.25 * (1.5 * x[i]! - old));
      expectClose(at.read(), want, () => 4 * EPS * 2.5, `n = ${n}`);
    }
  });
});
