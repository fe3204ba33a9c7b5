/** Small dense routines in f64, for schemes that need a spectrum. Matrices are row-major. */

/** `A B`, A [m, k], B [k, n]. */
export function product(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  { m, k, n }: { readonly m: number; readonly k: number; readonly n: number },
): Float64Array {
  const c = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let p = 0; p < k; p++) {
      const x = a[i * k + p]!;
      if (x === 0) continue;
      for (let j = 0; j < n; j++) c[i * n + j]! += x * b[p * n + j]!;
    }
  }
  return c;
}

/** `A'`, A [rows, cols]. */
export function transpose(a: ArrayLike<number>, rows: number, cols: number): Float64Array {
  return Float64Array.from({ length: rows * cols }, (_, at) => {
    const j = Math.floor(at / rows);
    return a[(at % rows) * cols + j]!;
  });
}

/** The greatest singular value of A [rows, cols], by Lanczos' method on A'A with full reorthogonalisation. */
export function spectralNorm(a: ArrayLike<number>, rows: number, cols: number): number {
  // The edge gap of a random n x n spectrum is about n^(-2/3): 200 steps leave less than exp(-400 n^(-1/3)) of the error.
  const most = Math.min(cols, 200);
  const basis: Float64Array[] = [];
  const diagonal: number[] = [];
  const beside: number[] = [];
  // Any start will do that no structure of A is orthogonal to.
  let next = Float64Array.from({ length: cols }, (_, i) => 1 + Math.sin(i * i));
  for (let step = 0; step < most; step++) {
    const length = Math.sqrt(dot(next, next));
    const scale = diagonal.reduce((sum, x) => Math.max(sum, x), 0);
    if (step > 0 && length <= 1e-14 * scale) break; // an invariant subspace
    if (step > 0) beside.push(length);
    const q = next.map((x) => x / length);
    basis.push(q);
    next = gram(a, q, rows);
    diagonal.push(dot(q, next));
    // Twice is enough (Kahan).
    for (let pass = 0; pass < 2; pass++) for (const b of basis) subtract(next, b, dot(next, b));
  }
  const n = diagonal.length;
  const tridiagonal = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    tridiagonal[i * n + i] = diagonal[i]!;
    if (i > 0) tridiagonal[i * n + i - 1] = tridiagonal[(i - 1) * n + i] = beside[i - 1]!;
  }
  return Math.sqrt(spectralRadius(tridiagonal, n));
}

