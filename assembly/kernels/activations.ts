import { F32x4Math, Lanes, map, Table, UnaryOp } from "../math";
import { F32x4 } from "../simd";
import { Slice } from "../thread";

/** The formulas are in docs/kernels.md. */
export enum Activation {
  linear,
  relu,
  leakyRelu,
  relu6,
  elu,
  selu,
  gelu,
  geluTanh,
  silu,
  mish,
  softplus,
  softsign,
  tanh,
  sigmoid,
  hardSigmoid,
  hardTanh,
  hardSwish,
  sin,
}

/** `y = f(x)`; y may be x. `alpha` is the slope of leakyRelu below 0, the scale of elu below 0, and else ignored. */
export function activationForward(
  y: usize,
  x: usize,
  n: i32,
  kind: i32,
  alpha: f32,
  thread: i32,
  threads: i32,
): void {
  assert(n >= 0, "activationForward: n must not be negative");
  switch (kind) {
    case Activation.linear:
      map<Linear>(y, x, n, alpha, thread, threads);
      break;
    case Activation.relu:
      map<Relu>(y, x, n, alpha, thread, threads);
      break;
    case Activation.leakyRelu:
      map<LeakyRelu>(y, x, n, alpha, thread, threads);
      break;
    case Activation.relu6:
      map<Relu6>(y, x, n, alpha, thread, threads);
      break;
    case Activation.elu:
      map<Elu>(y, x, n, alpha, thread, threads);
      break;
    case Activation.selu:
      map<Selu>(y, x, n, alpha, thread, threads);
      break;
    case Activation.gelu:
      map<Gelu>(y, x, n, alpha, thread, threads);
      break;
    case Activation.geluTanh:
      map<GeluTanh>(y, x, n, alpha, thread, threads);
      break;
    case Activation.silu:
      map<Silu>(y, x, n, alpha, thread, threads);
      break;
    case Activation.mish:
      map<Mish>(y, x, n, alpha, thread, threads);
      break;
    case Activation.softplus:
      map<Softplus>(y, x, n, alpha, thread, threads);
      break;
    case Activation.softsign:
      map<Softsign>(y, x, n, alpha, thread, threads);
      break;
    case Activation.tanh:
      map<Tanh>(y, x, n, alpha, thread, threads);
      break;
    case Activation.sigmoid:
      map<Sigmoid>(y, x, n, alpha, thread, threads);
      break;
    case Activation.hardSigmoid:
      map<HardSigmoid>(y, x, n, alpha, thread, threads);
      break;
    case Activation.hardTanh:
      map<HardTanh>(y, x, n, alpha, thread, threads);
      break;
    case Activation.hardSwish:
      map<HardSwish>(y, x, n, alpha, thread, threads);
      break;
    case Activation.sin:
      map<Sin>(y, x, n, alpha, thread, threads);
      break;
    default:
      assert(false, "activationForward: unknown kind");
  }
}

/**
 * 1 when `s`, what the backward kernels read, is the forward's output: then x may be overwritten. 0 when it is x, because the
 * derivative is no function of the output (or, for softsign, one that loses the tails).
 */
export function activationReadsOutput(kind: i32): i32 {
  switch (kind) {
    case Activation.gelu:
    case Activation.geluTanh:
    case Activation.silu:
    case Activation.mish:
    case Activation.softplus:
    case Activation.softsign:
    case Activation.hardSwish:
    case Activation.sin:
      return 0;
    default:
      return 1;
  }
}

/**
 * `dx = f'(s) dy + beta dx`, s being what `activationReadsOutput` says. dx may be dy or s when beta is 0. alpha must not be
 * negative, or leakyRelu and elu could not tell its side from the output. linear does not read s.
 */
