import { F32x4, F64x2 } from "../simd";
import { State, Status } from "../state";
import { Slice } from "../thread";

/** A cache line of parameters. */
const GRAIN: i32 = 16;
/** Gradients a partial sum of squares covers. */
const CHUNK: i32 = 4096;

/** How the learning rate goes with the step. */
export enum Schedule {
  constant = 0,
  step = 1,
  cosine = 2,
}

/**
 * One optimiser's arithmetic on four parameters p with their gradient g, which scale and decay are already in. The constants
 * c0 ... c6 are each rule's own. A rule without a moment leaves its method alone: it is not called.
 */
@unmanaged
abstract class Rule {
  /** Constants of the class, so asking costs nothing. */
  abstract hasFirst(): bool;
  abstract hasSecond(): bool;

  /** The first moment after this step. */
  @inline first(m: v128, _g: v128, _c1: v128, _c2: v128): v128 {
    return m;
  }

  /** The second moment after this step. */
  @inline second(v: v128, _g: v128, _c3: v128, _c4: v128): v128 {
    return v;
  }

  /** The parameters after this step, from the moments after it. */
  abstract next(
    p: v128,
    g: v128,
    m: v128,
    v: v128,
    rate: v128,
    c0: v128,
    c1: v128,
    c5: v128,
    c6: v128,
  ): v128;
}

@final
@unmanaged
class Sgd extends Rule {
  @inline hasFirst(): bool {
    return false;
  }

  @inline hasSecond(): bool {
    return false;
  }

  @inline next(
    p: v128,
    g: v128,
    _m: v128,
    _v: v128,
    rate: v128,
    _c0: v128,
    _c1: v128,
    _c5: v128,
    _c6: v128,
  ): v128 {
    return F32x4.nmadd(rate, g, p);
  }
}

/** The velocity is the first moment. */
@unmanaged
abstract class Velocity extends Rule {
  @inline hasFirst(): bool {
    return true;
  }

  @inline hasSecond(): bool {
    return false;
  }

  @inline first(m: v128, g: v128, mu: v128, _c2: v128): v128 {
    return F32x4.madd(mu, m, g);
  }
}

@final
@unmanaged
class Momentum extends Velocity {
  @inline next(
    p: v128,
    _g: v128,
    m: v128,
    _v: v128,
    rate: v128,
    _c0: v128,
    _mu: v128,
    _c5: v128,
    _c6: v128,
  ): v128 {
    return F32x4.nmadd(rate, m, p);
  }
}

@final
@unmanaged
class Nesterov extends Velocity {
  @inline next(
    p: v128,
    g: v128,
    m: v128,
    _v: v128,
    rate: v128,
    _c0: v128,
    mu: v128,
    _c5: v128,
    _c6: v128,
  ): v128 {
    return F32x4.nmadd(rate, F32x4.madd(mu, m, g), p);
  }
}

@final
@unmanaged
class RmsProp extends Rule {
  @inline hasFirst(): bool {
    return false;
  }

  @inline hasSecond(): bool {
    return true;
  }

  @inline second(v: v128, g: v128, rho: v128, gain: v128): v128 {
    return F32x4.madd(rho, v, f32x4.mul(gain, f32x4.mul(g, g)));
  }

  @inline next(
    p: v128,
    g: v128,
    _m: v128,
    v: v128,
    rate: v128,
    _c0: v128,
    _c1: v128,
    _c5: v128,
    epsilon: v128,
  ): v128 {
    return F32x4.nmadd(rate, f32x4.div(g, f32x4.add(f32x4.sqrt(v), epsilon)), p);
  }
}

@final
@unmanaged
class Adam extends Rule {
  @inline hasFirst(): bool {
    return true;
  }

  @inline hasSecond(): bool {
    return true;
  }

  @inline first(m: v128, g: v128, beta1: v128, gain1: v128): v128 {
    return F32x4.madd(beta1, m, f32x4.mul(gain1, g));
  }

  @inline second(v: v128, g: v128, beta2: v128, gain2: v128): v128 {
    return F32x4.madd(beta2, v, f32x4.mul(gain2, f32x4.mul(g, g)));
  }

  @inline next(
    p: v128,
    _g: v128,
    m: v128,
    v: v128,
    rate: v128,
    shrink: v128,
    _c1: v128,
    root: v128,
    epsilon: v128,
  ): v128 {
    const step = f32x4.div(m, F32x4.madd(f32x4.sqrt(v), root, epsilon));
    return F32x4.nmadd(rate, step, f32x4.mul(p, shrink));
  }
}

