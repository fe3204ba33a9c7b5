// Metrics of predictions against targets: pure functions of arrays, in doubles. Definitions as in scikit-learn's, where it has them.

/** Rows of outputs, row-major: as many scores a row as there are classes, or one. */
export type Values = ArrayLike<number>;

/** The class of each row: the first largest score; of one score a row, whether it is above 0 (a logit). */
export function classesOf(scores: Values, classes: number): Int32Array {
  if (classes === 1) return Int32Array.from(scores, (x) => (x > 0 ? 1 : 0));
  const rows = rowsOf("classesOf", scores, classes);
  return Int32Array.from({ length: rows }, (_, row) => {
    let best = 0;
    for (let c = 1; c < classes; c++) {
      if (scores[row * classes + c]! > scores[row * classes + best]!) best = c;
    }
    return best;
  });
}

/** Share of the rows whose class is the target's. */
export function accuracy(predicted: Values, targets: Values): number {
  sameLength("accuracy", predicted, targets);
  let right = 0;
  for (let i = 0; i < targets.length; i++) if (predicted[i] === targets[i]) right++;
  return right / targets.length;
}

/**
 * Share of the rows in which fewer than `k` classes have a larger score than the target's, or the same and a smaller index. A row whose
 * target has no number counts as wrong.
 */
export function topK(
  scores: Values,
  targets: Values,
  { k, classes }: { readonly k: number; readonly classes: number },
): number {
  const rows = rowsOf("topK", scores, classes);
  if (targets.length !== rows) {
    throw new RangeError(`topK: expected ${rows} targets, got ${targets.length}`);
  }
  if (!Number.isSafeInteger(k) || k < 1 || k > classes) {
    throw new RangeError(
      `topK: k must be a whole number from 1 to the ${classes} classes, got ${k}`,
    );
  }
  let right = 0;
  for (let row = 0; row < rows; row++) {
    const target = targets[row]!;
    const own = scores[row * classes + target]!;
    if (Number.isNaN(own)) continue;
    let above = 0;
    for (let c = 0; c < classes; c++) {
      const score = scores[row * classes + c]!;
      if (score > own || (score === own && c < target)) above++;
    }
    if (above < k) right++;
  }
  return right / rows;
}

/** How often each class was taken for each: row = target, column = prediction. */
export function confusionMatrix(
  predicted: Values,
  targets: Values,
  { classes }: { readonly classes: number },
): readonly (readonly number[])[] {
  sameLength("confusionMatrix", predicted, targets);
  const matrix = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (let i = 0; i < targets.length; i++) {
    const [target, guess] = [targets[i]!, predicted[i]!];
    const row = matrix[target];
    if (row?.[guess] === undefined) {
      throw new RangeError(
        `confusionMatrix: row ${i}: expected classes from 0 to ${classes - 1}, got target ${target} and prediction ${guess}`,
      );
    }
    row[guess]!++;
  }
  return matrix;
}

/** Precision, recall and F1 of one class, or their mean. */
export interface ClassScores {
  /** Right ones among those taken for the class; 0 when nothing was. */
  readonly precision: number;
  /** Right ones among those of the class; 0 when there are none. */
  readonly recall: number;
  /** `2 p r / (p + r)` = `2 tp / (2 tp + fp + fn)`; 0 when that has no value. */
  readonly f1: number;
}

export interface ClassReport {
  /** With `support`, the rows of the class. */
  readonly perClass: readonly (ClassScores & { readonly support: number })[];
  /** The plain mean over the classes. */
  readonly macro: ClassScores;
  /** Of all decisions together: with one class a row the three are the accuracy. */
  readonly micro: ClassScores;
}

