import { F32x4Math } from "../math";
import { F32x4, F64x2 } from "../simd";
import { State, Status } from "../state";
import { Slice } from "../thread";

/** Exponentials of differences, which rounding would spoil. */
class Vector {
  /**
   * `e^(x - top)` for x <= top, to 2 ULP: what the subtraction rounds off (Knuth's two-sum) is put back, which at a difference of
   * -80 is worth 32 ULP. NaN when x or top is not finite.
   */
  @inline static expOfDifference(x: v128, top: v128): v128 {
    const d = f32x4.sub(x, top);
    const back = f32x4.sub(d, x);
    const lost = f32x4.sub(f32x4.sub(x, f32x4.sub(d, back)), f32x4.add(top, back));
    const e = F32x4Math.expOfBounded(d);
    return F32x4.madd(e, lost, e);
  }
}

const LANES = memory.data<i32>([0, 1, 2, 3, 4]);
const NUMBERS = memory.data<f32>([1, 0.5, -0.0]);

class Splat {
  @inline static one(): v128 {
    return v128.load32_splat(NUMBERS);
  }

  @inline static half(): v128 {
    return v128.load32_splat(NUMBERS, 4);
  }

  /** The sign bits. */
  @inline static sign(): v128 {
    return v128.load32_splat(NUMBERS, 8);
  }
}

/** `y = softmax(x)` over each row. y may be x. A row with a value that is not finite is all NaN. */
export function softmax(y: usize, x: usize, rows: i32, cols: i32, thread: i32, threads: i32): void {
  const end = Slice.end(rows, 1, thread, threads);
  for (let r = Slice.begin(rows, 1, thread, threads); r < end; r++) {
    const at = (<usize>r * <usize>cols) << 2;
    const rest = exponentials(y + at, x + at, indexOfMaximum(x + at, cols), cols);
    affine(y + at, <f32>(1 / (1 + rest)), 0, cols);
  }
}

/**
 * `rowLoss[r] = -sum_c q[c] ln softmax(logits[r])[c]` with `q = (1 - smoothing) onehot(labels[r]) + smoothing / classes`,
 * `hits[r]` = 1 when the first largest logit is the label's, else 0, and `dlogits = (softmax(logits) - q) scale`.
 *
 * With `d[c] = max - logits[c]` the loss is `ln(1 + sum' e^-d) + (1 - smoothing) d[label] + smoothing mean(d)`, where sum' leaves the
 * maximum itself out: no term is negative, so nothing cancels and a loss of 1e-20 is as exact as one of 1. A row with a
 * logit that is not finite (or a spread that overflows) has a loss of NaN and no hit.
 *
 * Labels are in 0 ... classes - 1, or -1 for a row that does not count: loss 0, gradient 0, `hits` -1. dlogits may be logits, or 0
 * for no gradient.
 */
export function softmaxCrossEntropy(
  rowLoss: usize,
  hits: usize,
  dlogits: usize,
  logits: usize,
  labels: usize,
  rows: i32,
  classes: i32,
  smoothing: f32,
  scale: f32,
  thread: i32,
  threads: i32,
): void {
  assert(classes > 0, "softmaxCrossEntropy: classes must be positive");
  const smooth = <f64>smoothing;
  const share = smooth / <f64>classes;
  const end = Slice.end(rows, 1, thread, threads);
  for (let r = Slice.begin(rows, 1, thread, threads); r < end; r++) {
    const at = (<usize>r * <usize>classes) << 2;
    const x = logits + at;
    const label = load<i32>(labels + ((<usize>r) << 2));
    if (label == -1) {
      drop(rowLoss, hits, dlogits, r, classes);
      continue;
    }
    assert(<u32>label < <u32>classes, "softmaxCrossEntropy: label out of range");
    const best = indexOfMaximum(x, classes);
    const gap =
      <f64>load<f32>(x + ((<usize>best) << 2)) - <f64>load<f32>(x + ((<usize>label) << 2));
    const spread = smoothing == 0 ? 0 : share * sumOfGaps(x, best, classes);
    const rest = dlogits
      ? exponentials(dlogits + at, x, best, classes)
      : sumOfExponentials(x, best, classes);
    const loss = log1p(rest) + (1 - smooth) * gap + spread;
    store<f32>(rowLoss + ((<usize>r) << 2), <f32>loss);
    store<f32>(hits + ((<usize>r) << 2), <f32>(<i32>(best == label) & <i32>(loss < Infinity)));
    if (dlogits) {
      const own = dlogits + at + ((<usize>label) << 2);
      const sum = 1 + rest;
      // p - 1 would be 0 for a sure and right row: it is minus the sum of the others.
      const error = best == label ? -rest / sum : <f64>load<f32>(own) / sum - 1;
      affine(dlogits + at, <f32>(<f64>scale / sum), <f32>(<f64>scale * share), classes);
      store<f32>(own, <f32>(<f64>scale * (error + (smooth - share))));
    }
  }
}

