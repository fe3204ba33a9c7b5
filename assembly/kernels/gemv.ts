import { KC, NC } from "../blocking";
import { F32x4 } from "../simd";
import { Slice } from "../thread";
import { Activation, activationForward } from "./activations";
import { Zip } from "./pack";

/**
 * `y = f(x B + bias + beta y)` for one row x [k], B [k, n], y [n], with B's rows or its columns contiguous: gemm with one row, or
 * with one column and the operands exchanged. A step of 0 for the bias adds the one value to every element.
 *
 * Each element's sum is taken in gemm's order, so that a row gives the same bits alone as among others: B streams through once
 * and is never added up across lanes. `ws` holds the sums of at most NC elements. Threads share out the elements.
 */
// biome-ignore format: one line an operand
export function vectorProduct(
  y: usize, stepY: i32,
  b: usize, rsb: i32, csb: i32,
  x: usize, stepX: i32,
  bias: usize, stepBias: i32, ws: usize,
  n: i32, k: i32,
  beta: i32, activation: i32, alpha: f32,
  thread: i32, threads: i32,
): void {
  const end = Slice.end(n, 16, thread, threads);
  const stepB = <usize>rsb << 2;
  const columnB = <usize>csb << 2;
  const kBlocks = max(1, (k + KC - 1) / KC);
  for (let j0 = Slice.begin(n, 16, thread, threads); j0 < end; j0 += NC) {
    const nc = min(NC, end - j0);
    const out = y + ((<usize>j0 * stepY) << 2);
    let p0 = 0;
    for (let kBlock = 0; kBlock < kBlocks; kBlock++) {
      const kc = (k - p0 + (kBlocks - kBlock) - 1) / (kBlocks - kBlock);
      const blockB = b + <usize>p0 * stepB + <usize>j0 * columnB;
      const blockX = x + ((<usize>p0 * stepX) << 2);
      if (columnB == 4) addRows(ws, blockB, stepB, blockX, <usize>stepX << 2, kc, nc);
      else addColumns(ws, blockB, columnB, blockX, <usize>stepX << 2, kc, nc);
      if (beta != 0 || kBlock > 0) finish(out, stepY, ws, out, stepY, nc);
      else finish(out, stepY, ws, bias ? bias + ((<usize>j0 * stepBias) << 2) : 0, stepBias, nc);
      p0 += kc;
    }
    if (activation == Activation.linear) continue;
    if (stepY == 1) {
      activationForward(out, out, nc, activation, alpha, 0, 1);
    } else {
      for (let j = 0; j < nc; j++) {
        const cell = out + ((<usize>j * stepY) << 2);
        activationForward(cell, cell, 1, activation, alpha, 0, 1);
      }
    }
  }
}

/** `sums = x B` with contiguous rows: eight of them at a time are added to all sums. Strides in bytes. */
// biome-ignore format: one line an operand
function addRows(sums: usize, b: usize, stepB: usize, x: usize, stepX: usize, k: i32, n: i32): void {
  memory.fill(sums, 0, <usize>n << 2);
  let p = 0;
  for (; p + 8 <= k; p += 8) {
    const x0 = v128.load32_splat(x);
    const x1 = v128.load32_splat(x + stepX);
    const x2 = v128.load32_splat(x + 2 * stepX);
    const x3 = v128.load32_splat(x + 3 * stepX);
    const x4 = v128.load32_splat(x + 4 * stepX);
    const x5 = v128.load32_splat(x + 5 * stepX);
    const x6 = v128.load32_splat(x + 6 * stepX);
    const x7 = v128.load32_splat(x + 7 * stepX);
    let j = 0;
    for (; j + 8 <= n; j += 8) {
      const to = sums + ((<usize>j) << 2);
      const b0 = b + ((<usize>j) << 2);
      const b1 = b0 + stepB;
      const b2 = b1 + stepB;
      const b3 = b2 + stepB;
      const b4 = b3 + stepB;
      const b5 = b4 + stepB;
      const b6 = b5 + stepB;
      const b7 = b6 + stepB;
      let low = F32x4.madd(x0, v128.load(b0), v128.load(to));
      let high = F32x4.madd(x0, v128.load(b0, 16), v128.load(to, 16));
      low = F32x4.madd(x1, v128.load(b1), low);
      high = F32x4.madd(x1, v128.load(b1, 16), high);
      low = F32x4.madd(x2, v128.load(b2), low);
      high = F32x4.madd(x2, v128.load(b2, 16), high);
      low = F32x4.madd(x3, v128.load(b3), low);
      high = F32x4.madd(x3, v128.load(b3, 16), high);
      low = F32x4.madd(x4, v128.load(b4), low);
      high = F32x4.madd(x4, v128.load(b4, 16), high);
      low = F32x4.madd(x5, v128.load(b5), low);
      high = F32x4.madd(x5, v128.load(b5, 16), high);
      low = F32x4.madd(x6, v128.load(b6), low);
      high = F32x4.madd(x6, v128.load(b6, 16), high);
      low = F32x4.madd(x7, v128.load(b7), low);
      high = F32x4.madd(x7, v128.load(b7, 16), high);
      v128.store(to, high, 16);
      v128.store(to, low);
    }
    for (; j < n; j += 4) {
      const at = (<usize>j) << 2;
      const left = n - j;
      let row = b + at;
      let sum = F32x4.loadPart(sums + at, left);
      for (let r = 0, xr = x; r < 8; r++, xr += stepX, row += stepB) {
        sum = F32x4.madd(v128.load32_splat(xr), F32x4.loadPart(row, left), sum);
      }
      F32x4.storePart(sums + at, sum, left);
    }
    b += 8 * stepB;
    x += 8 * stepX;
  }
  for (; p < k; p++) {
    const s = v128.load32_splat(x);
    for (let j = 0; j < n; j += 4) {
      const at = (<usize>j) << 2;
      const left = n - j;
      const sum = F32x4.madd(s, F32x4.loadPart(b + at, left), F32x4.loadPart(sums + at, left));
      F32x4.storePart(sums + at, sum, left);
    }
    b += stepB;
    x += stepX;
  }
}

