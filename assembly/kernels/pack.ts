/** `[x0 y0 x1 y1]` and `[x2 y2 x3 y3]`: the halves of a 4 x 4 transpose. */
class Zip {
  @inline static low(x: v128, y: v128): v128 {
    return v128.shuffle<f32>(x, y, 0, 4, 1, 5);
  }
  @inline static high(x: v128, y: v128): v128 {
    return v128.shuffle<f32>(x, y, 2, 6, 3, 7);
  }
  @inline static lowPairs(x: v128, y: v128): v128 {
    return v128.shuffle<f64>(x, y, 0, 2);
  }
  @inline static highPairs(x: v128, y: v128): v128 {
    return v128.shuffle<f64>(x, y, 1, 3);
  }
}

/** Writes the transpose of the 4 x 4 block at `from` (rows `stepFrom` bytes apart) to `to` (rows `stepTo` apart). */
export class Block {
  @inline static transpose(to: usize, stepTo: usize, from: usize, stepFrom: usize): void {
    const r0 = v128.load(from);
    const r1 = v128.load(from + stepFrom);
    const r2 = v128.load(from + 2 * stepFrom);
    const r3 = v128.load(from + 3 * stepFrom);
    const low01 = Zip.low(r0, r1);
    const low23 = Zip.low(r2, r3);
    const high01 = Zip.high(r0, r1);
    const high23 = Zip.high(r2, r3);
    v128.store(to, Zip.lowPairs(low01, low23));
    v128.store(to + stepTo, Zip.highPairs(low01, low23));
    v128.store(to + 2 * stepTo, Zip.lowPairs(high01, high23));
    v128.store(to + 3 * stepTo, Zip.highPairs(high01, high23));
  }
}

/**
 * A sliver of A for the `columns` kernels: `to[p][i] = a[i][p]`, `mr` rows and `kc` columns, dense. Strides in bytes.
 */
export function packA(to: usize, a: usize, rowA: usize, stepA: usize, mr: i32, kc: i32): void {
  const stepTo = (<usize>mr) << 2;
  let p = 0;
  if (rowA == 4) {
    for (; p < kc; p++) {
      copyRow(to, a, mr);
      to += stepTo;
      a += stepA;
    }
    return;
  }
  if (stepA == 4 && mr >= 4) {
    for (; p + 4 <= kc; p += 4) {
      Block.transpose(to, stepTo, a, rowA);
      let row = a + 4 * rowA;
      for (let i = 4; i < mr; i++) {
        const x = v128.load(row);
        const cell = to + ((<usize>i) << 2);
        v128.store32_lane(cell, x, 0);
        v128.store32_lane(cell + stepTo, x, 1);
        v128.store32_lane(cell + 2 * stepTo, x, 2);
        v128.store32_lane(cell + 3 * stepTo, x, 3);
        row += rowA;
      }
      to += 4 * stepTo;
      a += 16;
    }
  }
  for (; p < kc; p++) {
    let row = a;
    for (let i = 0; i < mr; i++) {
      store<u32>(to + ((<usize>i) << 2), load<u32>(row));
      row += rowA;
    }
    to += stepTo;
    a += stepA;
  }
}

/**
 * A sliver of B: `to[p][j] = b[p][j]` for `cols` columns, zeros up to `tile` (8 or 16). Strides in bytes.
 */
export function packB(
  to: usize,
  b: usize,
  stepB: usize,
  columnB: usize,
  kc: i32,
  cols: i32,
  tile: i32,
): void {
  const stepTo = (<usize>tile) << 2;
  let p = 0;
  if (columnB == 4 && cols == tile) {
    if (tile == 16) {
      for (; p < kc; p++) {
        const x0 = v128.load(b);
        const x1 = v128.load(b, 16);
        const x2 = v128.load(b, 32);
        const x3 = v128.load(b, 48);
        v128.store(to, x1, 16);
        v128.store(to, x0);
        v128.store(to, x3, 48);
        v128.store(to, x2, 32);
        to += 64;
        b += stepB;
      }
      return;
    }
    for (; p < kc; p++) {
      const low = v128.load(b);
      const high = v128.load(b, 16);
      v128.store(to, high, 16);
      v128.store(to, low);
      to += 32;
      b += stepB;
    }
    return;
  }
  if (stepB == 4 && cols == tile) {
    for (; p + 4 <= kc; p += 4) {
      let column = b;
      for (let j = 0; j < tile; j += 4) {
        Block.transpose(to + ((<usize>j) << 2), stepTo, column, columnB);
        column += 4 * columnB;
      }
      to += 4 * stepTo;
      b += 16;
    }
  }
  for (; p < kc; p++) {
    let cell = b;
    let j = 0;
    for (; j < cols; j++) {
      store<u32>(to + ((<usize>j) << 2), load<u32>(cell));
      cell += columnB;
    }
    for (; j < tile; j++) store<u32>(to + ((<usize>j) << 2), 0);
    to += stepTo;
    b += stepB;
  }
}

/** Copies `count` (1 to 6) floats. */
function copyRow(to: usize, from: usize, count: i32): void {
  if (count >= 4) {
    v128.store(to, v128.load(from));
    if (count == 6) store<u64>(to, load<u64>(from, 16), 16);
    else if (count == 5) store<u32>(to, load<u32>(from, 16), 16);
    return;
  }
  for (let i = 0; i < count; i++)
    store<u32>(to + ((<usize>i) << 2), load<u32>(from + ((<usize>i) << 2)));
}
