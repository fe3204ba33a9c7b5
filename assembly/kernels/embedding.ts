import { F32x4 } from "../simd";
import { Slice } from "../thread";

/**
 * `y[r] = table[tokens[r]]`: y [rows, width], table [vocabulary, width], tokens whole numbers held as f32, which are not checked (below 2^24 they are exact).
 * Sliced by row.
 */
export function embed(
  y: usize,
  tokens: usize,
  table: usize,
  rows: i32,
  vocabulary: i32,
  width: i32,
  thread: i32,
  threads: i32,
): void {
  const stride = (<usize>width) << 2;
  const end = Slice.end(rows, 1, thread, threads);
  for (let r = Slice.begin(rows, 1, thread, threads); r < end; r++) {
    const token = tokenAt(tokens, r);
    assert(<u32>token < <u32>vocabulary, "embed: token out of range");
    memory.copy(y + <usize>r * stride, table + <usize>token * stride, stride);
  }
}

/**
 * `dtable[v] = sum of dy[r] over the rows with tokens[r] = v, plus beta dtable[v]`; with `skipsZero` token 0 adds nothing. The rows
 * of a token are added in order; threads share out stripes of 16 columns.
 */
export function embedBackward(
  dtable: usize,
  tokens: usize,
  dy: usize,
  rows: i32,
  vocabulary: i32,
  width: i32,
  skipsZero: i32,
  beta: i32,
  thread: i32,
  threads: i32,
): void {
  const begin = Slice.begin(width, 16, thread, threads);
  const cols = Slice.end(width, 16, thread, threads) - begin;
  if (cols <= 0) return;
  const stride = (<usize>width) << 2;
  const first = (<usize>begin) << 2;
  if (beta == 0) {
    if (cols == width) {
      memory.fill(dtable, 0, <usize>vocabulary * stride);
    } else {
      for (let v = 0; v < vocabulary; v++) {
        memory.fill(dtable + <usize>v * stride + first, 0, (<usize>cols) << 2);
      }
    }
  }
  for (let r = 0; r < rows; r++) {
    const token = tokenAt(tokens, r);
    assert(<u32>token < <u32>vocabulary, "embedBackward: token out of range");
    if (skipsZero && token == 0) continue;
    addTo(dtable + <usize>token * stride + first, dy + <usize>r * stride + first, cols);
  }
}

function tokenAt(tokens: usize, r: i32): i32 {
  return <i32>load<f32>(tokens + ((<usize>r) << 2));
}

/** `y += x` */
function addTo(y: usize, x: usize, n: i32): void {
  for (; n >= 8; n -= 8) {
    const y0 = f32x4.add(v128.load(y), v128.load(x));
    const y1 = f32x4.add(v128.load(y, 16), v128.load(x, 16));
    v128.store(y, y1, 16);
    v128.store(y, y0);
    y += 32;
    x += 32;
  }
  for (; n > 0; n -= 4) {
    F32x4.storePart(y, f32x4.add(F32x4.loadPart(y, n), F32x4.loadPart(x, n)), n);
    y += 16;
    x += 16;
  }
}

/** `mask[i] = tokens[i] == 0 ? 0 : 1` */
export function maskOfTokens(mask: usize, tokens: usize, n: i32, thread: i32, threads: i32): void {
  const end = Slice.end(n, 16, thread, threads);
  for (let i = Slice.begin(n, 16, thread, threads); i < end; i++) {
    const at = (<usize>i) << 2;
    store<f32>(mask + at, <f32>i32(load<f32>(tokens + at) != 0));
  }
}

/**
 * `y[r, c] = x[r, c] + beta y[r, c]` for rows `strideY` and `strideX` floats apart: what takes a slice of a tensor out, and puts one in.
 * Sliced by row.
 */
export function copyColumns(
  y: usize,
  strideY: i32,
  x: usize,
  strideX: i32,
  rows: i32,
  cols: i32,
  beta: i32,
  thread: i32,
  threads: i32,
): void {
  const end = Slice.end(rows, 1, thread, threads);
  for (let r = Slice.begin(rows, 1, thread, threads); r < end; r++) {
    const to = y + ((<usize>r * <usize>strideY) << 2);
    const from = x + ((<usize>r * <usize>strideX) << 2);
    if (beta) addTo(to, from, cols);
    else memory.copy(to, from, (<usize>cols) << 2);
  }
}
