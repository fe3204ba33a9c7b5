import type { ActivationLike, Divergence, Metrics, Tick } from "../index.ts";
import { Network, version } from "../index.ts";
import type { Context } from "./context.ts";
import type { TableOptions } from "./data.ts";
import { openData } from "./data.ts";
import { dataFacts } from "./data-report.ts";
import { EpochSums } from "./epoch-sums.ts";
import type { ExitCode } from "./exit.ts";
import { asUsage, EXIT } from "./exit.ts";
import { onInterrupt } from "./interrupt.ts";
import { checkWritable, writeModel } from "./model.ts";
import type { OptimizerName } from "./options.ts";
import type { Output } from "./output.ts";
import { fitPreprocessing, preprocess } from "./preprocessing.ts";
import type { Piece } from "./progress.ts";
import { Curve, eta, Progress } from "./progress.ts";
import { bodyOf, lossOf, optimizerOf, presetOf } from "./recipe.ts";
import type { Parts } from "./scores.ts";
import { accuracyOf, finiteOrNull, scoresOf } from "./scores.ts";
import { formatCount, formatNumber, formatPercent } from "./text.ts";
import { activationText, describeTraining, reportTraining } from "./train-report.ts";

export const LOSSES = [
  "auto",
  "cross_entropy",
  "binary_cross_entropy",
  "mse",
  "mae",
  "huber",
] as const;

export const SCHEDULES = ["constant", "step", "cosine"] as const;

export interface TrainOptions extends TableOptions {
  readonly data: string;
  readonly hidden: readonly number[];
  readonly activation: ActivationLike;
  /** Undefined: the scheme whose theory fits the activation. */
  readonly init?: string;
  readonly optimizer: OptimizerName;
  /** Undefined: the optimiser's usual rate. */
  readonly lr?: number;
  readonly epochs: number;
  readonly batch: number;
  readonly loss: (typeof LOSSES)[number];
  readonly schedule: (typeof SCHEDULES)[number];
  readonly warmup: number;
  readonly clip?: number;
  readonly dropout: number;
  readonly weightDecay?: number;
  readonly standardise: boolean;
  readonly failOnDivergence?: boolean;
  readonly save?: string;
}

/** An epoch, as far as it went. */
export interface EpochRecord {
  readonly epoch: number;
  readonly step: number;
  readonly learningRate: number;
  /** Means over the epoch's rows, each at the weights its batch met; null when not finite. */
  readonly trainLoss: number | null;
  readonly trainAccuracy?: number | null;
  readonly testLoss: number | null;
  readonly testAccuracy?: number | null;
}

/** How training went. */
export interface TrainRun {
  readonly state: Exclude<Tick["state"], "running">;
  readonly epochs: readonly EpochRecord[];
  readonly steps: number;
  readonly divergence: Divergence | undefined;
}

/** `headstart train` */
export async function train(options: TrainOptions, context: Context): Promise<ExitCode> {
  const { output, seed, variant, threads } = context;
  if (options.save !== undefined) await checkWritable(options.save);
  const data = await openData(options.data, options);
  const preprocessing = fitPreprocessing(data.train, options.standardise, options.label);
  const parts = {
    train: preprocess(data.train, preprocessing),
    test: preprocess(data.test, preprocessing),
  };
  const network = await asUsage(() =>
    Network.create({
      input: data.train.shape,
      body: bodyOf(options, data.train),
      loss: lossOf(options.loss, data.train),
      optimizer: optimizerOf(options, data.train.rows),
      seed,
      ...presetOf(options),
      threads,
      ...(variant === undefined ? {} : { variant }),
    }),
  );
  for (const line of describeTraining(options, data, network)) output.note(line);

  const started = performance.now();
  const run = await follow(network, parts, options, output);
  const seconds = (performance.now() - started) / 1000;
  const scores = scoresOf(network, data, parts, preprocessing);
  const isSaved = options.save !== undefined && run.state !== "diverged";
  if (isSaved) await writeModel(options.save!, network, preprocessing);

  reportTraining(output, run, scores, { seconds, save: options.save });
  output.document({
    command: "train",
    state: run.state,
    ...scores,
    epochs: run.epochs,
    divergence: run.divergence ?? null,
    steps: run.steps,
    seconds,
    saved: isSaved ? options.save : null,
    parameters: network.parameterCount,
    config: configOf(options, network),
    data: dataFacts(data),
    core: { variant: network.core.variant, version },
  });
  if (run.state === "aborted") return EXIT.interrupted;
  return run.state === "diverged" && options.failOnDivergence ? EXIT.diverged : EXIT.ok;
}

