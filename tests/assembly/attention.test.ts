import { describe, expect, test } from "vitest";
import type { Ptr } from "../../src/core/arena.ts";
import type { AttentionCase } from "../support/attention.ts";
import { attentionBackwardOf, attentionOf } from "../support/attention.ts";
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

interface Sizes {
  readonly batch: number;
  readonly heads: number;
  readonly tq: number;
  readonly tk: number;
  readonly size: number;
  readonly causal?: boolean;
  readonly masked?: boolean;
  readonly rate?: number;
}

/** Around the block of 64 queries, vectors of 4 and 8, one row, one key. */
const CASES: readonly Sizes[] = [
  { batch: 1, heads: 1, tq: 1, tk: 1, size: 1 },
  { batch: 2, heads: 3, tq: 5, tk: 7, size: 4 },
  { batch: 2, heads: 2, tq: 9, tk: 9, size: 3, causal: true },
  { batch: 3, heads: 2, tq: 4, tk: 11, size: 8, masked: true },
  { batch: 2, heads: 1, tq: 63, tk: 63, size: 5, causal: true, masked: true },
  { batch: 1, heads: 2, tq: 64, tk: 64, size: 16, causal: true },
  { batch: 1, heads: 2, tq: 65, tk: 33, size: 7 },
  { batch: 1, heads: 1, tq: 130, tk: 130, size: 6, causal: true },
  { batch: 2, heads: 2, tq: 66, tk: 66, size: 4, causal: true, masked: true, rate: 0.25 },
  { batch: 2, heads: 2, tq: 6, tk: 10, size: 4, rate: 0.5 },
];

const name = (of: Sizes) => JSON.stringify(of).replaceAll('"', "");

const KEY = [17, 23] as const;
const STEP = 3;

