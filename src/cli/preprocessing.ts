import type { Dataset } from "../data/index.ts";
import { standardiser, standardiserOf } from "../data/index.ts";
import { FileError } from "./exit.ts";

/** Standardised features are clamped to this many standard deviations: a pixel that is nearly always 0 would be huge once it is not. */
export const LIMIT = 4;

/** `(x - mean) / std`, a value a column; columns that did not vary become 0. */
export interface Scaling {
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** What was done to the data a network was trained on, and what its outputs mean: it is saved with the network. */
export interface Preprocessing {
  readonly task: "classification" | "regression";
  /** Shape of one example. */
  readonly shape: readonly number[];
  /** Of the inputs, clamped to ±LIMIT; null when they are used as they are. */
  readonly inputs: Scaling | null;
  /** Of the targets of a regression. */
  readonly targets: Scaling | null;
  readonly classNames: readonly string[] | null;
  readonly featureNames: readonly string[] | null;
  /** The column of targets, where it was named; null for the last one. */
  readonly label: string | number | null;
}

/** Fitted on the training part alone: statistics of the test part would leak into training. */
export function fitPreprocessing(
  train: Dataset,
  standardise: boolean,
  label?: string | number,
): Preprocessing {
  const isRegression = train.classes === 0;
  const { shape } = train;
  return {
    task: isRegression ? "regression" : "classification",
    shape,
    inputs: standardise ? scalingOf(train) : null,
    targets: standardise && isRegression ? scalingOf(targetsOf(train)) : null,
    classNames: isRegression ? null : classNamesOf(train),
    featureNames: train.featureNames ?? null,
    label: label ?? null,
  };
}

/** The data set as the network sees it. */
export function preprocess(dataset: Dataset, { inputs, targets }: Preprocessing): Dataset {
  const scaled =
    inputs === null ? dataset : standardiserOf(inputs).apply(dataset, { limit: LIMIT });
  if (targets === null) return scaled;
  return { ...scaled, targets: standardiserOf(targets).apply(targetsOf(dataset)).inputs };
}

/** Outputs of a regression in the units of its targets. */
export function unscale(outputs: Float32Array, targets: Scaling | null): Float64Array {
  const values = Float64Array.from(outputs);
  if (targets === null) return values;
  const { mean, std } = targets;
  return values.map((y, i) => mean[i % mean.length]! + y * std[i % std.length]!);
}

/** The names of the classes, or their numbers. */
export function classNamesOf({ classes, classNames }: Dataset): readonly string[] {
  return classNames ?? Array.from({ length: classes }, (_, i) => `${i}`);
}

/** Reads what `JSON.stringify` wrote, trusting nothing. Throws a `FileError`. */
export function parsePreprocessing(text: string, source: string): Preprocessing {
  const fail = (what: string): never => {
    throw new FileError(`${source}: ${what}; save the model again with headstart train --save`);
  };
  let value: Partial<Record<keyof Preprocessing, unknown>>;
  try {
    value = JSON.parse(text);
  } catch {
    return fail("the description of its data is no JSON");
  }
  // Models of earlier releases do not state their label.
  const { task, shape, inputs, targets, classNames, featureNames, label = null } = value ?? {};
  if (task !== "classification" && task !== "regression") return fail("the task is not stated");
  if (!isList(shape, isCount) || shape.length === 0)
    return fail("the shape of its inputs is not stated");
  const features = shape.reduce((a, b) => a * b, 1);
  if (!isScaling(inputs, features))
    return fail(`there is no mean and deviation for ${features} features`);
  if (!isScaling(targets)) return fail("the scale of its targets is not stated");
  if (!isNames(classNames) || !isNames(featureNames))
    return fail("the names of classes are not text");
  if (label !== null && typeof label !== "string" && !Number.isSafeInteger(label))
    return fail("the column of its targets is no name and no number");
  return {
    ...{ task, shape, inputs, targets, classNames, featureNames },
    label: label as string | number | null,
  };
}

/** Mean and population deviation of each feature. */
function scalingOf(dataset: Dataset): Scaling {
  const { mean, std } = standardiser(dataset);
  return { mean: [...mean], std: [...std] };
}

/** The targets of a regression as features, so that they are standardised in the same way. */
function targetsOf({ targets, targetWidth, ...rest }: Dataset): Dataset {
  return { ...rest, targets, targetWidth, shape: [targetWidth], inputs: targets as Float32Array };
}

function isScaling(value: unknown, width?: number): value is Scaling | null {
  if (value === null) return true;
  if (typeof value !== "object") return false;
  const { mean, std } = value as Partial<Record<keyof Scaling, unknown>>;
  if (
    !isList(mean, Number.isFinite) ||
    !isList(std, (x) => Number.isFinite(x) && (x as number) >= 0)
  ) {
    return false;
  }
  return mean.length > 0 && mean.length === std.length && (width ?? mean.length) === mean.length;
}

function isNames(value: unknown): value is readonly string[] | null {
  return value === null || isList(value, (name) => typeof name === "string");
}

function isList(value: unknown, isItem: (item: unknown) => boolean): value is never[] {
  return Array.isArray(value) && value.every(isItem);
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) > 0;
}
