import { F32x4 } from "../simd";
import { Slice } from "../thread";

/** A cache line of floats, so that no two threads write the same one. */
const GRAIN: i32 = 16;

/** `y = alpha x + c`; y may be x. Each operation is rounded on its own. */
export function line(
  y: usize,
  x: usize,
  alpha: f32,
  c: f32,
  n: i32,
  thread: i32,
  threads: i32,
): void {
  shift(y, x, f32x4.splat(alpha), f32x4.splat(c), n, thread, threads);
}

/** `y = x + b[0]`, one number for all; y may be x. */
export function addScalar(y: usize, x: usize, b: usize, n: i32, thread: i32, threads: i32): void {
  shift(y, x, f32x4.splat(1), v128.load32_splat(b), n, thread, threads);
}

function shift(y: usize, x: usize, alpha: v128, c: v128, n: i32, thread: i32, threads: i32): void {
  const begin = Slice.begin(n, GRAIN, thread, threads);
  y += (<usize>begin) << 2;
  x += (<usize>begin) << 2;
  for (let left = Slice.end(n, GRAIN, thread, threads) - begin; left > 0; left -= 4) {
    F32x4.storePart(y, f32x4.add(f32x4.mul(alpha, F32x4.loadPart(x, left)), c), left);
    y += 16;
    x += 16;
  }
}

/**
 * `y[i, p, c] = factor m[i, c] x[i, p, c] + beta y` over row-major [items, positions, channels]: a mask of whole channels. With beta 0 y
 * may be x, and where m is 0 y is 0 even if x is not finite. Sliced by item.
 */
export function maskChannels(
  y: usize,
  x: usize,
  m: usize,
  factor: f32,
  items: i32,
  positions: i32,
  channels: i32,
  beta: i32,
  thread: i32,
  threads: i32,
): void {
  const f = f32x4.splat(factor);
  const none = f32x4.splat(0);
  const step = (<usize>channels) << 2;
  const end = Slice.end(items, 1, thread, threads);
  for (let item = Slice.begin(items, 1, thread, threads); item < end; item++) {
    const mask = m + <usize>item * step;
    for (let p = 0; p < positions; p++) {
      const row = (<usize>item * <usize>positions + <usize>p) * step;
      for (let c = 0; c < channels; c += 4) {
        const left = channels - c;
        const o = (<usize>c) << 2;
        const keep = F32x4.loadPart(mask + o, left);
        const v = f32x4.mul(f32x4.mul(f, keep), F32x4.loadPart(x + row + o, left));
        let r = v128.andnot(v, f32x4.eq(keep, none));
        if (beta) r = f32x4.add(r, F32x4.loadPart(y + row + o, left));
        F32x4.storePart(y + row + o, r, left);
      }
    }
  }
}