/** Row r does not count. */
function drop(rowLoss: usize, hits: usize, gradient: usize, r: i32, cols: i32): void {
  store<f32>(rowLoss + ((<usize>r) << 2), 0);
  store<f32>(hits + ((<usize>r) << 2), -1);
  if (gradient) {
    const stride = (<usize>cols) << 2;
    memory.fill(gradient + <usize>r * stride, 0, stride);
  }
}

/**
 * Makes the mean over all rows one over those that count: a row with `hits` below 0 or a `mask` of 0 (mask: f32[rows], or 0 for none)
 * gets loss 0, `hits` -1 and gradient 0; the gradients of the others are multiplied by rows / (number of others), unless all count.
 */
export function dropRows(
  rowLoss: usize,
  hits: usize,
  gradient: usize,
  mask: usize,
  rows: i32,
  cols: i32,
  thread: i32,
  threads: i32,
): void {
  const begin = Slice.begin(rows, 1, thread, threads);
  const end = Slice.end(rows, 1, thread, threads);
  // Other threads drop rows meanwhile: none that counts.
  let counted = 0;
  for (let r = 0; r < rows; r++) counted += i32(counts(hits, mask, r));
  if (counted == rows) return;
  const factor = <f32>(<f64>rows / <f64>counted);
  for (let r = begin; r < end; r++) {
    if (!counts(hits, mask, r)) drop(rowLoss, hits, gradient, r, cols);
    else if (gradient) affine(gradient + ((<usize>r * <usize>cols) << 2), factor, 0, cols);
  }
}

function counts(hits: usize, mask: usize, r: i32): bool {
  const at = (<usize>r) << 2;
  if (mask && load<f32>(mask + at) == 0) return false;
  return load<f32>(hits + at) >= 0;
}

/** The first index of the largest of n > 0 values, NaN left out; 0 when there is none. */
function indexOfMaximum(x: usize, n: i32): i32 {
  const step = v128.load32_splat(LANES, 16);
  let index = v128.load(LANES);
  let where = index;
  let most = f32x4.splat(f32.NEGATIVE_INFINITY);
  for (; n >= 4; n -= 4) {
    const value = v128.load(x);
    where = v128.bitselect(index, where, f32x4.gt(value, most));
    most = f32x4.pmax(most, value);
    index = i32x4.add(index, step);
    x += 16;
  }
  if (n > 0) {
    const value = F32x4.loadTail(x, n);
    const better = v128.and(f32x4.gt(value, most), F32x4.mask(n));
    where = v128.bitselect(index, where, better);
    most = v128.bitselect(value, most, better);
  }
  let top = f32x4.pmax(most, v128.shuffle<f32>(most, most, 2, 3, 0, 1));
  top = f32x4.pmax(top, v128.shuffle<f32>(top, top, 1, 0, 3, 2));
  where = v128.bitselect(where, i32x4.splat(i32.MAX_VALUE), f32x4.eq(most, top));
  where = i32x4.min_s(where, v128.shuffle<i32>(where, where, 2, 3, 0, 1));
  return min<i32>(i32x4.extract_lane(where, 0), i32x4.extract_lane(where, 1));
}

