import * as fs from "node:fs";
import { describe, expect, test } from "vitest";
import { erfc } from "../../../src/init/theory/erf.ts";
import { activationFunction, THEORY_ACTIVATIONS } from "../../../src/init/theory/index.ts";
import { ACTIVATIONS } from "../../../src/ops/activation.ts";

interface Fixture {
  readonly points: readonly number[];
  readonly activations: readonly {
    readonly name: string;
    readonly alpha: number | null;
    readonly y: readonly number[];
    readonly dy: readonly number[];
  }[];
}

// Written by tests/fixtures/make-torch-init.py.
const fixture: Fixture = JSON.parse(fs.readFileSync("tests/fixtures/torch-init.json", "utf8"));

describe("f and f' are PyTorch's in float64", () => {
  test.each(fixture.activations)("$name", ({ name, alpha, y, dy }) => {
    const { f, df } = activationFunction(alpha === null ? name : { name, alpha });
    fixture.points.forEach((x, i) => {
      // PyTorch's 1 + erf and 1 - tanh^2 cancel in the tails: its error is absolute.
      expect(f(x), `f(${x})`).toBeCloseTo(y[i]!, 13 - Math.ceil(Math.log10(1 + Math.abs(y[i]!))));
      // PyTorch's derivative of hardsigmoid is a float32 sixth.
      expect(df(x), `f'(${x})`).toBeCloseTo(dy[i]!, name === "hard_sigmoid" ? 8 : 13);
    });
  });

  test("and the fixture has them all, so has the theory every activation of the library", () => {
    expect(fixture.activations.map(({ name }) => name).sort()).toEqual(
      [...THEORY_ACTIVATIONS].sort(),
    );
    expect(ACTIVATIONS.filter((name) => !THEORY_ACTIVATIONS.includes(name))).toEqual([]);
  });
});

test("a numeric derivative is good to ten digits, next to a kink too", () => {
  for (const name of THEORY_ACTIVATIONS) {
    const { f, df, kinks } = activationFunction(name);
    const numeric = activationFunction({ f, kinks }).df;
    for (const x of [-6.1, -2.999, -1.0003, -0.4, -1e-3, 2e-3, 0.5, 0.9996, 1.7, 3.0004, 5.9]) {
      expect(Math.abs(numeric(x) - df(x)), `${name} at ${x}`).toBeLessThan(1e-10);
    }
  }
});

test("erfc keeps its relative accuracy in the tail", () => {
  // math.erfc of Python
  for (const [x, value] of [
    [0.5, 0.4795001221869535],
    [2.4, 0.0006885138966450789],
    [2.6, 0.00023603441652934908],
    [4, 1.541725790028002e-8],
    [7, 4.183825607779414e-23],
    [15, 7.212994172451206e-100],
  ] as const) {
    expect(Math.abs(erfc(x) / value - 1), `erfc(${x})`).toBeLessThan(1e-12);
  }
});
