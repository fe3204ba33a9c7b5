import { describe, expect, test } from "vitest";
import {
  activationMoments,
  chi1,
  correlationMap,
  edgeOfChaos,
  lengthFixedPoint,
  lengthMap,
  lengthSlope,
  meanField,
} from "../../../src/init/theory/index.ts";
import { erf } from "../../support/reference.ts";
import { expectDigits } from "./digits.ts";

const tanh = (sigmaW2: number, sigmaB2 = 0.05) => ({ activation: "tanh", sigmaW2, sigmaB2 });

describe("tanh with sigma_b^2 = 0.05", () => {
  // sigma_w^2, q*, chi_1, c*, xi_q, xi_c, xi of the gradient: by Gauss-Hermite with 101 points and iteration of the maps; chi_1
  // and c* of the last by mpmath and with 180 points, since 101 no longer hold five digits there.
  test.each([
    ["1.0", "0.19359", "0.75903", "1.00000", "1.748", "3.627", "3.627"],
    ["1.2", "0.26990", "0.84517", "1.00000", "1.809", "5.945", "5.945"],
    ["1.4", "0.36488", "0.91103", "1.00000", "1.740", "10.732", "10.732"],
    ["1.5", "0.41804", "0.93864", "1.00000", "1.683", "15.791", "15.791"],
    ["1.6", "0.47425", "0.96369", "1.00000", "1.621", "27.035", "27.035"],
    ["1.7", "0.53308", "0.98674", "1.00000", "1.558", "74.918", "74.918"],
    ["1.8", "0.59413", "1.00822", "0.95041", "1.498", "125.784", "122.107"],
    ["1.9", "0.65711", "1.02845", "0.83820", "1.441", "39.352", "35.645"],
    ["2.0", "0.72176", "1.04767", "0.74408", "1.388", "25.213", "21.475"],
    ["2.5", "1.06396", "1.13352", "0.44680", "1.180", "11.796", "7.979"],
    ["3.0", "1.42801", "1.20893", "0.29932", "1.041", "9.051", "5.270"],
    ["4.0", "2.19549", "1.34240", "0.16506", "0.873", "6.980", "3.396"],
  ])("sigma_w^2 = %s", (sigmaW2, q, chi, c, xiQ, xiC, xiGradient) => {
    const theory = meanField(tanh(Number(sigmaW2)))!;
    expectDigits(theory.q, q);
    expectDigits(theory.chi1, chi);
    expectDigits(theory.c, c);
    expectDigits(theory.xiQ, xiQ);
    expectDigits(theory.xiC, xiC);
    expectDigits(theory.xiGradient, xiGradient);
    expect(theory.trainableDepth).toBe(6 * theory.xiC);
    expect(theory.phase).toBe(Number(chi) < 1 ? "ordered" : "chaotic");
    expect(theory.stability).toBe("stable");
  });

  test("is critical at sigma_w^2 = 1.760955", () => {
    const edge = edgeOfChaos("tanh", 0.05)!;
    expectDigits(edge.sigmaW2, "1.760955");
    const theory = meanField(tanh(edge.sigmaW2))!;
    expect(theory.phase).toBe("critical");
    expect(theory.c).toBe(1);
    expect(theory.xiC).toBe(Infinity);
    expect(theory.trainableDepth).toBe(Infinity);
    expectDigits(theory.q, "0.57005");
    // Six decimals of it are critical for every depth that is built.
    expect(meanField(tanh(1.760955))!.xiC).toBeGreaterThan(1e6);
  });
});

