import { allocate } from "./allocate.ts";
import type { Dataset } from "./dataset.ts";

export type Task = "auto" | "classification" | "regression";

/** More different labels than this are a column of text or of measurements, not classes. */
export const MAX_CLASSES = 10_000;

/** Decides, when the task is not stated, between a code and a count. */
const MAX_AUTO_CLASSES = 100;

const MISSING: ReadonlySet<string> = new Set(["", "?", "na", "n/a", "nan", "null"]);

export function isMissingLabel(cell: string): boolean {
  return MISSING.has(cell.toLowerCase());
}

/** "None" is missing in a feature, but a good name of a class. */
export function isMissing(cell: string): boolean {
  return isMissingLabel(cell) || cell.toLowerCase() === "none";
}

const INFINITIES: ReadonlyMap<string, number> = new Map(
  ["inf", "+inf", "-inf", "infinity", "+infinity", "-infinity"].map((word) => [
    word,
    word.startsWith("-") ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY,
  ]),
);

/** A decimal number, infinite when it is too large or says so; NaN for anything else, so also for "0x10", "1_000", "1,5" and "". */
export function toNumber(cell: string): number {
  if (isDecimal(cell)) return Number(cell);
  return INFINITIES.get(cell.toLowerCase()) ?? Number.NaN;
}

/** Whether there is nothing but what decimal numbers consist of. */
function isDecimal(cell: string): boolean {
  for (let i = 0; i < cell.length; i++) {
    const c = cell.charCodeAt(i);
    const isDigit = c >= 0x30 && c <= 0x39;
    if (!isDigit && c !== 0x2e && c !== 0x2d && c !== 0x2b && c !== 0x65 && c !== 0x45)
      return false;
  }
  return cell.length > 0;
}

/** Labels as values and as indices into a dictionary, until it is clear which of the two they are. */
export class Labels {
  readonly #values: Float32Array;
  readonly #ids: Int32Array;
  /** Different labels in order of appearance; given up when there are too many to be classes. */
  #dictionary: Map<string, number> | undefined = new Map();
  #isNumeric = true;
  #isWhole = true;

  constructor(source: string, rows: number) {
    this.#values = allocate(source, Float32Array, rows);
    this.#ids = allocate(source, Int32Array, rows);
  }

  addValue(row: number, value: number): void {
    this.#dictionary = undefined;
    this.#values[row] = value;
  }

  /** Whether there was room: `false` when these can be neither classes nor values. */
  add(row: number, cell: string, value: number, task: Exclude<Task, "regression">): boolean {
    this.#isNumeric &&= !Number.isNaN(value);
    this.#isWhole &&= Number.isInteger(value);
    this.#values[row] = value;
    if (this.#dictionary !== undefined) {
      const id = this.#dictionary.get(cell) ?? this.#dictionary.size;
      this.#dictionary.set(cell, id);
      this.#ids[row] = id;
      if (this.#dictionary.size <= MAX_CLASSES) return true;
      this.#dictionary = undefined;
    }
    return task === "auto" && this.#isNumeric;
  }

  finish(rows: number, task: Task): Pick<Dataset, "targets" | "classes" | "classNames"> {
    const names = this.#dictionary === undefined ? [] : [...this.#dictionary.keys()];
    const byValue = new Map(
      names.map((name) => [name, this.#isNumeric ? toNumber(name) + 0 : name]),
    );
    const different = [...new Set(byValue.values())].sort(ascending);
    if (task === "regression" || (task === "auto" && this.#isMeasured(different.length, rows))) {
      return { targets: shrink(this.#values, rows), classes: 0 };
    }
    // Numbers that are written differently, 1 and 1.0, are one class.
    const classOf = new Map(different.map((value, index) => [value, index]));
    const classOfId = names.map((name) => classOf.get(byValue.get(name)!)!);
    const targets = shrink(this.#ids, rows).map((id) => classOfId[id]!);
    return { targets, classes: different.length, classNames: different.map(String) };
  }

  #isMeasured(different: number, rows: number): boolean {
    if (!this.#isNumeric) return false;
    const areCodes = different <= MAX_AUTO_CLASSES && (2 * different <= rows || different <= 2);
    return this.#dictionary === undefined || !this.#isWhole || !areCodes;
  }
}

/** Numbers by value, text by code unit; the two never meet. */
function ascending(a: number | string, b: number | string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The values before `length`; copied only when there are others behind them. */
export function shrink<T extends Float32Array | Int32Array>(values: T, length: number): T {
  return values.length === length ? values : (values.slice(0, length) as T);
}
