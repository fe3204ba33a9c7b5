import { describe, expect, test } from "vitest";
import { initializer, resolve } from "../../src/init/initializer.ts";
import { denseSpec } from "../../src/init/specs.ts";
import type { ParamSpec } from "../../src/init/types.ts";
import { momentsOf } from "../support/statistics.ts";
import { convKernel, draw, gatedKernel, mapOf } from "./support.ts";

const theory = (text: string, of: ParamSpec) => resolve(initializer(text), of).theory;
const nonZero = (w: ArrayLike<number>) => Array.from(w).filter((x) => x !== 0);

const KERNELS: readonly (readonly [string, ParamSpec])[] = [
  ["dense", denseSpec(300, 200)],
  ["narrow", denseSpec(9, 40)],
  ["lstm", gatedKernel(50, 20, 4)],
  ["grouped convolution", convKernel([3, 3], 16, 24, 2)],
];

describe("martens", () => {
  test.each(KERNELS)(
    "%s: exactly k non-zero incoming weights for each unit of each map",
    (_, spec) => {
      for (const k of [1, 15, 40]) {
        const values = draw(`martens:k=${k}`, spec);
        for (const map of spec.maps) {
          const w = mapOf(values, map);
          for (let o = 0; o < map.outputs; o++) {
            const column = Array.from({ length: map.inputs }, (_, i) => w[i * map.outputs + o]!);
            expect(nonZero(column)).toHaveLength(Math.min(k, map.inputs));
          }
        }
      }
    },
  );

  test("every input is chosen as often as another", () => {
    const [inputs, outputs, k] = [50, 4000, 15];
    const w = draw(`martens:k=${k}`, denseSpec(inputs, outputs));
    const p = k / inputs;
    let chi = 0;
    for (let i = 0; i < inputs; i++) {
      const count = nonZero(w.subarray(i * outputs, (i + 1) * outputs)).length;
      chi += (count - outputs * p) ** 2 / (outputs * p * (1 - p));
    }
    // The counts sum to a constant: (inputs - 1) / inputs of the sum is chi-square with inputs - 1 degrees.
    const degrees = inputs - 1;
    const statistic = (chi * degrees) / inputs;
    expect(Math.abs(statistic - degrees)).toBeLessThan(5 * Math.sqrt(2 * degrees));
    expect(statistic).toBeGreaterThan(1);
  });

  test("what is not 0 is N(0, std^2); auto is gain / sqrt(k), so the pre-activation keeps its variance", () => {
    const relu = denseSpec(100, 2000, { name: "relu", alpha: 0 });
    for (const [std, expected] of [
      [1, 1],
      [0.1, 0.1],
      ["auto", Math.sqrt(2 / 15)],
    ] as const) {
      const text = `martens:std=${std}`;
      const drawn = nonZero(draw(text, relu));
      expect(drawn).toHaveLength(15 * 2000);
      const { mean, variance, kurtosis } = momentsOf(drawn);
      expect(Math.abs(mean)).toBeLessThan((5 * expected) / Math.sqrt(drawn.length));
      expect(Math.abs(variance / expected ** 2 - 1)).toBeLessThan(5 * Math.sqrt(2 / drawn.length));
      expect(Math.abs(kurtosis)).toBeLessThan(5 * Math.sqrt(24 / drawn.length));
      expect(theory(text, relu).std ** 2).toBeCloseTo((expected ** 2 * 15) / 100, 12);
    }
  });

  test("refuses a k that is no count", () => {
    expect(() => theory("martens:k=0", denseSpec(3, 3))).toThrow(
      "martens: k must be a whole number of at least 1, got 0",
    );
  });
});

/** Density and variance of each map of a masked kernel, against what they should be. */
function expectMasked(values: Float32Array, spec: ParamSpec, density: number, scale: number): void {
  for (const map of spec.maps) {
    const w = mapOf(values, map);
    const n = w.length;
    const kept = nonZero(w);
    expect(Math.abs(kept.length - n * density)).toBeLessThanOrEqual(
      5 * Math.sqrt(n * density * (1 - density)),
    );
    const { mean, variance } = momentsOf(w);
    const expected = scale / spec.fanIn;
    expect(Math.abs(mean)).toBeLessThan(5 * Math.sqrt(expected / n));
    // A sparse normal law has excess kurtosis 3 / density - 3.
    const chance = 5 * Math.sqrt((3 / density - 1) / n);
    expect(Math.abs((variance + mean * mean) / expected - 1)).toBeLessThan(chance);
    const dense = momentsOf(kept).variance;
    const limit = 5 * Math.sqrt(2 / kept.length);
    expect(Math.abs((dense * density) / expected - 1)).toBeLessThan(limit);
  }
}

describe("sparse_bernoulli", () => {
  test.each([0.05, 0.3, 1])("of density %d has it, and variance scale / fan_in", (density) => {
    for (const spec of [
      denseSpec(300, 200),
      gatedKernel(100, 60, 4),
      convKernel([3, 3], 16, 64, 2),
    ]) {
      expectMasked(draw(`sparse_bernoulli:density=${density}`, spec), spec, density, 2);
      expect(theory("sparse_bernoulli:scale=3", spec).std).toBeCloseTo(
        Math.sqrt(3 / spec.fanIn),
        12,
      );
    }
  });

  test.each([
    ["density=0", "density: expected a positive number, got 0"],
    ["density=1.5", "sparse_bernoulli: density must be at most 1, got 1.5"],
    ["scale=-1", "scale: expected a number that is not negative, got -1"],
  ])("refuses %s", (options, message) => {
    expect(() => theory(`sparse_bernoulli:${options}`, denseSpec(3, 3))).toThrow(message);
  });
});

describe("sparse_erdos_renyi", () => {
  test.each([
    ["epsilon=20", denseSpec(300, 200), (20 * 500) / 60_000],
    ["epsilon=5", gatedKernel(100, 60, 4), (5 * 160) / 6000],
    ["epsilon=3", convKernel([3, 3], 16, 64, 2), (3 * (8 + 32 + 6)) / (8 * 32 * 9)],
    ["epsilon=20", denseSpec(20, 20), 1],
  ])(
    "%s: density epsilon (n_in + n_out + windows) / (their products), at most 1",
    (options, spec, density) => {
      expectMasked(draw(`sparse_erdos_renyi:${options},scale=1`, spec), spec, density, 1);
    },
  );
});

test("nothing is drawn twice: masks, values and maps are independent", () => {
  const spec = gatedKernel(100, 60, 2);
  for (const name of ["martens", "sparse_bernoulli"]) {
    const values = draw(name, spec);
    const kept = nonZero(values);
    expect(new Set(kept).size).toBeGreaterThan(kept.length * 0.999);
    expect(draw(name, spec, 2)).not.toEqual(values);
  }
});
