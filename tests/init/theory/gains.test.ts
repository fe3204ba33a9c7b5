import { describe, expect, test } from "vitest";
import { gain } from "../../../src/init/gains.ts";
import type { Activation } from "../../../src/init/theory/index.ts";
import {
  activationMoments,
  backwardGain,
  diagnoseGain,
  forwardGain,
} from "../../../src/init/theory/index.ts";
import { erf } from "../../support/reference.ts";
import { expectDigits } from "./digits.ts";

/**
 * activation, E[f], E[f^2], E[f'^2], forward gain, backward gain, slope of the length map at 1, chi_1: computed with SciPy by another
 * rule (Gauss-Legendre with 30 points on panels of 1/2).
 */
const TABLE: readonly (readonly [Activation, ...string[]])[] = [
  ["linear", "0", "1", "1", "1", "1", "1", "1"],
  ["relu", ".398942", ".5", ".5", "1.414214", "1.414214", "1", "1"],
  ["relu6", ".398942", ".500000", ".500000", "1.414214", "1.414214", "1.0000", "1.0000"],
  [leaky(0.01), ".394953", ".50005", ".50005", "1.414143", "1.414143", "1", "1"],
  [leaky(0.2), ".319154", ".52", ".52", "1.386750", "1.386750", "1", "1"],
  [leaky(0.3), ".279260", ".545", ".545", "1.354571", "1.354571", "1", "1"],
  ["prelu", ".299207", ".53125", ".53125", "1.371989", "1.371989", "1", "1"],
  ["tanh", "0", ".394294", ".464403", "1.592537", "1.467414", ".4611", "1.1778"],
  ["lecun_tanh", "0", ".750430", ".803989", "1.154369", "1.115257", ".6154", "1.0714"],
  ["sigmoid", ".5", ".293379", ".044836", "1.846229", "4.722646", ".1063", ".1528"],
  ["hard_sigmoid", ".5", ".277639", ".027703", "1.897840", "6.008116", ".0971", ".0998"],
  ["hard_tanh", "0", ".516059", ".682689", "1.392036", "1.210287", ".3851", "1.3229"],
  ["softsign", "0", ".183014", ".227671", "2.337533", "2.095781", ".4767", "1.2440"],
  ["erf", "0", ".464559", ".569410", "1.467167", "1.325218", ".4086", "1.2257"],
  ["sin", "0", ".432332", ".567668", "1.520867", "1.327251", ".3130", "1.3130"],
  ["selu", "0", "1.000000", "1.071575", "1.000000", ".966026", ".7826", "1.0716"],
  ["elu", ".160521", ".644945", ".668102", "1.245198", "1.223429", ".8910", "1.0359"],
  ["gelu", ".282095", ".425221", ".455851", "1.533530", "1.481114", "1.1441", "1.0720"],
  ["gelu_tanh", ".282039", ".425194", ".455818", "1.533581", "1.481168", "1.1443", "1.0720"],
  ["silu", ".206621", ".355776", ".379482", "1.676532", "1.623320", "1.1726", "1.0666"],
  ["mish", ".240404", ".452342", ".479084", "1.486848", "1.444755", "1.0763", "1.0591"],
  ["hard_swish", ".166217", ".331567", ".358532", "1.736657", "1.670076", "1.2239", "1.0813"],
  ["softplus", ".806059", ".921246", ".293379", "1.041867", "1.846229", ".4921", ".3185"],
  ["abs", ".797885", "1", "1", "1", "1", "1", "1"],
  ["relu_squared", ".5", "1.5", "2", ".816497", ".707107", "2.0", "1.3333"],
];

function leaky(alpha: number) {
  return { name: "leaky_relu", alpha };
}

test.each(TABLE)("the Gaussian moments and gains of %j", (activation, ...row) => {
  const [mean, second, slopeSecond, forward, backward, slope, chi1] = row as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  const moments = activationMoments(activation);
  expectDigits(moments.mean, mean);
  expectDigits(moments.second, second);
  expectDigits(moments.slopeSecond, slopeSecond);
  expectDigits(forwardGain(activation), forward);
  expectDigits(gain(activation), forward);
  expectDigits(backwardGain(activation), backward);
  const diagnosis = diagnoseGain(activation);
  expectDigits(diagnosis.slope, slope);
  expectDigits(diagnosis.chi1, chi1);
});

