import { F32x4, F64x2 } from "../simd";
import { Slice } from "../thread";
import { scale } from "./binary";

/** A cache line of columns, so that no two threads write the same one. */
const GRAIN: i32 = 16;

/** `y[r, c] = s[c] x[r, c]`; when channels is 1, s[0] for every column. y may be x. */
export function scaleBy(
  y: usize,
  x: usize,
  s: usize,
  rows: i32,
  cols: i32,
  channels: i32,
  thread: i32,
  threads: i32,
): void {
  assert(channels == 1 || channels == cols, "scaleBy: channels must be 1 or cols");
  if (channels == 1) {
    scale(y, x, load<f32>(s), rows * cols, 0, thread, threads);
    return;
  }
  const end = Slice.end(rows, 1, thread, threads);
  for (let row = Slice.begin(rows, 1, thread, threads); row < end; row++) {
    const at = (<usize>row * <usize>cols) << 2;
    for (let c = 0; c < cols; c += 4) {
      const o = (<usize>c) << 2;
      const left = cols - c;
      const factor = F32x4.loadPart(s + o, left);
      F32x4.storePart(y + at + o, f32x4.mul(factor, F32x4.loadPart(x + at + o, left)), left);
    }
  }
}

/**
 * `dx = s dy + beta dx`, the product rounded before the sum, and `ds = sum of x dy + scaleBeta ds` over the rows, or over
 * everything when channels is 1. The sums are taken in f64. dx may be 0: then it is not wanted.
 *
 * Threads share out columns, and then dx may be dy. With one scale they share out elements for dx, while thread 0 adds up all
 * of ds: then dx must not overlap dy or x.
 */
export function scaleByBackward(
  dx: usize,
  ds: usize,
  x: usize,
  dy: usize,
  s: usize,
  rows: i32,
  cols: i32,
  channels: i32,
  beta: i32,
  scaleBeta: i32,
  thread: i32,
  threads: i32,
): void {
  assert(channels == 1 || channels == cols, "scaleByBackward: channels must be 1 or cols");
  assert((beta | scaleBeta | 1) == 1, "scaleByBackward: beta and scaleBeta must be 0 or 1");
  if (channels == 1) {
    const n = rows * cols;
    assert(dx != dy && dx != x, "scaleByBackward: dx must not be dy or x with one scale");
    if (thread == 0) {
      const before: f64 = scaleBeta ? <f64>load<f32>(ds) : 0;
      store<f32>(ds, <f32>(before + dot(x, dy, n)));
    }
    if (dx) scale(dx, dy, load<f32>(s), n, beta, thread, threads);
    return;
  }
  const end = Slice.end(cols, GRAIN, thread, threads);
  for (let c = Slice.begin(cols, GRAIN, thread, threads); c < end; c += 4) {
    const column = (<usize>c) << 2;
    const left = end - c;
    const factor = F32x4.loadPart(s + column, left);
    let low = f64x2.splat(0);
    let high = f64x2.splat(0);
    if (scaleBeta) {
      const before = F32x4.loadPart(ds + column, left);
      low = F64x2.low(before);
      high = F64x2.high(before);
    }
    for (let row = 0; row < rows; row++) {
      const o = ((<usize>row * <usize>cols) << 2) + column;
      const xs = F32x4.loadPart(x + o, left);
      const d = F32x4.loadPart(dy + o, left);
      low = f64x2.add(low, f64x2.mul(F64x2.low(xs), F64x2.low(d)));
      high = f64x2.add(high, f64x2.mul(F64x2.high(xs), F64x2.high(d)));
      if (dx) {
        let r = f32x4.mul(factor, d);
        if (beta) r = f32x4.add(r, F32x4.loadPart(dx + o, left));
        F32x4.storePart(dx + o, r, left);
      }
    }
    const sums = v128.shuffle<f32>(
      f32x4.demote_f64x2_zero(low),
      f32x4.demote_f64x2_zero(high),
      0,
      1,
      4,
      5,
    );
    F32x4.storePart(ds + column, sums, left);
  }
}

/** `sum of a[i] b[i]` in f64. */
function dot(a: usize, b: usize, n: i32): f64 {
  let low = f64x2.splat(0);
  let high = f64x2.splat(0);
  for (let left = n; left > 0; left -= 4) {
    const x = F32x4.loadPart(a, left);
    const y = F32x4.loadPart(b, left);
    low = f64x2.add(low, f64x2.mul(F64x2.low(x), F64x2.low(y)));
    high = f64x2.add(high, f64x2.mul(F64x2.high(x), F64x2.high(y)));
    a += 16;
    b += 16;
  }
  return F64x2.sum(f64x2.add(low, high));
}
