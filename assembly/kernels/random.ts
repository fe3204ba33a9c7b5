import { ATTEMPTS, Lanes, philoxLanes, philoxWord, philoxWords } from "../philox";
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

/** The elements of a group, of what its words became: vectors of four blocks. */
export class Group {
  /** All sixteen. x0 ... x3 are the inputs, y0 ... y3 the outputs so far, where T reads them. */
  @inline static whole<T extends Draw>(
    y: usize,
    c0: v128,
    c1: v128,
    c2: v128,
    c3: v128,
    x0: v128,
    x1: v128,
    x2: v128,
    x3: v128,
    y0: v128,
    y1: v128,
    y2: v128,
    y3: v128,
    p: v128,
    q: v128,
    r: v128,
  ): void {
    const draw = changetype<T>(0);
    const a = Lanes.zipLow(c0, c1);
    const b = Lanes.zipLow(c2, c3);
    const c = Lanes.zipHigh(c0, c1);
    const d = Lanes.zipHigh(c2, c3);
    v128.store(y, draw.value(Lanes.lowHalves(a, b), x0, y0, p, q, r));
    v128.store(y, draw.value(Lanes.highHalves(a, b), x1, y1, p, q, r), 16);
    v128.store(y, draw.value(Lanes.lowHalves(c, d), x2, y2, p, q, r), 32);
    v128.store(y, draw.value(Lanes.highHalves(c, d), x3, y3, p, q, r), 48);
  }

  /** The first `left`. */
  @inline static part<T extends Draw>(
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
    Group.some<T>(y, x, Lanes.lowHalves(a, b), left, p, q, r);
    Group.some<T>(y + 16, x + 16, Lanes.highHalves(a, b), left - 4, p, q, r);
    Group.some<T>(y + 32, x + 32, Lanes.lowHalves(c, d), left - 8, p, q, r);
    Group.some<T>(y + 48, x + 48, Lanes.highHalves(c, d), left - 12, p, q, r);
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
    if (left <= 0) return;
    const input = draw.reads() > 0 ? F32x4.loadPart(x, left) : word;
    const output = draw.reads() > 1 ? F32x4.loadPart(y, left) : word;
    F32x4.storePart(y, draw.value(word, input, output, p, q, r), left);
  }

  /** `out = the words of its elements` becomes `out = T of them`, for `groups` groups. */
  @inline static finish<T extends Draw>(out: usize, groups: i32, p: v128, q: v128, r: v128): void {
    const none = i32x4.splat(0);
    for (; groups > 0; groups--) {
      const c0 = v128.load(out);
      const c2 = v128.load(out, 16);
      const c1 = v128.load(out, 32);
      const c3 = v128.load(out, 48);
      Group.whole<T>(out, c0, c1, c2, c3, none, none, none, none, none, none, none, none, p, q, r);
      out += 64;
    }
  }

  /** Two groups whose words take the place of what T reads: that comes first. */
  @inline static replace<T extends Draw>(
    y: usize,
    x: usize,
    block: i32,
    step: u32,
    k0: u32,
    k1: u32,
    p: v128,
    q: v128,
    r: v128,
  ): void {
    const adds = changetype<T>(0).reads() > 1;
    const x0 = v128.load(x);
    const x1 = v128.load(x, 16);
    const x2 = v128.load(x, 32);
    const x3 = v128.load(x, 48);
    const x4 = v128.load(x, 64);
    const x5 = v128.load(x, 80);
    const x6 = v128.load(x, 96);
    const x7 = v128.load(x, 112);
    const y0 = adds ? v128.load(y) : x0;
    const y1 = adds ? v128.load(y, 16) : x0;
    const y2 = adds ? v128.load(y, 32) : x0;
    const y3 = adds ? v128.load(y, 48) : x0;
    const y4 = adds ? v128.load(y, 64) : x0;
    const y5 = adds ? v128.load(y, 80) : x0;
    const y6 = adds ? v128.load(y, 96) : x0;
    const y7 = adds ? v128.load(y, 112) : x0;
    philoxWords(y, 2, block, step, 0, k0, k1);
    const c0 = v128.load(y);
    const c2 = v128.load(y, 16);
    const c1 = v128.load(y, 32);
    const c3 = v128.load(y, 48);
    const d0 = v128.load(y, 64);
    const d2 = v128.load(y, 80);
    const d1 = v128.load(y, 96);
    const d3 = v128.load(y, 112);
    Group.whole<T>(y, c0, c1, c2, c3, x0, x1, x2, x3, y0, y1, y2, y3, p, q, r);
    Group.whole<T>(y + 64, d0, d1, d2, d3, x4, x5, x6, x7, y4, y5, y6, y7, p, q, r);
  }
}

/** Elements whose words are drawn before they are used: in L1 still. */
export const CHUNK = 1024;

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
  const whole = end & ~(GROUP - 1);
  let i = Slice.begin(n, GROUP, thread, threads);
  if (changetype<T>(0).reads() == 0) {
    while (i < whole) {
      const at = out + ((<usize>i) << 2);
      const groups = min<i32>(CHUNK, whole - i) / GROUP;
      philoxWords(at, groups, i >> 2, step, 0, k0, k1);
      Group.finish<T>(at, groups, p, q, r);
      i += groups * GROUP;
    }
  } else {
    for (; i + 2 * GROUP <= whole; i += 2 * GROUP) {
      const at = (<usize>i) << 2;
      Group.replace<T>(out + at, input + at, i >> 2, step, k0, k1, p, q, r);
    }
  }
  // What is left: less than a group, or than two where T reads.
  for (; i < end; i += GROUP) {
    const at = (<usize>i) << 2;
    const c0 = philoxLanes(0, i >> 2, step, 0, k0, k1);
    const c1 = philoxLanes(1, i >> 2, step, 0, k0, k1);
    const c2 = philoxLanes(2, i >> 2, step, 0, k0, k1);
    const c3 = philoxLanes(3, i >> 2, step, 0, k0, k1);
    Group.part<T>(out + at, input + at, c0, c1, c2, c3, end - i, p, q, r);
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
