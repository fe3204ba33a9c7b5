import { describe, expect, test } from "vitest";
import { truncatedMoments } from "../../src/init/draw.ts";
import { initializer, resolve } from "../../src/init/initializer.ts";
import { denseSpec } from "../../src/init/specs.ts";
import { truncationOf } from "../../src/init/truncated.ts";
import { ksDistance, momentsOf, truncatedNormal } from "../support/statistics.ts";
import { draw, rankOf } from "./support.ts";

const spec = denseSpec(300, 100);
const n = 30_000;
const theory = (text: string, of = spec) => resolve(initializer(text), of).theory;

describe("a normal law cut at absolute bounds", () => {
  test.each([
    [0, 0.02, -2, 2],
    [0, 1, -2, 2],
    [0, 1.1, -2, 2],
    [0.5, 0.5, -2, 2],
    [1, 0.5, -2, 2],
    [-0.9, 0.3, -1.5, 4],
    [0, 0.28, -0.5, 0.5],
    [1.05, 1, 0, 50],
    [1e-3, 1e-4, 5e-4, 2e-3],
  ])("has mean %d and deviation %d on [%d, %d] when that is asked for", (mean, std, low, high) => {
    const cut = truncationOf(mean, std, low, high)!;
    // Simpson's rule of another interval and parametrisation.
    const law = truncatedNormal(cut.low, cut.high);
    expect((cut.mean + cut.sigma * law.mean - mean) / std).toBeCloseTo(0, 5);
    expect((cut.sigma * Math.sqrt(law.variance)) / std).toBeCloseTo(1, 5);
    expect(cut.mean + cut.sigma * cut.low).toBeCloseTo(low, 9);
    expect(cut.mean + cut.sigma * cut.high).toBeCloseTo(high, 9);
  });

  test.each([
    [0, 1.16, -2, 2], // the uniform law has 4 / sqrt(12) = 1.1547
    [1, 1.01, 0, 1000], // the exponential law has 1
    [3, 0.1, -2, 2],
    [2, 0.1, -2, 2],
  ])("does not exist for mean %d, deviation %d on [%d, %d]", (mean, std, low, high) => {
    expect(truncationOf(mean, std, low, high)).toBeUndefined();
    const text = `truncated_normal:mean=${mean},std=${std},low=${low},high=${high},boundsIn=absolute`;
    expect(() => resolve(initializer(text), spec)).toThrow(
      `truncated_normal: no normal law cut at [${low}, ${high}] has mean ${mean} and standard deviation ${std}`,
    );
  });
});

describe("truncated_normal", () => {
  test.each([
    ["low=-1,high=2,boundsIn=absolute,std=0.6,mean=0.2", 0.2, 0.6, -1, 2],
    ["low=-0.03,high=0.03,boundsIn=absolute,std=0.015", 0, 0.015, -0.03, 0.03],
    ["std=0.02", 0, 0.02, -0.04 / 0.8796256610342398, 0.04 / 0.8796256610342398],
    ["std=0.02,correct=off", 0, 0.02 * 0.8796256610342398, -0.04, 0.04],
    ["low=-0.02,high=0.02,boundsIn=absolute,std=0.02,correct=off", 0, 0.0107912, -0.02, 0.02],
    ["low=-2,high=2,boundsIn=absolute,std=0.02,correct=off", 0, 0.02, -2, 2],
  ])("with %s", (options, mean, std, low, high) => {
    const text = `truncated_normal:${options}`;
    const of = theory(text);
    expect(of.mean).toBeCloseTo(mean, 9);
    expect(of.std / std).toBeCloseTo(1, 5);
    expect(of.low).toBeCloseTo(low, 9);
    expect(of.high).toBeCloseTo(high, 9);
    const values = draw(text, spec);
    expect(values.every((x) => x >= low - 1e-9 && x <= high + 1e-9)).toBe(true);
    const sample = momentsOf(values);
    expect(Math.abs(sample.mean - mean)).toBeLessThan((5 * std) / Math.sqrt(n));
    // A cut normal law has at most the normal's kurtosis.
    expect(Math.abs(sample.variance / std ** 2 - 1)).toBeLessThan(5 * Math.sqrt(2 / n));
  });

  test("with deviation 0 is its mean, cut nowhere", () => {
    for (const boundsIn of ["std", "absolute"]) {
      const values = draw(`truncated_normal:std=0,mean=0.5,boundsIn=${boundsIn}`, denseSpec(3, 5));
      expect(values.every((x) => x === 0.5)).toBe(true);
    }
  });

  test.each([
    ["low=2,high=-2", "truncated_normal: low must be below high, got 2 and -2"],
    ["boundsIn=sigma", "boundsIn: expected std or absolute, got sigma"],
    ["correct=yes", "correct: expected on or off, got yes"],
  ])("refuses %s", (options, message) => {
    expect(() => resolve(initializer(`truncated_normal:${options}`), spec)).toThrow(message);
  });
});

