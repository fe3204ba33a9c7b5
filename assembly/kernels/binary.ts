import { F32x4 } from "../simd";
import { Slice } from "../thread";

/** A cache line of floats, so that no two threads write the same one. */
const GRAIN: i32 = 16;

@unmanaged
abstract class BinaryOp {
  abstract apply(a: v128, b: v128): v128;
}

@final
@unmanaged
class Add extends BinaryOp {
  @inline apply(a: v128, b: v128): v128 {
    return f32x4.add(a, b);
  }
}

@final
@unmanaged
class Mul extends BinaryOp {
  @inline apply(a: v128, b: v128): v128 {
    return f32x4.mul(a, b);
  }
}

/** What `beta` makes of a result x that goes to y. */
@unmanaged
abstract class Writer {
  abstract mix(x: v128, y: usize, left: i32): v128;
}

@final
@unmanaged
class Overwrite extends Writer {
  @inline mix(x: v128, _y: usize, _left: i32): v128 {
    return x;
  }
}

// No fused multiply-add here: these loops wait for memory, and so every variant gives the same bits.
@final
@unmanaged
class Accumulate extends Writer {
  @inline mix(x: v128, y: usize, left: i32): v128 {
    return f32x4.add(x, F32x4.loadPart(y, left));
  }
}

/** `y = a + b + beta y`, rounded after each sum from the left. y may be a or b. */
export function add(
  y: usize,
  a: usize,
  b: usize,
  n: i32,
  beta: i32,
  thread: i32,
  threads: i32,
): void {
  assert((beta | 1) == 1, "add: beta must be 0 or 1");
  zipSlice<Add>(y, a, b, n, beta, thread, threads);
}

/** `y = a b + beta y`, the product rounded before the sum. y may be a or b. */
export function mul(
  y: usize,
  a: usize,
  b: usize,
  n: i32,
  beta: i32,
  thread: i32,
  threads: i32,
): void {
  assert((beta | 1) == 1, "mul: beta must be 0 or 1");
  zipSlice<Mul>(y, a, b, n, beta, thread, threads);
}

/** `y = alpha x + beta y`, the product rounded before the sum. y may be x. */
export function scale(
  y: usize,
  x: usize,
  alpha: f32,
  n: i32,
  beta: i32,
  thread: i32,
  threads: i32,
): void {
  assert((beta | 1) == 1, "scale: beta must be 0 or 1");
  const begin = Slice.begin(n, GRAIN, thread, threads);
  const count = Slice.end(n, GRAIN, thread, threads) - begin;
  const at = (<usize>begin) << 2;
  if (beta) {
    scaleAll<Accumulate>(y + at, x + at, alpha, count);
  } else {
    scaleAll<Overwrite>(y + at, x + at, alpha, count);
  }
}

/** `y[r, c] = x[r, c] + b[c]`. y may be x. */
export function addBias(
  y: usize,
  x: usize,
  b: usize,
  rows: i32,
  cols: i32,
  thread: i32,
  threads: i32,
): void {
  const end = Slice.end(rows, 1, thread, threads);
  for (let r = Slice.begin(rows, 1, thread, threads); r < end; r++) {
    const at = (<usize>r * <usize>cols) << 2;
    zip<Add, Overwrite>(y + at, x + at, b, cols);
  }
}

function zipSlice<T extends BinaryOp>(
  y: usize,
  a: usize,
  b: usize,
  n: i32,
  beta: i32,
  thread: i32,
  threads: i32,
): void {
  const begin = Slice.begin(n, GRAIN, thread, threads);
  const count = Slice.end(n, GRAIN, thread, threads) - begin;
  const at = (<usize>begin) << 2;
  if (beta) {
    zip<T, Accumulate>(y + at, a + at, b + at, count);
  } else {
    zip<T, Overwrite>(y + at, a + at, b + at, count);
  }
}

function zip<T extends BinaryOp, W extends Writer>(y: usize, a: usize, b: usize, n: i32): void {
  const op = changetype<T>(0);
  const out = changetype<W>(0);
  for (; n >= 8; n -= 8) {
    const y0 = out.mix(op.apply(v128.load(a), v128.load(b)), y, 4);
    const y1 = out.mix(op.apply(v128.load(a, 16), v128.load(b, 16)), y + 16, 4);
    v128.store(y, y1, 16);
    v128.store(y, y0);
    y += 32;
    a += 32;
    b += 32;
  }
  for (; n > 0; n -= 4) {
    const x = op.apply(F32x4.loadPart(a, n), F32x4.loadPart(b, n));
    F32x4.storePart(y, out.mix(x, y, n), n);
    y += 16;
    a += 16;
    b += 16;
  }
}

function scaleAll<W extends Writer>(y: usize, x: usize, alpha: f32, n: i32): void {
  const out = changetype<W>(0);
  const factor = f32x4.splat(alpha);
  for (; n >= 8; n -= 8) {
    const y0 = out.mix(f32x4.mul(factor, v128.load(x)), y, 4);
    const y1 = out.mix(f32x4.mul(factor, v128.load(x, 16)), y + 16, 4);
    v128.store(y, y1, 16);
    v128.store(y, y0);
    y += 32;
    x += 32;
  }
  for (; n > 0; n -= 4) {
    F32x4.storePart(y, out.mix(f32x4.mul(factor, F32x4.loadPart(x, n)), y, n), n);
    y += 16;
    x += 16;
  }
}
