import { Gunzip } from "fflate";
import { DataError } from "./errors.ts";

export interface GunzipLimits {
  /** Most bytes that may come out. */
  readonly maxBytes: number;
  /** Most bytes out for each byte in, asked as the data come; deflate itself can reach 1032. */
  readonly maxRatio: number;
}

/** Most bytes that a file of any format may hold, and most that may come out of a compressed one: 1 GiB. */
export const MAX_BYTES: number = 2 ** 30;

/** Real data compress to a tenth; labels in sorted order to a hundredth. */
export const MAX_RATIO = 200;

/** The ratio is not asked of outputs below this, 16 MiB: a run of zeros is no bomb, and this much harms nobody. */
const FREE_BYTES = 2 ** 24;

/** Input is fed in pieces of this size, so at most 1032 times as much comes out between two looks at the limits: 8 MiB. */
const PIECE = 8192;

export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/**
 * Inflates a gzip file (of one or more members) piece by piece into `accept`, which may throw to stop it.
 *
 * Stops as soon as the output passes the limits; verifies the CRC-32 and the length that each member ends with, which fflate does not.
 */
export function gunzip(
  source: string,
  bytes: Uint8Array,
  limits: GunzipLimits,
  accept: (piece: Uint8Array) => void,
): void {
  const table = crcTable();
  let total = 0;
  let consumed = 0;
  let memberBytes = 0;
  let crc = -1;

  const endMember = (end: number): void => {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const isWhole =
      end >= 18 && // a header of 10 bytes and a trailer of 8
      view.getUint32(end - 8, true) === ~crc >>> 0 &&
      view.getUint32(end - 4, true) === memberBytes >>> 0;
    if (!isWhole) {
      throw new DataError({
        source,
        where: { offset: Math.max(0, end - 8) },
        expected: "the gzip checksum and length of what was decompressed",
        got: "others",
        hint: "the file is truncated or damaged; fetch it again",
      });
    }
    memberBytes = 0;
    crc = -1;
  };

  const stream = new Gunzip((piece) => {
    total += piece.length;
    const error = sizeError(source, consumed, total, limits);
    if (error) throw error;
    for (let i = 0; i < piece.length; i++) crc = table[(crc ^ piece[i]!) & 0xff]! ^ (crc >>> 8);
    memberBytes += piece.length;
    accept(piece);
  });
  stream.onmember = endMember;

  try {
    while (consumed < bytes.length) {
      const piece = bytes.subarray(consumed, consumed + PIECE);
      consumed += piece.length;
      stream.push(piece, consumed === bytes.length);
    }
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    throw new DataError({
      source,
      expected: "a gzip file",
      got: `data that do not decompress (${messageOf(cause)})`,
      hint: "the file is truncated or damaged; fetch it again",
      cause,
    });
  }
  endMember(bytes.length);
}

/** Why `output` bytes must not come out of `input` bytes, or `undefined` when they may. */
export function sizeError(
  source: string,
  input: number,
  output: number,
  { maxBytes, maxRatio }: GunzipLimits,
): DataError | undefined {
  const limit = Math.min(maxBytes, Math.max(FREE_BYTES, maxRatio * input));
  if (output <= limit) return undefined;
  return new DataError({
    source,
    expected: `at most ${limit} bytes out of ${input} compressed ones`,
    got: "more",
    hint:
      limit === maxBytes
        ? "if the file is what it should be, raise maxBytes"
        : "this looks like a decompression bomb; if the file is what it should be, raise maxRatio",
  });
}

/** Of the reflected polynomial 0xEDB88320 (RFC 1952, section 8). */
function crcTable(): Int32Array {
  return Int32Array.from({ length: 256 }, (_, byte) => {
    let c = byte;
    for (let bit = 0; bit < 8; bit++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
    return c;
  });
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
