import { Sha256 } from "../core/sha256.ts";
import type { Dataset } from "../data/dataset.ts";
import type { Augmentation } from "./augment.ts";
import type { NamedTensor } from "./checkpoint.ts";
import { checkMetadata, describeRecipe, KEY, RESERVED, readModel } from "./checkpoint.ts";
import { CheckpointError } from "./checkpoint-error.ts";
import type { Design } from "./plans.ts";
import { floatsOf, readSafetensors, SafetensorsError, writeSafetensors } from "./safetensors.ts";

/** Where early stopping stands: the best epoch so far, and how many there were since. */
export interface Standing {
  readonly best: number | null;
  /** Of the fit, from 1. */
  readonly epoch: number;
  readonly step: number;
  readonly waited: number;
}

/** A `fit` that is not at its end. */
export interface FitProgress {
  readonly done: number;
  readonly steps: number;
  readonly batchSize: number;
  readonly shuffle: boolean;
  readonly augment: Augmentation | null;
  readonly standing: Standing;
}

/** Everything that decides the next step besides parameters, moments and data: random numbers are functions of the step. */
export interface TrainingState {
  readonly version: string;
  readonly variant: string;
  readonly step: number;
  /** The step at which training on these data with this batch size began: where in an epoch it is. */
  readonly firstStep: number;
  readonly batchSize: number;
  readonly learningRate: number;
  /** Of the data in memory; null when there are none. */
  readonly data: string | null;
  readonly fit: FitProgress | null;
}

export interface Training {
  readonly state: TrainingState;
  readonly parameters: readonly NamedTensor[];
  /** One list of tensors a moment of the optimiser, then the running averages where they are kept; named as the parameters. */
  readonly moments: readonly (readonly NamedTensor[])[];
  /** The parameters (and statistics) of the best epoch, when they are kept. */
  readonly best: readonly NamedTensor[] | undefined;
  /** What stateful layers carry from batch to batch. */
  readonly carried: readonly NamedTensor[];
}

const FORMAT = 1;
const CHECKSUM = `${RESERVED}.checksum`;
const STATE = `${RESERVED}.state`;
const BEST = `${RESERVED}.best/`;
const CARRIED = `${RESERVED}.carried/`;
const momentPrefix = (i: number) => `${RESERVED}.moment_${i}/`;

/** The file begins with these bytes, after the length of its header: so the checksum has a place that is known without reading it. */
const PREFIX: Uint8Array = new TextEncoder().encode(`{"__metadata__":{"${CHECKSUM}":"`);
const DIGITS = 64;
const NO_SUM = "0".repeat(DIGITS);

/**
 * A model's file with the moments and the best parameters beside it as tensors, the state as metadata, and a SHA-256 of the whole file,
 * taken with zeros in its own place. `Network.load` reads it as a model.
 */
export function writeTraining(
  recipe: Design,
  { state, parameters, moments, best, carried }: Training,
  metadata: Readonly<Record<string, string>>,
): Uint8Array<ArrayBuffer> {
  checkMetadata("checkpoint", metadata);
  const under = (prefix: string, tensors: readonly NamedTensor[]) =>
    tensors.map(({ name, shape, data }) => [prefix + name, { shape, data }] as const);
  const bytes = writeSafetensors(
    [
      ...under("", parameters),
      ...moments.flatMap((moment, i) => under(momentPrefix(i), moment)),
      ...under(BEST, best ?? []),
      ...under(CARRIED, carried),
    ],
    new Map([
      [CHECKSUM, NO_SUM],
      [STATE, JSON.stringify({ format: FORMAT, ...state })],
      ...Object.entries(metadata),
      [KEY, describeRecipe(recipe)],
    ]),
  );
  const sum = new TextEncoder().encode(new Sha256().update(bytes).hex());
  bytes.set(sum, SUM_AT);
  return bytes;
}

const SUM_AT = 8 + PREFIX.length;

