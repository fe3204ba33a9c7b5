import type { Network } from "../index.ts";
import { version } from "../index.ts";
import type { Context } from "./context.ts";
import type { TableOptions } from "./data.ts";
import type { ExitCode } from "./exit.ts";
import { EXIT } from "./exit.ts";
import { readModel } from "./model.ts";
import type { Output } from "./output.ts";
import { table } from "./output.ts";
import { rowsFor } from "./predict-data.ts";
import type { Preprocessing } from "./preprocessing.ts";
import { preprocess, unscale } from "./preprocessing.ts";
import { regressionScores } from "./scores.ts";
import { count, formatNumber, formatPercent, printable } from "./text.ts";

export interface PredictOptions extends TableOptions {
  readonly model: string;
  readonly data: string;
  readonly out: "table" | "csv";
  /** Rows of the table; 0 for all. */
  readonly limit: number;
}

/** One row's result. */
export type Prediction = ClassPrediction | ValuePrediction;

interface ClassPrediction {
  /** Counted from 1. */
  readonly row: number;
  readonly class: string;
  readonly probability: number;
  /** When the data say it. */
  readonly label?: string;
}

interface ValuePrediction {
  readonly row: number;
  readonly values: readonly number[];
  readonly targets?: readonly number[];
}

/** `headstart predict` */
export async function predict(options: PredictOptions, context: Context): Promise<ExitCode> {
  const { output, variant } = context;
  const { network, preprocessing } = await readModel(options.model, variant);
  const prepared = preprocessing ?? asTheyAre(network);
  if (preprocessing === undefined) {
    output.note(
      "the model does not say how its data were prepared (headstart train --save does), so they are used as they are",
    );
  }
  const { name, dataset, labels } = await rowsFor(options.data, options, prepared);
  const { inputs } = preprocess(
    { ...dataset, targets: new Float32Array(0) },
    { ...prepared, targets: null },
  );
  const outputs = network.predict(inputs);
  const predictions =
    prepared.task === "regression"
      ? valuesOf(unscale(outputs, prepared.targets), labels, network)
      : classesOf(outputs, labels, prepared, network);
  const scores = scoresOf(predictions, network);

  if (options.out === "csv" && !output.json) output.raw(toCsv(predictions));
  else showTable(output, predictions, options.limit);
  const rows = count(predictions.length, "row");
  const note = `${printable(name)}: ${rows}${scoreText(scores)}`;
  if (options.out === "csv") output.note(note);
  else output.print(note);
  output.document({
    command: "predict",
    model: options.model,
    data: { name, rows: dataset.rows },
    ...scores,
    classNames: prepared.classNames,
    predictions,
    core: { variant: network.core.variant, version },
  });
  return EXIT.ok;
}

/** For a file that says nothing of its data. */
function asTheyAre(network: Network): Preprocessing {
  const { loss, input } = network.recipe;
  const isBinary = loss.kind === "binary_cross_entropy";
  const outputs = network.outputShape.reduce((a, b) => a * b, 1);
  const classes = isBinary ? 2 : loss.targets === "classes" ? outputs : 0;
  return {
    task: classes > 0 ? "classification" : "regression",
    shape: input,
    inputs: null,
    targets: null,
    classNames: classes > 0 ? Array.from({ length: classes }, (_, i) => `${i}`) : null,
    featureNames: null,
  };
}

function classesOf(
  logits: Float32Array,
  labels: ArrayLike<number> | undefined,
  { classNames }: Preprocessing,
  network: Network,
): readonly ClassPrediction[] {
  const names = classNames ?? [];
  const isBinary = network.recipe.loss.kind === "binary_cross_entropy";
  const width = isBinary ? 1 : names.length;
  return Array.from({ length: logits.length / width }, (_, row) => {
    const part = logits.subarray(row * width, (row + 1) * width);
    // Of one logit x, sigmoid(x) is the softmax of (0, x).
    const probabilities = softmax(isBinary ? [0, part[0]!] : part);
    const best = probabilities.reduce((top, p, i) => (p > probabilities[top]! ? i : top), 0);
    const label = labels === undefined ? {} : { label: names[labels[row]!]! };
    return { row: row + 1, class: names[best]!, probability: probabilities[best]!, ...label };
  });
}

/** `exp(x_i - max x) / sum_j exp(x_j - max x)` in f64. */
export function softmax(logits: ArrayLike<number>): readonly number[] {
  const values = Array.from(logits);
  const top = values.reduce((a, b) => Math.max(a, b), -Infinity);
  const exps = values.map((x) => Math.exp(x - top));
  const sum = exps.reduce((a, b) => a + b, 0);
  return exps.map((x) => x / sum);
}