/** Four columns' sums after four more rows: the 4 x 4 block at `b` is transposed on the way. */
class Four {
  @inline static step(sum: v128, b: usize, columnB: usize, x: usize, stepX: usize): v128 {
    const r0 = v128.load(b);
    const r1 = v128.load(b + columnB);
    const r2 = v128.load(b + 2 * columnB);
    const r3 = v128.load(b + 3 * columnB);
    const low01 = Zip.low(r0, r1);
    const low23 = Zip.low(r2, r3);
    const high01 = Zip.high(r0, r1);
    const high23 = Zip.high(r2, r3);
    sum = F32x4.madd(v128.load32_splat(x), Zip.lowPairs(low01, low23), sum);
    sum = F32x4.madd(v128.load32_splat(x + stepX), Zip.highPairs(low01, low23), sum);
    sum = F32x4.madd(v128.load32_splat(x + 2 * stepX), Zip.lowPairs(high01, high23), sum);
    return F32x4.madd(v128.load32_splat(x + 3 * stepX), Zip.highPairs(high01, high23), sum);
  }

  @inline static one(sum: v128, b: usize, columnB: usize, x: usize): v128 {
    return F32x4.madd(v128.load32_splat(x), F32x4.gather(b, columnB), sum);
  }
}

/** `sums = x B` with contiguous columns, sixteen of them at a time. Strides in bytes. */
// biome-ignore format: one line an operand
function addColumns(sums: usize, b: usize, columnB: usize, x: usize, stepX: usize, k: i32, n: i32): void {
  let j = 0;
  for (; j + 16 <= n; j += 16) {
    let sum0 = f32x4.splat(0);
    let sum1 = f32x4.splat(0);
    let sum2 = f32x4.splat(0);
    let sum3 = f32x4.splat(0);
    let from = b;
    let xp = x;
    let p = 0;
    for (; p + 4 <= k; p += 4) {
      sum0 = Four.step(sum0, from, columnB, xp, stepX);
      sum1 = Four.step(sum1, from + 4 * columnB, columnB, xp, stepX);
      sum2 = Four.step(sum2, from + 8 * columnB, columnB, xp, stepX);
      sum3 = Four.step(sum3, from + 12 * columnB, columnB, xp, stepX);
      from += 16;
      xp += 4 * stepX;
    }
    for (; p < k; p++) {
      sum0 = Four.one(sum0, from, columnB, xp);
      sum1 = Four.one(sum1, from + 4 * columnB, columnB, xp);
      sum2 = Four.one(sum2, from + 8 * columnB, columnB, xp);
      sum3 = Four.one(sum3, from + 12 * columnB, columnB, xp);
      from += 4;
      xp += stepX;
    }
    v128.store(sums, sum0);
    v128.store(sums, sum1, 16);
    v128.store(sums, sum2, 32);
    v128.store(sums, sum3, 48);
    sums += 64;
    b += 16 * columnB;
  }
  for (; j + 4 <= n; j += 4) {
    let sum = f32x4.splat(0);
    let from = b;
    let xp = x;
    let p = 0;
    for (; p + 4 <= k; p += 4) {
      sum = Four.step(sum, from, columnB, xp, stepX);
      from += 16;
      xp += 4 * stepX;
    }
    for (; p < k; p++) {
      sum = Four.one(sum, from, columnB, xp);
      from += 4;
      xp += stepX;
    }
    v128.store(sums, sum);
    sums += 16;
    b += 4 * columnB;
  }
  for (; j < n; j++) {
    let sum = f32x4.splat(0);
    let xp = x;
    for (let p = 0; p < k; p++) {
      sum = F32x4.madd(v128.load32_splat(xp), v128.load32_splat(b + ((<usize>p) << 2)), sum);
      xp += stepX;
    }
    v128.store32_lane(sums, sum, 0);
    sums += 4;
    b += columnB;
  }
}

/** `y = sums + init`; `init` 0 overwrites. Strides in elements. */
function finish(y: usize, stepY: i32, sums: usize, init: usize, stepInit: i32, n: i32): void {
  let j = 0;
  if (stepY == 1 && (!init || stepInit == 1)) {
    for (; j + 4 <= n; j += 4) {
      const at = (<usize>j) << 2;
      const x = v128.load(sums + at);
      v128.store(y + at, init ? f32x4.add(x, v128.load(init + at)) : x);
    }
  }
  for (; j < n; j++) {
    let x = load<f32>(sums + ((<usize>j) << 2));
    if (init) x += load<f32>(init + ((<usize>j * stepInit) << 2));
    store<f32>(y + ((<usize>j * stepY) << 2), x);
  }
}
