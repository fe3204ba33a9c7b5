import { describe, expect, test } from "vitest";
import type { Words } from "../../src/data/philox.ts";
import { permutation, philox4x32, RandomStream } from "../../src/data/philox.ts";

const MASK = 0xffffffffn;

/** The definition, on integers that cannot overflow. */
function reference(counter: readonly bigint[], key: readonly bigint[]): bigint[] {
  let [c0, c1, c2, c3] = counter as [bigint, bigint, bigint, bigint];
  let [k0, k1] = key as [bigint, bigint];
  for (let round = 0; round < 10; round++) {
    const p0 = 0xd2511f53n * c0;
    const p1 = 0xcd9e8d57n * c2;
    [c0, c1, c2, c3] = [(p1 >> 32n) ^ c1 ^ k0, p1 & MASK, (p0 >> 32n) ^ c3 ^ k1, p0 & MASK];
    k0 = (k0 + 0x9e3779b9n) & MASK;
    k1 = (k1 + 0xbb67ae85n) & MASK;
  }
  return [c0, c1, c2, c3];
}

function fnv1a(text: string): bigint {
  let hash = 0x811c9dc5n;
  for (const unit of text) hash = ((hash ^ BigInt(unit.charCodeAt(0))) * 0x01000193n) & MASK;
  return hash;
}

/** Word `index` of a stream, by the rule that the class documents. */
function wordOf(seed: bigint, name: string, index: bigint): number {
  const block = index / 4n;
  const key = [seed & MASK, (seed >> 32n) ^ fnv1a(name)];
  return Number(reference([block & MASK, block >> 32n, 0n, 0n], key)[Number(index % 4n)]);
}

const F = 0xffffffff;

describe("philox4x32", () => {
  // kat_vectors of Random123 1.14
  test.each<[Words, number, number, Words]>([
    [[0, 0, 0, 0], 0, 0, [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]],
    [[F, F, F, F], F, F, [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd]],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      0xa4093822,
      0x299f31d0,
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ])("gives the known answer for counter %s", (counter, key0, key1, expected) => {
    expect(philox4x32([...counter], key0, key1)).toEqual(expected);
  });

  test("equals its definition on 2,000 counters and keys that it makes itself", () => {
    let words: Words = [1, 2, 3, 4];
    for (let i = 0; i < 2000; i++) {
      const [k0, k1] = [words[1], words[2]];
      const expected = reference(words.map(BigInt), [BigInt(k0), BigInt(k1)]).map(Number);
      words = philox4x32([...words], k0, k1);
      expect(words).toEqual(expected);
    }
  });
});

describe("RandomStream", () => {
  test("follows the documented rule for any seed, name and index, in any order", () => {
    for (const seed of [0, 1, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER]) {
      const stream = new RandomStream(seed, "spirals/noise");
      for (const index of [0, 7, 3, 4, 2 ** 34 + 5, 1, 2 ** 50, 2]) {
        expect(stream.word(index)).toBe(wordOf(BigInt(seed), "spirals/noise", BigInt(index)));
      }
    }
  });

  test("uniforms are the top 53 bits of two words", () => {
    const stream = new RandomStream(3, "u");
    for (let i = 0; i < 100; i++) {
      const bits = (BigInt(stream.word(2 * i)) << 32n) | BigInt(stream.word(2 * i + 1));
      const exact = ((bits >> 37n) << 26n) | ((bits & MASK) >> 6n);
      expect(stream.uniform(i)).toBe(Number(exact) / 2 ** 53);
      expect(stream.uniform(i)).toBeLessThan(1);
    }
  });

  test("normals have the moments of N(0, 1) and follow Box and Muller", () => {
    const stream = new RandomStream(11, "n");
    const n = 20_000;
    const moments = [0, 0, 0, 0];
    for (let i = 0; i < n; i++) {
      const x = stream.normal(i);
      for (let k = 0; k < 4; k++) moments[k]! += x ** (k + 1) / n;
    }
    // Five standard errors: the variances of x, x^2, x^3, x^4 are 1, 2, 15 and 96.
    const expected = [0, 1, 0, 3];
    const variances = [1, 2, 15, 96];
    for (let k = 0; k < 4; k++) {
      expect(Math.abs(moments[k]! - expected[k]!)).toBeLessThan(5 * Math.sqrt(variances[k]! / n));
    }
    const radius = Math.sqrt(-2 * Math.log(1 - stream.uniform(40)));
    const angle = 2 * Math.PI * stream.uniform(41);
    expect(stream.normal(40)).toBeCloseTo(radius * Math.cos(angle), 12);
    expect(stream.normal(41)).toBeCloseTo(radius * Math.sin(angle), 12);
  });

  test.each([-1, 0.5, 2 ** 53, Number.NaN])("rejects seed %s", (seed) => {
    expect(() => new RandomStream(seed, "x")).toThrow(
      new RangeError(`seed: expected a whole number from 0 to 2^53 - 1, got ${seed}`),
    );
  });
});

describe("permutation", () => {
  test("is Fisher and Yates over the stream's words", () => {
    for (const [n, seed] of [
      [1, 0],
      [2, 1],
      [97, 2],
      [1797, 2 ** 40 + 1],
    ] as const) {
      const order = Array.from({ length: n }, (_, i) => i);
      for (let i = n - 1; i > 0; i--) {
        const word = BigInt(wordOf(BigInt(seed), "p", BigInt(i)));
        const j = Number((word * BigInt(i + 1)) >> 32n);
        [order[i], order[j]] = [order[j]!, order[i]!];
      }
      const got = [...permutation(n, new RandomStream(seed, "p"))];
      expect(got).toEqual(order);
      expect(got.toSorted((a, b) => a - b)).toEqual(Array.from({ length: n }, (_, i) => i));
    }
  });
});
