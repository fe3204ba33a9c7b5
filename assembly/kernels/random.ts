import { ATTEMPTS, Lanes, Philox, philoxWord } from "../philox";
import { F32x4 } from "../simd";
import { Slice } from "../thread";

// Element i draws from word (i & 3) of block (i >> 2): counter (i >> 2, 0, step, attempt), attempt 0 unless a draw was
// rejected. Every kernel works on groups of four blocks, 16 elements, which are also the grain of its slices.
export const GROUP = 16;

/** `out = philox(counter c0 c1 c2 c3, key k0 k1)`, four u32: the generator as it is published. */
export function philox(out: usize, c0: u32, c1: u32, c2: u32, c3: u32, k0: u32, k1: u32): void {
  for (let word = 0; word < 4; word++) {
    store<u32>(out + (word << 2), philoxWord(word, c0, c1, c2, c3, k0, k1));
  }
}

/** What an element-wise draw makes of a word, of its input `x` and of the output `y`, given the constants p, q, r. */
@unmanaged
abstract class Draw {
  abstract value(word: v128, x: v128, y: v128, p: v128, q: v128, r: v128): v128;

  /** 0: neither x nor y is read, 1: x is, 2: both are. A constant of the class, so asking costs nothing. */
  abstract reads(): i32;
}

@final
@unmanaged
export class Bits extends Draw {
  @inline reads(): i32 {
    return 0;
  }

  @inline value(word: v128, _x: v128, _y: v128, _p: v128, _q: v128, _r: v128): v128 {
    return word;
  }
}

/** `min(p + u q, r)`, u the upper 24 bits as a fraction. Not `madd`: the bits are the same in every variant. */
@final
@unmanaged
class Uniform extends Draw {
  @inline reads(): i32 {
    return 0;
  }

  @inline value(word: v128, _x: v128, _y: v128, p: v128, q: v128, r: v128): v128 {
    const u = f32x4.convert_i32x4_s(i32x4.shr_u(word, 8));
    return f32x4.pmin(f32x4.add(p, f32x4.mul(u, q)), r);
  }
}

/** `Threshold.below(word) ? r : 0` */
@final
@unmanaged
class Bernoulli extends Draw {
  @inline reads(): i32 {
    return 0;
  }

  @inline value(word: v128, _x: v128, _y: v128, p: v128, q: v128, r: v128): v128 {
    return v128.and(Threshold.below(word, p, q), r);
  }
}

/** `Threshold.below(word) ? 0 : r x` */
@final
@unmanaged
class Dropout extends Draw {
  @inline reads(): i32 {
    return 1;
  }

  @inline value(word: v128, x: v128, _y: v128, p: v128, q: v128, r: v128): v128 {
    return v128.andnot(f32x4.mul(x, r), Threshold.below(word, p, q));
  }
}

@final
@unmanaged
class DropoutAdd extends Draw {
  @inline reads(): i32 {
    return 2;
  }

  @inline value(word: v128, x: v128, y: v128, p: v128, q: v128, r: v128): v128 {
    return f32x4.add(y, v128.andnot(f32x4.mul(x, r), Threshold.below(word, p, q)));
  }
}

/** The event of probability `round(2^32 p) / 2^32`: the word, as a signed number, is below `bound`. */
class Threshold {
  @inline static bound(p: f32): v128 {
    const t = nearest<f64>(4294967296.0 * p) - 2147483648.0;
    return i32x4.splat(<i32>min<f64>(max<f64>(t, -2147483648.0), 2147483647.0));
  }

  /** All ones when p is 1, which no 32-bit bound can say. */
  @inline static always(p: f32): v128 {
    return i32x4.splat(nearest<f64>(4294967296.0 * p) >= 4294967296.0 ? -1 : 0);
  }

  @inline static below(word: v128, bound: v128, always: v128): v128 {
    return v128.or(i32x4.lt_s(word, bound), always);
  }
}

/**
 * The sixteen elements of a group, or the first `left` of them. The whole group is stored without a branch: TurboFan
 * computes a value again in every branch that uses it, and four tests in a row would compute the group four times.
 */
