import {
  KC,
  MC,
  MR,
  NC,
  NR,
  OUTER_UP_TO_K,
  PACK_A_FROM_N,
  PACK_B_FROM_M,
  SWAP_UP_TO_M,
} from "../blocking";
import { F32x4 } from "../simd";
import { Slice } from "../thread";
import { Activation, activationForward } from "./activations";
import { vectorProduct } from "./gemv";
import { columns8, columns16, rows8, rows16 } from "./microkernels";
import { Block, packA, packB } from "./pack";

/**
 * `C = f(A B + bias + beta C)` for A [m, k], B [k, n], C [m, n], each with a row and a column stride in elements.
 *
 * GotoBLAS: slivers of B (NR wide) stream against slivers of A (MR high); A and B are copied into slivers only where that
 * repays. Rows are divided into slivers of nearly equal height, so that no m leaves a thin one. The order of the additions in a
 * cell depends on k alone. One row or column, and k = 1, have kernels of their own.
 *
 * `bias` (n values, or 0 for none) needs beta 0; `ws` has `gemmWorkspace` bytes, this thread's own. `tile` (8 or 16) is the width
 * of the micro-kernels: 16 where the engine makes 256-bit instructions of pairs, else 8. The bits are the same.
 */
// biome-ignore format: one line an operand
export function gemm(
  c: usize, rsc: i32, csc: i32,
  a: usize, rsa: i32, csa: i32,
  b: usize, rsb: i32, csb: i32,
  bias: usize, ws: usize,
  m: i32, n: i32, k: i32,
  beta: i32, activation: i32, alpha: f32, tile: i32,
  thread: i32, threads: i32,
): void {
  assert(m >= 0 && n >= 0 && k >= 0, "gemm: a size is negative");
  assert(!bias || beta == 0, "gemm: a bias needs beta 0");
  assert(tile == 8 || tile == 16, "gemm: the tile is 8 or 16");
  if (m == 1 && (csb == 1 || rsb == 1)) {
    vectorProduct(c, csc, b, rsb, csb, a, csa, bias, 1, ws, n, k, beta, activation, alpha, thread, threads);
  } else if (n == 1 && (rsa == 1 || csa == 1)) {
    vectorProduct(c, rsc, a, csa, rsa, b, rsb, bias, 0, ws, m, k, beta, activation, alpha, thread, threads);
  } else if (!bias && activation == Activation.linear && prefersSwap(rsc, csc, rsb, csb, m)) {
    product(c, csc, rsc, b, csb, rsb, a, csa, rsa, 0, ws, n, m, k, beta, activation, alpha, tile, thread, threads);
  } else {
    product(c, rsc, csc, a, rsa, csa, b, rsb, csb, bias, ws, m, n, k, beta, activation, alpha, tile, thread, threads);
  }
}

/** Bytes of workspace a thread needs for an m x n x k product in either order of the operands. */
export function gemmWorkspace(m: i32, n: i32, k: i32): usize {
  const kc = <usize>max(1, min(k, KC));
  const wide = <usize>min(max(m, n), NC) + NR;
  return EDGE + kc * (<usize>MC + <usize>wide) * sizeof<f32>();
}

/** `(A B)' = B' A'`: for a C with contiguous columns, and for a transposed B that is long against m. */
function prefersSwap(rsc: i32, csc: i32, rsb: i32, csb: i32, m: i32): bool {
  if (csc != 1) return rsc == 1;
  return rsb == 1 && csb != 1 && m <= SWAP_UP_TO_M;
}

/** Bytes of the MR x NR cells that edges are computed in. */
const EDGE: usize = 384;
const ROW_EDGE: usize = 64;

