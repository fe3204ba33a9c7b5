import { BoxMuller, Fraction } from "../box-muller";
import { F32x4Math } from "../math";
import { ATTEMPTS, Philox } from "../philox";
import { F32x4 } from "../simd";
import { Slice } from "../thread";
import { Bits, Float, GROUP, Group } from "./random";

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
  fillNormal<Unbounded>(out, n, mean, std, none, none, none, none, k0, k1, step, thread, threads);
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
    const a = f32x4.splat(low);
    const b = f32x4.splat(high);
    fillNormal<Bounded>(out, n, mean, std, a, b, floor, ceiling, k0, k1, step, thread, threads);
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

/** Whether normals are kept as they come. */
@unmanaged
abstract class Interval {
  abstract isBounded(): bool;
}

@final
@unmanaged
class Unbounded extends Interval {
  @inline isBounded(): bool {
    return false;
  }
}

@final
@unmanaged
class Bounded extends Interval {
  @inline isBounded(): bool {
    return true;
  }
}

function fillNormal<T extends Interval>(
  out: usize,
  n: i32,
  mean: f32,
  std: f32,
  low: v128,
  high: v128,
  floor: v128,
  ceiling: v128,
  k0: u32,
  k1: u32,
  step: u32,
  thread: i32,
  threads: i32,
): void {
  const bounded = changetype<T>(0).isBounded();
  const end = Slice.end(n, GROUP, thread, threads);
  const shift = f32x4.splat(mean);
  const scale = f32x4.splat(std);
  const pending = f32x4.splat(NaN);
  for (let i = Slice.begin(n, GROUP, thread, threads); i < end; i += GROUP) {
    // Drawn but rejected is NaN.
    let z0 = pending;
    let z1 = pending;
    let z2 = pending;
    let z3 = pending;
    let attempt: u32 = 0;
    do {
      let c0 = i32x4.add(i32x4.splat(i >> 2), i32x4(0, 1, 2, 3));
      let c1 = i32x4.splat(0);
      let c2 = i32x4.splat(step);
      let c3 = i32x4.splat(attempt);
      let key0 = i32x4.splat(k0);
      let key1 = i32x4.splat(k1);
      const m0 = Philox.m0();
      const m1 = Philox.m1();
      const w0 = Philox.w0();
      const w1 = Philox.w1();
      for (let round = 0; round < Philox.ROUNDS; round++) {
        const next0 = Philox.high(m1, c2, c1, key0);
        const next2 = Philox.high(m0, c0, c3, key1);
        c1 = Philox.low(m1, c2);
        c3 = Philox.low(m0, c0);
        c0 = next0;
        c2 = next2;
        key0 = i32x4.add(key0, w0);
        key1 = i32x4.add(key1, w1);
      }
      const turnA = BoxMuller.turn(c1);
      const turnB = BoxMuller.turn(c3);
      const angleA = BoxMuller.angle(turnA);
      const angleB = BoxMuller.angle(turnB);
      const sinA = BoxMuller.sin(angleA);
      const sinB = BoxMuller.sin(angleB);
      const cosA = BoxMuller.cos(angleA);
      const cosB = BoxMuller.cos(angleB);
      const radiusA = BoxMuller.radius(c0);
      const radiusB = BoxMuller.radius(c2);
      const x0 = f32x4.mul(radiusA, BoxMuller.abscissa(turnA, sinA, cosA));
      const x1 = f32x4.mul(radiusA, BoxMuller.ordinate(turnA, sinA, cosA));
      const x2 = f32x4.mul(radiusB, BoxMuller.abscissa(turnB, sinB, cosB));
      const x3 = f32x4.mul(radiusB, BoxMuller.ordinate(turnB, sinB, cosB));
      if (bounded) {
        z0 = Pending.settle(z0, x0, Pending.within(x0, low, high));
        z1 = Pending.settle(z1, x1, Pending.within(x1, low, high));
        z2 = Pending.settle(z2, x2, Pending.within(x2, low, high));
        z3 = Pending.settle(z3, x3, Pending.within(x3, low, high));
      } else {
        z0 = x0;
        z1 = x1;
        z2 = x2;
        z3 = x3;
      }
    } while (bounded && Pending.any(z0, z1, z2, z3) && ++attempt < ATTEMPTS);

    z0 = F32x4.madd(z0, scale, shift);
    z1 = F32x4.madd(z1, scale, shift);
    z2 = F32x4.madd(z2, scale, shift);
    z3 = F32x4.madd(z3, scale, shift);
    if (bounded) {
      z0 = Pending.clamp(z0, floor, ceiling);
      z1 = Pending.clamp(z1, floor, ceiling);
      z2 = Pending.clamp(z2, floor, ceiling);
      z3 = Pending.clamp(z3, floor, ceiling);
    }
    const none = i32x4.splat(0);
    Group.put<Bits>(out + ((<usize>i) << 2), 0, z0, z1, z2, z3, n - i, none, none, none);
  }
}

/** Elements that were drawn but not accepted are NaN until they are. */
class Pending {
  @inline static within(x: v128, low: v128, high: v128): v128 {
    return v128.and(f32x4.ge(x, low), f32x4.le(x, high));
  }

  /** What was settled before stays; else x where it is accepted, NaN where not. */
  @inline static settle(settled: v128, x: v128, accepted: v128): v128 {
    const drawn = v128.or(x, v128.not(accepted)); // all ones is a NaN
    return v128.bitselect(settled, drawn, f32x4.eq(settled, settled));
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
      let c0 = i32x4.add(i32x4.splat(i >> 2), i32x4(0, 1, 2, 3));
      let c1 = i32x4.splat(0);
      let c2 = i32x4.splat(step);
      let c3 = i32x4.splat(draw);
      let key0 = i32x4.splat(k0);
      let key1 = i32x4.splat(k1);
      const m0 = Philox.m0();
      const m1 = Philox.m1();
      const w0 = Philox.w0();
      const w1 = Philox.w1();
      for (let round = 0; round < Philox.ROUNDS; round++) {
        const next0 = Philox.high(m1, c2, c1, key0);
        const next2 = Philox.high(m0, c0, c3, key1);
        c1 = Philox.low(m1, c2);
        c3 = Philox.low(m0, c0);
        c0 = next0;
        c2 = next2;
        key0 = i32x4.add(key0, w0);
        key1 = i32x4.add(key1, w1);
      }
      c0 = Fraction.positive(c0);
      c1 = Fraction.positive(c1);
      c2 = Fraction.positive(c2);
      c3 = Fraction.positive(c3);
      if (draw & 1) {
        z0 = Pending.settle(z0, d0, Verdict.accepts(c0, d0, p, q, width));
        z1 = Pending.settle(z1, d1, Verdict.accepts(c1, d1, p, q, width));
        z2 = Pending.settle(z2, d2, Verdict.accepts(c2, d2, p, q, width));
        z3 = Pending.settle(z3, d3, Verdict.accepts(c3, d3, p, q, width));
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
    const none = i32x4.splat(0);
    Group.put<Bits>(out + ((<usize>i) << 2), 0, z0, z1, z2, z3, n - i, none, none, none);
  }
}

class Verdict {
  @inline static accepts(v: v128, d: v128, p: v128, q: v128, width: v128): v128 {
    const half = f32x4.splat(0.5);
    const cost = f32x4.add(q, f32x4.mul(d, f32x4.add(p, f32x4.mul(half, d))));
    return v128.and(f32x4.le(F32x4Math.logOfNormal(v), f32x4.neg(cost)), f32x4.le(d, width));
  }
}