/** Throws a `CheckpointError` unless the file is a checkpoint, to its last bit as it was written. */
export function checkSum(bytes: Uint8Array, source: string): void {
  const isOurs = PREFIX.every((byte, i) => bytes[8 + i] === byte);
  if (!isOurs || bytes.length < SUM_AT + DIGITS) {
    throw new CheckpointError(
      "damaged",
      `${source}: expected a checkpoint, got a file that does not begin as one; take the one before it`,
    );
  }
  const written = new TextDecoder().decode(
    Uint8Array.from(bytes.subarray(SUM_AT, SUM_AT + DIGITS)),
  );
  const sum = new Sha256()
    .update(bytes.subarray(0, SUM_AT))
    .update(new TextEncoder().encode(NO_SUM))
    .update(bytes.subarray(SUM_AT + DIGITS))
    .hex();
  if (sum !== written) {
    throw new CheckpointError(
      "damaged",
      `${source}: expected the SHA-256 ${written}, got ${sum}; the file is damaged, take the one before it`,
    );
  }
}

/** What `writeTraining` wrote, and the recipe and the texts of the user's own. */
export function readTraining(
  bytes: Uint8Array,
  source: string,
): Training & {
  readonly recipe: Design;
  readonly metadata: ReadonlyMap<string, string>;
} {
  checkSum(bytes, source);
  try {
    const { recipe, tensors, metadata } = readModel(bytes, source);
    const file = readSafetensors(bytes, source);
    const under = (prefix: string) =>
      [...file.tensors]
        .filter(([name]) => name.startsWith(prefix))
        .map(([name, tensor]) => ({
          name: name.slice(prefix.length),
          shape: tensor.shape,
          data: floatsOf(tensor, name),
        }));
    const best = under(BEST);
    return {
      state: stateOf(file.metadata.get(STATE), source),
      recipe,
      metadata,
      parameters: tensors,
      moments: Array.from(
        { length: recipe.optimizer.moments + (recipe.ema === undefined ? 0 : 1) },
        (_, i) => under(momentPrefix(i)),
      ),
      best: best.length === 0 ? undefined : best,
      carried: under(CARRIED),
    };
  } catch (cause) {
    // Its sum is right, so that whatever is not understood was written so.
    const isFile = [SafetensorsError, RangeError, TypeError].some((kind) => cause instanceof kind);
    if (!isFile || !(cause instanceof Error)) throw cause;
    throw new CheckpointError("format", cause.message, cause);
  }
}

function stateOf(text: string | undefined, source: string): TrainingState {
  const { format, ...state } = JSON.parse(text ?? "{}") as TrainingState & { format?: number };
  if (format !== FORMAT) {
    throw new CheckpointError(
      "format",
      `${source}: expected a checkpoint of format ${FORMAT}, got ${format}; use the headstart that wrote it`,
    );
  }
  const counts = [state.step, state.firstStep, state.batchSize];
  if (!counts.every((n) => Number.isSafeInteger(n) && n >= 0) || !(state.learningRate >= 0)) {
    throw new CheckpointError(
      "format",
      `${source}: expected the state of a training, got ${text}; use the headstart that wrote it`,
    );
  }
  return state;
}

/** Names the first part in which two recipes differ; undefined when they give the same network. */
export function differenceOf(saved: Design, own: Design): string | undefined {
  const [a, b] = [saved, own].map(
    (recipe) => JSON.parse(describeRecipe(recipe)) as Record<string, unknown>,
  );
  const keys = Object.keys({ ...a, ...b });
  const key = keys.find((k) => JSON.stringify(a![k]) !== JSON.stringify(b![k]));
  return key && `${key} ${shown(a![key])}, got ${shown(b![key])}`;
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? "none";
  return text.length > 120 ? `${text.slice(0, 120)}…` : text;
}

/** SHA-256 of a data set's shape, classes and numbers, as little-endian bytes: two sets that train alike have the same. */
export function fingerprint({ shape, classes, targetWidth, inputs, targets }: Dataset): string {
  const kind = targets instanceof Int32Array ? "classes" : "values";
  const text = JSON.stringify({ shape, classes, targetWidth, kind });
  const bytesOf = (array: Float32Array | Int32Array) =>
    new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  return new Sha256()
    .update(new TextEncoder().encode(text))
    .update(bytesOf(inputs))
    .update(bytesOf(targets))
    .hex();
}
