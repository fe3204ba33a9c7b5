import type { Core } from "../core/core.ts";
import { streamKey } from "../core/rng.ts";
import type { ActivationSpec, Initializer, ParamSpec } from "../init/types.ts";
import type { Operand, Ref } from "./buffer.ts";
import { Buffer, ref } from "./buffer.ts";
import type { Param, ParamStore } from "./param-store.ts";
import type { Tensor, Value } from "./tensor.ts";
import { sizeOf, withMaskOf } from "./tensor.ts";

/** One recorded call of a kernel. */
export interface Instruction {
  readonly op: string;
  readonly operands: readonly Operand[];
  /** Path of the layer that recorded it; `data`, `loss`, `optimizer` for what belongs to none. */
  readonly layer: string;
  readonly pass: "forward" | "backward";
}

/** Where a gradient is to be written; `beta` is 0 for the first writer, who must not read it, and 1 for later ones. */
export interface GradSlot {
  readonly at: Ref;
  readonly beta: 0 | 1;
}

export interface TapeOptions {
  /** Rows of the batch. */
  readonly batch: number;
  /** Dropout draws, ops keep what their backward reads, and thunks are recorded. */
  readonly training: boolean;
  /** Statistics are brought up to date, once the loss is known to be finite. Default: when training. */
  readonly learns?: boolean;
  /** Every tensor and gradient keeps its memory to the end, to be looked at. */
  readonly keep: boolean;
  readonly seed: number;
}

/** Columns of the inputs that hold tokens: whole numbers from 0 to `vocabulary` - 1. */
export interface TokenColumns {
  readonly layer: string;
  readonly begin: number;
  readonly count: number;
  readonly vocabulary: number;
}

/** A tensor that the tape made, by the layer that made it: what diagnostics look at. */
export interface Traced {
  readonly layer: string;
  readonly role: string;
  readonly tensor: Tensor;
}

/**
 * Records a network once, as a list of kernel calls. An op emits its forward calls, then leaves a thunk that emits its
 * backward calls; `backward` runs the thunks in reverse, and they are thrown away (micrograd's algorithm, run once).
 */
export class Tape {
  readonly core: Core;
  readonly params: ParamStore;
  readonly training: boolean;
  readonly learns: boolean;
  readonly keep: boolean;
  readonly seed: number;
  readonly instructions: Instruction[] = [];
  readonly buffers: Buffer[] = [];
  readonly traced: Traced[] = [];
  /** What the network's inputs must hold, for the check of its data. */
  readonly tokens: TokenColumns[] = [];
  readonly #thunks: (() => void)[] = [];
  readonly #updates: (() => void)[] = [];
  readonly #workspace = { buffer: undefined as Buffer | undefined, bytes: 0 };
  readonly #gradsWritten = new Set<Param>();
  #residual: string | undefined;
  #batch: number;
  #part = 0;
  #layer = "data";
  #pass: Instruction["pass"] = "forward";
  /** Parameters of the layers since the last kernel whose output has met no activation yet. */
  #linear: string[] = [];

  constructor(core: Core, params: ParamStore, options: TapeOptions) {
    this.core = core;
    this.params = params;
    this.#batch = options.batch;
    this.training = options.training;
    this.learns = options.learns ?? options.training;
    this.keep = options.keep;
    this.seed = options.seed;
  }

  /** Rows of the batch, or of the part of it that is being recorded. */
  get batch(): number {
    return this.#batch;
  }

  /** Records `build` for part `index` of a step: `rows` rows of the batch. */
  part<T>(index: number, rows: number, build: () => T): T {
    const whole = this.#batch;
    this.#batch = rows;
    this.#part = index;
    const result = build();
    this.#batch = whole;
    this.#part = 0;
    return result;
  }