export function activationBackward(
  dx: usize,
  s: usize,
  dy: usize,
  n: i32,
  kind: i32,
  alpha: f32,
  beta: i32,
  thread: i32,
  threads: i32,
): void {
  assert(
    alpha >= 0 || (kind != Activation.leakyRelu && kind != Activation.elu),
    "activationBackward: alpha must not be negative",
  );
  switch (kind) {
    case Activation.linear:
      backward<Linear>(dx, dy, dy, n, alpha, beta, thread, threads);
      break;
    case Activation.relu:
      backward<Relu>(dx, s, dy, n, alpha, beta, thread, threads);
      break;
    case Activation.leakyRelu:
      backward<LeakyRelu>(dx, s, dy, n, alpha, beta, thread, threads);
      break;
    case Activation.relu6:
      backward<Relu6>(dx, s, dy, n, alpha, beta, thread, threads);
      break;
    case Activation.elu:
      backward<Elu>(dx, s, dy, n, alpha, beta, thread, threads);
      break;
    case Activation.selu:
      backward<Selu>(dx, s, dy, n, alpha, beta, thread, threads);
      break;
    case Activation.gelu:
      backward<Gelu>(dx, s, dy, n, alpha, beta, thread, threads);
      break;
    case Activation.geluTanh:
      backward<GeluTanh>(dx, s, dy, n, alpha, beta, thread, threads);
      break;
    case Activation.silu:
      backward<Silu>(dx, s, dy, n, alpha, beta, thread, threads);
      break;
    case Activation.mish:
      backward<Mish>(dx, s, dy, n, alpha, beta, thread, threads);
      break;
    case Activation.softplus:
      backward<Softplus>(dx, s, dy, n, alpha, beta, thread, threads);
      break;
    case Activation.softsign:
      backward<Softsign>(dx, s, dy, n, alpha, beta, thread, threads);
      break;
    case Activation.tanh:
      backward<Tanh>(dx, s, dy, n, alpha, beta, thread, threads);
      break;
    case Activation.sigmoid:
      backward<Sigmoid>(dx, s, dy, n, alpha, beta, thread, threads);
      break;
    case Activation.hardSigmoid:
      backward<HardSigmoid>(dx, s, dy, n, alpha, beta, thread, threads);
      break;
    case Activation.hardTanh:
      backward<HardTanh>(dx, s, dy, n, alpha, beta, thread, threads);
      break;
    case Activation.hardSwish:
      backward<HardSwish>(dx, s, dy, n, alpha, beta, thread, threads);
      break;
    case Activation.sin:
      backward<Sin>(dx, s, dy, n, alpha, beta, thread, threads);
      break;
    default:
      assert(false, "activationBackward: unknown kind");
  }
}

/** Elements of the blocks of rows that `activationBackwardBias` goes through: three of them fit into L1. */
const BLOCK: i32 = 2048;

/**
 * `dz = f'(s) dy` over row-major [rows, cols] and `db = column sums of dz + beta db`; dz may be dy. Each block of rows is added up
 * while it is in L1: one loop for both would keep the sums of eight columns beside f', which is more than 16 registers hold.
 *
 * Threads share out columns, so no sum depends on them: four rows are added as `(d0 + d1) + (d2 + d3)`, then to the sum so far.
 */
export function activationBackwardBias(
  dz: usize,
  db: usize,
  s: usize,
  dy: usize,
  rows: i32,
  cols: i32,
  kind: i32,
  alpha: f32,
  beta: i32,
  thread: i32,
  threads: i32,
): void {
  const isDone = kind == Activation.linear && dz == dy;
  if (cols < 16) {
    if (thread != 0) return;
    if (!isDone) activationBackward(dz, s, dy, rows * cols, kind, alpha, 0, 0, 1);
    narrowSums(db, dz, rows, cols, beta);
    return;
  }
  const begin = Slice.begin(cols, 16, thread, threads);
  const width = Slice.end(cols, 16, thread, threads) - begin;
  const sums = db + ((<usize>begin) << 2);
  if (!beta) memory.fill(sums, 0, (<usize>width) << 2);
  const stride = (<usize>cols) << 2;
  const block = max<i32>(4, (BLOCK / cols) & ~3);
  for (let row = 0; row < rows; row += block) {
    const count = min<i32>(block, rows - row);
    const at = <usize>row * stride + ((<usize>begin) << 2);
    if (isDone) {
      // dz is there.
    } else if (width == cols) {
      activationBackward(dz + at, s + at, dy + at, count * cols, kind, alpha, 0, 0, 1);
    } else {
      for (let r = 0; r < count; r++) {
        const o = at + <usize>r * stride;
        activationBackward(dz + o, s + o, dy + o, width, kind, alpha, 0, 0, 1);
      }
    }
    addColumns(sums, dz + at, count, width, stride);
  }
}

