import type { Dataset } from "./dataset.ts";
import { createDataset } from "./dataset.ts";

/** Symbols and their numbers. Number 0 is no symbol: padding, and the end of a line. */
export interface Vocabulary {
  /** By number; `symbols[0]` is empty. */
  readonly symbols: readonly string[];
  /** Numbers there are, 0 included: the classes of a network that predicts a symbol. */
  readonly size: number;
  /** The number of each symbol. Throws a `RangeError` that names the first one that has none. */
  encode(text: string): Int32Array;
  /** The text; 0 is left out. */
  decode(codes: ArrayLike<number>): string;
}

/** The characters (code points) of a text, or of lines, in the order of their code points, numbered from 1. */
export function vocabulary(text: string | Iterable<string>): Vocabulary {
  const seen = new Set<string>();
  for (const line of typeof text === "string" ? [text] : text) {
    for (const symbol of line) seen.add(symbol);
  }
  const order = [...seen].sort((a, b) => a.codePointAt(0)! - b.codePointAt(0)!);
  const symbols: readonly string[] = Object.freeze(["", ...order]);
  const codes = new Map(symbols.map((symbol, code) => [symbol, code]));
  return {
    symbols,
    size: symbols.length,
    encode: (line) =>
      Int32Array.from([...line], (symbol, i) => {
        const code = codes.get(symbol);
        if (code !== undefined) return code;
        throw new RangeError(
          `encode: symbol ${i + 1}, ${JSON.stringify(symbol)}, is not one of the ${order.length} of the vocabulary`,
        );
      }),
    decode: (list) =>
      Array.from(list, (code) => {
        const symbol = symbols[code];
        if (symbol !== undefined) return symbol;
        throw new RangeError(`decode: expected a number from 0 to ${order.length}, got ${code}`);
      }).join(""),
  };
}

export interface TextWindowOptions {
  /** Symbols a row. */
  readonly length: number;
  /** Symbols from one window to the next. Default: 1 for `next`, `length` for `every`. */
  readonly stride?: number;
  /** What to predict: the symbol after the window, or after each of its symbols. Default `next`. */
  readonly targets?: "next" | "every";
  /** Default: that of the text. */
  readonly vocabulary?: Vocabulary;
}

/** Windows over one text: inputs [length] numbers of symbols, targets the numbers of those that follow. */
export function textWindows(text: string, options: TextWindowOptions): Dataset {
  const { length, targets = "next", vocabulary: words = vocabulary(text) } = options;
  const { stride = targets === "next" ? 1 : length } = options;
  whole("textWindows: length", length);
  whole("textWindows: stride", stride);
  const codes = words.encode(text);
  const rows = Math.floor((codes.length - length - 1) / stride) + 1;
  if (rows < 1) {
    throw new RangeError(
      `textWindows: expected a text of more than length = ${length} symbols, got ${codes.length}`,
    );
  }
  const starts = Array.from({ length: rows }, (_, i) => i * stride);
  return tokens(`text windows of ${length}`, words, {
    inputs: starts.map((at) => codes.subarray(at, at + length)),
    targets: starts.map((at) =>
      targets === "next"
        ? codes.subarray(at + length, at + length + 1)
        : codes.subarray(at + 1, at + length + 1),
    ),
  });
}

/**
 * Windows over lines, each of which is a text of its own.
 *
 * `next`: a row for each symbol of each line and for its end, the `length` symbols before it, 0 where the line has not begun.
 * `every`: a row a line, 0 and then its symbols, so that the target of each position is the symbol there and at last the end, 0;
 * behind it inputs are 0 and targets -1, nothing to learn. Lines of `length` symbols or more are cut, without an end.
 */
export function lineWindows(
  lines: readonly string[],
  options: Omit<TextWindowOptions, "stride">,
): Dataset {
  const { length, targets = "next", vocabulary: words = vocabulary(lines) } = options;
  whole("lineWindows: length", length);
  const inputs: Int32Array[] = [];
  const wanted: Int32Array[] = [];
  for (const line of lines) {
    const codes = words.encode(line);
    if (targets === "every") {
      const row = new Int32Array(length);
      row.set(codes.subarray(0, length - 1), 1);
      inputs.push(row);
      wanted.push(Int32Array.from({ length }, (_, t) => codes[t] ?? (t === codes.length ? 0 : -1)));
      continue;
    }
    for (let t = 0; t <= codes.length; t++) {
      const before = codes.subarray(Math.max(0, t - length), t);
      const row = new Int32Array(length);
      row.set(before, length - before.length);
      inputs.push(row);
      wanted.push(Int32Array.of(codes[t] ?? 0));
    }
  }
  if (inputs.length === 0)
    throw new RangeError("lineWindows: expected at least one line, got none");
  return tokens(`line windows of ${length}`, words, { inputs, targets: wanted });
}

function tokens(
  name: string,
  { size, symbols }: Vocabulary,
  all: { readonly inputs: readonly Int32Array[]; readonly targets: readonly Int32Array[] },
): Dataset {
  const rows = all.inputs.length;
  const [length, targetWidth] = [all.inputs[0]!.length, all.targets[0]!.length];
  const inputs = new Float32Array(rows * length);
  const targets = new Int32Array(rows * targetWidth);
  all.inputs.forEach((row, i) => {
    inputs.set(row, i * length);
  });
  all.targets.forEach((row, i) => {
    targets.set(row, i * targetWidth);
  });
  const classNames = symbols.map((symbol) => (symbol === "" ? "end" : symbol));
  const shape = [length];
  return createDataset({
    name,
    rows,
    shape,
    inputs,
    targets,
    classes: size,
    targetWidth,
    classNames,
  });
}

function whole(what: string, value: number): void {
  if (Number.isSafeInteger(value) && value > 0) return;
  throw new RangeError(`${what} must be a whole number of at least 1, got ${value}`);
}

/** English first names, as they are written: 4,951 female and 3,898 male ones, some in both (PDDL 1.0 / CC0 1.0). */
export async function loadNames(): Promise<{
  readonly female: readonly string[];
  readonly male: readonly string[];
}> {
  const { female, male } = await import("./sets/names.ts");
  const lines = (text: string) => Object.freeze(text.trim().split("\n"));
  return { female: lines(female), male: lines(male) };
}
