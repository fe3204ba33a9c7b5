import { describe, expect, test } from "vitest";
import { gain } from "../../../src/init/index.ts";
import type { ActivationMoments } from "../../../src/init/theory/index.ts";
import {
  activationFunction,
  activationMoments,
  backwardGain,
  chi1,
  correlationMap,
  diagnoseGain,
  edgeOfChaos,
  forwardGain,
  lengthFixedPoint,
  lengthMap,
  lengthSlope,
  meanField,
  THEORY_ACTIVATIONS,
} from "../../../src/init/theory/index.ts";
import { erf } from "../../support/reference.ts";

const NINE_DIGITS = 5e-10;
const clip = (k: number) => (x: number) => Math.min(Math.max(x, -k), k);
const step = (x: number) => (x > 0.5 ? 1 : 0);

function expectSame(got: ActivationMoments, want: ActivationMoments, where: string): void {
  for (const key of ["second", "spread", "slopeSecond", "growth"] as const) {
    expect(Math.abs(got[key] / want[key] - 1), `${where} ${key}`).toBeLessThan(NINE_DIGITS);
  }
}

describe("moments of a function whose kinks are not named have nine digits", () => {
  test.each([0.1, 0.3, 0.7, 1, 1.5, 2.5])("clamp at +-%d, in closed form", (k) => {
    for (const q of [0.2, 1, 3]) {
      const { slopeSecond, second, growth } = activationMoments(clip(k), q);
      // E[f'^2] = P(|x| < k); E[f^2] = q (P - 2 z phi(z)) + k^2 (1 - P), z = k / sqrt q; d/dq E[f^2] = P - 2 z phi(z).
      const z = k / Math.sqrt(q);
      const inside = erf(z / Math.SQRT2);
      const bulk = inside - (2 * z * Math.exp((-z * z) / 2)) / Math.sqrt(2 * Math.PI);
      for (const [got, want] of [
        [slopeSecond, inside],
        [second, q * bulk + k * k * (1 - inside)],
        [growth, bulk],
      ] as const) {
        expect(Math.abs(got / want - 1), `q ${q}`).toBeLessThan(NINE_DIGITS);
      }
    }
  });

  test.each(THEORY_ACTIVATIONS)("%s given as a function", (name) => {
    const { f } = activationFunction(name);
    for (const q of [0.3, 1, 4]) {
      expectSame(
        activationMoments((x: number) => f(x), q),
        activationMoments(name, q),
        `q ${q}`,
      );
    }
  });

  test("a step between two places, however steep, is resolved", () => {
    // E[tanh(s (x - a))^2] -> 1 - 2 phi(a) / s, and E[f'^2] -> 4 s phi(a) / 3.
    for (const [s, a] of [
      [300, 0.3],
      [3000, -1.1],
    ] as const) {
      const { second, slopeSecond } = activationMoments((x) => Math.tanh(s * (x - a)));
      const density = Math.exp((-a * a) / 2) / Math.sqrt(2 * Math.PI);
      expect(1 - second).toBeCloseTo((2 * density) / s, 7);
      expect(slopeSecond / ((4 * s * density) / 3)).toBeCloseTo(1, 4);
    }
  });

  test("kinks are found where they are, and only there", () => {
    const found = (f: (x: number) => number) =>
      [...activationFunction(f).kinks].filter((x) => x !== 0).sort((a, b) => a - b);
    for (const k of [1e-3, 0.1, 0.5, 1 / 3, 7, 50]) {
      const [below, above, ...rest] = found(clip(k));
      expect(rest).toEqual([]);
      expect(Math.abs(below! + k)).toBeLessThan(1e-9 * Math.max(1, k));
      expect(Math.abs(above! - k)).toBeLessThan(1e-9 * Math.max(1, k));
    }
    for (const f of [Math.tanh, Math.sin, (x: number) => x ** 3, (x: number) => Math.exp(-x * x)]) {
      expect(found(f)).toEqual([]);
    }
    // What rounding leaves of a smooth function is no kink.
    expect(found((x) => (x === 0 ? 0.5 : (1 - Math.cos(x)) / (x * x)))).toEqual([]);
    expect(activationFunction({ f: clip(100), kinks: [-100, 100] }).kinks).toEqual([-100, 100, 0]);
  });
});

