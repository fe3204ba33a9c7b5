import { F32x4, F64x2 } from "../simd";
import { Slice } from "../thread";

/** A cache line of columns. */
const GRAIN: i32 = 16;

/**
 * `out[r] = sum_c x[r, c] + beta out[r]`: sixteen partial sums a row, so an error of at most
 * `(cols / 16 + 6) 2^-24 sum |x|`. A row of no columns sums to 0.
 */
export function rowSums(
  out: usize,
  x: usize,
  rows: i32,
  cols: i32,
  beta: i32,
  thread: i32,
  threads: i32,
): void {
  assert((beta | 1) == 1, "rowSums: beta must be 0 or 1");
  const end = Slice.end(rows, 1, thread, threads);
  for (let r = Slice.begin(rows, 1, thread, threads); r < end; r++) {
    const at = out + ((<usize>r) << 2);
    const sum = sumOf(x + ((<usize>r * <usize>cols) << 2), cols);
    store<f32>(at, beta ? sum + load<f32>(at) : sum);
  }
}

function sumOf(x: usize, n: i32): f32 {
  const zero = f32x4.splat(0);
  let s0 = zero;
  let s1 = zero;
  let s2 = zero;
  let s3 = zero;
  for (; n >= 16; n -= 16) {
    s0 = f32x4.add(s0, v128.load(x));
    s1 = f32x4.add(s1, v128.load(x, 16));
    s2 = f32x4.add(s2, v128.load(x, 32));
    s3 = f32x4.add(s3, v128.load(x, 48));
    x += 64;
  }
  for (; n >= 4; n -= 4) {
    s0 = f32x4.add(s0, v128.load(x));
    x += 16;
  }
  if (n > 0) s1 = f32x4.add(s1, F32x4.loadTail(x, n));
  return F32x4.sum(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)));
}

/** `out[c] = sum_r x[r, c] + beta out[c]`, rows in order: an error of at most `rows 2^-24 sum |x|`. */
export function columnSums(
  out: usize,
  x: usize,
  rows: i32,
  cols: i32,
  beta: i32,
  thread: i32,
  threads: i32,
): void {
  assert((beta | 1) == 1, "columnSums: beta must be 0 or 1");
  const stride = (<usize>cols) << 2;
  const end = Slice.end(cols, GRAIN, thread, threads);
  let c = Slice.begin(cols, GRAIN, thread, threads);
  for (; c + 16 <= end; c += 16) {
    const at = (<usize>c) << 2;
    sumSixteen(out + at, x + at, rows, stride, beta);
  }
  for (; c < end; c += 4) {
    const at = (<usize>c) << 2;
    sumFour(out + at, x + at, rows, stride, min<i32>(4, end - c), beta);
  }
}

function sumSixteen(out: usize, x: usize, rows: i32, stride: usize, beta: i32): void {
  const zero = f32x4.splat(0);
  let s0 = zero;
  let s1 = zero;
  let s2 = zero;
  let s3 = zero;
  for (let r = 0; r < rows; r++) {
    s0 = f32x4.add(s0, v128.load(x));
    s1 = f32x4.add(s1, v128.load(x, 16));
    s2 = f32x4.add(s2, v128.load(x, 32));
    s3 = f32x4.add(s3, v128.load(x, 48));
    x += stride;
  }
  if (beta) {
    s0 = f32x4.add(s0, v128.load(out));
    s1 = f32x4.add(s1, v128.load(out, 16));
    s2 = f32x4.add(s2, v128.load(out, 32));
    s3 = f32x4.add(s3, v128.load(out, 48));
  }
  v128.store(out, s0);
  v128.store(out, s1, 16);
  v128.store(out, s2, 32);
  v128.store(out, s3, 48);
}

/** The same for `count` (1 to 4) columns. */
function sumFour(out: usize, x: usize, rows: i32, stride: usize, count: i32, beta: i32): void {
  let sum = f32x4.splat(0);
  for (let r = 0; r < rows; r++) {
    sum = f32x4.add(sum, F32x4.loadPart(x, count));
    x += stride;
  }
  if (beta) sum = f32x4.add(sum, F32x4.loadPart(out, count));
  F32x4.storePart(out, sum, count);
}

/**
 * `out` (f64[8]) = mean, biased variance, second moment, min, max, fraction of zeros, how many values are not finite, n.
 *
 * Values that are not finite are counted and left out of the other six, which are NaN when nothing is left (so also for
 * n = 0). Sums are f64 and the variance takes a second pass, so equal values have a variance of exactly 0 (below
 * 2^29 of them). Runs whole: it has no slices.
 */
