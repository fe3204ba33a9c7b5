import type { CompareConfig, Comparison, SchemeResult, Trial } from "../lab/index.ts";
import type { OpenData } from "./data.ts";
import { dataLine } from "./data-report.ts";
import type { Colors, Output } from "./output.ts";
import type { Series } from "./plot.ts";
import { plot, plotLegend } from "./plot.ts";
import { LIMIT } from "./preprocessing.ts";
import { table } from "./table.ts";
import {
  count,
  formatDuration,
  formatNumber,
  formatPercent,
  formatRate,
  printable,
  visibleLength,
  wrap,
} from "./text.ts";
import { activationText } from "./train-report.ts";

/** What is about to be compared, in two lines. */
export function describeComparison(config: CompareConfig, data: OpenData): readonly string[] {
  const { depth, width, activation, optimizer, learningRate, steps, batchSize, seeds } = config;
  const hidden =
    depth > 1 ? `${depth - 1} ${activationText(activation)} layers of ${width} units and ` : "";
  const rate =
    learningRate === "auto" ? "the best rate of each scheme" : `rate ${formatRate(learningRate)}`;
  return [
    `${dataLine(data)}, standardised and clamped to ±${LIMIT}`,
    `${hidden}an output layer; ${optimizer} at ${rate}, ${count(steps, "step")} of batch ${batchSize}, ` +
      `${count(seeds.length, "seed")} (${seeds.slice(0, 8).join(", ")}${seeds.length > 8 ? ", …" : ""}); core ${config.variant}`,
  ];
}

/** Table, plots, sentences, rates. */
export function reportComparison(output: Output, comparison: Comparison): void {
  const schemes = ranked(comparison.schemes);
  if (schemes.length > 0) {
    const width = Math.min(output.columns, 140);
    output.print(`\n${resultTable(schemes, output)}\n`);
    for (const line of signalPlots(schemes, output.colors, width)) output.print(line);
    output.print();
    for (const { scheme, explanation } of schemes) {
      const text = wrap(printable(explanation), width, "    ");
      output.print(text.replace(scheme, () => output.colors.bold(scheme)));
    }
    output.print();
    if (comparison.config.learningRate === "auto") {
      output.print("Rates tried, with the training loss there; * is the one taken:");
      for (const scheme of schemes) output.print(wrap(ratesTried(scheme), width, "    "));
      output.print();
    }
  }
  const { config, seconds, complete } = comparison;
  const missing = config.schemes.length - schemes.length;
  const finished = schemes.filter((scheme) => scheme.complete).length;
  const end = complete
    ? `completed ${count(schemes.length, "scheme")}`
    : `stopped: ${count(config.schemes.length - finished, "scheme")} of ${config.schemes.length} not finished` +
      (missing > 0 ? `, ${missing} without a run and not listed` : "");
  output.print(
    `${complete ? output.colors.green(end) : output.colors.yellow(end)} in ${formatDuration(seconds)}`,
  );
}

/** Lowest training loss first, those whose loss is not finite last. */
export function ranked(schemes: readonly SchemeResult[]): readonly SchemeResult[] {
  return [...schemes].sort(
    (a, b) =>
      (a.trainLoss ?? Infinity) - (b.trainLoss ?? Infinity) ||
      b.trainAccuracy - a.trainAccuracy ||
      0,
  );
}

function resultTable(schemes: readonly SchemeResult[], { colors, tableWidth }: Output): string {
  const right = { align: "right" } as const;
  const columns = [
    { head: "scheme" },
    { head: "rate", ...right },
    { head: "state" },
    { head: "train loss", ...right },
    { head: "train acc", ...right },
    { head: "test acc", ...right },
    { head: "to 90 %", ...right },
  ];
  const rows = schemes.map((result) => [
    result.scheme,
    formatRate(result.learningRate),
    paintState(result.state, colors),
    result.trainLoss === null ? "not finite" : formatNumber(result.trainLoss),
    formatPercent(result.trainLoss === null ? null : result.trainAccuracy),
    formatPercent(result.trainLoss === null ? null : result.testAccuracy),
    result.stepsTo90 === null ? "-" : `${result.stepsTo90} steps`,
  ]);
  return table(columns, rows, tableWidth);
}