describe("moments that are known in closed form", () => {
  const sqrt2Pi = Math.sqrt(2 * Math.PI);

  test.each([0.01, 1, 30])("of sin, erf, relu_squared and gelu at q = %d", (q) => {
    // E[sin^2] = (1 - e^(-2q)) / 2
    const sin = activationMoments("sin", q);
    expect(sin.second / ((1 - Math.exp(-2 * q)) / 2)).toBeCloseTo(1, 11);
    expect(sin.slopeSecond).toBeCloseTo((1 + Math.exp(-2 * q)) / 2, 11);
    expect(sin.growth).toBeCloseTo(Math.exp(-2 * q), 11);
    // E[erf^2] = (2 / pi) asin(2q / (1 + 2q)), E[erf'^2] = 4 / (pi sqrt(1 + 4q)): Williams 1997.
    const erf = activationMoments("erf", q);
    expect(erf.second / ((2 / Math.PI) * Math.asin((2 * q) / (1 + 2 * q)))).toBeCloseTo(1, 11);
    expect(erf.slopeSecond).toBeCloseTo(4 / (Math.PI * Math.sqrt(1 + 4 * q)), 11);
    expect(activationMoments("relu_squared", q).second / (1.5 * q * q)).toBeCloseTo(1, 11);
    // E[x Phi(x)] = q / sqrt(2 pi (1 + q))
    expect(activationMoments("gelu", q).mean).toBeCloseTo(q / (sqrt2Pi * Math.sqrt(1 + q)), 11);
  });

  test.each([0.01, 0.4, 7])("of relu and leaky_relu by quadrature at q = %d", (q) => {
    for (const alpha of [0, 0.3, -1]) {
      const exact = activationMoments(leaky(alpha), q);
      const numeric = activationMoments((x) => (x > 0 ? x : alpha * x), q);
      expect(numeric.mean).toBeCloseTo(exact.mean, 11);
      expect(numeric.second).toBeCloseTo(exact.second, 11);
      expect(numeric.slopeSecond).toBeCloseTo(exact.slopeSecond, 9);
      expect(numeric.growth).toBeCloseTo(exact.growth, 9);
      expect(numeric.spread).toBeCloseTo(exact.spread, 10);
    }
  });

  test("the spread of relu's square is 5, of a linear unit's 2", () => {
    expect(activationMoments("relu").spread).toBeCloseTo(5, 12);
    expect(activationMoments("linear").spread).toBeCloseTo(2, 12);
  });

  test("mean 0 and second moment 1 are selu's fixed point, Klambauer et al. 2017", () => {
    expect(activationMoments("selu").second).toBeCloseTo(1, 12);
    expect(activationMoments("selu").mean).toBeCloseTo(0, 12);
  });
});

describe("growth is the derivative of the second moment", () => {
  test.each(TABLE.map(([activation]) => activation))("%j", (activation) => {
    for (const q of [0.3, 1, 4]) {
      const h = 1e-4 * q;
      const [below, above] = [q - h, q + h].map((at) => activationMoments(activation, at).second);
      // h^2 / 6 times the third derivative, and 1e-12 / h.
      expect(activationMoments(activation, q).growth).toBeCloseTo((above! - below!) / (2 * h), 6);
    }
  });
});

describe("a function of one's own", () => {
  test("has the gains of the built-in it equals, its derivative numeric", () => {
    expect(forwardGain(Math.tanh)).toBeCloseTo(forwardGain("tanh"), 13);
    expect(backwardGain(Math.tanh)).toBeCloseTo(backwardGain("tanh"), 10);
    expect(gain((x) => Math.max(x, 0))).toBeCloseTo(Math.SQRT2, 12);
    expect(backwardGain((x) => Math.max(x, 0))).toBeCloseTo(Math.SQRT2, 10);
  });

  test("is exact when its kinks are named, with and without a derivative", () => {
    const f = (x: number) => Math.min(Math.max(x, -0.7), 1.3);
    const df = (x: number) => (x > -0.7 && x < 1.3 ? 1 : 0);
    const kinks = [-0.7, 1.3];
    // P(-0.7 < z < 1.3)
    const inside = (erf(1.3 / Math.SQRT2) + erf(0.7 / Math.SQRT2)) / 2;
    expect(1 / backwardGain({ f, df, kinks }) ** 2).toBeCloseTo(inside, 12);
    expect(1 / backwardGain({ f, kinks }) ** 2).toBeCloseTo(inside, 10);
  });
});

describe("what a gain cannot do", () => {
  test.each([
    ["tanh", "stable"],
    ["selu", "stable"],
    ["relu", "neutral"],
    ["relu6", "neutral"],
    ["gelu", "unstable"],
    ["silu", "unstable"],
    ["mish", "unstable"],
    ["hard_swish", "unstable"],
    ["relu_squared", "unstable"],
  ])("%s is %s under its forward gain", (activation, stability) => {
    expect(diagnoseGain(activation).stability).toBe(stability);
  });
});

test.each([
  ["swoosh", 'no definition is known for "swoosh"; known are linear, relu'],
  ["toString", 'no definition is known for "toString"'],
  [leaky(Number.NaN), "alpha of leaky_relu must be finite, got NaN"],
  [{ f: Math.tanh, kinks: [Infinity] }, "kinks must be finite, got [Infinity]"],
] as const)("%j is refused", (activation, message) => {
  expect(() => gain(activation as Activation)).toThrow(message);
});

test("moments of a signal of next to nothing are those of the tangent, down to 0", () => {
  for (const name of ["sin", "tanh", "gelu", "selu"]) {
    const at = (q: number) => activationMoments(name, q).second / q;
    for (const q of [1e-30, 1e-100]) expect(at(q) / at(1e-18)).toBeCloseTo(1, 6);
    expect(activationMoments(name, 0).second).toBe(0);
  }
  expect(activationMoments("sigmoid", 1e-100)).toMatchObject({ mean: 0.5, second: 0.25 });
});
