import type { Ptr } from "../core/arena.ts";
import type { Core } from "../core/core.ts";
import type { Dataset } from "../data/dataset.ts";
import { SharedRegion } from "../graph/plan.ts";
import type { Loss } from "../losses/index.ts";
import type { State } from "./blocks.ts";
import { fingerprint } from "./training-file.ts";

/** The targets of a data set as the loss wants them: class indices, or numbers. */
export type Targets = Int32Array | Float32Array;

/** What a network expects of its data. */
export interface Expectation {
  readonly inputWidth: number;
  readonly outputs: number;
  readonly loss: Loss;
}

/** Checks that a data set fits a network and gives its targets as the loss wants them. */
export function targetsFor(dataset: Dataset, { inputWidth, outputs, loss }: Expectation): Targets {
  const width = dataset.shape.reduce((a, b) => a * b, 1);
  if (width !== inputWidth) {
    throw new RangeError(
      `${dataset.name}: examples have shape [${dataset.shape}], ${width} numbers, but the network's input takes ${inputWidth}`,
    );
  }
  if (loss.targets === "classes") {
    if (!(dataset.targets instanceof Int32Array) || dataset.classes < 1) {
      throw new TypeError(
        `${dataset.name}: ${loss.kind} wants a class for each row, but the targets are numbers; use mean_squared_error`,
      );
    }
    if (dataset.classes > outputs) {
      throw new RangeError(
        `${dataset.name}: there are ${dataset.classes} classes, but the network has ${outputs} outputs`,
      );
    }
    return dataset.targets;
  }
  if (dataset.targetWidth !== outputs) {
    throw new RangeError(
      `${dataset.name}: there are ${dataset.targetWidth} targets a row, but the network has ${outputs} outputs`,
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
