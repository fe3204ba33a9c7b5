import { describe, expect, test } from "vitest";
import { truncatedMoments } from "../../src/init/draw.ts";
import { gain } from "../../src/init/gains.ts";
import { ACTIVATIONS } from "../support/reference.ts";

/** E[g(z)], z ~ N(0, 1), by the midpoint rule on [-12, 12] split at 0 and +-6, where the activations have their kinks. */
function gaussianMean(g: (z: number) => number): number {
  const cells = 24 * 4096;
  const h = 24 / cells;
  let sum = 0;
  for (let i = 0; i < cells; i++) {
    const z = -12 + (i + 0.5) * h;
    sum += g(z) * Math.exp((-z * z) / 2);
  }
  return (sum * h) / Math.sqrt(2 * Math.PI);
}

const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

describe("gain is 1 / sqrt(E[f(z)^2]) of the activation's definition", () => {
  test.each(Object.keys(ACTIVATIONS).filter((name) => name !== "leakyRelu"))("%s", (name) => {
    const { f } = ACTIVATIONS[name]!;
    const expected = 1 / Math.sqrt(gaussianMean((z) => f(z, 1) ** 2));
    // The midpoint rule's own error is h^2 / 24 times a second derivative.
    expect(gain({ name: snake(name), alpha: 1 })).toBeCloseTo(expected, 7);
  });

  test.each([0, 0.01, 0.2, 0.3, 1])("leaky_relu and prelu with slope %d", (alpha) => {
    const expected = 1 / Math.sqrt(gaussianMean((z) => ACTIVATIONS.leakyRelu!.f(z, alpha) ** 2));
    expect(gain({ name: "leaky_relu", alpha })).toBeCloseTo(expected, 7);
    expect(gain({ name: "prelu", alpha })).toBeCloseTo(expected, 7);
  });

  test("elu has one for every scale", () => {
    const expected = 1 / Math.sqrt(gaussianMean((z) => ACTIVATIONS.elu!.f(z, 0.3) ** 2));
    expect(gain({ name: "elu", alpha: 0.3 })).toBeCloseTo(expected, 7);
  });

  test("an activation it does not know is named", () => {
    expect(() => gain({ name: "swoosh", alpha: 0 })).toThrow('no definition is known for "swoosh"');
  });
});

describe("the standard deviation of a truncated normal", () => {
  // scipy.stats.truncnorm(-c, c).std()
  test.each([
    [1, 0.5395600937548969],
    [1.5, 0.7426468984393264],
    [2, 0.8796256610342398],
    [2.5, 0.9545974863445807],
    [3, 0.9865783925581086],
    [4, 0.9994645018070796],
  ])("between -%d and %d", (c, std) => {
    const moments = truncatedMoments(-c, c);
    expect(moments.std).toBeCloseTo(std, 12);
    expect(moments.mean).toBeCloseTo(0, 12);
  });

  test("of one half of the line, and far in a tail", () => {
    const half = truncatedMoments(0, Number.POSITIVE_INFINITY);
    expect(half.mean).toBeCloseTo(Math.sqrt(2 / Math.PI), 9);
    expect(half.std).toBeCloseTo(Math.sqrt(1 - 2 / Math.PI), 9);
    // The tail beyond a is nearly exponential: mean a + 1/a - 2/a^3 + O(a^-5).
    expect(truncatedMoments(30, 40).mean).toBeCloseTo(30 + 1 / 30 - 2 / 30 ** 3, 5);
  });
});