/** `y = x > 0 ? x : slope x` over row-major [rows, cols], with 1 slope or one a column (`channels`); y may be x. */
export function preluForward(
  y: usize,
  x: usize,
  slope: usize,
  rows: i32,
  cols: i32,
  channels: i32,
  thread: i32,
  threads: i32,
): void {
  assert(channels == 1 || channels == cols, "preluForward: channels must be 1 or cols");
  if (channels == 1) {
    map<LeakyRelu>(y, x, rows * cols, load<f32>(slope), thread, threads);
    return;
  }
  const f = changetype<LeakyRelu>(0);
  const end = Slice.end(rows, 1, thread, threads);
  for (let row = Slice.begin(rows, 1, thread, threads); row < end; row++) {
    const at = (<usize>row * cols) << 2;
    for (let c = 0; c < cols; c += 4) {
      const o = at + ((<usize>c) << 2);
      const count = cols - c;
      const a = Lanes.load(slope + ((<usize>c) << 2), count);
      Lanes.store(y + o, f.forward(Lanes.load(x + o, count), a), count);
    }
  }
}

/**
 * `dx = (x > 0 ? 1 : slope) dy + beta dx` and `dslope = sum of (x > 0 ? 0 : x dy) + slopeBeta dslope`, over the columns of a
 * slope or, when channels is 1, over everything.
 *
 * Threads share out columns, and then dx may be dy. With one slope they share out elements for dx, while thread 0 adds up all
 * of dslope: then dx must not overlap dy or x.
 */
export function preluBackward(
  dx: usize,
  dslope: usize,
  x: usize,
  dy: usize,
  slope: usize,
  rows: i32,
  cols: i32,
  channels: i32,
  beta: i32,
  slopeBeta: i32,
  thread: i32,
  threads: i32,
): void {
  assert(channels == 1 || channels == cols, "preluBackward: channels must be 1 or cols");
  if (channels == 1) {
    const n = rows * cols;
    assert(dx != dy && dx != x, "preluBackward: dx must not be dy or x with one slope");
    if (thread == 0) {
      const before = slopeBeta ? load<f32>(dslope) : 0;
      store<f32>(dslope, before + negativeDot(x, dy, n));
    }
    backward<LeakyRelu>(dx, x, dy, n, load<f32>(slope), beta, thread, threads);
    return;
  }
  const f = changetype<LeakyRelu>(0);
  const begin = Slice.begin(cols, 16, thread, threads);
  const end = Slice.end(cols, 16, thread, threads);
  if (!slopeBeta) memory.fill(dslope + ((<usize>begin) << 2), 0, (<usize>(end - begin)) << 2);
  for (let row = 0; row < rows; row++) {
    const at = (<usize>row * cols) << 2;
    for (let c = begin; c < end; c += 4) {
      const o = at + ((<usize>c) << 2);
      const count = end - c;
      const xs = Lanes.load(x + o, count);
      const d = Lanes.load(dy + o, count);
      let r = f32x4.mul(f.slope(xs, Lanes.load(slope + ((<usize>c) << 2), count)), d);
      if (beta) r = f32x4.add(r, Lanes.load(dx + o, count));
      Lanes.store(dx + o, r, count);
      const sum = dslope + ((<usize>c) << 2);
      Lanes.store(sum, f32x4.add(Lanes.load(sum, count), Negative.product(xs, d)), count);
    }
  }
}

