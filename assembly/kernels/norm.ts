import { F32x4, F64x2 } from "../simd";
import { Slice } from "../thread";

// Two families. `column…` normalise each column of row-major [items, rows, cols] over its rows: batch norm (one item), instance norm, and
// over the fan-in of a kernel [inputs, units] weight standardisation and, uncentred, weight norm. `group…` normalise within a row: layer,
// rms and group norm. Sums are in f64; a variance takes a second pass over what is in cache still.

/** A cache line of columns, so that no two threads write the same one. */
const GRAIN: i32 = 16;

/** Rows of a chunk, which a thread sums on its own: by the number of columns alone. */
function chunkRows(cols: i32): i32 {
  return max<i32>(64, 16384 / max<i32>(1, cols));
}

function chunksOf(rows: i32, cols: i32): i32 {
  const size = chunkRows(cols);
  return (rows + size - 1) / size;
}

/** f64 numbers that the partial sums of `columnStatistics` and `columnNormSums` take: two a chunk and column. */
export function columnPartials(items: i32, rows: i32, cols: i32): i32 {
  return items * chunksOf(rows, cols) * 2 * cols;
}

/** The chunk `unit` of all: its first float and its rows. */
class Chunk {
  @inline static first(unit: i32, rows: i32, cols: i32): usize {
    const chunks = chunksOf(rows, cols);
    const row = (unit / chunks) * rows + (unit % chunks) * chunkRows(cols);
    return (<usize>row * <usize>cols) << 2;
  }

  @inline static rows(unit: i32, rows: i32, cols: i32): i32 {
    const size = chunkRows(cols);
    return min<i32>(size, rows - (unit % chunksOf(rows, cols)) * size);
  }
}

/**
 * `partials` of chunk k and column c: the mean of the chunk's rows at [k][0][c], and at [k][1][c] the sum of squared deviations from
 * it; without `centred` 0 and the sum of squares. Sliced by chunk.
 */
export function columnStatistics(
  partials: usize,
  x: usize,
  items: i32,
  rows: i32,
  cols: i32,
  centred: i32,
  thread: i32,
  threads: i32,
): void {
  const step = (<usize>cols) << 2;
  const units = items * chunksOf(rows, cols);
  const end = Slice.end(units, 1, thread, threads);
  for (let unit = Slice.begin(units, 1, thread, threads); unit < end; unit++) {
    const base = x + Chunk.first(unit, rows, cols);
    const count = Chunk.rows(unit, rows, cols);
    const out = partials + ((<usize>unit * <usize>cols) << 4);
    for (let c = 0; c < cols; c += 4) {
      const left = cols - c;
      const column = base + ((<usize>c) << 2);
      let low = f64x2.splat(0);
      let high = f64x2.splat(0);
      if (centred) {
        let at = column;
        for (let row = 0; row < count; row++) {
          const v = F32x4.loadPart(at, left);
          low = f64x2.add(low, F64x2.low(v));
          high = f64x2.add(high, F64x2.high(v));
          at += step;
        }
        const n = f64x2.splat(<f64>count);
        low = f64x2.div(low, n);
        high = f64x2.div(high, n);
      }
      const m0 = low;
      const m1 = high;
      low = f64x2.splat(0);
      high = f64x2.splat(0);
      let at = column;
      for (let row = 0; row < count; row++) {
        const v = F32x4.loadPart(at, left);
        const d0 = f64x2.sub(F64x2.low(v), m0);
        const d1 = f64x2.sub(F64x2.high(v), m1);
        low = f64x2.add(low, f64x2.mul(d0, d0));
        high = f64x2.add(high, f64x2.mul(d1, d1));
        at += step;
      }
      const o = out + ((<usize>c) << 3);
      storeDoubles(o, m0, m1, left);
      storeDoubles(o + ((<usize>cols) << 3), low, high, left);
    }
  }
}

/** The first `left` (4 at most) of four f64. */
function storeDoubles(at: usize, low: v128, high: v128, left: i32): void {
  if (left >= 4) {
    v128.store(at, high, 16);
    v128.store(at, low);
    return;
  }
  v128.store64_lane(at, low, 0);
  if (left > 1) v128.store64_lane(at, low, 1, 8);
  if (left > 2) v128.store64_lane(at, high, 0, 16);
}

