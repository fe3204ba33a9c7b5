import { suggest } from "../core/nearest.ts";
import { isMissing, toNumber } from "./csv-cells.ts";
import { DataError, quote, quoteList } from "./errors.ts";

export interface Columns {
  readonly count: number;
  /** Index of the label column. */
  readonly label: number;
  readonly names: readonly string[] | undefined;
  /** Line of the first row. */
  readonly row: number;
}

/** A column's quoted name, or its number from 1. */
export function nameOf({ names }: Columns, j: number): string {
  return names === undefined ? `${j + 1}` : quote(names[j]!);
}

/** The columns that the first row, on line `row`, announces. */
export function readColumns(
  source: string,
  record: readonly string[],
  row: number,
  options: { readonly header?: boolean | "auto"; readonly label?: string | number },
): Columns {
  const { header = "auto", label = -1 } = options;
  if (typeof label === "string") {
    if (header === false) {
      throw new DataError({
        source,
        expected: "a label column by index, as the file has no header",
        got: quote(label),
        hint: "give the column's index from 0, or header: true",
      });
    }
    const names = namesOf(source, record, row);
    return { names, row, count: names.length, label: labelNamed(source, label, names, row) };
  }
  const index = label < 0 ? record.length + label : label;
  if (!Number.isInteger(index) || index < 0 || index >= record.length) {
    throw new DataError({
      source,
      where: { row },
      expected: `a label column from 0 to ${record.length - 1} (or from -${record.length} to -1)`,
      got: `${label}`,
      hint: `the columns are ${quoteList(record)}`,
    });
  }
  const isHeader = header === "auto" ? looksLikeHeader(source, record, index, row) : header;
  const names = isHeader ? namesOf(source, record, row) : undefined;
  return { names, row, count: record.length, label: index };
}

/** No number among the features: names. Nothing but numbers: data. A mixture is not guessed at. */
function looksLikeHeader(
  source: string,
  record: readonly string[],
  label: number,
  row: number,
): boolean {
  const features = record.filter((cell, j) => j !== label && !isMissing(cell));
  const text = features.find((cell) => Number.isNaN(toNumber(cell)));
  if (text === undefined) return false;
  const number = features.find((cell) => !Number.isNaN(toNumber(cell)));
  if (number === undefined) return true;
  throw new DataError({
    source,
    where: { row, column: `${record.indexOf(text) + 1}` },
    expected: "a header of names, or a row of numbers",
    got: `${quote(text)} beside ${quote(number)}`,
    hint: "say header: true if the row holds names; if it is data, turn the text into numbers or name the label column",
  });
}

function namesOf(source: string, record: readonly string[], row: number): string[] {
  const names = record.map((cell, j) => (cell === "" ? `column ${j + 1}` : cell));
  const seen = new Map<string, number>();
  for (const [j, name] of names.entries()) {
    const before = seen.get(name);
    if (before !== undefined) {
      throw new DataError({
        source,
        where: { row, column: `${j + 1}` },
        expected: "a name of its own for each column",
        got: `${quote(name)}, which column ${before + 1} has too`,
        hint: "rename one of them",
      });
    }
    seen.set(name, j);
  }
  return names;
}

function labelNamed(source: string, label: string, names: readonly string[], row: number): number {
  const index = names.indexOf(label);
  if (index >= 0) return index;
  throw new DataError({
    source,
    where: { row },
    expected: `a column named ${quote(label)}`,
    got: quoteList(names),
    hint: suggest(label, names, "name one of these columns"),
  });
}
