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

/** One way to reach four parameters: whole vectors, or what is left at the end. */
@unmanaged
abstract class Access {
  abstract load(p: usize, left: i32): v128;
  abstract store(p: usize, x: v128, left: i32): void;
  /** x with zeros in the lanes beyond `left`. */
  abstract only(x: v128, left: i32): v128;
}

@final
@unmanaged
class Whole extends Access {
  @inline load(p: usize, _left: i32): v128 {
    return v128.load(p);
  }

  @inline store(p: usize, x: v128, _left: i32): void {
    v128.store(p, x);
  }

  @inline only(x: v128, _left: i32): v128 {
    return x;
  }
}

@final
@unmanaged
class Tail extends Access {
  @inline load(p: usize, left: i32): v128 {
    return F32x4.loadTail(p, left);
  }

  @inline store(p: usize, x: v128, left: i32): void {
    F32x4.storeTail(p, x, left);
  }

  @inline only(x: v128, left: i32): v128 {
    return v128.and(x, F32x4.mask(left));
  }
}

/**
 * One optimiser's arithmetic on four parameters: it updates them and its moments, and gives `p - p`, which is 0, or NaN where
 * the new parameter is not finite. The constants c0 ... c6 are each rule's own.
 */
@unmanaged
abstract class Rule {
  abstract step(
    p: usize,
    g: usize,
    m: usize,
    v: usize,
    left: i32,
    rate: v128,
    clip: v128,
    decay: v128,
    c0: v128,
    c1: v128,
    c2: v128,
    c3: v128,
    c4: v128,
    c5: v128,
    c6: v128,
  ): v128;
}

@final
@unmanaged
class Sgd<A extends Access> extends Rule {
  @inline step(
    p: usize,
    g: usize,
    _m: usize,
    _v: usize,
    left: i32,
    rate: v128,
    clip: v128,
    decay: v128,
    _c0: v128,
    _c1: v128,
    _c2: v128,
    _c3: v128,
    _c4: v128,
    _c5: v128,
    _c6: v128,
  ): v128 {
    const at = changetype<A>(0);
    const old = at.load(p, left);
    const gradient = F32x4.madd(decay, old, f32x4.mul(clip, at.load(g, left)));
    const next = F32x4.nmadd(rate, gradient, old);
    at.store(p, next, left);
    return f32x4.sub(next, next);
  }
}

@final
@unmanaged
class Momentum<A extends Access> extends Rule {
  @inline step(
    p: usize,
    g: usize,
    m: usize,
    _v: usize,
    left: i32,
    rate: v128,
    clip: v128,
    decay: v128,
    mu: v128,
    nesterov: v128,
    _c2: v128,
    _c3: v128,
    _c4: v128,
    _c5: v128,
    _c6: v128,
  ): v128 {
    const at = changetype<A>(0);
    const old = at.load(p, left);
    const gradient = F32x4.madd(decay, old, f32x4.mul(clip, at.load(g, left)));
    const velocity = F32x4.madd(mu, at.load(m, left), gradient);
    const ahead = F32x4.madd(mu, velocity, gradient);
    const next = F32x4.nmadd(rate, v128.bitselect(ahead, velocity, nesterov), old);
    at.store(m, velocity, left);
    at.store(p, next, left);
    return f32x4.sub(next, next);
  }
}

@final
@unmanaged
class RmsProp<A extends Access> extends Rule {
  @inline step(
    p: usize,
    g: usize,
    _m: usize,
    v: usize,
    left: i32,
    rate: v128,
    clip: v128,
    decay: v128,
    rho: v128,
    gain: v128,
    epsilon: v128,
    _c3: v128,
    _c4: v128,
    _c5: v128,
    _c6: v128,
  ): v128 {
    const at = changetype<A>(0);
    const old = at.load(p, left);
    const gradient = F32x4.madd(decay, old, f32x4.mul(clip, at.load(g, left)));
    const fresh = f32x4.mul(gain, f32x4.mul(gradient, gradient));
    const square = F32x4.madd(rho, at.load(v, left), fresh);
    const step = f32x4.div(gradient, f32x4.add(f32x4.sqrt(square), epsilon));
    const next = F32x4.nmadd(rate, step, old);
    at.store(v, square, left);
    at.store(p, next, left);
    return at.only(f32x4.sub(next, next), left);
  }
}

