import { describe, expect, test } from "vitest";
import type { Findings } from "../../src/lab/explain.ts";
import { explain, formatRate, growth } from "../../src/lab/explain.ts";
import { medianOf } from "../../src/lab/median.ts";
import type { Run, Trial } from "../../src/lab/types.ts";
import { CONFIG, DIVERGED, fakeRun, learnt, STALLED, TEN } from "./fakes.ts";

const config = { ...CONFIG, depth: 30 };

/** The second moments of 30 layers that change by a factor each. */
const geometric = (ratio: number, layers = 30) =>
  Array.from({ length: layers }, (_, i) => ratio ** i);

interface Case {
  readonly scheme?: string;
  readonly runs: readonly Run[];
  /** Lowest and highest rate tried, and how the runs there ended. */
  readonly rates?: readonly number[];
  readonly trials?: readonly Trial[];
  readonly more?: Partial<Findings>;
}

function sentence({ scheme = "scheme", runs, rates = [0.001, 0.1], more = {}, trials }: Case) {
  const figures = medianOf(runs);
  return explain(
    {
      ...{ scheme, learningRate: rates[0]!, runs, ...figures },
      trials: trials ?? rates.map((learningRate) => ({ learningRate, ...figures })),
      forward: geometric(1),
      gradient: geometric(1),
      unitsAreEqual: false,
      unitsStayEqual: false,
      died: false,
      ...more,
    },
    { config, chance: TEN },
  );
}

describe("the signal", () => {
  test.each([
    [0.98, "the signal keeps its size (x0.98 a layer, 29 relu layers)"],
    [0.5012, "the signal halves from layer to layer (x0.50 a layer, 29 relu layers)"],
    [2.04, "the signal doubles from layer to layer (x2.04 a layer, 29 relu layers)"],
    [32, "the signal grows to 1e+42 (x32 a layer, 29 relu layers)"],
    [0.0032, "the signal shrinks to 1e-70 (x0.0032 a layer, 29 relu layers)"],
  ])("a factor of %d", (ratio, expected) => {
    const text = sentence({ runs: [STALLED], more: { forward: geometric(ratio) } });
    expect(text).toContain(expected);
  });

  test("that is lost on the way: the factor is that of the layers before", () => {
    const overflow = geometric(32).map((moment, i) => (i < 10 ? moment : null));
    expect(sentence({ runs: [DIVERGED], more: { forward: overflow } })).toContain(
      "the signal grows (x32 a layer, 29 relu layers) until it overflows in layer 11",
    );
    const underflow = geometric(0.01).map((moment, i) => (i < 10 ? moment : 0));
    expect(sentence({ runs: [STALLED], more: { forward: underflow } })).toContain(
      "the signal shrinks (x0.01 a layer, 29 relu layers) and is 0 from layer 11 on",
    );
  });

  test("that keeps its size while the gradient vanishes on its way back", () => {
    // The first layer's gradient is the smallest.
    const gradient = geometric(0.06).reverse();
    expect(sentence({ runs: [STALLED], more: { gradient } })).toContain(
      "the gradient shrinks x0.06 a layer on its way back",
    );
  });

  test("the logits are no hidden layer: they do not count", () => {
    const forward = [...geometric(0.5, 29), 1e9];
    expect(sentence({ runs: [STALLED], more: { forward } })).toContain("x0.50 a layer");
  });
});

test("growth does not overflow where the ratio would", () => {
  expect(growth([1e-200, 1, 1e200])).toBeCloseTo(1e200, -190);
  expect(growth([1, 4, null, 3])).toBeCloseTo(4, 12);
  expect(growth([1])).toBeUndefined();
  expect(growth([null, 1])).toBeUndefined();
});

