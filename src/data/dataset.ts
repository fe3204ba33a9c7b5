import { count, DataError, quote } from "./errors.ts";

/** Examples in memory: one input tensor and one target each. Immutable by convention; the arrays may be views. */
export interface Dataset {
  readonly name: string;
  readonly rows: number;
  /** Shape of one example, e.g. [64] or [28, 28]. */
  readonly shape: readonly number[];
  /** Row-major, rows x product(shape). */
  readonly inputs: Float32Array;
  /** Class indices (classification; -1 where a row has several and one is not known) or values (regression), row-major. */
  readonly targets: Int32Array | Float32Array;
  /** Classification: number of classes; regression: 0. */
  readonly classes: number;
  /** Values a row in `targets`: positions, for classes. */
  readonly targetWidth: number;
  readonly classNames?: readonly string[];
  readonly featureNames?: readonly string[];
}

export interface DatasetInit extends Omit<Dataset, "targetWidth"> {
  /** Default 1. */
  readonly targetWidth?: number;
}

/** Most values in one array: 4 GiB of f32, which is also all that a 32-bit WebAssembly memory holds. */
export const MAX_VALUES: number = 2 ** 30;

/**
 * A data set whose parts agree: lengths, labels in `0 … classes - 1`, every number finite.
 *
 * Throws a `DataError` that names the first row and column that do not.
 */
export function createDataset(init: DatasetInit): Dataset {
  const { name, rows, shape, inputs, targets, classes, targetWidth = 1 } = init;
  const fail = (expected: string, got: string, hint: string): never => {
    throw new DataError({ source: name, expected, got, hint });
  };
  if (!isCount(rows)) {
    fail("at least one row", `${rows} rows`, "an empty data set cannot be trained or tested on");
  }
  if (shape.length === 0 || !shape.every(isCount)) {
    fail("a shape of positive whole numbers", `[${shape}]`, "state the shape of one example");
  }
  if (!Number.isInteger(classes) || classes < 0) {
    fail(
      "a whole number of classes",
      `${classes}`,
      "state the number of classes, or 0 for regression",
    );
  }
  if (!isCount(targetWidth)) {
    fail("a positive target width", `${targetWidth}`, "state the number of values a target has");
  }
  const features = product(shape);
  if (features * rows > MAX_VALUES || targetWidth * rows > MAX_VALUES) {
    const got = `${rows} rows of [${shape}]`;
    fail(`at most ${MAX_VALUES} values`, got, "take fewer rows, or make the examples smaller");
  }
  if (inputs.length !== rows * features) {
    fail(
      `${rows * features} inputs for ${count(rows, "row")} of [${shape}]`,
      `${inputs.length}`,
      "check the shape and the number of rows",
    );
  }
  if (targets.length !== rows * targetWidth) {
    fail(
      `${rows * targetWidth} targets for ${count(rows, "row")} of width ${targetWidth}`,
      `${targets.length}`,
      "give each row its target",
    );
  }
  checkNames(name, "class names", init.classNames, classes);
  checkNames(name, "feature names", init.featureNames, features);

  checkFinite(name, inputs, features, (j) => columnOf(init, j));
  if (classes > 0) {
    if (targets instanceof Int32Array) {
      checkLabels(name, targets, classes, targetWidth);
    } else {
      const got = targets.constructor.name;
      fail("class indices in an Int32Array", got, "say classes: 0 for regression");
    }
  } else if (targets instanceof Float32Array) {
    checkFinite(name, targets, targetWidth, (j) => `target ${j + 1}`);
  } else {
    const hint = "state the number of classes for classification";
    fail("a Float32Array of targets for regression", targets.constructor.name, hint);
  }
  return Object.freeze({
    name,
    rows,
    shape: Object.freeze([...shape]),
    inputs,
    targets,
    classes,
    targetWidth,
    ...(init.classNames && { classNames: Object.freeze([...init.classNames]) }),
    ...(init.featureNames && { featureNames: Object.freeze([...init.featureNames]) }),
  });
}

/** Values in one example: the product of its shape. */
export function featuresOf(dataset: Pick<Dataset, "shape">): number {
  return product(dataset.shape);
}

