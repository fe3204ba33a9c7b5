import { describe, expect, test } from "vitest";
import { chanceOf, hasLearnt } from "../../src/lab/chance.ts";
import { median, medianOf } from "../../src/lab/median.ts";
import { Curve, stateOf } from "../../src/lab/run.ts";
import { DIVERGED, fakeRun, learnt, STALLED, TEN } from "./fakes.ts";

const divergence = { step: 0, layer: "dense", tensor: "output", value: Number.NaN };

describe("the state of a run", () => {
  test.each([
    ["a number was not finite", divergence, 0.1, 0.99, "diverged"],
    ["the loss is not finite", null, null, 0.99, "diverged"],
    ["the loss is above 1e4", null, 10_001, 0.99, "diverged"],
    ["the loss is far above chance", null, 9_999, 0.1, "stalled"],
    ["the loss is at chance", null, Math.log(10), 0.1, "stalled"],
    ["the loss is just above 0.98 of chance", null, 0.981 * Math.log(10), 0.1, "stalled"],
    ["the loss is just below 0.98 of chance", null, 0.979 * Math.log(10), 0.1, "completed"],
    ["the loss is spoilt by a few rows", null, 4.89, 0.96, "completed"],
  ])("%s", (_, found, trainLoss, trainAccuracy, state) => {
    expect(stateOf({ divergence: found, trainLoss, trainAccuracy }, TEN)).toBe(state);
  });
});

describe("chance", () => {
  const labels = (...targets: number[]) => ({
    ...{ name: "labels", shape: [1], inputs: new Float32Array(targets.length), targetWidth: 1 },
    ...{ rows: targets.length, targets: Int32Array.from(targets), classes: 3 },
  });

  test("is ln(classes) and 1 / classes when the classes are balanced", () => {
    expect(chanceOf(labels(0, 1, 2)).loss).toBeCloseTo(Math.log(3), 15);
    expect(chanceOf(labels(0, 1, 2)).accuracy).toBeCloseTo(1 / 3, 15);
  });

  test("is the entropy and the greatest share when they are not, absent classes included", () => {
    const { loss, accuracy } = chanceOf(labels(0, 0, 0, 1));
    expect(loss).toBeCloseTo(-0.75 * Math.log(0.75) - 0.25 * Math.log(0.25), 15);
    expect(accuracy).toBe(0.75);
  });

  test("is left behind by a fifth of the way to 1", () => {
    const chance = { classes: 2, loss: 0.6, accuracy: 0.75 };
    expect(hasLearnt({ trainAccuracy: 0.8 }, chance)).toBe(true);
    expect(hasLearnt({ trainAccuracy: 0.799 }, chance)).toBe(false);
  });
});

describe("the curve of a run", () => {
  const steps = (n: number, f: (i: number) => number) =>
    Float32Array.from({ length: n }, (_, i) => f(i));

  test("keeps every third of 300 losses, however they arrive", () => {
    const whole = new Curve(300);
    whole.add(
      steps(300, (i) => i),
      steps(300, () => 0),
    );
    const pieces = new Curve(300);
    for (let i = 0; i < 300; i += 7) {
      const n = Math.min(7, 300 - i);
      pieces.add(
        steps(n, (j) => i + j),
        steps(n, () => 0),
      );
    }
    expect(whole.losses).toEqual(Array.from({ length: 100 }, (_, i) => 3 * i));
    expect(pieces.losses).toEqual(whole.losses);
  });

  test("has at most 100 points", () => {
    for (const n of [1, 99, 100, 101, 199, 1234]) {
      const curve = new Curve(n);
      curve.add(
        steps(n, () => 1),
        steps(n, () => 0),
      );
      expect(curve.losses.length).toBeLessThanOrEqual(100);
      expect(curve.losses.length).toBeGreaterThan(Math.min(n, 50) - 1);
    }
  });

  test("ends with one null where the loss was lost", () => {
    const curve = new Curve(100);
    curve.add(Float32Array.of(2, 1e20), new Float32Array(2));
    curve.end();
    expect(curve.losses).toEqual([2, Math.fround(1e20), null]);
    const infinite = new Curve(100);
    infinite.add(Float32Array.of(2, Infinity), new Float32Array(2));
    infinite.end();
    expect(infinite.losses).toEqual([2, null]);
    const atOnce = new Curve(100);
    atOnce.end();
    expect(atOnce.losses).toEqual([null]);
  });

  test("reaches 90 % at the first step whose last 10 batches have 0.9 in the mean", () => {
    const curve = new Curve(40);
    // 0 up to step 20, then 0.95: of ten batches nine at 0.95 have 0.855, ten have 0.95.
    curve.add(
      steps(40, () => 1),
      steps(40, (i) => (i < 20 ? 0 : 0.95)),
    );
    expect(curve.stepsTo90).toBe(30);
  });

  test("counts ten batches of exactly 0.9, which f32 rounds down, and no fewer than ten", () => {
    const curve = new Curve(20);
    curve.add(
      steps(9, () => 1),
      steps(9, () => 0.9),
    );
    expect(curve.stepsTo90).toBeNull();
    curve.add(
      steps(1, () => 1),
      steps(1, () => 0.9),
    );
    expect(curve.stepsTo90).toBe(10);
  });

  test("may never reach it", () => {
    const curve = new Curve(20);
    curve.add(
      steps(20, () => 1),
      steps(20, () => 0.8999),
    );
    expect(curve.stepsTo90).toBeNull();
  });
});

describe("medians", () => {
  test("of odd and even counts", () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(median([10, 9, 100])).toBe(10); // not in the order of their text
  });

  test("a null counts as infinite", () => {
    const runs = [fakeRun(0.5, 1, { stepsTo90: 20 }), DIVERGED, fakeRun(0.9, 3, { stepsTo90: 30 })];
    expect(medianOf(runs).trainLoss).toBe(3);
    expect(medianOf(runs).stepsTo90).toBe(30);
    expect(medianOf([DIVERGED, DIVERGED, learnt(0.9)]).trainLoss).toBeNull();
  });

  test("the state is that of most seeds, the worst of equally many", () => {
    expect(medianOf([learnt(0.9), STALLED, learnt(0.8)]).state).toBe("completed");
    expect(medianOf([learnt(0.9), STALLED]).state).toBe("stalled");
    expect(medianOf([learnt(0.9), STALLED, DIVERGED]).state).toBe("diverged");
  });
});