export class Group {
  @inline static put<T extends Draw>(
    y: usize,
    x: usize,
    c0: v128,
    c1: v128,
    c2: v128,
    c3: v128,
    left: i32,
    p: v128,
    q: v128,
    r: v128,
  ): void {
    const a = Lanes.zipLow(c0, c1);
    const b = Lanes.zipLow(c2, c3);
    const c = Lanes.zipHigh(c0, c1);
    const d = Lanes.zipHigh(c2, c3);
    if (left >= GROUP) {
      Group.four<T>(y, x, Lanes.lowHalves(a, b), p, q, r);
      Group.four<T>(y + 16, x + 16, Lanes.highHalves(a, b), p, q, r);
      Group.four<T>(y + 32, x + 32, Lanes.lowHalves(c, d), p, q, r);
      Group.four<T>(y + 48, x + 48, Lanes.highHalves(c, d), p, q, r);
    } else {
      Group.some<T>(y, x, Lanes.lowHalves(a, b), left, p, q, r);
      Group.some<T>(y + 16, x + 16, Lanes.highHalves(a, b), left - 4, p, q, r);
      Group.some<T>(y + 32, x + 32, Lanes.lowHalves(c, d), left - 8, p, q, r);
      Group.some<T>(y + 48, x + 48, Lanes.highHalves(c, d), left - 12, p, q, r);
    }
  }

  @inline private static four<T extends Draw>(
    y: usize,
    x: usize,
    word: v128,
    p: v128,
    q: v128,
    r: v128,
  ): void {
    const draw = changetype<T>(0);
    const input = draw.reads() > 0 ? v128.load(x) : word;
    const output = draw.reads() > 1 ? v128.load(y) : word;
    v128.store(y, draw.value(word, input, output, p, q, r));
  }

  @inline private static some<T extends Draw>(
    y: usize,
    x: usize,
    word: v128,
    left: i32,
    p: v128,
    q: v128,
    r: v128,
  ): void {
    const draw = changetype<T>(0);
    if (left >= 4) {
      Group.four<T>(y, x, word, p, q, r);
    } else if (left > 0) {
      const input = draw.reads() > 0 ? F32x4.loadTail(x, left) : word;
      const output = draw.reads() > 1 ? F32x4.loadTail(y, left) : word;
      F32x4.storeTail(y, draw.value(word, input, output, p, q, r), left);
    }
  }
}

function fill<T extends Draw>(
  out: usize,
  input: usize,
  n: i32,
  p: v128,
  q: v128,
  r: v128,
  k0: u32,
  k1: u32,
  step: u32,
  thread: i32,
  threads: i32,
): void {
  const end = Slice.end(n, GROUP, thread, threads);
  const m0 = Philox.m0();
  const m1 = Philox.m1();
  const w0 = Philox.w0();
  const w1 = Philox.w1();
  for (let i = Slice.begin(n, GROUP, thread, threads); i < end; i += GROUP) {
    let c0 = i32x4.add(i32x4.splat(i >> 2), i32x4(0, 1, 2, 3));
    let c1 = i32x4.splat(0);
    let c2 = i32x4.splat(step);
    let c3 = i32x4.splat(0);
    let key0 = i32x4.splat(k0);
    let key1 = i32x4.splat(k1);
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
    const at = (<usize>i) << 2;
    Group.put<T>(out + at, input + at, c0, c1, c2, c3, n - i, p, q, r);
  }
}

/** `out[i] = the word of element i`: u32[n]. */
export function randomBits(
  out: usize,
  n: i32,
  k0: u32,
  k1: u32,
  step: u32,
  thread: i32,
  threads: i32,
): void {
  const none = i32x4.splat(0);
  fill<Bits>(out, 0, n, none, none, none, k0, k1, step, thread, threads);
}

/**
 * `out = low + u (high - low)`, u a multiple of 2^-24 in [0, 1): uniform on [low, high). Where rounding would reach
 * `high`, the float below it is taken. `low` when both are equal. `high - low` must be finite.
 */
export function randomUniform(
  out: usize,
  n: i32,
  low: f32,
  high: f32,
  k0: u32,
  k1: u32,
  step: u32,
  thread: i32,
  threads: i32,
): void {
  assert(low <= high, "randomUniform: low must not exceed high");
  const width = <f32>((<f64>high - low) / 16777216.0);
  const last = max<f32>(low, Float.below(high));
  const p = f32x4.splat(low);
  const q = f32x4.splat(width);
  fill<Uniform>(out, 0, n, p, q, f32x4.splat(last), k0, k1, step, thread, threads);
}

