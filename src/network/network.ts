import type { Ptr } from "../core/arena.ts";
import type { Core, CoreOptions } from "../core/core.ts";
import { loadCore } from "../core/core.ts";
import { streamKey } from "../core/rng.ts";
import { LostThread } from "../core/team.ts";
import type { Variant } from "../core/variants.ts";
import type { Dataset } from "../data/dataset.ts";
import type { Ref } from "../graph/buffer.ts";
import { Buffer } from "../graph/buffer.ts";
import type { Param } from "../graph/param-store.ts";
import { ParamStore } from "../graph/param-store.ts";
import { SharedRegion } from "../graph/plan.ts";
import { Tape } from "../graph/tape.ts";
import { sizeOf } from "../graph/tensor.ts";
import { fill } from "../init/fill.ts";
import type { InitializerLike } from "../init/initializer.ts";
import { initializer } from "../init/initializer.ts";
import type { PolicyLike } from "../init/policies/index.ts";
import { applyPolicy, describePolicy, policy } from "../init/policies/index.ts";
import type { PresetLike } from "../init/presets.ts";
import type { ActivationSpec, Initializer, ParamSpec } from "../init/types.ts";
import type { GraphStep, Layer } from "../layers/index.ts";
import { checkShape, graphInputs } from "../layers/index.ts";
import type { Loss } from "../losses/index.ts";
import { lossRows, softmaxCrossEntropy } from "../losses/index.ts";
import type { Optimizer } from "../optim/index.ts";
import { adam } from "../optim/index.ts";
import { version } from "../version.ts";
import type { Augmentation } from "./augment.ts";
import { checkAugmentation } from "./augment.ts";
import type { Expectation, Targets } from "./batches.ts";
import { checkTokens, copyTargets, ResidentData, targetsFor } from "./batches.ts";
import type { NetworkBlocks, Totals } from "./blocks.ts";
import { allocateBlocks, HISTORY } from "./blocks.ts";
import type { NamedTensor } from "./checkpoint.ts";
import { checkTensors, readModel, writeModel } from "./checkpoint.ts";
import { CheckpointError } from "./checkpoint-error.ts";
import type { Divergence } from "./divergence.ts";
import { locateInForward, locateInUpdate } from "./divergence.ts";
import { checkStopping } from "./early-stopping.ts";
import type { Explanation, Origin } from "./explain.ts";
import { explainParam } from "./explain.ts";
import type { Course, FitOptions, Metrics, Tick, Trainer } from "./fit.ts";
import { courseOf, fitLoop } from "./fit.ts";
import type { ParameterGroup } from "./groups.ts";
import { resolveGroups } from "./groups.ts";
import type { Measures, MetricName } from "./metrics.ts";
import { measure } from "./metrics.ts";
import type { Design, NetworkPlan, Recipe } from "./plans.ts";
import { Plans, trace } from "./plans.ts";
import { appliedPreset, applyPreset } from "./preset.ts";
import type { InstructionCost, Profile, ProfileOptions } from "./profile.ts";
import { costsOf, profilePlan } from "./profile.ts";
import type { StreamBatch, StreamOptions } from "./stream.ts";
import { checkStream, streamLoop } from "./stream.ts";
import { summarise } from "./summary.ts";
import type { FitProgress, Training } from "./training-file.ts";
import { differenceOf, readTraining, writeTraining } from "./training-file.ts";
import { placeOfLoss, WorkerLostError } from "./worker-lost.ts";

export interface NetworkOptions extends CoreOptions {
  /** Shape of one example; may be left out when the body begins with an `input` layer. */
  readonly input?: readonly number[];
  readonly body: Layer;
  /** Default: softmax cross-entropy. */
  readonly loss?: Loss;
  /** Default: adam. */
  readonly optimizer?: Optimizer;
  /**
   * The library whose initial values to take: `"torch"`, `"keras"`, or `preset(name, { bugCompatible: true })` of `headstart/init`.
   * Parameters that were given no initializer take the library's default; one that was given is read as the library reads that
   * name (`he_normal` is truncated in Keras). Default: every parameter as its layer says.
   */
  readonly preset?: PresetLike;
  /**
   * Scales the initial values to the residual structure of the whole network: `"fixup"`, `"zero_last"`, `"branch_sqrt_depth:power=1"`.
   * Default: every parameter as its layer says.
   */
  readonly policy?: PolicyLike;
  /** Parameters that learn at a rate of their own, or not at all. Default: all learn at the optimiser's. */
  readonly groups?: readonly ParameterGroup[];
  /**
   * Keeps a running average of every trainable tensor beside it: `average = ema average + (1 - ema) value` after each step (Polyak &
   * Juditsky 1992), for `withAverage`. In 0 ... 1, such as 0.999. Default: none.
   */
  readonly ema?: number;
  /** Seeds everything that is drawn: weights, order of the rows, dropout. Default 0. */
  readonly seed?: number;
}

export interface LoadOptions extends CoreOptions {
  /** Names the file in errors. Default `model`. */
  readonly source?: string;
}

/** A trainable tensor: what it is, and what it was drawn from. */
export interface Parameter {
  readonly name: string;
  readonly shape: readonly number[];
  readonly spec: ParamSpec;
  readonly initializer: Initializer;
  /** The first activation that the layer's output meets as a layer of its own, before anything else uses it. */
  readonly meets?: ActivationSpec;
}