/** Writes `e^(x - x[best])` to `e` and gives its sum without the term of `best`, which is 1. e may be x. */
function exponentials(e: usize, x: usize, best: i32, n: i32): f64 {
  const top = v128.load32_splat(x + ((<usize>best) << 2));
  const first = e;
  let left = n;
  for (; left >= 8; left -= 8) {
    const y0 = Vector.expOfDifference(v128.load(x), top);
    const y1 = Vector.expOfDifference(v128.load(x, 16), top);
    v128.store(e, y1, 16);
    v128.store(e, y0);
    x += 32;
    e += 32;
  }
  for (; left > 0; left -= 4) {
    F32x4.storePart(e, Vector.expOfDifference(F32x4.loadPart(x, left), top), left);
    x += 16;
    e += 16;
  }
  return sumOfOthers(first, best, n);
}

/** The sum that `exponentials` gives, to the bit, where nobody wants the terms. */
function sumOfExponentials(x: usize, best: i32, n: i32): f64 {
  const top = v128.load32_splat(x + ((<usize>best) << 2));
  const step = v128.load32_splat(LANES, 16);
  const skip = i32x4.splat(best);
  let index = v128.load(LANES);
  let low = f64x2.splat(0);
  let high = low;
  for (; n >= 4; n -= 4) {
    const term = Vector.expOfDifference(v128.load(x), top);
    const other = v128.andnot(term, i32x4.eq(index, skip));
    low = f64x2.add(low, F64x2.low(other));
    high = f64x2.add(high, F64x2.high(other));
    index = i32x4.add(index, step);
    x += 16;
  }
  if (n > 0) {
    const term = Vector.expOfDifference(F32x4.loadTail(x, n), top);
    const other = v128.and(v128.andnot(term, i32x4.eq(index, skip)), F32x4.mask(n));
    low = f64x2.add(low, F64x2.low(other));
    high = f64x2.add(high, F64x2.high(other));
  }
  return F64x2.sum(f64x2.add(low, high));
}

/** `sum x` without `x[best]` */
function sumOfOthers(x: usize, best: i32, n: i32): f64 {
  const step = v128.load32_splat(LANES, 16);
  const skip = i32x4.splat(best);
  let index = v128.load(LANES);
  let low = f64x2.splat(0);
  let high = low;
  for (; n > 0; n -= 4) {
    const other = v128.andnot(F32x4.loadPart(x, n), i32x4.eq(index, skip));
    low = f64x2.add(low, F64x2.low(other));
    high = f64x2.add(high, F64x2.high(other));
    index = i32x4.add(index, step);
    x += 16;
  }
  return F64x2.sum(f64x2.add(low, high));
}

/** `sum (x[best] - x)` */
function sumOfGaps(x: usize, best: i32, n: i32): f64 {
  const top = v128.load32_splat(x + ((<usize>best) << 2));
  let low = f64x2.splat(0);
  let high = low;
  for (; n >= 4; n -= 4) {
    const gap = f32x4.sub(top, v128.load(x));
    low = f64x2.add(low, F64x2.low(gap));
    high = f64x2.add(high, F64x2.high(gap));
    x += 16;
  }
  if (n > 0) {
    const gap = v128.and(f32x4.sub(top, F32x4.loadTail(x, n)), F32x4.mask(n));
    low = f64x2.add(low, F64x2.low(gap));
    high = f64x2.add(high, F64x2.high(gap));
  }
  return F64x2.sum(f64x2.add(low, high));
}