@final
@unmanaged
class Adam<A extends Access> extends Rule {
  @inline step(
    p: usize,
    g: usize,
    m: usize,
    v: usize,
    left: i32,
    rate: v128,
    clip: v128,
    decay: v128,
    shrink: v128,
    beta1: v128,
    gain1: v128,
    beta2: v128,
    gain2: v128,
    root: v128,
    epsilon: v128,
  ): v128 {
    const at = changetype<A>(0);
    const old = at.load(p, left);
    const gradient = F32x4.madd(decay, old, f32x4.mul(clip, at.load(g, left)));
    const mean = F32x4.madd(beta1, at.load(m, left), f32x4.mul(gain1, gradient));
    const fresh = f32x4.mul(gain2, f32x4.mul(gradient, gradient));
    const square = F32x4.madd(beta2, at.load(v, left), fresh);
    const step = f32x4.div(mean, F32x4.madd(f32x4.sqrt(square), root, epsilon));
    const next = F32x4.nmadd(rate, step, f32x4.mul(old, shrink));
    at.store(m, mean, left);
    at.store(v, square, left);
    at.store(p, next, left);
    return at.only(f32x4.sub(next, next), left);
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
  const none = f32x4.splat(0);
  update<Sgd<Whole>, Sgd<Tail>>(
    p,
    g,
    p,
    p,
    n,
    load<f32>(state, State.learningRate),
    weightDecay,
    none,
    none,
    none,
    none,
    none,
    none,
    none,
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
  const none = f32x4.splat(0);
  update<Momentum<Whole>, Momentum<Tail>>(
    p,
    g,
    m,
    m,
    n,
    load<f32>(state, State.learningRate),
    weightDecay,
    f32x4.splat(mu),
    i32x4.splat(nesterov ? -1 : 0),
    none,
    none,
    none,
    none,
    none,
    state,
    thread,
    threads,
  );
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
  const none = f32x4.splat(0);
  update<RmsProp<Whole>, RmsProp<Tail>>(
    p,
    g,
    v,
    v,
    n,
    load<f32>(state, State.learningRate),
    weightDecay,
    f32x4.splat(rho),
    f32x4.splat(<f32>(1 - <f64>rho)),
    f32x4.splat(epsilon),
    none,
    none,
    none,
    none,
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
  update<Adam<Whole>, Adam<Tail>>(
    p,
    g,
    m,
    v,
    n,
    <f32>(rate / (1 - power(beta1, t))),
    decoupled ? 0 : weightDecay,
    f32x4.splat(decoupled ? <f32>(1 - rate * <f64>weightDecay) : 1),
    f32x4.splat(beta1),
    f32x4.splat(<f32>(1 - <f64>beta1)),
    f32x4.splat(beta2),
    f32x4.splat(<f32>(1 - <f64>beta2)),
    f32x4.splat(<f32>(1 / sqrt<f64>(1 - power(beta2, t)))),
    f32x4.splat(epsilon),
    state,
    thread,
    threads,
  );
}

/** One rule over a slice: `R` takes whole vectors, `T` the tail. */
function update<R extends Rule, T extends Rule>(
  p: usize,
  g: usize,
  m: usize,
  v: usize,
  n: i32,
  learningRate: f32,
  weightDecay: f32,
  c0: v128,
  c1: v128,
  c2: v128,
  c3: v128,
  c4: v128,
  c5: v128,
  c6: v128,
  state: usize,
  thread: i32,
  threads: i32,
): void {
  const rule = changetype<R>(0);
  const rate = f32x4.splat(learningRate);
  const clip = v128.load32_splat(state, State.gradientScale);
  const decay = f32x4.splat(weightDecay);
  const end = Slice.end(n, GRAIN, thread, threads);
  let i = Slice.begin(n, GRAIN, thread, threads);
  let bad = f32x4.splat(0);
  p += (<usize>i) << 2;
  g += (<usize>i) << 2;
  m += (<usize>i) << 2;
  v += (<usize>i) << 2;
  for (; i + 8 <= end; i += 8) {
    const a = rule.step(p, g, m, v, 4, rate, clip, decay, c0, c1, c2, c3, c4, c5, c6);
    const b = rule.step(
      p + 16,
      g + 16,
      m + 16,
      v + 16,
      4,
      rate,
      clip,
      decay,
      c0,
      c1,
      c2,
      c3,
      c4,
      c5,
      c6,
    );
    bad = f32x4.add(bad, f32x4.add(a, b));
    p += 32;
    g += 32;
    m += 32;
    v += 32;
  }
  if (i + 4 <= end) {
    const a = rule.step(p, g, m, v, 4, rate, clip, decay, c0, c1, c2, c3, c4, c5, c6);
    bad = f32x4.add(bad, a);
    p += 16;
    g += 16;
    m += 16;
    v += 16;
    i += 4;
  }
  if (i < end) {
    const tail = changetype<T>(0);
    const a = tail.step(p, g, m, v, end - i, rate, clip, decay, c0, c1, c2, c3, c4, c5, c6);
    bad = f32x4.add(bad, a);
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
