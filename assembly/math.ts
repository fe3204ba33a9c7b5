import { F32x4 } from "./simd";
import { Slice } from "./thread";

/**
 * Elementary functions of four floats. Every step is one IEEE operation (or a multiply-add), so without relaxed SIMD the bits
 * are the same on every engine. A NaN gives a NaN. A result below 2^-126 may be 0: computing with denormals costs 100 cycles a time.
 *
 * Errors are in units in the last place (ULP) of the exact result: the greatest over every 97th float of the domain, with fused
 * multiply-adds or without, whichever is worse.
 */
export class F32x4Math {
  /**
   * `e^x`, 1.01 ULP: `2^n e^r` with `n = round(x / ln 2)`, polynomial on |r| <= ln 2 / 2.
   *
   * Infinity above 88.72283, 0 below -87.33654.
   */
  @inline static exp(x: v128): v128 {
    const t = Exponential.rounded(x);
    const p = Exponential.polynomial(Exponential.remainder(x, t));
    // Adding n to the exponent reaches 2^128 (1 - eps), which no factor 2^n does; it turns a NaN into anything.
    const y = i32x4.add(p, i32x4.shl(t, 23));
    const inRange = f32x4.le(x, Scalar.of(K.expGreatest));
    const bounded = v128.bitselect(y, f32x4.add(x, Scalar.of(K.infinity)), inRange);
    return v128.andnot(bounded, f32x4.lt(x, Scalar.of(K.expLeast)));
  }

  /** `e^x - 1` for x <= 0, 1.01 ULP; other x give anything. -0 gives 0. */
  @inline static expm1OfNegative(x: v128): v128 {
    // pmax(x, c) is `x < c ? c : x`: a NaN stays.
    const z = f32x4.pmax(x, Scalar.of(K.expm1Least));
    const t = Exponential.rounded(z);
    const s = Exponential.power(t);
    const p = Exponential.minusOne(Exponential.remainder(z, t));
    return F32x4.madd(s, p, f32x4.sub(s, Scalar.of(K.one)));
  }

  /** `e^x` without its upper end, 1.01 ULP: 0 below -87.33654, anything above 88. */
  @inline static expOfBounded(x: v128): v128 {
    const t = Exponential.rounded(x);
    const p = Exponential.polynomial(Exponential.remainder(x, t));
    const y = f32x4.mul(p, Exponential.power(t));
    return v128.andnot(y, f32x4.lt(x, Scalar.of(K.expLeast)));
  }

  /** `log x`, 0.85 ULP, see `logOfNormal`; denormal arguments included, -Infinity for 0, NaN for the negative. */
  @inline static log(x: v128): v128 {
    const zero = f32x4.splat(0);
    const isSmall = f32x4.lt(x, Scalar.of(K.leastNormal));
    const scaled = v128.bitselect(f32x4.mul(x, Scalar.of(K.two23)), x, isSmall);
    const shift = v128.and(isSmall, Scalar.of(K.log2to23));
    const y = f32x4.sub(F32x4Math.logOfNormal(scaled), shift);
    const finite = v128.bitselect(y, x, f32x4.lt(x, Scalar.of(K.infinity)));
    const real = v128.or(finite, f32x4.lt(x, zero));
    return v128.bitselect(f32x4.neg(Scalar.of(K.infinity)), real, f32x4.eq(x, zero));
  }

  /**
   * `log x` for 2^-126 <= x < Infinity, 0.85 ULP; other x give anything.
   *
   * `n ln 2 + log(1 + f)` with `1 + f` in [sqrt(1/2), sqrt(2)), polynomial in f.
   */
  @inline static logOfNormal(x: v128): v128 {
    const exponent = i32x4.shr_s(i32x4.sub(x, Scalar.of(K.sqrtHalf)), 23);
    const n = f32x4.convert_i32x4_s(exponent);
    const f = f32x4.sub(i32x4.sub(x, i32x4.shl(exponent, 23)), Scalar.of(K.one));
    const z = f32x4.mul(f, f);
    const tail = f32x4.mul(f32x4.mul(z, f), Poly.d7(LOG1P, f));
    const low = F32x4.nmadd(Scalar.of(K.half), z, F32x4.madd(n, Scalar.of(K.ln2Low), tail));
    return F32x4.madd(n, Scalar.of(K.ln2High), f32x4.add(f, low));
  }

