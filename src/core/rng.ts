/** The 64-bit key of a stream of random numbers, as two u32: what every kernel that draws takes as `k0, k1`. */
export interface StreamKey {
  readonly k0: number;
  readonly k1: number;
}

/**
 * `fmix64(fnv1a64(seed as 8 bytes, little-endian || name as UTF-8))`: the key of the stream `name` under `seed`.
 *
 * Streams of different names or seeds are independent, and nothing but seed and name matters: what else a program draws,
 * and in which order, does not. FNV-1a (Fowler, Noll, Vo) is a bijection of its state at each byte, fmix64 (MurmurHash3, Appleby)
 * spreads every bit over all 64. `k0` is the lower word.
 *
 * Throws a `RangeError` unless the seed is an integer in 0 … 2^53 - 1.
 */
export function streamKey(seed: number, name: string): StreamKey {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new RangeError(`streamKey: seed must be an integer from 0 to 2^53 - 1, got ${seed}`);
  }
  let hash = FNV_OFFSET;
  for (let byte = 0, rest = seed; byte < 8; byte++, rest = Math.floor(rest / 256)) {
    hash = absorb(hash, rest % 256);
  }
  for (const byte of new TextEncoder().encode(name)) hash = absorb(hash, byte);
  const { high, low } = finalize(hash);
  return { k0: low, k1: high };
}

/** An unsigned 64-bit integer in two u32: BigInt would be slower, and numbers hold 53 bits. */
interface Word64 {
  readonly high: number;
  readonly low: number;
}

const FNV_OFFSET: Word64 = { high: 0xcbf29ce4, low: 0x84222325 };
const FNV_PRIME: Word64 = { high: 0x00000100, low: 0x000001b3 };
const MURMUR_1: Word64 = { high: 0xff51afd7, low: 0xed558ccd };
const MURMUR_2: Word64 = { high: 0xc4ceb9fe, low: 0x1a85ec53 };

/** `(hash ^ byte) prime` */
function absorb({ high, low }: Word64, byte: number): Word64 {
  return multiply({ high, low: (low ^ byte) >>> 0 }, FNV_PRIME);
}

function finalize(hash: Word64): Word64 {
  return fold(multiply(fold(multiply(fold(hash), MURMUR_1)), MURMUR_2));
}

/** `x ^ (x >>> 33)` */
function fold({ high, low }: Word64): Word64 {
  return { high, low: (low ^ (high >>> 1)) >>> 0 };
}

/** `a b mod 2^64`, the lower words in halves of 16 bits, whose products a double holds exactly. */
function multiply(a: Word64, b: Word64): Word64 {
  const middle = (a.low >>> 16) * (b.low & 0xffff) + (((a.low & 0xffff) * (b.low & 0xffff)) >>> 16);
  const cross = (a.low & 0xffff) * (b.low >>> 16) + (middle % 0x10000);
  const carry =
    (a.low >>> 16) * (b.low >>> 16) + Math.floor(middle / 0x10000) + Math.floor(cross / 0x10000);
  const high = carry + Math.imul(a.high, b.low) + Math.imul(a.low, b.high);
  return { high: high >>> 0, low: Math.imul(a.low, b.low) >>> 0 };
}