/** The first `rows` rows, as views on the same memory. */
export function take(dataset: Dataset, rows: number): Dataset {
  if (!isCount(rows) || rows > dataset.rows) {
    throw new RangeError(
      `take: rows must be a whole number from 1 to the ${dataset.rows} of ${dataset.name}, got ${rows}`,
    );
  }
  return Object.freeze({
    ...dataset,
    rows,
    inputs: dataset.inputs.subarray(0, rows * featuresOf(dataset)),
    targets: dataset.targets.subarray(0, rows * dataset.targetWidth),
  });
}

/** The given rows (indices from 0), copied in the order given; a row may come more than once. */
export function select(dataset: Dataset, indices: ArrayLike<number>): Dataset {
  const rows = indices.length;
  if (rows === 0)
    throw new RangeError(`select: expected at least one row of ${dataset.name}, got none`);
  const features = featuresOf(dataset);
  const inputs = new Float32Array(rows * features);
  const { targetWidth } = dataset;
  const targets =
    dataset.targets instanceof Int32Array
      ? new Int32Array(rows * targetWidth)
      : new Float32Array(rows * targetWidth);
  for (let i = 0; i < rows; i++) {
    const row = indices[i]!;
    if (!Number.isInteger(row) || row < 0 || row >= dataset.rows) {
      throw new RangeError(
        `select: row ${row} is not one of the ${dataset.rows} rows of ${dataset.name} (0 to ${dataset.rows - 1})`,
      );
    }
    inputs.set(dataset.inputs.subarray(row * features, (row + 1) * features), i * features);
    targets.set(
      dataset.targets.subarray(row * targetWidth, (row + 1) * targetWidth),
      i * targetWidth,
    );
  }
  return Object.freeze({ ...dataset, rows, inputs, targets });
}

/** Rows (or positions) of each class. */
export function classCounts(dataset: Dataset): number[] {
  if (dataset.classes === 0) {
    throw new RangeError(`classCounts: ${dataset.name} is for regression and has no classes`);
  }
  const counts = new Array<number>(dataset.classes).fill(0);
  for (const label of dataset.targets) if (label >= 0) counts[label]!++;
  return counts;
}

/** A weight a class: `rows / (classes * rows of the class)`, so that every class counts alike and the mean over the rows is 1. */
export function balancedWeights(dataset: Dataset): number[] {
  const counts = classCounts(dataset);
  const present = counts.filter((n) => n > 0).length;
  return counts.map((n) => (n === 0 ? 0 : dataset.rows / (present * n)));
}

/** A product in doubles: it may be larger than any array, but never wraps. */
export function product(sizes: readonly number[]): number {
  return sizes.reduce((total, size) => total * size, 1);
}

function isCount(n: number): boolean {
  return Number.isSafeInteger(n) && n > 0;
}

function checkNames(
  source: string,
  what: string,
  names: readonly string[] | undefined,
  expected: number,
): void {
  if (names === undefined || names.length === expected) return;
  const hint = "give each its name, or none";
  throw new DataError({ source, expected: `${expected} ${what}`, got: `${names.length}`, hint });
}

/** What a message calls feature `j`: its name, or its number from 1. */
function columnOf({ featureNames }: DatasetInit, j: number): string {
  return featureNames === undefined ? `${j + 1}` : quote(featureNames[j]!);
}

function checkFinite(
  source: string,
  values: Float32Array,
  width: number,
  nameOf: (column: number) => string,
): void {
  // x - x is 0 for every finite x and NaN for the others; the sum stays 0 only if all are finite.
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! - values[i]!;
  if (sum === 0) return;
  const at = values.findIndex((value) => !Number.isFinite(value));
  throw new DataError({
    source,
    where: { row: Math.floor(at / width) + 1, column: nameOf(at % width) },
    expected: "a finite number",
    got: `${values[at]}`,
    hint: "drop the row, fill in the value, or scale the column into the range of f32 (3.4e38)",
  });
}

/** Where a row has one label, it has to be there; of several, some may be -1. */
function checkLabels(
  source: string,
  labels: ArrayLike<number>,
  classes: number,
  width: number,
): void {
  const least = width > 1 ? -1 : 0;
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i]!;
    if (label >= least && label < classes) continue;
    throw new DataError({
      source,
      where: {
        row: Math.floor(i / width) + 1,
        column: width > 1 ? `label ${(i % width) + 1}` : "label",
      },
      expected: `a class index from 0 to ${classes - 1}${width > 1 ? ", or -1 for none" : ""}`,
      got: `${label}`,
      hint: "count the classes from 0, or raise their number",
    });
  }
}
