import { F32x4Math } from "../math";
import { F32x4 } from "../simd";
import { Slice } from "../thread";
import { Activation } from "./activations";
import { gemm, gemmWorkspace } from "./gemm";
import { dropout } from "./random";

/** Queries whose scores are made at a time. */
const BLOCK: i32 = 64;

/**
 * `o = dropout(softmax(scale Q K' + mask)) V` for each example and head, in blocks of 64 queries.
 *
 * Q is [batch, tq, heads, size] with rows (positions) `rowQ` floats apart, K and V are [batch, tk, heads, size] with rows `rowKV` apart, so
 * that they may lie side by side in what one product gave; o is [batch, tq, heads size], dense. A query sees the keys whose `mask`
 * (f32 [batch, tk], or 0 for none) is not 0 and, with `causal` (tq = tk), that are not after it; one that sees none gives 0.
 *
 * `saved`, unless 0, keeps for the backward kernel the probabilities before dropout, [batch, heads, tq, tk], or, with `keeps` 0, two
 * numbers a query, from which it works them out again. `ws` has `attentionWorkspace` bytes. Threads share out examples and heads.
 */
// biome-ignore format: one line an operand
export function attention(
  o: usize,
  q: usize, rowQ: i32,
  k: usize, v: usize, rowKV: i32,
  mask: usize, saved: usize, keeps: i32, ws: usize,
  batch: i32, heads: i32, tq: i32, tk: i32, size: i32,
  causal: i32, scale: f32, rate: f32, k0: u32, k1: u32, tile: i32, step: u32,
  thread: i32, threads: i32,
): void {
  assert(!causal || tq == tk, "attention: causal needs as many queries as keys");
  const inner = heads * size;
  const area = scoreBytes(tq, tk);
  const product = ws + 3 * area;
  const end = Slice.end(batch * heads, 1, thread, threads);
  for (let pair = Slice.begin(batch * heads, 1, thread, threads); pair < end; pair++) {
    const b = pair / heads;
    const head = (<usize>((pair % heads) * size)) << 2;
    const keys = k + ((<usize>(b * tk) * <usize>rowKV) << 2) + head;
    const values = v + ((<usize>(b * tk) * <usize>rowKV) << 2) + head;
    const seen = mask ? mask + ((<usize>(b * tk)) << 2) : 0;
    for (let i0 = 0; i0 < tq; i0 += BLOCK) {
      const i1 = min(tq, i0 + BLOCK);
      const cols = causal ? i1 : tk;
      const queries = q + ((<usize>(b * tq + i0) * <usize>rowQ) << 2) + head;
      const out = o + ((<usize>(b * tq + i0) * <usize>inner) << 2) + head;
      const row = <usize>(pair * tq + i0);
      const p = saved && keeps ? saved + ((row * <usize>tk) << 2) : ws;
      scores(p, tk, queries, rowQ, keys, rowKV, product, i1 - i0, cols, size, tile);
      for (let i = i0; i < i1; i++) {
        const stats = saved && !keeps ? saved + ((row + <usize>(i - i0)) << 3) : 0;
        const at = p + ((<usize>(i - i0) * <usize>tk) << 2);
        softmaxRow(at, causal ? i + 1 : tk, cols, seen, scale, stats);
      }
      let weights = p;
      if (rate > 0) {
        weights = ws + area;
        dropout(weights, p, (i1 - i0) * tk, rate, k0 + blockOf(pair, i0, tq), k1, step, 0, 0, 1);
      }
      gemm(
        out, inner, 1, weights, tk, 1, values, rowKV, 1, 0, product, i1 - i0, size, cols,
        0, Activation.linear, 0, tile, 0, 1,
      );
    }
  }
}

