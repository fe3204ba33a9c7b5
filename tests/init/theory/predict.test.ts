import { describe, expect, test } from "vitest";
import type { Activation, LayerModel } from "../../../src/init/theory/index.ts";
import {
  activationMoments,
  finiteWidthLaw,
  forwardGain,
  lengthFixedPoint,
  overflowLayer,
  predictSignal,
} from "../../../src/init/theory/index.ts";

/** `depth` layers of `width` units. */
function chain(
  activation: Activation,
  depth: number,
  { width = 512, weightVariance = 1 / 512, biasVariance = 0 } = {},
): LayerModel[] {
  return Array(depth).fill({
    fanIn: width,
    fanOut: width,
    weightVariance,
    biasVariance,
    activation,
  });
}

const second = (layers: LayerModel[], ...at: number[]) => {
  const prediction = predictSignal(layers);
  return at.map((layer) => prediction[layer - 1]!.second);
};

describe("the ratio a layer of relu is", () => {
  test.each([
    ["He: 1", 512, 2 / 512, 1],
    ["Xavier or LeCun, square: 1/2", 512, 1 / 512, 0.5],
    ["N(0, 1): n / 2", 256, 1, 128],
    ["N(0, 0.01^2) at n = 512: 0.0256", 512, 1e-4, 0.0256],
    ["PyTorch's default weights: 1/6", 512, 1 / (3 * 512), 1 / 6],
    [
      "a truncated normal whose variance is not corrected: 0.7737",
      512,
      (2 * 0.7737413) / 512,
      0.7737413,
    ],
  ])("%s", (_, width, weightVariance, ratio) => {
    for (const layer of predictSignal(chain("relu", 20, { width, weightVariance }))) {
      expect(layer.ratio / ratio).toBeCloseTo(1, 12);
      expect(layer.gradientRatio / ratio).toBeCloseTo(1, 12);
      expect(layer.second / layer.preActivation).toBeCloseTo(0.5, 12);
    }
  });

  test("linear with N(0, 1): n", () => {
    expect(predictSignal(chain("linear", 1, { width: 256, weightVariance: 1 }))[0]!.ratio).toBe(
      256,
    );
  });
});

describe("float32 overflows", () => {
  test("at layer 37 with N(0, 1), relu and 256 units: ceil(2 * 38.53 / log10(n / 2))", () => {
    const layers = chain("relu", 60, { width: 256, weightVariance: 1 });
    expect(overflowLayer(predictSignal(layers))).toBe(Math.ceil((2 * 38.53) / Math.log10(128)));
    expect(overflowLayer(predictSignal(layers))).toBe(37);
    // A larger input overflows sooner: by a factor 128 in its second moment, one layer.
    expect(overflowLayer(predictSignal(layers, { input: 128 }))).toBe(36);
    expect(overflowLayer(predictSignal(layers.slice(0, 36)))).toBeUndefined();
  });

  test("never with He, tanh or at the right gain", () => {
    expect(
      overflowLayer(predictSignal(chain("relu", 500, { weightVariance: 2 / 512 }))),
    ).toBeUndefined();
    expect(overflowLayer(predictSignal(chain("tanh", 500, { weightVariance: 1 })))).toBeUndefined();
  });

  test("and what a float64 cannot hold either is infinite, not NaN", () => {
    const last = predictSignal(chain("silu", 300, { weightVariance: 1 })).at(-1)!;
    expect(last.second).toBe(Infinity);
    expect(last.gradient).toBe(1);
    expect(last.gradientRatio).toBeGreaterThan(1);
  });
});

/** Second moments measured over four networks of width 512 in PyTorch, at layers 1, 10, 30, 100; float64. */
describe("the second moment at layers 1, 10, 30, 100 is what PyTorch's networks of width 512 have", () => {
  test.each([
    ["tanh, Xavier: critical, as 1 / 2l", "tanh", 1, [0.3941, 0.0532, 0.017, 0.0051]],
    ["tanh, gain 5/3", "tanh", 25 / 9, [0.5768, 0.4271, 0.4252, 0.4231]],
    ["sigmoid, Xavier", "sigmoid", 1, [0.2924, 0.2656, 0.2618, 0.2682]],
    ["selu, LeCun", "selu", 1, [1.0012, 1.014, 0.9901, 1.006]],
    [
      "selu, PyTorch's gain 3/4: no longer self-normalising",
      "selu",
      9 / 16,
      [0.6368, 0.1085, 0.047, 0.0458],
    ],
    ["gelu, He: vanishes", "gelu", 2, [0.9214, 0.3291, 0.0042, undefined]],
    ["silu, He: vanishes", "silu", 2, [0.7996, 0.0158, undefined, undefined]],
    [
      "gelu, its own gain: explodes",
      "gelu",
      forwardGain("gelu") ** 2,
      [1.0979, 3.9383, 96.358, 6.1905e6],
    ],
    ["elu, He: grows", "elu", 2, [1.1998, 3.8563, 10.6741, 36.5567]],
  ] as const)("%s", (_, activation, sigmaW2, measured) => {
    const layers = chain(activation, 100, { weightVariance: sigmaW2 / 512 });
    const prediction = predictSignal(layers);
    measured.forEach((value, i) => {
      if (value === undefined) return;
      const { second: expected, logSd } = prediction[[1, 10, 30, 100][i]! - 1]!;
      // Four networks, each a batch of 32 that averages noise away further; the mean of their log is off by half a variance.
      expect(Math.abs(Math.log(value / expected))).toBeLessThan((5 * logSd) / 2 + logSd ** 2);
    });
  });

  test("He and gelu vanish, gelu's own gain cannot hold it either", () => {
    const [he] = second(chain("gelu", 100, { weightVariance: 2 / 512 }), 100);
    expect(he).toBeLessThan(1e-3);
    // Pre-activations of variance 1 would stay, in theory; from 5 % above and below they part ways.
    const own = chain("gelu", 150, { weightVariance: forwardGain("gelu") ** 2 / 512 });
    const fixed = forwardGain("gelu") ** -2;
    const [up, down] = [1.05, 0.95].map(
      (factor) => predictSignal(own, { input: factor * fixed }).at(-1)!.second,
    );
    expect(up).toBeGreaterThan(1e5);
    expect(down).toBeLessThan(1e-3);
  });

  test("PyTorch's default, biases included, ends on the biases' floor b / (1 - 1/6) / 2", () => {
    const variance = 1 / (3 * 512);
    const layers = chain("relu", 30, { weightVariance: variance, biasVariance: variance });
    const [first, fifth, last] = second(layers, 1, 5, 30);
    expect(last).toBeCloseTo(variance / (1 - 1 / 6) / 2, 10);
    // Measured .16862 and 5.3773e-4.
    expect(Math.abs(first! / 0.16862 - 1)).toBeLessThan(0.03);
    expect(Math.abs(fifth! / 5.3773e-4 - 1)).toBeLessThan(0.05);
  });

  test("deep tanh ends on the fixed point of the length map", () => {
    const { q } = lengthFixedPoint({ activation: "tanh", sigmaW2: 25 / 9 });
    expect(
      predictSignal(chain("tanh", 100, { weightVariance: 25 / 9 / 512 })).at(-1)!.preActivation,
    ).toBeCloseTo(q, 9);
  });
});

