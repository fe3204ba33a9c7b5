import { describe, expect, test } from "vitest";
import { initializer, resolve } from "../../src/init/initializer.ts";
import { convSpec, denseSpec } from "../../src/init/specs.ts";
import { complexTruncatedStd } from "../../src/init/truncated.ts";
import type { ParamSpec } from "../../src/init/types.ts";
import { draw, mapOf } from "./support.ts";

const DISTRIBUTIONS = [
  // Excess of E r^4 over (E r^2)^2 = 1, which is the variance of r^2, and the greatest modulus.
  ["normal", 1, Infinity],
  ["truncated_normal", 1, 2 / complexTruncatedStd(2)],
  ["uniform", 1 / 3, Math.SQRT2],
] as const;

/** Real and imaginary parts of a kernel's only map. */
function partsOf(text: string, of: ParamSpec): { re: Float32Array; im: Float32Array } {
  const map = of.maps[0]!;
  const values = mapOf(draw(text, of), map);
  const half = map.outputs / 2;
  const side = (first: boolean) => values.filter((_, at) => at % map.outputs < half === first);
  return { re: side(true), im: side(false) };
}

describe.each(DISTRIBUTIONS)(
  "complex_variance_scaling of distribution %s",
  (kind, spread, most) => {
    test.each([
      ["scale=1", denseSpec(300, 400), 2 / (300 + 200)],
      ["scale=2,mode=fan_in", denseSpec(300, 400), 2 / 300],
      ["scale=1,mode=fan_out", convSpec({ size: [3, 3], inputs: 16, outputs: 128 }), 1 / (9 * 64)],
    ])("%s: E|w|^2 is scale / n and its support is the disk", (options, of, expected) => {
      const text = `complex_variance_scaling:${options},distribution=${kind}`;
      const { re, im } = partsOf(text, of);
      const squares = re.map((x, i) => (x * x + im[i]! ** 2) / expected);
      const mean = squares.reduce((a, b) => a + b, 0) / squares.length;
      expect(Math.abs(mean - 1)).toBeLessThan(5 * Math.sqrt(spread / squares.length));
      const greatest = Math.sqrt(squares.reduce((a, b) => Math.max(a, b), 0));
      expect(greatest).toBeLessThanOrEqual(most * (1 + 1e-6));
      expect(greatest).toBeGreaterThan(Math.min(most, 2.5) * 0.99);
      expect(resolve(initializer(text), of).theory.std ** 2).toBeCloseTo(expected / 2, 12);
    });

    test("the phase is uniform and independent of the modulus", () => {
      const of = denseSpec(200, 400);
      const { re, im } = partsOf(`complex_variance_scaling:distribution=${kind}`, of);
      const phases = Float64Array.from(re, (x, i) => Math.atan2(im[i]!, x)).sort();
      const n = phases.length;
      const distance = phases.reduce(
        (far, phi, i) => Math.max(far, Math.abs(phi / (2 * Math.PI) + 0.5 - (i + 0.5) / n)),
        0,
      );
      expect(distance).toBeLessThan(1.95 / Math.sqrt(n)); // Kolmogorov-Smirnov, once in a thousand
      // E[w^2 |w|^2] is 0 when they are independent; |w|^8 has a mean of 24 at most.
      let drift = 0;
      let scale = 0;
      re.forEach((x, i) => {
        const square = x * x + im[i]! ** 2;
        drift += (x * x - im[i]! ** 2) * square;
        scale += square;
      });
      expect(Math.abs(drift / n)).toBeLessThan(5 * Math.sqrt(24 / n) * (scale / n) ** 2);
    });
  },
);

test("the cut complex normal's root mean square is its integral's", () => {
  for (const c of [0.5, 1, 2, 3]) {
    // Of the density 2 r exp(-r^2) on [0, c], by the midpoint rule; its error is of order (c / cells)^2.
    const cells = 20_000;
    let mass = 0;
    let second = 0;
    for (let i = 0; i < cells; i++) {
      const r = ((i + 0.5) * c) / cells;
      mass += r * Math.exp(-r * r);
      second += r ** 3 * Math.exp(-r * r);
    }
    expect(complexTruncatedStd(c)).toBeCloseTo(Math.sqrt(second / mass), 8);
  }
  expect(complexTruncatedStd(2)).toBeCloseTo(0.9619618280082135, 14);
});

test("a kernel whose outputs are no pairs is refused", () => {
  const named = (of: ParamSpec) => () => resolve(initializer("complex_variance_scaling"), of);
  expect(named(denseSpec(3, 5))).toThrow(
    "complex_variance_scaling: expected linear maps with as many real as imaginary outputs, got dense kernel [3, 5]",
  );
  expect(named({ ...denseSpec(1, 4), role: "bias", maps: [] })).toThrow(RangeError);
});