/** `f`, `f'` of what the backward reads; `a` is alpha. A subclass is a compile-time argument: it costs nothing. */
@unmanaged
abstract class ActivationOp extends UnaryOp {
  abstract slope(s: v128, a: v128): v128;
}

function backward<T extends ActivationOp>(
  dx: usize,
  s: usize,
  dy: usize,
  n: i32,
  alpha: f32,
  beta: i32,
  thread: i32,
  threads: i32,
): void {
  const f = changetype<T>(0);
  const a = f32x4.splat(alpha);
  const begin = Slice.begin(n, 16, thread, threads);
  let left = Slice.end(n, 16, thread, threads) - begin;
  dx += (<usize>begin) << 2;
  s += (<usize>begin) << 2;
  dy += (<usize>begin) << 2;
  for (; left >= 8; left -= 8) {
    const d0 = f32x4.mul(f.slope(v128.load(s), a), v128.load(dy));
    const d1 = f32x4.mul(f.slope(v128.load(s, 16), a), v128.load(dy, 16));
    if (beta) {
      v128.store(dx, f32x4.add(d1, v128.load(dx, 16)), 16);
      v128.store(dx, f32x4.add(d0, v128.load(dx)));
    } else {
      v128.store(dx, d1, 16);
      v128.store(dx, d0);
    }
    s += 32;
    dy += 32;
    dx += 32;
  }
  for (; left > 0; left -= 4) {
    let d = f32x4.mul(f.slope(Lanes.load(s, left), a), Lanes.load(dy, left));
    if (beta) d = f32x4.add(d, Lanes.load(dx, left));
    Lanes.store(dx, d, left);
    s += 16;
    dy += 16;
    dx += 16;
  }
}

/** Adds the sums of `width` columns to `db`: rows in fours, those left over one by one. */
function addColumns(db: usize, d: usize, rows: i32, width: i32, stride: usize): void {
  const whole = width & ~3;
  const t2 = stride + stride;
  const t3 = t2 + stride;
  let row = 0;
  for (; row < (rows & ~3); row += 4) {
    const at = d + <usize>row * stride;
    let c = 0;
    for (; c + 8 <= whole; c += 8) {
      const o = at + ((<usize>c) << 2);
      const sum = db + ((<usize>c) << 2);
      const u = Four.rows(o, stride, t2, t3);
      const v = Four.rows(o + 16, stride, t2, t3);
      const x = f32x4.add(v128.load(sum), u);
      const y = f32x4.add(v128.load(sum, 16), v);
      v128.store(sum, y, 16);
      v128.store(sum, x);
    }
    if (c < whole) {
      const sum = db + ((<usize>c) << 2);
      const u = Four.rows(at + ((<usize>c) << 2), stride, t2, t3);
      v128.store(sum, f32x4.add(v128.load(sum), u));
    }
  }
  for (row = 0; row < rows; row++) {
    const at = d + <usize>row * stride;
    for (let c = row < (rows & ~3) ? whole : 0; c < width; c += 4) {
      const count = width - c;
      const sum = db + ((<usize>c) << 2);
      const x = F32x4.loadPart(at + ((<usize>c) << 2), count);
      F32x4.storePart(sum, f32x4.add(F32x4.loadPart(sum, count), x), count);
    }
  }
}

/**
 * The same for fewer than 16 columns, where rows are no whole vectors: four rows are, `cols` of them. Each is added up over all
 * groups of four rows, then its lanes go to their columns.
 */
