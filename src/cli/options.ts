import { didYouMean } from "../core/nearest.ts";
import type { ActivationLike } from "../index.ts";
import { ACTIVATIONS } from "../index.ts";
import { describeInitializer, initializer } from "../init/index.ts";
import { UsageError } from "./exit.ts";
import { printable } from "./text.ts";

// Parsers of option values. Each takes the option's name, which its messages begin with, and gives what commander calls with the text.

type Parser<T> = (text: string) => T;

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
  return (text) => (text === "auto" ? text : whole(flag, 1, 64)(text));
}

/** A name with, for those that have one, its parameter: `relu`, `leaky_relu:0.2`. */
export function activationOption(flag: string): Parser<ActivationLike> {
  return (text) => {
    const [word = "", parameter, ...rest] = text.split(":");
    const name = ACTIVATIONS.find((known) => known === word);
    if (name === undefined || rest.length > 0) {
      const near = didYouMean(word, ACTIVATIONS);
      return refuse(flag, `one of ${ACTIVATIONS.join(", ")}`, text, near);
    }
    if (parameter === undefined) return name;
    if (name !== "leaky_relu" && name !== "elu") {
      return refuse(flag, `${name} without a parameter (leaky_relu and elu take one)`, text);
    }
    const alpha = parseNumber(flag, parameter.replace(/^alpha=/, ""), `a number after "${name}:"`);
    return { name, alpha };
  };
}

/** A scheme's canonical text, from any spelling the library knows. */
export function scheme(flag: string): Parser<string> {
  return (text) => {
    try {
      return describeInitializer(initializer(text.trim()));
    } catch (error) {
      if (!(error instanceof RangeError || error instanceof TypeError)) throw error;
      throw new UsageError(`${flag}: ${error.message}`, { cause: error });
    }
  };
}

/**
 * Schemes separated by commas, each once. A scheme's own options follow a colon; a comma between two of them is told from one between
 * schemes by its "=": `he_normal,truncated_normal:std=0.1,low=-1`.
 */
export function schemes(flag: string): Parser<readonly string[]> {
  return (text) => {
    const texts: string[] = [];
    for (const part of text.split(",")) {
      const isOption = part.includes("=") && !part.includes(":") && texts.length > 0;
      if (isOption) texts.push(`${texts.pop()},${part}`);
      else texts.push(part);
    }
    return [...new Set(texts.map(scheme(flag)))];
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

function refuse(flag: string, expected: string, got: string, tip = ""): never {
  throw new UsageError(`${flag}: expected ${expected}, got "${printable(got, 60)}"${tip}`);
}