/**
 * The gradients of `attention`: with P the probabilities, D the dropout and `S = scale Q K'`,
 *
 * `dV = D(P)' dO`, `dP = D(dO V')`, `dS = P (dP - rowsum(P dP))`, `dQ = scale dS K`, `dK = scale dS' Q`.
 *
 * dq has its rows `rowDQ` floats apart, dk and dv theirs `rowDKV`; with a beta of 0 they are overwritten, with 1 added to. The other
 * operands are those of the forward call. Keys get their sums in the order of the blocks of queries, from the last.
 */
// biome-ignore format: one line an operand
export function attentionBackward(
  dq: usize, rowDQ: i32,
  dk: usize, dv: usize, rowDKV: i32,
  dout: usize,
  q: usize, rowQ: i32,
  k: usize, v: usize, rowKV: i32,
  mask: usize, saved: usize, keeps: i32, ws: usize,
  batch: i32, heads: i32, tq: i32, tk: i32, size: i32,
  causal: i32, scale: f32, rate: f32, k0: u32, k1: u32, tile: i32, betaQ: i32, betaKV: i32, step: u32,
  thread: i32, threads: i32,
): void {
  const inner = heads * size;
  const area = scoreBytes(tq, tk);
  const dscores = ws + area;
  const dropped = ws + 2 * area;
  const product = ws + 3 * area;
  const lastBlock = ((tq - 1) / BLOCK) * BLOCK;
  const end = Slice.end(batch * heads, 1, thread, threads);
  for (let pair = Slice.begin(batch * heads, 1, thread, threads); pair < end; pair++) {
    const b = pair / heads;
    const head = (<usize>((pair % heads) * size)) << 2;
    const at = (<usize>(b * tk) * <usize>rowKV) << 2;
    const keys = k + at + head;
    const values = v + at + head;
    const dat = (<usize>(b * tk) * <usize>rowDKV) << 2;
    const dkeys = dk + dat + head;
    const dvalues = dv + dat + head;
    const seen = mask ? mask + ((<usize>(b * tk)) << 2) : 0;
    // The last block sees all keys: it is the first to write dK and dV.
    for (let i0 = lastBlock; i0 >= 0; i0 -= BLOCK) {
      const i1 = min(tq, i0 + BLOCK);
      const rows = i1 - i0;
      const cols = causal ? i1 : tk;
      const adds = i32(i0 < lastBlock || betaKV != 0);
      const queries = q + ((<usize>(b * tq + i0) * <usize>rowQ) << 2) + head;
      const dqueries = dq + ((<usize>(b * tq + i0) * <usize>rowDQ) << 2) + head;
      const dblock = dout + ((<usize>(b * tq + i0) * <usize>inner) << 2) + head;
      const row = <usize>(pair * tq + i0);
      const p = keeps ? saved + ((row * <usize>tk) << 2) : ws;
      if (!keeps) {
        scores(p, tk, queries, rowQ, keys, rowKV, product, rows, cols, size, tile);
        for (let i = i0; i < i1; i++) {
          const stats = saved + ((row + <usize>(i - i0)) << 3);
          const at = p + ((<usize>(i - i0) * <usize>tk) << 2);
          softmaxAgain(at, causal ? i + 1 : tk, cols, seen, scale, stats);
        }
      }
      scores(dscores, tk, dblock, inner, values, rowKV, product, rows, cols, size, tile);
      let weights = p;
      if (rate > 0) {
        const key = k0 + blockOf(pair, i0, tq);
        weights = dropped;
        dropout(weights, p, rows * tk, rate, key, k1, step, 0, 0, 1);
        dropout(dscores, dscores, rows * tk, rate, key, k1, step, 0, 0, 1);
      }
      gemm(
        dvalues, rowDKV, 1, weights, 1, tk, dblock, inner, 1, 0, product, cols, size, rows,
        adds, Activation.linear, 0, tile, 0, 1,
      );
      for (let i = 0; i < rows; i++) {
        const at = (<usize>i * <usize>tk) << 2;
        scoreGradient(dscores + at, p + at, cols, scale);
      }
      gemm(
        dqueries, rowDQ, 1, dscores, tk, 1, keys, rowKV, 1, 0, product, rows, size, cols,
        betaQ, Activation.linear, 0, tile, 0, 1,
      );
      gemm(
        dkeys, rowDKV, 1, dscores, 1, tk, queries, rowQ, 1, 0, product, cols, size, rows,
        adds, Activation.linear, 0, tile, 0, 1,
      );
    }
  }
}

