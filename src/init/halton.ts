/** Bases of the dimensions. */
const PRIMES = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53] as const;

/** The first `count` points of one dimension (from 0) of the Halton sequence, times 2^24 and rounded down: the digits of i mirrored at the point. */
export function haltonPoints(dimension: number, count: number): Int32Array {
  const base = PRIMES[dimension]!;
  return Int32Array.from({ length: count }, (_, i) => {
    let value = 0;
    let place = 1 / base;
    for (let rest = i; rest > 0; rest = Math.floor(rest / base)) {
      value += (rest % base) * place;
      place /= base;
    }
    return Math.floor(value * 2 ** 24);
  });
}