export function moments(out: usize, x: usize, n: i32): void {
  const zero = f32x4.splat(0);
  const infinity = f32x4.splat(f32.POSITIVE_INFINITY);
  let least = infinity;
  let most = f32x4.neg(infinity);
  let finite = zero;
  let zeros = zero;
  let sumLow = zero;
  let sumHigh = zero;
  let squareLow = zero;
  let squareHigh = zero;
  let p = x;
  for (let i = 0; i < n; i += 4) {
    const raw = F32x4.loadPart(p, n - i);
    const keep = v128.and(f32x4.lt(f32x4.abs(raw), infinity), F32x4.mask(n - i));
    const value = v128.and(raw, keep);
    least = f32x4.pmin(least, v128.bitselect(raw, infinity, keep));
    most = f32x4.pmax(most, v128.bitselect(raw, f32x4.neg(infinity), keep));
    finite = i32x4.sub(finite, keep);
    zeros = i32x4.sub(zeros, v128.and(f32x4.eq(value, zero), keep));
    const low = F64x2.low(value);
    const high = F64x2.high(value);
    sumLow = f64x2.add(sumLow, low);
    sumHigh = f64x2.add(sumHigh, high);
    squareLow = f64x2.add(squareLow, f64x2.mul(low, low));
    squareHigh = f64x2.add(squareHigh, f64x2.mul(high, high));
    p += 16;
  }
  const count = laneTotal(finite);
  const mean = F64x2.sum(f64x2.add(sumLow, sumHigh)) / count;
  store<f64>(out, mean);
  store<f64>(out, sumOfSquaresAbout(mean, x, n) / count, 8);
  store<f64>(out, F64x2.sum(f64x2.add(squareLow, squareHigh)) / count, 16);
  store<f64>(out, count > 0 ? <f64>leastLane(least) : f64.NaN, 24);
  store<f64>(out, count > 0 ? -(<f64>leastLane(f32x4.neg(most))) : f64.NaN, 32);
  store<f64>(out, laneTotal(zeros) / count, 40);
  store<f64>(out, <f64>n - count, 48);
  store<f64>(out, <f64>n, 56);
}

/** `sum (x - mean)^2` over the finite values. */
function sumOfSquaresAbout(mean: f64, x: usize, n: i32): f64 {
  const centre = f64x2.splat(mean);
  const infinity = f32x4.splat(f32.POSITIVE_INFINITY);
  let low = f64x2.splat(0);
  let high = low;
  for (let i = 0; i < n; i += 4) {
    const raw = F32x4.loadPart(x, n - i);
    const keep = v128.and(f32x4.lt(f32x4.abs(raw), infinity), F32x4.mask(n - i));
    const a = v128.and(f64x2.sub(F64x2.low(raw), centre), i64x2.extend_low_i32x4_s(keep));
    const b = v128.and(f64x2.sub(F64x2.high(raw), centre), i64x2.extend_high_i32x4_s(keep));
    low = f64x2.add(low, f64x2.mul(a, a));
    high = f64x2.add(high, f64x2.mul(b, b));
    x += 16;
  }
  return F64x2.sum(f64x2.add(low, high));
}

function laneTotal(x: v128): f64 {
  return F64x2.sum(
    f64x2.add(
      f64x2.convert_low_i32x4_u(x),
      f64x2.convert_low_i32x4_u(v128.shuffle<i32>(x, x, 2, 3, 2, 3)),
    ),
  );
}

function leastLane(x: v128): f32 {
  const pairs = f32x4.pmin(x, v128.shuffle<f32>(x, x, 2, 3, 0, 1));
  return min<f32>(f32x4.extract_lane(pairs, 0), f32x4.extract_lane(pairs, 1));
}

/**
 * `mean[c]` and the biased `std[c]` of each column, summed in f64 in two passes and rounded once. A constant column has a std of
 * exactly 0 (below 2^29 rows); a value that is not finite makes its column NaN, and so do no rows.
 */
export function columnMoments(
  mean: usize,
  std: usize,
  x: usize,
  rows: i32,
  cols: i32,
  thread: i32,
  threads: i32,
): void {
  const stride = (<usize>cols) << 2;
  const end = Slice.end(cols, GRAIN, thread, threads);
  for (let c = Slice.begin(cols, GRAIN, thread, threads); c < end; c += 4) {
    const at = (<usize>c) << 2;
    momentsOfFour(mean + at, std + at, x + at, rows, stride, min<i32>(4, end - c));
  }
}

/** Moments of `count` (1 to 4) columns. */
function momentsOfFour(
  mean: usize,
  std: usize,
  x: usize,
  rows: i32,
  stride: usize,
  count: i32,
): void {
  const divisor = f64x2.splat(<f64>rows);
  let m0 = f64x2.splat(0);
  let m1 = m0;
  let p = x;
  for (let r = 0; r < rows; r++) {
    const a = F32x4.loadPart(p, count);
    m0 = f64x2.add(m0, F64x2.low(a));
    m1 = f64x2.add(m1, F64x2.high(a));
    p += stride;
  }
  m0 = f64x2.div(m0, divisor);
  m1 = f64x2.div(m1, divisor);
  let s0 = f64x2.splat(0);
  let s1 = s0;
  for (let r = 0; r < rows; r++) {
    const a = F32x4.loadPart(x, count);
    const d0 = f64x2.sub(F64x2.low(a), m0);
    const d1 = f64x2.sub(F64x2.high(a), m1);
    s0 = f64x2.add(s0, f64x2.mul(d0, d0));
    s1 = f64x2.add(s1, f64x2.mul(d1, d1));
    x += stride;
  }
  F32x4.storePart(mean, demote(m0, m1), count);
  F32x4.storePart(std, rootMean(s0, s1, divisor), count);
}

function rootMean(low: v128, high: v128, n: v128): v128 {
  return demote(f64x2.sqrt(f64x2.div(low, n)), f64x2.sqrt(f64x2.div(high, n)));
}

function demote(low: v128, high: v128): v128 {
  return v128.shuffle<f32>(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 1, 4, 5);
}
