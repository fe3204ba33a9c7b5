import type { Draws } from "./draw.ts";
import { product, transpose } from "./linear-algebra.ts";
import { size } from "./values.ts";

/**
 * The taps of a convolution that is an isometry under circular padding, [rows, cols] each, window positions row by row:
 * `H prod (P_j + (I - P_j) z_axis)`, k - 1 factors an axis, H semi-orthogonal, each P_j an orthogonal projection on a random subspace.
 *
 * Every factor is paraunitary: `(P + (I - P) z)(P + (I - P) / z) = I`. A pair of factors, one an axis, is the 2 x 2 block of
 * Xiao et al. 2018. Where rows exceed cols the factors stand before H: then the adjoint is the isometry.
 */
export function blockOrthogonal(
  window: readonly number[],
  { rows, cols }: { readonly rows: number; readonly cols: number },
  { draws, purpose }: { readonly draws: Draws; readonly purpose: number },
): readonly Float64Array[] {
  const m = Math.min(rows, cols);
  const n = Math.max(rows, cols);
  let next = purpose;
  // Tap by tap [m, n]; the window grows inside its final size.
  let taps: (Float64Array | undefined)[] = Array.from({ length: size(window) });
  taps[0] = Float64Array.from(draws.orthogonal(m, n, next++));
  for (let factor = 1; factor < Math.max(...window); factor++) {
    for (let axis = 0; axis < window.length; axis++) {
      if (factor >= window[axis]!) continue;
      const basis = subspace(n, draws, next);
      next += 2;
      taps = multiply(taps, size(window.slice(axis + 1)), { basis, m, n });
    }
  }
  return taps.map((tap) => {
    const found = tap ?? new Float64Array(m * n);
    return rows <= cols ? found : transpose(found, m, n);
  });
}

/** An orthonormal basis, [n, rank], of a random subspace; each of n directions is in it by a coin, as in TensorFlow 1. */
function subspace(n: number, draws: Draws, purpose: number): Float64Array {
  const q = draws.orthogonal(n, n, purpose);
  const coins = draws.uniform(n, purpose + 1);
  const kept = Array.from({ length: n }, (_, j) => j).filter((j) => coins[j]! < 0.5);
  return Float64Array.from({ length: n * kept.length }, (_, at) => {
    const i = Math.floor(at / kept.length);
    return q[i * n + kept[at % kept.length]!]!;
  });
}

/** The taps times `P + (I - P) z`, P = C C': what P keeps stays, the rest moves on by `step` taps. */
function multiply(
  taps: readonly (Float64Array | undefined)[],
  step: number,
  { basis, m, n }: { readonly basis: Float64Array; readonly m: number; readonly n: number },
): (Float64Array | undefined)[] {
  const rank = basis.length / n;
  const back = transpose(basis, n, rank);
  const result: (Float64Array | undefined)[] = taps.map(() => undefined);
  const add = (position: number, values: Float64Array) => {
    const sum = result[position];
    result[position] = sum === undefined ? values : sum.map((x, i) => x + values[i]!);
  };
  taps.forEach((tap, position) => {
    if (tap === undefined) return;
    const coordinates = product(tap, basis, { m, k: n, n: rank });
    const kept = product(coordinates, back, { m, k: rank, n });
    add(position, kept);
    add(
      position + step,
      tap.map((x, i) => x - kept[i]!),
    );
  });
  return result;
}
