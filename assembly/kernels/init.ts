import { F32x4 } from "../simd";
import { Slice } from "../thread";
import { randomNormal } from "./normal";

/** `out = value` */
export function fillConstant(out: usize, n: i32, value: f32, thread: i32, threads: i32): void {
  const end = Slice.end(n, 16, thread, threads);
  const x = f32x4.splat(value);
  let i = Slice.begin(n, 16, thread, threads);
  for (; i + 4 <= end; i += 4) v128.store(out + ((<usize>i) << 2), x);
  if (i < end) F32x4.storeTail(out + ((<usize>i) << 2), x, end - i);
}

/** `out[i][j] = i == j ? gain : 0`, row-major. */
export function fillIdentity(
  out: usize,
  rows: i32,
  cols: i32,
  gain: f32,
  thread: i32,
  threads: i32,
): void {
  const begin = Slice.begin(rows, 1, thread, threads);
  const end = Slice.end(rows, 1, thread, threads);
  const stride = (<usize>cols) << 2;
  memory.fill(out + <usize>begin * stride, 0, <usize>(end - begin) * stride);
  for (let i = begin; i < min<i32>(end, cols); i++) {
    store<f32>(out + <usize>i * stride + ((<usize>i) << 2), gain);
  }
}

/** Bytes of scratch that `fillOrthogonal` needs. A double, so that no size wraps. */
export function orthogonalScratch(rows: i32, cols: i32): f64 {
  const m = 4.0 * ceil<f64>(0.25 * <f64>max<i32>(rows, cols));
  const n = <f64>min<i32>(rows, cols);
  return 8.0 * (2.0 * n + <f64>PANEL * (m + <f64>GAP)) + 4.0 * n * m;
}

/** Columns of Q that are formed together: each reflector is read once for all of them. */
const PANEL: i32 = 4;

/** Doubles between columns, so that columns of a power of two do not fall into the same cache sets. */
const GAP: i32 = 8;

/** Reflectors and columns are padded to whole vectors, so that their loops have no tails. */
class Padded {
  @inline static length(m: i32): i32 {
    return (m + 3) & ~3;
  }
}

/**
 * `out = gain Q`, row-major; Q uniform (Haar) among the matrices with orthonormal columns if rows >= cols, else
 * orthonormal rows. Computed in f64, rounded once. `scratch` holds `orthogonalScratch(rows, cols)` bytes.
 *
 * `Q = H_1 H_2 … H_n D` is the Q of the QR factorisation of a normal matrix, with R's diagonal made positive
 * (Mezzadri, math-ph/0609050). The part of that matrix below the k-th row is, after k reflections, again a matrix of
 * independent normals, independent of the reflectors so far; so the k-th reflector is made of a fresh normal vector x_k
 * of m - k entries, and the factorisation, half of the work, is left out (Stewart, SIAM J. Numer. Anal. 17, 1980).
 * `H_k = I - tau v v'`, `v = x_k + sign(x_k0) |x_k| e_0`, `tau = 2 / v'v`, `D_kk = sign(R_kk) = -sign(x_k0)`, and +1 where
 * x_k vanishes.
 */
export function fillOrthogonal(
  out: usize,
  rows: i32,
  cols: i32,
  gain: f32,
  scratch: usize,
  k0: u32,
  k1: u32,
): void {
  const m = max<i32>(rows, cols);
  const n = min<i32>(rows, cols);
  const padded = Padded.length(m);
  const pivots = scratch; // v_0 of each reflector, f64[n]
  const taus = pivots + ((<usize>n) << 3);
  const panel = taus + ((<usize>n) << 3);
  const columnBytes = (<usize>(padded + GAP)) << 3;
  // f32[n][padded]: v_k without v_0, zeros up to row k and from row m on.
  const reflectors = panel + <usize>PANEL * columnBytes;
  drawReflectors(reflectors, pivots, taus, m, n, k0, k1);

  // Q's columns are independent of each other: e_j goes through H_j, H_j-1, … H_0, all others leave it alone.
  for (let first = 0; first < n; first += PANEL) {
    const count = min<i32>(PANEL, n - first);
    formColumns(panel, columnBytes, reflectors, pivots, taus, padded, first, count);
    for (let j = 0; j < count; j++) {
      const scale = <f64>gain * (load<f64>(pivots + ((<usize>(first + j)) << 3)) > 0 ? -1.0 : 1.0);
      const column = panel + <usize>j * columnBytes;
      const down = rows >= cols ? <usize>cols : 1;
      const at =
        out + ((rows >= cols ? <usize>(first + j) : <usize>(first + j) * <usize>cols) << 2);
      for (let i = 0; i < m; i++) {
        store<f32>(
          at + ((<usize>i * down) << 2),
          <f32>(scale * load<f64>(column + ((<usize>i) << 3))),
        );
      }
    }
  }
}

