import { describe, expect, test } from "vitest";
import { streamKey } from "../../src/core/rng.ts";

const MASK = 2n ** 64n - 1n;

/** FNV-1a and MurmurHash3's finaliser as they are published, in BigInt. */
function reference(seed: number, name: string): bigint {
  const bytes = new Uint8Array(8 + Buffer.byteLength(name));
  new DataView(bytes.buffer).setBigUint64(0, BigInt(seed), true);
  bytes.set(Buffer.from(name), 8);
  let h = 0xcbf29ce484222325n;
  for (const byte of bytes) h = ((h ^ BigInt(byte)) * 0x100000001b3n) & MASK;
  h = ((h ^ (h >> 33n)) * 0xff51afd7ed558ccdn) & MASK;
  h = ((h ^ (h >> 33n)) * 0xc4ceb9fe1a85ec53n) & MASK;
  return h ^ (h >> 33n);
}

function keyAsBigInt(seed: number, name: string): bigint {
  const { k0, k1 } = streamKey(seed, name);
  return (BigInt(k1) << 32n) | BigInt(k0);
}

function bitCount(x: bigint): number {
  return x.toString(2).replaceAll("0", "").length;
}

describe("streamKey", () => {
  test("is FNV-1a of seed and name, finalised", () => {
    const names = ["", "a", "layers.0.kernel", "dropout", "naïve ∂/∂x 🎲", "x".repeat(1000)];
    const seeds = [
      0,
      1,
      42,
      255,
      256,
      2 ** 31,
      2 ** 32 - 1,
      2 ** 32,
      1e15,
      Number.MAX_SAFE_INTEGER,
    ];
    for (const name of names) {
      for (const seed of seeds) {
        expect(keyAsBigInt(seed, name), `${seed} ${name}`).toBe(reference(seed, name));
      }
    }
  });

  test("golden keys: what a seed means is part of the interface", () => {
    expect(streamKey(0, "")).toEqual({ k0: 0x29c0cc9e, k1: 0x7bd3144f });
    expect(streamKey(1, "layers.0.kernel")).toEqual({ k0: 0x298fc306, k1: 0x12c4195d });
    expect(streamKey(Number.MAX_SAFE_INTEGER, "shuffle")).toEqual({
      k0: 0x3f9a59a0,
      k1: 0x45314423,
    });
  });

  test.each([-1, 0.5, 2 ** 53, Number.NaN, Infinity])("refuses the seed %d", (seed) => {
    expect(() => streamKey(seed, "a")).toThrow(RangeError);
    expect(() => streamKey(seed, "a")).toThrow(
      `streamKey: seed must be an integer from 0 to 2^53 - 1, got ${seed}`,
    );
  });

  test("100,000 pairs of seed and name have 100,000 keys, and each word alone nearly as many", () => {
    const pairs = Array.from({ length: 100_000 }, (_, i) =>
      streamKey(i % 250, `layers.${Math.floor(i / 250)}.kernel`),
    );
    expect(new Set(pairs.map(({ k0, k1 }) => `${k0} ${k1}`)).size).toBe(pairs.length);
    // Of 32 bits 1.16 pairs are expected to collide.
    expect(new Set(pairs.map(({ k0 }) => k0)).size).toBeGreaterThan(pairs.length - 10);
    expect(new Set(pairs.map(({ k1 }) => k1)).size).toBeGreaterThan(pairs.length - 10);
  });

  test("words are unsigned 32-bit integers", () => {
    for (let seed = 0; seed < 100; seed++) {
      for (const word of Object.values(streamKey(seed, "w"))) expect(word).toBe(word >>> 0);
    }
  });

  test("any bit of the seed, and any of the name, flips half of the key", () => {
    const trials = 400;
    const check = (flips: readonly bigint[], what: string) => {
      const mean = flips.reduce((sum, f) => sum + bitCount(f), 0) / flips.length;
      expect(Math.abs(mean - 32), what).toBeLessThan((5 * 4) / Math.sqrt(flips.length));
      for (let bit = 0n; bit < 64n; bit++) {
        const rate = flips.filter((f) => (f >> bit) & 1n).length / flips.length;
        expect(Math.abs(rate - 0.5), `${what}, bit ${bit}`).toBeLessThan(
          2.5 / Math.sqrt(flips.length),
        );
      }
    };
    for (let bit = 0; bit < 53; bit += 4) {
      const flips = Array.from({ length: trials }, (_, t) => {
        const seed = t * 1_000_003;
        const other = Number(BigInt(seed) ^ (1n << BigInt(bit)));
        return keyAsBigInt(seed, "layers.3.kernel") ^ keyAsBigInt(other, "layers.3.kernel");
      });
      check(flips, `seed bit ${bit}`);
    }
    for (let bit = 0; bit < 7; bit++) {
      const flips = Array.from({ length: trials }, (_, t) => {
        const name = (code: number) => `layers.${t}.${String.fromCharCode(code)}ernel`;
        return keyAsBigInt(5, name(0x6b)) ^ keyAsBigInt(5, name(0x6b ^ (1 << bit)));
      });
      check(flips, `name bit ${bit}`);
    }
  });
});