function narrowSums(db: usize, d: usize, rows: i32, cols: i32, beta: i32): void {
  if (!beta) memory.fill(db, 0, (<usize>cols) << 2);
  const stride = (<usize>cols) << 4;
  const end = d + stride * (rows >> 2);
  for (let j = 0; j < cols; j++) {
    let sum = f32x4.splat(0);
    for (let p = d + ((<usize>j) << 4); p < end; p += stride) sum = f32x4.add(sum, v128.load(p));
    const e = j << 2;
    Four.addTo(db, e % cols, f32x4.extract_lane(sum, 0));
    Four.addTo(db, (e + 1) % cols, f32x4.extract_lane(sum, 1));
    Four.addTo(db, (e + 2) % cols, f32x4.extract_lane(sum, 2));
    Four.addTo(db, (e + 3) % cols, f32x4.extract_lane(sum, 3));
  }
  const left = (rows & 3) * cols;
  for (let i = 0; i < left; i++) Four.addTo(db, i % cols, load<f32>(end + ((<usize>i) << 2)));
}

/** Sum of x dy over x <= 0: blocks in f32, their sums in f64. */
function negativeDot(x: usize, dy: usize, n: i32): f32 {
  let total: f64 = 0;
  for (let i = 0; i < n; i += 1024) {
    let sum = f32x4.splat(0);
    for (let left = min(1024, n - i); left > 0; left -= 4) {
      sum = f32x4.add(sum, Negative.product(Lanes.load(x, left), Lanes.load(dy, left)));
      x += 16;
      dy += 16;
    }
    total += F32x4.sum(sum);
  }
  return <f32>total;
}

class Four {
  /** `(d0 + d1) + (d2 + d3)` */
  @inline static rows(o: usize, t1: usize, t2: usize, t3: usize): v128 {
    const upper = f32x4.add(v128.load(o), v128.load(o + t1));
    return f32x4.add(upper, f32x4.add(v128.load(o + t2), v128.load(o + t3)));
  }

  @inline static addTo(base: usize, i: i32, x: f32): void {
    const p = base + ((<usize>i) << 2);
    store<f32>(p, load<f32>(p) + x);
  }
}

class Negative {
  /** `x > 0 ? 0 : x d` */
  @inline static product(x: v128, d: v128): v128 {
    return v128.andnot(f32x4.mul(x, d), f32x4.gt(x, f32x4.splat(0)));
  }
}

// Comparisons lose a NaN: `pmax(x, c)` is `x < c ? c : x` and keeps it, `pmin(x, c)` too; masks are mended by `orNaN`. Clamps at
// +-100 and the like are where the function has long been constant in f32: they spare infinities a product with 0.

class Of {
  @inline static constant(k: C): v128 {
    return Table.at(CONSTANTS, k);
  }

  @inline static clamp(x: v128, low: C, high: C): v128 {
    return f32x4.pmin(f32x4.pmax(x, Of.constant(low)), Of.constant(high));
  }

  /** y, or NaN where s is. */
  @inline static orNaN(y: v128, s: v128): v128 {
    return v128.or(y, f32x4.ne(s, s));
  }

  /** `low < s < high ? slope : 0` */
  @inline static within(s: v128, low: v128, high: v128, slope: v128): v128 {
    const isInside = v128.and(f32x4.gt(s, low), f32x4.lt(s, high));
    return Of.orNaN(v128.and(slope, isInside), s);
  }

  /** `relu6(x + 3)` */
  @inline static ramp(x: v128): v128 {
    const shifted = f32x4.pmax(f32x4.add(x, Of.constant(C.three)), f32x4.splat(0));
    return f32x4.pmin(shifted, Of.constant(C.six));
  }
}

enum C {
  one,
  two,
  three,
  four,
  six,
  sixth,
  third,
  half,
  minusThree,
  minusOne,
  seluScale,
  seluScaleAlpha,
  normalLimit,
  density0,
  geluTanh1,
  geluTanh3,
  geluTanh9,
  minusLimit,
  limit,
  mishLimit,
  minusGreatest,
  greatest,
}

const CONSTANTS = memory.data<f32>([
  1.0,
  2.0,
  3.0,
  4.0,
  6.0,
  0.166666667,
  0.333333333,
  0.5,
  -3.0,
  -1.0,
  1.0507009873554805, // lambda of Klambauer et al. 2017
  1.7580993408473766, // lambda alpha
  14.0, // beyond it the normal density is 0
  0.39894228, // 1 / sqrt(2 pi)
  1.5957691216, // 2 sqrt(2 / pi)
  0.0713548163, // 0.044715 of that
  0.2140644488, // 3 of that
  -100.0,
  100.0,
  20.0, // tanh(softplus x) is 1 above 9
  -3.40282347e38,
  3.40282347e38,
]);

