import { KC, MC, MR, NC, PACK_A_FROM_N, PACK_B_FROM_M, SWAP_UP_TO_M } from "../blocking";
import { F32x4 } from "../simd";
import { Slice } from "../thread";
import { Activation, activationForward } from "./activations";
import { columns8, columns16, rows8, rows16 } from "./microkernels";
import { Block, packA, packB } from "./pack";

/**
 * `C = f(A B + bias + beta C)` for A [m, k], B [k, n], C [m, n], each with a row and a column stride in elements.
 *
 * GotoBLAS: slivers of B (`tile` wide) stream against slivers of A (MR high); A and B are copied into slivers only where that
 * repays. Rows are divided into slivers of nearly equal height, so that no m leaves a thin one. The order of the additions in a
 * cell depends on k alone.
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
  if (!bias && activation == Activation.linear && prefersSwap(rsc, csc, rsb, csb, m, k, beta)) {
    product(c, csc, rsc, b, csb, rsb, a, csa, rsa, 0, ws, n, m, k, beta, activation, alpha, tile, thread, threads);
  } else {
    product(c, rsc, csc, a, rsa, csa, b, rsb, csb, bias, ws, m, n, k, beta, activation, alpha, tile, thread, threads);
  }
}

/** Bytes of workspace a thread needs for an m x n x k product in either order of the operands. */
export function gemmWorkspace(m: i32, n: i32, k: i32): usize {
  const kc = <usize>min(k, KC);
  const wide = <usize>min(max(m, n), NC) + 16;
  return EDGE + kc * (<usize>MC + <usize>wide) * sizeof<f32>();
}

/** `(A B)' = B' A'`: for a C with contiguous columns, and for a transposed B that is long against m. */
function prefersSwap(rsc: i32, csc: i32, rsb: i32, csb: i32, m: i32, k: i32, beta: i32): bool {
  if (csc != 1) return rsc == 1;
  return rsb == 1 && csb != 1 && m <= SWAP_UP_TO_M && k <= KC && beta == 0;
}

/** Bytes of the MR x 16 cells that edges are computed in. */
const EDGE: usize = 384;

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
  const slivers = (m + MR - 1) / MR;
  const first = Slice.begin(slivers, 1, thread, threads);
  const last = Slice.end(slivers, 1, thread, threads);
  if (first >= last || n <= 0) return;

  const rowC = <usize>rsc << 2;
  const columnC = <usize>csc << 2;
  const rowA = <usize>rsa << 2;
  const stepA = <usize>csa << 2;
  const stepB = <usize>rsb << 2;
  const columnB = <usize>csb << 2;
  const rowTile = <usize>tile << 2;

  const edge = ws;
  const packedA = edge + EDGE;
  const packedB = packedA + (<usize>min(k, KC) * MC << 2);
  const copiesA = n >= PACK_A_FROM_N;
  const copiesB = columnB != 4 || (last - first) * MR >= PACK_B_FROM_M;
  const group = MC / MR;
  const kBlocks = max(1, (k + KC - 1) / KC);

  let p0 = 0;
  for (let kBlock = 0; kBlock < kBlocks; kBlock++) {
    const kc = (k - p0 + (kBlocks - kBlock) - 1) / (kBlocks - kBlock);
    const sums = beta != 0 || kBlock > 0;
    const isLast = kBlock == kBlocks - 1;
    const sliverBytes = <usize>kc * rowTile;

    for (let j0 = 0; j0 < n; j0 += NC) {
      const nc = min(NC, n - j0);
      const blockB = b + <usize>p0 * stepB + <usize>j0 * columnB;
      packSlivers(packedB, blockB, stepB, columnB, kc, nc, tile, copiesB);

      for (let s0 = first; s0 < last; s0 += group) {
        const s1 = min(last, s0 + group);
        if (copiesA) {
          let to = packedA;
          for (let s = s0; s < s1; s++) {
            const mr = sliverRows(m, slivers, s);
            packA(to, a + <usize>sliverStart(m, slivers, s) * rowA + <usize>p0 * stepA, rowA, stepA, mr, kc);
            to += <usize>(mr * kc) << 2;
          }
        }

        for (let j = 0; j < nc; j += tile) {
          const cols = min(tile, nc - j);
          const inPlaceB = !copiesB && cols == tile;
          const sliverB = inPlaceB
            ? blockB + (<usize>j << 2)
            : packedB + (copiesB ? <usize>(j / tile) * sliverBytes : 0);
          const strideB: usize = inPlaceB ? stepB : rowTile;
          const isDirect = csc == 1 && cols == tile;
          let from = packedA;

          for (let s = s0; s < s1; s++) {
            const mr = sliverRows(m, slivers, s);
            const i = sliverStart(m, slivers, s);
            const cell = c + <usize>i * rowC + <usize>(j0 + j) * columnC;
            const init = sums ? cell : bias ? bias + (<usize>(j0 + j) << 2) : 0;
            const rowInit = sums ? rowC : 0;
            const to = isDirect ? cell : edge;
            const rowTo: usize = isDirect ? rowC : rowTile;
            const add = isDirect ? init : 0;
            if (copiesA) {
              const stepTo = <usize>mr << 2;
              if (tile == 16) columns16(mr, kc, from, stepTo, sliverB, strideB, to, rowTo, add, rowInit);
              else columns8(mr, kc, from, stepTo, sliverB, strideB, to, rowTo, add, rowInit);
              from += <usize>(mr * kc) << 2;
            } else {
              const sliverA = a + <usize>i * rowA + <usize>p0 * stepA;
              if (rowA == 4) {
                if (tile == 16) columns16(mr, kc, sliverA, stepA, sliverB, strideB, to, rowTo, add, rowInit);
                else columns8(mr, kc, sliverA, stepA, sliverB, strideB, to, rowTo, add, rowInit);
              } else {
                if (tile == 16) rows16(mr, kc, sliverA, rowA, stepA, sliverB, strideB, to, rowTo, add, rowInit);
                else rows8(mr, kc, sliverA, rowA, stepA, sliverB, strideB, to, rowTo, add, rowInit);
              }
            }
            if (!isDirect) {
              storeEdge(cell, rowC, columnC, edge, rowTile, mr, cols, init, rowInit, sums ? columnC : 4);
            }
          }
        }

        if (isLast && activation != Activation.linear) {
          const i = sliverStart(m, slivers, s0);
          const end = sliverStart(m, slivers, s1);
          activate(c + <usize>i * rowC + <usize>j0 * columnC, rowC, columnC, end - i, nc, n, activation, alpha);
        }
      }
    }
    p0 += kc;
  }
}