describe("the outcome", () => {
  test("trained", () => {
    const runs = [learnt(0.94), learnt(0.93), learnt(0.95)];
    const text = sentence({ scheme: "he_normal", runs, rates: [0.003] });
    expect(text).toBe(
      "he_normal: the signal keeps its size (x1.00 a layer, 29 relu layers); " +
        "trained to 0.94 in 300 steps at rate 0.003",
    );
  });

  test("trained in most seeds", () => {
    const text = sentence({ runs: [learnt(0.94), STALLED, learnt(0.95)], rates: [0.003] });
    expect(text).toContain("trained to 0.94 in 300 steps at rate 0.003 (2 of 3 seeds)");
  });

  test("stalled everywhere: every rate is spanned", () => {
    const text = sentence({ runs: [STALLED], rates: [1e-5, 0.01, 10] });
    expect(text).toContain("; the loss never left ln 10 at any rate from 1e-5 to 10");
  });

  test("stalled, but diverged where the rate was far too high", () => {
    const trials: Trial[] = [
      { learningRate: 0.001, state: "stalled", trainLoss: 2.301, trainAccuracy: 0.1 },
      { learningRate: 1, state: "stalled", trainLoss: 3.6, trainAccuracy: 0.1 },
      { learningRate: 10, state: "diverged", trainLoss: null, trainAccuracy: 0 },
    ];
    expect(sentence({ runs: [STALLED], trials })).toContain(
      "; the loss never left ln 10 at any rate from 0.001 to 10 (1 of 3 diverged)",
    );
  });

  test("stalled far above chance", () => {
    expect(sentence({ runs: [fakeRun(0.1, 50)], rates: [0.01] })).toContain(
      "; the loss stayed above ln 10 at rate 0.01",
    );
  });

  test("stalled because it died", () => {
    expect(sentence({ runs: [STALLED], rates: [0.01], more: { died: true } })).toContain(
      "; training leaves a layer dead, the loss never left ln 10 at rate 0.01",
    );
  });

  test("stalled at one given rate", () => {
    expect(sentence({ runs: [STALLED], rates: [0.01] })).toContain(
      "; the loss never left ln 10 at rate 0.01",
    );
  });

  test("diverged everywhere: where, in the first seed", () => {
    expect(sentence({ runs: [DIVERGED], rates: [1e-9, 0.1] })).toContain(
      "; diverged at every rate from 1e-9 to 0.1 (first not finite: output of dense_1, step 3)",
    );
  });

  test("diverged everywhere with a finite loss", () => {
    const text = sentence({ runs: [fakeRun(0.1, 3.2e21)], rates: [1e-9, 0.1] });
    expect(text).toContain("; diverged at every rate from 1e-9 to 0.1 (loss 3e+21 in the end)");
  });

  test("some diverged, some did not learn", () => {
    const trials: Trial[] = [
      { learningRate: 1e-4, state: "completed", trainLoss: 2.1, trainAccuracy: 0.2 },
      { learningRate: 0.1, state: "diverged", trainLoss: null, trainAccuracy: 0 },
    ];
    expect(sentence({ runs: [fakeRun(0.2, 2.1)], trials })).toContain(
      "; no better than 0.20, loss 2.10 at any rate from 0.0001 to 0.1 (1 of 2 diverged)",
    );
  });

  test("trained although its loss is enormous", () => {
    expect(sentence({ runs: [fakeRun(0.87, 3e5)], rates: [1e-8] })).toContain(
      "trained to 0.87 in 300 steps at rate 1e-8, but the loss is 3e+5",
    );
  });
});

describe("symmetric starts", () => {
  test("zeros: nothing but the output bias moves", () => {
    const zero = geometric(1).map(() => 0);
    const gradient = [...zero.slice(1), 0.1];
    const text = sentence({ scheme: "zeros", runs: [STALLED], more: { forward: zero, gradient } });
    expect(text).toBe(
      "zeros: every hidden unit gives 0 and no hidden weight has a gradient, " +
        "so only the output bias moves; the loss never left ln 10 at any rate from 0.001 to 0.1",
    );
  });

  test("constant: all units are equal, and stay so if they did", () => {
    const before = { unitsAreEqual: true };
    expect(sentence({ runs: [DIVERGED], more: before })).toContain(
      "all units of a layer are equal, the signal",
    );
    const after = { ...before, unitsStayEqual: true };
    expect(sentence({ runs: [STALLED], more: after })).toContain(
      "all units of a layer are equal and stay so, the signal",
    );
  });
});

test("a network without hidden layers has no signal to speak of", () => {
  const text = explain(
    {
      ...{ scheme: "zeros", learningRate: 0.1, runs: [learnt(0.95)], ...medianOf([learnt(0.95)]) },
      trials: [],
      forward: [0],
      gradient: [0.1],
      unitsAreEqual: true,
      unitsStayEqual: true,
      died: false,
    },
    { config: { ...config, depth: 1 }, chance: TEN },
  );
  expect(text).toBe("zeros: trained to 0.95 in 300 steps at rate 0.1");
});

test("where the classes are not balanced, chance is the entropy of the labels", () => {
  const chance = { classes: 2, loss: 0.66, accuracy: 0.63 };
  const run = fakeRun(0.63, 0.66, { state: "stalled" });
  const text = explain(
    {
      ...{ scheme: "zeros", learningRate: 0.1, runs: [run], ...medianOf([run]) },
      trials: [{ learningRate: 0.1, state: "stalled", trainLoss: 0.66, trainAccuracy: 0.63 }],
      forward: [0, 0],
      gradient: [0, 0.1],
      unitsAreEqual: true,
      unitsStayEqual: true,
      died: false,
    },
    { config, chance },
  );
  expect(text).toContain("the loss never left chance (0.660) at rate 0.1");
});

test.each([
  [0.003, "0.003"],
  [1e-4, "0.0001"],
  [3e-5, "3e-5"],
  [1e-9, "1e-9"],
  [10, "10"],
])("rate %d is written %s", (rate, text) => {
  expect(formatRate(rate)).toBe(text);
});