/** `y = y factor - shift` */
function affine(y: usize, factor: f32, shift: f32, n: i32): void {
  const a = f32x4.splat(factor);
  const b = f32x4.splat(-shift);
  for (; n >= 8; n -= 8) {
    const y0 = F32x4.madd(v128.load(y), a, b);
    const y1 = F32x4.madd(v128.load(y, 16), a, b);
    v128.store(y, y1, 16);
    v128.store(y, y0);
    y += 32;
  }
  for (; n > 0; n -= 4) {
    F32x4.storePart(y, F32x4.madd(F32x4.loadPart(y, n), a, b), n);
    y += 16;
  }
}

/** `ln(1 + x)` for x >= 0: what `u = f32(1 + x)` rounds off comes back to first order, so a tiny x is its own logarithm. */
function log1p(x: f64): f64 {
  const u = <f32>(1 + x);
  const log = f32x4.extract_lane(F32x4Math.logOfNormal(f32x4.splat(u)), 0);
  return <f64>log + (x - (<f64>u - 1)) / <f64>u;
}

/** A loss of single elements, of an output y and its target t. */
@unmanaged
abstract class ElementLoss {
  /** What `loss` and `slope` share. */
  abstract prepare(y: v128, t: v128): v128;
  abstract loss(z: v128, y: v128, t: v128, delta: v128): v128;
  /** The derivative by y. */
  abstract slope(z: v128, y: v128, t: v128, delta: v128): v128;
  /** Ones in the lanes that count as right. */
  abstract right(y: v128, t: v128): v128;
}

/**
 * With `z = e^-|y|` and `w = 1 - t` where y > 0, else t: the loss is `|y| w + ln(1 + z)` and the slope `±(w - z / (1 + z))`, two
 * forms that do not cancel when the logit is sure.
 */
@final
@unmanaged
class BceWithLogits extends ElementLoss {
  @inline prepare(y: v128, _t: v128): v128 {
    return F32x4Math.expOfBounded(f32x4.neg(f32x4.abs(y)));
  }

  @inline loss(z: v128, y: v128, t: v128, _delta: v128): v128 {
    const one = Splat.one();
    const u = f32x4.add(one, z);
    const lost = f32x4.div(f32x4.sub(z, f32x4.sub(u, one)), u);
    const log1p = f32x4.add(F32x4Math.logOfNormal(u), lost);
    return F32x4.madd(f32x4.abs(y), this.weight(y, t), log1p);
  }

  @inline slope(z: v128, y: v128, t: v128, _delta: v128): v128 {
    const one = Splat.one();
    const other = f32x4.div(z, f32x4.add(one, z));
    const size = f32x4.sub(this.weight(y, t), other);
    const positive = f32x4.gt(y, f32x4.splat(0));
    return v128.xor(size, v128.andnot(Splat.sign(), positive));
  }

  @inline right(y: v128, t: v128): v128 {
    const half = Splat.half();
    const positive = f32x4.gt(y, f32x4.splat(0));
    return v128.not(v128.xor(positive, f32x4.gt(t, half)));
  }

  @inline weight(y: v128, t: v128): v128 {
    const one = Splat.one();
    return v128.bitselect(f32x4.sub(one, t), t, f32x4.gt(y, f32x4.splat(0)));
  }
}

/** A loss of the error `z = y - t` alone, where no element is right or wrong. */
@unmanaged
abstract class ErrorLoss extends ElementLoss {
  @inline prepare(y: v128, t: v128): v128 {
    return f32x4.sub(y, t);
  }

  @inline right(_y: v128, _t: v128): v128 {
    return f32x4.splat(0);
  }
}

@final
@unmanaged
class SquaredError extends ErrorLoss {
  @inline loss(z: v128, _y: v128, _t: v128, _delta: v128): v128 {
    return f32x4.mul(z, z);
  }

  @inline slope(z: v128, _y: v128, _t: v128, _delta: v128): v128 {
    return f32x4.add(z, z);
  }
}

@final
@unmanaged
class AbsoluteError extends ErrorLoss {
  @inline loss(z: v128, _y: v128, _t: v128, _delta: v128): v128 {
    return f32x4.abs(z);
  }