// biome-ignore format: one line an operand
function product(
  c: usize, rsc: i32, csc: i32,
  a: usize, rsa: i32, csa: i32,
  b: usize, rsb: i32, csb: i32,
  bias: usize, ws: usize,
  m: i32, n: i32, k: i32,
  beta: i32, activation: i32, alpha: f32, tile: i32,
  thread: i32, threads: i32,
): void {
  const rowC = <usize>rsc << 2;
  const columnC = <usize>csc << 2;
  const rowA = <usize>rsa << 2;
  const stepA = <usize>csa << 2;
  const stepB = <usize>rsb << 2;
  const columnB = <usize>csb << 2;

  // Threads share out slivers of rows, or of columns where there are more of those.
  const slivers = (m + MR - 1) / MR;
  let first = 0;
  let last = slivers;
  if (threads > 1) {
    if ((n + NR - 1) / NR > slivers) {
      const begin = Slice.begin(n, NR, thread, threads);
      n = Slice.end(n, NR, thread, threads) - begin;
      c += <usize>begin * columnC;
      b += <usize>begin * columnB;
      if (bias) bias += (<usize>begin) << 2;
    } else {
      first = Slice.begin(slivers, 1, thread, threads);
      last = Slice.end(slivers, 1, thread, threads);
    }
  }
  if (first >= last || n <= 0) return;
  const height = m / slivers;
  const taller = m - height * slivers; // the first ones have a row more

  if (k > 0 && k <= OUTER_UP_TO_K && csc == 1 && csb == 1) {
    const i0 = first * height + min(first, taller);
    const i1 = last * height + min(last, taller);
    const init = beta ? c + <usize>i0 * rowC : bias;
    outerProduct(
      c + <usize>i0 * rowC, rowC, a + <usize>i0 * rowA, rowA, stepA, b, stepB, init, beta ? rowC : 0, i1 - i0, n, k,
    );
    if (activation != Activation.linear) {
      activate(c + <usize>i0 * rowC, rowC, columnC, i1 - i0, n, n, activation, alpha);
    }
    return;
  }

  const packedA = ws + EDGE;
  const packedB = packedA + (<usize>min(k, KC) * MC << 2);
  const copiesA = n >= PACK_A_FROM_N;
  const copiesB = columnB != 4 || (last - first) * MR >= PACK_B_FROM_M;
  const isColumns = copiesA || rowA == 4;
  const group = MC / MR;
  const kBlocks = max(1, (k + KC - 1) / KC);

  let p0 = 0;
  for (let kBlock = 0; kBlock < kBlocks; kBlock++) {
    const kc = (k - p0 + (kBlocks - kBlock) - 1) / (kBlocks - kBlock);
    const sums = beta != 0 || kBlock > 0;
    const isLast = kBlock == kBlocks - 1;

    for (let j0 = 0; j0 < n; j0 += NC) {
      const nc = min(NC, n - j0);
      const blockB = b + <usize>p0 * stepB + <usize>j0 * columnB;
      packSlivers(packedB, blockB, stepB, columnB, kc, nc, copiesB);

      for (let s0 = first; s0 < last; s0 += group) {
        const s1 = min(last, s0 + group);
        const i0 = s0 * height + min(s0, taller);
        if (copiesA) {
          let to = packedA;
          let from = a + <usize>i0 * rowA + <usize>p0 * stepA;
          for (let s = s0; s < s1; s++) {
            const mr = height + i32(s < taller);
            packA(to, from, rowA, stepA, mr, kc);
            to += <usize>(mr * kc) << 2;
            from += <usize>mr * rowA;
          }
        }

        for (let j = 0; j < nc; j += NR) {
          const cols = min(NR, nc - j);
          const inPlaceB = !copiesB && cols == NR;
          const sliverB = inPlaceB
            ? blockB + (<usize>j << 2)
            : packedB + (copiesB ? <usize>(kc * j) << 2 : 0);
          const strideB: usize = inPlaceB ? stepB : cols > 8 ? 64 : 32;
          const width = cols > 8 ? tile : 8;
          let sliverA = copiesA ? packedA : a + <usize>i0 * rowA + <usize>p0 * stepA;
          let row = c + <usize>i0 * rowC + <usize>(j0 + j) * columnC;

          for (let s = s0; s < s1; s++) {
            const mr = height + i32(s < taller);
            const strideA = copiesA ? <usize>mr << 2 : stepA;

            for (let h = 0; h < cols; h += width) {
              const some = min(width, cols - h);
              const cell = row + <usize>h * columnC;
              const halfB = sliverB + (<usize>h << 2);
              const init = sums ? cell : bias ? bias + (<usize>(j0 + j + h) << 2) : 0;
              const rowInit = sums ? rowC : 0;
              const isDirect = csc == 1 && some == width;
              const to = isDirect ? cell : ws;
              const rowTo: usize = isDirect ? rowC : ROW_EDGE;
              const add = isDirect ? init : 0;
              if (isColumns) {
                if (width == 8) columns8(mr, kc, sliverA, strideA, halfB, strideB, to, rowTo, add, rowInit);
                else columns16(mr, kc, sliverA, strideA, halfB, strideB, to, rowTo, add, rowInit);
              } else {
                if (width == 8) rows8(mr, kc, sliverA, rowA, stepA, halfB, strideB, to, rowTo, add, rowInit);
                else rows16(mr, kc, sliverA, rowA, stepA, halfB, strideB, to, rowTo, add, rowInit);
              }
              if (!isDirect) {
                storeEdge(cell, rowC, columnC, ws, mr, some, init, rowInit, sums ? columnC : 4);
              }
            }
            sliverA += copiesA ? <usize>(mr * kc) << 2 : <usize>mr * rowA;
            row += <usize>mr * rowC;
          }
        }

        if (isLast && activation != Activation.linear) {
          const end = s1 * height + min(s1, taller);
          activate(c + <usize>i0 * rowC + <usize>j0 * columnC, rowC, columnC, end - i0, nc, n, activation, alpha);
        }
      }
    }
    p0 += kc;
  }
}

