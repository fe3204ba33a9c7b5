import type { Dataset } from "../data/index.ts";
import type { ActivationLike, Divergence, Measures, Metrics, Tick } from "../index.ts";
import { Network, version } from "../index.ts";
import { confusionTable, SHOWN_CLASSES } from "./confusion.ts";
import type { Context } from "./context.ts";
import type { TableOptions } from "./data.ts";
import { openData } from "./data.ts";
import { dataFacts } from "./data-report.ts";
import { EpochSums } from "./epoch-sums.ts";
import type { ExitCode } from "./exit.ts";
import { asUsage, EXIT } from "./exit.ts";
import { onInterrupt } from "./interrupt.ts";
import { checkWritable, writeModel } from "./model.ts";
import type { Every, OptimizerName } from "./options.ts";
import type { Output } from "./output.ts";
import type { Preprocessing } from "./preprocessing.ts";
import { fitPreprocessing, preprocess } from "./preprocessing.ts";
import type { Piece } from "./progress.ts";
import { Curve, eta, Progress } from "./progress.ts";
import { bodyOf, lossOf, optimizerOf, presetOf } from "./recipe.ts";
import type { Parts } from "./scores.ts";
import { accuracyOf, finiteOrNull, scoresOf } from "./scores.ts";
import { formatCount, formatNumber, formatPercent, printable } from "./text.ts";
import { activationText, describeTraining, reportTraining } from "./train-report.ts";
import type { TrainingLog } from "./training-log.ts";
import { resumeTraining, startLog } from "./training-log.ts";

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
  readonly classWeights?: "balanced" | readonly number[];
  readonly failOnDivergence?: boolean;
  readonly save?: string;
  /** A folder for checkpoints. */
  readonly checkpoint?: string;
  readonly checkpointEvery: Every;
  /** A folder of checkpoints to go on from. */
  readonly resume?: string;
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
  /** When the state is `aborted`. */
  readonly exitCode: ExitCode;
}

/** `headstart train`; `given` are the names of the options on the command line. */
export async function train(
  asked: TrainOptions,
  context: Context,
  given: readonly string[] = [],
): Promise<ExitCode> {
  const { output, seed, variant, threads } = context;
  const resumed = await resumeTraining(asked, context, given);
  const options = resumed?.options ?? asked;
  const { log } = resumed ?? { log: await startLog(options, seed) };
  if (options.save !== undefined) await checkWritable(options.save);
  const data = await openData(options.data, options);
  const preprocessing = fitPreprocessing(data.train, options.standardise, options.label);
  const parts = {
    train: preprocess(data.train, preprocessing),
    test: preprocess(data.test, preprocessing),
  };
  const create = () =>
    Network.create({
      input: data.train.shape,
      body: bodyOf(options, data.train),
      loss: lossOf(options.loss, data.train, options.classWeights),
      optimizer: optimizerOf(options, data.train.rows),
      seed,
      ...presetOf(options),
      threads,
      ...(variant === undefined ? {} : { variant }),
    });
  const network = resumed?.network ?? (await asUsage(create));
  for (const line of describeTraining(options, data, network)) output.note(line);

  const started = performance.now();
  const run = await follow(network, parts, { options, output, log, preprocessing });
  const seconds = (performance.now() - started) / 1000;
  const scores = scoresOf(network, data, parts, preprocessing);
  const isSaved = options.save !== undefined && run.state !== "diverged";
  if (isSaved) await writeModel(options.save!, network, preprocessing);

  const confusion = confusionOf(network, parts.test);
  reportTraining(output, run, scores, { seconds, save: options.save });
  if (confusion !== undefined && confusion.length <= SHOWN_CLASSES && run.state !== "diverged") {
    const names = preprocessing.classNames ?? [];
    output.print(`\nthe test part by class:\n${confusionTable(confusion, names, output)}`);
  }
  if (log !== undefined && run.state === "aborted") {
    output.say(`go on with headstart train --resume ${printable(log.folder)}`);
  }
  output.document({
    command: "train",
    state: run.state,
    ...scores,
    testConfusion: confusion ?? null,
    epochs: run.epochs,
    divergence: run.divergence ?? null,
    steps: run.steps,
    seconds,
    saved: isSaved ? options.save : null,
    checkpoint: log?.file ?? null,
    resumed: resumed?.file ?? null,
    parameters: network.parameterCount,
    config: configOf(options, network),
    data: dataFacts(data),
    core: { variant: network.core.variant, version },
  });
  if (run.state === "aborted") return run.exitCode;
  return run.state === "diverged" && options.failOnDivergence ? EXIT.diverged : EXIT.ok;
}

/** Undefined for targets that are numbers. */
function confusionOf(network: Network, test: Dataset): Measures["confusion"] {
  if (test.classes === 0) return undefined;
  return network.evaluate(test, { metrics: ["confusion"] }).confusion;
}

/** Trains, shows where it is, keeps a record of each epoch, and writes it all down now and then. */
async function follow(
  network: Network,
  { train, test }: Parts,
  about: {
    readonly options: TrainOptions;
    readonly output: Output;
    readonly log: TrainingLog | undefined;
    readonly preprocessing: Preprocessing;
  },
): Promise<TrainRun> {
  const { output, log, preprocessing } = about;
  const { epochs, batch } = about.options;
  const progress = new Progress(output);
  const kept = log === undefined ? "" : ", and is written down";
  const interrupt = onInterrupt(output, progress, `the batch under way is the last${kept}`);
  const curve = new Curve();
  const sums = new EpochSums(train.rows, batch, log?.epochState);
  const records: EpochRecord[] = [...(log?.records ?? [])];
  let validation: Metrics | undefined;
  const course = { epochs, batchSize: batch, validation: test, signal: interrupt.signal };
  const writeDown = () => log?.write(network, { records, epochState: sums.state, preprocessing });
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
      const isEnd = tick.state !== "running" && tick.state !== "aborted";
      if (sums.rows > 0 && (isEnd || tick.validation !== undefined)) {
        records.push(recordOf(tick, sums.take(), tick.validation ?? network.evaluate(test)));
      }
      if (log?.isDue(tick)) await writeDown();
      if (tick.state !== "running") {
        const { state, step, divergence } = tick;
        // Of an epoch that was cut short, for people: whoever resumes goes on with its sums.
        if (sums.rows > 0) records.push(recordOf(tick, sums.take(), network.evaluate(test)));
        const { exitCode } = interrupt;
        return { state, epochs: records, steps: step, divergence, exitCode };
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
