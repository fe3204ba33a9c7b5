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

const TABLE = memory.data<u32>([0xd2511f53, 0xcd9e8d57, 0x9e3779b9, 0xbb67ae85]);

/** Where draws are rejected: 0.49 are accepted at the least, so 2^-124 get that far, and no loop is endless. */
export const ATTEMPTS: u32 = 128;

/**
 * Four counters in parallel: each vector holds one word of four blocks. A function returns one vector and a round makes
 * four, so each kernel writes the loop over the rounds out.
 */
export class Philox {
  static readonly ROUNDS: i32 = 10;

  @inline static m0(): v128 {
    return v128.load32_splat(TABLE);
  }

  @inline static m1(): v128 {
    return v128.load32_splat(TABLE, 4);
  }

  @inline static w0(): v128 {
    return v128.load32_splat(TABLE, 8);
  }

  @inline static w1(): v128 {
    return v128.load32_splat(TABLE, 12);
  }

  /** `hi(m c) ^ x ^ k` */
  @inline static high(m: v128, c: v128, x: v128, k: v128): v128 {
    const low = i64x2.extmul_low_i32x4_u(c, m);
    const high = i64x2.extmul_high_i32x4_u(c, m);
    return v128.xor(v128.shuffle<i32>(low, high, 1, 3, 5, 7), v128.xor(x, k));
  }

  /** `lo(m c)`: on x64 a plain multiply beats the shuffle of the products that `high` made. */
  @inline static low(m: v128, c: v128): v128 {
    return i32x4.mul(m, c);
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
  for (let round = 0; round < Philox.ROUNDS; round++) {
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
