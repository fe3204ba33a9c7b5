import Table from "cli-table3";
import pc from "picocolors";
import { visibleLength, wrap } from "./text.ts";

export type Colors = ReturnType<typeof pc.createColors>;

/** Where a command writes; in the program, `process`. */
export interface Streams {
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface OutputOptions {
  /** One JSON document on stdout, everything for people on stderr. */
  readonly json?: boolean;
  /** Only results and errors. */
  readonly quiet?: boolean;
  /** Stack traces. */
  readonly verbose?: boolean;
  /** False switches colour off; otherwise the streams and the environment decide. */
  readonly color?: boolean;
}

/** Sorts what a command has to say: results to stdout, everything else to stderr, and with `json` one document to stdout. */
export class Output {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  /** For what goes to `print`. */
  readonly colors: Colors;
  readonly errorColors: Colors;
  readonly stderr: NodeJS.WriteStream;
  readonly #streams: Streams;
  readonly #results: NodeJS.WriteStream;

  constructor(streams: Streams, options: OutputOptions = {}) {
    const { json = false, quiet = false, verbose = false, color } = options;
    this.json = json;
    this.quiet = quiet;
    this.verbose = verbose;
    this.#streams = streams;
    this.stderr = streams.stderr;
    this.#results = json ? streams.stderr : streams.stdout;
    this.colors = colorsFor(this.#results, streams.env, color);
    this.errorColors = colorsFor(streams.stderr, streams.env, color);
  }

  /** Width of lines for people. */
  get columns(): number {
    return Math.max(40, this.#results.columns ?? 100);
  }

  /** Width of tables: on a terminal that of lines, in a pipe none, since a program may read it. */
  get tableWidth(): number {
    return this.#results.isTTY === true ? this.columns : Infinity;
  }

  /** A result for people. With `json` and `quiet` there is no one to read it. */
  print(text = ""): void {
    if (!(this.json && this.quiet)) this.#results.write(`${text}\n`);
  }

  /** A result in words: broken at spaces where the terminal ends. */
  say(text: string): void {
    this.print(wrap(text, this.columns, "  "));
  }

  /** Something about the work, not its result. */
  note(text: string): void {
    const { isTTY, columns } = this.stderr;
    const shown = isTTY && columns > 0 ? wrap(text, columns, "  ") : text;
    if (!this.quiet) this.stderr.write(`${shown}\n`);
  }

  /** What should not be overlooked, even when quiet. */
  warn(text: string): void {
    this.stderr.write(`headstart: ${text}\n`);
  }

  /** The document, with `json`; numbers that are not finite become text, since JSON has none. */
  document(value: unknown): void {
    if (this.json) this.#streams.stdout.write(`${toJson(value)}\n`);
  }

  /** Text for stdout as it is, whatever reads it: CSV. */
  raw(text: string): void {
    this.#streams.stdout.write(text);
  }
}

/** JSON in which NaN and the infinities are text and typed arrays are arrays. */
export function toJson(value: unknown): string {
  return JSON.stringify(
    value,
    (_key, x: unknown) => {
      if (typeof x === "number" && !Number.isFinite(x)) return String(x);
      if (ArrayBuffer.isView(x)) return Array.from(x as Float32Array);
      return x;
    },
    2,
  );
}

/** NO_COLOR (https://no-color.org) and `--no-color` win over FORCE_COLOR, and that over what the stream is. */
export function colorsFor(
  stream: { readonly isTTY?: boolean },
  env: Streams["env"],
  color: boolean | undefined,
): Colors {
  const isForced = (env.FORCE_COLOR ?? "") !== "" && env.FORCE_COLOR !== "0";
  const isForbidden = color === false || (env.NO_COLOR ?? "") !== "" || env.FORCE_COLOR === "0";
  const isTerminal = stream.isTTY === true && env.TERM !== "dumb";
  return pc.createColors(!isForbidden && (isForced || isTerminal));
}

const BORDERLESS = {
  ...{ top: "", "top-mid": "", "top-left": "", "top-right": "" },
  ...{ bottom: "", "bottom-mid": "", "bottom-left": "", "bottom-right": "" },
  ...{ left: "", "left-mid": "", right: "", "right-mid": "" },
  ...{ mid: "─", "mid-mid": "  ", middle: "  " },
};

export interface Column {
  readonly head: string;
  readonly align?: "left" | "right";
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
  // Numbers are not cut, nor is what holds colour.
  const mayCut = cells.map(
    (texts, c) =>
      columns[c]!.align !== "right" &&
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

/** `name  value` lines, the values aligned. */
export function pairs(entries: readonly (readonly [string, string])[]): string {
  const width = Math.max(...entries.map(([name]) => name.length));
  return trimLines(entries.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join("\n"));
}

function trimLines(text: string): string {
  return text
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}
