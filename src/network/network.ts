import type { Ptr } from "../core/arena.ts";
import type { Core, CoreOptions } from "../core/core.ts";
import { loadCore } from "../core/core.ts";
import { streamKey } from "../core/rng.ts";
import { LostThread } from "../core/team.ts";
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
import type { Layer } from "../layers/index.ts";
import { checkShape } from "../layers/index.ts";
import type { Loss } from "../losses/index.ts";
import { softmaxCrossEntropy } from "../losses/index.ts";
import type { Optimizer } from "../optim/index.ts";
import { adam } from "../optim/index.ts";
import type { Expectation, Targets } from "./batches.ts";
import { copyTargets, ResidentData, targetsFor } from "./batches.ts";
import type { NetworkBlocks, Totals } from "./blocks.ts";
import { allocateBlocks, HISTORY } from "./blocks.ts";
import { checkTensors, readModel, writeModel } from "./checkpoint.ts";
import type { Divergence } from "./divergence.ts";
import { locateInForward, locateInUpdate } from "./divergence.ts";
import type { Explanation, Origin } from "./explain.ts";
import { explainParam } from "./explain.ts";
import type { Course, FitOptions, Metrics, Tick, Trainer } from "./fit.ts";
import { courseOf, fitLoop } from "./fit.ts";
import type { ParameterGroup } from "./groups.ts";
import { resolveGroups } from "./groups.ts";
import type { NetworkPlan, Recipe } from "./plans.ts";
import { Plans, trace } from "./plans.ts";
import { appliedPreset, applyPreset } from "./preset.ts";
import type { InstructionCost, Profile, ProfileOptions } from "./profile.ts";
import { costsOf, profilePlan } from "./profile.ts";
import { summarise } from "./summary.ts";
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
    const { preset: library, policy: like, groups } = options;
    const chosen = {
      ...(library === undefined ? {} : { preset: appliedPreset(library) }),
      ...(like === undefined ? {} : { policy: policy(like) }),
      ...(groups === undefined ? {} : { groups }),
    };
    const core = await loadCore(options);
    return new Network(core, { input, body, loss, optimizer, seed, ...chosen });
  }

  /** @internal Use `Network.create`. */
  private constructor(core: Core, recipe: Omit<Recipe, "outputs">) {
    this.core = core;
    this.#store = new ParamStore();
    const layout = new Tape(core, this.#store, { ...PREDICT, batch: 1, seed: recipe.seed });
    const output = trace(layout, recipe, new Buffer("inputs", 0));
    this.outputShape = output.shape.slice(1);
    if (recipe.loss.targets === "classes" && this.outputShape.length !== 1) {
      throw new RangeError(
        `Network: ${recipe.loss.kind} wants one row of logits an example, but the output has shape [${this.outputShape}]; ` +
          "dense works on the last axis: put flatten() before the first one",
      );
    }
    const { groups } = recipe;
    const defaults = recipe.preset && applyPreset(recipe.preset, this.#store.params);
    if (defaults !== undefined) this.#store.reinitialise(defaults.initializers, "preset");
    this.recipe = {
      ...recipe,
      ...(defaults === undefined ? {} : { preset: defaults.preset }),
      ...(groups === undefined ? {} : { groups: resolveGroups(groups, this.#store.params) }),
      outputs: output.size,
    };
    if (recipe.policy !== undefined) {
      this.#store.reinitialise(applyPolicy(recipe.policy, this.#store.params), "policy");
    }
    this.#blocks = allocateBlocks(core, this.#store, recipe.optimizer, recipe.seed);
    this.#store.settle(this.#blocks.values, this.#blocks.grads);
    this.#region = new SharedRegion(core.arena);
    this.#plans = new Plans(core, this.#store, this.recipe, this.#blocks, this.#region);
    this.#resident = new ResidentData(core);
    this.#expectation = {
      inputWidth: sizeOf(recipe.input, "input"),
      outputs: output.size,
      loss: recipe.loss,
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
    for (const param of this.#store.params) {
      const at = addressOf(this.#store.values(param));
      const key = streamKey(seed, param.name);
      fill(this.core, at, param.spec, param.initializer, key, (bytes) =>
        this.#region.request(bytes),
      );
    }
    for (const { at, bytes } of this.#blocks.momentBuffers)
      this.core.arena.f32(at!, bytes / 4).fill(0);
    this.#blocks.state.restart();
    this.learningRate = this.recipe.optimizer.learningRate;
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
    return this.#store.params.map(({ name, spec, initializer, meets }) => {
      const met = meets === undefined ? {} : { meets };
      return { name, shape: spec.shape, spec, initializer, ...met };
    });
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

  /** A copy of the gradient that the last step or probe left. */
  gradient(name: string): Float32Array {
    const param = this.#param(name);
    return this.#read(this.#store.grads(param), param.size);
  }

  /** Replaces a parameter's values. */
  setWeights(name: string, values: ArrayLike<number>): void {
    const param = this.#param(name);
    if (values.length !== param.size) {
      throw new RangeError(
        `setWeights: ${name} of shape [${param.spec.shape}] holds ${param.size} numbers, got ${values.length}`,
      );
    }
    this.core.arena.f32(addressOf(this.#store.values(param)), param.size).set(values);
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
   */
  fit(dataset: Dataset, options: FitOptions = {}): AsyncGenerator<Tick, Tick, void> {
    const course = courseOf(dataset, options);
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
      const shuffle = options.shuffle ?? true;
      const { state } = this.#blocks;
      this.#resident.load(dataset, this.#expectation, course.batchSize, shuffle, state);
      state.clearStatus();
      return yield* fitLoop(this.#trainer(shuffle), course, options);
    } finally {
      this.#isTraining = false;
    }
  }

  #trainer(shuffle: boolean): Trainer {
    const { state } = this.#blocks;
    const mode = { source: "resident", shuffle } as const;
    // At most two batch sizes: looked up here, since finding a plan by its mode makes a string.
    const known = new Map<number, NetworkPlan>();
    const planOf = (rows: number): NetworkPlan => {
      const plan = known.get(rows) ?? this.#plans.get({ ...mode, goal: "train" }, rows);
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
    };
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
    const { inputWidth, outputs } = this.#expectation;
    const rows = inputs.length === 0 ? 0 : this.#rowsOf(inputs);
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

  /** Mean loss, and accuracy for losses over classes, without dropout and without learning. */
  evaluate(dataset: Dataset): Metrics {
    const { inputWidth } = this.#expectation;
    const targets = targetsFor(dataset, this.#expectation);
    const width = targets.length / dataset.rows;
    const { evaluation } = this.#blocks;
    evaluation.takeTotals();
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
      this.#run(plan, 1, evaluation.at);
    }
    const { loss, accuracy, rows } = evaluation.takeTotals();
    // The totals leave out batches whose loss is not finite; nothing in them counts as right.
    if (rows === dataset.rows) return this.#metrics({ loss, accuracy });
    const right = rows > 0 ? accuracy * rows : 0;
    return this.#metrics({ loss: Number.NaN, accuracy: right / dataset.rows });
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
    const tensors = this.parameters.map(({ name, shape }) => ({
      name,
      shape,
      data: this.weights(name),
    }));
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
    checkTensors(network.parameters, tensors, source);
    for (const { name, data } of tensors) network.setWeights(name, data);
    network.#metadata = metadata;
    network.#given.clear();
    network.#isLoaded = true;
    return network;
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
    const before = [
      { at: state.at, bytes: this.core.enums.State!.size! },
      ...[values, ...momentBuffers].map(({ at, bytes }) => ({ at: at!, bytes })),
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
    const { loss, outputs } = this.#expectation;
    const expected = loss.targets === "classes" ? rows : rows * outputs;
    if (targets.length !== expected) {
      throw new RangeError(
        `targets: expected ${expected} numbers for ${rows} rows, got ${targets.length}`,
      );
    }
    const plan = this.#plans.get({ source: "staged", goal }, rows);
    this.core.arena.f32(plan.inputs.at!, inputs.length).set(inputs);
    copyTargets(this.core, plan.targets.at!, this.#checkTargets(targets));
    return plan;
  }

  /** Labels in range: the core does not check them again. */
  #checkTargets(targets: ArrayLike<number>): Targets {
    const { loss, outputs } = this.#expectation;
    if (loss.targets === "values") return Float32Array.from(targets);
    const labels = Int32Array.from(targets);
    const wrong = labels.findIndex(
      (label, i) => label !== targets[i] || label < 0 || label >= outputs,
    );
    if (wrong >= 0) {
      throw new RangeError(
        `targets: row ${wrong}: expected a class from 0 to ${outputs - 1}, got ${targets[wrong]}`,
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
    const param = this.#store.params.find((p) => p.name === name);
    if (param !== undefined) return param;
    const names = this.#store.params.map((p) => p.name);
    throw new RangeError(`Network: there is no parameter "${name}"; there are ${names.join(", ")}`);
  }

  #read(at: Ref, count: number): Float32Array {
    return this.core.arena.f32(addressOf(at), count).slice();
  }
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
    const { kind, shape, layers } = config as {
      kind: string;
      shape?: number[];
      layers?: unknown[];
    };
    if (kind === "input" && shape !== undefined) return shape;
    if (layers?.[0] === undefined) break;
    config = layers[0];
  }
  throw new TypeError(
    "Network: expected `input`, the shape of one example, or a body that begins with input(shape)",
  );
}
