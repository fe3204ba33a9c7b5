/** Where in its source a datum is wrong. */
export interface Where {
  /** Byte offset from the start of the (decompressed) file. */
  readonly offset?: number;
  /** Counted from 1: a line of a text file, an example of anything else. */
  readonly row?: number;
  /** A column's name, or its number counted from 1. */
  readonly column?: string;
}

export interface DataErrorDetails {
  /** The file, or the data set, that is wrong. */
  readonly source: string;
  readonly where?: Where;
  /** Completes "expected …". */
  readonly expected: string;
  /** Completes "got …". */
  readonly got: string;
  /** The way to mend it: completes "expected …, got …; …". */
  readonly hint: string;
  readonly cause?: unknown;
}

/**
 * Data that cannot be used as they are. The message is one sentence:
 * `file.csv, row 7: expected 5 values as in row 1, got 4; check the row for a missing delimiter`.
 *
 * Text that came from a file is made printable and cut short, so a message can go to a terminal or a page as it is.
 */
export class DataError extends Error {
  override readonly name = "DataError";
  readonly source: string;
  readonly where: Where;
  readonly expected: string;
  readonly got: string;
  readonly hint: string;

  constructor({ source, where = {}, expected, got, hint, cause }: DataErrorDetails) {
    const place = `${printable(source, 200)}${describe(where)}`;
    super(
      `${place}: expected ${expected}, got ${got}; ${hint}`,
      cause === undefined ? undefined : { cause },
    );
    this.source = source;
    this.where = where;
    this.expected = expected;
    this.got = got;
    this.hint = hint;
  }
}

/** `"text"`, printable and at most 40 characters long: for a value that came from a file. */
export function quote(text: string): string {
  return `"${printable(text, 40)}"`;
}

/** `"a", "b", "c"`, at most `limit` of them. */
export function quoteList(names: readonly string[], limit = 12): string {
  const shown = names.slice(0, limit).map(quote).join(", ");
  return names.length > limit ? `${shown} and ${names.length - limit} more` : shown;
}

/** `1 row`, `2 rows`. */
export function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? "" : "s"}`;
}

function describe({ row, column, offset }: Where): string {
  return (
    (row === undefined ? "" : `, row ${row}`) +
    (column === undefined ? "" : `, column ${column}`) +
    (offset === undefined ? "" : `, byte ${offset}`)
  );
}

/** Control characters can drive a terminal, direction marks can reorder a line: both are written as escapes. */
function printable(text: string, limit: number): string {
  let shown = "";
  let length = 0;
  for (const character of text) {
    if (length++ === limit) return `${shown}…`;
    const code = character.codePointAt(0)!;
    shown += isUnprintable(code) ? `\\u{${code.toString(16)}}` : character;
  }
  return shown;
}

function isUnprintable(code: number): boolean {
  return (
    code < 0x20 ||
    (code >= 0x7f && code < 0xa0) ||
    (code >= 0x200b && code <= 0x200f) ||
    (code >= 0x2028 && code <= 0x202e) ||
    (code >= 0x2060 && code <= 0x206f) ||
    (code >= 0xd800 && code < 0xe000) ||
    code === 0xfeff
  );
}
