/**
 * Degree s and inner coefficients a of the primitive polynomial, and the first s direction numbers m, of dimensions 2 … 16; dimension 1
 * is van der Corput's. From new-joe-kuo-6.21201 of Joe & Kuo, "Constructing Sobol sequences with better two-dimensional projections",
 * SIAM J. Sci. Comput. 30, 2008.
 */
const JOE_KUO: readonly (readonly [s: number, a: number, m: readonly number[]])[] = [
  [1, 0, [1]],
  [2, 1, [1, 3]],
  [3, 1, [1, 3, 1]],
  [3, 2, [1, 1, 1]],
  [4, 1, [1, 1, 3, 3]],
  [4, 4, [1, 3, 5, 13]],
  [5, 2, [1, 1, 5, 5, 17]],
  [5, 4, [1, 1, 5, 5, 5]],
  [5, 7, [1, 1, 7, 11, 19]],
  [5, 11, [1, 1, 5, 1, 1]],
  [5, 13, [1, 1, 1, 3, 11]],
  [5, 14, [1, 3, 5, 5, 31]],
  [6, 1, [1, 3, 3, 9, 7, 49]],
  [6, 13, [1, 1, 1, 15, 21, 21]],
  [6, 16, [1, 3, 1, 13, 27, 49]],
];

export const SOBOL_DIMENSIONS = 16;

/** A point is a whole number of this many bits over 2^24, what a float holds. */
const BITS = 24;

/** The first `count` points of one dimension (from 0) of the Sobol sequence, in Gray-code order, times 2^24. */
export function sobolPoints(dimension: number, count: number): Int32Array {
  const directions = directionsOf(dimension);
  const points = new Int32Array(count);
  for (let i = 1; i < count; i++) {
    const zeros = 31 - Math.clz32(i & -i); // the bit in which the Gray codes of i - 1 and i differ
    points[i] = points[i - 1]! ^ (directions[zeros % BITS] ?? 0); // the sequence begins again after 2^24 points
  }
  return points;
}

/** `v_k = m_k 2^(24 - k)`; `m_k = 2 a_1 m_(k-1) ^ … ^ 2^s m_(k-s) ^ m_(k-s)`. */
function directionsOf(dimension: number): Int32Array {
  const row = JOE_KUO[dimension - 1];
  const m: number[] = row === undefined ? Array.from({ length: BITS }, () => 1) : [...row[2]];
  if (row !== undefined) {
    const [s, a] = row;
    for (let k = s; k < BITS; k++) {
      let next = (m[k - s]! << s) ^ m[k - s]!;
      for (let i = 1; i < s; i++) {
        if ((a >> (s - 1 - i)) & 1) next ^= m[k - i]! << i;
      }
      m.push(next);
    }
  }
  return Int32Array.from(m, (value, k) => value << (BITS - 1 - k));
}

/**
 * The standard normal quantile of 1e-11 < p < 1 - 1e-11, relative error 1e-15 or so: the first two of the three ranges of Wichura's
 * algorithm AS241 (PPND16), Applied Statistics 37, 1988; constants rounded to f64. Written out: a loop over tables takes twice as long.
 */
export function normalQuantile(p: number): number {
  const q = p - 0.5;
  if (Math.abs(q) <= 0.425) {
    const r = 0.180625 - q * q;
    const top =
      ((((((2509.0809287301227 * r + 33430.57558358813) * r + 67265.7709270087) * r +
        45921.95393154987) *
        r +
        13731.69376550946) *
        r +
        1971.5909503065513) *
        r +
        133.14166789178438) *
        r +
      3.3871328727963665;
    const bottom =
      ((((((5226.495278852854 * r + 28729.085735721943) * r + 39307.89580009271) * r +
        21213.794301586597) *
        r +
        5394.196021424751) *
        r +
        687.1870074920579) *
        r +
        42.31333070160091) *
        r +
      1;
    return (q * top) / bottom;
  }
  const r = Math.sqrt(-Math.log(Math.min(p, 1 - p))) - 1.6;
  const top =
    ((((((0.0007745450142783414 * r + 0.022723844989269184) * r + 0.2417807251774506) * r +
      1.2704582524523684) *
      r +
      3.6478483247632045) *
      r +
      5.769497221460691) *
      r +
      4.630337846156546) *
      r +
    1.4234371107496835;
  const bottom =
    ((((((1.0507500716444169e-9 * r + 0.0005475938084995345) * r + 0.015198666563616457) * r +
      0.14810397642748008) *
      r +
      0.6897673349851) *
      r +
      1.6763848301838038) *
      r +
      2.053191626637759) *
      r +
    1;
  return (Math.sign(q) * top) / bottom;
}
