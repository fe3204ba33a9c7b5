import { cosTurns, log, sinTurns } from "./portable-math.ts";

/** The four words of one Philox block. */
export type Words = [number, number, number, number];

/**
 * Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC 2011): the ten-round bijection
 * of a 128-bit counter under a 64-bit key, in place.
 */
export function philox4x32(counter: Words, key0: number, key1: number): Words {
  let [c0, c1, c2, c3] = counter;
  let k0 = key0;
  let k1 = key1;
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(0xd2511f53, c0);
    const low0 = Math.imul(0xd2511f53, c0);
    const high1 = multiplyHigh(0xcd9e8d57, c2);
    const low1 = Math.imul(0xcd9e8d57, c2);
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c1 = low1 >>> 0;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0 >>> 0;
    k0 = (k0 + 0x9e3779b9) >>> 0; // the golden ratio
    k1 = (k1 + 0xbb67ae85) >>> 0; // sqrt(3) - 1
  }
  counter[0] = c0;
  counter[1] = c1;
  counter[2] = c2;
  counter[3] = c3;
  return counter;
}

/**
 * Random numbers as a pure function of (seed, stream name, index): any element can be drawn on its own, in any order, with the
 * same bits on every engine.
 *
 * Key: the low word of the seed, and its high word xor the FNV-1a hash of the name's UTF-16 units. Element `i` of the stream of words is
 * word `i mod 4` of block `floor(i / 4)`, whose counter is (block mod 2^32, floor(block / 2^32), 0, 0).
 */
export class RandomStream {
  readonly #key0: number;
  readonly #key1: number;
  // The block drawn last: neighbours are usually asked for one after the other.
  #block = -1;
  readonly #words: Words = [0, 0, 0, 0];

  constructor(seed: number, name: string) {
    checkSeed(seed);
    this.#key0 = seed >>> 0;
    this.#key1 = (Math.floor(seed / 2 ** 32) ^ fnv1a(name)) >>> 0;
  }

  /** Element `index`: a whole number below 2^32. */
  word(index: number): number {
    const block = Math.floor(index / 4);
    if (block !== this.#block) {
      const words = this.#words;
      words[0] = block >>> 0;
      words[1] = Math.floor(block / 2 ** 32);
      words[2] = 0;
      words[3] = 0;
      philox4x32(words, this.#key0, this.#key1);
      this.#block = block;
    }
    return this.#words[index % 4]!;
  }

  /** Uniform on [0, 1) with 53 bits, from words `2 index` and `2 index + 1`. */
  uniform(index: number): number {
    const high = this.word(2 * index) >>> 5;
    const low = this.word(2 * index + 1) >>> 6;
    return (high * 2 ** 26 + low) / 2 ** 53;
  }

  /** N(0, 1) by Box and Muller: elements `2k` and `2k + 1` are the cosine and the sine of uniforms `2k`, `2k + 1`. */
  normal(index: number): number {
    const pair = index - (index % 2);
    const radius = Math.sqrt(-2 * log(1 - this.uniform(pair)));
    const turns = this.uniform(pair + 1);
    return radius * (index === pair ? cosTurns(turns) : sinTurns(turns));
  }
}

/**
 * A permutation of `0 … n - 1` by Fisher and Yates: for `i = n - 1 … 1`, swap `i` with `floor(w_i (i + 1) / 2^32)`, where `w_i`
 * is word `i` of the stream. The bias is below `n / 2^32`.
 */
export function permutation(n: number, stream: RandomStream): Int32Array {
  const order = Int32Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor((stream.word(i) * (i + 1)) / 2 ** 32);
    const held = order[i]!;
    order[i] = order[j]!;
    order[j] = held;
  }
  return order;
}

/** Seeds are whole numbers that a double holds exactly. */
export function checkSeed(seed: number): void {
  if (Number.isSafeInteger(seed) && seed >= 0) return;
  throw new RangeError(`seed: expected a whole number from 0 to 2^53 - 1, got ${seed}`);
}

/** The high word of a 32 x 32-bit product, by 16-bit halves: every partial sum is below 2^53. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carry = aLow * bHigh + (middle % 0x10000);
  return (aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(carry / 0x10000)) >>> 0;
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  return hash >>> 0;
}