  /** `log(1 + u)` for u in [0, 1], 1.91 ULP: `2 atanh(u / (2 + u))`, whose argument is at most 1/3. */
  @inline static log1pOfUnit(u: v128): v128 {
    const s = f32x4.div(u, f32x4.add(u, Scalar.of(K.two)));
    const z = f32x4.mul(s, s);
    return F32x4.madd(f32x4.mul(s, z), Poly.d3(ATANH, z), f32x4.add(s, s));
  }

  /**
   * `tanh x`, 2.49 ULP everywhere: `-e / (2 + e)` with `e = exp(-2 |x|) - 1`, which loses nothing near 0. Odd, so -0 gives -0.
   */
  @inline static tanh(x: v128): v128 {
    const a = f32x4.abs(x);
    const e = F32x4Math.expm1OfNegative(f32x4.neg(f32x4.add(a, a)));
    const y = f32x4.div(f32x4.abs(e), f32x4.add(e, Scalar.of(K.two)));
    return v128.or(y, v128.and(x, Scalar.of(K.minusZero)));
  }

  /** `1 / (1 + e^-x)`, 2.37 ULP; 0 below -88.72283. */
  @inline static sigmoid(x: v128): v128 {
    const one = Scalar.of(K.one);
    return f32x4.div(one, f32x4.add(one, F32x4Math.exp(f32x4.neg(x))));
  }

  /**
   * `erf x`, 1.17 ULP: odd polynomial to |x| = 0.85, beyond it `1 - exp(-q(|x|))` with q a polynomial. Odd, so -0 gives -0.
   */
  @inline static erf(x: v128): v128 {
    const a = f32x4.pmin(f32x4.abs(x), Scalar.of(K.erfGreatest)); // keeps a NaN
    const q = f32x4.add(a, Poly.d6(ERF_LARGE, a));
    const t = Exponential.rounded(f32x4.neg(q));
    const p = Exponential.polynomial(Exponential.remainder(f32x4.neg(q), t));
    const large = F32x4.nmadd(p, Exponential.power(t), Scalar.of(K.one));
    const small = F32x4.madd(a, Poly.d5(ERF_SMALL, f32x4.mul(a, a)), a);
    const y = v128.bitselect(small, large, f32x4.lt(a, Scalar.of(K.erfJoin)));
    return v128.or(y, v128.and(x, Scalar.of(K.minusZero)));
  }

  /**
   * `e^(-a^2 / 2)` for a in [0, 14], 1.46 ULP; 0 above 13.2158.
   *
   * Rounding a^2 would cost 80 ULP at the end: with h the leading 12 bits of a, h^2 is exact and `a^2 = h^2 + (a - h)(a + h)`.
   */
  @inline static gaussian(a: v128): v128 {
    const minusHalf = Scalar.of(K.minusHalf);
    const h = i32x4.shl(i32x4.shr_u(a, 12), 12);
    const high = f32x4.mul(f32x4.mul(h, h), minusHalf);
    const low = f32x4.mul(f32x4.mul(f32x4.sub(a, h), f32x4.add(a, h)), minusHalf);
    const t = Exponential.rounded(high);
    const r = f32x4.add(Exponential.remainder(high, t), low);
    const y = f32x4.mul(Exponential.polynomial(r), Exponential.power(t));
    return v128.andnot(y, f32x4.lt(f32x4.add(high, low), Scalar.of(K.expLeast)));
  }

  /** `P(a)` and `Q(a)` with `Phi(-a) = e^(-a^2 / 2) P / Q` (Phi: the normal distribution) for a in [0, 14]; both positive. */
  @inline static millsNumerator(a: v128): v128 {
    return Poly.d4(MILLS_P, a);
  }

  @inline static millsDenominator(a: v128): v128 {
    return Poly.d5(MILLS_Q, a);
  }

