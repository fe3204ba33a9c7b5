import { F32x4 } from "../simd";
import { State, Status } from "../state";
import { Slice } from "../thread";

/** A cache line of floats, so that no two threads write the same one. */
const GRAIN: i32 = 16;

/**
 * Chen et al. 2023, algorithm 2, with `g' = gradientScale g`: `u = beta1 m + (1 - beta1) g'`, `p -= lr (sign(u) + weightDecay p)`,
 * `m = beta2 m + (1 - beta2) g'`; sign(0) = 0. A NaN in u makes p NaN. Sliced by element.
 */
export function lion(
  p: usize,
  g: usize,
  m: usize,
  n: i32,
  beta1: f32,
  beta2: f32,
  weightDecay: f32,
  state: usize,
  thread: i32,
  threads: i32,
): void {
  const rate = load<f32>(state, State.learningRate);
  const clip = v128.load32_splat(state, State.gradientScale);
  const keep = f32x4.splat(<f32>(1 - <f64>rate * <f64>weightDecay));
  const lr = f32x4.splat(rate);
  const b1 = f32x4.splat(beta1);
  const c1 = f32x4.splat(<f32>(1 - <f64>beta1));
  const b2 = f32x4.splat(beta2);
  const c2 = f32x4.splat(<f32>(1 - <f64>beta2));
  const zero = f32x4.splat(0);
  const one = f32x4.splat(1);
  const sign = f32x4.splat(-0.0);
  const begin = Slice.begin(n, GRAIN, thread, threads);
  let left = Slice.end(n, GRAIN, thread, threads) - begin;
  let bad = zero;
  p += (<usize>begin) << 2;
  g += (<usize>begin) << 2;
  m += (<usize>begin) << 2;
  for (; left > 0; left -= 4) {
    const p0 = F32x4.loadPart(p, left);
    const g0 = f32x4.mul(clip, F32x4.loadPart(g, left));
    const m0 = F32x4.loadPart(m, left);
    const u = F32x4.madd(b1, m0, f32x4.mul(c1, g0));
    // The sign of u at size 1; u itself where it is 0 or NaN.
    const isSigned = v128.or(f32x4.lt(u, zero), f32x4.gt(u, zero));
    const s = v128.bitselect(v128.or(v128.and(u, sign), one), u, isSigned);
    const q = F32x4.nmadd(lr, s, f32x4.mul(keep, p0));
    F32x4.storePart(m, F32x4.madd(b2, m0, f32x4.mul(c2, g0)), left);
    F32x4.storePart(p, q, left);
    bad = f32x4.add(bad, v128.and(f32x4.sub(q, q), F32x4.mask(left)));
    p += 16;
    g += 16;
    m += 16;
  }
  if (v128.any_true(f32x4.ne(bad, bad))) store<i32>(state, Status.updateNotFinite, State.status);
}
