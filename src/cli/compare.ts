import type { Dataset } from "../data/index.ts";
import { standardiser } from "../data/index.ts";
import type { ActivationLike } from "../index.ts";
import type { CompareConfig, CompareProgress, Comparison, Run } from "../lab/index.ts";
import { compare as runComparison } from "../lab/index.ts";
import { describeComparison, reportComparison } from "./compare-report.ts";
import type { Context } from "./context.ts";
import type { OpenData, TableOptions } from "./data.ts";
import { openData } from "./data.ts";
import type { ExitCode } from "./exit.ts";
import { EXIT, FileError, UsageError } from "./exit.ts";
import { onInterrupt } from "./interrupt.ts";
import type { OptimizerName } from "./options.ts";
import { sparkline } from "./plot.ts";
import { LIMIT } from "./preprocessing.ts";
import type { Piece } from "./progress.ts";
import { eta, Progress } from "./progress.ts";
import { formatCount, formatPercent, formatRate, printable } from "./text.ts";

export interface CompareCommandOptions extends TableOptions {
  readonly data: string;
  readonly depth: number;
  readonly width: number;
  readonly activation: ActivationLike;
  readonly init: readonly string[];
  readonly optimizer: OptimizerName;
  readonly lr: number | "auto";
  readonly steps: number;
  /** How many runs of each scheme, with seeds from the first one up. */
  readonly seeds: number;
  readonly batch: number;
  readonly workers?: number;
}

/** `headstart compare` */
export async function compare(options: CompareCommandOptions, context: Context): Promise<ExitCode> {
  const { output, seed } = context;
  const data = await openData(options.data, options);
  checkClasses(data);
  const config: CompareConfig = {
    depth: options.depth,
    width: options.width,
    activation: options.activation,
    schemes: options.init,
    optimizer: options.optimizer,
    learningRate: options.lr,
    steps: options.steps,
    batchSize: options.batch,
    seeds: Array.from({ length: options.seeds }, (_, i) => seed + i),
    variant: context.variant ?? "simd",
  };
  const progress = new Progress(output);
  const interrupt = onInterrupt(output, progress, "the runs that are done are kept");
  let isDescribed = false;
  let best: { readonly accuracy: number; readonly scheme: string } | undefined;
  let latest: Run | undefined;
  let comparison: Comparison;
  try {
    comparison = await runComparison(config, standardised(data), {
      signal: interrupt.signal,
      ...(options.workers === undefined ? {} : { workers: options.workers }),
      onProgress: (state) => {
        // Not earlier: what cannot be compared has been refused by now.
        if (!isDescribed) for (const line of describeComparison(config, data)) output.note(line);
        isDescribed = true;
        const accuracy = state.run?.trainAccuracy ?? 0;
        if (accuracy > (best?.accuracy ?? 0)) best = { accuracy, scheme: state.scheme };
        latest = state.run ?? latest;
        const { seconds } = progress;
        progress.update((bar) => progressPieces(state, { bar, best, latest, seconds }));
      },
    });
  } catch (error) {
    // The lab says RangeError of what cannot be compared or does not fit, before any run.
    if (error instanceof RangeError) throw new UsageError(error.message, { cause: error });
    throw error;
  } finally {
    progress.stop();
    interrupt.release();
  }
  reportComparison(output, comparison);
  output.document(withoutScoresOfNaN(comparison));
  return comparison.complete ? EXIT.ok : interrupt.exitCode;
}

/** A run whose loss is not finite has no accuracy either: where the losses are null, they are too. */
function withoutScoresOfNaN(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutScoresOfNaN);
  if (value === null || typeof value !== "object" || ArrayBuffer.isView(value)) return value;
  const isLost = (value as { readonly trainLoss?: unknown }).trainLoss === null;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      const isScore = key === "trainAccuracy" || key === "testAccuracy";
      return [key, isLost && isScore ? null : withoutScoresOfNaN(inner)];
    }),
  );
}

function checkClasses({ name, train }: OpenData): void {
  if (train.classes >= 2) return;
  const got = train.classes === 0 ? "numbers" : "one class";
  throw new FileError(
    `${printable(name)}: expected targets of at least 2 classes to compare on, got ${got}; ` +
      "name the column of classes with --label, or say --task classification",
  );
}

/** Both parts with the training part's mean and deviation, clamped. */
function standardised({ train, test, sha256 }: OpenData) {
  const fitted = standardiser(train);
  const apply = (part: Dataset) => fitted.apply(part, { limit: LIMIT });
  return { train: apply(train), test: apply(test), sha256 };
}

function progressPieces(
  { done, total, scheme, learningRate }: CompareProgress,
  about: {
    readonly bar: (share: number) => string;
    readonly best: { readonly accuracy: number; readonly scheme: string } | undefined;
    /** The run that ended last. */
    readonly latest: Run | undefined;
    readonly seconds: number;
  },
): readonly Piece[] {
  const { best, latest } = about;
  const losses = latest?.losses.flatMap((loss) => loss ?? []) ?? [];
  return [
    { text: about.bar(done / total), rank: 4 },
    { text: `run ${formatCount(done)}/${formatCount(total)}`, rank: 0 },
    { text: `${scheme} at ${formatRate(learningRate)}`, rank: 1 },
    {
      text: best === undefined ? "" : `best ${formatPercent(best.accuracy)} ${best.scheme}`,
      rank: 3,
    },
    { text: losses.length === 0 ? "" : `loss ${sparkline(losses, 12)}`, rank: 5 },
    { text: done === 0 ? "" : `${(done / about.seconds).toFixed(1)} runs/s`, rank: 6 },
    { text: eta(done, total, about.seconds), rank: 2 },
  ];
}