/** `A'A x`. */
function gram(a: ArrayLike<number>, x: Float64Array, rows: number): Float64Array<ArrayBuffer> {
  const cols = x.length;
  const y = new Float64Array(cols);
  for (let i = 0; i < rows; i++) {
    let sum = 0;
    for (let j = 0; j < cols; j++) sum += a[i * cols + j]! * x[j]!;
    for (let j = 0; j < cols; j++) y[j]! += sum * a[i * cols + j]!;
  }
  return y;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/** `y -= factor x`. */
function subtract(y: Float64Array, x: Float64Array, factor: number): void {
  for (let i = 0; i < y.length; i++) y[i]! -= factor * x[i]!;
}

/**
 * The greatest modulus of the eigenvalues of A [n, n], complex ones included: elimination to Hessenberg form, then Francis' double-shift QR
 * (Golub & Van Loan, section 7.5), which needs real numbers alone.
 */
export function spectralRadius(a: ArrayLike<number>, n: number): number {
  const h = Float64Array.from(a);
  if (!h.every(Number.isFinite)) {
    throw new RangeError("spectralRadius: expected finite numbers, got others");
  }
  toHessenberg(h, n);
  let radius = 0;
  let last = n - 1;
  let steps = 0;
  while (last >= 0) {
    const first = blockStart(h, n, last);
    if (first >= last - 1) {
      radius = Math.max(radius, first === last ? Math.abs(h[last * n + last]!) : pair(h, n, first));
      last = first - 1;
      steps = 0;
    } else {
      if (++steps > 100)
        throw new RangeError("spectralRadius: expected QR to converge, it did not");
      francisStep(h, n, { first, last, exceptional: steps % 10 === 0 });
    }
  }
  return radius;
}

/** Gaussian elimination with pivoting, as a similarity: zeros below the first subdiagonal. */
function toHessenberg(h: Float64Array, n: number): void {
  const factors = new Float64Array(n);
  for (let m = 1; m < n - 1; m++) {
    let pivot = m;
    for (let i = m + 1; i < n; i++) {
      if (Math.abs(h[i * n + m - 1]!) > Math.abs(h[pivot * n + m - 1]!)) pivot = i;
    }
    const head = h[pivot * n + m - 1]!;
    if (head === 0) continue;
    if (pivot !== m) {
      for (let j = 0; j < n; j++) swap(h, pivot * n + j, m * n + j);
      for (let i = 0; i < n; i++) swap(h, i * n + pivot, i * n + m);
    }
    for (let i = m + 1; i < n; i++) {
      const factor = h[i * n + m - 1]! / head;
      factors[i] = factor;
      if (factor === 0) continue;
      for (let j = m; j < n; j++) h[i * n + j]! -= factor * h[m * n + j]!;
      h[i * n + m - 1] = 0;
    }
    for (let i = 0; i < n; i++) {
      let sum = 0;
      for (let j = m + 1; j < n; j++) sum += factors[j]! * h[i * n + j]!;
      h[i * n + m]! += sum;
    }
  }
}

function swap(h: Float64Array, i: number, j: number): void {
  const held = h[i]!;
  h[i] = h[j]!;
  h[j] = held;
}

/** The first row of the block that ends at `last` and that no negligible subdiagonal element divides. */
function blockStart(h: Float64Array, n: number, last: number): number {
  let first = last;
  while (first > 0) {
    const near = Math.abs(h[(first - 1) * n + first - 1]!) + Math.abs(h[first * n + first]!);
    if (Math.abs(h[first * n + first - 1]!) <= Number.EPSILON * near) break;
    first--;
  }
  return first;
}

/** The greater modulus of the two eigenvalues of the 2 x 2 block at row i. */
function pair(h: Float64Array, n: number, i: number): number {
  const [a, b] = [h[i * n + i]!, h[i * n + i + 1]!];
  const [c, d] = [h[(i + 1) * n + i]!, h[(i + 1) * n + i + 1]!];
  const half = (a - d) / 2;
  const discriminant = half * half + b * c;
  if (discriminant < 0) return Math.sqrt(a * d - b * c);
  return Math.abs((a + d) / 2) + Math.sqrt(discriminant);
}

/** One implicit double-shift step on rows and columns first … last, at least three. */
function francisStep(
  h: Float64Array,
  n: number,
  {
    first,
    last,
    exceptional,
  }: { readonly first: number; readonly last: number; readonly exceptional: boolean },
): void {
  const at = (i: number, j: number) => h[i * n + j]!;
  // The shifts are the eigenvalues of the last 2 x 2 block: their sum and their product.
  let sum = at(last - 1, last - 1) + at(last, last);
  let times = at(last - 1, last - 1) * at(last, last) - at(last - 1, last) * at(last, last - 1);
  if (exceptional) {
    // LAPACK's (dlahqr), against cycles.
    const s = Math.abs(at(last, last - 1)) + Math.abs(at(last - 1, last - 2));
    const shift = 0.75 * s + at(last, last);
    sum = 2 * shift;
    times = shift * shift + 0.4375 * s * s;
  }
  const [a, b] = [at(first, first), at(first + 1, first)];
  let p = (a * a - sum * a + times) / b + at(first, first + 1);
  let q = a + at(first + 1, first + 1) - sum;
  let r = at(first + 2, first + 1);
  for (let k = first; k < last; k++) {
    const three = k + 2 <= last;
    if (k > first) {
      p = at(k, k - 1);
      q = at(k + 1, k - 1);
      r = three ? at(k + 2, k - 1) : 0;
    }
    const length = Math.hypot(p, q, r);
    if (length === 0) continue;
    const head = p >= 0 ? p + length : p - length;
    const factor = head / (p >= 0 ? length : -length); // 2 v0^2 / v'v, v = (head, q, r)
    const [v, w] = [q / head, three ? r / head : 0];
    for (let j = Math.max(first, k - 1); j <= last; j++) {
      const x = factor * (at(k, j) + v * at(k + 1, j) + (three ? w * at(k + 2, j) : 0));
      h[k * n + j]! -= x;
      h[(k + 1) * n + j]! -= x * v;
      if (three) h[(k + 2) * n + j]! -= x * w;
    }
    for (let i = first; i <= Math.min(last, k + 3); i++) {
      const x = factor * (at(i, k) + v * at(i, k + 1) + (three ? w * at(i, k + 2) : 0));
      h[i * n + k]! -= x;
      h[i * n + k + 1]! -= x * v;
      if (three) h[i * n + k + 2]! -= x * w;
    }
    if (k > first) {
      h[(k + 1) * n + k - 1] = 0;
      if (three) h[(k + 2) * n + k - 1] = 0;
    }
  }
}

/** `A = U diag(s) V'`. Vectors are the rows of `u` and `v`, by falling `s`. */
export interface Svd {
  readonly u: readonly Float64Array[];
  readonly s: readonly number[];
  readonly v: readonly Float64Array[];
}

/** The singular value decomposition of A [n, n] by one-sided Jacobi rotations (Hestenes 1958). About 30 n^3 multiply-adds. */
export function svd(a: ArrayLike<number>, n: number): Svd {
  // The columns of A V, which the rotations make orthogonal, and those of V.
  const columns = Array.from({ length: n }, (_, j) =>
    Float64Array.from({ length: n }, (_, i) => a[i * n + j]!),
  );
  const v = Array.from({ length: n }, (_, j) =>
    Float64Array.from({ length: n }, (_, i) => (i === j ? 1 : 0)),
  );
  let turned = true;
  for (let sweep = 0; turned && sweep < 60; sweep++) {
    turned = false;
    for (let i = 0; i < n; i++) {
      for (let j = i + 1; j < n; j++) {
        const [x, y] = [columns[i]!, columns[j]!];
        const [xx, yy, xy] = [dot(x, x), dot(y, y), dot(x, y)];
        if (Math.abs(xy) <= 1e-14 * Math.sqrt(xx * yy)) continue;
        turned = true;
        const zeta = (yy - xx) / (2 * xy);
        const tangent = Math.sign(zeta || 1) / (Math.abs(zeta) + Math.sqrt(1 + zeta * zeta));
        rotate(x, y, tangent);
        rotate(v[i]!, v[j]!, tangent);
      }
    }
  }
  const order = columns
    .map((x, j) => ({ s: Math.sqrt(dot(x, x)), j }))
    .sort((left, right) => right.s - left.s);
  return {
    s: order.map(({ s }) => s),
    u: order.map(({ s, j }) => columns[j]!.map((x) => (s === 0 ? 0 : x / s))),
    v: order.map(({ j }) => v[j]!),
  };
}

/** `[x, y] := [c x - s y, s x + c y]`. */
function rotate(x: Float64Array, y: Float64Array, tangent: number): void {
  const cosine = 1 / Math.sqrt(1 + tangent * tangent);
  const sine = cosine * tangent;
  for (let i = 0; i < x.length; i++) {
    const [a, b] = [x[i]!, y[i]!];
    x[i] = cosine * a - sine * b;
    y[i] = sine * a + cosine * b;
  }
}
