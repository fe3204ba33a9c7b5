import * as fs from "node:fs";
import { describe, expect, test } from "vitest";
import { gain } from "../../../src/init/gains.ts";
import { initializer, resolve } from "../../../src/init/initializer.ts";
import { denseSpec } from "../../../src/init/specs.ts";
import { diagnoseGain, lengthFixedPoint, predictSignal } from "../../../src/init/theory/index.ts";

interface Gain {
  readonly name: string;
  readonly parameter: number | null;
  readonly gain?: number;
  readonly error?: string;
}

interface Drawn {
  readonly name: string;
  /** `[out, in / groups, kernel ...]` */
  readonly shape: readonly number[];
  readonly a?: number;
  readonly mode?: string;
  readonly gain?: number;
  readonly std?: number;
  readonly bound?: number;
}

// Written by tests/fixtures/make-torch-init.py.
const fixture: { readonly gains: readonly Gain[]; readonly draws: readonly Drawn[] } = JSON.parse(
  fs.readFileSync("tests/fixtures/torch-init.json", "utf8"),
);

const gainOf = (name: string, parameter: number | null = null) =>
  fixture.gains.find((row) => row.name === name && row.parameter === parameter)!;

describe("PyTorch's calculate_gain", () => {
  test.each([
    ["linear", null],
    ["relu", null],
    ["leaky_relu", null],
    ["leaky_relu", 0.2],
    ["leaky_relu", 0.3],
  ])("is ours for %s %s", (name, parameter) => {
    const ours = gain(parameter === null ? name : { name, alpha: parameter });
    expect(gainOf(name, parameter).gain).toBeCloseTo(ours, 14);
  });

  test("is empirical for tanh: 5/3 keeps a second moment of .4243, not 1; ours keeps 1 once, then its fixed point", () => {
    const theirs = gainOf("tanh").gain!;
    expect(theirs).toBe(5 / 3);
    expect(gain("tanh")).toBeCloseTo(1.592537, 6);
    const atTheirs = lengthFixedPoint({ activation: "tanh", sigmaW2: theirs ** 2 });
    expect(atTheirs.q).toBeCloseTo(1.1785, 4);
    // From pre-activations of variance 1 the length map stays there with our gain, and leaves with theirs.
    expect(lengthFixedPoint({ activation: "tanh", sigmaW2: gain("tanh") ** 2 }).q).toBeCloseTo(
      1,
      10,
    );
  });

  test("is empirical for selu: 3/4 loses self-normalisation, ours is Klambauer's 1", () => {
    const theirs = gainOf("selu").gain!;
    expect(theirs).toBe(3 / 4);
    expect(gain("selu")).toBeCloseTo(1, 12);
    const deep = (g: number) =>
      predictSignal(
        Array(30).fill({ fanIn: 64, fanOut: 64, weightVariance: g ** 2 / 64, activation: "selu" }),
      ).at(-1)!.second;
    expect(deep(gain("selu"))).toBeCloseTo(1, 10);
    expect(deep(theirs)).toBeLessThan(0.05);
  });

  test("is 1 for sigmoid, where 1.846 keeps the second moment", () => {
    expect(gainOf("sigmoid").gain).toBe(1);
    expect(gain("sigmoid")).toBeCloseTo(1.846229, 6);
  });

  test("knows none of the others; ours does, and says which of them no gain can hold", () => {
    const names = ["gelu", "silu", "elu", "mish", "softplus", "softsign"];
    for (const name of names) {
      expect(gainOf(name).error).toBe(`Unsupported nonlinearity ${name}`);
      expect(gain(name)).toBeGreaterThan(1);
    }
    expect(names.filter((name) => diagnoseGain(name).stability === "unstable")).toEqual([
      "gelu",
      "silu",
      "mish",
    ]);
  });
});

describe("PyTorch's kaiming and xavier functions ask for our draws", () => {
  test.each(fixture.draws)(
    "$name $shape a=$a mode=$mode gain=$gain",
    ({ name, shape, a, mode, gain: factor = 1, std, bound }) => {
      const [outputs = 1, inputs = 1, ...kernel] = shape;
      const window = kernel.reduce((product, size) => product * size, 1);
      const spec = denseSpec(inputs * window, outputs * window);
      const description = initializer(name, a === undefined ? {} : { slope: a, mode: mode! });
      const { draw, theory } = resolve(description, spec);
      if (std !== undefined) expect(std / (factor * theory.std)).toBeCloseTo(1, 12);
      else
        expect(
          bound! / (factor * (draw.distribution === "uniform" ? draw.high : Number.NaN)),
        ).toBeCloseTo(1, 12);
    },
  );

  test("and a = sqrt 5 is the bound 1 / sqrt(fan_in) of its default layers", () => {
    const rows = fixture.draws.filter(
      ({ name, a, mode }) => name === "kaiming_uniform_" && a! > 2 && mode === "fan_in",
    );
    for (const { shape, bound } of rows) {
      const fanIn = shape.slice(1).reduce((product, size) => product * size, 1);
      expect(bound).toBeCloseTo(1 / Math.sqrt(fanIn), 12);
    }
    expect(rows.length).toBeGreaterThan(5);
  });
});
