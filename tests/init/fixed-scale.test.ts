import { describe, expect, test } from "vitest";
import { truncatedMoments } from "../../src/init/draw.ts";
import { initializer, resolve, schemeOf } from "../../src/init/initializer.ts";
import { SCHEMES } from "../../src/init/schemes/index.ts";
import { denseSpec, vectorSpec } from "../../src/init/specs.ts";
import { truncationOf } from "../../src/init/truncated.ts";
import { verify } from "../../src/init/verify.ts";
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

describe("the moments of a cut normal law", () => {
  /** The same integrals of t in [0, 1] with x = c + t w, by the midpoint rule with steps of w / 200,000, Richardson-extrapolated. */
  function reference(low: number, high: number) {
    const c = Math.min(Math.max(0, low), high);
    const w = Math.min(high - low, 45 / Math.max(Math.abs(c), 3));
    const from = Math.abs(high - c) < Math.abs(low - c) ? c - w : Math.max(low, c - w);
    const width = Math.min(high - from, 2 * w);
    const sums = (cells: number) => {
      let [m0, m1, m2] = [0, 0, 0];
      for (let i = 0; i < cells; i++) {
        const d = from - c + ((i + 0.5) * width) / cells;
        const weight = Math.exp(-c * d - (d * d) / 2) / cells;
        m0 += weight;
        m1 += weight * d;
        m2 += weight * d * d;
      }
      return [m0, m1, m2] as const;
    };
    const [fine, coarse] = [sums(100_000), sums(50_000)];
    const [m0, m1, m2] = fine.map((x, i) => (4 * x - coarse[i]!) / 3) as [number, number, number];
    return { mean: c + m1 / m0, shift: m1 / m0, std: Math.sqrt(m2 / m0 - (m1 / m0) ** 2) };
  }

  test.each([
    [-2, 2],
    [-1, 1],
    [0, 3],
    [-Infinity, 0.5],
    [1, Infinity],
    [5, 6],
    [41, 45],
    [-45, -41],
    [-1000, -900],
    [900, Infinity],
    [300, 300.001],
    [1e5, 2e5],
    [-1e6, 1e6],
    [-3, 1e9],
    [0.1, 0.1 + 1e-6],
  ])("on [%d, %d] are its integrals", (low, high) => {
    const { mean, std } = truncatedMoments(low, high);
    const expected = reference(low, high);
    expect(std / expected.std).toBeCloseTo(1, 8);
    // In deviations: the mean itself has few digits to spare in a tail.
    expect(Math.abs(mean - expected.mean) / std).toBeLessThan(1e-4);
  });

  test("of a half-line are Mills' ratio's: mean phi / Q, which is sqrt(2 / pi) from 0 on", () => {
    expect(truncatedMoments(0, Infinity).mean).toBeCloseTo(Math.sqrt(2 / Math.PI), 13);
    expect(truncatedMoments(-Infinity, 0).std).toBeCloseTo(Math.sqrt(1 - 2 / Math.PI), 13);
    expect(truncatedMoments(-Infinity, Infinity)).toEqual({
      mean: expect.closeTo(0, 13),
      std: expect.closeTo(1, 13),
    });
    // Mean a + 1/a - 2/a^3 + 10/a^5, variance 1/a^2 - 6/a^4 + 50/a^6: the asymptotic series at a = 200.
    const a = 200;
    const { mean, std } = truncatedMoments(a, Infinity);
    expect(mean).toBeCloseTo(a + 1 / a - 2 / a ** 3 + 10 / a ** 5, 12);
    expect((std * a) ** 2).toBeCloseTo(1 - 6 / a ** 2 + 50 / a ** 4, 6);
  });

  test("on the widest of intervals are the normal law's, on the narrowest the uniform's", () => {
    expect(truncatedMoments(-1000, 1000).std).toBeCloseTo(1, 13);
    expect(truncatedMoments(1, 1.000001).std / 1e-6).toBeCloseTo(1 / Math.sqrt(12), 6);
  });
});