test("BERT's 0.02 loses a part of its variance, ViT's does not, GPT-2's residual is divided by sqrt(2 depth)", () => {
  expect(theory("bert").std).toBeCloseTo(0.02 * truncatedMoments(-2, 2).std, 12);
  expect(theory("bert").std ** 2 / 0.02 ** 2).toBeCloseTo(0.7737413, 6);
  expect(theory("bert").high).toBe(0.04);
  expect(theory("vit").std).toBeCloseTo(0.02, 12);
  expect(theory("vit").high).toBeCloseTo(2, 12);
  expect(theory("gpt2").std).toBe(0.02);
  expect(theory("gpt2_residual").std).toBeCloseTo(0.02 / Math.sqrt(24), 12);
  expect(theory("gpt2_residual:depth=48").std).toBeCloseTo(0.02 / Math.sqrt(96), 12);
  expect(() => theory("gpt2_residual:depth=0")).toThrow("depth: expected a positive number, got 0");
});

test("laplace has its law, its kurtosis and its mean", () => {
  const [mean, std] = [0.3, 0.2];
  const values = draw(`laplace:mean=${mean},std=${std}`, denseSpec(400, 500));
  const b = std / Math.SQRT2;
  const cdf = (x: number) =>
    x < mean ? Math.exp((x - mean) / b) / 2 : 1 - Math.exp((mean - x) / b) / 2;
  expect(ksDistance(values, cdf)).toBeLessThan(1.95 / Math.sqrt(values.length));
  // n Var(kurtosis) = m8 - 4 m4 m6 - m4^2 + 4 m4^3, m_k = k! / 2^(k / 2) the standardised moments.
  const spread = Math.sqrt((2520 - 4 * 6 * 90 - 6 ** 2 + 4 * 6 ** 3) / values.length);
  expect(Math.abs(momentsOf(values).kurtosis - 3)).toBeLessThan(5 * spread);
});

test("rademacher has two values, each half of the time, and its mean square exactly", () => {
  const values = draw("rademacher:std=0.25", spec);
  expect(new Set(values)).toEqual(new Set([0.25, -0.25]));
  const positive = values.filter((x) => x > 0).length;
  expect(Math.abs(positive - n / 2)).toBeLessThan((5 * Math.sqrt(n)) / 2);
});

describe.each(["normal", "uniform"])("antithetic %s", (distribution) => {
  test.each([
    [30, 20],
    [7, 9],
    [1, 1],
  ])("[%d, %d]: values cancel in pairs, but one of an odd number", (rows, cols) => {
    const values = draw(`antithetic:distribution=${distribution}`, denseSpec(rows, cols));
    const count = new Map<number, number>();
    for (const x of values) count.set(Math.abs(x), (count.get(Math.abs(x)) ?? 0) + Math.sign(x));
    const left = [...count.values()].filter((sum) => sum !== 0);
    expect(left).toHaveLength(values.length % 2);
  });

  test("has full rank: pairs are not columns nor rows", () => {
    expect(rankOf(draw("antithetic", denseSpec(64, 64)), 64, 64)).toBe(64);
  });

  test("has the law of independent values", () => {
    // Half as many independent values.
    const values = draw(`antithetic:distribution=${distribution},std=1`, spec);
    const kurtosis = distribution === "normal" ? 0 : -1.2;
    const chance = 5 * Math.sqrt((2 + kurtosis) / (n / 2));
    const { mean, variance, kurtosis: sampled } = momentsOf(values);
    expect(Math.abs(mean)).toBeLessThan(1e-6);
    expect(Math.abs(variance - 1)).toBeLessThan(chance);
    expect(Math.abs(sampled - kurtosis)).toBeLessThan(5 * Math.sqrt(24 / (n / 2)));
  });
});

describe.each(["normal", "uniform"])("moment_matched %s", (distribution) => {
  test.each([
    [1, 2],
    [3, 5],
    [300, 100],
  ])("[%d, %d]: mean and variance are exact to 1e-6", (rows, cols) => {
    const options = `distribution=${distribution},mean=0.1,std=0.2`;
    const values = draw(`moment_matched:${options}`, denseSpec(rows, cols));
    const { mean, variance } = momentsOf(values);
    expect(Math.abs(mean - 0.1)).toBeLessThan(1e-6 * 0.2);
    expect(Math.abs(variance / 0.04 - 1)).toBeLessThan(1e-6);
  });

  test("keeps the law's kurtosis", () => {
    const { kurtosis } = momentsOf(draw(`moment_matched:distribution=${distribution}`, spec));
    const expected = distribution === "normal" ? 0 : -1.2;
    expect(Math.abs(kurtosis - expected)).toBeLessThan(5 * Math.sqrt(24 / n));
  });
});

test.each(["laplace", "rademacher", "antithetic", "moment_matched"])(
  "%s takes its deviation from a fan when mode names one",
  (name) => {
    expect(theory(`${name}:std=0.7`).std).toBe(0.7);
    expect(theory(`${name}:scale=2,mode=fan_in`).std).toBeCloseTo(Math.sqrt(2 / 300), 12);
    expect(theory(`${name}:mode=fan_geo_avg`).std).toBeCloseTo(30_000 ** -0.25, 12);
    const { mean, variance } = momentsOf(draw(`${name}:scale=2,mode=fan_in`, spec));
    // 5 is the most that any of them has for 2 + kurtosis.
    expect(Math.abs((variance + mean * mean) * 150 - 1)).toBeLessThan(5 * Math.sqrt(5 / n));
  },
);