/**
 * `mean` and biased `variance` [items, cols] of the chunks of `columnStatistics`, joined in order by the formula of Chan, Golub &
 * LeVeque 1979. Sliced by column.
 */
export function columnMerge(
  mean: usize,
  variance: usize,
  partials: usize,
  items: i32,
  rows: i32,
  cols: i32,
  thread: i32,
  threads: i32,
): void {
  const chunks = chunksOf(rows, cols);
  const end = Slice.end(cols, GRAIN, thread, threads);
  for (let item = 0; item < items; item++) {
    for (let c = Slice.begin(cols, GRAIN, thread, threads); c < end; c++) {
      let n: f64 = 0;
      let m: f64 = 0;
      let squares: f64 = 0;
      for (let k = 0; k < chunks; k++) {
        const unit = item * chunks + k;
        const at = partials + ((<usize>unit * <usize>(2 * cols) + <usize>c) << 3);
        const more = <f64>Chunk.rows(unit, rows, cols);
        const delta = load<f64>(at) - m;
        squares += load<f64>(at + ((<usize>cols) << 3)) + (delta * delta * n * more) / (n + more);
        n += more;
        m += (delta * more) / n;
      }
      const o = (<usize>(item * cols + c)) << 2;
      store<f32>(mean + o, <f32>m);
      store<f32>(variance + o, <f32>(squares / n));
    }
  }
}

/** `factor gain / sqrt(variance + epsilon)` of four columns, worked out in f64. */
function scaleOf(variance: usize, gain: usize, epsilon: f32, factor: f32, left: i32): v128 {
  const v = F32x4.loadPart(variance, left);
  const e = f64x2.splat(<f64>epsilon);
  const f = f64x2.splat(<f64>factor);
  let low = f64x2.div(f, f64x2.sqrt(f64x2.add(F64x2.low(v), e)));
  let high = f64x2.div(f, f64x2.sqrt(f64x2.add(F64x2.high(v), e)));
  if (gain) {
    const g = F32x4.loadPart(gain, left);
    low = f64x2.mul(low, F64x2.low(g));
    high = f64x2.mul(high, F64x2.high(g));
  }
  return demote(low, high);
}

/** Four floats of four doubles. */
function demote(low: v128, high: v128): v128 {
  const a = f32x4.demote_f64x2_zero(low);
  const b = f32x4.demote_f64x2_zero(high);
  return v128.shuffle<f32>(a, b, 0, 1, 4, 5);
}

/**
 * `y = (x - mean) s + bias`, `s = factor gain / sqrt(variance + epsilon)`: mean and variance [items, cols], gain and bias [cols] or 0 for
 * none. y may be x. Sliced by chunk.
 */
export function columnNorm(
  y: usize,
  x: usize,
  mean: usize,
  variance: usize,
  gain: usize,
  bias: usize,
  items: i32,
  rows: i32,
  cols: i32,
  epsilon: f32,
  factor: f32,
  thread: i32,
  threads: i32,
): void {
  const step = (<usize>cols) << 2;
  const chunks = chunksOf(rows, cols);
  const units = items * chunks;
  const end = Slice.end(units, 1, thread, threads);
  for (let unit = Slice.begin(units, 1, thread, threads); unit < end; unit++) {
    const first = Chunk.first(unit, rows, cols);
    const count = Chunk.rows(unit, rows, cols);
    const per = (<usize>(unit / chunks) * <usize>cols) << 2;
    for (let c = 0; c < cols; c += 4) {
      const left = cols - c;
      const o = (<usize>c) << 2;
      const m = F32x4.loadPart(mean + per + o, left);
      const s = scaleOf(variance + per + o, gain ? gain + o : 0, epsilon, factor, left);
      const b = bias ? F32x4.loadPart(bias + o, left) : f32x4.splat(0);
      let at = first + o;
      for (let row = 0; row < count; row++) {
        const d = f32x4.sub(F32x4.loadPart(x + at, left), m);
        F32x4.storePart(y + at, F32x4.madd(d, s, b), left);
        at += step;
      }
    }
  }
}