/**
 * `g' = gradientScale g + weightDecay p`, `p -= learningRate g'`.
 *
 * Here as in the other optimisers: the rate and the scale are read from the state at the start; p, g and the moments do not overlap;
 * a parameter that is not finite after its update sets the status to `updateNotFinite`.
 */
export function sgd(
  p: usize,
  g: usize,
  n: i32,
  weightDecay: f32,
  state: usize,
  thread: i32,
  threads: i32,
): void {
  update<Sgd>(
    p,
    g,
    p,
    p,
    n,
    load<f32>(state, State.learningRate),
    weightDecay,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    state,
    thread,
    threads,
  );
}

/**
 * `m = mu m + g'`, `p -= learningRate (nesterov ? g' + mu m : m)`: PyTorch's SGD without dampening. m starts at 0.
 */
export function momentum(
  p: usize,
  g: usize,
  m: usize,
  n: i32,
  mu: f32,
  nesterov: i32,
  weightDecay: f32,
  state: usize,
  thread: i32,
  threads: i32,
): void {
  const rate = load<f32>(state, State.learningRate);
  if (nesterov) {
    update<Nesterov>(
      p,
      g,
      m,
      m,
      n,
      rate,
      weightDecay,
      0,
      mu,
      0,
      0,
      0,
      0,
      0,
      state,
      thread,
      threads,
    );
  } else {
    update<Momentum>(
      p,
      g,
      m,
      m,
      n,
      rate,
      weightDecay,
      0,
      mu,
      0,
      0,
      0,
      0,
      0,
      state,
      thread,
      threads,
    );
  }
}

/** `v = rho v + (1 - rho) g'^2`, `p -= learningRate g' / (sqrt(v) + epsilon)`. v starts at 0. */
export function rmsprop(
  p: usize,
  g: usize,
  v: usize,
  n: i32,
  rho: f32,
  epsilon: f32,
  weightDecay: f32,
  state: usize,
  thread: i32,
  threads: i32,
): void {
  update<RmsProp>(
    p,
    g,
    v,
    v,
    n,
    load<f32>(state, State.learningRate),
    weightDecay,
    0,
    0,
    0,
    rho,
    <f32>(1 - <f64>rho),
    0,
    epsilon,
    state,
    thread,
    threads,
  );
}

/**
 * `m = beta1 m + (1 - beta1) g'`, `v = beta2 v + (1 - beta2) g'^2`,
 * `p -= learningRate m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + epsilon)` with t = step + 1. m and v start at 0.
 *
 * Coupled (Adam), weight decay is in g'. Decoupled (AdamW, https://arxiv.org/abs/1711.05101), g' is without it and
 * `p *= 1 - learningRate weightDecay` comes first. The betas are f32: `1 - beta` and the corrections follow from the rounded value in
 * f64, so they agree with each other (0.999 becomes 0.99900001).
 */
export function adam(
  p: usize,
  g: usize,
  m: usize,
  v: usize,
  n: i32,
  beta1: f32,
  beta2: f32,
  epsilon: f32,
  weightDecay: f32,
  decoupled: i32,
  state: usize,
  thread: i32,
  threads: i32,
): void {
  const t = load<i32>(state, State.step) + 1;
  const rate = <f64>load<f32>(state, State.learningRate);
  update<Adam>(
    p,
    g,
    m,
    v,
    n,
    <f32>(rate / (1 - power(beta1, t))),
    decoupled ? 0 : weightDecay,
    decoupled ? <f32>(1 - rate * <f64>weightDecay) : 1,
    beta1,
    <f32>(1 - <f64>beta1),
    beta2,
    <f32>(1 - <f64>beta2),
    <f32>(1 / sqrt<f64>(1 - power(beta2, t))),
    epsilon,
    state,
    thread,
    threads,
  );
}

/**
 * One rule over a slice: two vectors an iteration, every load before the first store and the higher address of a pair stored
 * first, so that V8's revectoriser can make one of two. The constants come as numbers for its sake: it packs a splat, but not a
 * vector that is a parameter.
 */
