import type { Initializer } from "./types.ts";

/** The same draw with every value multiplied by `factor`. */
export function scaled(description: Initializer, factor: number): Initializer {
  checkFactor(factor);
  return { ...description, factor: factor * (description.factor ?? 1) };
}

/** Throws a `RangeError` unless it is a factor on values. */
export function checkFactor(factor: number): void {
  if (!(typeof factor === "number" && factor >= 0 && Number.isFinite(factor))) {
    throw new RangeError(
      `initializer: expected a factor that is finite and not negative, got ${shown(factor)}`,
    );
  }
}

/** A value in an error: short, and telling a number from its text. */
export function shown(value: unknown): string {
  if (typeof value === "symbol" || typeof value === "function") return `a ${typeof value}`;
  // JSON has no infinite numbers and no NaN.
  return typeof value === "number" ? String(value) : (JSON.stringify(value) ?? String(value));
}