/** Bytes of workspace a thread needs for either kernel. */
export function attentionWorkspace(tq: i32, tk: i32, size: i32): usize {
  const rows = min(tq, BLOCK);
  const products = max(
    max(gemmWorkspace(rows, tk, size), gemmWorkspace(rows, size, tk)),
    gemmWorkspace(tk, size, rows),
  );
  return 3 * scoreBytes(tq, tk) + products;
}

/** Bytes of one block of scores. */
function scoreBytes(tq: i32, tk: i32): usize {
  return (((<usize>min(tq, BLOCK) * <usize>tk) << 2) + 63) & ~63;
}

/** Which of all blocks it is: each draws its dropout under a key of its own. */
function blockOf(pair: i32, i0: i32, tq: i32): u32 {
  return <u32>pair * <u32>((tq + BLOCK - 1) / BLOCK) + <u32>(i0 / BLOCK);
}

/** `s = A B'`: s [rows, cols] with rows `rowS` floats apart. */
// biome-ignore format: one line an operand
function scores(
  s: usize, rowS: i32, a: usize, rowA: i32, b: usize, rowB: i32, ws: usize,
  rows: i32, cols: i32, size: i32, tile: i32,
): void {
  gemm(
    s, rowS, 1, a, rowA, 1, b, 1, rowB, 0, ws, rows, cols, size, 0, Activation.linear, 0, tile, 0, 1,
  );
}

/** Scores of what the mask hides count as -Infinity. */
class Hidden {
  @inline static load(s: usize, seen: usize, left: i32): v128 {
    const x = F32x4.loadPart(s, left);
    const all = left >= 4 ? i32x4.splat(-1) : F32x4.mask(left);
    const visible = seen
      ? v128.and(all, f32x4.ne(F32x4.loadPart(seen, left), f32x4.splat(0)))
      : all;
    return v128.bitselect(x, f32x4.splat(f32.NEGATIVE_INFINITY), visible);
  }
}

/**
 * `s = softmax(scale s)` over its first n numbers, of those that `seen` shows; 0 in the others, to `cols`. Writes the largest score and
 * the reciprocal of the sum to `stats`, unless that is 0.
 */
function softmaxRow(s: usize, n: i32, cols: i32, seen: usize, scale: f32, stats: usize): void {
  let most = f32x4.splat(f32.NEGATIVE_INFINITY);
  for (let j = 0; j < n; j += 4) {
    const at = (<usize>j) << 2;
    most = f32x4.pmax(most, Hidden.load(s + at, seen ? seen + at : 0, n - j));
  }
  most = f32x4.pmax(most, v128.shuffle<f32>(most, most, 2, 3, 0, 1));
  most = f32x4.pmax(most, v128.shuffle<f32>(most, most, 1, 0, 3, 2));
  const largest = f32x4.extract_lane(most, 0);
  // Where nothing is seen: every exponential is 0.
  const top: f32 = largest == f32.NEGATIVE_INFINITY ? <f32>0 : largest;
  const sum = exponentials(s, n, seen, scale, top);
  const factor: f32 = sum == 0 ? <f32>0 : <f32>1 / sum;
  if (stats) {
    store<f32>(stats, top);
    store<f32>(stats, factor, 4);
  }
  multiply(s, n, cols, factor);
}

/** What `softmaxRow` made, to the bit. */
function softmaxAgain(s: usize, n: i32, cols: i32, seen: usize, scale: f32, stats: usize): void {
  exponentials(s, n, seen, scale, load<f32>(stats));
  multiply(s, n, cols, load<f32>(stats, 4));
}

