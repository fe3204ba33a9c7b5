import type { Core } from "../core/core.ts";
import type { Buffer } from "../graph/buffer.ts";
import { ref } from "../graph/buffer.ts";
import type { ParamStore } from "../graph/param-store.ts";
import type { Plan, SharedRegion } from "../graph/plan.ts";
import { compile } from "../graph/plan.ts";
import { Tape } from "../graph/tape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { sizeOf } from "../graph/tensor.ts";
import type { Policy } from "../init/policies/index.ts";
import type { Layer } from "../layers/index.ts";
import { buildAll, Scope } from "../layers/index.ts";
import type { Loss } from "../losses/index.ts";
import { lossRows } from "../losses/index.ts";
import type { Optimizer } from "../optim/index.ts";
import type { Augmentation } from "./augment.ts";
import { emitAugmentation } from "./augment.ts";
import type { NetworkBlocks } from "./blocks.ts";
import type { ParameterGroup, Run } from "./groups.ts";
import { runsOf } from "./groups.ts";
import type { AppliedPreset } from "./preset.ts";

/** What a plan is to do with a batch. */
export interface Mode {
  /** `resident`: the plan gathers its own batch; `staged`: JavaScript copies one in. */
  readonly source: "resident" | "staged";
  /** `gradient` updates nothing, and every tensor and gradient keeps its memory to be looked at. */
  readonly goal: "predict" | "evaluate" | "gradient" | "train";
  /** Draw a new permutation each epoch; only for resident data. */
  readonly shuffle?: boolean;
  /** Change the images of a resident batch. */
  readonly augment?: Augmentation;
}

/** A plan and where its batch goes in and its outputs come out. */
export interface NetworkPlan extends Plan {
  readonly batch: number;
  readonly inputs: Buffer;
  readonly targets: Buffer;
  readonly outputs: Buffer;
}

export interface Recipe {
  readonly input: readonly number[];
  readonly body: Layer;
  readonly loss: Loss;
  readonly optimizer: Optimizer;
  readonly seed: number;
  readonly preset?: AppliedPreset;
  readonly policy?: Policy;
  readonly groups?: readonly ParameterGroup[];
  /** Values a row of the network's output. */
  readonly outputs: number;
  /** Targets a row: one class a position, or as many values as outputs. */
  readonly targetWidth: number;
}

/** What the user chose; the rest follows from tracing it. */
export type Design = Omit<Recipe, "outputs" | "targetWidth">;

/** Compiles plans on first use and keeps them by mode and batch size; all share the parameters and one region of memory. */
export class Plans {
  readonly #core: Core;
  readonly #store: ParamStore;
  readonly #recipe: Recipe;
  readonly #blocks: NetworkBlocks;
  readonly #region: SharedRegion;
  readonly #cache = new Map<string, NetworkPlan>();

  constructor(
    core: Core,
    store: ParamStore,
    recipe: Recipe,
    blocks: NetworkBlocks,
    region: SharedRegion,
  ) {
    this.#core = core;
    this.#store = store;
    this.#recipe = recipe;
    this.#blocks = blocks;
    this.#region = region;
  }

  get(mode: Mode, batch: number): NetworkPlan {
    const { flip = false, shift = 0 } = mode.augment ?? {};
    const key = [mode.source, mode.goal, mode.shuffle ?? false, flip, shift, batch].join();
    const plan = this.#cache.get(key) ?? this.#compile(mode, batch);
    this.#cache.set(key, plan);
    return plan;
  }

  #compile(mode: Mode, batch: number): NetworkPlan {
    const { input, loss, seed } = this.#recipe;
    const training = mode.goal === "gradient" || mode.goal === "train";
    const tape = new Tape(this.#core, this.#store, {
      batch,
      training,
      learns: mode.goal === "train",
      keep: mode.goal === "gradient",
      seed,
    });
    const width = sizeOf(input, "input");
    const { targetWidth } = this.#recipe;
    const { inputs, targets } = batchBuffers(tape, width, targetWidth);
    if (mode.source === "resident") {
      if (mode.shuffle) tape.emit("shuffle");
      const { augment } = mode;
      const plain = augment === undefined ? inputs : tape.buffer("plain inputs", batch * width * 4);
      tape.emit("gatherBatch", ref(plain), ref(targets), batch, width, targetWidth);
      if (augment !== undefined) {
        emitAugmentation(tape, augment, { from: plain, to: inputs, shape: input });
      }
    }
    const y = trace(tape, this.#recipe, inputs);
    if (mode.goal !== "predict") {
      tape.within("loss", () => {
        const rows = lossRows(loss, y);
        const losses = ref(tape.buffer("row losses", rows * 4));
        const hits = ref(tape.buffer("row hits", rows * 4));
        loss.build(tape, y, ref(targets), { losses, hits });
        tape.emit("recordLoss", losses, hits, rows);
      });
    }
    if (training) tape.backward();
    tape.update();
    if (mode.goal === "train") {
      const runs = runsOf(this.#store.params, this.#recipe.groups ?? [], this.#store.trainedFloats);
      tape.within("optimizer", () => emitUpdate(tape, this.#recipe.optimizer, this.#blocks, runs));
    }

    const last = tape.instructions.length;
    for (const buffer of [inputs, targets, y.value.buffer]) buffer.touch(last); // read from outside
    const plan = compile(this.#core, tape, this.#region);
    return {
      ...plan,
      batch,
      inputs,
      targets,
      outputs: y.value.buffer,
    };
  }
}

/** Records the layers over a batch in `inputs`. */
export function trace(
  tape: Tape,
  { input, body }: Pick<Recipe, "input" | "body">,
  inputs: Buffer,
): Tensor {
  return buildAll(tape, tape.input(input, inputs), [body], new Scope());
}

function batchBuffers(tape: Tape, inputWidth: number, targetWidth: number) {
  const make = (name: string, words: number) => {
    const buffer = tape.buffer(name, tape.batch * words * 4);
    buffer.touch(0); // written before the first instruction
    return buffer;
  };
  return {
    inputs: make("inputs", inputWidth),
    targets: make("targets", targetWidth),
  };
}

function emitUpdate(
  tape: Tape,
  optimizer: Optimizer,
  blocks: NetworkBlocks,
  runs: readonly Run[],
): void {
  if (optimizer.clipNorm !== undefined) {
    const chunks = runs.map(({ size }) => tape.core.kernels.sumSquaresPartials(size));
    const total = chunks.reduce((sum, n) => sum + n, 0);
    const partials = tape.buffer("squares", Math.max(1, total) * 8);
    let done = 0;
    runs.forEach(({ offset, size }, i) => {
      tape.emit("sumSquares", ref(partials, done * 8), ref(blocks.grads, offset * 4), size);
      done += chunks[i]!;
    });
    tape.emit("clipByGlobalNorm", ref(partials), total, { f32: optimizer.clipNorm });
  }
  tape.emit("schedule");
  for (const { offset, size, scale } of runs) {
    if (scale !== 1) tape.emit("scaleRate", { f32: scale });
    optimizer.emit(tape, {
      parameters: ref(blocks.values, offset * 4),
      gradients: ref(blocks.grads, offset * 4),
      moments: blocks.momentBuffers.map((buffer) => ref(buffer, offset * 4)),
      size,
    });
    if (scale !== 1) tape.emit("schedule");
  }
  tape.emit("advance");
}
