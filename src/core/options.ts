import { suggest } from "./nearest.ts";

/** Throws a `RangeError` for an option that there is none of: a misspelt one would otherwise be its default. */
export function checkNames(where: string, options: object, known: readonly string[]): void {
  for (const key of Object.keys(options)) {
    if (known.includes(key)) continue;
    throw new RangeError(
      `${where}: there is no option "${key}"; ${suggest(key, known, `there are ${known.join(", ")}`)}`,
    );
  }
}