/** Precision, recall and F1 for each class, their mean, and over all decisions, from a confusion matrix. */
export function classReport(matrix: readonly (readonly number[])[]): ClassReport {
  const classes = matrix.map((_, c) => c);
  const total = (counts: readonly number[]) => counts.reduce((a, b) => a + b, 0);
  const counts = classes.map((c) => {
    const right = matrix[c]![c]!;
    const support = total(matrix[c]!);
    return { right, support, taken: total(matrix.map((row) => row[c]!)) };
  });
  const perClass = counts.map(({ right, support, taken }) => {
    return { ...scoresOf(right, support, taken), support };
  });
  const mean = (of: (scores: ClassScores) => number) => total(perClass.map(of)) / classes.length;
  const all = (of: (count: (typeof counts)[number]) => number) => total(counts.map(of));
  return {
    perClass,
    macro: {
      precision: mean((s) => s.precision),
      recall: mean((s) => s.recall),
      f1: mean((s) => s.f1),
    },
    micro: scoresOf(
      all((c) => c.right),
      all((c) => c.support),
      all((c) => c.taken),
    ),
  };
}

function scoresOf(right: number, support: number, taken: number): ClassScores {
  const share = (a: number, b: number) => (b === 0 ? 0 : a / b);
  return {
    precision: share(right, taken),
    recall: share(right, support),
    f1: share(2 * right, support + taken),
  };
}

/**
 * Area under the receiver operating characteristic of two classes by the trapezoidal rule: the chance that a row of class 1 has a larger
 * score than one of class 0, ties counting half (Hanley & McNeil 1982). NaN when a class is missing or a score is NaN.
 */
export function auc(scores: Values, targets: Values): number {
  sameLength("auc", scores, targets);
  const order = Uint32Array.from({ length: scores.length }, (_, i) => i);
  order.sort((a, b) => scores[a]! - scores[b]!);
  let positives = 0;
  let negatives = 0;
  // Pairs (positive above negative), in halves.
  let pairs = 0;
  for (let at = 0; at < order.length; ) {
    const score = scores[order[at]!]!;
    if (Number.isNaN(score)) return Number.NaN;
    let [above, below] = [0, 0];
    for (; at < order.length && scores[order[at]!] === score; at++) {
      if (targets[order[at]!] === 1) above++;
      else below++;
    }
    pairs += above * (2 * negatives + below);
    positives += above;
    negatives += below;
  }
  return pairs / (2 * positives * negatives);
}

/** Mean of `|y - t|`. */
export function mae(predicted: Values, targets: Values): number {
  return meanOf("mae", predicted, targets, Math.abs);
}

/** Root of the mean of `(y - t)^2`. */
export function rmse(predicted: Values, targets: Values): number {
  return Math.sqrt(meanOf("rmse", predicted, targets, (d) => d * d));
}

/**
 * `1 - sum (t - y)^2 / sum (t - mean t)^2`, each target about the mean of its column, of `width` columns. Where the targets do not vary:
 * 1 when they are met, else -Infinity.
 */
export function r2(
  predicted: Values,
  targets: Values,
  { width = 1 }: { readonly width?: number } = {},
): number {
  sameLength("r2", predicted, targets);
  const rows = rowsOf("r2", targets, width);
  const mean = new Float64Array(width);
  for (let i = 0; i < targets.length; i++) mean[i % width]! += targets[i]! / rows;
  let residual = 0;
  let total = 0;
  for (let i = 0; i < targets.length; i++) {
    residual += (targets[i]! - predicted[i]!) ** 2;
    total += (targets[i]! - mean[i % width]!) ** 2;
  }
  return residual === 0 ? 1 : 1 - residual / total;
}

function meanOf(
  where: string,
  predicted: Values,
  targets: Values,
  of: (difference: number) => number,
): number {
  sameLength(where, predicted, targets);
  let sum = 0;
  for (let i = 0; i < targets.length; i++) sum += of(predicted[i]! - targets[i]!);
  return sum / targets.length;
}

function sameLength(where: string, predicted: Values, targets: Values): void {
  if (predicted.length === targets.length && targets.length > 0) return;
  throw new RangeError(
    `${where}: expected as many predictions as targets, at least one, got ${predicted.length} and ${targets.length}`,
  );
}

function rowsOf(where: string, values: Values, width: number): number {
  const rows = values.length / width;
  if (Number.isSafeInteger(rows) && rows > 0) return rows;
  throw new RangeError(`${where}: expected rows of ${width} numbers, got ${values.length} numbers`);
}

/** What `evaluate` can measure beside the loss. */
export const METRICS = [
  "accuracy",
  "top3",
  "top5",
  "confusion",
  "precision",
  "recall",
  "f1",
  "classes",
  "auc",
  "mae",
  "rmse",
  "r2",
] as const;
export type MetricName = (typeof METRICS)[number];