describe("the length map", () => {
  test("tanh with gain 5/3 holds q = 1.1785, second moment .4243, chi_1 = 1.2098", () => {
    const theory = meanField({ activation: "tanh", sigmaW2: 25 / 9 })!;
    expectDigits(theory.q, "1.1785");
    expectDigits(theory.second, ".4243");
    expectDigits(theory.chi1, "1.2098");
    expectDigits(Math.sqrt(theory.second), ".651");
    expect(theory.stability).toBe("stable");
  });

  test("its fixed point is where iterating it leads", () => {
    for (const [model, from] of [
      [tanh(1.3), 1],
      [tanh(2.5, 0), 1],
      [{ activation: "selu", sigmaW2: 1 }, 3],
      [{ activation: "elu", sigmaW2: 1.3, sigmaB2: 0.1 }, 0.2],
      [{ activation: "sigmoid", sigmaW2: 1 }, 1],
      [{ activation: "relu", sigmaW2: 1.2, sigmaB2: 0.3 }, 1],
      [{ activation: "gelu", sigmaW2: 1.9, sigmaB2: 0.05 }, 1],
      [{ activation: "sin", sigmaW2: 1.5 }, 1],
    ] as const) {
      let q: number = from;
      for (let step = 0; step < 500; step++) q = lengthMap(model, q);
      const limit = lengthFixedPoint(model, from);
      expect(limit.q, JSON.stringify(model)).toBeCloseTo(q, 9);
      expect(limit.slope).toBeCloseTo(lengthSlope(model, q), 8);
      expect(limit.stability).toBe("stable");
    }
  });

  test("of relu keeps every length at sigma_w^2 = 2, and none with biases", () => {
    expect(lengthFixedPoint({ activation: "relu", sigmaW2: 2 }, 7)).toEqual({
      q: 7,
      slope: 1,
      stability: "neutral",
    });
    expect(lengthFixedPoint({ activation: "relu", sigmaW2: 2, sigmaB2: 0.1 }).q).toBe(Infinity);
    expect(lengthFixedPoint({ activation: "relu", sigmaW2: 2.1 }).q).toBe(Infinity);
    expect(lengthFixedPoint({ activation: "relu", sigmaW2: 1.9 }).q).toBe(0);
    expect(meanField({ activation: "relu", sigmaW2: 2.1 })).toBeUndefined();
    expect(meanField({ activation: "relu", sigmaW2: 2 })!.phase).toBe("critical");
  });

  test("of tanh without biases falls to 0 up to sigma_w = 1, and not beyond", () => {
    expect(lengthFixedPoint(tanh(0.9, 0)).q).toBe(0);
    expect(lengthFixedPoint(tanh(1, 0)).q).toBe(0);
    // q* ~ (sigma_w^2 - 1) / 2, since E[tanh^2] = q - 2 q^2 + O(q^3)
    expect(lengthFixedPoint(tanh(1.0001, 0)).q).toBeCloseTo(0.5e-4, 7);
    expect(meanField(tanh(0.9, 0))!.xiC).toBeCloseTo(-1 / Math.log(0.9), 6);
  });

  test("of gelu leaves its fixed point 1 under the forward gain, up and down", () => {
    const model = { activation: "gelu", sigmaW2: 1 / activationMoments("gelu").second };
    expect(lengthMap(model, 1)).toBeCloseTo(1, 12);
    expect(lengthSlope(model, 1)).toBeGreaterThan(1.1);
    expect(lengthFixedPoint(model, 1.01).q).toBe(Infinity);
    expect(lengthFixedPoint(model, 0.99).q).toBe(0);
  });
});

describe("the correlation map", () => {
  test("meets the length map at c = 1: 1, with slope chi_1", () => {
    for (const activation of ["tanh", "hard_tanh", "elu", "relu"]) {
      const model = { activation, sigmaW2: 1.3, sigmaB2: 0.1 };
      const { q } = lengthFixedPoint(model);
      const step = correlationMap(model, 1, q);
      expect(step.c).toBeCloseTo(1, 12);
      expect(step.slope).toBeCloseTo(chi1(model, q), 12);
      // Smooth ones are continuous there.
      if (activation === "tanh")
        expect(correlationMap(model, 1 - 1e-9, q).slope).toBeCloseTo(step.slope, 7);
    }
  });

  test("has the slope it says", () => {
    for (const activation of ["tanh", "hard_tanh", "elu", "relu", "gelu"]) {
      const model = { activation, sigmaW2: 1.5, sigmaB2: 0.1 };
      for (const c of [-0.5, 0.2, 0.8]) {
        const h = 1e-4;
        const difference =
          (correlationMap(model, c + h, 1).c - correlationMap(model, c - h, 1).c) / (2 * h);
        expect(correlationMap(model, c, 1).slope, activation).toBeCloseTo(difference, 5);
      }
    }
  });

  test("of relu is the arc-cosine kernel: from 0 to 1 / pi", () => {
    const relu = { activation: "relu", sigmaW2: 2 };
    expect(correlationMap(relu, 0, 3).c).toBeCloseTo(1 / Math.PI, 12);
    expect(correlationMap(relu, 0, 3).slope).toBeCloseTo(0.5, 12);
  });

  test("of erf is Williams' arc-sine, and its fixed point with it", () => {
    const model = { activation: "erf", sigmaW2: 4, sigmaB2: 0.1 };
    const theory = meanField(model)!;
    const map = (c: number) =>
      (0.1 + (8 / Math.PI) * Math.asin((2 * theory.q * c) / (1 + 2 * theory.q))) / theory.q;
    expect(theory.phase).toBe("chaotic");
    expect(map(1)).toBeCloseTo(1, 10);
    expect(map(theory.c)).toBeCloseTo(theory.c, 10);
    expect(theory.c).toBeLessThan(0.5);
  });
});