/** `out = 1 with probability p, else 0`; p in [0, 1], exact to 2^-33. */
export function randomBernoulli(
  out: usize,
  n: i32,
  p: f32,
  k0: u32,
  k1: u32,
  step: u32,
  thread: i32,
  threads: i32,
): void {
  assert(p >= 0 && p <= 1, "randomBernoulli: p must lie in [0, 1]");
  const bound = Threshold.bound(p);
  const always = Threshold.always(p);
  fill<Bernoulli>(out, 0, n, bound, always, f32x4.splat(1), k0, k1, step, thread, threads);
}

/**
 * `y = keep x / (1 - rate) + beta y`, where `keep = 1 - randomBernoulli(rate)` of the same key and step: no mask is
 * stored, the gradient is the same call with dy for x. When `beta` is 0, y is not read and may be x. A dropped element
 * is 0 even where x is not finite.
 */
export function dropout(
  y: usize,
  x: usize,
  n: i32,
  rate: f32,
  k0: u32,
  k1: u32,
  step: u32,
  beta: i32,
  thread: i32,
  threads: i32,
): void {
  assert(rate >= 0 && rate <= 1, "dropout: rate must lie in [0, 1]");
  const bound = Threshold.bound(rate);
  const always = Threshold.always(rate);
  const scale = f32x4.splat(<f32>(1.0 / (1.0 - <f64>rate)));
  if (beta) fill<DropoutAdd>(y, x, n, bound, always, scale, k0, k1, step, thread, threads);
  else fill<Dropout>(y, x, n, bound, always, scale, k0, k1, step, thread, threads);
}

/** Neighbours of a float. */
export class Float {
  /** The greatest float less than x. */
  @inline static below(x: f32): f32 {
    const bits = reinterpret<i32>(x);
    if (x > 0) return reinterpret<f32>(bits - 1);
    return x == 0 ? reinterpret<f32>(0x80000001) : reinterpret<f32>(bits + 1);
  }

  /** The greatest float that is at most x. */
  @inline static atMost(x: f64): f32 {
    const nearest = <f32>x;
    return <f64>nearest > x ? Float.below(nearest) : nearest;
  }

  /** The least float that is at least x. */
  @inline static atLeast(x: f64): f32 {
    return -Float.atMost(-x);
  }
}

/**
 * `out = a permutation of 0 … n - 1`, i32[n], each of the n! alike: Fisher-Yates from the inside out. Element i swaps
 * with `j = hi(word_i (i + 1))` (Lemire, "Fast random integer generation in an interval", 2019), drawn again, with the
 * attempt in c3, where that would favour some j. Thread 0 does all of it.
 */
export function permutation(
  out: usize,
  n: i32,
  k0: u32,
  k1: u32,
  step: u32,
  thread: i32,
  _threads: i32,
): void {
  if (thread != 0) return;
  // The words lie where the permutation will: word i is read before anything is written at i or beyond.
  randomBits(out, n, k0, k1, step, 0, 1);
  for (let i = 0; i < n; i++) {
    const here = out + ((<usize>i) << 2);
    const there = out + ((<usize>Bounded32.draw(load<u32>(here), i, k0, k1, step)) << 2);
    store<i32>(here, load<i32>(there));
    store<i32>(there, i);
  }
}

class Bounded32 {
  /** Uniform on 0 … i, of the word of element i. */
  @inline static draw(word: u32, i: u32, k0: u32, k1: u32, step: u32): u32 {
    const bound: u32 = i + 1;
    let product = <u64>word * bound;
    if (<u32>product < bound) {
      const biased: u32 = (0 - bound) % bound; // 2^32 mod bound
      for (let attempt: u32 = 1; <u32>product < biased && attempt < ATTEMPTS; attempt++) {
        product = <u64>philoxWord(i & 3, i >> 2, 0, step, attempt, k0, k1) * bound;
      }
    }
    return <u32>(product >> 32);
  }
}
