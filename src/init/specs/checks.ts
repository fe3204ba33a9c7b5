import { didYouMean } from "../../core/nearest.ts";
import type { ActivationSpec } from "../types.ts";

/** For parameters that no activation follows, or whose parts are followed by different ones. */
export const LINEAR: ActivationSpec = { name: "linear", alpha: 0 };

/** Throws unless it is an object with none but the known keys: a mistyped `strides` would else be a stride of 1. */
export function checkKeys(where: string, options: object, known: readonly string[]): void {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`${where}: expected { ${known.join(", ")} }, got ${String(options)}`);
  }
  const unknown = Object.keys(options).find((key) => !known.includes(key));
  if (unknown !== undefined) {
    throw new RangeError(
      `${where}: there is no option "${unknown}"; there are ${known.join(", ")}${didYouMean(unknown, known)}`,
    );
  }
}

/** Throws unless every size is a whole number of at least 1. */
export function checkSizes(where: string, sizes: Readonly<Record<string, unknown>>): void {
  for (const [name, size] of Object.entries(sizes)) {
    if (typeof size !== "number") {
      throw new TypeError(`${where}: ${name} must be a number, got ${String(size)}`);
    }
    if (!Number.isSafeInteger(size) || size < 1) {
      throw new RangeError(
        `${where}: ${name} must be a whole number of at least 1, got ${String(size)}`,
      );
    }
  }
}

/** Throws unless `parts` divides `whole` evenly. */
export function checkDivides(
  where: string,
  parts: [string, number],
  whole: [string, number],
): void {
  if (whole[1] % parts[1] !== 0) {
    throw new RangeError(
      `${where}: ${parts[0]} must divide ${whole[0]}, got ${parts[0]} ${parts[1]} and ${whole[0]} ${whole[1]}`,
    );
  }
}

/** One size for each axis, from a list of that many or from one number for all. Throws where they are not sizes. */
export function perAxis(
  where: string,
  name: string,
  given: number | readonly number[],
  axes: number,
): readonly number[] {
  const sizes = typeof given === "number" ? Array.from({ length: axes }, () => given) : given;
  if (!Array.isArray(sizes)) {
    throw new TypeError(`${where}: ${name} must be a list of sizes, got ${String(given)}`);
  }
  if (sizes.length !== axes) {
    throw new RangeError(
      `${where}: ${name} must have one size for each of ${axes} axes, got [${sizes.join(", ")}]`,
    );
  }
  checkSizes(where, Object.fromEntries(sizes.map((size, i) => [`${name}[${i}]`, size])));
  return sizes;
}