/** `C = init + A B` for few columns of A, each row of C in one go. Strides in bytes. */
// biome-ignore format: one line an operand
function outerProduct(
  c: usize, rowC: usize, a: usize, rowA: usize, stepA: usize, b: usize, stepB: usize,
  init: usize, rowInit: usize, m: i32, n: i32, k: i32,
): void {
  const zero = f32x4.splat(0);
  for (let i = 0; i < m; i++) {
    const first = v128.load32_splat(a);
    let j = 0;
    // One product a cell: all that is left is the write, so nothing else may stand in its loop (31 against 13 GFLOP/s).
    if (k == 1 && !init) {
      for (; j + 8 <= n; j += 8) {
        const at = <usize>j << 2;
        const x0 = F32x4.madd(first, v128.load(b + at), zero);
        const x1 = F32x4.madd(first, v128.load(b + at, 16), zero);
        v128.store(c + at, x1, 16);
        v128.store(c + at, x0);
      }
    }
    for (; j + 8 <= n; j += 8) {
      const at = <usize>j << 2;
      let x0 = F32x4.madd(first, v128.load(b + at), zero);
      let x1 = F32x4.madd(first, v128.load(b + at, 16), zero);
      let cellA = a;
      let cellB = b + at;
      for (let p = 1; p < k; p++) {
        cellA += stepA;
        cellB += stepB;
        const s = v128.load32_splat(cellA);
        x0 = F32x4.madd(s, v128.load(cellB), x0);
        x1 = F32x4.madd(s, v128.load(cellB, 16), x1);
      }
      if (init) {
        const t0 = v128.load(init + at);
        const t1 = v128.load(init + at, 16);
        v128.store(c + at, f32x4.add(x1, t1), 16);
        v128.store(c + at, f32x4.add(x0, t0));
      } else {
        v128.store(c + at, x1, 16);
        v128.store(c + at, x0);
      }
    }
    for (; j < n; j += 4) {
      const at = <usize>j << 2;
      const left = n - j;
      let x = zero;
      let cellA = a;
      let cellB = b + at;
      for (let p = 0; p < k; p++) {
        x = F32x4.madd(v128.load32_splat(cellA), F32x4.loadPart(cellB, left), x);
        cellA += stepA;
        cellB += stepB;
      }
      if (init) x = f32x4.add(x, F32x4.loadPart(init + at, left));
      F32x4.storePart(c + at, x, left);
    }
    a += rowA;
    c += rowC;
    init += rowInit;
  }
}

