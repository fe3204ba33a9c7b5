import { BoxMuller, Fraction } from "../box-muller";
import { F32x4Math } from "../math";
import { ATTEMPTS, philoxLanes, philoxWords } from "../philox";
import { F32x4 } from "../simd";
import { Slice } from "../thread";
import { Bits, CHUNK, Float, GROUP, Group } from "./random";

/** `out = mean + std z`, z standard normal (Box-Muller), |z| <= 6.67. */
export function randomNormal(
  out: usize,
  n: i32,
  mean: f32,
  std: f32,
  k0: u32,
  k1: u32,
  step: u32,
  thread: i32,
  threads: i32,
): void {
  const none = i32x4.splat(0);
  const begin = Slice.begin(n, GROUP, thread, threads);
  const end = Slice.end(n, GROUP, thread, threads);
  const whole = end & ~(GROUP - 1);
  for (let i = begin; i < whole; i += CHUNK) {
    const at = out + ((<usize>i) << 2);
    const groups = min<i32>(CHUNK, whole - i) / GROUP;
    philoxWords(at, groups, i >> 2, step, 0, k0, k1);
    normals(at, groups, mean, std);
    Group.finish<Bits>(at, groups, none, none, none);
  }
  if (begin <= whole && whole < end) {
    const c0 = philoxLanes(0, whole >> 2, step, 0, k0, k1);
    const c1 = philoxLanes(1, whole >> 2, step, 0, k0, k1);
    const c2 = philoxLanes(2, whole >> 2, step, 0, k0, k1);
    const c3 = philoxLanes(3, whole >> 2, step, 0, k0, k1);
    const shift = f32x4.splat(mean);
    const scale = f32x4.splat(std);
    const z0 = F32x4.madd(BoxMuller.first(c0, c1), scale, shift);
    const z1 = F32x4.madd(BoxMuller.second(c0, c1), scale, shift);
    const z2 = F32x4.madd(BoxMuller.first(c2, c3), scale, shift);
    const z3 = F32x4.madd(BoxMuller.second(c2, c3), scale, shift);
    const at = out + ((<usize>whole) << 2);
    Group.part<Bits>(at, 0, z0, z1, z2, z3, end - whole, none, none, none);
  }
}

/** The words of groups become their normals, in place. Words 0 and 2 lie side by side, and so do 1 and 3: V8 can pair them. */
function normals(out: usize, groups: i32, mean: f32, std: f32): void {
  const shift = f32x4.splat(mean);
  const scale = f32x4.splat(std);
  for (; groups > 0; groups--) {
    const c0 = v128.load(out);
    const c2 = v128.load(out, 16);
    const c1 = v128.load(out, 32);
    const c3 = v128.load(out, 48);
    const z0 = F32x4.madd(BoxMuller.first(c0, c1), scale, shift);
    const z2 = F32x4.madd(BoxMuller.first(c2, c3), scale, shift);
    const z1 = F32x4.madd(BoxMuller.second(c0, c1), scale, shift);
    const z3 = F32x4.madd(BoxMuller.second(c2, c3), scale, shift);
    v128.store(out, z2, 16);
    v128.store(out, z0);
    v128.store(out, z3, 48);
    v128.store(out, z1, 32);
    out += 64;
  }
}

/**
 * `out = mean + std z`, z standard normal given `low <= z <= high`: any low < high, infinite ones, far tails and narrow
 * intervals included. Every element lies in `[mean + std low, mean + std high]`, bounds rounded inward. The variance
 * is that of the truncated law: who wants `std` divides by its standard deviation before.
 *
 * Rejection, by the proposal that suits the interval, so that a round accepts with probability 0.49 at the least:
 * the normal itself when the interval holds 0 and is wider than sqrt(2 pi), a shifted exponential in a tail
 * (Robert, "Simulation of truncated normal variables", 1995), else the uniform.
 */