/** `s = e^(scale (s - top))` of what is seen, else 0; gives the sum. */
function exponentials(s: usize, n: i32, seen: usize, scale: f32, top: f32): f32 {
  const shift = f32x4.splat(top);
  const factor = f32x4.splat(scale);
  let sum0 = f32x4.splat(0);
  let sum1 = sum0;
  let j = 0;
  if (!seen) {
    for (; j + 8 <= n; j += 8) {
      const at = s + ((<usize>j) << 2);
      const e0 = F32x4Math.expOfBounded(f32x4.mul(f32x4.sub(v128.load(at), shift), factor));
      const e1 = F32x4Math.expOfBounded(f32x4.mul(f32x4.sub(v128.load(at, 16), shift), factor));
      v128.store(at, e1, 16);
      v128.store(at, e0);
      sum0 = f32x4.add(sum0, e0);
      sum1 = f32x4.add(sum1, e1);
    }
  }
  for (; j < n; j += 4) {
    const at = (<usize>j) << 2;
    const x = Hidden.load(s + at, seen ? seen + at : 0, n - j);
    const e = F32x4Math.expOfBounded(f32x4.mul(f32x4.sub(x, shift), factor));
    F32x4.storePart(s + at, e, n - j);
    sum0 = f32x4.add(sum0, e);
  }
  return F32x4.sum(f32x4.add(sum0, sum1));
}

/** `s = factor s`, and 0 from n to `cols`. */
function multiply(s: usize, n: i32, cols: i32, factor: f32): void {
  const x = f32x4.splat(factor);
  let j = 0;
  for (; j + 8 <= n; j += 8) {
    const at = s + ((<usize>j) << 2);
    const y0 = f32x4.mul(v128.load(at), x);
    const y1 = f32x4.mul(v128.load(at, 16), x);
    v128.store(at, y1, 16);
    v128.store(at, y0);
  }
  for (; j < n; j += 4) {
    const at = s + ((<usize>j) << 2);
    F32x4.storePart(at, f32x4.mul(F32x4.loadPart(at, n - j), x), n - j);
  }
  memory.fill(s + ((<usize>n) << 2), 0, (<usize>(cols - n)) << 2);
}

/** `d = scale p (d - sum(p d))` */
function scoreGradient(d: usize, p: usize, n: i32, scale: f32): void {
  let sum0 = f32x4.splat(0);
  let sum1 = sum0;
  let j = 0;
  for (; j + 8 <= n; j += 8) {
    const at = (<usize>j) << 2;
    sum0 = F32x4.madd(v128.load(d + at), v128.load(p + at), sum0);
    sum1 = F32x4.madd(v128.load(d + at, 16), v128.load(p + at, 16), sum1);
  }
  for (; j < n; j += 4) {
    const at = (<usize>j) << 2;
    sum0 = F32x4.madd(F32x4.loadPart(d + at, n - j), F32x4.loadPart(p + at, n - j), sum0);
  }
  const mean = f32x4.splat(F32x4.sum(f32x4.add(sum0, sum1)));
  const factor = f32x4.splat(scale);
  for (j = 0; j + 8 <= n; j += 8) {
    const at = (<usize>j) << 2;
    const y0 = f32x4.mul(f32x4.sub(v128.load(d + at), mean), v128.load(p + at));
    const y1 = f32x4.mul(f32x4.sub(v128.load(d + at, 16), mean), v128.load(p + at, 16));
    v128.store(d + at, f32x4.mul(y1, factor), 16);
    v128.store(d + at, f32x4.mul(y0, factor));
  }
  for (; j < n; j += 4) {
    const at = (<usize>j) << 2;
    const left = n - j;
    const y = f32x4.mul(
      f32x4.sub(F32x4.loadPart(d + at, left), mean),
      F32x4.loadPart(p + at, left),
    );
    F32x4.storePart(d + at, f32x4.mul(y, factor), left);
  }
}