describe("truncated_normal, whatever its bounds", () => {
  test.each([
    "low=-1000,high=-900",
    "low=41,high=45,std=1",
    "low=41,high=45,std=1,correct=off",
    "low=-inf,high=1",
    "low=0,high=inf",
    "low=-inf,high=-60",
    "low=-inf,high=inf",
    "low=-1000,high=1000",
    "low=20000,high=inf,mean=0.1",
    "low=-0.08,high=inf,std=0.05,boundsIn=absolute",
    "low=-inf,high=0.1,std=0.05,boundsIn=absolute,correct=off",
    "low=3,high=inf,std=0.05,boundsIn=absolute,correct=off",
  ])("%s: drawn values have the mean, the deviation and the law of the theory", (options) => {
    const { draw: drawn, theory: of } = resolve(initializer(`truncated_normal:${options}`), spec);
    const values = draw(`truncated_normal:${options}`, spec);
    const sample = momentsOf(values);
    expect(Math.abs(sample.mean - of.mean)).toBeLessThan((5 * of.std) / Math.sqrt(n));
    // An exponential law, the farthest tail's, has excess kurtosis 6.
    expect(Math.abs(sample.variance / of.std ** 2 - 1)).toBeLessThan(5 * Math.sqrt(8 / n));
    const slack = 1e-6 * Math.abs(of.mean);
    expect(values.every((x) => x >= of.low - slack && x <= of.high + slack)).toBe(true);
    const verdict = verify(drawn, spec, values);
    expect(verdict.test).toBe("kolmogorov-smirnov");
    expect(verdict.statistic).toBeLessThan(verdict.limit);
    if (options.includes("correct=off")) return;
    expect(of.mean).toBeCloseTo(options.includes("mean") ? 0.1 : 0, 6);
    expect(of.std).toBeCloseTo(options.includes("std=1") ? 1 : 0.05, 6);
  });

  test.each([
    ["low=1e6,high=1e7", "expected an interval that begins within 100000 deviations"],
    ["low=high", "low: expected a finite number, got high"],
    ["low=inf,high=inf", "low must be below high, got Infinity and Infinity"],
    ["low=-inf,high=-inf", "low must be below high, got -Infinity and -Infinity"],
  ])("refuses %s", (options, message) => {
    expect(() => resolve(initializer(`truncated_normal:${options}`), spec)).toThrow(
      `truncated_normal: ${message}`,
    );
  });

  test("a factor of 0 on infinite bounds is 0, and an approximate theory stays one", () => {
    const of = theory("truncated_normal:low=-inf,high=inf * 0");
    expect([of.mean, of.std, of.low, of.high].map(Math.abs)).toEqual([0, 0, 0, 0]);
    expect(theory("spectral_norm * 2").approximate).toBe(true);
    expect(theory("laplace * 0").high).toBe(0);
  });
});

describe("a value is a function of the key and its index: a longer parameter begins with the shorter one", () => {
  const begins = (name: string) => {
    const longer = draw(name, vectorSpec(spec, "bias", 1003));
    const shorter = draw(name, vectorSpec(spec, "bias", 402));
    return shorter.every((x, i) => x === longer[i]);
  };
  // Values arranged over the whole parameter: their rows say so.
  const arranged = ["antithetic", "moment_matched"];
  const independent = SCHEMES.filter(
    ({ applies, family }) => applies === "any" && /fixed scale|variance scaling/.test(family),
  ).map(({ name }) => name);

  test.each(independent.filter((name) => !arranged.includes(name)))("%s", (name) => {
    expect(begins(name)).toBe(true);
  });

  test.each(arranged)("but not %s, whose row says that a value depends on others", (name) => {
    expect(begins(name)).toBe(false);
    expect(schemeOf(name).property).toMatch(/depends on/);
  });
});