  @inline slope(z: v128, _y: v128, _t: v128, _delta: v128): v128 {
    const one = Splat.one();
    const sign = v128.and(z, Splat.sign());
    return v128.and(v128.or(one, sign), f32x4.ne(z, f32x4.splat(0)));
  }
}

// pmin(z, d) is `d < z ? d : z`: a NaN stays a NaN.
@final
@unmanaged
class Huber extends ErrorLoss {
  @inline loss(z: v128, _y: v128, _t: v128, delta: v128): v128 {
    const size = f32x4.abs(z);
    const inner = f32x4.pmin(size, delta);
    const half = Splat.half();
    return f32x4.mul(inner, F32x4.nmadd(half, inner, size));
  }

  @inline slope(z: v128, _y: v128, _t: v128, delta: v128): v128 {
    return f32x4.pmax(f32x4.pmin(z, delta), f32x4.neg(delta));
  }
}

/**
 * `rowLoss[r] = mean_c(max(x, 0) - x t + ln(1 + e^-|x|))`, `hits[r]` = the fraction of columns where `x > 0` and `t > 0.5` agree,
 * `dlogits = (sigmoid(x) - t) scale`. Targets are f32 in [0, 1]. dlogits may be logits, or 0 for no gradient.
 */
export function bceWithLogits(
  rowLoss: usize,
  hits: usize,
  dlogits: usize,
  logits: usize,
  targets: usize,
  rows: i32,
  cols: i32,
  scale: f32,
  thread: i32,
  threads: i32,
): void {
  eachRow<BceWithLogits>(
    rowLoss,
    hits,
    dlogits,
    logits,
    targets,
    rows,
    cols,
    0,
    scale,
    thread,
    threads,
  );
}

/** `rowLoss[r] = mean_c (y - t)^2`, `hits[r] = 0`, `dy = 2 (y - t) scale`. dy may be y, or 0 for no gradient. */
export function meanSquaredError(
  rowLoss: usize,
  hits: usize,
  dy: usize,
  y: usize,
  targets: usize,
  rows: i32,
  cols: i32,
  scale: f32,
  thread: i32,
  threads: i32,
): void {
  eachRow<SquaredError>(rowLoss, hits, dy, y, targets, rows, cols, 0, scale, thread, threads);
}

/** `rowLoss[r] = mean_c |y - t|`, `hits[r] = 0`, `dy = sign(y - t) scale`, 0 at 0. dy may be y, or 0 for no gradient. */
export function meanAbsoluteError(
  rowLoss: usize,
  hits: usize,
  dy: usize,
  y: usize,
  targets: usize,
  rows: i32,
  cols: i32,
  scale: f32,
  thread: i32,
  threads: i32,
): void {
  eachRow<AbsoluteError>(rowLoss, hits, dy, y, targets, rows, cols, 0, scale, thread, threads);
}

/**
 * `rowLoss[r] = mean_c h(y - t)` with `h(d) = d^2 / 2` up to `|d| = delta`, then `delta (|d| - delta / 2)`; `hits[r] = 0`,
 * `dy = clamp(y - t, -delta, delta) scale`. dy may be y, or 0 for no gradient.
 */
export function huber(
  rowLoss: usize,
  hits: usize,
  dy: usize,
  y: usize,
  targets: usize,
  rows: i32,
  cols: i32,
  delta: f32,
  scale: f32,
  thread: i32,
  threads: i32,
): void {
  assert(delta > 0, "huber: delta must be positive");
  eachRow<Huber>(rowLoss, hits, dy, y, targets, rows, cols, delta, scale, thread, threads);
}