describe("the edge of chaos", () => {
  test.each([
    [1e-6, "1.018253"],
    [2.01e-5, "1.049996"], // (1.05, 2.01e-5) of Xiao et al. 2018
    [1e-4, "1.086026"],
    [1e-3, "1.189190"],
    [0.01, "1.424205"],
    [0.05, "1.760955"],
    [0.1, "1.986073"],
    [0.2, "2.285152"],
    [0.3, "2.505127"],
  ])("of tanh at sigma_b^2 = %d is sigma_w^2 = %s", (sigmaB2, sigmaW2) => {
    const edge = edgeOfChaos("tanh", sigmaB2)!;
    expectDigits(edge.sigmaW2, sigmaW2);
    expect(lengthMap({ ...edge, activation: "tanh" }, edge.q)).toBeCloseTo(edge.q, 12);
    expect(chi1({ ...edge, activation: "tanh" }, edge.q)).toBeCloseTo(1, 12);
  });

  test("chi_1 of tanh at (1.05, 2.01e-5) is 1.0000002", () => {
    expectDigits(meanField(tanh(1.05, 2.01e-5))!.chi1, "1.0000002");
  });

  // sigma_w, q*, slope
  test.each([
    ["tanh", "1.30415", ".51208", ".543"],
    ["elu", "1.22925", "1.10693", ".860"],
    ["selu", ".93748", ".71705", ".743"],
    ["erf", "1.15280", ".46576", ".518"],
    ["softsign", "1.72963", ".35833", ".516"],
    ["gelu", "1.54701", ".57564", "1.095"],
    ["silu", "1.67953", ".68945", "1.099"],
    ["mish", "1.46344", ".74555", "1.025"],
    // By mpmath, split at the kinks: a rule that is not has the fourth digit of sigma_w wrong.
    ["hard_tanh", "1.06861", ".42329", ".570"],
    ["hard_swish", "1.75132", ".68671", "1.113"],
  ])("of %s at sigma_b = 0.2", (activation, sigmaW, q, slope) => {
    const edge = edgeOfChaos(activation, 0.04)!;
    expectDigits(edge.sigmaW, sigmaW);
    expectDigits(edge.q, q);
    expectDigits(edge.slope, slope);
    expect(edge.stability).toBe(Number(slope) < 1 ? "stable" : "unstable");
  });

  test("of hard_tanh has E[f'^2] = erf(1 / sqrt(2 q))", () => {
    const { sigmaW2, q } = edgeOfChaos("hard_tanh", 0.04)!;
    expect(sigmaW2).toBeCloseTo(1 / erf(1 / Math.sqrt(2 * q)), 11);
  });

  test("of relu and its kin is the point 2 / (1 + slope^2) without biases", () => {
    for (const alpha of [0, 0.2, 1]) {
      const edge = edgeOfChaos({ name: "leaky_relu", alpha })!;
      expect(edge.sigmaW2).toBeCloseTo(2 / (1 + alpha * alpha), 14);
      expect(edge.stability).toBe("neutral");
      expect(edgeOfChaos({ name: "leaky_relu", alpha }, 0.1)).toBeUndefined();
    }
  });

  test("without biases is that of the tangent at 0", () => {
    expect(edgeOfChaos("tanh")).toMatchObject({ q: 0 });
    expect(edgeOfChaos("tanh")!.sigmaW2).toBeCloseTo(1, 12);
    expect(edgeOfChaos("silu")!.sigmaW2).toBeCloseTo(4, 8);
  });

  test("softplus has none; sigmoid has one only far out, at sigma_w above 10", () => {
    expect(edgeOfChaos("softplus", 0.04)).toBeUndefined();
    for (const sigmaB2 of [0, 0.01, 0.04, 0.09]) {
      const edge = edgeOfChaos("sigmoid", sigmaB2)!;
      expect(edge.sigmaW).toBeGreaterThan(10);
      if (sigmaB2 === 0.04) expect(edge.q).toBeCloseTo(45.71245277173, 9); // mpmath
      const model = { activation: "sigmoid", sigmaW2: edge.sigmaW2, sigmaB2 };
      expect(lengthMap(model, edge.q)).toBeCloseTo(edge.q, 9);
      expect(chi1(model, edge.q)).toBeCloseTo(1, 11);
    }
  });
});

test.each([
  [() => lengthMap(tanh(-1), 1), "sigmaW2 must be finite and not negative, got -1"],
  [() => meanField({ activation: "tanh", sigmaW2: 1, sigmaB2: Number.NaN }), "sigmaB2 must be"],
  [() => lengthFixedPoint(tanh(1), 0), "from must be positive and finite, got 0"],
  [() => correlationMap(tanh(1), 1.1, 1), "c must be in [-1, 1], got 1.1"],
  [() => correlationMap(tanh(1), 0, 0), "q must be positive and finite, got 0"],
  [() => edgeOfChaos("tanh", -1), "sigmaB2 must be finite and not negative, got -1"],
  [() => activationMoments("tanh", -1), "q must be finite and not negative, got -1"],
])("wrong numbers are refused: %#", (call, message) => {
  expect(call).toThrow(RangeError);
  expect(call).toThrow(message);
});