  /**
   * `sin x`, 2.34 ULP for |x| <= 8192, next to its zeros too. Beyond, the error grows to nonsense, within [-1, 1]; NaN for
   * infinities. Odd, so -0 gives -0.
   */
  @inline static sin(x: v128): v128 {
    const a = f32x4.abs(x);
    const t = Circular.rounded(a);
    const y = Circular.quadrant(Circular.remainder(a, t), t);
    return v128.xor(y, v128.and(x, Scalar.of(K.minusZero)));
  }

  /** `cos x`, as good as `sin`. */
  @inline static cos(x: v128): v128 {
    const a = f32x4.abs(x);
    const t = Circular.rounded(a);
    return Circular.quadrant(Circular.remainder(a, t), i32x4.add(t, Scalar.of(K.bitOne)));
  }
}

/** `x = n ln 2 + r`, |r| <= ln 2 / 2. */
class Exponential {
  /** `1.5 2^23 + n`: the low bits are n. */
  @inline static rounded(x: v128): v128 {
    return F32x4.madd(x, Scalar.of(K.log2e), Scalar.of(K.round));
  }

  /** r; n times the leading 15 bits of ln 2 is exact. */
  @inline static remainder(x: v128, t: v128): v128 {
    const n = f32x4.sub(t, Scalar.of(K.round));
    return F32x4.nmadd(n, Scalar.of(K.ln2Low), F32x4.nmadd(n, Scalar.of(K.ln2High), x));
  }

  /** `e^r` */
  @inline static polynomial(r: v128): v128 {
    return f32x4.add(Exponential.minusOne(r), Scalar.of(K.one));
  }

  /** `e^r - 1` */
  @inline static minusOne(r: v128): v128 {
    return F32x4.madd(f32x4.mul(r, r), Poly.d4(EXPM1, r), r);
  }

  /** `2^n`, -126 <= n <= 127. */
  @inline static power(t: v128): v128 {
    return i32x4.add(i32x4.shl(t, 23), Scalar.of(K.one));
  }
}

/** `x = n pi / 2 + r`, |r| <= pi / 4, for x >= 0 (Cody and Waite 1980). */
class Circular {
  @inline static rounded(x: v128): v128 {
    return F32x4.madd(x, Scalar.of(K.twoOverPi), Scalar.of(K.round));
  }

  /** r; to x = 8192, n times each of the three leading parts of pi / 2 is exact, and so are the first two differences. */
  @inline static remainder(x: v128, t: v128): v128 {
    const n = f32x4.sub(t, Scalar.of(K.round));
    let r = F32x4.nmadd(n, Scalar.of(K.halfPi0), x);
    r = F32x4.nmadd(n, Scalar.of(K.halfPi1), r);
    r = F32x4.nmadd(n, Scalar.of(K.halfPi2), r);
    r = F32x4.nmadd(n, Scalar.of(K.halfPi3), r);
    // Far out r is noise, but the result stays within [-1, 1].
    const one = Scalar.of(K.one);
    return f32x4.pmax(f32x4.pmin(r, one), f32x4.neg(one));
  }

  /** `sin(r + n pi / 2)`: sin r, cos r, -sin r, -cos r for n = 0, 1, 2, 3 modulo 4. */
  @inline static quadrant(r: v128, n: v128): v128 {
    const z = f32x4.mul(r, r);
    const sin = F32x4.madd(f32x4.mul(r, z), Poly.d2(SIN, z), r);
    const low = F32x4.nmadd(Scalar.of(K.half), z, Scalar.of(K.one));
    const cos = F32x4.madd(f32x4.mul(z, z), Poly.d2(COS, z), low);
    const isOdd = i32x4.shr_s(i32x4.shl(n, 31), 31);
    const sign = v128.and(i32x4.shl(n, 30), Scalar.of(K.minusZero));
    return v128.xor(v128.bitselect(cos, sin, isOdd), sign);
  }
}

/** Horner's rule over a table; the digit is the degree. */
class Poly {
  @inline static d2(c: usize, z: v128): v128 {
    const p = F32x4.madd(Table.at(c, 0), z, Table.at(c, 1));
    return F32x4.madd(p, z, Table.at(c, 2));
  }

  @inline static d3(c: usize, z: v128): v128 {
    return F32x4.madd(Poly.d2(c, z), z, Table.at(c, 3));
  }