@final
@unmanaged
export class Linear extends ActivationOp {
  @inline forward(x: v128, _a: v128): v128 {
    return x;
  }

  @inline slope(_s: v128, _a: v128): v128 {
    return Of.constant(C.one);
  }
}

@final
@unmanaged
export class Relu extends ActivationOp {
  @inline forward(x: v128, _a: v128): v128 {
    return f32x4.pmax(x, f32x4.splat(0));
  }

  @inline slope(s: v128, _a: v128): v128 {
    return Of.orNaN(v128.and(Of.constant(C.one), f32x4.gt(s, f32x4.splat(0))), s);
  }
}

@final
@unmanaged
export class LeakyRelu extends ActivationOp {
  @inline forward(x: v128, a: v128): v128 {
    return v128.bitselect(f32x4.mul(x, a), x, f32x4.lt(x, f32x4.splat(0)));
  }

  @inline slope(s: v128, a: v128): v128 {
    const isPositive = f32x4.gt(s, f32x4.splat(0));
    return Of.orNaN(v128.bitselect(Of.constant(C.one), a, isPositive), s);
  }
}

@final
@unmanaged
export class Relu6 extends ActivationOp {
  @inline forward(x: v128, _a: v128): v128 {
    return f32x4.pmin(f32x4.pmax(x, f32x4.splat(0)), Of.constant(C.six));
  }

  @inline slope(s: v128, _a: v128): v128 {
    return Of.within(s, f32x4.splat(0), Of.constant(C.six), Of.constant(C.one));
  }
}

@final
@unmanaged
export class Elu extends ActivationOp {
  @inline forward(x: v128, a: v128): v128 {
    const negative = f32x4.mul(a, F32x4Math.expm1OfNegative(x));
    return v128.bitselect(negative, x, f32x4.lt(x, f32x4.splat(0)));
  }

  // y = a (e^x - 1) below 0, so a e^x = y + a.
  @inline slope(s: v128, a: v128): v128 {
    const isPositive = f32x4.gt(s, f32x4.splat(0));
    return v128.bitselect(Of.constant(C.one), f32x4.add(s, a), isPositive);
  }
}

@final
@unmanaged
export class Selu extends ActivationOp {
  @inline forward(x: v128, _a: v128): v128 {
    const negative = f32x4.mul(Of.constant(C.seluScaleAlpha), F32x4Math.expm1OfNegative(x));
    const positive = f32x4.mul(Of.constant(C.seluScale), x);
    return v128.bitselect(negative, positive, f32x4.lt(x, f32x4.splat(0)));
  }

  @inline slope(s: v128, _a: v128): v128 {
    const isPositive = f32x4.gt(s, f32x4.splat(0));
    const negative = f32x4.add(s, Of.constant(C.seluScaleAlpha));
    return v128.bitselect(Of.constant(C.seluScale), negative, isPositive);
  }
}

/** With a = |x|, `x Phi(x) = max(x, 0) - a Phi(-a)`: no cancellation in the left tail, and little on the right. */
@final
@unmanaged
class Gelu extends ActivationOp {
  @inline forward(x: v128, _a: v128): v128 {
    const a = f32x4.pmin(f32x4.abs(x), Of.constant(C.normalLimit));
    const e = f32x4.mul(f32x4.mul(a, F32x4Math.gaussian(a)), F32x4Math.millsNumerator(a));
    const tail = f32x4.div(e, F32x4Math.millsDenominator(a));
    return f32x4.sub(f32x4.pmax(x, f32x4.splat(0)), tail);
  }

