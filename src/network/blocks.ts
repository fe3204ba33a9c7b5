import type { Ptr } from "../core/arena.ts";
import type { Core } from "../core/core.ts";
import type { StreamKey } from "../core/rng.ts";
import { streamKey } from "../core/rng.ts";
import { Buffer, ref } from "../graph/buffer.ts";
import type { ParamStore } from "../graph/param-store.ts";
import type { Blocks, Optimizer } from "../optim/index.ts";

/** Steps of loss history the core keeps between two looks of JavaScript; a power of two. */
export const HISTORY = 4096;

const SCHEDULES = ["constant", "step", "cosine"] as const;

/** The blocks of a network in the core's memory that live as long as it does. */
export interface NetworkBlocks extends Blocks {
  readonly values: Buffer;
  readonly grads: Buffer;
  readonly momentBuffers: readonly Buffer[];
  /** Running averages of what is learnt, at the same offsets, where they are kept. */
  readonly averages?: Buffer;
  /** The state of training, and another for evaluation, so that one does not disturb the sums of the other. */
  readonly state: State;
  readonly evaluation: State;
}

/** Sizes everything and checks that it fits before anything is allocated. */
export function allocateBlocks(
  core: Core,
  store: ParamStore,
  optimizer: Optimizer,
  seed: number,
  hasAverages = false,
): NetworkBlocks {
  const all = store.floats * 4;
  const bytes = store.trainedFloats * 4;
  const block = (name: string, size = bytes) =>
    new Buffer(name, size, core.arena.allocate(size, name));
  core.arena.require(
    all + bytes * (1 + optimizer.moments + (hasAverages ? 1 : 0)),
    "the parameters, their gradients and moments",
  );
  const values = block("parameters", all);
  const grads = block("gradients");
  const momentBuffers = Array.from({ length: optimizer.moments }, (_, i) => block(`moment ${i}`));
  const averages = hasAverages ? block("averages") : undefined;
  return {
    ...(averages === undefined ? {} : { averages }),
    values,
    grads,
    momentBuffers,
    parameters: ref(values),
    gradients: ref(grads),
    moments: momentBuffers.map((buffer) => ref(buffer)),
    size: store.trainedFloats,
    state: new State(core, optimizer, streamKey(seed, "shuffle")),
    evaluation: new State(core, optimizer, streamKey(seed, "shuffle")),
  };
}

/** Totals since the last `takeTotals`. */
export interface Totals {
  readonly loss: number;
  readonly accuracy: number;
  readonly rows: number;
}

/** The state block: what changes from step to step, at the offsets that the binary itself exports. */
export class State {
  readonly at: Ptr;
  readonly #core: Core;
  readonly #offsets: Readonly<Record<string, number>>;
  readonly #history: Ptr;
  #cached: DataView | undefined;

  constructor(core: Core, optimizer: Optimizer, shuffle: StreamKey) {
    this.#core = core;
    this.#offsets = core.enums.State ?? {};
    this.at = core.arena.allocate(this.#offset("size"), "the state");
    this.#history = core.arena.allocate(2 * HISTORY * 4, "the history");
    this.setFloat("learningRate", optimizer.learningRate);
    this.setFloat("baseRate", optimizer.learningRate);
    this.setFloat("gradientScale", 1);
    this.setInt("permutationEpoch", -1);
    this.setInt("shuffleKey", shuffle.k0, 0);
    this.setInt("shuffleKey", shuffle.k1, 4);
    this.setInt("history", this.#history);
    this.setInt("historyLength", HISTORY);
    const { schedule } = optimizer;
    this.setInt("scheduleKind", SCHEDULES.indexOf(schedule?.kind ?? "constant"));
    this.setInt("scheduleWarmup", schedule?.warmup ?? 0);
    this.setInt("scheduleLength", schedule?.length ?? 1);
    this.setFloat("scheduleFactor", schedule?.factor ?? 1);
  }

  get step(): number {
    return this.int("step");
  }

  /** The name of the status: `running`, `lossNotFinite`, `updateNotFinite`. */
  get status(): string {
    const value = this.int("status");
    const entry = Object.entries(this.#core.enums.Status ?? {}).find(([, v]) => v === value);
    return entry?.[0] ?? "running";
  }

  /** Step 0 again, or another one; the next batch draws its permutation. */
  restart(step = 0, firstStep: number = step): void {
    this.setInt("step", step);
    this.setInt("firstStep", firstStep);
    this.setInt("permutationEpoch", -1);
    this.clearStatus();
    this.takeTotals();
  }

  clearStatus(): void {
    this.setInt("status", 0);
  }

  /** Mean loss and accuracy over the rows seen since the last call, and starts again from zero. */
  takeTotals(): Totals {
    const rows = this.double("rowsSeen");
    const loss = this.double("lossSum") / rows;
    const accuracy = this.double("correctSum") / rows;
    for (const field of ["rowsSeen", "lossSum", "correctSum"]) this.setDouble(field, 0);
    return { loss, accuracy, rows };
  }

  /** Copies of the batch losses and batch accuracies of steps [from, to), at most the last `HISTORY` of them. */
  history(from: number, to: number): { losses: Float32Array; accuracies: Float32Array } {
    const begin = Math.max(from, to - HISTORY);
    const ring = this.#core.arena.f32(this.#history, 2 * HISTORY);
    const losses = new Float32Array(to - begin);
    const accuracies = new Float32Array(to - begin);
    for (let i = 0; i < losses.length; i++) {
      const slot = (begin + i) & (HISTORY - 1);
      losses[i] = ring[slot]!;
      accuracies[i] = ring[HISTORY + slot]!;
    }
    return { losses, accuracies };
  }

  /** Puts back what `takeTotals` took. */
  restoreTotals({ loss, accuracy, rows }: Totals): void {
    if (rows === 0) return;
    this.setDouble("rowsSeen", rows);
    this.setDouble("lossSum", loss * rows);
    this.setDouble("correctSum", accuracy * rows);
  }

  int(field: string): number {
    return this.#view().getInt32(this.#offset(field), true);
  }
  float(field: string): number {
    return this.#view().getFloat32(this.#offset(field), true);
  }
  double(field: string): number {
    return this.#view().getFloat64(this.#offset(field), true);
  }
  setInt(field: string, value: number, plus = 0): void {
    this.#view().setInt32(this.#offset(field) + plus, value, true);
  }
  setFloat(field: string, value: number): void {
    this.#view().setFloat32(this.#offset(field), value, true);
  }
  setDouble(field: string, value: number): void {
    this.#view().setFloat64(this.#offset(field), value, true);
  }

  /** Kept from call to call, since it is asked for in each; growing the memory detaches it. */
  #view(): DataView {
    const { buffer } = this.#core.arena.memory;
    if (this.#cached?.buffer !== buffer) this.#cached = new DataView(buffer, this.at);
    return this.#cached;
  }

  #offset(field: string): number {
    const offset = this.#offsets[field];
    if (offset === undefined) throw new Error(`State: the core has no field "${field}"`);
    return offset;
  }
}
