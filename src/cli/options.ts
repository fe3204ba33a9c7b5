import { didYouMean } from "../core/nearest.ts";
import { UsageError } from "./exit.ts";
import { printable } from "./text.ts";

// Parsers of option values, which need nothing of the library (network-options.ts has those that do). Each takes the option's name, which its messages begin with, and gives what commander calls with the text.

export type Parser<T> = (text: string) => T;

/** Most layers that can be asked for: deeper networks are made with the library. */
const MAX_DEPTH = 10_000;

export const OPTIMIZERS = ["sgd", "momentum", "nesterov", "rmsprop", "adam", "adamw"] as const;
export type OptimizerName = (typeof OPTIMIZERS)[number];

/** A finite decimal number. Unlike `Number`, it refuses "", "0x10" and "Infinity". */
export function parseNumber(flag: string, text: string, expected = "a number"): number {
  const isDecimal = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text.trim());
  const value = isDecimal ? Number(text) : Number.NaN;
  if (Number.isFinite(value)) return value;
  return refuse(flag, expected, text);
}

/** A number above 0. */
export function positive(flag: string): Parser<number> {
  return (text) => {
    const expected = "a positive number such as 0.01 or 1e-3";
    const value = parseNumber(flag, text, expected);
    return value > 0 ? value : refuse(flag, expected, text);
  };
}

/** A number that is not negative. */
export function nonNegative(flag: string): Parser<number> {
  return (text) => {
    const expected = "a number of at least 0 such as 0.01 or 1e-4";
    const value = parseNumber(flag, text, expected);
    return value >= 0 ? value : refuse(flag, expected, text);
  };
}

/** A number from 0 to below 1. */
export function share(flag: string): Parser<number> {
  return (text) => {
    const expected = "a number from 0 to below 1 such as 0.1";
    const value = parseNumber(flag, text, expected);
    return value >= 0 && value < 1 ? value : refuse(flag, expected, text);
  };
}

/** A whole number from `least` to `most`. */
export function whole(
  flag: string,
  least = 1,
  most: number = Number.MAX_SAFE_INTEGER,
): Parser<number> {
  return (text) => {
    const range =
      most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
    const expected = `a whole number ${range}`;
    const value = parseNumber(flag, text, expected);
    if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
    return refuse(flag, expected, text);
  };
}

/** Weight layers of a network, the output layer included. */
export function depth(flag: string): Parser<number> {
  return whole(flag, 1, MAX_DEPTH);
}

/** One of a list of words. */
export function choice<const T extends string>(flag: string, words: readonly T[]): Parser<T> {
  return (text) => {
    const word = words.find((w) => w === text);
    if (word !== undefined) return word;
    return refuse(flag, `one of ${words.join(", ")}`, text, didYouMean(text, words));
  };
}

/** Units of the hidden layers: `128,64`; `none` for a network that is linear in its inputs. */
export function hidden(flag: string): Parser<readonly number[]> {
  return (text) => {
    if (text === "none") return [];
    const sizes = text.split(",");
    if (sizes.length > MAX_DEPTH) refuse(flag, `at most ${MAX_DEPTH} layers`, `${sizes.length}`);
    return sizes.map((size) => {
      const expected = 'units of the hidden layers such as 128,64 (each at least 1), or "none"';
      const value = parseNumber(flag, size, expected);
      return Number.isSafeInteger(value) && value >= 1 ? value : refuse(flag, expected, text);
    });
  };
}

/** `auto`, or a positive number. */
export function rateOrAuto(flag: string): Parser<number | "auto"> {
  return (text) => {
    if (text === "auto") return "auto";
    const expected = 'a positive number such as 0.01, or "auto"';
    const value = parseNumber(flag, text, expected);
    return value > 0 ? value : refuse(flag, expected, text);
  };
}

/** `auto`, or a whole number of threads. */
export function threadsOrAuto(flag: string): Parser<number | "auto"> {
  return (text) => {
    if (text === "auto") return "auto";
    const expected = 'a whole number from 1 to 64, or "auto"';
    const value = parseNumber(flag, text, expected);
    if (Number.isSafeInteger(value) && value >= 1 && value <= 64) return value;
    return refuse(flag, expected, text);
  };
}

/** `balanced`, or a number a class, separated by commas. */
export function classWeights(flag: string): Parser<"balanced" | readonly number[]> {
  const expected = 'numbers of at least 0 such as 1,5, one for each class, or "balanced"';
  return (text) => {
    if (text === "balanced") return text;
    return text.split(",").map((part) => {
      const value = parseNumber(flag, part, expected);
      return value >= 0 ? value : refuse(flag, expected, text);
    });
  };
}

/** How often: by the clock, or by steps. */
export type Every = { readonly seconds: number } | { readonly steps: number };

/** `30s`, `5m`, `1h`, `200steps`. */
export function every(flag: string): Parser<Every> {
  const units = { s: 1, m: 60, h: 3600 } as const;
  return (text) => {
    const [, number = "", unit = ""] = /^([\d.]+) ?(s|m|h|steps?)$/.exec(text.trim()) ?? [];
    const expected = "a time or a number of steps such as 30s, 5m, 1h or 200steps";
    const value = number === "" ? 0 : parseNumber(flag, number, expected);
    const isWhole = !unit.startsWith("step") || Number.isSafeInteger(value);
    if (!(value > 0) || !isWhole) return refuse(flag, expected, text);
    return unit.startsWith("step")
      ? { steps: value }
      : { seconds: value * units[unit as keyof typeof units] };
  };
}

/** A column by its name, or by its index from 0 when the text is a whole number (negative: from the end). */
export function column(text: string): string | number {
  return /^-?\d+$/.test(text) ? Number(text) : text;
}

/** One character; `\t` and `tab` are a tab. */
export function delimiter(flag: string): Parser<string> {
  return (text) => {
    if (text === "\\t" || text === "tab") return "\t";
    return [...text].length === 1 ? text : refuse(flag, 'one character, or "tab"', text);
  };
}

/** Throws the `UsageError` of a value that is not what was expected. */
export function refuse(flag: string, expected: string, got: string, tip = ""): never {
  throw new UsageError(`${flag}: expected ${expected}, got "${printable(got, 60)}"${tip}`);
}
