import { parse } from "csv-parse/browser/esm/sync";
import { allocate } from "./allocate.ts";
import type { Task } from "./csv-cells.ts";
import { isMissing, isMissingLabel, Labels, MAX_CLASSES, shrink, toNumber } from "./csv-cells.ts";
import type { Columns } from "./csv-columns.ts";
import { nameOf, readColumns } from "./csv-columns.ts";
import { checkWidth, discoverDelimiter, lineAt, lineCount, textBytes } from "./csv-text.ts";
import type { Dataset } from "./dataset.ts";
import { createDataset, MAX_VALUES } from "./dataset.ts";
import { count, DataError, quote } from "./errors.ts";
import { MAX_BYTES, MAX_RATIO } from "./gunzip.ts";

// csv-parse's browser build runs in Node at the same speed (28 MB/s), so the code that tests run is the code that pages run.

export interface CsvOptions {
  /** What messages and the data set are called; default "csv". */
  readonly name?: string;
  /** Whether the first row names the columns. Default "auto": it does when none of its features is a number. */
  readonly header?: boolean | "auto";
  /** Column of the targets: its name, or its index from 0 (negative: from the end). Default: the last. */
  readonly label?: string | number;
  /**
   * Default "auto": classification when a label is no number, or when the labels are whole numbers that repeat (at most 100 different ones, and
   * two rows for each on average, or only two).
   */
  readonly task?: Task;
  /** One character. Default: of comma, semicolon, tab and bar, the one that the first line has most of. */
  readonly delimiter?: string;
  /** What to do about a row with an empty cell, or one that says NaN, NA, N/A, null, none (in a feature) or "?". Default "error". */
  readonly missing?: "error" | "drop";
  /** Most bytes of text; default 1 GiB. */
  readonly maxBytes?: number;
  /** Most rows that are kept; default 2^24. */
  readonly maxRows?: number;
  /** Of gzipped text: most bytes out for each byte in, from 16 MiB on; default 200. */
  readonly maxRatio?: number;
}

export interface CsvDataset extends Dataset {
  /** Rows left out because a value was missing. */
  readonly dropped: number;
}

/**
 * A table of numbers with a column of labels, from CSV text (RFC 4180; UTF-8, plain or gzipped; a byte order mark, any line end, blank lines and
 * spaces around cells are fine).
 *
 * Classes are the different labels in order: by value when all are numbers, else by code unit. Throws a `DataError` with the line
 * and the column.
 */
export function parseCsv(input: string | Uint8Array, options: CsvOptions = {}): CsvDataset {
  const { name: source = "csv", maxBytes = MAX_BYTES, maxRatio = MAX_RATIO } = options;
  const bytes = textBytes(source, input, { maxBytes, maxRatio });
  const delimiter = options.delimiter ?? discoverDelimiter(bytes);
  if (delimiter.length !== 1 || '"\r\n'.includes(delimiter)) {
    throw new RangeError(
      `parseCsv: delimiter must be one character, got ${JSON.stringify(delimiter)}`,
    );
  }
  checkWidth(source, bytes, delimiter);
  const table = new Table(source, bytes, delimiter, options);
  let start = 0;
  try {
    parse(bytes, {
      delimiter,
      record_delimiter: ["\r\n", "\n", "\r"],
      relax_column_count: true, // counted here, with a better message
      skip_empty_lines: true,
      trim: true,
      max_record_size: MAX_RECORD,
      on_record: (record: string[], { bytes: end }: { bytes: number }) => {
        table.add(record, start);
        start = end;
        return null;
      },
    });
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    throw syntaxError(source, lineAt(bytes, start), cause);
  }
  return table.finish();
}

/** Most bytes of a row: a lost quote or line end is found before it has swallowed the file. */
const MAX_RECORD = 2 ** 24;

const MAX_ROWS = 2 ** 24;