describe("a function that jumps", () => {
  test("has a forward gain, and no slope that could be squared", () => {
    // P(z > 0.5)
    const p = (1 - erf(0.5 / Math.SQRT2)) / 2;
    expect(forwardGain(step)).toBeCloseTo(1 / Math.sqrt(p), 10);
    expect(forwardGain(Math.sign)).toBeCloseTo(1, 12);
    expect(activationMoments(step).slopeSecond).toBe(Infinity);
  });

  test("has the growth of its closed form: d/dq P(x > a)", () => {
    for (const q of [0.5, 1, 3]) {
      const z = 0.5 / Math.sqrt(q);
      const want = (z * Math.exp((-z * z) / 2)) / Math.sqrt(2 * Math.PI) / (2 * q);
      expect(activationMoments(step, q).growth).toBeCloseTo(want, 9);
      expect(lengthSlope({ activation: step, sigmaW2: 2 }, q)).toBeCloseTo(2 * want, 9);
    }
  });

  const model = { activation: step, sigmaW2: 1, sigmaB2: 0.1 };
  test.each([
    ["backwardGain", () => backwardGain(step)],
    ["diagnoseGain", () => diagnoseGain(step)],
    ["chi1", () => chi1(model, 1)],
    ["meanField", () => meanField(model)],
    ["correlationMap", () => correlationMap(model, 0.5, 1)],
    ["edgeOfChaos", () => edgeOfChaos(step, 0.1)],
  ])("%s refuses it, and says where it jumps", (where, call) => {
    expect(call).toThrow(RangeError);
    expect(call).toThrow(
      `${where}: expected a continuous activation, but f jumps from 0.000 to 1.000 at x = 0.5: E[f'^2] is infinite`,
    );
  });

  test("is not taken for one that is only steep, or has a root", () => {
    for (const f of [
      (x: number) => Math.tanh(1e4 * x),
      (x: number) => Math.sqrt(Math.abs(x - 0.2)),
      (x: number) => Math.cbrt(x),
    ]) {
      expect(activationFunction(f).jumps).toEqual([]);
    }
  });
});

test.each([
  [() => gain(() => Number.NaN), "expected f to be finite, f("],
  [() => forwardGain(Math.sqrt), "is NaN"],
  [() => gain(() => 0), "forwardGain: expected E[f^2] to be positive, got 0"],
  [() => backwardGain(() => 1), "backwardGain: expected E[f'^2] to be positive, got 0"],
  [() => diagnoseGain(() => 0), "diagnoseGain: expected E[f^2] to be positive, got 0"],
  [() => forwardGain((x) => Math.exp(x * x)), "expected E[f^2] over N(0, 1) to be finite"],
  [() => forwardGain((x) => Math.exp(0.24 * x * x)), "to be finite"],
  [() => forwardGain((x) => 1 / x), "expected f to be bounded near x = 0"],
  [() => forwardGain((x) => Math.round(x * 20)), "expected a function with a few kinks"],
  [() => gain("geluu"), 'no definition is known for "geluu"; did you mean "gelu"?'],
])("a hopeless function is refused: %#", (call, message) => {
  expect(call).toThrow(RangeError);
  expect(call).toThrow(message);
});

test.each([
  [null, "got null"],
  [undefined, "got undefined"],
  [3, "got 3"],
  [{ f: 3 }, "expected f to be a function, got 3"],
  [{ f: Math.tanh, df: 3 }, "expected df to be a function, got 3"],
  [() => "1", "expected f to give numbers, f("],
  [() => undefined, "is undefined"],
])("what is no activation is a TypeError: %#", (wrong, message) => {
  const call = () => forwardGain(wrong as unknown as string);
  expect(call).toThrow(TypeError);
  expect(call).toThrow(message);
});

test("lengths grow without bound where a moment is infinite", () => {
  const model = { activation: (x: number) => Math.exp(x * x), sigmaW2: 1 };
  expect(lengthMap(model, 1)).toBe(Infinity);
  expect(lengthFixedPoint(model, 1)).toMatchObject({ q: Infinity, stability: "unstable" });
});

test.each([
  [1.002, "unstable"],
  [0.998, "stable"],
  [1 + 1e-5, "unstable"],
  [1 - 1e-5, "stable"],
  [1 + 1e-7, "neutral"],
])("f = |x|^%d has slope as much, and is %s", (power, stability) => {
  // E[|x|^(2p)] goes with q^p.
  const f = (x: number) => Math.abs(x) ** power;
  const df = (x: number) => power * Math.sign(x) * Math.abs(x) ** (power - 1);
  const found = diagnoseGain({ f, df });
  expect(found.slope).toBeCloseTo(power, 7);
  expect(found.stability).toBe(stability);
});