  @inline static d4(c: usize, z: v128): v128 {
    return F32x4.madd(Poly.d3(c, z), z, Table.at(c, 4));
  }

  @inline static d5(c: usize, z: v128): v128 {
    return F32x4.madd(Poly.d4(c, z), z, Table.at(c, 5));
  }

  @inline static d6(c: usize, z: v128): v128 {
    return F32x4.madd(Poly.d5(c, z), z, Table.at(c, 6));
  }

  @inline static d7(c: usize, z: v128): v128 {
    return F32x4.madd(Poly.d6(c, z), z, Table.at(c, 7));
  }
}

/**
 * Element `i` of a read-only table of 4-byte numbers, in every lane. V8 rebuilds an immediate vector at each use inside a loop;
 * a load is up to twice as fast.
 */
export class Table {
  @inline static at(table: usize, i: usize): v128 {
    return v128.load32_splat(table + (i << 2));
  }
}

class Scalar {
  @inline static of(k: K): v128 {
    return Table.at(SCALARS, k);
  }
}

enum K {
  minusZero,
  bitOne,
  half,
  minusHalf,
  one,
  two,
  infinity,
  round,
  log2e,
  ln2High,
  ln2Low,
  expLeast,
  expGreatest,
  expm1Least,
  leastNormal,
  two23,
  log2to23,
  sqrtHalf,
  erfJoin,
  erfGreatest,
  twoOverPi,
  halfPi0,
  halfPi1,
  halfPi2,
  halfPi3,
}

const SCALARS = memory.data<f32>([
  -0.0, // the sign bit
  1.40129846e-45, // the integer 1
  0.5,
  -0.5,
  1.0,
  2.0,
  Infinity,
  12582912.0, // 1.5 2^23: the sum with x is rounded to an integer
  1.4426950216293335, // log2 e
  0.693145752, // 15 bits of ln 2
  1.42860677e-6, // the rest
  -87.3365402, // the least x with e^x >= 2^-126
  88.7228317, // the greatest x with e^x < 2^128
  -18.0, // e^x - 1 is -1 below -17.4
  1.17549435e-38, // 2^-126
  8388608.0, // 2^23
  15.9423847, // 23 ln 2
  0.707106769, // the bits 0x3f3504f3
  0.85, // where erf's two forms meet
  4.0, // erf is 1 above 3.92
  0.636619747, // 2 / pi
  1.5703125, // 11 bits of pi / 2
  4.8375129699707031e-4, // 11 more
  7.549533620476723e-8, // 11 more
  2.5633440682570896e-12, // the rest
]);

// Polynomials, highest degree first: minimax in the error of the function (linear programming over a dense grid; as each
// coefficient was rounded to f32, those left were fitted again). The exponents are the error of the rounded polynomial.

/** `(e^r - 1 - r) / r^2` on |r| <= ln 2 / 2: 2^-26.1 relative to `e^r - 1`. */
const EXPM1 = memory.data<f32>([0.0013868314, 0.00836642366, 0.0416674651, 0.16666545, 0.49999997]);

/** `(log(1 + f) - f + f^2 / 2) / f^3` on sqrt(1/2) <= 1 + f <= sqrt(2): 2^-27.4 relative to the logarithm. */
const LOG1P = memory.data<f32>([
  -0.0763636231, 0.127621427, -0.131595984, 0.142015859, -0.166234106, 0.200012416, -0.250008196,
  0.333333313,
]);

/** `(2 atanh s - 2 s) / s^3` in s^2 on 0 <= s <= 1/3: 2^-27.7. */
const ATANH = memory.data<f32>([0.280073315, 0.280029416, 0.400214404, 0.666664183]);

/** `erf(x) / x - 1` in x^2 on |x| <= 0.85: 2^-27.1. */
const ERF_SMALL = memory.data<f32>([
  -0.000634851865, 0.0050577037, -0.0268072877, 0.11282865, -0.376125902, 0.128379166,
]);

/** `-log(1 - erf x) - x` on 0.84 <= x <= 3.95: 2^-28.8 relative to erf. */
const ERF_LARGE = memory.data<f32>([
  -0.000204712793, 0.00312766829, -0.0225567073, 0.104600847, 0.636437356, 0.128107145,
  9.39234888e-5,
]);

