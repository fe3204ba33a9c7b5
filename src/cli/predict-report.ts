import type { Output } from "./output.ts";
import type { ClassPrediction, Predictions, ValuePrediction } from "./predictions.ts";
import type { Column } from "./table.ts";
import { table } from "./table.ts";
import { count, formatNumber, formatPercent, printable } from "./text.ts";

/** The first `limit` rows as a table; 0 for all. */
export function showPredictions(output: Output, predictions: Predictions, limit: number): void {
  const { rows } = predictions;
  const most = limit === 0 ? rows.length : limit;
  const text =
    predictions.task === "classification"
      ? classTable(predictions.rows.slice(0, most), output)
      : valueTable(predictions.rows.slice(0, most), output);
  output.print(text);
  const rest = rows.length - most;
  if (rest > 0)
    output.say(`… ${count(rest, "more row")}: --limit 0, --out csv or --json gives all`);
  output.print();
}

function classTable(rows: readonly ClassPrediction[], { colors, tableWidth }: Output): string {
  const { red } = colors;
  const columns: Column[] = [
    { head: "row", align: "right" },
    { head: "class" },
    { head: "probability", align: "right" },
  ];
  const isLabelled = rows[0]?.label !== undefined;
  if (isLabelled) columns.push({ head: "label" });
  const cells = rows.map(({ row, class: name, probability, label = "" }) => {
    const shown = printable(label, 40);
    const mark = label === name ? shown : red(`${shown} ✗`);
    const start = [`${row}`, printable(name, 40), formatPercent(probability)];
    return isLabelled ? [...start, mark] : start;
  });
  return table(columns, cells, tableWidth);
}

function valueTable(rows: readonly ValuePrediction[], { tableWidth }: Output): string {
  const columns: Column[] = [
    { head: "row", align: "right" },
    { head: "value", align: "right" },
  ];
  const isLabelled = rows[0]?.targets !== undefined;
  if (isLabelled) columns.push({ head: "target", align: "right" });
  const join = (values: readonly number[]) => values.map(formatNumber).join(", ");
  const cells = rows.map(({ row, values, targets = [] }) => {
    const start = [`${row}`, join(values)];
    return isLabelled ? [...start, join(targets)] : start;
  });
  return table(columns, cells, tableWidth);
}

/** Nothing when the data do not say what is right. */
export function scoreText(predictions: Predictions): string {
  if (predictions.task === "classification") {
    const { accuracy } = predictions;
    return accuracy === undefined ? "" : `, accuracy ${formatPercent(accuracy)}`;
  }
  const { rmse } = predictions;
  return rmse === undefined ? "" : `, root mean squared error ${formatNumber(rmse)}`;
}

/** RFC 4180, with `\n` as the line end. */
export function toCsv(predictions: Predictions): string {
  const lines =
    predictions.task === "classification"
      ? classLines(predictions.rows)
      : valueLines(predictions.rows);
  return `${lines.map((cells) => cells.join(",")).join("\n")}\n`;
}

type Line = readonly (string | number)[];

function classLines(rows: readonly ClassPrediction[]): readonly Line[] {
  const head = ["row", "class", "probability", ...(rows[0]?.label === undefined ? [] : ["label"])];
  const lines = rows.map(({ row, class: name, probability, label }) => {
    const start = [row, csvCell(name), probability];
    return label === undefined ? start : [...start, csvCell(label)];
  });
  return [head, ...lines];
}

function valueLines(rows: readonly ValuePrediction[]): readonly Line[] {
  const name = (word: string, values: readonly number[] = []) =>
    values.map((_, i) => (values.length === 1 ? word : `${word}_${i + 1}`));
  const head = ["row", ...name("value", rows[0]?.values), ...name("target", rows[0]?.targets)];
  return [head, ...rows.map(({ row, values, targets = [] }) => [row, ...values, ...targets])];
}

function csvCell(text: string): string {
  const safe = printable(text);
  return /[",]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