function update<R extends Rule>(
  p: usize,
  g: usize,
  m: usize,
  v: usize,
  n: i32,
  learningRate: f32,
  weightDecay: f32,
  a0: f32,
  a1: f32,
  a2: f32,
  a3: f32,
  a4: f32,
  a5: f32,
  a6: f32,
  state: usize,
  thread: i32,
  threads: i32,
): void {
  const rule = changetype<R>(0);
  const rate = f32x4.splat(learningRate);
  const clip = v128.load32_splat(state, State.gradientScale);
  const decay = f32x4.splat(weightDecay);
  const c0 = f32x4.splat(a0);
  const c1 = f32x4.splat(a1);
  const c2 = f32x4.splat(a2);
  const c3 = f32x4.splat(a3);
  const c4 = f32x4.splat(a4);
  const c5 = f32x4.splat(a5);
  const c6 = f32x4.splat(a6);
  const begin = Slice.begin(n, GRAIN, thread, threads);
  let left = Slice.end(n, GRAIN, thread, threads) - begin;
  // Sums of p - p, which is 0, or NaN where a new parameter is not finite.
  let bad0 = f32x4.splat(0);
  let bad1 = bad0;
  p += (<usize>begin) << 2;
  g += (<usize>begin) << 2;
  m += (<usize>begin) << 2;
  v += (<usize>begin) << 2;
  for (; left >= 8; left -= 8) {
    const p0 = v128.load(p);
    const p1 = v128.load(p, 16);
    const g0 = F32x4.madd(decay, p0, f32x4.mul(clip, v128.load(g)));
    const g1 = F32x4.madd(decay, p1, f32x4.mul(clip, v128.load(g, 16)));
    const m0 = rule.hasFirst() ? rule.first(v128.load(m), g0, c1, c2) : g0;
    const m1 = rule.hasFirst() ? rule.first(v128.load(m, 16), g1, c1, c2) : g1;
    const v0 = rule.hasSecond() ? rule.second(v128.load(v), g0, c3, c4) : g0;
    const v1 = rule.hasSecond() ? rule.second(v128.load(v, 16), g1, c3, c4) : g1;
    const q0 = rule.next(p0, g0, m0, v0, rate, c0, c1, c5, c6);
    const q1 = rule.next(p1, g1, m1, v1, rate, c0, c1, c5, c6);
    if (rule.hasFirst()) {
      v128.store(m, m1, 16);
      v128.store(m, m0);
    }
    if (rule.hasSecond()) {
      v128.store(v, v1, 16);
      v128.store(v, v0);
    }
    v128.store(p, q1, 16);
    v128.store(p, q0);
    bad0 = f32x4.add(bad0, f32x4.sub(q0, q0));
    bad1 = f32x4.add(bad1, f32x4.sub(q1, q1));
    p += 32;
    g += 32;
    m += 32;
    v += 32;
  }
  let bad = f32x4.add(bad0, bad1);
  for (; left > 0; left -= 4) {
    const p0 = F32x4.loadPart(p, left);
    const g0 = F32x4.madd(decay, p0, f32x4.mul(clip, F32x4.loadPart(g, left)));
    const m0 = rule.hasFirst() ? rule.first(F32x4.loadPart(m, left), g0, c1, c2) : g0;
    const v0 = rule.hasSecond() ? rule.second(F32x4.loadPart(v, left), g0, c3, c4) : g0;
    const q0 = rule.next(p0, g0, m0, v0, rate, c0, c1, c5, c6);
    if (rule.hasFirst()) F32x4.storePart(m, m0, left);
    if (rule.hasSecond()) F32x4.storePart(v, v0, left);
    F32x4.storePart(p, q0, left);
    // Beyond the end a moment of 0 and an epsilon of 0 make 0 / 0.
    bad = f32x4.add(bad, v128.and(f32x4.sub(q0, q0), F32x4.mask(left)));
    p += 16;
    g += 16;
    m += 16;
    v += 16;
  }
  // Threads that find something store the same value.
  if (v128.any_true(f32x4.ne(bad, bad))) store<i32>(state, Status.updateNotFinite, State.status);
}

/** `x^n` for n >= 0 by squaring: the same bits on every engine. */
function power(x: f64, n: i32): f64 {
  let y: f64 = 1;
  for (; n > 0; n >>= 1) {
    if (n & 1) y *= x;
    x *= x;
  }
  return y;
}

/**
 * `partials[k]` (f64) = the sum of `g^2` over gradients 4096 k up to 4096 (k + 1), products exact: as many partials as `n / 4096` rounded
 * up. Sliced by partial.
 */
export function sumSquares(partials: usize, g: usize, n: i32, thread: i32, threads: i32): void {
  const count = sumSquaresPartials(n);
  const end = Slice.end(count, 1, thread, threads);
  for (let k = Slice.begin(count, 1, thread, threads); k < end; k++) {
    const first = k * CHUNK;
    const sum = sumSquaresOf(g + ((<usize>first) << 2), min<i32>(CHUNK, n - first));
    store<f64>(partials + ((<usize>k) << 3), sum);
  }
}

/** Partials of `sumSquares`: one for each 4096 elements. */
export function sumSquaresPartials(n: i32): i32 {
  return <i32>((<u32>n + CHUNK - 1) / CHUNK);
}

