import { describe, expect, test } from "vitest";
import { calibratedBias } from "../../src/init/calibration.ts";
import { initializer, resolve } from "../../src/init/initializer.ts";
import { denseSpec, vectorSpec } from "../../src/init/specs.ts";
import { initialised } from "../support/initialised.ts";
import { random } from "../support/random.ts";

const biases = (size: number) => vectorSpec(denseSpec(8, size), "bias", size);

function softmax(b: Float32Array): number[] {
  const sum = b.reduce((all, x) => all + Math.exp(x), 0);
  return [...b].map((x) => Math.exp(x) / sum);
}

test("carry_bias is its value, which must be below 0", () => {
  expect(initialised("carry_bias", biases(4))).toEqual(new Float32Array(4).fill(-1));
  expect(initialised("highway_bias:value=-3", biases(2))).toEqual(new Float32Array(2).fill(-3));
  expect(() => initialised("carry_bias:value=0", biases(2))).toThrow(
    "carry_bias: value must be below 0, got 0",
  );
});

test("small_positive is its value, which must be above 0", () => {
  expect(initialised("small_positive", biases(4))).toEqual(new Float32Array(4).fill(0.01));
  expect(initialised("small_positive:value=0.1", biases(2))).toEqual(new Float32Array(2).fill(0.1));
  expect(() => initialised("small_positive:value=0", biases(2))).toThrow(
    "small_positive: value must be above 0, got 0",
  );
});

describe("log_prior", () => {
  test("softmax gives the shares back, from shares or counts", () => {
    for (const p of ["0.9/0.09/0.01", "900/90/10"]) {
      const found = softmax(initialised(`log_prior:p=${p}`, biases(3)));
      [0.9, 0.09, 0.01].forEach((share, i) => {
        expect(Math.abs(found[i]! - share)).toBeLessThan(1e-6);
      });
    }
  });

  test("the first cross-entropy is the entropy of the classes", () => {
    const p = [0.7, 0.2, 0.1];
    const q = softmax(initialised(`log_prior:p=${p.join("/")}`, biases(3)));
    const loss = -p.reduce((sum, share, i) => sum + share * Math.log(q[i]!), 0);
    const entropy = -p.reduce((sum, share) => sum + share * Math.log(share), 0);
    expect(loss).toBeCloseTo(entropy, 6);
  });

  test("is -log C for each of C classes unless told", () => {
    expect(initialised("log_prior", biases(10))).toEqual(new Float32Array(10).fill(-Math.log(10)));
  });

  test("refuses shares that do not fit, and kernels", () => {
    const expected =
      'log_prior: p must be "uniform" or 3 positive numbers with / between them, got';
    for (const p of ["0.1/0.9", "1/0/1", "1/a/2", "0.5"]) {
      expect(() => initialised(`log_prior:p=${p}`, biases(3))).toThrow(`${expected} ${p}`);
    }
    expect(() => initialised("log_prior", denseSpec(3, 5))).toThrow(
      "log_prior: expected a bias, got dense kernel [3, 5]",
    );
  });
});

describe("focal_prior", () => {
  test.each([0.01, 0.5, 0.9])("sigmoid of the bias is pi = %d", (pi) => {
    for (const b of initialised(`focal_prior:pi=${pi}`, biases(3))) {
      expect(Math.abs(1 / (1 + Math.exp(-b)) - pi)).toBeLessThan(1e-6);
    }
  });

  test("refuses pi outside (0, 1)", () => {
    for (const pi of [0, 1, -1]) {
      expect(() => resolve(initializer(`focal_prior:pi=${pi}`), biases(1))).toThrow(
        `focal_prior: pi must be between 0 and 1, got ${pi}`,
      );
    }
  });
});

describe("calibratedBias", () => {
  const next = random(5);
  const z = Float32Array.from({ length: 1001 }, () => (next() + next() + next()) * 7 - 3);

  test.each([0.01, 0.1, 0.5, 0.77, 0.999])(
    "activates the share %d of the samples, to the nearest sample",
    (p) => {
      const b = calibratedBias(z, p);
      expect(z.filter((x) => x + b > 0).length).toBe(Math.round(p * 1001));
    },
  );

  test("keeps a sample on either side when p asks for none or all", () => {
    expect(calibratedBias([3, 1, 2], 1e-9)).toBe(-2.5);
    expect(calibratedBias([3, 1, 2], 1 - 1e-9)).toBe(-1.5);
  });

  test("leaves its samples as they are, and refuses what has no quantile", () => {
    const samples = [3, 1, 2];
    calibratedBias(samples, 0.5);
    expect(samples).toEqual([3, 1, 2]);
    expect(() => calibratedBias([1], 0.5)).toThrow(RangeError);
    expect(() => calibratedBias([1, Number.NaN], 0.5)).toThrow(RangeError);
    expect(() => calibratedBias([1, 2], 1)).toThrow(
      "calibratedBias: p must be between 0 and 1, got 1",
    );
  });
});