/** `partials` of chunk k and column c: at [k][0][c] the sum of dy, at [k][1][c] that of `dy (x - mean)`. Sliced by chunk. */
export function columnNormSums(
  partials: usize,
  x: usize,
  dy: usize,
  mean: usize,
  items: i32,
  rows: i32,
  cols: i32,
  thread: i32,
  threads: i32,
): void {
  const step = (<usize>cols) << 2;
  const chunks = chunksOf(rows, cols);
  const units = items * chunks;
  const end = Slice.end(units, 1, thread, threads);
  for (let unit = Slice.begin(units, 1, thread, threads); unit < end; unit++) {
    const first = Chunk.first(unit, rows, cols);
    const count = Chunk.rows(unit, rows, cols);
    const per = (<usize>(unit / chunks) * <usize>cols) << 2;
    const out = partials + ((<usize>unit * <usize>cols) << 4);
    for (let c = 0; c < cols; c += 4) {
      const left = cols - c;
      const o = (<usize>c) << 2;
      const m = F32x4.loadPart(mean + per + o, left);
      const m0 = F64x2.low(m);
      const m1 = F64x2.high(m);
      let s0 = f64x2.splat(0);
      let s1 = s0;
      let t0 = s0;
      let t1 = s0;
      let at = first + o;
      for (let row = 0; row < count; row++) {
        const v = F32x4.loadPart(x + at, left);
        const d = F32x4.loadPart(dy + at, left);
        const d0 = F64x2.low(d);
        const d1 = F64x2.high(d);
        s0 = f64x2.add(s0, d0);
        s1 = f64x2.add(s1, d1);
        t0 = f64x2.add(t0, f64x2.mul(d0, f64x2.sub(F64x2.low(v), m0)));
        t1 = f64x2.add(t1, f64x2.mul(d1, f64x2.sub(F64x2.high(v), m1)));
        at += step;
      }
      storeDoubles(out + ((<usize>c) << 3), s0, s1, left);
      storeDoubles(out + ((<usize>(cols + c)) << 3), t0, t1, left);
    }
  }
}

/**
 * Of the chunks of `columnNormSums`, joined in order: `sums` [items, 2, cols] = mean of dy (0 without `centred`), and mean of
 * `dy (x - mean)` over `variance + epsilon`; `dgain = factor sum of dy (x - mean) / sqrt(variance + epsilon) + gainBeta dgain`,
 * `dbias = sum of dy + biasBeta dbias`, over all items. dgain and dbias may be 0: not wanted. Sliced by column.
 */
export function columnNormMerge(
  sums: usize,
  dgain: usize,
  dbias: usize,
  partials: usize,
  variance: usize,
  items: i32,
  rows: i32,
  cols: i32,
  epsilon: f32,
  factor: f32,
  centred: i32,
  gainBeta: i32,
  biasBeta: i32,
  thread: i32,
  threads: i32,
): void {
  const chunks = chunksOf(rows, cols);
  const end = Slice.end(cols, GRAIN, thread, threads);
  for (let c = Slice.begin(cols, GRAIN, thread, threads); c < end; c++) {
    const column = (<usize>c) << 2;
    let gainSum: f64 = 0;
    let biasSum: f64 = 0;
    for (let item = 0; item < items; item++) {
      let s: f64 = 0;
      let t: f64 = 0;
      for (let k = 0; k < chunks; k++) {
        const unit = item * chunks + k;
        const at = partials + ((<usize>unit * <usize>(2 * cols) + <usize>c) << 3);
        s += load<f64>(at);
        t += load<f64>(at + ((<usize>cols) << 3));
      }
      const power =
        <f64>load<f32>(variance + ((<usize>(item * cols)) << 2) + column) + <f64>epsilon;
      const o = sums + ((<usize>(2 * item * cols)) << 2) + column;
      store<f32>(o, centred ? <f32>(s / <f64>rows) : 0);
      store<f32>(o + ((<usize>cols) << 2), <f32>(t / <f64>rows / power));
      gainSum += t / sqrt<f64>(power);
      biasSum += s;
    }
    if (dgain) {
      const before: f64 = gainBeta ? <f64>load<f32>(dgain + column) : 0;
      store<f32>(dgain + column, <f32>(before + <f64>factor * gainSum));
    }
    if (dbias) {
      const before: f64 = biasBeta ? <f64>load<f32>(dbias + column) : 0;
      store<f32>(dbias + column, <f32>(before + biasSum));
    }
  }
}

