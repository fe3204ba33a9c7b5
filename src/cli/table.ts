import Table from "cli-table3";
import { visibleLength, wrap } from "./text.ts";

const BORDERLESS = {
  ...{ top: "", "top-mid": "", "top-left": "", "top-right": "" },
  ...{ bottom: "", "bottom-mid": "", "bottom-left": "", "bottom-right": "" },
  ...{ left: "", "left-mid": "", right: "", "right-mid": "" },
  ...{ mid: "─", "mid-mid": "  ", middle: "  " },
};

export interface Column {
  readonly head: string;
  readonly align?: "left" | "right";
  /** Never cut: names that people copy. */
  readonly isWhole?: boolean;
}

/** Text columns are cut to no less than this; a table that needs more room is shown row by row. */
const LEAST = 14;

/** Between columns. */
const GAP = 2;

/**
 * Rows under a rule, columns two spaces apart; no trailing spaces. What is wider than `width` has its widest columns of text cut, or, when
 * that is not enough, its rows one below the other as `head  value` lines.
 */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number = Infinity,
): string {
  const widths = fittingWidths(columns, rows, width);
  if (widths === undefined) return stacked(columns, rows, width);
  const cut = (text: string, c: number) => shorten(text, widths[c]!);
  const view = new Table({
    head: columns.map(({ head }, c) => cut(head, c)),
    colAligns: columns.map(({ align }) => align ?? "left"),
    chars: BORDERLESS,
    style: { "padding-left": 0, "padding-right": 0, head: [], border: [], compact: true },
  });
  view.push(...rows.map((row) => row.map(cut)));
  return trimLines(view.toString());
}

/** Widths of the columns so that all fit: the widest one that may be cut is, until they do. */
function fittingWidths(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number,
): readonly number[] | undefined {
  const cells = columns.map(({ head }, c) => [head, ...rows.map((row) => row[c] ?? "")]);
  const widths = cells.map((texts) => Math.max(...texts.map(visibleLength)));
  // Numbers are not cut, nor names, nor what holds colour.
  const mayCut = cells.map(
    (texts, c) =>
      columns[c]!.align !== "right" &&
      columns[c]!.isWhole !== true &&
      texts.every((text) => visibleLength(text) === [...text].length),
  );
  let excess = widths.reduce((sum, w) => sum + w, 0) + GAP * (columns.length - 1) - width;
  while (excess > 0) {
    const candidates = widths.map((w, c) => (mayCut[c] && w > LEAST ? w : 0));
    const widest = Math.max(...candidates);
    if (widest === 0) return undefined;
    widths[candidates.indexOf(widest)]!--;
    excess--;
  }
  return widths;
}

function stacked(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number,
): string {
  const names = Math.max(...columns.map(({ head }) => head.length));
  const indent = " ".repeat(names + GAP);
  // NUL, which no printable text has, holds the place of spaces that are no places to break at.
  const pad = (head: string) => head.padEnd(names + GAP - 1, "\0");
  const blocks = rows.map((row) =>
    columns.map(({ head }, c) => wrap(`${pad(head)} ${row[c] ?? ""}`, width, indent)).join("\n"),
  );
  return trimLines(blocks.join("\n\n").replaceAll("\0", " "));
}

/** Text in at most `width` characters, its end an ellipsis when it was longer. */
export function shorten(text: string, width: number): string {
  if (visibleLength(text) <= width) return text;
  return `${[...text]
    .slice(0, width - 1)
    .join("")
    .trimEnd()}…`;
}

/** `name  value` lines, the values aligned, broken at spaces where `width` ends. */
export function pairs(
  entries: readonly (readonly [string, string])[],
  width: number = Infinity,
): string {
  return stacked(
    entries.map(([head]) => ({ head })),
    [entries.map(([, value]) => value)],
    width,
  );
}

function trimLines(text: string): string {
  return text
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}
