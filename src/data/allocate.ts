import { DataError } from "./errors.ts";

/** `new Array(length)`, with a `DataError` in place of the engine's `RangeError` when the machine has not the memory. */
export function allocate<T>(
  source: string,
  ArrayType: { new (length: number): T; readonly BYTES_PER_ELEMENT: number },
  length: number,
): T {
  try {
    return new ArrayType(length);
  } catch (cause) {
    throw new DataError({
      source,
      expected: `memory for ${length * ArrayType.BYTES_PER_ELEMENT} bytes`,
      got: "a refusal from the engine",
      hint: "take fewer rows, or run where there is more memory",
      cause,
    });
  }
}
