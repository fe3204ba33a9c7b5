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
  /** Rows that go forward and back together, where those of a step do so in parts, whose gradients add up. Default: all. */
  readonly part?: number;
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
  readonly ema?: number;
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
    const what = [mode.source, mode.goal, mode.shuffle ?? false, mode.part ?? 0];
    const key = [...what, flip, shift, batch].join();
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
    const parts = partsOf(batch, mode.goal === "train" ? (mode.part ?? batch) : batch);
    const isWhole = parts.length === 1;
    let results: { losses: Buffer; hits: Buffer; rows: number } | undefined;
    const record = () =>
      tape.within("loss", () => {
        const { losses, hits, rows } = results!;
        tape.emit("recordLoss", ref(losses), ref(hits), rows);
      });
    const [y] = parts.map(({ first, rows }, index) =>
      tape.part(index, rows, () => {
        const outputs = trace(tape, this.#recipe, inputs, first);
        if (mode.goal === "predict") return outputs;
        tape.within("loss", () => {
          // One loss an example, or one a position of it.
          const each = lossRows(loss, outputs) / rows;
          results ??= {
            losses: tape.buffer("row losses", batch * each * 4),
            hits: tape.buffer("row hits", batch * each * 4),
            rows: batch * each,
          };
          loss.build(tape, outputs, ref(targets, first * targetWidth * 4), {
            losses: ref(results.losses, first * each * 4),
            hits: ref(results.hits, first * each * 4),
          });
          const dy = tape.grad(outputs);
          if (isWhole || dy === undefined) return;
          // The mean over a part is that over the step by the part's share.
          tape.emit("scale", dy, dy, { f32: rows / batch }, outputs.size, 0);
        });
        if (isWhole) record();
        if (training) tape.backward();
        return outputs;
      }),
    ) as [Tensor];
    if (!isWhole) record();
    tape.update();
    if (mode.goal === "train") {
      const { optimizer, groups = [], ema } = this.#recipe;
      const { params, trainedFloats } = this.#store;
      const runs = runsOf(params, groups, trainedFloats, optimizer.decayBiases);
      tape.within("optimizer", () => emitUpdate(tape, optimizer, this.#blocks, runs, ema));
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
  row = 0,
): Tensor {
  return buildAll(tape, tape.input(input, inputs, row), [body], new Scope());
}

/** `batch` rows in runs of `size`, the last one what remains. */
function partsOf(batch: number, size: number): readonly { first: number; rows: number }[] {
  return Array.from({ length: Math.ceil(batch / size) }, (_, i) => {
    return { first: i * size, rows: Math.min(size, batch - i * size) };
  });
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
  ema: number | undefined,
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
  for (const { offset, size, scale, decays } of runs) {
    if (scale !== 1) tape.emit("scaleRate", { f32: scale });
    optimizer.emit(tape, {
      parameters: ref(blocks.values, offset * 4),
      gradients: ref(blocks.grads, offset * 4),
      moments: blocks.momentBuffers.map((buffer) => ref(buffer, offset * 4)),
      size,
      decays,
    });
    if (scale !== 1) tape.emit("schedule");
  }
  if (ema !== undefined && blocks.averages !== undefined && blocks.size > 0) {
    const [averages, values] = [ref(blocks.averages), ref(blocks.values)];
    tape.emit("follow", averages, values, { f32: 1 - ema }, { f32: 1 }, blocks.size);
  }
  tape.emit("advance");
}