/** Trains, shows where it is, and keeps a record of each epoch. */
async function follow(
  network: Network,
  { train, test }: Parts,
  { epochs, batch }: TrainOptions,
  output: Output,
): Promise<TrainRun> {
  const progress = new Progress(output);
  const interrupt = onInterrupt(output, progress, "the batch under way is the last");
  const curve = new Curve();
  const sums = new EpochSums(train.rows, batch);
  const records: EpochRecord[] = [];
  let validation: Metrics | undefined;
  const course = { epochs, batchSize: batch, validation: test, signal: interrupt.signal };
  try {
    for await (const tick of network.fit(train, course)) {
      tick.losses.forEach((loss, i) => {
        curve.add(loss);
        sums.add(loss, tick.accuracies[i]!);
      });
      validation = tick.validation ?? validation;
      const pieces = (bar: (share: number) => string) =>
        progressPieces(tick, { validation, curve, bar, seconds: progress.seconds });
      progress.update(pieces, tick.validation !== undefined);
      const isLast = tick.state !== "running";
      if (sums.rows > 0 && (isLast || tick.validation !== undefined)) {
        records.push(recordOf(tick, sums.take(), tick.validation ?? network.evaluate(test)));
      }
      if (tick.state !== "running") {
        const { state, step, divergence } = tick;
        return { state, epochs: records, steps: step, divergence };
      }
    }
    throw new Error("train: the training ended without saying how");
  } finally {
    progress.stop();
    interrupt.release();
  }
}

function recordOf(
  { epoch, step, learningRate }: Tick,
  means: { readonly loss: number; readonly accuracy: number },
  test: Metrics,
): EpochRecord {
  const trainLoss = finiteOrNull(means.loss);
  const testLoss = finiteOrNull(test.loss);
  // The core's rate is f32: seven digits are all it means.
  const rate = Number(learningRate.toPrecision(7));
  const losses = { epoch, step, learningRate: rate, trainLoss, testLoss };
  if (test.accuracy === undefined) return losses;
  return { ...losses, trainAccuracy: accuracyOf(means), testAccuracy: accuracyOf(test) };
}

function progressPieces(
  { epoch, epochs, step, steps, loss, metrics, rate }: Tick,
  about: {
    readonly validation: Metrics | undefined;
    readonly curve: Curve;
    readonly bar: (share: number) => string;
    readonly seconds: number;
  },
): readonly Piece[] {
  return [
    { text: `epoch ${epoch}/${epochs}`, rank: 0 },
    { text: about.bar(step / steps), rank: 5 },
    { text: `step ${formatCount(step)}`, rank: 7 },
    { text: `loss ${formatNumber(loss)}`, rank: 0 },
    { text: about.curve.spark(20), rank: 4 },
    { text: metricText(metrics, about.validation), rank: 2 },
    { text: `${formatCount(Math.round(rate))} rows/s`, rank: 6 },
    { text: eta(step, steps, about.seconds), rank: 1 },
  ];
}

function metricText(metrics: Metrics, test: Metrics | undefined): string {
  if (metrics.accuracy === undefined) {
    return test === undefined ? "" : `test loss ${formatNumber(test.loss)}`;
  }
  const onTest = test === undefined ? "" : `, test ${formatPercent(test.accuracy)}`;
  return `accuracy ${formatPercent(metrics.accuracy)}${onTest}`;
}

/** Everything that decides the result, defaults included. */
function configOf(options: TrainOptions, network: Network) {
  const { data, hidden, activation, epochs, batch, schedule, warmup, dropout } = options;
  const { optimizer, loss, seed } = network.recipe;
  return {
    ...{ data, hidden, activation: activationText(activation) },
    init: options.init ?? "auto",
    ...{ optimizer: { kind: optimizer.kind, ...optimizer.config } },
    ...{ learningRate: optimizer.learningRate, epochs, batch, loss: loss.kind, schedule, warmup },
    ...{ clip: options.clip ?? null, dropout, standardise: options.standardise, seed },
  };
}
