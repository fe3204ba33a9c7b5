/** Eigenvalues of G'G, the greatest first. */
type Eigenvalues = readonly number[];

/** Cells of Simpson's rule along each ratio of eigenvalues. */
const CELLS = 48;

/** The greatest short side that is integrated over. */
export const SMALL = 3;

/**
 * `E[f(x l)]`, l the eigenvalues of G'G over their sum, G of N(0, 1) [m, n], min(m, n) <= 3, x their sum: |G|^2, which is independent of l
 * and of the chi-square law of mn degrees. With p the short side, q the long one, the density of the eigenvalues is
 * `prod l_i^((q - p - 1) / 2) exp(-l_i / 2) prod |l_i - l_j|`; with l_i = s_i^2 l_1 it is polynomial in s, times `(sum s^2)^(-mn / 2)`.
 *
 * `scaleFree`: f depends on ratios only, and x is 1.
 */
export function wishartMean(
  m: number,
  n: number,
  f: (eigenvalues: Eigenvalues) => number,
  { scaleFree }: { readonly scaleFree: boolean },
): number {
  const [p, q] = [Math.min(m, n), Math.max(m, n)];
  const sizes = scaleFree ? [{ at: 1, weight: 1 }] : chiSquare(m * n);
  let mass = 0;
  let sum = 0;
  for (const { ratios, weight } of shapes(p, q)) {
    const total = ratios.reduce((all, t) => all + t, 0);
    const density = weight * total ** ((-m * n) / 2);
    for (const size of sizes) {
      mass += density * size.weight;
      sum += density * size.weight * f(ratios.map((t) => (size.at * t) / total));
    }
  }
  return sum / mass;
}

interface Shape {
  /** Of the eigenvalues to the greatest one. */
  readonly ratios: readonly number[];
  readonly weight: number;
}

function shapes(p: number, q: number): readonly Shape[] {
  if (p === 1) return [{ ratios: [1], weight: 1 }];
  return simpson(1).flatMap(({ at: s, weight }) => {
    const t = s * s;
    const second = weight * s ** (q - p) * (1 - t);
    if (p === 2) return [{ ratios: [1, t], weight: second }];
    // s_3 = v s_2, so that the eigenvalues stay in order.
    return simpson(1).map(({ at: v, weight: w }) => {
      const u = (s * v) ** 2;
      const third = w * s * (s * v) ** (q - p) * (1 - u) * (t - u);
      return { ratios: [1, t, u], weight: second * third };
    });
  });
}

/** The chi-square law by Simpson's rule in the square root. */
function chiSquare(degrees: number) {
  return simpson(Math.sqrt(degrees) + 7).map(({ at: r, weight }) => ({
    at: r * r,
    weight: weight * r ** (degrees - 1) * Math.exp((-r * r) / 2),
  }));
}

function simpson(high: number): readonly { readonly at: number; readonly weight: number }[] {
  return Array.from({ length: CELLS + 1 }, (_, i) => ({
    at: (i * high) / CELLS,
    weight: i === 0 || i === CELLS ? 1 : i % 2 === 1 ? 4 : 2,
  }));
}