function paintState(state: SchemeResult["state"], { green, yellow, red }: Colors): string {
  if (state === "completed") return green(state);
  return state === "stalled" ? yellow(state) : red(state);
}

/** Narrowest terminal in which the two plots stand side by side. */
const SIDE_BY_SIDE = 130;
const PLOT_HEIGHT = 12;

/** Forward and backward second moments by layer, side by side where there is room. */
function signalPlots(
  schemes: readonly SchemeResult[],
  colors: Colors,
  width: number,
): readonly string[] {
  const isWide = width >= SIDE_BY_SIDE;
  const gap = 3;
  const paints = palette(colors);
  const size = {
    width: isWide ? Math.floor((width - gap) / 2) : Math.min(width, 90),
    height: Math.max(PLOT_HEIGHT, schemes.length + 2),
  };
  const seriesOf = (pick: (scheme: SchemeResult) => Series["values"]): readonly Series[] =>
    schemes.map((scheme, i) => ({
      label: scheme.scheme,
      values: pick(scheme),
      paint: paints[i % paints.length]!,
    }));
  const depth = schemes[0]?.forward.length ?? 1;
  const forward = plot(
    seriesOf(({ forward }) => forward),
    {
      ...size,
      title: "Signal at initialisation: E[h²] of each layer",
      ...{ first: "layer 1", last: `${depth}` },
    },
  );
  // Backpropagation begins at the last layer, and so does its axis: the lines end where the first layer learns.
  const gradient = plot(
    seriesOf(({ gradient }) => gradient.toReversed()),
    {
      ...size,
      title: "Gradient at initialisation: E[(dL/dh)²] of each layer, backwards",
      ...{ first: `layer ${depth}`, last: "1" },
    },
  );
  const legend = plotLegend([...forward, ...gradient]);
  const lines = isWide ? beside(forward, gradient, gap) : [...forward, "", ...gradient];
  return legend === "" ? lines : [...lines, colors.dim(legend)];
}

/** Colours that are told apart on dark and on light grounds; the labels say which line is whose anyway. */
function palette({ cyan, magenta, yellow, green, blue, red, gray }: Colors) {
  return [green, cyan, magenta, yellow, blue, red, gray];
}

function beside(left: readonly string[], right: readonly string[], gap: number): readonly string[] {
  const width = Math.max(...left.map(visibleLength)) + gap;
  return left.map((line, i) =>
    `${line}${" ".repeat(width - visibleLength(line))}${right[i] ?? ""}`.trimEnd(),
  );
}

/** `he_normal: 1e-4 2.303, 0.001 0.4121, 0.003* 0.2110, 0.01 to 10 diverged`; neighbours that fared alike stand together. */
export function ratesTried({ scheme, trials, learningRate }: SchemeResult): string {
  const groups: Trial[][] = [];
  for (const trial of trials) {
    const group = groups.at(-1);
    const isAlike = trial.state !== "completed" && group?.[0]?.state === trial.state;
    if (group !== undefined && isAlike) group.push(trial);
    else groups.push([trial]);
  }
  return `${scheme}: ${groups.map((group) => groupText(group, learningRate)).join(", ")}`;
}

function groupText(group: readonly Trial[], taken: number): string {
  const [first] = group as [Trial];
  const what = first.state === "completed" ? formatNumber(first.trainLoss) : first.state;
  const isTaken = group.some((trial) => trial.learningRate === taken);
  const rate = formatRate(first.learningRate);
  if (group.length === 1) return `${rate}${isTaken ? "*" : ""} ${what}`;
  const mark = isTaken ? ` (${formatRate(taken)}*)` : "";
  return `${rate} to ${formatRate(group.at(-1)!.learningRate)} ${what}${mark}`;
}