  // f' = Phi(x) + x phi(x), and f'(x) = 1 - f'(-x).
  @inline slope(s: v128, _a: v128): v128 {
    const a = f32x4.pmin(f32x4.abs(s), Of.constant(C.normalLimit));
    const p = f32x4.div(F32x4Math.millsNumerator(a), F32x4Math.millsDenominator(a));
    const q = F32x4.nmadd(a, Of.constant(C.density0), p);
    const left = f32x4.mul(F32x4Math.gaussian(a), q);
    const right = f32x4.sub(Of.constant(C.one), left);
    return v128.bitselect(left, right, f32x4.lt(s, f32x4.splat(0)));
  }
}

/** `(1 + tanh u) / 2` is `sigmoid(2 u)`. */
@final
@unmanaged
class GeluTanh extends ActivationOp {
  @inline forward(x: v128, _a: v128): v128 {
    const z = f32x4.pmax(x, f32x4.neg(Of.constant(C.normalLimit)));
    const cubic = F32x4.madd(f32x4.mul(z, z), Of.constant(C.geluTanh3), Of.constant(C.geluTanh1));
    return f32x4.mul(z, F32x4Math.sigmoid(f32x4.mul(z, cubic)));
  }

  @inline slope(s: v128, _a: v128): v128 {
    const limit = Of.constant(C.normalLimit);
    const x = f32x4.pmin(f32x4.pmax(s, f32x4.neg(limit)), limit);
    const z = f32x4.mul(x, x);
    const cubic = F32x4.madd(z, Of.constant(C.geluTanh3), Of.constant(C.geluTanh1));
    const rate = F32x4.madd(z, Of.constant(C.geluTanh9), Of.constant(C.geluTanh1));
    return Swish.slope(f32x4.mul(x, cubic), f32x4.mul(x, rate));
  }
}

class Swish {
  /**
   * `p + v p (1 - p)` with p = sigmoid(t): the derivative of x sigmoid(t) when v is x dt/dx. With e = exp(-|t|) and
   * r = 1 / (1 + e), `p (1 - p) = e r^2`; from a rounded 1 - p it would lose v 2^-24.
   */
  @inline static slope(t: v128, v: v128): v128 {
    const one = Of.constant(C.one);
    const e = F32x4Math.expOfBounded(f32x4.neg(f32x4.abs(t)));
    const r = f32x4.div(one, f32x4.add(one, e));
    const er = f32x4.mul(e, r);
    const p = v128.bitselect(er, r, f32x4.lt(t, f32x4.splat(0)));
    return F32x4.madd(f32x4.mul(er, r), v, p);
  }
}

@final
@unmanaged
class Silu extends ActivationOp {
  @inline forward(x: v128, _a: v128): v128 {
    const z = f32x4.pmax(x, Of.constant(C.minusLimit));
    return f32x4.div(z, f32x4.add(Of.constant(C.one), F32x4Math.exp(f32x4.neg(z))));
  }

  @inline slope(s: v128, _a: v128): v128 {
    const x = Of.clamp(s, C.minusLimit, C.limit);
    return Swish.slope(x, x);
  }
}

/** With w = e^x and n = w (w + 2), `tanh(softplus x) = n / (n + 2)`: nothing cancels. */
@final
@unmanaged
class Mish extends ActivationOp {
  @inline forward(x: v128, _a: v128): v128 {
    const z = f32x4.pmax(x, Of.constant(C.minusLimit));
    const w = F32x4Math.expOfBounded(f32x4.pmin(z, Of.constant(C.mishLimit)));
    const n = f32x4.mul(w, f32x4.add(w, Of.constant(C.two)));
    return f32x4.mul(z, f32x4.div(n, f32x4.add(n, Of.constant(C.two))));
  }

