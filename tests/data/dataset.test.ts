import { describe, expect, test } from "vitest";
import type { DatasetInit } from "../../src/data/dataset.ts";
import { classCounts, createDataset, select, take } from "../../src/data/dataset.ts";
import { dataErrorOf } from "./support.ts";

const GOOD: DatasetInit = {
  name: "tiny",
  rows: 3,
  shape: [2],
  inputs: Float32Array.of(1, 2, 3, 4, 5, 6),
  targets: Int32Array.of(0, 1, 1),
  classes: 2,
};

describe("createDataset", () => {
  test("keeps what agrees, and freezes it", () => {
    const dataset = createDataset({ ...GOOD, classNames: ["no", "yes"], featureNames: ["a", "b"] });
    expect(dataset).toEqual({
      ...GOOD,
      targetWidth: 1,
      classNames: ["no", "yes"],
      featureNames: ["a", "b"],
    });
    expect(Object.isFrozen(dataset)).toBe(true);
  });

  test("takes regression targets of any width", () => {
    const targets = Float32Array.of(1, 2, 3, 4, 5, 6);
    const dataset = createDataset({ ...GOOD, targets, classes: 0, targetWidth: 2 });
    expect(dataset.targetWidth).toBe(2);
  });

  const nan = Float32Array.of(1, 2, 3, Number.NaN, 5, 6);
  const infinite = Float32Array.of(1, 2, 3, 4, Number.NEGATIVE_INFINITY, 6);
  const finiteHint =
    "drop the row, fill in the value, or scale the column into the range of f32 (3.4e38)";
  test.each<[string, Partial<DatasetInit>, string]>([
    [
      "no rows",
      { rows: 0 },
      "tiny: expected at least one row, got 0 rows; an empty data set cannot be trained or tested on",
    ],
    [
      "a shape with a zero",
      { shape: [2, 0] },
      "tiny: expected a shape of positive whole numbers, got [2,0]; state the shape of one example",
    ],
    [
      "an empty shape",
      { shape: [] },
      "tiny: expected a shape of positive whole numbers, got []; state the shape of one example",
    ],
    [
      "a product beyond any array, without allocating",
      { shape: [65_536, 65_536] },
      "tiny: expected at most 1073741824 values, got 3 rows of [65536,65536]; take fewer rows, or make the examples smaller",
    ],
    [
      "a product beyond 2^53",
      { shape: [2 ** 30, 2 ** 30, 2 ** 30] },
      "tiny: expected at most 1073741824 values, got 3 rows of [1073741824,1073741824,1073741824]; take fewer rows, or make the examples smaller",
    ],
    [
      "too few inputs",
      { inputs: new Float32Array(5) },
      "tiny: expected 6 inputs for 3 rows of [2], got 5; check the shape and the number of rows",
    ],
    [
      "too many targets",
      { targets: new Int32Array(4) },
      "tiny: expected 3 targets for 3 rows of width 1, got 4; give each row its target",
    ],
    [
      "a label out of range",
      { targets: Int32Array.of(0, 1, 2) },
      "tiny, row 3, column label: expected a class index from 0 to 1, got 2; count the classes from 0, or raise their number",
    ],
    [
      "a negative label",
      { targets: Int32Array.of(0, -1, 1) },
      "tiny, row 2, column label: expected a class index from 0 to 1, got -1; count the classes from 0, or raise their number",
    ],
    [
      "NaN in an unnamed column",
      { inputs: nan },
      `tiny, row 2, column 2: expected a finite number, got NaN; ${finiteHint}`,
    ],
    [
      "an infinity in a named column",
      { inputs: infinite, featureNames: ["age", "size"] },
      `tiny, row 3, column "age": expected a finite number, got -Infinity; ${finiteHint}`,
    ],
    [
      "NaN in a regression target",
      { targets: Float32Array.of(1, Number.NaN, 3), classes: 0 },
      `tiny, row 2, column target 1: expected a finite number, got NaN; ${finiteHint}`,
    ],
    [
      "floats as class indices",
      { targets: new Float32Array(3) },
      "tiny: expected class indices in an Int32Array, got Float32Array; say classes: 0 for regression",
    ],
    [
      "class indices as regression targets",
      { classes: 0 },
      "tiny: expected a Float32Array of targets for regression, got Int32Array; state the number of classes for classification",
    ],
    [
      "a name too few",
      { classNames: ["only"] },
      "tiny: expected 2 class names, got 1; give each its name, or none",
    ],
    [
      "a name too many",
      { featureNames: ["a", "b", "c"] },
      "tiny: expected 2 feature names, got 3; give each its name, or none",
    ],
    [
      "half a class",
      { classes: 1.5 },
      "tiny: expected a whole number of classes, got 1.5; state the number of classes, or 0 for regression",
    ],
  ])("rejects %s", (_, change, message) => {
    expect(dataErrorOf(() => createDataset({ ...GOOD, ...change })).message).toBe(message);
  });

  test("says where in fields, for programs", () => {
    const error = dataErrorOf(() => createDataset({ ...GOOD, inputs: nan }));
    expect(error.where).toEqual({ row: 2, column: "2" });
  });
});

describe("rows of a data set", () => {
  const dataset = createDataset(GOOD);

  test("take gives the first rows as views", () => {
    const first = take(dataset, 2);
    expect(first).toMatchObject({ rows: 2, shape: [2], classes: 2 });
    expect([...first.inputs]).toEqual([1, 2, 3, 4]);
    expect([...first.targets]).toEqual([0, 1]);
    expect(first.inputs.buffer).toBe(dataset.inputs.buffer);
  });

  test("select copies rows in the order given, repeated ones too", () => {
    const some = select(dataset, [2, 0, 2]);
    expect([...some.inputs]).toEqual([5, 6, 1, 2, 5, 6]);
    expect([...some.targets]).toEqual([1, 0, 1]);
    expect(some.inputs.buffer).not.toBe(dataset.inputs.buffer);
  });

  test("select copies wide regression targets", () => {
    const targets = Float32Array.of(1, 2, 3, 4, 5, 6);
    const wide = createDataset({ ...GOOD, targets, classes: 0, targetWidth: 2 });
    expect([...select(wide, [1]).targets]).toEqual([3, 4]);
  });

  test("classCounts counts each class, absent ones too", () => {
    expect(classCounts(createDataset({ ...GOOD, classes: 4 }))).toEqual([1, 2, 0, 0]);
  });

  test.each([
    [() => take(dataset, 0), "take: rows must be a whole number from 1 to the 3 of tiny, got 0"],
    [() => take(dataset, 4), "take: rows must be a whole number from 1 to the 3 of tiny, got 4"],
    [() => select(dataset, [3]), "select: row 3 is not one of the 3 rows of tiny (0 to 2)"],
    [() => select(dataset, [0.5]), "select: row 0.5 is not one of the 3 rows of tiny (0 to 2)"],
    [() => select(dataset, []), "select: expected at least one row of tiny, got none"],
    [
      () => classCounts(createDataset({ ...GOOD, targets: new Float32Array(3), classes: 0 })),
      "classCounts: tiny is for regression and has no classes",
    ],
  ])("rejects a wrong request: %#", (action, message) => {
    expect(action).toThrow(new RangeError(message));
  });
});