/** Rows of sliver `s`: m divided as evenly as whole rows allow. */
function sliverRows(m: i32, slivers: i32, s: i32): i32 {
  return m / slivers + i32(s < m % slivers);
}

function sliverStart(m: i32, slivers: i32, s: i32): i32 {
  return s * (m / slivers) + min(s, m % slivers);
}

/** Copies all slivers of a block of B, or only its last when that is not full: nothing beyond n may be read. */
function packSlivers(
  to: usize,
  b: usize,
  stepB: usize,
  columnB: usize,
  kc: i32,
  nc: i32,
  tile: i32,
  all: bool,
): void {
  for (let j = all ? 0 : nc - (nc % tile); j < nc; j += tile) {
    packB(to, b + <usize>j * columnB, stepB, columnB, kc, min(tile, nc - j), tile);
    to += (<usize>(kc * tile)) << 2;
  }
}

/** `C = edge + init` for the `mr` x `cols` cells that exist. Strides in bytes. */
function storeEdge(
  c: usize,
  rowC: usize,
  columnC: usize,
  edge: usize,
  rowEdge: usize,
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
      edge += rowEdge;
      c += rowC;
      init += rowInit;
    }
    return;
  }
  let i = 0;
  if (rowC == 4 && !init) {
    for (; i + 4 <= mr; i += 4) {
      const from = edge + <usize>i * rowEdge;
      const to = c + ((<usize>i) << 2);
      let j = 0;
      for (; j + 4 <= cols; j += 4) {
        Block.transpose(to + <usize>j * columnC, columnC, from + ((<usize>j) << 2), rowEdge);
      }
      for (; j < cols; j++) {
        for (let r = 0; r < 4; r++) {
          store<f32>(
            to + <usize>j * columnC + ((<usize>r) << 2),
            load<f32>(from + <usize>r * rowEdge + ((<usize>j) << 2)),
          );
        }
      }
    }
  }
  for (; i < mr; i++) {
    for (let j = 0; j < cols; j++) {
      let x = load<f32>(edge + <usize>i * rowEdge + ((<usize>j) << 2));
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
