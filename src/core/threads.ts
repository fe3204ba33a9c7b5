import { availableCores } from "./workers.ts";

/** More would be of no use to the sizes of instruction there are, and each needs workspace. */
const MOST_THREADS = 64;

/** The number of threads that is asked for. Throws a `RangeError` for one that is none. */
export function threadsWanted(threads: number | "auto"): number {
  if (threads === "auto") return Math.min(availableCores(), MOST_THREADS);
  if (!Number.isSafeInteger(threads) || threads < 1 || threads > MOST_THREADS) {
    throw new RangeError(
      `threads: expected "auto" or a whole number from 1 to ${MOST_THREADS}, got ${typeof threads === "string" ? `"${threads}"` : threads}`,
    );
  }
  return threads;
}
