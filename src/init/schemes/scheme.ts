import type { Draw } from "../draw.ts";
import { truncatedMoments } from "../truncated-moments.ts";
import type { ParamSpec } from "../types.ts";
import type { Applies } from "./applies.ts";

export type Options = Readonly<Record<string, number | string>>;

/** A weight-initialisation scheme: its names, its options with defaults, and the draw it asks for. */
export interface Scheme {
  readonly name: string;
  /** Spellings of PyTorch, Keras, JAX, timm, tfjs. */
  readonly aliases: readonly string[];
  readonly family: Family;
  /** Which parameters it takes; it refuses all others. */
  readonly applies: Applies;
  readonly defaults: Options;
  /** The law of one weight, in the field's notation. */
  readonly formula: string;
  /** When one takes it, in a sentence. */
  readonly use: string;
  /** Paper and equation, or the library that made it common. */
  readonly source: string;
  /** The property that `tests/init` holds it to. */
  readonly property: string;
  readonly draw: (options: Options, spec: ParamSpec) => Draw;
}

export type Family =
  | "constants and patterns"
  | "fixed scale"
  | "quasi-random"
  | "variance scaling"
  | "orthogonal"
  | "sparse"
  | "recurrent"
  | "biases"
  | "structured";

/** The draw N(mean, std^2). */
export function normal(mean: number, std: number): Draw {
  return { distribution: "normal", mean, std };
}

/** The draw U[-limit, limit) of standard deviation `std`: limit = sqrt(3) std. */
export function uniformOf(std: number): Draw {
  const limit = Math.sqrt(3) * std;
  return { distribution: "uniform", low: -limit, high: limit };
}

/**
 * How far out, in sigma, an interval may begin. What it leaves has a deviation of 1 / low, so its centre lies low^2 deviations away, and
 * f64 has 16 digits for both.
 */
const FARTHEST = 1e5;

/** The draw whose truncation to mean + sigma [low, high] leaves standard deviation `std` and mean `mean`. */
export function truncated(mean: number, std: number, low: number, high: number): Draw {
  if (Math.max(low, -high) > FARTHEST) {
    throw new RangeError(
      `expected an interval that begins within ${FARTHEST} deviations, got [${low}, ${high}]`,
    );
  }
  const standard = truncatedMoments(low, high);
  const sigma = std / standard.std;
  return { distribution: "truncated_normal", mean: mean - sigma * standard.mean, sigma, low, high };
}

/**
 * The result of `work`. What it throws of a wrong value or kind says whose it is: `name: ` is put in front where it is not there yet,
 * so that the readers of options below need not be told for whom they read.
 */
export function inNameOf<T>(name: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const known = [RangeError, TypeError].find((kind) => error instanceof kind);
    if (known === undefined || !(error instanceof Error)) throw error;
    if (error.message.startsWith(`${name}: `)) throw error;
    throw new known(`${name}: ${error.message}`, { cause: error });
  }
}

/** An option that must be a number that a 32-bit float holds. */
export function number(options: Options, key: string): number {
  const value = options[key];
  if (typeof value !== "number" || !Number.isFinite(Math.fround(value))) {
    throw new RangeError(`${key}: expected a finite number, got ${value}`);
  }
  return value;
}

/** An option that must be a number, or `inf` or `-inf`. */
export function bound(options: Options, key: string): number {
  if (options[key] === "inf") return Infinity;
  if (options[key] === "-inf") return -Infinity;
  return number(options, key);
}

/** An option that must be a finite number of at least 0. */
export function nonNegative(options: Options, key: string): number {
  const value = number(options, key);
  if (value < 0)
    throw new RangeError(`${key}: expected a number that is not negative, got ${value}`);
  return value;
}

/** An option that must be one of a few words. */
export function word<T extends string>(options: Options, key: string, words: readonly T[]): T {
  const value = words.find((known) => known === options[key]);
  if (value === undefined) {
    throw new RangeError(`${key}: expected ${words.join(" or ")}, got ${options[key]}`);
  }
  return value;
}
