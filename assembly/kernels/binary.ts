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

/** What `beta` means for an output. */
@unmanaged
abstract class Writer {
  abstract put(y: usize, x: v128): void;
  abstract putTail(y: usize, x: v128, count: i32): void;
}

@final
@unmanaged
class Overwrite extends Writer {
  @inline put(y: usize, x: v128): void {
    v128.store(y, x);
  }

  @inline putTail(y: usize, x: v128, count: i32): void {
    F32x4.storeTail(y, x, count);
  }
}

// No fused multiply-add here: these loops wait for memory, and so every variant gives the same bits.
@final
@unmanaged
class Accumulate extends Writer {
  @inline put(y: usize, x: v128): void {
    v128.store(y, f32x4.add(x, v128.load(y)));
  }

  @inline putTail(y: usize, x: v128, count: i32): void {
    F32x4.storeTail(y, f32x4.add(x, F32x4.loadTail(y, count)), count);
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
    const first = op.apply(v128.load(a), v128.load(b));
    const second = op.apply(v128.load(a, 16), v128.load(b, 16));
    out.put(y, first);
    out.put(y + 16, second);
    y += 32;
    a += 32;
    b += 32;
  }
  if (n >= 4) {
    out.put(y, op.apply(v128.load(a), v128.load(b)));
    y += 16;
    a += 16;
    b += 16;
    n -= 4;
  }
  if (n > 0) out.putTail(y, op.apply(F32x4.loadTail(a, n), F32x4.loadTail(b, n)), n);
}

function scaleAll<W extends Writer>(y: usize, x: usize, alpha: f32, n: i32): void {
  const out = changetype<W>(0);
  const factor = f32x4.splat(alpha);
  for (; n >= 8; n -= 8) {
    const first = f32x4.mul(factor, v128.load(x));
    const second = f32x4.mul(factor, v128.load(x, 16));
    out.put(y, first);
    out.put(y + 16, second);
    y += 32;
    x += 32;
  }
  if (n >= 4) {
    out.put(y, f32x4.mul(factor, v128.load(x)));
    y += 16;
    x += 16;
    n -= 4;
  }
  if (n > 0) out.putTail(y, f32x4.mul(factor, F32x4.loadTail(x, n)), n);
}