/**
 * Copies all slivers of a block of B, or only its last when that is not full: nothing beyond n may be read. A last sliver of at most
 * half the columns is packed half as wide.
 */
function packSlivers(
  to: usize,
  b: usize,
  stepB: usize,
  columnB: usize,
  kc: i32,
  nc: i32,
  all: bool,
): void {
  for (let j = all ? 0 : nc - (nc % NR); j < nc; j += NR) {
    const cols = min(NR, nc - j);
    packB(to, b + <usize>j * columnB, stepB, columnB, kc, cols, cols > 8 ? 16 : 8);
    to += (<usize>(kc * NR)) << 2;
  }
}

/** `C = edge + init` for the `mr` x `cols` cells that exist. Strides in bytes. */
function storeEdge(
  c: usize,
  rowC: usize,
  columnC: usize,
  edge: usize,
  mr: i32,
  cols: i32,
  init: usize,
  rowInit: usize,
  columnInit: usize,
): void {
  if (columnC == 4) {
    for (let i = 0; i < mr; i++) {
      let j = 0;
      for (; j + 4 <= cols; j += 4) {
        const at = (<usize>j) << 2;
        const x = v128.load(edge + at);
        v128.store(c + at, init ? f32x4.add(x, v128.load(init + at)) : x);
      }
      const rest = cols - j;
      if (rest) {
        const at = (<usize>j) << 2;
        let x = F32x4.loadTail(edge + at, rest);
        if (init) x = f32x4.add(x, F32x4.loadTail(init + at, rest));
        F32x4.storeTail(c + at, x, rest);
      }
      edge += ROW_EDGE;
      c += rowC;
      init += rowInit;
    }
    return;
  }
  let j = 0;
  if (rowC == 4 && mr >= 4 && (!init || init == c)) {
    // C's columns are contiguous: four of them are transposed at a time.
    for (; j + 4 <= cols; j += 4) {
      const to = c + <usize>j * columnC;
      const from = edge + ((<usize>j) << 2);
      if (init) Block.transposeRows(to, columnC, from, ROW_EDGE, mr, true);
      else Block.transposeRows(to, columnC, from, ROW_EDGE, mr);
    }
  }
  for (; j < cols; j++) {
    for (let i = 0; i < mr; i++) {
      let x = load<f32>(edge + <usize>i * ROW_EDGE + ((<usize>j) << 2));
      if (init) x += load<f32>(init + <usize>i * rowInit + <usize>j * columnInit);
      store<f32>(c + <usize>i * rowC + <usize>j * columnC, x);
    }
  }
}

/** Applies the epilogue's activation to a finished block of C while it is in cache. */
function activate(
  c: usize,
  rowC: usize,
  columnC: usize,
  m: i32,
  nc: i32,
  n: i32,
  activation: i32,
  alpha: f32,
): void {
  if (columnC == 4 && nc == n && rowC == (<usize>n) << 2) {
    activationForward(c, c, m * n, activation, alpha, 0, 1);
    return;
  }
  for (let i = 0; i < m; i++) {
    if (columnC == 4) {
      activationForward(c, c, nc, activation, alpha, 0, 1);
    } else {
      for (let j = 0; j < nc; j++) {
        const cell = c + <usize>j * columnC;
        activationForward(cell, cell, 1, activation, alpha, 0, 1);
      }
    }
    c += rowC;
  }
}
