/** Deterministic orthogonal matrices of any size, row-major, in f64. */

/** Entry (i, j) of Sylvester's Hadamard matrix of any power of two: `(-1)^popcount(i & j)`. */
export function sylvester(i: number, j: number): 1 | -1 {
  let bits = i & j;
  bits ^= bits >>> 16;
  bits ^= bits >>> 8;
  bits ^= bits >>> 4;
  return (0x6996 >>> (bits & 15)) & 1 ? -1 : 1;
}

/** The first `rows` rows of the orthonormal DCT-II: `sqrt(2 / n) cos(pi (2j + 1) k / 2n)`, row 0 `1 / sqrt(n)`. */
export function dctRows(rows: number, n: number): Float64Array {
  // The argument counts quarter waves of 4n a turn: one table serves every entry.
  const wave = Float64Array.from({ length: 4 * n }, (_, t) => Math.cos((Math.PI * t) / (2 * n)));
  const scale = Math.sqrt(2 / n);
  const values = new Float64Array(rows * n);
  for (let k = 0; k < rows; k++) {
    for (let j = 0; j < n; j++) {
      values[k * n + j] = k === 0 ? 1 / Math.sqrt(n) : scale * wave[((2 * j + 1) * k) % (4 * n)]!;
    }
  }
  return values;
}

/**
 * The first `rows` rows of an orthonormal matrix of any size n = 2^a m, m odd: Sylvester's matrix of size 2^a, Kronecker the DCT-II
 * of size m. For a power of two it is Sylvester's, and every entry is `+-1 / sqrt(n)`.
 */
export function hadamardRows(rows: number, n: number): Float64Array {
  const power = n & -n;
  const odd = n / power;
  const dct = dctRows(odd, odd);
  const scale = 1 / Math.sqrt(power);
  const values = new Float64Array(rows * n);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < n; j++) {
      const sign = sylvester(Math.floor(i / odd), Math.floor(j / odd));
      values[i * n + j] = sign * scale * dct[(i % odd) * odd + (j % odd)]!;
    }
  }
  return values;
}
