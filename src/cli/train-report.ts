import type { ActivationLike, Network } from "../index.ts";
import { describeDivergence } from "../index.ts";
import type { OpenData } from "./data.ts";
import { dataLine } from "./data-report.ts";
import type { Output } from "./output.ts";
import type { Scores } from "./scores.ts";
import { table } from "./table.ts";
import {
  count,
  formatDuration,
  formatNumber,
  formatPercent,
  formatRate,
  printable,
} from "./text.ts";
import type { TrainOptions, TrainRun } from "./train.ts";

/** What is about to be trained, in two lines. */
export function describeTraining(
  options: TrainOptions,
  data: OpenData,
  network: Network,
): readonly string[] {
  const { optimizer } = network.recipe;
  const inputs = network.recipe.input.reduce((a, b) => a * b, 1);
  const sizes = [inputs, ...options.hidden, ...network.outputShape].join("-");
  const scheme = network.explain()[0]?.scheme ?? "";
  const batch = Math.min(options.batch, data.train.rows);
  const pieces = [
    `${optimizer.kind} at ${formatRate(optimizer.learningRate)}`,
    `batches of ${batch}`,
    options.schedule === "constant" ? "" : `${options.schedule} schedule`,
    options.warmup > 0 ? `${count(options.warmup, "step")} of warm-up` : "",
    options.clip === undefined ? "" : `gradients clipped to norm ${formatRate(options.clip)}`,
    options.dropout > 0 ? `dropout ${formatRate(options.dropout)}` : "",
  ];
  return [
    `${dataLine(data)}${options.standardise ? ", standardised" : ""}`,
    `${sizes} ${activationText(options.activation)} from ${scheme}, ${count(network.parameterCount, "parameter")}; ` +
      `${pieces.filter((piece) => piece !== "").join(", ")}; core ${network.core.variant}`,
  ];
}

/** `relu`, `leaky_relu:0.2` */
export function activationText(activation: ActivationLike): string {
  if (typeof activation === "string") return activation;
  return activation.alpha === undefined
    ? activation.name
    : `${activation.name}:${activation.alpha}`;
}

/** Epochs of the final table: the first, the last, and evenly spaced ones between. */
const SHOWN_EPOCHS = 10;

/** The epochs as a table, how it ended, and where the network went. */
export function reportTraining(
  output: Output,
  run: TrainRun,
  scores: Scores,
  about: { readonly seconds: number; readonly save: string | undefined },
): void {
  const { green, red, yellow } = output.colors;
  const { state, epochs, divergence } = run;
  if (epochs.length > 0) output.print(`\n${epochTable(epochs, output.tableWidth)}\n`);
  if (divergence !== undefined) {
    output.say(`${red("diverged")} at ${printable(describeDivergence(divergence))}`);
    output.say("try a lower --lr, --clip 1, --warmup 100, or another --init");
    if (about.save !== undefined) output.warn("--save: nothing was saved, since training diverged");
    return;
  }
  const last = epochs.at(-1)?.epoch ?? 0;
  const word =
    state === "completed"
      ? green(`completed ${count(last, "epoch")}`)
      : yellow(`stopped in epoch ${last}`);
  const work = `${count(run.steps, "step")}, ${formatDuration(about.seconds)}`;
  output.say(`${word} (${work}): ${scoreText(scores)}`);
  if (about.save !== undefined) output.say(`saved ${printable(about.save)}`);
}

function epochTable(epochs: TrainRun["epochs"], width: number): string {
  const hasAccuracy = epochs[0]?.testAccuracy !== undefined;
  const heads = ["epoch", "rate", "train loss", "test loss"];
  if (hasAccuracy) heads.push("train acc", "test acc");
  const rows = thin(epochs, SHOWN_EPOCHS).map((record) => {
    const { epoch, learningRate, trainLoss, testLoss } = record;
    const numbers = [formatRate(learningRate), formatNumber(trainLoss), formatNumber(testLoss)];
    if (!hasAccuracy) return [`${epoch}`, ...numbers];
    const { trainAccuracy, testAccuracy } = record;
    return [`${epoch}`, ...numbers, formatPercent(trainAccuracy), formatPercent(testAccuracy)];
  });
  return table(
    heads.map((head) => ({ head, align: "right" })),
    rows,
    width,
  );
}

function scoreText({ trainAccuracy, testAccuracy, testRmse, testR2 }: Scores): string {
  if (testAccuracy !== undefined) {
    return `accuracy ${formatPercent(testAccuracy)} on the test part, ${formatPercent(trainAccuracy)} on the training part`;
  }
  return `root mean squared error ${formatNumber(testRmse)} on the test part, R² ${formatNumber(testR2)}`;
}

/** At most `most` of the items: the first, the last and evenly spaced ones between. */
export function thin<T>(items: readonly T[], most: number): readonly T[] {
  if (items.length <= most) return items;
  const at = (i: number) => Math.round((i * (items.length - 1)) / (most - 1));
  return Array.from({ length: most }, (_, i) => items[at(i)]!);
}