  /** Appends a kernel call; the operands are the kernel's own, in its order, without `thread, threads`. */
  emit(op: string, ...operands: Operand[]): void {
    const index = this.instructions.length;
    for (const operand of operands) {
      if (typeof operand === "object" && "buffer" in operand) operand.buffer.touch(index);
    }
    this.instructions.push({ op, operands, layer: this.#layer, pass: this.#pass });
  }

  /** A new tensor of the batch, `[batch, ...example]`, known to diagnostics as `layer` and `role`. */
  tensor(example: readonly number[], layer: string, role = "output"): Tensor {
    const shape = [this.batch, ...example];
    const size = sizeOf(shape, layer);
    const buffer = this.buffer(`${layer}/${role}`, size * 4);
    const tensor = { shape, size, data: ref(buffer), value: { buffer, needsGrad: true } };
    this.traced.push({ layer, role, tensor });
    return tensor;
  }

  /** The network's input: memory that the plan reads from `row` on and nothing learns from. */
  input(example: readonly number[], buffer: Buffer, row = 0): Tensor {
    const shape = [this.batch, ...example];
    const at = row * sizeOf(example, "input") * 4;
    const value: Value = { buffer, needsGrad: false };
    const tensor = {
      shape,
      size: sizeOf(shape, "input"),
      data: ref(buffer, at),
      value,
      columns: 0,
    };
    this.traced.push({ layer: "input", role: "output", tensor });
    return tensor;
  }

  /** Notes that `x` holds tokens. Throws a `RangeError` unless it is a part of the network's inputs, whose numbers are checked. */
  expectTokens(layer: string, x: Tensor, vocabulary: number): void {
    if (x.columns === undefined) {
      throw new RangeError(
        `${layer}: expected tokens, which are the network's input or a part of it, got what a layer computes`,
      );
    }
    this.tokens.push({ layer, begin: x.columns, count: x.size / this.batch, vocabulary });
  }

  /** Numbers that are the same for every plan, worked out once a network. */
  constant(name: string, values: () => Float32Array): Ref {
    const make = (): Buffer => {
      const numbers = values();
      const at = this.core.arena.allocate(numbers.byteLength, name);
      this.core.arena.f32(at, numbers.length).set(numbers);
      return new Buffer(name, numbers.byteLength, at);
    };
    return ref(this.params.constant(name, make));
  }

  /** The same memory, and the same gradient, seen in another shape. */
  view(x: Tensor, example: readonly number[]): Tensor {
    const { mask, ...rest } = x;
    return withMaskOf(x, { ...rest, shape: [this.batch, ...example] });
  }

  /** The key of a stream of random numbers, as operands; each part of a step that runs in parts has streams of its own. */
  stream(name: string): readonly [number, number] {
    const { k0, k1 } = streamKey(this.seed, this.#part === 0 ? name : `${name}#${this.#part}`);
    return [k0 | 0, k1 | 0];
  }

  /** Scratch memory that lives from the first to the last instruction that names it. */
  buffer(name: string, bytes: number): Buffer {
    const buffer = new Buffer(name, bytes);
    this.buffers.push(buffer);
    return buffer;
  }

  /** The scratch that all instructions may share, since they run one after the other; as large as the largest request. */
  workspace(bytes: number): Ref {
    this.#workspace.bytes = Math.max(this.#workspace.bytes, bytes);
    this.#workspace.buffer ??= new Buffer("workspace", 0);
    return ref(this.#workspace.buffer);
  }

  /** The workspace with its final size, once recording has ended. */
  get workspaceBlock(): { readonly buffer: Buffer; readonly bytes: number } | undefined {
    const { buffer, bytes } = this.#workspace;
    return buffer && { buffer, bytes };
  }

  /**
   * A parameter, marked with the residual block it is asked for in, so that no layer need know of blocks. `isAsked`: the user gave
   * the initializer, so that no preset replaces it.
   */
  param(name: string, spec: ParamSpec, initializer: Initializer, isAsked = false): Param {
    const residual = this.#residual;
    const placed = residual === undefined ? spec : { ...spec, residual };
    if (spec.role === "kernel" || spec.role === "recurrent") this.#linear = [];
    if (spec.activation.name === "linear") this.#linear.push(name);
    return this.params.request(name, placed, { initializer, isAsked });
  }

  /** Numbers that training measures instead of learning, `initial` each at first: they are saved with the parameters. */
  statistic(name: string, shape: readonly number[], initial: number): Param {
    const spec: ParamSpec = {
      ...{ layer: "norm", role: "statistic", shape, fanIn: 1, fanOut: 1, maps: [] },
      activation: { name: "linear", alpha: 0 },
    };
    const constant = { scheme: "constant", options: { value: initial } };
    return this.params.request(name, spec, {
      initializer: constant,
      isAsked: true,
      trainable: false,
    });
  }

  /** The parameter of that name, which another layer asked for before. */
  sharedParam(name: string): Param | undefined {
    return this.params.params.find((param) => param.name === name);
  }

  /** Records `build` once more: the parameters it asks for are those of the first time. */
  again<T>(build: () => T): T {
    return this.params.again(build);
  }

  /** What the last layers gave meets an activation: their parameters are marked with it, so that no layer need know of the next. */
  meet(activation: ActivationSpec): void {
    if (activation.name === "linear") return;
    this.params.meet(this.#linear, activation);
    this.#linear = [];
  }

  /** Records `build` as the branch of the residual block `path`. */
  branch(path: string, build: () => Tensor): Tensor {
    const outer = this.#residual;
    this.#residual = path;
    this.#linear = [];
    const y = build();
    this.#residual = outer;
    this.#linear = [];
    return y;
  }

  /** Records `build` under the name of a layer; its backward calls are recorded under it too. */
  within<T>(layer: string, build: () => T): T {
    const outer = this.#layer;
    this.#layer = layer;
    const result = build();
    this.#layer = outer;
    return result;
  }

  /** Leaves what emits the backward calls. */
  onBackward(thunk: () => void): void {
    const layer = this.#layer;
    if (this.training) this.#thunks.push(() => this.within(layer, thunk));
  }

  /** Leaves what emits calls that bring statistics up to date: they run when the loss was finite, before the optimiser. */
  onUpdate(thunk: () => void): void {
    const layer = this.#layer;
    if (this.learns) this.#updates.push(() => this.within(layer, thunk));
  }

  /** Emits what `onUpdate` was left, first op first. */
  update(): void {
    for (const thunk of this.#updates.splice(0)) thunk();
  }

  /** The gradient that has flowed into `y`, complete when `y`'s own thunk runs; undefined when nothing used `y`. */
  grad(y: Tensor): Ref | undefined {
    return y.value.grad && ref(y.value.grad);
  }

  /** Where to write the gradient of `x`, or undefined when nobody needs it. */
  addGrad(x: Tensor): GradSlot | undefined {
    const { value } = x;
    if (!value.needsGrad) return undefined;
    const beta = value.grad === undefined ? 0 : 1;
    value.grad ??= this.buffer(`${value.buffer.name}/gradient`, x.size * 4);
    return { at: ref(value.grad), beta };
  }

  /** Where to write the gradient of a parameter; a shared one is accumulated. */
  addParamGrad(param: Param): GradSlot {
    const beta = this.#gradsWritten.has(param) ? 1 : 0;
    this.#gradsWritten.add(param);
    return { at: this.params.grads(param), beta };
  }

  /** Emits all backward calls, last op first. */
  backward(): void {
    this.#pass = "backward";
    while (this.#thunks.length > 0) this.#thunks.pop()!();
    this.#pass = "forward";
  }
}
