import { allocate } from "./allocate.ts";
import { DataError } from "./errors.ts";
import type { GunzipLimits } from "./gunzip.ts";
import { gunzip, isGzip } from "./gunzip.ts";

/** The text as UTF-8 without a byte order mark, its size and encoding checked. */
export function textBytes(
  source: string,
  input: string | Uint8Array,
  limits: GunzipLimits,
): Uint8Array {
  const { maxBytes } = limits;
  if (input.length > maxBytes) {
    throw new DataError({
      source,
      expected: `at most ${maxBytes} bytes`,
      got: `${input.length}`,
      hint: "raise maxBytes, or keep a part of the file",
    });
  }
  if (typeof input === "string") return withoutMark(new TextEncoder().encode(input));
  const bytes = isGzip(input) ? inflate(source, input, limits) : input;
  checkUtf8(source, bytes);
  return withoutMark(bytes);
}

function inflate(source: string, bytes: Uint8Array, limits: GunzipLimits): Uint8Array {
  const pieces: Uint8Array[] = [];
  gunzip(source, bytes, limits, (piece) => pieces.push(piece));
  const text = allocate(
    source,
    Uint8Array,
    pieces.reduce((sum, piece) => sum + piece.length, 0),
  );
  let at = 0;
  for (const piece of pieces) {
    text.set(piece, at);
    at += piece.length;
  }
  return text;
}

/** Byte for byte, so that no text is held twice. */
function checkUtf8(source: string, bytes: Uint8Array): void {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const piece = 65_536;
  let at = 0;
  try {
    for (; at < bytes.length; at += piece) {
      decoder.decode(bytes.subarray(at, at + piece), { stream: true });
    }
    decoder.decode();
  } catch (cause) {
    const isUtf16 =
      (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
    throw new DataError({
      source,
      expected: "text in UTF-8",
      got: isUtf16 ? "UTF-16" : `other bytes after byte ${Math.min(at, bytes.length)}`,
      hint: "save the table as CSV UTF-8",
      cause,
    });
  }
}

function withoutMark(bytes: Uint8Array): Uint8Array {
  const hasMark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  return hasMark ? bytes.subarray(3) : bytes;
}

const QUOTE = 0x22;
const LF = 0x0a;
const CR = 0x0d;

/** Of the usual delimiters, the one that is most frequent outside quotes in the first line with text. */
export function discoverDelimiter(bytes: Uint8Array): string {
  const found = new Map([",", ";", "\t", "|"].map((delimiter) => [delimiter.charCodeAt(0), 0]));
  let isQuoted = false;
  let hasText = false;
  for (const byte of bytes) {
    if (byte === QUOTE) isQuoted = !isQuoted;
    if (isQuoted) continue;
    if (byte === LF || byte === CR) {
      if (hasText) break;
      continue;
    }
    hasText = true;
    const before = found.get(byte);
    if (before !== undefined) found.set(byte, before + 1);
  }
  const [best] = [...found].reduce((a, b) => (b[1] > a[1] ? b : a));
  return String.fromCharCode(best);
}

/** More cells than this are no row: csv-parse would collect them all before anyone could count. */
const MAX_COLUMNS = 2 ** 20;

/**
 * Throws a `DataError` when a row has more than 2^20 cells. Quotes come in pairs as far as the text is well formed, and csv-parse stops
 * where it is not.
 */
export function checkWidth(source: string, bytes: Uint8Array, delimiter: string): void {
  const [separator] = new TextEncoder().encode(delimiter);
  let isQuoted = false;
  let cells = 1;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (byte === QUOTE) isQuoted = !isQuoted;
    else if (isQuoted) continue;
    else if (byte === LF || byte === CR) cells = 1;
    else if (byte === separator && ++cells > MAX_COLUMNS) {
      throw new DataError({
        source,
        where: { row: lineAt(bytes, i) },
        expected: `at most ${MAX_COLUMNS} cells in a row`,
        got: "more",
        hint: "look for missing line ends, or name the delimiter",
      });
    }
  }
}

/** Lines, the last one also without its end; each of CR LF, LF and CR ends one. */
export function lineCount(bytes: Uint8Array): number {
  let lines = 1;
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] === LF || (bytes[i] === CR && bytes[i + 1] !== LF)) lines++;
  }
  return lines;
}

/** The line, from 1, of the first byte at or after `start` that is on no blank line. */
export function lineAt(bytes: Uint8Array, start: number): number {
  let first = start;
  while (first < bytes.length && (bytes[first] === LF || bytes[first] === CR)) first++;
  return lineCount(bytes.subarray(0, first));
}