/** Collects rows into arrays whose size is known beforehand. */
class Table {
  readonly #source: string;
  readonly #bytes: Uint8Array;
  readonly #delimiter: string;
  readonly #options: CsvOptions;
  readonly #maxRows: number;
  #columns: Columns | undefined;
  #inputs = new Float32Array(0);
  #labels: Labels;
  #rows = 0;
  #dropped = 0;

  constructor(source: string, bytes: Uint8Array, delimiter: string, options: CsvOptions) {
    this.#source = source;
    this.#bytes = bytes;
    this.#delimiter = delimiter;
    this.#options = options;
    this.#maxRows = options.maxRows ?? MAX_ROWS;
    this.#labels = new Labels(source, 0);
  }

  /** `start`: where in the file the row begins, blank lines before it included. */
  add(record: readonly string[], start: number): void {
    if (this.#columns === undefined) {
      this.#columns = this.#begin(record, start);
      if (this.#columns.names !== undefined) return;
    }
    const columns = this.#columns;
    if (record.length !== columns.count) throw this.#ragged(columns, record, start);
    if (!this.#readCells(columns, record, start)) {
      this.#dropped++;
      return;
    }
    this.#rows++;
  }

  finish(): CsvDataset {
    const columns = this.#columns;
    const rows = this.#rows;
    if (columns === undefined || rows === 0) {
      throw new DataError({
        source: this.#source,
        expected: "at least one row of data",
        got:
          this.#dropped > 0
            ? `${count(this.#dropped, "row")}, each with a missing value`
            : columns === undefined
              ? "an empty file"
              : "only a header",
        hint:
          this.#dropped > 0
            ? "fill the values in, or leave out the column that lacks them"
            : "check that this is the right file",
      });
    }
    const features = columns.count - 1;
    const names = columns.names?.filter((_, j) => j !== columns.label);
    const dataset = createDataset({
      name: this.#source,
      rows,
      shape: [features],
      inputs: shrink(this.#inputs, rows * features),
      ...this.#labels.finish(rows, this.#options.task ?? "auto"),
      ...(names && { featureNames: names }),
    });
    return Object.freeze({ ...dataset, dropped: this.#dropped });
  }

  /** Reads the columns off the first row and makes room for all rows. */
  #begin(record: readonly string[], start: number): Columns {
    const row = this.#line(start);
    if (record.length < 2) {
      throw new DataError({
        source: this.#source,
        where: { row },
        expected: "at least two columns, a feature and a label",
        got: `one, with cells separated by ${quote(this.#delimiter)}`,
        hint: "name the delimiter if it is another one",
      });
    }
    const columns = readColumns(this.#source, record, row, this.#options);
    // A row of c cells that are not empty takes at least 2c bytes with its delimiters and line end (the last row 2c - 1), so room is never more
    // than a small multiple of the file, whatever the file says.
    const { count: width } = columns;
    const most = Math.min(
      lineCount(this.#bytes),
      Math.floor((this.#bytes.length + 1) / (2 * width)),
      this.#maxRows,
    );
    if (most * (width - 1) > MAX_VALUES) {
      throw new DataError({
        source: this.#source,
        expected: `at most ${MAX_VALUES} values`,
        got: `about ${most} rows of ${width - 1} features`,
        hint: "keep a part of the file",
      });
    }
    this.#inputs = allocate(this.#source, Float32Array, most * (width - 1));
    this.#labels = new Labels(this.#source, most);
    return columns;
  }

  #ragged(columns: Columns, record: readonly string[], start: number): DataError {
    return new DataError({
      source: this.#source,
      where: { row: this.#line(start) },
      expected: `${count(columns.count, "value")} as in row ${columns.row}`,
      got: `${record.length}`,
      hint: `look for a ${quote(this.#delimiter)} that is missing or too many, or a cell that should be quoted`,
    });
  }

  /** Puts a row into the next place; `false` when a value is missing and the row is to be dropped. */
  #readCells(columns: Columns, record: readonly string[], start: number): boolean {
    const { task = "auto" } = this.#options;
    const row = this.#rows;
    if (row === this.#maxRows) {
      throw new DataError({
        source: this.#source,
        where: { row: this.#line(start) },
        expected: `at most ${count(this.#maxRows, "row")}`,
        got: "more",
        hint: "raise maxRows, or keep a part of the file",
      });
    }
    let at = row * (columns.count - 1);
    for (let j = 0; j < record.length; j++) {
      const cell = record[j]!;
      const value = toNumber(cell);
      const isLabel = j === columns.label;
      if (!Number.isFinite(Math.fround(value))) {
        if (isLabel ? isMissingLabel(cell) : isMissing(cell)) {
          if (this.#options.missing === "drop") return false;
          throw this.#missing(columns, record, j, start);
        }
        const isText = Number.isNaN(value);
        if (!isLabel || task === "regression" || !isText) {
          throw this.#notFinite(columns, record, j, start);
        }
      }
      if (!isLabel) this.#inputs[at++] = value;
      else if (task === "regression") this.#labels.addValue(row, value);
      else if (!this.#labels.add(row, cell, value, task)) throw this.#tooMany(columns, cell, start);
    }
    return true;
  }

  #missing(columns: Columns, record: readonly string[], j: number, start: number): DataError {
    const cell = record[j]!;
    return new DataError({
      source: this.#source,
      where: { row: this.#line(start), column: nameOf(columns, j) },
      expected: j === columns.label ? "a label" : "a number",
      got: cell === "" ? "an empty cell" : quote(cell),
      hint: 'fill it in, or leave out such rows with missing: "drop"',
    });
  }

  #notFinite(columns: Columns, record: readonly string[], j: number, start: number): DataError {
    const cell = record[j]!;
    const isNumber = !Number.isNaN(toNumber(cell));
    const hasDecimalComma = !Number.isNaN(toNumber(cell.replace(",", ".")));
    const label = nameOf(columns, columns.label);
    return new DataError({
      source: this.#source,
      where: { row: this.#line(start), column: nameOf(columns, j) },
      expected: isNumber ? "a number within the range of f32 (3.4e38)" : "a number",
      got: quote(cell),
      hint: isNumber
        ? "scale the column, or remove the row"
        : hasDecimalComma
          ? "write decimals with a point"
          : `turn text into numbers, or leave the column out (the label is column ${label})`,
    });
  }

  #tooMany(columns: Columns, cell: string, start: number): DataError {
    return new DataError({
      source: this.#source,
      where: { row: this.#line(start), column: nameOf(columns, columns.label) },
      expected: `at most ${MAX_CLASSES} different labels`,
      got: `${quote(cell)} as one more`,
      hint: 'name the column of classes with label, or say task: "regression"',
    });
  }

  #line(start: number): number {
    return lineAt(this.#bytes, start);
  }
}

/** What csv-parse complains of, in the words of the table. */
function syntaxError(source: string, row: number, cause: unknown): DataError {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  const base = { source, where: { row }, cause };
  switch (code) {
    case "CSV_QUOTE_NOT_CLOSED":
      return new DataError({
        ...base,
        expected: 'a closing "',
        got: "the end of the file",
        hint: 'close the quoted cell, or double a " that is meant as a character',
      });
    case "CSV_MAX_RECORD_SIZE":
      return new DataError({
        ...base,
        expected: `a row of at most ${MAX_RECORD} bytes`,
        got: "a longer one",
        hint: 'look for a " that is not closed, or for missing line ends',
      });
    case "INVALID_OPENING_QUOTE":
    case "CSV_INVALID_CLOSING_QUOTE":
    case "CSV_NON_TRIMABLE_CHAR_AFTER_CLOSING_QUOTE":
      return new DataError({
        ...base,
        expected: "quotes around a whole cell",
        got: 'a " within one',
        hint: 'quote the whole cell and double each " in it',
      });
    default:
      return new DataError({
        ...base,
        expected: "a row of CSV",
        got: quote(cause instanceof Error ? cause.message : String(cause)),
        hint: "check the row, the delimiter and the quotes",
      });
  }
}
