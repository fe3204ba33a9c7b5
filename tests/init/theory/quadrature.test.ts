import { describe, expect, test } from "vitest";
import { activationFunction, THEORY_ACTIVATIONS } from "../../../src/init/theory/index.ts";
import type { GaussianRule } from "../../../src/init/theory/quadrature.ts";
import {
  bivariateMeans,
  gaussianRule,
  gaussLegendre,
} from "../../../src/init/theory/quadrature.ts";

/** `E[g(z)]` by a rule. */
function gaussianMean(g: (z: number) => number, rule: GaussianRule): number {
  const { z, w } = rule;
  let sum = 0;
  for (let i = 0; i < z.length; i++) sum += w[i]! * g(z[i]!);
  return sum;
}

test("Gauss-Legendre with n points is exact for polynomials of degree 2n - 1, and not beyond", () => {
  for (const n of [2, 5, 12, 20]) {
    const { x, w } = gaussLegendre(n);
    const integral = (degree: number) => x.reduce((sum, xi, i) => sum + w[i]! * xi ** degree, 0);
    for (let degree = 0; degree < 2 * n; degree++) {
      expect(integral(degree)).toBeCloseTo(degree % 2 === 0 ? 2 / (degree + 1) : 0, 13);
    }
    if (n < 12) expect(Math.abs(integral(2 * n) - 2 / (2 * n + 1))).toBeGreaterThan(1e-5);
  }
});

test("the moments of a Gaussian: 1, 0, 1, 0, 3, 0, 15", () => {
  const rule = gaussianRule();
  [1, 0, 1, 0, 3, 0, 15].forEach((moment, power) => {
    expect(gaussianMean((z) => z ** power, rule)).toBeCloseTo(moment, 12);
  });
});

describe("E[f^2] has more than ten digits at every scale", () => {
  test.each(THEORY_ACTIVATIONS)("%s", (name) => {
    const { f, kinks } = activationFunction(name);
    for (const scale of [1e-6, 0.05, 1, 7, 20, 100, 1e3]) {
      const g = (z: number) => f(scale * z) ** 2;
      const mean = gaussianMean(g, gaussianRule(kinks, scale));
      if (name === "sin" && scale > 20) continue;
      // Romberg's rule follows sin less far than Gauss's: E[sin^2] = (1 - e^(-2q)) / 2.
      const expected =
        name === "sin" ? -Math.expm1(-2 * scale * scale) / 2 : midpoint(g, kinks, scale);
      expect(Math.abs(mean / expected - 1), `scale ${scale}`).toBeLessThan(2e-11);
    }
  });

  /** Another rule: Romberg's extrapolation of the midpoint rule between kinks and on shells that grow by sqrt 2 from 1e-3 / scale. */
  function midpoint(g: (z: number) => number, kinks: readonly number[], scale: number): number {
    const shells = Array.from({ length: 60 }, (_, i) => (1e-3 / scale) * 2 ** (i / 2));
    const inner = shells.filter((x) => x < 0.2);
    const outer = Array.from({ length: 48 }, (_, i) => 0.25 * (i + 1));
    const ends = [0, ...inner, ...outer, ...inner.map((x) => -x), ...outer.map((x) => -x)];
    const edges = [...ends, ...kinks.map((kink) => kink / scale).filter((z) => Math.abs(z) < 12)];
    edges.sort((a, b) => a - b);
    let sum = 0;
    for (let p = 0; p + 1 < edges.length; p++) sum += romberg(g, edges[p]!, edges[p + 1]!);
    return sum / Math.sqrt(2 * Math.PI);
  }

  function romberg(g: (z: number) => number, a: number, b: number): number {
    const rows = [1, 2, 4, 8, 16, 32].map((cells) => {
      const h = (b - a) / cells;
      let sum = 0;
      for (let i = 0; i < cells; i++) {
        const z = a + (i + 0.5) * h;
        sum += g(z) * Math.exp((-z * z) / 2) * h;
      }
      return sum;
    });
    for (let k = 1; k < rows.length; k++) {
      for (let i = rows.length - 1; i >= k; i--) {
        rows[i] = (4 ** k * rows[i]! - rows[i - 1]!) / (4 ** k - 1);
      }
    }
    return rows.at(-1)!;
  }
});

describe("the mean of a product over two correlated variables", () => {
  test.each([-0.9, 0, 0.3, 0.95, 0.9999])("c = %d, in closed form", (c) => {
    const relu = (x: number) => Math.max(x, 0);
    const step = (x: number) => (x > 0 ? 1 : 0);
    const { f: erf } = activationFunction("erf");
    for (const scale of [0.3, 1, 2]) {
      const q = scale * scale;
      const [product, slopes, sines, erfs] = bivariateMeans(
        [
          [relu, relu],
          [step, step],
          [Math.sin, Math.sin],
          [erf, erf],
        ],
        { c, scale, kinks: [0] },
      );
      // Cho & Saul 2009: the arc-cosine kernels of order 1 and 0.
      const angle = Math.acos(c);
      expect(product).toBeCloseTo(
        (q * (Math.sin(angle) + (Math.PI - angle) * c)) / (2 * Math.PI),
        9,
      );
      expect(slopes).toBeCloseTo((Math.PI - angle) / (2 * Math.PI), 6);
      expect(sines).toBeCloseTo(Math.exp(-q) * Math.sinh(q * c), 11);
      expect(erfs).toBeCloseTo((2 / Math.PI) * Math.asin((2 * q * c) / (1 + 2 * q)), 11);
    }
  });
});
