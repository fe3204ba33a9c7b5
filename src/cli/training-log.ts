import type { Tick } from "../index.ts";
import { CheckpointError, Network } from "../index.ts";
import type { CheckpointFolder } from "../node.ts";
import { checkpointFolder } from "../node.ts";
import type { Context } from "./context.ts";
import type { EpochState } from "./epoch-sums.ts";
import { FileError, UsageError } from "./exit.ts";
import { KEY as DATA_KEY } from "./model.ts";
import type { Every } from "./options.ts";
import type { Preprocessing } from "./preprocessing.ts";
import { printable } from "./text.ts";
import type { EpochRecord, TrainOptions } from "./train.ts";

/** The metadata key of the command's own state. */
const KEY = "headstart.train";

/** What a run has measured, beside what its network knows. */
interface Measured {
  readonly records: readonly EpochRecord[];
  readonly epochState: EpochState;
}

interface Written extends Measured {
  readonly options: TrainOptions;
  readonly seed: number;
}

/** Options that say what becomes of a run, not what it computes: they may change when it is resumed. */
const FREE: readonly string[] = [
  ...["save", "failOnDivergence", "checkpoint", "checkpointEvery", "resume"],
  ...["json", "quiet", "verbose", "color", "threads", "turbo", "variant"],
];

/** Writes a training down in a folder of checkpoints. */
export class TrainingLog {
  readonly folder: string;
  readonly #store: CheckpointFolder;
  readonly #options: TrainOptions;
  readonly #seed: number;
  readonly #from: Measured;
  readonly #every: Every;
  #file: string | undefined;
  #savedAt: number = performance.now();
  #savedStep = 0;

  constructor(
    store: CheckpointFolder,
    { options, seed, ...from }: Written,
    file: string | undefined,
  ) {
    this.folder = store.folder;
    this.#store = store;
    this.#options = options;
    this.#seed = seed;
    this.#from = from;
    this.#every = options.checkpointEvery;
    this.#file = file;
  }

  /** The checkpoint written, or read, last. */
  get file(): string | undefined {
    return this.#file;
  }

  /** What had been measured when the run was written down. */
  get records(): readonly EpochRecord[] {
    return this.#from.records;
  }

  get epochState(): EpochState {
    return this.#from.epochState;
  }

  isDue({ state, step }: Tick): boolean {
    if (state === "diverged") return false;
    if (state !== "running" || this.#file === undefined) return true;
    return "steps" in this.#every
      ? step >= this.#savedStep + this.#every.steps
      : performance.now() - this.#savedAt >= this.#every.seconds * 1000;
  }

  async write(
    network: Network,
    { preprocessing, ...measured }: Measured & { readonly preprocessing: Preprocessing },
  ): Promise<void> {
    const written: Written = { options: this.#options, seed: this.#seed, ...measured };
    const metadata = {
      [KEY]: JSON.stringify(written),
      [DATA_KEY]: JSON.stringify(preprocessing),
    };
    this.#file = await this.#store.save(network.checkpoint({ metadata }));
    this.#savedAt = performance.now();
    this.#savedStep = network.step;
  }
}

/** The log that `--checkpoint` asks for. Throws a `UsageError` when the folder holds another run. */
export async function startLog(
  options: TrainOptions,
  seed: number,
): Promise<TrainingLog | undefined> {
  const { checkpoint } = options;
  if (checkpoint === undefined) return undefined;
  if (checkpoint.trim() === "") {
    throw new UsageError("--checkpoint: expected the name of a folder, got none");
  }
  const store = checkpointFolder(checkpoint);
  const isTaken = await store.latest().then(
    (found) => found !== undefined,
    (error) => error instanceof CheckpointError,
  );
  if (isTaken) {
    throw new UsageError(
      `--checkpoint: ${printable(checkpoint)} holds the checkpoints of a training; go on with it by --resume, or name another folder`,
    );
  }
  return new TrainingLog(store, { options, seed, records: [], epochState: [0, 0, 0] }, undefined);
}

/** The run that `--resume` names, as it was written down; undefined when it names none. */
export async function resumeTraining(
  asked: TrainOptions,
  { output, seed, variant, threads }: Context,
  given: readonly string[],
): Promise<
  | {
      readonly network: Network;
      readonly options: TrainOptions;
      readonly log: TrainingLog;
      readonly file: string;
    }
  | undefined
> {
  const { resume: folder } = asked;
  if (folder === undefined) return undefined;
  if (asked.checkpoint !== undefined) {
    throw new UsageError(
      "--checkpoint: a training that is resumed is written down in its own folder; leave it out",
    );
  }
  const store = checkpointFolder(folder);
  const found = await store.latest();
  if (found === undefined) {
    throw new FileError(
      `--resume: expected a folder with checkpoints, got ${printable(folder)} without one; name what was given to --checkpoint`,
    );
  }
  for (const { reason } of found.damaged) output.warn(`${reason}`);
  if (found.damaged.length > 0) output.warn(`going on from ${printable(found.file)}`);
  const source = printable(found.file);
  const network = await Network.restore(found.bytes, {
    ...{ source, threads },
    ...(variant === undefined ? {} : { variant }),
  });
  const text = network.metadata.get(KEY);
  if (text === undefined) {
    throw new FileError(
      `${source}: expected a checkpoint that headstart train wrote, got one of another program; resume it there`,
    );
  }
  const written = JSON.parse(text) as Written;
  checkGiven({ ...asked, seed }, { ...written.options, seed: written.seed }, given);
  const free = Object.fromEntries(
    Object.entries(asked).filter(([name]) => FREE.includes(name) && given.includes(name)),
  );
  const options: TrainOptions = { ...written.options, ...free };
  const { resume: _, ...kept } = options;
  const log = new TrainingLog(store, { ...written, options: kept }, found.file);
  return { network, options, log, file: found.file };
}

/** Throws a `UsageError` for an option that would make it another training. */
function checkGiven(asked: object, written: object, given: readonly string[]): void {
  const text = (value: unknown) => JSON.stringify(value);
  for (const name of given) {
    const [before, now] = [written, asked].map((all) => (all as Record<string, unknown>)[name]);
    if (FREE.includes(name) || text(before) === text(now)) continue;
    const flag = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    throw new UsageError(
      `--${flag}: expected ${text(before) ?? "none"}, as in the training that is resumed, got ${text(now)}; leave it out`,
    );
  }
}
