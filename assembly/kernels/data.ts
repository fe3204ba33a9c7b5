import { F32x4 } from "../simd";
import { State } from "../state";
import { Slice } from "../thread";
import { permutation } from "./random";

/**
 * `out[r] = table[index[r]]`: rows of `width` 32-bit words of any kind, i32 indices. The indices are not checked. Sliced by row.
 */
export function gatherRows(
  out: usize,
  table: usize,
  index: usize,
  rows: i32,
  width: i32,
  thread: i32,
  threads: i32,
): void {
  const stride = (<usize>width) << 2;
  const end = Slice.end(rows, 1, thread, threads);
  for (let r = Slice.begin(rows, 1, thread, threads); r < end; r++) {
    const row = table + <usize>load<u32>(index + ((<usize>r) << 2)) * stride;
    copyWords(out + <usize>r * stride, row, width);
  }
}

function copyWords(y: usize, x: usize, n: i32): void {
  for (; n >= 8; n -= 8) {
    const first = v128.load(x);
    const second = v128.load(x, 16);
    v128.store(y, second, 16);
    v128.store(y, first);
    x += 32;
    y += 32;
  }
  if (n >= 4) {
    v128.store(y, v128.load(x));
    x += 16;
    y += 16;
    n -= 4;
  }
  if (n > 0) F32x4.storeTail(y, F32x4.loadTail(x, n), n);
}

/**
 * `y[r, c] = clamp((x[r, c] - mean[c]) / std[c], -limit, limit)`, and 0 in a constant column (std = 0). A limit of Infinity is none. NaN
 * stays NaN, except in a constant column. y may be x. Sliced by row.
 */
export function standardise(
  y: usize,
  x: usize,
  mean: usize,
  std: usize,
  rows: i32,
  cols: i32,
  limit: f32,
  thread: i32,
  threads: i32,
): void {
  const most = f32x4.splat(limit);
  const least = f32x4.neg(most);
  const zero = f32x4.splat(0);
  const stride = (<usize>cols) << 2;
  const end = Slice.end(rows, 1, thread, threads);
  for (let r = Slice.begin(rows, 1, thread, threads); r < end; r++) {
    const row = <usize>r * stride;
    for (let c = 0; c < cols; c += 4) {
      const at = (<usize>c) << 2;
      const left = cols - c;
      const centred = f32x4.sub(
        F32x4.loadPart(x + row + at, left),
        F32x4.loadPart(mean + at, left),
      );
      const scale = F32x4.loadPart(std + at, left);
      // pmin(q, m) is `m < q ? m : q`: a NaN stays a NaN.
      const clamped = f32x4.pmax(f32x4.pmin(f32x4.div(centred, scale), most), least);
      F32x4.storePart(y + row + at, v128.andnot(clamped, f32x4.eq(scale, zero)), left);
    }
  }
}

/** Draws the order of the rows for the epoch that `State.step` is in, unless the one there is for it. Thread 0 only. */
export function shuffle(state: usize): void {
  const epoch = epochOf(state);
  if (load<i32>(state, State.permutationEpoch) == epoch) return;
  store<i32>(state, epoch, State.permutationEpoch);
  const k0 = load<u32>(state, State.shuffleKey);
  const k1 = load<u32>(state, State.shuffleKey + 4);
  permutation(
    load<usize>(state, State.permutation),
    load<i32>(state, State.rows),
    k0,
    k1,
    epoch,
    0,
    1,
  );
}

/**
 * Copies the batch of step `State.step` out of the resident set: rows [s B, s B + rows) of the epoch's order, where s counts the
 * steps of the epoch and B is `State.batchSize`. Widths are words a row.
 */
export function gatherBatch(
  inputs: usize,
  targets: usize,
  state: usize,
  rows: i32,
  inputWidth: i32,
  targetWidth: i32,
  thread: i32,
  threads: i32,
): void {
  const batch = load<i32>(state, State.batchSize);
  const stepInEpoch = stepOnSet(state) % stepsPerEpoch(state);
  const index = load<usize>(state, State.permutation) + ((<usize>(stepInEpoch * batch)) << 2);
  gatherRows(inputs, load<usize>(state, State.inputs), index, rows, inputWidth, thread, threads);
  gatherRows(targets, load<usize>(state, State.targets), index, rows, targetWidth, thread, threads);
}

function stepsPerEpoch(state: usize): i32 {
  const batch = load<i32>(state, State.batchSize);
  return (load<i32>(state, State.rows) + batch - 1) / batch;
}

function stepOnSet(state: usize): i32 {
  return load<i32>(state, State.step) - load<i32>(state, State.firstStep);
}

function epochOf(state: usize): i32 {
  return stepOnSet(state) / stepsPerEpoch(state);
}