/** The reflectors: element i of x_k is element `k padded + i` of a fill by `randomNormal`, i >= k. */
function drawReflectors(
  reflectors: usize,
  pivots: usize,
  taus: usize,
  m: i32,
  n: i32,
  k0: u32,
  k1: u32,
): void {
  const padded = Padded.length(m);
  randomNormal(reflectors, n * padded, 0, 1, k0, k1, 0, 0, 1);
  for (let k = 0; k < n; k++) {
    const x = reflectors + ((<usize>k * <usize>padded) << 2);
    const x0 = <f64>load<f32>(x + ((<usize>k) << 2));
    memory.fill(x, 0, (<usize>(k + 1)) << 2);
    memory.fill(x + ((<usize>m) << 2), 0, (<usize>(padded - m)) << 2);
    let tail = 0.0;
    for (let i = k + 1; i < m; i++) {
      const xi = <f64>load<f32>(x + ((<usize>i) << 2));
      tail += xi * xi;
    }
    const norm = sqrt<f64>(x0 * x0 + tail);
    const v0 = x0 >= 0 ? x0 + norm : x0 - norm;
    store<f64>(pivots + ((<usize>k) << 3), v0);
    store<f64>(taus + ((<usize>k) << 3), norm > 0 ? 2.0 / (v0 * v0 + tail) : 0);
  }
}

/** `panel = H_0 … H_last [e_first … e_last]`, one column after the other, whole to the padded length. */
function formColumns(
  panel: usize,
  columnBytes: usize,
  reflectors: usize,
  pivots: usize,
  taus: usize,
  padded: i32,
  first: i32,
  count: i32,
): void {
  const a0 = panel;
  const a1 = a0 + columnBytes;
  const a2 = a1 + columnBytes;
  const a3 = a2 + columnBytes;
  memory.fill(panel, 0, <usize>PANEL * columnBytes);
  for (let j = 0; j < count; j++) {
    store<f64>(panel + <usize>j * columnBytes + ((<usize>(first + j)) << 3), 1);
  }
  // Dot products with the reflector to come, summed while the one before it is subtracted: one pass over the columns
  // a reflector, not two.
  let t0 = f64x2.splat(0);
  let t1 = t0;
  let t2 = t0;
  let t3 = t0;
  for (let k = first + count - 1; k >= 0; k--) {
    const v0 = load<f64>(pivots + ((<usize>k) << 3));
    const tau = load<f64>(taus + ((<usize>k) << 3));
    const row = (<usize>k) << 3;
    const s0 = f64x2.splat(Reflection.pivot(a0 + row, t0, v0, tau));
    const s1 = f64x2.splat(Reflection.pivot(a1 + row, t1, v0, tau));
    const s2 = f64x2.splat(Reflection.pivot(a2 + row, t2, v0, tau));
    const s3 = f64x2.splat(Reflection.pivot(a3 + row, t3, v0, tau));
    t0 = f64x2.splat(0);
    t1 = t0;
    t2 = t0;
    t3 = t0;
    const v = reflectors + ((<usize>k * <usize>padded) << 2);
    const next = v - (k > 0 ? (<usize>padded) << 2 : 0);
    for (let i = k & ~3; i < padded; i += 2) {
      const at = (<usize>i) << 3;
      const x = f64x2.promote_low_f32x4(v128.load64_zero(v + ((<usize>i) << 2)));
      const y = f64x2.promote_low_f32x4(v128.load64_zero(next + ((<usize>i) << 2)));
      const b0 = f64x2.sub(v128.load(a0 + at), f64x2.mul(s0, x));
      const b1 = f64x2.sub(v128.load(a1 + at), f64x2.mul(s1, x));
      const b2 = f64x2.sub(v128.load(a2 + at), f64x2.mul(s2, x));
      const b3 = f64x2.sub(v128.load(a3 + at), f64x2.mul(s3, x));
      v128.store(a0 + at, b0);
      v128.store(a1 + at, b1);
      v128.store(a2 + at, b2);
      v128.store(a3 + at, b3);
      t0 = f64x2.add(t0, f64x2.mul(y, b0));
      t1 = f64x2.add(t1, f64x2.mul(y, b1));
      t2 = f64x2.add(t2, f64x2.mul(y, b2));
      t3 = f64x2.add(t3, f64x2.mul(y, b3));
    }
  }
}

class Reflection {
  /** `s = tau (v'a)`, given the dot product of all rows but the pivot's, whose own `a -= s v_0` is done here. */
  @inline static pivot(a: usize, dot: v128, v0: f64, tau: f64): f64 {
    const x = load<f64>(a);
    const sum = f64x2.extract_lane(dot, 0) + f64x2.extract_lane(dot, 1);
    const s = tau * (sum + v0 * x);
    store<f64>(a, x - s * v0);
    return s;
  }
}