/**
 * `dx = s (dy - sums0 - (x - mean) sums1) + beta dx`, s as in `columnNorm`, sums of `columnNormMerge`. With beta 0 dx may be dy or x.
 * Sliced by chunk.
 */
export function columnNormBackward(
  dx: usize,
  x: usize,
  dy: usize,
  mean: usize,
  variance: usize,
  gain: usize,
  sums: usize,
  items: i32,
  rows: i32,
  cols: i32,
  epsilon: f32,
  factor: f32,
  beta: i32,
  thread: i32,
  threads: i32,
): void {
  const step = (<usize>cols) << 2;
  const chunks = chunksOf(rows, cols);
  const units = items * chunks;
  const end = Slice.end(units, 1, thread, threads);
  for (let unit = Slice.begin(units, 1, thread, threads); unit < end; unit++) {
    const first = Chunk.first(unit, rows, cols);
    const count = Chunk.rows(unit, rows, cols);
    const per = (<usize>(unit / chunks) * <usize>cols) << 2;
    for (let c = 0; c < cols; c += 4) {
      const left = cols - c;
      const o = (<usize>c) << 2;
      const m = F32x4.loadPart(mean + per + o, left);
      const s = scaleOf(variance + per + o, gain ? gain + o : 0, epsilon, factor, left);
      const a = F32x4.loadPart(sums + 2 * per + o, left);
      const b = F32x4.loadPart(sums + 2 * per + step + o, left);
      let at = first + o;
      for (let row = 0; row < count; row++) {
        const d = f32x4.sub(F32x4.loadPart(x + at, left), m);
        const e = f32x4.sub(F32x4.loadPart(dy + at, left), a);
        let r = f32x4.mul(s, F32x4.nmadd(d, b, e));
        if (beta) r = f32x4.add(r, F32x4.loadPart(dx + at, left));
        F32x4.storePart(dx + at, r, left);
        at += step;
      }
    }
  }
}

/** Sum in f64 of `runs` runs of n floats, `step` bytes apart; of `(x - mean)^2` with `squares`. */
function sumOf(x: usize, runs: i32, n: i32, step: usize, squares: bool, mean: f64): f64 {
  let s0 = f64x2.splat(0);
  let s1 = s0;
  const m = f64x2.splat(mean);
  for (let run = 0; run < runs; run++) {
    let at = x + <usize>run * step;
    let left = n;
    for (; left >= 4; left -= 4) {
      const v = v128.load(at);
      let a = F64x2.low(v);
      let b = F64x2.high(v);
      if (squares) {
        a = f64x2.sub(a, m);
        b = f64x2.sub(b, m);
        a = f64x2.mul(a, a);
        b = f64x2.mul(b, b);
      }
      s0 = f64x2.add(s0, a);
      s1 = f64x2.add(s1, b);
      at += 16;
    }
    for (; left > 0; left--) {
      let a = <f64>load<f32>(at);
      if (squares) a = (a - mean) * (a - mean);
      s0 = f64x2.add(s0, f64x2.replace_lane(f64x2.splat(0), 0, a));
      at += 4;
    }
  }
  return F64x2.sum(f64x2.add(s0, s1));
}

/**
 * Row-major [items, positions, channels], the channels in `groups` equal runs: over each group of an item, all positions,
 * `y = (x - mean) / sqrt(variance + epsilon) gain + bias`, variance biased; without `centred` the mean is 0 and the variance the second
 * moment. gain and bias [channels] or 0 for none; `stats` [items, groups, 2] = mean, 1 / sqrt(variance + epsilon). y may be x. Sliced by item.
 */
