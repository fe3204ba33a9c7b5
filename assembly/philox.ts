/**
 * Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC 2011): a bijection of
 * the 128-bit counter (c0, c1, c2, c3) under the 64-bit key (k0, k1). A random number is a pure function of both, so
 * there is no state to keep, to share or to skip ahead in.
 *
 * A round: `c0' = hi(M1 c2) ^ c1 ^ k0`, `c1' = lo(M1 c2)`, `c2' = hi(M0 c0) ^ c3 ^ k1`, `c3' = lo(M0 c0)`; between
 * rounds the key advances by (W0, W1). The constants are the paper's.
 */
const M0: u32 = 0xd2511f53;
const M1: u32 = 0xcd9e8d57;
const W0: u32 = 0x9e3779b9; // golden ratio
const W1: u32 = 0xbb67ae85; // sqrt(3) - 1

const TABLE = memory.data<u32>([0xd2511f53, 0xcd9e8d57, 0x9e3779b9, 0xbb67ae85, 0, 1, 2, 3]);

/** Where draws are rejected: 0.49 are accepted at the least, so 2^-124 get that far, and no loop is endless. */
export const ATTEMPTS: u32 = 128;

const ROUNDS: i32 = 10;

/** Four counters in parallel: each vector holds one word of four blocks. */
class Product {
  /** `hi(m c)` */
  @inline static high(m: v128, c: v128): v128 {
    const low = i64x2.extmul_low_i32x4_u(c, m);
    const high = i64x2.extmul_high_i32x4_u(c, m);
    return v128.shuffle<i32>(low, high, 1, 3, 5, 7);
  }

  /** `lo(m c)`: on x64 a plain multiply beats the shuffle of the products that `high` made. */
  @inline static low(m: v128, c: v128): v128 {
    return i32x4.mul(m, c);
  }
}

/**
 * Writes the words of `groups` groups of four blocks, the first with counter (block, 0, step, attempt): 64 bytes a group, word 0 of its
 * blocks, then word 2, word 1 and word 3. 0 and 2, and 1 and 3, lie side by side because what follows does the same to both.
 *
 * Two groups go through the rounds together: one alone waits for its own products half of the time. Of the first two rounds only
 * what depends on c0 is done for each group; of an odd last pair one half is thrown away.
 */
export function philoxWords(
  out: usize,
  groups: i32,
  block: i32,
  step: u32,
  attempt: u32,
  k0: u32,
  k1: u32,
): void {
  const m0 = v128.load32_splat(TABLE);
  const m1 = v128.load32_splat(TABLE, 4);
  const w0 = v128.load32_splat(TABLE, 8);
  const w1 = v128.load32_splat(TABLE, 12);
  const lanes = v128.load(TABLE, 16);
  // The first round leaves c0 = a1 and c1 = b1 in every block, the second c3 = d2.
  const a1 = v128.xor(Product.high(m1, i32x4.splat(step)), i32x4.splat(k0));
  const b1 = i32x4.splat(M1 * step);
  const c0 = i32x4.splat(attempt ^ k1);
  const a2 = v128.xor(b1, i32x4.splat(k0 + W0));
  const c2 = v128.xor(Product.high(m0, a1), i32x4.splat(k1 + W1));
  const d2 = Product.low(m0, a1);
  const first0 = i32x4.splat(k0 + 2 * W0);
  const first1 = i32x4.splat(k1 + 2 * W1);
  for (let group = 0; group < groups; group += 2) {
    const i = i32x4.add(i32x4.splat(block + (group << 2)), lanes);
    const j = i32x4.add(i32x4.splat(block + (group << 2) + 4), lanes);
    const ic = v128.xor(Product.high(m0, i), c0);
    const jc = v128.xor(Product.high(m0, j), c0);
    let ia = v128.xor(Product.high(m1, ic), a2);
    let ja = v128.xor(Product.high(m1, jc), a2);
    let ib = Product.low(m1, ic);
    let jb = Product.low(m1, jc);
    let i2 = v128.xor(Product.low(m0, i), c2);
    let j2 = v128.xor(Product.low(m0, j), c2);
    let id = d2;
    let jd = d2;
    let key0 = first0;
    let key1 = first1;
    for (let round = 2; round < ROUNDS; round++) {
      const ix = v128.xor(Product.high(m1, i2), v128.xor(ib, key0));
      const jx = v128.xor(Product.high(m1, j2), v128.xor(jb, key0));
      const iy = v128.xor(Product.high(m0, ia), v128.xor(id, key1));
      const jy = v128.xor(Product.high(m0, ja), v128.xor(jd, key1));
      ib = Product.low(m1, i2);
      jb = Product.low(m1, j2);
      id = Product.low(m0, ia);
      jd = Product.low(m0, ja);
      ia = ix;
      ja = jx;
      i2 = iy;
      j2 = jy;
      key0 = i32x4.add(key0, w0);
      key1 = i32x4.add(key1, w1);
    }
    v128.store(out, ia);
    v128.store(out, i2, 16);
    v128.store(out, ib, 32);
    v128.store(out, id, 48);
    if (group + 1 < groups) {
      v128.store(out, ja, 64);
      v128.store(out, j2, 80);
      v128.store(out, jb, 96);
      v128.store(out, jd, 112);
    }
    out += 128;
  }
}

/** Words of words: the transpose of four vectors is two interleavings. */
export class Lanes {
  /** `a0 b0 a1 b1` */
  @inline static zipLow(a: v128, b: v128): v128 {
    return v128.shuffle<i32>(a, b, 0, 4, 1, 5);
  }

  /** `a2 b2 a3 b3` */
  @inline static zipHigh(a: v128, b: v128): v128 {
    return v128.shuffle<i32>(a, b, 2, 6, 3, 7);
  }

  /** `a0 a1 b0 b1` */
  @inline static lowHalves(a: v128, b: v128): v128 {
    return v128.shuffle<i64>(a, b, 0, 2);
  }

  /** `a2 a3 b2 b3` */
  @inline static highHalves(a: v128, b: v128): v128 {
    return v128.shuffle<i64>(a, b, 1, 3);
  }
}

/** Word `word` (0 to 3) of one block. */
export function philoxWord(word: i32, c0: u32, c1: u32, c2: u32, c3: u32, k0: u32, k1: u32): u32 {
  for (let round = 0; round < ROUNDS; round++) {
    const p0 = <u64>M0 * c0;
    const p1 = <u64>M1 * c2;
    c0 = <u32>(p1 >> 32) ^ c1 ^ k0;
    c1 = <u32>p1;
    c2 = <u32>(p0 >> 32) ^ c3 ^ k1;
    c3 = <u32>p0;
    k0 += W0;
    k1 += W1;
  }
  if (word < 2) return word == 0 ? c0 : c1;
  return word == 2 ? c2 : c3;
}

/** Word `word` of the four blocks from (block, 0, step, attempt) on: those of a group that has no room for `philoxWords`. */
export function philoxLanes(
  word: i32,
  block: i32,
  step: u32,
  attempt: u32,
  k0: u32,
  k1: u32,
): v128 {
  let lanes = i32x4.splat(philoxWord(word, block, 0, step, attempt, k0, k1));
  lanes = i32x4.replace_lane(lanes, 1, philoxWord(word, block + 1, 0, step, attempt, k0, k1));
  lanes = i32x4.replace_lane(lanes, 2, philoxWord(word, block + 2, 0, step, attempt, k0, k1));
  return i32x4.replace_lane(lanes, 3, philoxWord(word, block + 3, 0, step, attempt, k0, k1));
}