test("He by fan_in keeps the activations and changes gradients by fan_out / fan_in; by fan_out the other way round", () => {
  const widths = [64, 512, 512, 64];
  const layers = (mode: "in" | "out"): LayerModel[] =>
    widths.slice(1).map((fanOut, i) => {
      const fanIn = widths[i]!;
      return {
        fanIn,
        fanOut,
        weightVariance: 2 / (mode === "in" ? fanIn : fanOut),
        activation: "relu",
      };
    });
  const byIn = predictSignal(layers("in"));
  expect(byIn.map(({ ratio }) => ratio)).toEqual([1, 1, 1]);
  expect(byIn.map(({ gradientRatio }) => gradientRatio)).toEqual([8, 1, 1 / 8]);
  const byOut = predictSignal(layers("out"));
  expect(byOut.map(({ ratio }) => ratio)).toEqual([1 / 8, 1, 8]);
  expect(byOut.map(({ gradientRatio }) => gradientRatio)).toEqual([1, 1, 1]);
  expect(byIn.map(({ gradient }) => gradient)).toEqual([1 / 8, 1 / 8, 1]);
  expect(byIn[2]!.preActivationGradient).toBe(0.5);
});

describe("the finite-width law", () => {
  test("is sqrt(5 L / n) for relu and sqrt(2 L / n) for linear layers", () => {
    const { mean, sd } = finiteWidthLaw("relu", { width: 128, depth: 99 });
    expect(sd).toBeCloseTo(Math.sqrt((5 * 99) / 128), 12);
    expect(sd).toBeCloseTo(1.967, 3);
    expect(mean).toBeCloseTo((-5 * 99) / 256, 12);
    expect(finiteWidthLaw("linear", { width: 128, depth: 99 }).sd).toBeCloseTo(
      Math.sqrt(198 / 128),
      12,
    );
  });

  test("is what a chain of equal relu layers predicts, and adds up over unequal ones", () => {
    const relu = predictSignal(chain("relu", 50, { width: 128, weightVariance: 2 / 128 }));
    expect(relu[49]!.logSd).toBeCloseTo(Math.sqrt(250 / 128), 12);
    const unequal = [chain("relu", 1, { width: 10 }), chain("relu", 1, { width: 40 })].flat();
    expect(predictSignal(unequal)[1]!.logSd).toBeCloseTo(Math.sqrt(5 / 10 + 5 / 40), 12);
  });

  test("is damped by an activation whose length map contracts", () => {
    const prediction = predictSignal(chain("tanh", 200, { weightVariance: 25 / 9 / 512 }));
    const { q } = lengthFixedPoint({ activation: "tanh", sigmaW2: 25 / 9 });
    const { spread, growth, second: m } = activationMoments("tanh", q);
    const elasticity = (growth * q) / m;
    expect(prediction[199]!.logSd).toBeCloseTo(Math.sqrt(spread / 512 / (1 - elasticity ** 2)), 9);
  });

  test("is refused for others", () => {
    expect(() => finiteWidthLaw("tanh", { width: 1, depth: 1 })).toThrow("expected linear, relu");
    expect(() => finiteWidthLaw("relu", { width: 0, depth: 1 })).toThrow("width must be positive");
  });
});

test("wrong numbers name the layer", () => {
  const layers = [...chain("relu", 1), { ...chain("relu", 1)[0]!, weightVariance: -1 }];
  expect(() => predictSignal(layers)).toThrow(
    "weightVariance of layer 2 must be finite and not negative, got -1",
  );
  expect(() => predictSignal([], { input: Number.NaN })).toThrow("input must be finite");
});