export function groupNorm(
  y: usize,
  stats: usize,
  x: usize,
  gain: usize,
  bias: usize,
  items: i32,
  positions: i32,
  channels: i32,
  groups: i32,
  epsilon: f32,
  centred: i32,
  thread: i32,
  threads: i32,
): void {
  const width = channels / groups;
  const count = <f64>positions * <f64>width;
  const step = (<usize>channels) << 2;
  const runs = groups == 1 ? 1 : positions;
  const length = groups == 1 ? positions * channels : width;
  const end = Slice.end(items, 1, thread, threads);
  for (let item = Slice.begin(items, 1, thread, threads); item < end; item++) {
    for (let g = 0; g < groups; g++) {
      const from = <usize>item * <usize>positions * step + ((<usize>(g * width)) << 2);
      let mean: f64 = 0;
      if (centred) mean = sumOf(x + from, runs, length, step, false, 0) / count;
      const variance = sumOf(x + from, runs, length, step, true, mean) / count;
      const rstd = <f32>(1 / sqrt<f64>(variance + <f64>epsilon));
      const at = stats + ((<usize>(item * groups + g)) << 3);
      store<f32>(at, <f32>mean);
      store<f32>(at, rstd, 4);
      const m = f32x4.splat(<f32>mean);
      const r = f32x4.splat(rstd);
      for (let p = 0; p < positions; p++) {
        const row = from + <usize>p * step;
        for (let c = 0; c < width; c += 4) {
          const left = width - c;
          const o = (<usize>c) << 2;
          const parameter = ((<usize>(g * width)) << 2) + o;
          let v = f32x4.mul(f32x4.sub(F32x4.loadPart(x + row + o, left), m), r);
          if (gain) v = f32x4.mul(v, F32x4.loadPart(gain + parameter, left));
          if (bias) v = f32x4.add(v, F32x4.loadPart(bias + parameter, left));
          F32x4.storePart(y + row + o, v, left);
        }
      }
    }
  }
}

/**
 * `dx = r (e - mean(e) - (x - mean) r^2 mean(e (x - mean))) + beta dx`, `e = dy gain`, r of `stats`, the means over a group of an item;
 * without `centred` there is no mean(e). With beta 0 dx may be dy. Sliced by item.
 */
export function groupNormBackward(
  dx: usize,
  x: usize,
  dy: usize,
  stats: usize,
  gain: usize,
  items: i32,
  positions: i32,
  channels: i32,
  groups: i32,
  centred: i32,
  beta: i32,
  thread: i32,
  threads: i32,
): void {
  const width = channels / groups;
  const count = <f64>positions * <f64>width;
  const step = (<usize>channels) << 2;
  const one = f32x4.splat(1);
  const end = Slice.end(items, 1, thread, threads);
  for (let item = Slice.begin(items, 1, thread, threads); item < end; item++) {
    for (let g = 0; g < groups; g++) {
      const from = <usize>item * <usize>positions * step + ((<usize>(g * width)) << 2);
      const at = stats + ((<usize>(item * groups + g)) << 3);
      const mean = load<f32>(at);
      const rstd = load<f32>(at, 4);
      const m = f32x4.splat(mean);
      const r = f32x4.splat(rstd);
      let s0 = f64x2.splat(0);
      let s1 = s0;
      let t0 = s0;
      let t1 = s0;
      for (let p = 0; p < positions; p++) {
        const row = from + <usize>p * step;
        for (let c = 0; c < width; c += 4) {
          const left = width - c;
          const o = (<usize>c) << 2;
          const w = gain ? F32x4.loadPart(gain + ((<usize>(g * width)) << 2) + o, left) : one;
          const e = f32x4.mul(F32x4.loadPart(dy + row + o, left), w);
          // Beyond the end e is 0, so what x - mean is there does not count.
          const d = f32x4.sub(F32x4.loadPart(x + row + o, left), m);
          const e0 = F64x2.low(e);
          const e1 = F64x2.high(e);
          s0 = f64x2.add(s0, e0);
          s1 = f64x2.add(s1, e1);
          t0 = f64x2.add(t0, f64x2.mul(e0, F64x2.low(d)));
          t1 = f64x2.add(t1, f64x2.mul(e1, F64x2.high(d)));
        }
      }
      const power = <f64>rstd * <f64>rstd;
      const a = f32x4.splat(centred ? <f32>(F64x2.sum(f64x2.add(s0, s1)) / count) : 0);
      const b = f32x4.splat(<f32>((F64x2.sum(f64x2.add(t0, t1)) / count) * power));
      for (let p = 0; p < positions; p++) {
        const row = from + <usize>p * step;
        for (let c = 0; c < width; c += 4) {
          const left = width - c;
          const o = (<usize>c) << 2;
          const w = gain ? F32x4.loadPart(gain + ((<usize>(g * width)) << 2) + o, left) : one;
          const e = f32x4.mul(F32x4.loadPart(dy + row + o, left), w);
          const d = f32x4.sub(F32x4.loadPart(x + row + o, left), m);
          let v = f32x4.mul(r, F32x4.nmadd(d, b, f32x4.sub(e, a)));
          if (beta) v = f32x4.add(v, F32x4.loadPart(dx + row + o, left));
          F32x4.storePart(dx + row + o, v, left);
        }
      }
    }
  }
}

