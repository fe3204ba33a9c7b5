import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { parseCsv } from "../../src/data/csv.ts";
import { gunzip, MAX_BYTES, MAX_RATIO } from "../../src/data/gunzip.ts";
import { dataErrorOf } from "./support.ts";

const LIMITS = { maxBytes: MAX_BYTES, maxRatio: MAX_RATIO };
const damaged = "the file is truncated or damaged; fetch it again";

/** What comes out, as far as it comes. */
function read(bytes: Uint8Array, limits = LIMITS): { length: number; text: string } {
  const out: number[] = [];
  let length = 0;
  gunzip("f.gz", bytes, limits, (piece) => {
    length += piece.length;
    if (length < 1000) out.push(...piece);
  });
  return { length, text: new TextDecoder().decode(Uint8Array.from(out)) };
}

/** The message with which it stops, and the bytes that it had passed on by then. */
function measure(bytes: Uint8Array, limits: typeof LIMITS): { message: string; passed: number } {
  let passed = 0;
  const { message } = dataErrorOf(() =>
    gunzip("f", bytes, limits, (piece) => {
      passed += piece.length;
    }),
  );
  return { message, passed };
}

describe("gunzip", () => {
  test("inflates stored, fixed and dynamic blocks, one member or many, an empty one too", () => {
    const text = "abcabcabcabd, some text that repeats, some text that repeats. ";
    for (const level of [0, 1, 9]) {
      const member = gzipSync(text, { level });
      expect(read(member).text).toBe(text);
      const several = Buffer.concat([member, gzipSync(""), member]);
      expect(read(several).text).toBe(text + text);
    }
    expect(read(gzipSync("")).length).toBe(0);
  });

  test("inflates several megabytes that do not compress", () => {
    let state = 1;
    const noise = Uint8Array.from({ length: 3_000_001 }, () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state >>> 24;
    });
    const pieces: Uint8Array[] = [];
    gunzip("f", gzipSync(noise), LIMITS, (piece) => pieces.push(piece));
    expect(Buffer.concat(pieces).equals(noise)).toBe(true);
  });

  const member = new Uint8Array(gzipSync("some bytes"));
  const end = member.length;
  const flip = (at: number) => member.map((byte, i) => (i === at ? byte ^ 1 : byte));
  const checksum = (at: number) =>
    `f.gz, byte ${at}: expected the gzip checksum and length of what was decompressed, got others; ${damaged}`;
  test.each<[string, Uint8Array, string]>([
    ["a wrong checksum", flip(end - 8), checksum(end - 8)],
    ["a wrong length", flip(end - 1), checksum(end - 8)],
    ["a trailer cut short", member.subarray(0, -1), checksum(end - 9)],
    [
      "a wrong checksum in the first member of two",
      Buffer.concat([flip(end - 8), member]),
      checksum(end - 8),
    ],
    [
      "three bytes after the end",
      Buffer.concat([member, Uint8Array.of(0, 0, 0)]),
      checksum(end - 5),
    ],
    [
      "other bytes after the end",
      Buffer.concat([member, new Uint8Array(20)]),
      `f.gz: expected a gzip file, got data that do not decompress (invalid gzip data); ${damaged}`,
    ],
    ["the magic bytes alone", Uint8Array.of(0x1f, 0x8b), checksum(0)],
  ])("refuses %s", (_, bytes, message) => {
    expect(dataErrorOf(() => read(bytes)).message).toBe(message);
  });

  test("passes on no byte of a bomb beyond the limit, and says which limit", () => {
    const bomb = gzipSync(new Uint8Array(2 ** 25), { level: 9 });
    const ratio = measure(bomb, LIMITS);
    expect(ratio.message).toMatch(
      /^f: expected at most 16777216 bytes out of (16384|24576) compressed ones, got more; this looks like a decompression bomb; if the file is what it should be, raise maxRatio$/,
    );
    expect(ratio.passed).toBeLessThanOrEqual(2 ** 24);
    const absolute = measure(bomb, { maxBytes: 1000, maxRatio: 2000 });
    expect(absolute.message).toMatch(/if the file is what it should be, raise maxBytes$/);
    expect(absolute.passed).toBeLessThanOrEqual(1000);
    expect(read(bomb, { maxBytes: 2 ** 26, maxRatio: 1100 }).length).toBe(2 ** 25);
  });

  test("a bomb of many members is one bomb", () => {
    const member = gzipSync(new Uint8Array(2 ** 20), { level: 9 });
    const bomb = Buffer.concat(Array<Buffer>(24).fill(member));
    const { message, passed } = measure(bomb, LIMITS);
    expect(message).toMatch(/expected at most 16777216 bytes out of/);
    expect(passed).toBeLessThanOrEqual(2 ** 24);
  });

  test("the ratio is free to 16 MiB, and beyond that counts what has been read so far", () => {
    expect(read(gzipSync(new Uint8Array(2 ** 24))).length).toBe(2 ** 24);
    // Zeros at the end of enough that does not compress are within the ratio.
    const noise = gzipSync(
      Uint8Array.from({ length: 300_000 }, (_, i) => Math.imul(i, i) >>> 5),
      {
        level: 0,
      },
    );
    const zeros = gzipSync(new Uint8Array(2 ** 25));
    expect(read(Buffer.concat([noise, zeros])).length).toBe(300_000 + 2 ** 25);
    expect(measure(Buffer.concat([zeros, noise]), LIMITS).message).toMatch(/bomb/);
  });

  test("what takes the output may stop it", () => {
    const stop = new RangeError("enough");
    const error = dataErrorOf(() =>
      gunzip("f", member, LIMITS, () => {
        throw stop;
      }),
    );
    expect(error.cause).toBe(stop);
  });

  test("a table that is a bomb is refused", () => {
    const bomb = gzipSync("\n".repeat(32 * 2 ** 20), { level: 9 });
    expect(dataErrorOf(() => parseCsv(bomb)).hint).toMatch(/^this looks like a decompression bomb/);
  });
});