function eachRow<T extends ElementLoss>(
  rowLoss: usize,
  hits: usize,
  dy: usize,
  y: usize,
  targets: usize,
  rows: i32,
  cols: i32,
  parameter: f32,
  scale: f32,
  thread: i32,
  threads: i32,
): void {
  assert(cols > 0, "losses: cols must be positive");
  const op = changetype<T>(0);
  const delta = f32x4.splat(parameter);
  const factor = f32x4.splat(scale);
  const end = Slice.end(rows, 1, thread, threads);
  for (let r = Slice.begin(rows, 1, thread, threads); r < end; r++) {
    const first = (<usize>r * <usize>cols) << 2;
    let low = f64x2.splat(0);
    let high = low;
    let right = low;
    let p = y + first;
    let q = targets + first;
    let d = dy + first;
    let left = cols;
    for (; left >= 4; left -= 4) {
      const a = v128.load(p);
      const t = v128.load(q);
      const z = op.prepare(a, t);
      const loss = op.loss(z, a, t, delta);
      low = f64x2.add(low, F64x2.low(loss));
      high = f64x2.add(high, F64x2.high(loss));
      right = i32x4.sub(right, op.right(a, t));
      if (dy) v128.store(d, f32x4.mul(op.slope(z, a, t, delta), factor));
      p += 16;
      q += 16;
      d += 16;
    }
    if (left > 0) {
      const a = F32x4.loadTail(p, left);
      const t = F32x4.loadTail(q, left);
      const z = op.prepare(a, t);
      const keep = F32x4.mask(left);
      const loss = v128.and(op.loss(z, a, t, delta), keep);
      low = f64x2.add(low, F64x2.low(loss));
      high = f64x2.add(high, F64x2.high(loss));
      right = i32x4.sub(right, v128.and(op.right(a, t), keep));
      if (dy) F32x4.storeTail(d, f32x4.mul(op.slope(z, a, t, delta), factor), left);
    }
    const at = (<usize>r) << 2;
    store<f32>(rowLoss + at, <f32>(F64x2.sum(f64x2.add(low, high)) / <f64>cols));
    store<f32>(hits + at, <f32>(laneTotal(right) / <f64>cols));
  }
}

function laneTotal(x: v128): f64 {
  const pairs = i32x4.add(x, v128.shuffle<i32>(x, x, 2, 3, 0, 1));
  return <f64>(i32x4.extract_lane(pairs, 0) + i32x4.extract_lane(pairs, 1));
}

/**
 * Writes `loss = mean(rowLoss)` (f64, in row order) to the state and, unless it is 0, to the ring `history` at `step`; adds
 * `sum(rowLoss)`, `sum(hits)` and the number of rows to the sums. Rows with `hits` below 0 do not count; where none does, the mean is
 * 0. A mean that is not finite (also of no rows) sets the status and adds nothing. Runs whole: it has no slices.
 */
export function recordLoss(state: usize, rowLoss: usize, hits: usize, rows: i32): void {
  let total: f64 = 0;
  let correct: f64 = 0;
  let counted = 0;
  for (let r = 0; r < rows; r++) {
    const at = (<usize>r) << 2;
    const hit = load<f32>(hits + at);
    total += <f64>load<f32>(rowLoss + at);
    if (hit < 0) continue;
    correct += <f64>hit;
    counted++;
  }
  const divisor = <f64>(counted > 0 || rows == 0 ? counted : 1);
  const mean = total / divisor;
  store<f32>(state, <f32>mean, State.loss);
  const history = <usize>load<u32>(state, State.history);
  if (history) {
    const length = load<i32>(state, State.historyLength);
    const slot = history + ((<usize>(load<i32>(state, State.step) & (length - 1))) << 2);
    store<f32>(slot, <f32>mean);
    store<f32>(slot + ((<usize>length) << 2), <f32>(correct / divisor));
  }
  if (!(abs<f64>(mean) < Infinity)) {
    store<i32>(state, Status.lossNotFinite, State.status);
    return;
  }
  store<f64>(state, load<f64>(state, State.lossSum) + total, State.lossSum);
  store<f64>(state, load<f64>(state, State.correctSum) + correct, State.correctSum);
  store<f64>(state, load<f64>(state, State.rowsSeen) + <f64>counted, State.rowsSeen);
}