/** The values of the metrics that were asked for; `precision`, `recall` and `f1` are means over the classes. */
export interface Measures {
  readonly accuracy?: number;
  readonly top3?: number;
  readonly top5?: number;
  readonly confusion?: readonly (readonly number[])[];
  readonly precision?: number;
  readonly recall?: number;
  readonly f1?: number;
  readonly classes?: ClassReport;
  readonly auc?: number;
  readonly mae?: number;
  readonly rmse?: number;
  readonly r2?: number;
}

const OF_VALUES: readonly MetricName[] = ["mae", "rmse", "r2"];

/**
 * Works out metrics from a network's outputs. `width`: outputs a target; `classes`: 0 for targets that are numbers.
 *
 * Throws a `RangeError` for a metric that is none, or does not suit.
 */
export function measure(
  names: readonly MetricName[],
  outputs: Values,
  targets: Values,
  { width, classes }: { readonly width: number; readonly classes: number },
): Measures {
  const unknown = names.find((name) => !METRICS.includes(name));
  if (unknown !== undefined) {
    throw new RangeError(
      `evaluate: there is no metric "${unknown}"; there are ${METRICS.join(", ")}`,
    );
  }
  const wrong = names.find((name) => OF_VALUES.includes(name) === classes > 0);
  if (wrong !== undefined) {
    const [are, fit] =
      classes > 0
        ? ["classes", METRICS.filter((m) => !OF_VALUES.includes(m))]
        : ["numbers", OF_VALUES];
    throw new RangeError(
      `evaluate: ${wrong} does not suit targets that are ${are}; there are ${fit.join(", ")}`,
    );
  }
  if (classes === 0) {
    const of = {
      mae: () => mae(outputs, targets),
      rmse: () => rmse(outputs, targets),
      r2: () => r2(outputs, targets, { width }),
    };
    return collect(names, of);
  }
  if (names.includes("auc") && classes !== 2) {
    throw new RangeError(`evaluate: auc wants 2 classes, got ${classes}`);
  }
  return measureClasses(names, withoutUnlabelled(outputs, targets, width), { width, classes });
}

/** Rows whose class is -1 are ones that nobody knows the class of. */
function withoutUnlabelled(
  outputs: Values,
  targets: Values,
  width: number,
): readonly [Values, Values] {
  const known = Array.from(targets, (_, i) => i).filter((i) => targets[i]! >= 0);
  if (known.length === targets.length) return [outputs, targets];
  return [
    Float32Array.from({ length: known.length * width }, (_, i) => {
      return outputs[known[Math.floor(i / width)]! * width + (i % width)]!;
    }),
    Int32Array.from(known, (i) => targets[i]!),
  ];
}

function measureClasses(
  names: readonly MetricName[],
  [outputs, targets]: readonly [Values, Values],
  { width, classes }: { readonly width: number; readonly classes: number },
): Measures {
  const predicted = classesOf(outputs, width);
  const matrix = confusionMatrix(predicted, targets, { classes: Math.max(classes, width) });
  const report = classReport(matrix);
  const top = (k: number) =>
    width === 1 ? 1 : topK(outputs, targets, { k: Math.min(k, width), classes: width });
  return collect(names, {
    accuracy: () => accuracy(predicted, targets),
    top3: () => top(3),
    top5: () => top(5),
    confusion: () => matrix,
    precision: () => report.macro.precision,
    recall: () => report.macro.recall,
    f1: () => report.macro.f1,
    classes: () => report,
    // Of two logits the difference decides, as one logit does.
    auc: () => auc(width === 1 ? outputs : differences(outputs), targets),
  });
}

function collect(
  names: readonly MetricName[],
  of: Partial<Record<MetricName, () => unknown>>,
): Measures {
  return Object.fromEntries(names.map((name) => [name, of[name]!()])) as Measures;
}

function differences(pairs: Values): Float64Array {
  return Float64Array.from(
    { length: pairs.length / 2 },
    (_, i) => pairs[2 * i + 1]! - pairs[2 * i]!,
  );
}