/** What one step or one evaluation gave. */
export type { Metrics };

/** A tensor of one probed pass and its gradient. */
export interface ProbedTensor {
  readonly layer: string;
  readonly role: string;
  readonly shape: readonly number[];
  readonly values: Float32Array;
  /** Of the mean loss; undefined for the input, which nothing upstream of learns from. */
  readonly gradient: Float32Array | undefined;
}

/** Rows that evaluation and prediction take at a time. */
const CHUNK = 256;

/**
 * A network in a memory of its own: parameters, optimiser state, data and plans. Creating it is the only asynchronous step.
 * There is nothing to dispose of.
 */
export class Network {
  /** The kernels and memory the network lives in. */
  readonly core: Core;
  readonly recipe: Recipe;
  /** Shape of one output. */
  readonly outputShape: readonly number[];
  readonly #store: ParamStore;
  readonly #blocks: NetworkBlocks;
  readonly #plans: Plans;
  readonly #resident: ResidentData;
  /** Activations and scratch: plans and fills use it one after the other. */
  readonly #region: SharedRegion;
  readonly #expectation: Expectation;
  #isTraining = false;
  #learningRate = 0;
  #metadata: ReadonlyMap<string, string> = new Map();
  /** Parameters whose values were given since they were drawn or loaded. */
  readonly #given = new Set<string>();
  #isLoaded = false;
  /** Where the last fit is or was left, and the best parameters it met. */
  #progress: FitProgress | undefined;
  #best: Float32Array | undefined;
  /** The fit that a checkpoint was taken in: the next one goes on with it. */
  #resumed: FitProgress | undefined;

  /**
   * Loads the core, lays out and initialises the parameters.
   *
   * Throws a `RangeError` or `TypeError` that names the layer where shapes do not fit, and an `OutOfMemoryError` when the
   * parameters do not.
   */
  static async create(options: NetworkOptions): Promise<Network> {
    const { body, seed = 0 } = options;
    const input = options.input ?? inputShapeOf(body);
    checkShape("Network: input", input);
    streamKey(seed, "check"); // a wrong seed is refused before any work
    const loss = options.loss ?? softmaxCrossEntropy();
    const optimizer = options.optimizer ?? adam();
    const { preset: library, policy: like, groups, ema } = options;
    if (ema !== undefined && !(ema >= 0 && ema < 1)) {
      throw new RangeError(`Network: ema must be at least 0 and below 1, got ${ema}`);
    }
    const chosen = {
      ...(library === undefined ? {} : { preset: appliedPreset(library) }),
      ...(like === undefined ? {} : { policy: policy(like) }),
      ...(groups === undefined ? {} : { groups }),
      ...(ema === undefined ? {} : { ema }),
    };
    const core = await loadCore(options);
    return new Network(core, { input, body, loss, optimizer, seed, ...chosen });
  }