function valuesOf(
  values: Float64Array,
  targets: ArrayLike<number> | undefined,
  network: Network,
): readonly ValuePrediction[] {
  const width = network.outputShape.reduce((a, b) => a * b, 1);
  const rowOf = (all: ArrayLike<number>, row: number) =>
    Array.from({ length: width }, (_, j) => all[row * width + j]!);
  return Array.from({ length: values.length / width }, (_, row) => ({
    row: row + 1,
    values: rowOf(values, row),
    ...(targets === undefined ? {} : { targets: rowOf(targets, row) }),
  }));
}

interface PredictScores {
  readonly accuracy?: number;
  readonly rmse?: number;
}

function scoresOf(predictions: readonly Prediction[], network: Network): PredictScores {
  const classes = predictions.filter(
    (p) => "class" in p && p.label !== undefined,
  ) as ClassPrediction[];
  if (classes.length > 0) {
    const right = classes.filter((p) => p.class === p.label).length;
    return { accuracy: right / classes.length };
  }
  const values = predictions.filter(
    (p) => "values" in p && p.targets !== undefined,
  ) as ValuePrediction[];
  if (values.length === 0) return {};
  const width = network.outputShape.reduce((a, b) => a * b, 1);
  const predicted = values.flatMap((p) => p.values);
  const targets = values.flatMap((p) => p.targets ?? []);
  return { rmse: regressionScores(predicted, targets, width).rmse };
}

function scoreText({ accuracy, rmse }: PredictScores): string {
  if (accuracy !== undefined) return `, accuracy ${formatPercent(accuracy)}`;
  return rmse === undefined ? "" : `, root mean squared error ${formatNumber(rmse)}`;
}

function showTable(output: Output, predictions: readonly Prediction[], limit: number): void {
  const shown = limit === 0 ? predictions : predictions.slice(0, limit);
  const rows = shown.map((p) => [`${p.row}`, ...cellsOf(p, output)]);
  const [first] = predictions;
  if (first === undefined) return;
  const isLabelled = "class" in first ? first.label !== undefined : first.targets !== undefined;
  const heads = "class" in first ? ["class", "probability"] : ["value"];
  output.print(
    table(
      [
        { head: "row", align: "right" },
        { head: heads[0]!, align: "class" in first ? "left" : "right" },
        ...heads.slice(1).map((head) => ({ head, align: "right" }) as const),
        ...(isLabelled ? [{ head: "class" in first ? "label" : "target" }] : []),
      ],
      rows,
    ),
  );
  const rest = predictions.length - shown.length;
  if (rest > 0)
    output.print(`… ${count(rest, "more row")}: --limit 0, --out csv or --json gives all`);
  output.print();
}

function cellsOf(prediction: Prediction, output: Output): readonly string[] {
  if ("values" in prediction) {
    const join = (values: readonly number[]) => values.map(formatNumber).join(", ");
    const target = prediction.targets === undefined ? [] : [join(prediction.targets)];
    return [join(prediction.values), ...target];
  }
  const { label } = prediction;
  const isWrong = label !== undefined && label !== prediction.class;
  const shown = label === undefined ? [] : [printable(label, 40)];
  return [
    printable(prediction.class, 40),
    formatPercent(prediction.probability),
    ...shown.map((text) => (isWrong ? output.colors.red(`${text} ✗`) : text)),
  ];
}

/** RFC 4180, with `\n` as the line end. */
export function toCsv(predictions: readonly Prediction[]): string {
  const [first] = predictions;
  if (first === undefined) return "";
  const lines = predictions.map((p) => {
    if ("class" in p) {
      const label = p.label === undefined ? [] : [csvCell(p.label)];
      return [p.row, csvCell(p.class), p.probability, ...label].join(",");
    }
    return [p.row, ...p.values, ...(p.targets ?? [])].join(",");
  });
  return `${csvHead(first).join(",")}\n${lines.join("\n")}\n`;
}

function csvHead(first: Prediction): readonly string[] {
  if ("class" in first) {
    return ["row", "class", "probability", ...(first.label === undefined ? [] : ["label"])];
  }
  const number = (name: string, values: readonly number[]) =>
    values.map((_, i) => (values.length === 1 ? name : `${name}_${i + 1}`));
  return ["row", ...number("value", first.values), ...number("target", first.targets ?? [])];
}

function csvCell(text: string): string {
  const safe = printable(text);
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
