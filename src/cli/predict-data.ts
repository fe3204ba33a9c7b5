import type { Dataset } from "../data/index.ts";
import { DataError, loadDataset } from "../data/index.ts";
import type { TableOptions } from "./data.ts";
import { isFile, isTable, readFiles } from "./data.ts";
import { FileError } from "./exit.ts";
import type { Preprocessing } from "./preprocessing.ts";
import { classNamesOf } from "./preprocessing.ts";
import { printable } from "./text.ts";

/** Rows to predict, and their targets when they are known. */
export interface Rows {
  readonly name: string;
  readonly dataset: Dataset;
  /** Of classes: indices into the model's class names. */
  readonly labels: ArrayLike<number> | undefined;
}

/**
 * What `--data` names: the test part of a data set that comes with the package or of MNIST's files, or a whole table, with a column of
 * labels or without one. Throws a `DataError`, or a `FileError` when the data are not of the model's kind.
 */
export async function rowsFor(
  source: string,
  options: TableOptions,
  { shape, classNames, featureNames, task, label }: Preprocessing,
): Promise<Rows> {
  const features = shape.reduce((a, b) => a * b, 1);
  const { dataset, isLabelled } = isFile(source)
    ? await readRows(source, options, { task, label }, features)
    : { dataset: (await loadDataset(source)).test, isLabelled: true };
  checkFeatures(dataset, { shape, featureNames });
  if (!isLabelled) return { name: dataset.name, dataset, labels: undefined };
  return { name: dataset.name, dataset, labels: labelsFor(dataset, { classNames, task }) };
}

/**
 * The reader takes one column of a table for labels: the one that is asked for, or that the model was trained on, or the last. When that
 * leaves one feature too few, the table has no labels, and the column is the model's last feature. A few rows do not tell
 * classes from numbers, but the model does.
 */
async function readRows(
  source: string,
  options: TableOptions,
  model: Pick<Preprocessing, "task" | "label">,
  features: number,
): Promise<{ readonly dataset: Dataset; readonly isLabelled: boolean }> {
  const read = await readLabelled(source, options, model);
  const { dataset } = read;
  if (!isTable(source)) return { dataset, isLabelled: true };
  const width = dataset.inputs.length / dataset.rows;
  if (width === features - 1 && options.label === undefined) {
    const { train: all } = await readFiles(source, { ...options, task: "regression", label: -1 });
    return { dataset: withTargetsAsFeature(all), isLabelled: false };
  }
  const { task } = model;
  const isRead = options.task !== undefined || (dataset.classes === 0) === (task === "regression");
  if (isRead) return { dataset, isLabelled: true };
  return { dataset: (await readFiles(source, { ...read.options, task })).train, isLabelled: true };
}

/** Reads with the model's label unless another is asked for; a table without that column, as one without labels, is read as it is. */
async function readLabelled(
  source: string,
  options: TableOptions,
  { label }: Pick<Preprocessing, "label">,
): Promise<{ readonly dataset: Dataset; readonly options: TableOptions }> {
  const read = async (tried: TableOptions) => {
    const { train, test } = await readFiles(source, tried);
    return { dataset: test ?? train, options: tried };
  };
  if (label === null || options.label !== undefined || !isTable(source)) return read(options);
  try {
    return await read({ ...options, label });
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    return read(options);
  }
}

function withTargetsAsFeature(dataset: Dataset): Dataset {
  const { rows, inputs, targets } = dataset;
  const width = inputs.length / rows;
  const joined = new Float32Array(rows * (width + 1));
  for (let row = 0; row < rows; row++) {
    joined.set(inputs.subarray(row * width, (row + 1) * width), row * (width + 1));
    joined[row * (width + 1) + width] = targets[row]!;
  }
  const { featureNames: _, ...rest } = dataset;
  return { ...rest, shape: [width + 1], inputs: joined };
}

function checkFeatures(
  { name, shape, featureNames }: Dataset,
  model: Pick<Preprocessing, "shape" | "featureNames">,
): void {
  const product = (sizes: readonly number[]) => sizes.reduce((a, b) => a * b, 1);
  const source = printable(name);
  if (product(shape) !== product(model.shape)) {
    throw new FileError(
      `${source}: expected rows of ${product(model.shape)} features, as the model was trained on, got ` +
        `${product(shape)}; give data of the same kind, and name the label column with --label if it is not the last`,
    );
  }
  const wrong = featureNames?.findIndex(
    (feature, j) => feature !== (model.featureNames?.[j] ?? feature),
  );
  if (wrong !== undefined && wrong >= 0) {
    throw new FileError(
      `${source}: expected feature ${wrong + 1} to be "${printable(model.featureNames![wrong]!, 40)}", as the model was ` +
        `trained on, got "${printable(featureNames![wrong]!, 40)}"; put the columns in that order, and name the label column ` +
        "with --label if it is not the last",
    );
  }
}

/** Targets in the model's terms: a file lists only the classes that occur in it. */
function labelsFor(
  dataset: Dataset,
  { classNames, task }: Pick<Preprocessing, "classNames" | "task">,
): ArrayLike<number> {
  const source = printable(dataset.name);
  const isRegression = dataset.classes === 0;
  if (isRegression !== (task === "regression")) {
    const [expected, got] = isRegression ? ["classes", "numbers"] : ["numbers", "classes"];
    throw new FileError(
      `${source}: expected ${expected} as targets, as the model was trained on, got ${got}; name the label column with --label`,
    );
  }
  if (isRegression || classNames === null) return dataset.targets;
  const indices = classNamesOf(dataset).map((name) => classNames.indexOf(name));
  return Int32Array.from(dataset.targets, (label) => {
    const index = indices[label]!;
    if (index >= 0) return index;
    throw new FileError(
      `${source}: expected labels among the model's classes (${classNames
        .slice(0, 8)
        .map((c) => printable(c, 40))
        .join(", ")}` +
        `${classNames.length > 8 ? ", …" : ""}), got "${printable(classNamesOf(dataset)[label]!, 40)}"; name the label column with --label`,
    );
  });
}