export function randomTruncatedNormal(
  out: usize,
  n: i32,
  mean: f32,
  std: f32,
  low: f32,
  high: f32,
  k0: u32,
  k1: u32,
  step: u32,
  thread: i32,
  threads: i32,
): void {
  assert(low < high, "randomTruncatedNormal: low must be less than high");
  assert(std >= 0, "randomTruncatedNormal: std must not be negative");
  // 0 times an infinite bound is 0 here.
  const lower = std == 0 ? <f64>mean : <f64>mean + <f64>std * low;
  const upper = std == 0 ? <f64>mean : <f64>mean + <f64>std * high;
  let least = Float.atLeast(lower);
  let most = Float.atMost(upper);
  // No float lies in between: the nearest has to do.
  if (least > most) least = most = <f32>(0.5 * (lower + upper));
  const floor = f32x4.splat(least);
  const ceiling = f32x4.splat(most);

  if (low <= 0 && high >= 0 && <f64>high - low > SQRT_2PI) {
    fillBounded(out, n, mean, std, low, high, least, most, k0, k1, step, thread, threads);
    return;
  }

  // A left tail is drawn as a right one, [a, b], and reflected. A draw is x = a + d, 0 <= d <= b - a.
  const isLeft = high <= 0;
  const a = <f64>(isLeft ? -high : low);
  const b = <f64>(isLeft ? -low : high);
  const scale = isLeft ? -std : std;
  const anchor = <f32>(<f64>mean + <f64>scale * a);
  const width = f32x4.splat(<f32>(b - a));
  const rate = 0.5 * (a + sqrt<f64>(a * a + 4.0));
  if (a > 0 && (b - a) * rate > TAIL_WIDTH) {
    // Accepted with probability exp(-(x - rate)^2 / 2), in which rate - a = 1 / rate.
    const p = f32x4.splat(<f32>(-1.0 / rate));
    const q = f32x4.splat(<f32>(0.5 / (rate * rate)));
    fillProposed<Exponential>(
      out,
      n,
      anchor,
      scale,
      width,
      p,
      q,
      floor,
      ceiling,
      k0,
      k1,
      step,
      thread,
      threads,
    );
  } else {
    // Accepted with probability exp((m^2 - x^2) / 2), m the point nearest to 0: a, or 0 itself.
    const p = f32x4.splat(<f32>a);
    const q = f32x4.splat(a < 0 ? <f32>(0.5 * a * a) : 0);
    fillProposed<Flat>(
      out,
      n,
      anchor,
      scale,
      width,
      p,
      q,
      floor,
      ceiling,
      k0,
      k1,
      step,
      thread,
      threads,
    );
  }
}

const SQRT_2PI: f64 = 2.5066282746310002;

/** Where uniform and exponential proposals accept alike in a tail: 0.58 each at the worst (by quadrature). */
const TAIL_WIDTH: f64 = 1.2;