  // f' = n / (n + 2) + 4 x w (1 + w) / (n + 2)^2
  @inline slope(s: v128, _a: v128): v128 {
    const x = Of.clamp(s, C.minusLimit, C.mishLimit);
    const w = F32x4Math.expOfBounded(x);
    const n = f32x4.mul(w, f32x4.add(w, Of.constant(C.two)));
    const inverse = f32x4.div(Of.constant(C.one), f32x4.add(n, Of.constant(C.two)));
    const rate = f32x4.mul(f32x4.mul(f32x4.mul(Of.constant(C.four), x), w), inverse);
    return f32x4.mul(F32x4.madd(rate, f32x4.add(w, Of.constant(C.one)), n), inverse);
  }
}

/** `max(x, 0) + log(1 + e^-|x|)` */
@final
@unmanaged
class Softplus extends ActivationOp {
  @inline forward(x: v128, _a: v128): v128 {
    const u = F32x4Math.expOfBounded(f32x4.neg(f32x4.abs(x)));
    return f32x4.add(f32x4.pmax(x, f32x4.splat(0)), F32x4Math.log1pOfUnit(u));
  }

  @inline slope(s: v128, _a: v128): v128 {
    return F32x4Math.sigmoid(s);
  }
}

@final
@unmanaged
class Softsign extends ActivationOp {
  @inline forward(x: v128, _a: v128): v128 {
    const z = Of.clamp(x, C.minusGreatest, C.greatest);
    return f32x4.div(z, f32x4.add(Of.constant(C.one), f32x4.abs(z)));
  }

  // From the output it would be (1 - |y|)^2, which has lost half its digits at x = 4000.
  @inline slope(s: v128, _a: v128): v128 {
    const one = Of.constant(C.one);
    const r = f32x4.div(one, f32x4.add(one, f32x4.abs(s)));
    return f32x4.mul(r, r);
  }
}

@final
@unmanaged
export class Tanh extends ActivationOp {
  @inline forward(x: v128, _a: v128): v128 {
    return F32x4Math.tanh(x);
  }

  @inline slope(s: v128, _a: v128): v128 {
    return F32x4.nmadd(s, s, Of.constant(C.one));
  }
}

@final
@unmanaged
export class Sigmoid extends ActivationOp {
  @inline forward(x: v128, _a: v128): v128 {
    return F32x4Math.sigmoid(x);
  }

  @inline slope(s: v128, _a: v128): v128 {
    return f32x4.mul(s, f32x4.sub(Of.constant(C.one), s));
  }
}

@final
@unmanaged
export class HardSigmoid extends ActivationOp {
  @inline forward(x: v128, _a: v128): v128 {
    return f32x4.mul(Of.ramp(x), Of.constant(C.sixth));
  }

  @inline slope(s: v128, _a: v128): v128 {
    return Of.within(s, f32x4.splat(0), Of.constant(C.one), Of.constant(C.sixth));
  }
}

@final
@unmanaged
export class HardTanh extends ActivationOp {
  @inline forward(x: v128, _a: v128): v128 {
    return Of.clamp(x, C.minusOne, C.one);
  }

  @inline slope(s: v128, _a: v128): v128 {
    const one = Of.constant(C.one);
    return Of.within(s, f32x4.neg(one), one, one);
  }
}

@final
@unmanaged
class HardSwish extends ActivationOp {
  @inline forward(x: v128, _a: v128): v128 {
    const z = f32x4.pmax(x, Of.constant(C.minusThree));
    return f32x4.mul(z, f32x4.mul(Of.ramp(x), Of.constant(C.sixth)));
  }

  // 0 to -3, x / 3 + 1/2 between, 1 from 3.
  @inline slope(s: v128, _a: v128): v128 {
    const three = Of.constant(C.three);
    const inner = F32x4.madd(s, Of.constant(C.third), Of.constant(C.half));
    const upper = v128.bitselect(Of.constant(C.one), inner, f32x4.ge(s, three));
    return v128.andnot(upper, f32x4.le(s, Of.constant(C.minusThree)));
  }
}

@final
@unmanaged
class Sin extends ActivationOp {
  @inline forward(x: v128, _a: v128): v128 {
    return F32x4Math.sin(x);
  }

  @inline slope(s: v128, _a: v128): v128 {
    return F32x4Math.cos(s);
  }
}