function sumSquaresOf(x: usize, n: i32): f64 {
  const zero = f64x2.splat(0);
  let s0 = zero;
  let s1 = zero;
  let s2 = zero;
  let s3 = zero;
  for (; n > 0; n -= 8) {
    const a = F32x4.loadPart(x, n);
    const b = n > 4 ? F32x4.loadPart(x + 16, n - 4) : zero;
    const a0 = F64x2.low(a);
    const a1 = F64x2.high(a);
    const b0 = F64x2.low(b);
    const b1 = F64x2.high(b);
    s0 = f64x2.add(s0, f64x2.mul(a0, a0));
    s1 = f64x2.add(s1, f64x2.mul(a1, a1));
    s2 = f64x2.add(s2, f64x2.mul(b0, b0));
    s3 = f64x2.add(s3, f64x2.mul(b1, b1));
    x += 32;
  }
  return F64x2.sum(f64x2.add(f64x2.add(s0, s1), f64x2.add(s2, s3)));
}

/**
 * `gradientNorm = sqrt(sum(partials))`, `gradientScale = min(1, maxNorm / (gradientNorm + 1e-6))`, as PyTorch's `clip_grad_norm_`. A norm
 * of NaN gives a scale of NaN, an infinite one a scale of 0: both make the update not finite. Runs whole: it has no slices.
 */
export function clipByGlobalNorm(state: usize, partials: usize, count: i32, maxNorm: f32): void {
  let sum: f64 = 0;
  for (let k = 0; k < count; k++) sum += load<f64>(partials + ((<usize>k) << 3));
  const norm = sqrt<f64>(sum);
  store<f32>(state, <f32>norm, State.gradientNorm);
  store<f32>(state, <f32>min<f64>(1, <f64>maxNorm / (norm + 1e-6)), State.gradientScale);
}

/**
 * `learningRate = baseRate warm(t) shape(t)`, computed in f64 and rounded once, with t = step, w = scheduleWarmup,
 * length = max(1, scheduleLength), f = scheduleFactor and u = max(0, t - w):
 *
 * - `warm = (t + 1) / w` while t < w, then 1;
 * - constant: `shape = 1`;
 * - step: `shape = f^floor(u / length)`;
 * - cosine: `shape = f + (1 - f) (1 + cos(pi min(1, u / length))) / 2`, from 1 down to the floor f.
 *
 * Runs whole: it has no slices.
 */
export function schedule(state: usize): void {
  const t = load<i32>(state, State.step);
  const warmup = load<i32>(state, State.scheduleWarmup);
  const length = max<i32>(1, load<i32>(state, State.scheduleLength));
  const factor = <f64>load<f32>(state, State.scheduleFactor);
  const kind = load<i32>(state, State.scheduleKind);
  const u = max<i32>(0, t - warmup);
  let rate = <f64>load<f32>(state, State.baseRate);
  if (t < warmup) rate *= (<f64>t + 1) / <f64>warmup;
  if (kind == Schedule.step) {
    rate *= power(factor, u / length);
  } else if (kind == Schedule.cosine) {
    rate *= factor + ((1 - factor) * (1 + cosPi(min<f64>(1, <f64>u / <f64>length)))) / 2;
  }
  store<f32>(state, <f32>rate, State.learningRate);
}

/** `learningRate = factor learningRate` in the state, until the next `schedule`. Runs whole: it has no slices. */
export function scaleRate(state: usize, factor: f32): void {
  store<f32>(state, factor * load<f32>(state, State.learningRate), State.learningRate);
}

/**
 * `cos(pi u)` for u in [0, 1], as `sin(pi (1/2 - u))`: the Taylor series to the 21st power, whose next term is below 1.3e-18 there;
 * measured error 3e-16.
 */
function cosPi(u: f64): f64 {
  const x = Math.PI * (0.5 - u);
  const z = x * x;
  let y: f64 = 1.0 / 51090942171709440000.0; // 1 / 21!
  y = y * z - 1.0 / 121645100408832000.0;
  y = y * z + 1.0 / 355687428096000.0;
  y = y * z - 1.0 / 1307674368000.0;
  y = y * z + 1.0 / 6227020800.0;
  y = y * z - 1.0 / 39916800.0;
  y = y * z + 1.0 / 362880.0;
  y = y * z - 1.0 / 5040.0;
  y = y * z + 1.0 / 120.0;
  y = y * z - 1.0 / 6.0;
  return x + x * z * y;
}

/** `step += 1`. Runs whole: it has no slices. */
export function advance(state: usize): void {
  store<i32>(state, load<i32>(state, State.step) + 1, State.step);
}