/** `out = mean + std z`, z the first of the normals of the attempts that lies in [low, high]. */
function fillBounded(
  out: usize,
  n: i32,
  mean: f32,
  std: f32,
  low: f32,
  high: f32,
  least: f32,
  most: f32,
  k0: u32,
  k1: u32,
  step: u32,
  thread: i32,
  threads: i32,
): void {
  const begin = Slice.begin(n, GROUP, thread, threads);
  const end = Slice.end(n, GROUP, thread, threads);
  const whole = end & ~(GROUP - 1);
  const a = f32x4.splat(low);
  const b = f32x4.splat(high);
  const shift = f32x4.splat(mean);
  const scale = f32x4.splat(std);
  const floor = f32x4.splat(least);
  const ceiling = f32x4.splat(most);
  for (let i = begin; i < whole; i += CHUNK) {
    const last = min<i32>(whole, i + CHUNK);
    const first = out + ((<usize>i) << 2);
    philoxWords(first, (last - i) / GROUP, i >> 2, step, 0, k0, k1);
    normals(first, (last - i) / GROUP, -0.0, 1); // z + -0 is z, -0 too
    for (let j = i; j < last; j += GROUP) {
      const at = out + ((<usize>j) << 2);
      let z0 = Pending.unless(v128.load(at), a, b);
      let z2 = Pending.unless(v128.load(at, 16), a, b);
      let z1 = Pending.unless(v128.load(at, 32), a, b);
      let z3 = Pending.unless(v128.load(at, 48), a, b);
      for (let k: u32 = 1; Pending.any(z0, z1, z2, z3) && k < ATTEMPTS; k++) {
        philoxWords(at, 1, j >> 2, step, k, k0, k1);
        normals(at, 1, -0.0, 1);
        z0 = Pending.settle(z0, Pending.unless(v128.load(at), a, b));
        z2 = Pending.settle(z2, Pending.unless(v128.load(at, 16), a, b));
        z1 = Pending.settle(z1, Pending.unless(v128.load(at, 32), a, b));
        z3 = Pending.settle(z3, Pending.unless(v128.load(at, 48), a, b));
      }
      z0 = Pending.clamp(F32x4.madd(z0, scale, shift), floor, ceiling);
      z1 = Pending.clamp(F32x4.madd(z1, scale, shift), floor, ceiling);
      z2 = Pending.clamp(F32x4.madd(z2, scale, shift), floor, ceiling);
      z3 = Pending.clamp(F32x4.madd(z3, scale, shift), floor, ceiling);
      Settled.put(at, z0, z1, z2, z3, GROUP);
    }
  }
  if (begin > whole || whole >= end) return;
  let z0 = f32x4.splat(NaN);
  let z1 = z0;
  let z2 = z0;
  let z3 = z0;
  for (let k: u32 = 0; Pending.any(z0, z1, z2, z3) && k < ATTEMPTS; k++) {
    const c0 = philoxLanes(0, whole >> 2, step, k, k0, k1);
    const c1 = philoxLanes(1, whole >> 2, step, k, k0, k1);
    const c2 = philoxLanes(2, whole >> 2, step, k, k0, k1);
    const c3 = philoxLanes(3, whole >> 2, step, k, k0, k1);
    z0 = Pending.settle(z0, Pending.unless(BoxMuller.first(c0, c1), a, b));
    z1 = Pending.settle(z1, Pending.unless(BoxMuller.second(c0, c1), a, b));
    z2 = Pending.settle(z2, Pending.unless(BoxMuller.first(c2, c3), a, b));
    z3 = Pending.settle(z3, Pending.unless(BoxMuller.second(c2, c3), a, b));
  }
  z0 = Pending.clamp(F32x4.madd(z0, scale, shift), floor, ceiling);
  z1 = Pending.clamp(F32x4.madd(z1, scale, shift), floor, ceiling);
  z2 = Pending.clamp(F32x4.madd(z2, scale, shift), floor, ceiling);
  z3 = Pending.clamp(F32x4.madd(z3, scale, shift), floor, ceiling);
  Settled.put(out + ((<usize>whole) << 2), z0, z1, z2, z3, end - whole);
}

/** Four vectors of a group of elements: all of it, or the first `left`. */
class Settled {
  @inline static put(at: usize, z0: v128, z1: v128, z2: v128, z3: v128, left: i32): void {
    const n = i32x4.splat(0);
    if (left >= GROUP) {
      Group.whole<Bits>(at, z0, z1, z2, z3, n, n, n, n, n, n, n, n, n, n, n);
    } else {
      Group.part<Bits>(at, 0, z0, z1, z2, z3, left, n, n, n);
    }
  }
}

/** Elements that were drawn but not accepted are NaN until they are. */
class Pending {
  /** x, or NaN where it does not lie in [low, high]. */
  @inline static unless(x: v128, low: v128, high: v128): v128 {
    return Pending.where(x, v128.and(f32x4.ge(x, low), f32x4.le(x, high)));
  }

  /** x where it is accepted, else NaN: all ones is one. */
  @inline static where(x: v128, accepted: v128): v128 {
    return v128.or(x, v128.not(accepted));
  }

  /** What was settled before stays; else the new draw, NaN where it was rejected. */
  @inline static settle(settled: v128, draw: v128): v128 {
    return v128.bitselect(settled, draw, f32x4.eq(settled, settled));
  }

  @inline static any(a: v128, b: v128, c: v128, d: v128): bool {
    const settled = v128.and(
      v128.and(f32x4.eq(a, a), f32x4.eq(b, b)),
      v128.and(f32x4.eq(c, c), f32x4.eq(d, d)),
    );
    return !i32x4.all_true(settled);
  }

  /** NaN becomes the floor. */
  @inline static clamp(x: v128, floor: v128, ceiling: v128): v128 {
    return f32x4.pmin(f32x4.pmax(floor, x), ceiling);
  }
}

/** How far from the anchor a proposal lies, of a fraction in (0, 1]. */
@unmanaged
abstract class Proposal {
  abstract offset(u: v128, p: v128, width: v128): v128;
}