/** `Phi(-a) e^(a^2 / 2) = P / Q` on 0 <= a <= 14: 2^-26.9. No coefficient is negative, so nothing cancels. */
const MILLS_P = memory.data<f32>([0.00404746598, 0.0401823521, 0.181916088, 0.436543047, 0.5]);
const MILLS_Q = memory.data<f32>([
  0.0101453606, 0.100729182, 0.465982646, 1.19707036, 1.67097092, 1.0,
]);

/** `(sin r / r - 1) / r^2` and `(cos r - 1 + r^2 / 2) / r^4` in r^2 on |r| <= pi / 4: 2^-27.9 and 2^-33. */
const SIN = memory.data<f32>([-0.000195180954, 0.00833218824, -0.166666552]);
const COS = memory.data<f32>([2.44323273e-5, -0.00138873095, 0.0416666456]);

/** A vector of which only the first `count` lanes are in memory when that is less than 4. */
export class Lanes {
  @inline static load(p: usize, count: i32): v128 {
    return count >= 4 ? v128.load(p) : F32x4.loadTail(p, count);
  }

  @inline static store(p: usize, x: v128, count: i32): void {
    if (count >= 4) v128.store(p, x);
    else F32x4.storeTail(p, x, count);
  }
}

/** `f(x)` of four floats, `a` being the parameter of those that have one. A subclass is a compile-time argument: it costs nothing. */
@unmanaged
export abstract class UnaryOp {
  abstract forward(x: v128, a: v128): v128;
}

/** `y = f(x)` over this thread's share; y may be x. */
export function map<T extends UnaryOp>(
  y: usize,
  x: usize,
  n: i32,
  alpha: f32,
  thread: i32,
  threads: i32,
): void {
  const f = changetype<T>(0);
  const a = f32x4.splat(alpha);
  const begin = Slice.begin(n, 16, thread, threads);
  let left = Slice.end(n, 16, thread, threads) - begin;
  y += (<usize>begin) << 2;
  x += (<usize>begin) << 2;
  for (; left >= 8; left -= 8) {
    const y0 = f.forward(v128.load(x), a);
    const y1 = f.forward(v128.load(x, 16), a);
    v128.store(y, y1, 16);
    v128.store(y, y0);
    x += 32;
    y += 32;
  }
  for (; left > 0; left -= 4) {
    Lanes.store(y, f.forward(Lanes.load(x, left), a), left);
    x += 16;
    y += 16;
  }
}

@final
@unmanaged
class Exp extends UnaryOp {
  @inline forward(x: v128, _a: v128): v128 {
    return F32x4Math.exp(x);
  }
}

@final
@unmanaged
class Log extends UnaryOp {
  @inline forward(x: v128, _a: v128): v128 {
    return F32x4Math.log(x);
  }
}

@final
@unmanaged
class Erf extends UnaryOp {
  @inline forward(x: v128, _a: v128): v128 {
    return F32x4Math.erf(x);
  }
}

@final
@unmanaged
class Sin extends UnaryOp {
  @inline forward(x: v128, _a: v128): v128 {
    return F32x4Math.sin(x);
  }
}

@final
@unmanaged
class Cos extends UnaryOp {
  @inline forward(x: v128, _a: v128): v128 {
    return F32x4Math.cos(x);
  }
}

/** `y = e^x` */
export function exp(y: usize, x: usize, n: i32, thread: i32, threads: i32): void {
  map<Exp>(y, x, n, 0, thread, threads);
}

/** `y = log x` */
export function log(y: usize, x: usize, n: i32, thread: i32, threads: i32): void {
  map<Log>(y, x, n, 0, thread, threads);
}

/** `y = erf x` */
export function erf(y: usize, x: usize, n: i32, thread: i32, threads: i32): void {
  map<Erf>(y, x, n, 0, thread, threads);
}

/** `y = sin x` */
export function sin(y: usize, x: usize, n: i32, thread: i32, threads: i32): void {
  map<Sin>(y, x, n, 0, thread, threads);
}

/** `y = cos x` */
export function cos(y: usize, x: usize, n: i32, thread: i32, threads: i32): void {
  map<Cos>(y, x, n, 0, thread, threads);
}
