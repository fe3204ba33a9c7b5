import type { Network } from "../index.ts";
import { regressionScores } from "./scores.ts";

/** What a network says of rows of data, and how well when the data say what is right. */
export type Predictions = ClassPredictions | ValuePredictions;

export interface ClassPredictions {
  readonly task: "classification";
  readonly rows: readonly ClassPrediction[];
  readonly accuracy: number | undefined;
  /** Row = label, column = prediction; when the data say what is right. */
  readonly confusion: readonly (readonly number[])[] | undefined;
}

export interface ClassPrediction {
  /** Counted from 1. */
  readonly row: number;
  readonly class: string;
  readonly probability: number;
  /** When the data say it. */
  readonly label?: string;
}

export interface ValuePredictions {
  readonly task: "regression";
  readonly rows: readonly ValuePrediction[];
  /** Root mean squared error. */
  readonly rmse: number | undefined;
}

export interface ValuePrediction {
  /** Counted from 1. */
  readonly row: number;
  readonly values: readonly number[];
  /** When the data say them. */
  readonly targets?: readonly number[];
}

/** Classes that a network tells apart; one logit tells two. */
export function classCountOf({ recipe, outputShape }: Network): number {
  return recipe.loss.kind === "binary_cross_entropy" ? 2 : product(outputShape);
}

/** The likeliest class of each row. `labels` are indices into `names`. */
export function predictClasses(
  network: Network,
  inputs: Float32Array,
  { names, labels }: { names: readonly string[]; labels: ArrayLike<number> | undefined },
): ClassPredictions {
  const logits = network.predict(inputs);
  const width = product(network.outputShape);
  let right = 0;
  const classes = Math.max(2, width);
  const confusion = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  const rows = Array.from({ length: logits.length / width }, (_, row) => {
    const part = logits.subarray(row * width, (row + 1) * width);
    // Of one logit x, sigmoid(x) is the softmax of (0, x).
    const probabilities = softmax(width === 1 ? [0, part[0]!] : part);
    const best = probabilities.reduce((top, p, i) => (p > probabilities[top]! ? i : top), 0);
    const prediction = { row: row + 1, class: names[best]!, probability: probabilities[best]! };
    if (labels === undefined) return prediction;
    if (labels[row] === best) right++;
    confusion[labels[row]!]![best]!++;
    return { ...prediction, label: names[labels[row]!]! };
  });
  return {
    task: "classification",
    rows,
    accuracy: labels === undefined ? undefined : right / rows.length,
    confusion: labels === undefined ? undefined : confusion,
  };
}

/** `exp(x_i - max x) / sum_j exp(x_j - max x)` in f64. */
export function softmax(logits: ArrayLike<number>): readonly number[] {
  const values = Array.from(logits);
  const top = values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const exps = values.map((x) => Math.exp(x - top));
  const sum = exps.reduce((a, b) => a + b, 0);
  return exps.map((x) => x / sum);
}

/** The values of each row, which `unscale` puts into the units of the targets. */
export function predictValues(
  network: Network,
  inputs: Float32Array,
  about: {
    readonly unscale: (outputs: Float32Array) => Float64Array;
    readonly targets: ArrayLike<number> | undefined;
  },
): ValuePredictions {
  const { unscale, targets } = about;
  const values = unscale(network.predict(inputs));
  const width = product(network.outputShape);
  const rowOf = (all: ArrayLike<number>, row: number) =>
    Array.from({ length: width }, (_, j) => all[row * width + j]!);
  const rows = Array.from({ length: values.length / width }, (_, row) => ({
    row: row + 1,
    values: rowOf(values, row),
    ...(targets === undefined ? {} : { targets: rowOf(targets, row) }),
  }));
  const rmse = targets === undefined ? undefined : regressionScores(values, targets, width).rmse;
  return { task: "regression", rows, rmse };
}

function product(sizes: readonly number[]): number {
  return sizes.reduce((a, b) => a * b, 1);
}