@final
@unmanaged
class Flat extends Proposal {
  @inline offset(u: v128, _p: v128, width: v128): v128 {
    return f32x4.mul(u, width);
  }
}

@final
@unmanaged
class Exponential extends Proposal {
  @inline offset(u: v128, p: v128, _width: v128): v128 {
    return f32x4.mul(F32x4Math.logOfNormal(u), p);
  }
}

/**
 * `out = anchor + scale d`, d proposed by T and accepted with probability `exp(-(q + d (p + d / 2)))` if `d <= width`.
 * Attempt t takes d from the blocks with c3 = 2 t, the verdict from those with 2 t + 1.
 */
function fillProposed<T extends Proposal>(
  out: usize,
  n: i32,
  anchor: f32,
  scale: f32,
  width: v128,
  p: v128,
  q: v128,
  floor: v128,
  ceiling: v128,
  k0: u32,
  k1: u32,
  step: u32,
  thread: i32,
  threads: i32,
): void {
  const proposal = changetype<T>(0);
  const end = Slice.end(n, GROUP, thread, threads);
  const pending = f32x4.splat(NaN);
  for (let i = Slice.begin(n, GROUP, thread, threads); i < end; i += GROUP) {
    const at = out + ((<usize>i) << 2);
    let z0 = pending;
    let z1 = pending;
    let z2 = pending;
    let z3 = pending;
    let d0 = pending;
    let d1 = pending;
    let d2 = pending;
    let d3 = pending;
    let draw: u32 = 0;
    do {
      let c0: v128;
      let c1: v128;
      let c2: v128;
      let c3: v128;
      if (end - i >= GROUP) {
        philoxWords(at, 1, i >> 2, step, draw, k0, k1);
        c0 = v128.load(at);
        c2 = v128.load(at, 16);
        c1 = v128.load(at, 32);
        c3 = v128.load(at, 48);
      } else {
        c0 = philoxLanes(0, i >> 2, step, draw, k0, k1);
        c1 = philoxLanes(1, i >> 2, step, draw, k0, k1);
        c2 = philoxLanes(2, i >> 2, step, draw, k0, k1);
        c3 = philoxLanes(3, i >> 2, step, draw, k0, k1);
      }
      c0 = Fraction.positive(c0);
      c1 = Fraction.positive(c1);
      c2 = Fraction.positive(c2);
      c3 = Fraction.positive(c3);
      if (draw & 1) {
        z0 = Pending.settle(z0, Pending.where(d0, Verdict.accepts(c0, d0, p, q, width)));
        z1 = Pending.settle(z1, Pending.where(d1, Verdict.accepts(c1, d1, p, q, width)));
        z2 = Pending.settle(z2, Pending.where(d2, Verdict.accepts(c2, d2, p, q, width)));
        z3 = Pending.settle(z3, Pending.where(d3, Verdict.accepts(c3, d3, p, q, width)));
      } else {
        d0 = proposal.offset(c0, p, width);
        d1 = proposal.offset(c1, p, width);
        d2 = proposal.offset(c2, p, width);
        d3 = proposal.offset(c3, p, width);
      }
    } while (Pending.any(z0, z1, z2, z3) && ++draw < 2 * ATTEMPTS);

    const shift = f32x4.splat(anchor);
    const factor = f32x4.splat(scale);
    z0 = Pending.clamp(F32x4.madd(z0, factor, shift), floor, ceiling);
    z1 = Pending.clamp(F32x4.madd(z1, factor, shift), floor, ceiling);
    z2 = Pending.clamp(F32x4.madd(z2, factor, shift), floor, ceiling);
    z3 = Pending.clamp(F32x4.madd(z3, factor, shift), floor, ceiling);
    Settled.put(at, z0, z1, z2, z3, end - i);
  }
}

class Verdict {
  @inline static accepts(v: v128, d: v128, p: v128, q: v128, width: v128): v128 {
    const half = f32x4.splat(0.5);
    const cost = f32x4.add(q, f32x4.mul(d, f32x4.add(p, f32x4.mul(half, d))));
    return v128.and(f32x4.le(F32x4Math.logOfNormal(v), f32x4.neg(cost)), f32x4.le(d, width));
  }
}