/**
 * `dgain[c] = sum of dy (x - mean) r + gainBeta dgain[c]`, `dbias[c] = sum of dy + biasBeta dbias[c]` over items and positions, rows in
 * order, in f64. Either may be 0: not wanted. Sliced by column.
 */
export function groupNormParameters(
  dgain: usize,
  dbias: usize,
  x: usize,
  dy: usize,
  stats: usize,
  items: i32,
  positions: i32,
  channels: i32,
  groups: i32,
  gainBeta: i32,
  biasBeta: i32,
  thread: i32,
  threads: i32,
): void {
  const width = channels / groups;
  const step = (<usize>channels) << 2;
  const end = Slice.end(channels, GRAIN, thread, threads);
  for (let c = Slice.begin(channels, GRAIN, thread, threads); c < end; c += 4) {
    const left = end - c;
    const o = (<usize>c) << 2;
    let s0 = f64x2.splat(0);
    let s1 = s0;
    let t0 = s0;
    let t1 = s0;
    const g0 = (<usize>(c / width)) << 3;
    const g1 = (<usize>(min<i32>(c + 1, channels - 1) / width)) << 3;
    const g2 = (<usize>(min<i32>(c + 2, channels - 1) / width)) << 3;
    const g3 = (<usize>(min<i32>(c + 3, channels - 1) / width)) << 3;
    let at = o;
    for (let item = 0; item < items; item++) {
      const own = stats + ((<usize>(item * groups)) << 3);
      let m = v128.load32_splat(own + g0);
      m = v128.load32_lane(own + g1, m, 1);
      m = v128.load32_lane(own + g2, m, 2);
      m = v128.load32_lane(own + g3, m, 3);
      let r = v128.load32_splat(own + g0, 4);
      r = v128.load32_lane(own + g1, r, 1, 4);
      r = v128.load32_lane(own + g2, r, 2, 4);
      r = v128.load32_lane(own + g3, r, 3, 4);
      for (let p = 0; p < positions; p++) {
        const d = F32x4.loadPart(dy + at, left);
        const n = f32x4.mul(f32x4.sub(F32x4.loadPart(x + at, left), m), r);
        const d0 = F64x2.low(d);
        const d1 = F64x2.high(d);
        s0 = f64x2.add(s0, d0);
        s1 = f64x2.add(s1, d1);
        t0 = f64x2.add(t0, f64x2.mul(d0, F64x2.low(n)));
        t1 = f64x2.add(t1, f64x2.mul(d1, F64x2.high(n)));
        at += step;
      }
    }
    if (dgain) addSums(dgain + o, t0, t1, gainBeta, left);
    if (dbias) addSums(dbias + o, s0, s1, biasBeta, left);
  }
}

/** `out = sums + beta out`, four at most, rounded once. */
function addSums(out: usize, low: v128, high: v128, beta: i32, left: i32): void {
  if (beta) {
    const before = F32x4.loadPart(out, left);
    low = f64x2.add(low, F64x2.low(before));
    high = f64x2.add(high, F64x2.high(before));
  }
  F32x4.storePart(out, demote(low, high), left);
}

/** `y += rate (factor x - y)`: a running mean of x. Sliced by element. */
export function follow(
  y: usize,
  x: usize,
  rate: f32,
  factor: f32,
  n: i32,
  thread: i32,
  threads: i32,
): void {
  const a = f32x4.splat(rate);
  const f = f32x4.splat(factor);
  const begin = Slice.begin(n, GRAIN, thread, threads);
  y += (<usize>begin) << 2;
  x += (<usize>begin) << 2;
  for (let left = Slice.end(n, GRAIN, thread, threads) - begin; left > 0; left -= 4) {
    const old = F32x4.loadPart(y, left);
    const d = f32x4.sub(f32x4.mul(f, F32x4.loadPart(x, left)), old);
    F32x4.storePart(y, f32x4.add(old, f32x4.mul(a, d)), left);
    y += 16;
    x += 16;
  }
}
