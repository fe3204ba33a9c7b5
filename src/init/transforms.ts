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

/** The first `rows` rows of the real Fourier basis: `1 / sqrt(n)`, then `sqrt(2 / n)` cos and sin of 2 pi k j / n in turn; cos pi j last if n is even. */
export function dftRows(rows: number, n: number): Float64Array {
  const values = new Float64Array(rows * n);
  for (let r = 0; r < rows; r++) {
    const k = Math.ceil(r / 2);
    const scale = Math.sqrt((k === 0 || 2 * k === n ? 1 : 2) / n);
    for (let j = 0; j < n; j++) {
      const angle = (2 * Math.PI * ((j * k) % n)) / n;
      values[r * n + j] = scale * (r % 2 === 1 || r === 0 ? Math.cos(angle) : Math.sin(angle));
    }
  }
  return values;
}

/** The first `rows` rows of Haar's wavelets of size n = 2^a m, m odd, coarse to fine: those of size 2^a, Kronecker the DCT-II of size m. */
export function haarRows(rows: number, n: number): Float64Array {
  const power = n & -n;
  const odd = n / power;
  const dct = dctRows(odd, odd);
  const values = new Float64Array(rows * n);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < n; j++) {
      const wavelet = haar(Math.floor(i / odd), Math.floor(j / odd), power);
      values[i * n + j] = wavelet * dct[(i % odd) * odd + (j % odd)]!;
    }
  }
  return values;
}

/** Row i = 2^level + shift is `+-sqrt(2^level / n)` on the two halves of the shift-th of 2^level parts. */
function haar(i: number, j: number, n: number): number {
  if (i === 0) return 1 / Math.sqrt(n);
  const parts = 2 ** Math.floor(Math.log2(i));
  const at = (j * parts) / n - (i - parts);
  if (at < 0 || at >= 1) return 0;
  return (at < 0.5 ? 1 : -1) * Math.sqrt(parts / n);
}
