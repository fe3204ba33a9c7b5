import type { Ptr } from "../core/arena.ts";
import type { Core } from "../core/core.ts";
import type { Dataset } from "../data/dataset.ts";
import { SharedRegion } from "../graph/plan.ts";
import type { TokenColumns } from "../graph/tape.ts";
import type { Loss } from "../losses/index.ts";
import type { State } from "./blocks.ts";
import { fingerprint } from "./training-file.ts";

/** The targets of a data set as the loss wants them: class indices, or numbers. */
export type Targets = Int32Array | Float32Array;

/** What a network expects of its data. */
export interface Expectation {
  readonly inputWidth: number;
  /** Shape of one output. */
  readonly outputShape: readonly number[];
  /** Targets a row. */
  readonly targetWidth: number;
  readonly loss: Loss;
  /** Columns of the inputs that hold tokens. */
  readonly tokens: readonly TokenColumns[];
}

/** Checks that a data set fits a network and gives its targets as the loss wants them. */
export function targetsFor(dataset: Dataset, expectation: Expectation): Targets {
  const { inputWidth, outputShape, targetWidth, loss } = expectation;
  const width = dataset.shape.reduce((a, b) => a * b, 1);
  if (width !== inputWidth) {
    throw new RangeError(
      `${dataset.name}: examples have shape [${dataset.shape}], ${width} numbers, but the network's input takes ${inputWidth}`,
    );
  }
  checkTokens(dataset.name, dataset.inputs, expectation);
  if (loss.targets === "classes") {
    if (!(dataset.targets instanceof Int32Array) || dataset.classes < 1) {
      throw new TypeError(
        `${dataset.name}: ${loss.kind} wants a class for each row, but the targets are numbers; use mean_squared_error`,
      );
    }
    const outputs = outputShape.at(-1) ?? 1;
    if (dataset.classes > outputs) {
      throw new RangeError(
        `${dataset.name}: there are ${dataset.classes} classes, but the network has ${outputs} outputs`,
      );
    }
    if (dataset.targetWidth !== targetWidth) {
      throw new RangeError(
        `${dataset.name}: expected ${targetWidth} classes a row, one for each position of the output's shape [${outputShape}], ` +
          `got ${dataset.targetWidth}; dense works on the last axis: for one class a row, put flatten() before the first one`,
      );
    }
    return dataset.targets;
  }
  if (dataset.targetWidth !== targetWidth) {
    throw new RangeError(
      `${dataset.name}: there are ${dataset.targetWidth} targets a row, but the network has ${targetWidth} outputs`,
    );
  }
  if (loss.kind === "binary_cross_entropy" && dataset.classes > 2) {
    throw new RangeError(
      `${dataset.name}: binary_cross_entropy wants 2 classes, got ${dataset.classes}`,
    );
  }
  return dataset.targets instanceof Int32Array
    ? Float32Array.from(dataset.targets)
    : dataset.targets;
}

/** Throws a `RangeError` at the first number that an embedding looks up and does not have: the core does not check them again. */
export function checkTokens(
  source: string,
  inputs: ArrayLike<number>,
  { inputWidth, tokens }: Pick<Expectation, "inputWidth" | "tokens">,
): void {
  for (const { layer, begin, count, vocabulary } of tokens) {
    for (let row = 0; row < inputs.length; row += inputWidth) {
      for (let column = begin; column < begin + count; column++) {
        const token = inputs[row + column]!;
        if (token >= 0 && token < vocabulary && Number.isInteger(token)) continue;
        throw new RangeError(
          `${source}: row ${row / inputWidth}, column ${column}: ${layer} expects a token from 0 to ${vocabulary - 1}, ` +
            `got ${token}; give the embedding a larger vocabulary, or map what it does not know to one token`,
        );
      }
    }
  }
}

/** The training set in the core's memory, where plans gather batches by themselves. Another set takes its place. */
export class ResidentData {
  readonly #core: Core;
  readonly #region: SharedRegion;
  #dataset: Dataset | undefined;
  #permutation = 0 as Ptr;
  /** Of the data that a checkpoint was taken with, until they are here. */
  #awaited: string | undefined;
  #known: { readonly dataset: Dataset; readonly sum: string } | undefined;

  constructor(core: Core) {
    this.#core = core;
    this.#region = new SharedRegion(core.arena);
  }

  /** Identifies the data that are here, or that a checkpoint waits for; null when there are none. */
  get sum(): string | null {
    return this.#dataset === undefined ? (this.#awaited ?? null) : this.#sumOf(this.#dataset);
  }

  /** Data of this sum go on in the middle of their epoch when they come; null forgets. */
  await(sum: string | null): void {
    this.#dataset = undefined;
    this.#awaited = sum ?? undefined;
  }

  /** Whether these are the data that training goes on with, rather than begins with. */
  isHere(dataset: Dataset): boolean {
    if (this.#dataset !== undefined) return this.#dataset === dataset;
    return this.#awaited !== undefined && this.#awaited === this.#sumOf(dataset);
  }

  /** Read once for a data set: 100 MB take most of a second. */
  #sumOf(dataset: Dataset): string {
    if (this.#known?.dataset !== dataset) this.#known = { dataset, sum: fingerprint(dataset) };
    return this.#known.sum;
  }

  /**
   * Copies a data set in, unless it is there, and tells the state where it lies. Other data, or another batch size, begin an
   * epoch. Without shuffling the rows keep the order of the data set.
   */
  load(
    dataset: Dataset,
    expectation: Expectation,
    batchSize: number,
    shuffle: boolean,
    state: State,
  ): void {
    const targets = targetsFor(dataset, expectation);
    if (!this.isHere(dataset) || state.int("batchSize") !== batchSize) {
      state.setInt("firstStep", state.step);
    }
    if (this.#dataset !== dataset) this.#copy(dataset, targets, state);
    state.setInt("batchSize", batchSize);
    state.setInt("permutationEpoch", -1);
    if (shuffle) return;
    const order = this.#core.arena.i32(this.#permutation, dataset.rows);
    for (let i = 0; i < dataset.rows; i++) order[i] = i;
  }

  #copy(dataset: Dataset, targets: Targets, state: State): void {
    const { arena } = this.#core;
    const sizes = [dataset.inputs.byteLength, targets.byteLength, dataset.rows * 4];
    const at = this.#region.request(sizes.reduce((sum, size) => sum + size, 0));
    const inputs = at;
    const targetsAt = (inputs + sizes[0]!) as Ptr;
    this.#permutation = (targetsAt + sizes[1]!) as Ptr;
    arena.f32(inputs, dataset.inputs.length).set(dataset.inputs);
    copyTargets(this.#core, targetsAt, targets);
    state.setInt("rows", dataset.rows);
    state.setInt("inputs", inputs);
    state.setInt("targets", targetsAt);
    state.setInt("permutation", this.#permutation);
    this.#dataset = dataset;
    this.#awaited = undefined;
  }
}

export function copyTargets({ arena }: Core, at: Ptr, targets: Targets): void {
  if (targets instanceof Int32Array) arena.i32(at, targets.length).set(targets);
  else arena.f32(at, targets.length).set(targets);
}