  /** @internal Use `Network.create`. */
  private constructor(core: Core, recipe: Design) {
    this.core = core;
    this.#store = new ParamStore();
    const layout = new Tape(core, this.#store, { ...PREDICT, batch: 1, seed: recipe.seed });
    const output = trace(layout, recipe, new Buffer("inputs", 0));
    this.outputShape = output.shape.slice(1);
    const { groups } = recipe;
    const defaults = recipe.preset && applyPreset(recipe.preset, this.#store.params);
    if (defaults !== undefined) this.#store.reinitialise(defaults.initializers, "preset");
    this.recipe = {
      ...recipe,
      ...(defaults === undefined ? {} : { preset: defaults.preset }),
      ...(groups === undefined ? {} : { groups: resolveGroups(groups, this.#store.params) }),
      outputs: output.size,
      targetWidth: recipe.loss.targets === "classes" ? lossRows(recipe.loss, output) : output.size,
    };
    if (recipe.policy !== undefined) {
      this.#store.reinitialise(applyPolicy(recipe.policy, this.#store.params), "policy");
    }
    this.#blocks = allocateBlocks(
      ...([core, this.#store, recipe.optimizer, recipe.seed] as const),
      recipe.ema !== undefined,
    );
    this.#store.settle(this.#blocks.values, this.#blocks.grads);
    this.#region = new SharedRegion(core.arena);
    this.#plans = new Plans(core, this.#store, this.recipe, this.#blocks, this.#region);
    this.#resident = new ResidentData(core);
    this.#expectation = {
      inputWidth: sizeOf(recipe.input, "input"),
      outputShape: this.outputShape,
      targetWidth: this.recipe.targetWidth,
      loss: recipe.loss,
      tokens: layout.tokens,
    };
    this.initialise();
  }

  /**
   * Draws every parameter again from its initializer; the optimiser starts anew. Another seed than the network's gives other
   * weights and nothing else: the order of the rows and dropout keep theirs.
   */
  initialise(seed: number = this.recipe.seed): void {
    this.#given.clear();
    this.#isLoaded = false;
    this.#progress = undefined;
    this.#resumed = undefined;
    for (const param of [...this.#store.params, ...this.#store.statistics]) {
      const at = addressOf(this.#store.values(param));
      const key = streamKey(seed, param.name);
      fill(this.core, at, param.spec, param.initializer, key, (bytes) =>
        this.#region.request(bytes),
      );
    }
    for (const { at, bytes } of this.#blocks.momentBuffers)
      this.core.arena.f32(at!, bytes / 4).fill(0);
    this.resetStates();
    const { averages, values } = this.#blocks;
    if (averages !== undefined) {
      const count = averages.bytes / 4;
      this.core.arena.f32(averages.at!, count).set(this.core.arena.f32(values.at!, count));
    }
    this.#blocks.state.restart();
    this.learningRate = this.recipe.optimizer.learningRate;
  }

  /** Zeroes what stateful layers carry from batch to batch: the next batch begins new sequences. */
  resetStates(): void {
    this.#store.putCarried([], this.core.arena);
  }

  /** Optimiser steps done since creation. */
  get step(): number {
    return this.#blocks.state.step;
  }

  /** Trainable numbers. */
  get parameterCount(): number {
    return this.#store.params.reduce((sum, param) => sum + param.size, 0);
  }

  /** The trainable tensors, in order: name, shape, meaning, and the description of their initial values. */
  get parameters(): readonly Parameter[] {
    return this.#store.params.map(parameterOf);
  }

  /**
   * The tensors that training measures instead of learning (running means and variances), in order. `weights`, `setWeights`, `save`
   * and `load` know them by name as they do parameters; they have no gradient.
   */
  get statistics(): readonly Parameter[] {
    return this.#store.statistics.map(parameterOf);
  }

  get learningRate(): number {
    return this.#learningRate;
  }

  /** The base rate from the next step on; the schedule multiplies it. */
  set learningRate(rate: number) {
    if (!(rate >= 0 && Number.isFinite(rate))) {
      throw new RangeError(`learningRate must be finite and not negative, got ${rate}`);
    }
    this.#learningRate = rate;
    this.#blocks.state.setFloat("baseRate", rate);
  }

  /** A copy of a parameter's values. Throws a `RangeError` that lists the names. */
  weights(name: string): Float32Array {
    const param = this.#param(name);
    return this.#read(this.#store.values(param), param.size);
  }

  /** A copy of the gradient that the last step or probe left. Throws a `RangeError` for a name that no trainable tensor has. */
  gradient(name: string): Float32Array {
    const param = this.#param(name);
    if (!param.trainable) {
      throw new RangeError(
        `gradient: "${name}" is measured, not learnt: it has none; weights gives its values`,
      );
    }
    return this.#read(this.#store.grads(param), param.size);
  }

  /** A copy of the running average of a parameter. Throws a `RangeError` without `ema`, and for what is not trained. */
  average(name: string): Float32Array {
    const param = this.#param(name);
    return this.#read(this.#averageOf(param), param.size);
  }

  /** Replaces the running average of a parameter. */
  setAverage(name: string, values: ArrayLike<number>): void {
    const param = this.#param(name);
    checkLength("setAverage", param, values);
    this.core.arena.f32(addressOf(this.#averageOf(param)), param.size).set(values);
  }

  /**
   * Runs with the running averages in the place of the parameters, and puts these back: `net.withAverage(() => net.evaluate(test))`. What
   * it saves is a network of the averages. Throws a `RangeError` without `ema`, an `Error` during a `fit`.
   */
  withAverage<T>(run: () => T): T {
    const { averages, values } = this.#blocks;
    if (averages === undefined) throw new RangeError(NO_AVERAGE);
    if (this.#isTraining)
      throw new Error("withAverage: this network is in a fit; let it end first");
    const swap = () => {
      const [a, b] = [averages, values].map(({ at }) =>
        this.core.arena.f32(at!, averages.bytes / 4),
      ) as [Float32Array, Float32Array];
      const kept = a.slice();
      a.set(b);
      b.set(kept);
    };
    swap();
    try {
      return run();
    } finally {
      swap();
    }
  }

  #averageOf(param: Param): Ref {
    const { averages } = this.#blocks;
    if (averages === undefined) throw new RangeError(NO_AVERAGE);
    if (!param.trainable) {
      throw new RangeError(`average: "${param.name}" is measured, not learnt: it has no average`);
    }
    return { buffer: averages, offset: param.offset * 4 };
  }

  /** Replaces a parameter's values, and its running average where one is kept. */
  setWeights(name: string, values: ArrayLike<number>): void {
    const param = this.#param(name);
    checkLength("setWeights", param, values);
    this.core.arena.f32(addressOf(this.#store.values(param)), param.size).set(values);
    if (param.trainable && this.#blocks.averages !== undefined) this.setAverage(name, values);
    this.#given.add(name);
  }

  /** What a description would give a parameter with a seed; the parameter keeps its values. */
  draw(
    name: string,
    like: InitializerLike,
    seed: number = this.recipe.seed,
  ): Float32Array<ArrayBuffer> {
    const param = this.#param(name);
    const at = addressOf(this.#store.values(param));
    const before = this.core.arena.f32(at, param.size).slice();
    const key = streamKey(seed, name);
    fill(this.core, at, param.spec, initializer(like), key, (bytes) => this.#region.request(bytes));
    // Scratch may have grown the memory, which ends all views of it.
    const now = this.core.arena.f32(at, param.size);
    const drawn = now.slice();
    now.set(before);
    return drawn;
  }

  /**
   * Trains, and yields about 20 ticks a second; the last one says how it ended. Training on the same data set with the same
   * batch size again goes on where the last call stopped, within an epoch too; other data begin an epoch.
   *
   * What does not fit is refused here; a network does one `fit` at a time, and a second one throws when it is iterated.
   *
   * Of a network that was restored from the middle of a fit, the next fit is the rest of that one: the same options give the bits of
   * a fit that was never interrupted, and other data, or another order of them, a `CheckpointError`.
   *
   * Data larger than memory come as an async iterable of batches: a step each, until it ends.
   */
  fit(dataset: Dataset, options?: FitOptions): AsyncGenerator<Tick, Tick, void>;
  fit(
    batches: AsyncIterable<StreamBatch>,
    options?: StreamOptions,
  ): AsyncGenerator<Tick, Tick, void>;
  fit(
    data: Dataset | AsyncIterable<StreamBatch>,
    options: FitOptions = {},
  ): AsyncGenerator<Tick, Tick, void> {
    if (!(Symbol.asyncIterator in data)) return this.#fit(data, options);
    if (this.#resumed !== undefined) {
      throw new CheckpointError(
        "data",
        "fit: expected the data set that the checkpoint was taken with, got a stream; give the data set",
      );
    }
    checkStream(options);
    if (options.validation !== undefined) targetsFor(options.validation, this.#expectation);
    return this.#stream(data, options);
  }

  #fit(dataset: Dataset, options: FitOptions): AsyncGenerator<Tick, Tick, void> {
    if (this.#resumed !== undefined && !this.#resident.isHere(dataset)) {
      throw new CheckpointError(
        "data",
        `fit: expected the data that the checkpoint was taken with, got ${dataset.name} with other numbers; ` +
          "give the same data, or take the weights alone with Network.load",
      );
    }
    const course = courseOf(dataset, options, this.#resumed);
    if (options.earlyStopping !== undefined) {
      checkStopping(options.earlyStopping, this.recipe.loss.hasAccuracy);
    }
    if (course.augment !== null) checkAugmentation(course.augment, this.recipe.input);
    targetsFor(dataset, this.#expectation);
    if (options.validation !== undefined) targetsFor(options.validation, this.#expectation);
    return this.#train(dataset, course, options);
  }

  async *#train(
    dataset: Dataset,
    course: Course,
    options: FitOptions,
  ): AsyncGenerator<Tick, Tick, void> {
    if (this.#isTraining) {
      throw new Error("fit: this network is in another fit; let it end, or leave its loop, first");
    }
    this.#isTraining = true;
    try {
      const { shuffle, augment } = course;
      if (this.#resumed === undefined) this.#best = undefined;
      this.#resumed = undefined;
      const { state } = this.#blocks;
      this.#resident.load(dataset, this.#expectation, course.batchSize, shuffle, state);
      state.clearStatus();
      const ending = yield* fitLoop(this.#trainer(shuffle, augment, course), course, options);
      if (ending.state !== "aborted") this.#forgetFit();
      return ending;
    } finally {
      this.#isTraining = false;
      const { done, steps } = this.#progress ?? { done: 0, steps: 0 };
      if (done === steps) this.#forgetFit();
    }
  }

  async *#stream(
    batches: AsyncIterable<StreamBatch>,
    options: StreamOptions,
  ): AsyncGenerator<Tick, Tick, void> {
    if (this.#isTraining) {
      throw new Error("fit: this network is in another fit; let it end, or leave its loop, first");
    }
    this.#isTraining = true;
    this.#forgetFit();
    const { state } = this.#blocks;
    try {
      const trainer = {
        ...this.#trainer(false, null, { part: 0, batchSize: 0 }),
        get step() {
          return state.step;
        },
        get learningRate() {
          return state.float("learningRate");
        },
        stage: ({ inputs, targets }: StreamBatch) => {
          const plan = this.#stage("train", inputs, targets);
          return () => {
            state.clearStatus();
            if (this.#run(plan, 1) === 0) {
              // Out of the core: the producer may have written the next batch into its arrays.
              return this.#locateDivergence(() => this.#stage("gradient", ...this.#staged(plan)));
            }
            state.setInt("firstStep", state.int("firstStep") + 1); // no step on the resident set
            return undefined;
          };
        },
      };
      return yield* streamLoop(trainer, batches, options);
    } finally {
      this.#isTraining = false;
    }
  }

  #trainer(
    shuffle: boolean,
    augment: Augmentation | null,
    { part, batchSize }: Pick<Course, "part" | "batchSize">,
  ): Trainer {
    const { state } = this.#blocks;
    const mode = { source: "resident", shuffle, ...(augment && { augment }) } as const;
    // At most two batch sizes: looked up here, since finding a plan by its mode makes a string.
    const known = new Map<number, NetworkPlan>();
    const training = { ...mode, goal: "train", ...(part < batchSize ? { part } : {}) } as const;
    const planOf = (rows: number): NetworkPlan => {
      const plan = known.get(rows) ?? this.#plans.get(training, rows);
      known.set(rows, plan);
      return plan;
    };
    return {
      historyLength: HISTORY,
      get step() {
        return state.step;
      },
      get stepOnSet() {
        return state.step - state.int("firstStep");
      },
      get learningRate() {
        return state.float("learningRate");
      },
      hasAccuracy: this.recipe.loss.hasAccuracy,
      run: (rows: number, count: number) => this.#run(planOf(rows), count),
      takeTotals: () => state.takeTotals(),
      history: (from: number, to: number) => state.history(from, to),
      evaluate: (validation: Dataset) => this.evaluate(validation),
      locateDivergence: (rows: number) => {
        const replay = () => this.#plans.get({ ...mode, goal: "gradient" }, rows);
        return this.#locateDivergence(replay);
      },
      keepBest: () => {
        this.#best = this.#block().slice();
      },
      putBest: () => {
        if (this.#best !== undefined) this.#block().set(this.#best);
      },
      checkpoint: () => this.checkpoint(),
      note: (progress: FitProgress) => {
        this.#progress = progress;
      },
    };
  }

  /** A fit that has ended is not resumed: a checkpoint from here on is one of the network between two fits. */
  #forgetFit(): void {
    this.#progress = undefined;
    this.#best = undefined;
  }

  /** All parameters and statistics, as they lie. */
  #block(): Float32Array {
    const { values } = this.#blocks;
    return this.core.arena.f32(values.at!, values.bytes / 4);
  }

  /** One optimiser step on a batch of any size, row-major; returns its loss before the update. */
  trainStep(
    inputs: ArrayLike<number>,
    targets: ArrayLike<number>,
  ): Metrics & { divergence?: Divergence } {
    const { state } = this.#blocks;
    const plan = this.#stage("train", inputs, targets);
    state.clearStatus();
    state.takeTotals();
    const done = this.#run(plan, 1);
    const metrics = this.#metrics(state.takeTotals());
    if (done === 1) {
      state.setInt("firstStep", state.int("firstStep") + 1); // no step on the resident set
      return metrics;
    }
    const replay = () => this.#stage("gradient", inputs, targets);
    return { ...metrics, divergence: this.#locateDivergence(replay) };
  }

  /** The outputs (logits) of any number of examples, none included, row-major. */
  predict(inputs: ArrayLike<number>): Float32Array {
    const { inputWidth } = this.#expectation;
    const { outputs } = this.recipe;
    const rows = inputs.length === 0 ? 0 : this.#rowsOf(inputs);
    checkTokens("inputs", inputs, this.#expectation);
    const result = new Float32Array(rows * outputs);
    for (let row = 0; row < rows; row += CHUNK) {
      const count = Math.min(CHUNK, rows - row);
      const plan = this.#plans.get({ source: "staged", goal: "predict" }, count);
      const part = slice(inputs, row * inputWidth, (row + count) * inputWidth);
      this.core.arena.f32(plan.inputs.at!, part.length).set(part);
      this.#run(plan, 1);
      const y = this.core.arena.f32(plan.outputs.at!, count * outputs);
      result.set(y, row * outputs);
    }
    return result;
  }

  /**
   * Mean loss, and accuracy for losses over classes, without dropout and without learning; and the metrics that are asked for.
   *
   * Throws a `RangeError` for a metric that does not suit the targets.
   */
  evaluate(
    dataset: Dataset,
    { metrics = [] }: { readonly metrics?: readonly MetricName[] } = {},
  ): Metrics & Measures {
    const own = this.#evaluate(dataset);
    if (metrics.length === 0) return own;
    const { loss } = this.recipe;
    const isOneLogit = loss.kind === "binary_cross_entropy" && dataset.targetWidth === 1;
    const hasClasses = loss.targets === "classes" || isOneLogit;
    const measures = measure(metrics, this.predict(dataset.inputs), dataset.targets, {
      width: this.outputShape.at(-1) ?? 1,
      classes: hasClasses ? Math.max(2, dataset.classes) : 0,
    });
    return { ...measures, ...own };
  }

  #evaluate(dataset: Dataset): Metrics {
    const { inputWidth } = this.#expectation;
    const targets = targetsFor(dataset, this.#expectation);
    const width = targets.length / dataset.rows;
    const { evaluation } = this.#blocks;
    evaluation.takeTotals();
    let areFinite = true;
    for (let row = 0; row < dataset.rows; row += CHUNK) {
      const count = Math.min(CHUNK, dataset.rows - row);
      const plan = this.#plans.get({ source: "staged", goal: "evaluate" }, count);
      const inputs = dataset.inputs.subarray(row * inputWidth, (row + count) * inputWidth);
      this.core.arena.f32(plan.inputs.at!, inputs.length).set(inputs);
      copyTargets(
        this.core,
        plan.targets.at!,
        targets.subarray(row * width, (row + count) * width),
      );
      evaluation.clearStatus();
      areFinite = this.#run(plan, 1, evaluation.at) === 1 && areFinite;
    }
    const { loss, accuracy, rows } = evaluation.takeTotals();
    // The totals leave out batches whose loss is not finite; nothing in them counts as right.
    if (areFinite) return this.#metrics({ loss, accuracy });
    const right = rows > 0 ? accuracy * rows : 0;
    const all = this.recipe.loss.targets === "classes" ? targets.length : dataset.rows;
    return this.#metrics({ loss: Number.NaN, accuracy: right / all });
  }

  /**
   * Loss and gradients of a batch as the next step would have them, dropout included, without taking it: `gradient` reads what
   * it leaves.
   */
  lossAndGradient(inputs: ArrayLike<number>, targets: ArrayLike<number>): Metrics {
    return this.#metrics(this.#probePass(inputs, targets).totals);
  }

  /** `lossAndGradient`, and every tensor that the layers made on the way with its gradient. */
  probe(inputs: ArrayLike<number>, targets: ArrayLike<number>): readonly ProbedTensor[] {
    const { plan } = this.#probePass(inputs, targets);
    return plan.traced.map(({ layer, role, tensor }) => ({
      ...{ layer, role, shape: tensor.shape },
      values: this.#read(tensor.data, tensor.size),
      gradient:
        tensor.value.grad && this.#read({ buffer: tensor.value.grad, offset: 0 }, tensor.size),
    }));
  }

  /** The network as a safetensors file, with text of your own beside the weights. */
  save({
    metadata = {},
  }: {
    readonly metadata?: Readonly<Record<string, string>>;
  } = {}): Uint8Array<ArrayBuffer> {
    const tensors = [...this.parameters, ...this.statistics].map(({ name, shape }) => ({
      name,
      shape,
      data: this.weights(name),
    }));
    if (this.recipe.ema !== undefined) {
      for (const { name, shape } of this.parameters) {
        tensors.push({ name: averageName(name), shape, data: this.average(name) });
      }
    }
    const optimizer = { ...this.recipe.optimizer, learningRate: this.learningRate };
    return writeModel({ ...this.recipe, optimizer }, tensors, metadata);
  }

  /**
   * The network that `save` wrote, and the text that was given to it. The optimiser starts anew.
   *
   * Throws a `SafetensorsError` where the file breaks the format, a `TypeError` or `RangeError` where it is not a network's.
   */
  static async load(bytes: Uint8Array, options: LoadOptions = {}): Promise<Network> {
    const { source = "model", ...coreOptions } = options;
    const { recipe, tensors, metadata } = readModel(bytes, source);
    const network = await Network.create({ ...coreOptions, ...recipe });
    const { parameters, statistics } = network;
    const averages =
      recipe.ema === undefined
        ? []
        : parameters.map(({ name, shape }) => ({ name: averageName(name), shape, of: name }));
    checkTensors([...parameters, ...statistics, ...averages], tensors, source);
    const values = new Map(tensors.map(({ name, data }) => [name, data]));
    for (const { name } of [...parameters, ...statistics]) {
      network.setWeights(name, values.get(name)!);
    }
    for (const { name, of } of averages) network.setAverage(of, values.get(name)!);
    network.#metadata = metadata;
    network.#given.clear();
    network.#isLoaded = true;
    return network;
  }

  /**
   * The network in the middle of its training as one file: parameters, moments, step, learning rate, place in the epoch, state of early
   * stopping and best parameters; the random numbers are functions of these. It may be taken between two ticks of a fit, or after it.
   */
  checkpoint({
    metadata = {},
  }: {
    readonly metadata?: Readonly<Record<string, string>>;
  } = {}): Uint8Array<ArrayBuffer> {
    const { state, size } = this.#blocks;
    const { params, statistics } = this.#store;
    const read = (block: Float32Array, what: readonly Param[]) =>
      what.map(({ name, spec: { shape }, offset, size }) => {
        return { name, shape, data: block.slice(offset, offset + size) };
      });
    const all = [...params, ...statistics];
    const training: Training = {
      state: {
        version,
        variant: this.core.variant,
        step: state.step,
        firstStep: state.int("firstStep"),
        batchSize: state.int("batchSize"),
        learningRate: this.learningRate,
        data: this.#resident.sum,
        fit: this.#resumed ?? this.#progress ?? null,
      },
      parameters: read(this.#block(), all),
      moments: this.#followers().map(({ at }) => read(this.core.arena.f32(at!, size), params)),
      best: this.#best && read(this.#best, all),
      carried: this.#store.carriedBuffers.map(({ name, at, bytes }) => {
        const data = this.core.arena.f32(at!, bytes / 4).slice();
        return { name, shape: [data.length], data };
      }),
    };
    return writeTraining(this.recipe, training, metadata);
  }

  /**
   * Goes back to where a checkpoint of the same network was taken; the next `fit` is the rest of the one it was taken in, if it was.
   *
   * Throws a `CheckpointError` where the file is damaged or belongs to another network; nothing is changed then.
   */
  resume(bytes: Uint8Array, { source = "checkpoint" }: { readonly source?: string } = {}): void {
    if (this.#isTraining) throw new Error("resume: this network is in a fit; let it end first");
    const training = readTraining(bytes, source);
    const { variant } = training.state;
    const difference =
      differenceOf(training.recipe, this.recipe) ??
      (variant === this.core.variant ? undefined : `the core ${variant}, got ${this.core.variant}`);
    if (difference !== undefined) {
      throw new CheckpointError(
        "network",
        `${source}: expected a network with ${difference}; make the network as it was, or use Network.restore`,
      );
    }
    this.#take(training, source);
    this.#metadata = training.metadata;
  }

  /**
   * The network that a checkpoint was taken of, where it was, on the core it ran on: see `resume`.
   *
   * Throws a `CheckpointError` where the file is damaged or cannot be understood.
   */
  static async restore(bytes: Uint8Array, options: LoadOptions = {}): Promise<Network> {
    const { source = "checkpoint", ...coreOptions } = options;
    const training = readTraining(bytes, source);
    const variant = training.state.variant as Variant;
    const network = await Network.create({ variant, ...coreOptions, ...training.recipe });
    network.#take(training, source);
    network.#metadata = training.metadata;
    return network;
  }

  #take({ state: saved, parameters, moments, best, carried }: Training, source: string): void {
    for (const tensors of [parameters, ...(best === undefined ? [] : [best])]) {
      checkTensors([...this.parameters, ...this.statistics], tensors, source);
    }
    for (const tensors of moments) checkTensors(this.parameters, tensors, source);
    const { state, size } = this.#blocks;
    const followers = this.#followers();
    const write = (tensors: readonly NamedTensor[], block: Float32Array) => {
      for (const { name, data } of tensors) block.set(data, this.#param(name).offset);
      return block;
    };
    write(parameters, this.#block());
    this.#store.putCarried(carried, this.core.arena);
    moments.forEach((tensors, i) => {
      write(tensors, this.core.arena.f32(followers[i]!.at!, size));
    });
    this.#best = best && write(best, new Float32Array(this.#block().length));
    state.restart(saved.step, saved.firstStep);
    state.setInt("batchSize", saved.batchSize);
    this.learningRate = saved.learningRate;
    this.#resident.await(saved.data);
    this.#resumed = saved.fit ?? undefined;
    this.#progress = undefined;
    this.#isLoaded = true;
    this.#given.clear();
  }

  /** What has a number for each that is learnt: the optimiser's moments, and the running averages. */
  #followers(): readonly Buffer[] {
    const { momentBuffers, averages } = this.#blocks;
    return averages === undefined ? momentBuffers : [...momentBuffers, averages];
  }

  /** Text that came with the file the network was loaded from. */
  get metadata(): ReadonlyMap<string, string> {
    return this.#metadata;
  }

  /** A table of layers, shapes, parameters, memory. */
  summary(): string {
    const plan = this.#plans.get({ source: "staged", goal: "train" }, 32);
    return summarise(this, plan);
  }

  /** For each parameter: scheme, formula, fans, theory and measurement of its present values. */
  explain(): readonly Explanation[] {
    const { policy: chosen, preset } = this.recipe;
    return this.#store.params.map((param) =>
      explainParam(param, this.weights(param.name), {
        origin: this.#originOf(param),
        ...(chosen === undefined ? {} : { policy: describePolicy(chosen) }),
        ...(preset === undefined ? {} : { preset }),
      }),
    );
  }

  #originOf({ name }: Param): Origin {
    if (this.step > 0 || this.#given.has(name)) return "given";
    return this.#isLoaded ? "loaded" : "drawn";
  }

  /**
   * Where the time of a training step goes, instruction by instruction, on one thread. The network is afterwards as it was; the data
   * set takes the place of the one it was last trained on, as in `fit`.
   *
   * Throws an `Error` during a `fit`, and when a number was not finite.
   */
  profile(dataset: Dataset, { batchSize, steps = 50 }: ProfileOptions = {}): Profile {
    if (this.#isTraining) throw new Error("profile: this network is in a fit; let it end first");
    const course = courseOf(dataset, { steps, ...(batchSize === undefined ? {} : { batchSize }) });
    const { state, values, momentBuffers } = this.#blocks;
    this.#resident.load(dataset, this.#expectation, course.batchSize, true, state);
    state.clearStatus();
    const mode = { source: "resident", goal: "train", shuffle: true } as const;
    const plan = this.#plans.get(mode, course.batchSize);
    const { arena } = this.core;
    const { averages } = this.#blocks;
    const before = [
      { at: state.at, bytes: this.core.enums.State!.size! },
      ...[values, ...momentBuffers, ...this.#store.carriedBuffers].map(({ at, bytes }) => ({
        at: at!,
        bytes,
      })),
      ...(averages === undefined ? [] : [{ at: averages.at!, bytes: averages.bytes }]),
    ].map(({ at, bytes }) => ({ at, words: arena.i32(at, bytes / 4).slice() }));
    try {
      return profilePlan(this.core, plan, state.at, course.batchSize, steps);
    } finally {
      for (const { at, words } of before) arena.i32(at, words.length).set(words);
    }
  }

  /** The work of each instruction of a training step of `batchSize` rows (default 32): what can be counted without a clock. */
  costs({ batchSize = 32 }: { readonly batchSize?: number } = {}): readonly InstructionCost[] {
    if (!Number.isSafeInteger(batchSize) || batchSize < 1) {
      throw new RangeError(
        `costs: batchSize must be a whole number of at least 1, got ${batchSize}`,
      );
    }
    const mode = { source: "resident", goal: "train", shuffle: true } as const;
    return costsOf(this.core, this.#plans.get(mode, batchSize));
  }

  #run(plan: NetworkPlan, steps: number, state: Ptr = this.#blocks.state.at): number {
    try {
      return this.core.run(plan, state, steps);
    } catch (error) {
      if (!(error instanceof LostThread)) throw error;
      const { step } = this.#blocks.state;
      throw new WorkerLostError(error, step, placeOfLoss(this.core, plan, error));
    }
  }

  #stage(
    goal: "train" | "gradient",
    inputs: ArrayLike<number>,
    targets: ArrayLike<number>,
  ): NetworkPlan {
    const rows = this.#rowsOf(inputs);
    const expected = rows * this.recipe.targetWidth;
    if (targets.length !== expected) {
      throw new RangeError(
        `targets: expected ${expected} numbers for ${rows} rows, got ${targets.length}`,
      );
    }
    checkTokens("inputs", inputs, this.#expectation);
    const plan = this.#plans.get({ source: "staged", goal }, rows);
    this.core.arena.f32(plan.inputs.at!, inputs.length).set(inputs);
    copyTargets(this.core, plan.targets.at!, this.#checkTargets(targets));
    return plan;
  }

  /** Copies of the batch that a plan was given. */
  #staged({ inputs, targets }: NetworkPlan): [Float32Array, Targets] {
    const { arena } = this.core;
    const words = targets.bytes / 4;
    const isClasses = this.recipe.loss.targets === "classes";
    return [
      arena.f32(inputs.at!, inputs.bytes / 4).slice(),
      (isClasses ? arena.i32(targets.at!, words) : arena.f32(targets.at!, words)).slice(),
    ];
  }

  /** Labels in range: the core does not check them again. */
  #checkTargets(targets: ArrayLike<number>): Targets {
    const { outputShape, targetWidth, loss } = this.#expectation;
    if (loss.targets === "values") return Float32Array.from(targets);
    const labels = Int32Array.from(targets);
    const classes = outputShape.at(-1) ?? 1;
    const least = targetWidth > 1 ? -1 : 0;
    const wrong = labels.findIndex(
      (label, i) => label !== targets[i] || label < least || label >= classes,
    );
    if (wrong >= 0) {
      const [row, position] = [Math.floor(wrong / targetWidth), wrong % targetWidth];
      const where = targetWidth > 1 ? `row ${row}, position ${position}` : `row ${row}`;
      throw new RangeError(
        `targets: ${where}: expected a class from 0 to ${classes - 1}${least < 0 ? ", or -1 for none" : ""}, got ${targets[wrong]}`,
      );
    }
    return labels;
  }

  #rowsOf(inputs: ArrayLike<number>): number {
    const { inputWidth } = this.#expectation;
    const rows = inputs.length / inputWidth;
    if (!Number.isInteger(rows) || rows < 1) {
      throw new RangeError(
        `inputs: expected rows of ${inputWidth} numbers (shape [${this.recipe.input}]), got ${inputs.length} numbers`,
      );
    }
    return rows;
  }

  /** Runs the gradient plan, and leaves the sums of a fit under way as they were. */
  #probePass(
    inputs: ArrayLike<number>,
    targets: ArrayLike<number>,
  ): { readonly plan: NetworkPlan; readonly totals: Totals } {
    const { state } = this.#blocks;
    const plan = this.#stage("gradient", inputs, targets);
    const before = state.takeTotals();
    this.#run(plan, 1);
    state.clearStatus();
    const totals = state.takeTotals();
    state.restoreTotals(before);
    return { plan, totals };
  }

  #locateDivergence(replay: () => NetworkPlan): Divergence {
    const { state } = this.#blocks;
    if (state.status === "updateNotFinite") {
      return locateInUpdate(this.core, this.#store, state.step);
    }
    const plan = replay();
    state.clearStatus();
    this.#run(plan, 1);
    const divergence = locateInForward(this.core, this.#store, plan, state.step);
    return (
      divergence ?? { step: state.step, layer: "loss", tensor: "loss", value: state.float("loss") }
    );
  }

  #metrics({ loss, accuracy }: { loss: number; accuracy: number }): Metrics {
    return this.recipe.loss.hasAccuracy ? { loss, accuracy } : { loss };
  }

  #param(name: string): Param {
    const param = this.#store.find(name);
    if (param !== undefined) return param;
    const names = [...this.#store.params, ...this.#store.statistics].map((p) => p.name);
    throw new RangeError(`Network: there is no parameter "${name}"; there are ${names.join(", ")}`);
  }

  #read(at: Ref, count: number): Float32Array {
    return this.core.arena.f32(addressOf(at), count).slice();
  }
}

/** The name of a parameter's running average in a file. */
function averageName(name: string): string {
  return `${name}@average`;
}

const NO_AVERAGE =
  "average: this network keeps none; create it with ema, such as Network.create({ ..., ema: 0.999 })";

function checkLength(where: string, { name, spec, size }: Param, values: ArrayLike<number>): void {
  if (values.length === size) return;
  throw new RangeError(
    `${where}: ${name} of shape [${spec.shape}] holds ${size} numbers, got ${values.length}`,
  );
}

function parameterOf({ name, spec, initializer, meets }: Param): Parameter {
  const met = meets === undefined ? {} : { meets };
  return { name, shape: spec.shape, spec, initializer, ...met };
}

const PREDICT = { training: false, keep: false } as const;

function addressOf({ buffer, offset }: Ref): Ptr {
  return (buffer.at! + offset) as Ptr;
}

function slice(values: ArrayLike<number>, from: number, to: number): ArrayLike<number> {
  return ArrayBuffer.isView(values)
    ? (values as Float32Array).subarray(from, to)
    : Array.prototype.slice.call(values, from, to);
}

/** The shape stated by the first layer, looking into containers. */
function inputShapeOf(layer: Layer): readonly number[] {
  let config: unknown = { kind: layer.kind, ...layer.config };
  for (;;) {
    const { kind, shape, layers, steps } = config as {
      kind: string;
      shape?: number[];
      layers?: unknown[];
      steps?: GraphStep[];
    };
    if (kind === "input" && shape !== undefined) return shape;
    if (kind === "graph" && steps !== undefined) {
      const shapes = graphInputs(steps);
      const sizes = shapes.map((one) => sizeOf(one, "graph"));
      return shapes.length === 1 ? shapes[0]! : [sizes.reduce((sum, size) => sum + size, 0)];
    }
    if (layers?.[0] === undefined) break;
    config = layers[0];
  }
  throw new TypeError(
    "Network: expected `input`, the shape of one example, or a body that begins with input(shape) or is a graph",
  );
}
