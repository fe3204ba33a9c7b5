import { describe, expect, test } from "vitest";
import { ranked, ratesTried, reportComparison } from "../../src/cli/compare-report.ts";
import { Output } from "../../src/cli/output.ts";
import type { Comparison, SchemeResult, Trial } from "../../src/lab/index.ts";
import { capture } from "../support/streams.ts";

function result(scheme: string, more: Partial<SchemeResult> = {}): SchemeResult {
  return {
    scheme,
    complete: true,
    learningRate: 0.01,
    state: "completed",
    trainLoss: 0.5,
    trainAccuracy: 0.9,
    testAccuracy: 0.8,
    stepsTo90: 120,
    forward: [1, 0.5, 0.25],
    gradient: [1e-4, 1e-3, 1e-2],
    explanation: `${scheme}: the signal halves; trained to 0.90`,
    trials: [],
    runs: [],
    ...more,
  };
}

function trial(learningRate: number, state: Trial["state"], trainLoss: number | null = 1): Trial {
  return { learningRate, state, trainLoss, trainAccuracy: 0.5 };
}

const comparison: Comparison = {
  schemes: [
    result("zeros", {
      state: "stalled",
      trainLoss: Math.LN10,
      stepsTo90: null,
      forward: [0, 0, 0],
    }),
    result("standard_normal", { state: "diverged", trainLoss: null, trainAccuracy: 0 }),
    result("he_normal"),
  ],
  config: {
    depth: 3,
    width: 8,
    activation: "relu",
    schemes: ["zeros", "standard_normal", "he_normal"],
    optimizer: "momentum",
    learningRate: "auto",
    steps: 300,
    batchSize: 100,
    seeds: [1, 2, 3],
    variant: "simd",
  },
  data: { name: "digits", sha256: "", trainRows: 1400, testRows: 397, classes: 10 },
  core: { variant: "simd", version: "0" },
  complete: true,
  seconds: 12,
};

function shown(of: Comparison, columns?: number): string {
  const streams = capture({ NO_COLOR: "1" }, columns);
  reportComparison(new Output(streams), of);
  expect(streams.err.text).toBe("");
  return streams.out.text;
}

describe("the report of a comparison", () => {
  test("ranks by training loss, what is not finite last", () => {
    expect(ranked(comparison.schemes).map(({ scheme }) => scheme)).toEqual([
      "he_normal",
      "zeros",
      "standard_normal",
    ]);
  });

  test("has a row, a label in each plot, a sentence and the rates of every scheme", () => {
    const text = shown(comparison);
    expect(text).toMatch(/^he_normal +0\.01 +completed +0\.5000 +90\.0 % +80\.0 % +120 steps$/m);
    expect(text).toMatch(/^standard_normal +0\.01 +diverged +not finite +- +- +120 steps$/m);
    for (const { scheme, explanation } of comparison.schemes) {
      expect(text).toContain(explanation);
      expect(text.match(new RegExp(` ${scheme}( [↑↓×∅])?$`, "gm"))?.length).toBe(2);
    }
    expect(text).toContain("zeros ∅");
    expect(text).toContain("completed 3 schemes in 12 s");
  });

  test("puts the plots side by side on a wide terminal, one below the other elsewhere", () => {
    const titles = (text: string) =>
      text.split("\n").filter((line) => /(Signal|Gradient) at initialisation/.test(line));
    expect(titles(shown(comparison, 160))).toHaveLength(1);
    expect(titles(shown(comparison, 80))).toHaveLength(2);
  });

  test("fits 80 columns", () => {
    for (const line of shown(comparison, 80).split("\n")) {
      expect([...line].length, line).toBeLessThanOrEqual(80);
    }
  });

  test("says what is missing when it was stopped", () => {
    const stopped = { ...comparison, complete: false, schemes: comparison.schemes.slice(0, 1) };
    expect(shown(stopped)).toContain(
      "stopped: 2 schemes of 3 not finished, 2 without a run and not listed",
    );
    expect(shown({ ...stopped, schemes: [] })).toMatch(/^stopped: 3 schemes of 3/);
  });

  test("a fixed rate has no list of rates tried", () => {
    const fixed = { ...comparison, config: { ...comparison.config, learningRate: 0.01 } };
    expect(shown(fixed)).not.toContain("Rates tried");
  });
});

describe("ratesTried", () => {
  test("gives the loss at each rate, marks the one taken, and joins neighbours that failed alike", () => {
    const trials = [
      trial(1e-4, "stalled"),
      trial(1e-3, "completed", 0.4121),
      trial(0.01, "completed", 0.211),
      trial(0.1, "diverged", null),
      trial(1, "diverged", null),
    ];
    expect(ratesTried(result("he_normal", { trials }))).toBe(
      "he_normal: 1e-4 stalled, 0.001 0.4121, 0.01* 0.2110, 0.1 to 1 diverged",
    );
  });

  test("a rate that was taken among failures is still named", () => {
    const trials = [trial(1e-3, "stalled"), trial(0.01, "stalled"), trial(0.1, "stalled")];
    expect(ratesTried(result("zeros", { trials }))).toBe("zeros: 0.001 to 0.1 stalled (0.01*)");
  });
});