describe.each(await variants())("attention on $name", (bench) => {
  const { kernels: k } = bench;

  /** Positions as they lie beside others: `stride` floats apart, NaN between. */
  function apart(values: Float32Array, width: number, stride: number): Ptr {
    const rows = values.length / width;
    const all = new Float32Array(rows * stride).fill(Number.NaN);
    for (let r = 0; r < rows; r++) all.set(values.subarray(r * width, (r + 1) * width), r * stride);
    return bench.floats(all);
  }

  function together(values: Float32Array, width: number, stride: number, gap: number) {
    const rows = Math.ceil(values.length / stride);
    const out = new Float32Array(rows * width);
    for (let r = 0; r < rows; r++) {
      out.set(values.subarray(r * stride, r * stride + width), r * width);
      const between = [...values.subarray(r * stride + width, (r + 1) * stride)];
      expect(
        between.every((x) => Object.is(x, gap)),
        "what lies between is not written",
      ).toBe(true);
    }
    return out;
  }

  function setUp(sizes: Sizes) {
    const { batch, heads, tq, tk, size, causal = false, masked = false, rate = 0 } = sizes;
    const inner = heads * size;
    const scale = Math.fround(1 / Math.sqrt(size));
    const [q, kk, v] = [
      draws(batch * tq * inner, 1, -2, 2),
      draws(batch * tk * inner, 2, -2, 2),
      draws(batch * tk * inner, 3),
    ];
    // The second example sees nothing at all; elsewhere the first key counts, so that every causal query sees one.
    const mask = Float32Array.from({ length: batch * tk }, (_, i) =>
      i >= tk && i < 2 * tk ? 0 : i % tk === 0 || (i * 7) % 3 > 0 ? 1 : 0,
    );
    const of: AttentionCase = {
      ...{ batch, heads, tq, tk, size, causal, scale, q, k: kk, v },
      ...(masked ? { mask } : {}),
      ...(rate > 0 ? { factors: factorsOf(sizes) } : {}),
    };
    return { of, inner, scale, rate, dout: draws(batch * tq * inner, 4) };
  }

  /** What dropout multiplies by, as its own kernel draws it for each block of 64 queries. */
  function factorsOf({ batch, heads, tq, tk, rate = 0 }: Sizes): Float32Array {
    const factors = new Float32Array(batch * heads * tq * tk);
    const blocks = Math.ceil(tq / 64);
    const ones = bench.floats(new Float32Array(64 * tk).fill(1));
    const y = bench.output(64 * tk);
    for (let pair = 0; pair < batch * heads; pair++) {
      for (let block = 0; block < blocks; block++) {
        const n = Math.min(64, tq - 64 * block) * tk;
        k.dropout(y, ones, n, rate, KEY[0] + pair * blocks + block, KEY[1], STEP, 0, 0, 1);
        factors.set(bench.read(y, n), (pair * tq + 64 * block) * tk);
      }
    }
    return factors;
  }

  function forward(sizes: Sizes, keeps: 0 | 1, threads = 1) {
    const { of, inner, scale, rate, dout } = setUp(sizes);
    const { batch, heads, tq, tk, size } = of;
    const [rowQ, rowKV] = [inner + 3, 2 * inner + 1];
    const at = {
      q: apart(of.q as Float32Array, inner, rowQ),
      k: apart(of.k as Float32Array, inner, rowKV),
      v: apart(of.v as Float32Array, inner, rowKV),
      mask: of.mask === undefined ? (0 as const) : bench.floats(of.mask),
      ws: bench.arena.allocate(k.attentionWorkspace(tq, tk, size) >>> 0),
      saved: guarded(bench, batch * heads * tq * (keeps ? tk : 2)),
    };
    const o = guarded(bench, batch * tq * inner);
    const common = [batch, heads, tq, tk, size, of.causal ? 1 : 0, scale, rate, ...KEY, 8] as const;
    inSlices(threads, (thread, all) =>
      k.attention(
        ...([o.at, at.q, rowQ, at.k, at.v, rowKV, at.mask, at.saved.at, keeps, at.ws] as const),
        ...([...common, STEP, thread, all] as const),
      ),
    );
    const backward = (beta: 0 | 1, some = 1) => {
      const dq = bench.output(batch * tq * rowQ);
      const dkv = bench.output(batch * tk * rowKV);
      const values = (dkv + 4 * inner) as Ptr;
      const d = bench.floats(dout);
      if (beta) {
        bench.arena.f32(dq, batch * tq * rowQ).fill(1);
        bench.arena.f32(dkv, batch * tk * rowKV).fill(1);
      }
      inSlices(some, (thread, all) =>
        k.attentionBackward(
          ...([dq, rowQ, dkv, values, rowKV, d, at.q, rowQ, at.k, at.v, rowKV] as const),
          ...([at.mask, at.saved.at, keeps, at.ws, ...common, beta, beta, STEP] as const),
          ...([thread, all] as const),
        ),
      );
      return { dq: bench.read(dq, batch * tq * rowQ), dkv: bench.read(dkv, batch * tk * rowKV) };
    };
    const split = ({ dq, dkv }: { dq: Float32Array; dkv: Float32Array }, gap = Number.NaN) => {
      const both = together(dkv, 2 * inner, rowKV, gap);
      const half = (from: number) =>
        Float32Array.from(
          { length: batch * tk * inner },
          (_, i) => both[Math.floor(i / inner) * 2 * inner + from + (i % inner)]!,
        );
      return { dq: together(dq, inner, rowQ, gap), dk: half(0), dv: half(inner) };
    };
    return { of, dout, o: o.read(), saved: at.saved.read(), backward, split };
  }

  /**
   * Scores are sums of `size` products of numbers to 2, times 1 / sqrt(size): they err by 4 sqrt(size) (size + 4) EPS, and so do
   * probabilities, relatively, with the roundings of exp, sum and quotient; an output is a mean, of values to 1 (2 with dropout).
   */
  const relative = ({ size, tk }: Sizes) => (8 * Math.sqrt(size) * (size + 4) + tk + 16) * EPS;
  const worth = ({ rate = 0 }: Sizes) => 1 / (1 - rate);

  test.each(CASES.map((of) => [name(of), of] as const))("%s gives its definition", (_, sizes) => {
    const { of, o, saved } = forward(sizes, 1);
    const want = attentionOf(of);
    const bound = relative(sizes);
    // A mean of values to 1: the relative error of the weights, and of the sum's own roundings.
    expectClose(o, want.o, () => worth(sizes) * (bound + sizes.tk * EPS), "o");
    const { tq, tk, causal } = of;
    want.p.forEach((p, i) => {
      const [query, key] = [Math.floor(i / tk) % tq, i % tk];
      const isMade = !causal || key < Math.min(tq, (Math.floor(query / 64) + 1) * 64);
      if (isMade) expect(Math.abs(saved[i]! - p), `p[${i}]`).toBeLessThanOrEqual(bound * p + 1e-37);
    });
  });

  test.each(CASES.map((of) => [name(of), of] as const))("%s has its gradients", (_, sizes) => {
    const run = forward(sizes, 1);
    const want = attentionBackwardOf(run.of, run.dout);
    const { size, tq, tk } = sizes;
    // dP is a sum of `size` products to 1; what is summed over keys or queries has terms p dP k, p <= 1, |dP| <= size, |k| <= 2.
    const term = 2 * worth(sizes) ** 2 * Math.sqrt(size) * size;
    const bound = (n: number) => term * Math.max(1, n / 8) * (relative(sizes) + (n + size) * EPS);
    for (const beta of [0, 1] as const) {
      const got = run.split(run.backward(beta), beta || Number.NaN);
      const plus = (x: Float64Array) => x.map((g) => g + beta);
      expectClose(got.dq, plus(want.dq), () => bound(tk), `dq, beta ${beta}`);
      expectClose(got.dk, plus(want.dk), () => bound(tq), `dk, beta ${beta}`);
      expectClose(got.dv, plus(want.dv), () => bound(tq), `dv, beta ${beta}`);
    }
  });

  test.each(CASES.map((of) => [name(of), of] as const))(
    "%s has the same bits whether probabilities are kept or not, and for every number of threads",
    (_, sizes) => {
      const one = forward(sizes, 1);
      const gradients = one.backward(0);
      for (const threads of THREADS) {
        for (const keeps of [0, 1] as const) {
          const other = forward(sizes, keeps, threads);
          expect(sameBits(other.o, one.o)).toBe(true);
          const more = other.backward(0, threads);
          expect(sameBits(more.dq, gradients.dq), `dq, ${threads} threads, keeps ${keeps}`).toBe(
            true,
          );
          expect(sameBits(more.dkv, gradients.dkv), `dkv, ${threads}, ${keeps}`).toBe(true);
        }
      }
    },
  );

  test("a query that sees no key gives 0, and no gradient", () => {
    const sizes = { batch: 2, heads: 2, tq: 5, tk: 6, size: 4, masked: true };
    const run = forward(sizes, 0);
    expect([...run.o.subarray(5 * 8)].every((x) => x === 0)).toBe(true);
    expect([...run.o.subarray(0, 5 * 8)].some((x) => x !== 0)).toBe(true);
    const { dq, dk } = run.split(run.backward(0));
    expect([...dq.subarray(5 * 8), ...dk.subarray(6 * 8)].every((x) => x === 0)).toBe(true);
  });
});
