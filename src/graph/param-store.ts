import { ALIGNMENT } from "../core/arena.ts";
import type { ActivationSpec, Initializer, ParamSpec } from "../init/types.ts";
import type { Ref } from "./buffer.ts";
import { Buffer, ref } from "./buffer.ts";
import { sizeOf } from "./tensor.ts";

/** A tensor that the network keeps: its meaning, its description of initial values, its place in the parameter block. */
export interface Param {
  /** `dense_1/kernel`: the layer's path and the role. Also the name of its random stream and of its tensor in a file. */
  readonly name: string;
  readonly spec: ParamSpec;
  readonly initializer: Initializer;
  /** Whether the user gave the initializer, rather than the layer. */
  readonly isAsked: boolean;
  /** What the layer asked for, where a policy chose otherwise. */
  readonly asked?: Initializer;
  /** The first activation that the layer's output meets as a layer of its own, before anything else uses it. */
  readonly meets?: ActivationSpec;
  readonly size: number;
  /** False for what training measures instead of learning (running means): no gradient, no optimiser, not counted. */
  readonly trainable: boolean;
  /** In floats from the start of the block; the gradient and the moments lie at the same offset of theirs. */
  readonly offset: number;
}

/** What is asked for beside a name and a meaning. */
export type ParamRequest = Pick<Param, "initializer" | "isAsked"> & {
  /** Default true. */
  readonly trainable?: boolean;
};

/** Most floats of one block: 1 GiB elements is 4 GiB, which no memory holds beside its gradient. */
const MAX_FLOATS = 2 ** 30;

/**
 * All parameters in one contiguous block and all gradients in another, in the order in which the network asks for them. What is not
 * trained lies behind them, so that gradients, moments and the optimiser's loop know nothing of it.
 * The first trace of a network declares them; later traces find them by name.
 */
export class ParamStore {
  readonly #params = new Map<string, Param>();
  readonly #constants = new Map<string, Buffer>();
  #isAgain = false;
  #trainedFloats = 0;
  #statisticFloats = 0;
  #blocks: { readonly values: Buffer; readonly grads: Buffer } | undefined;

  /** What training learns. */
  get params(): readonly Param[] {
    return [...this.#params.values()].filter(({ trainable }) => trainable);
  }

  /** What training does not learn. */
  get statistics(): readonly Param[] {
    return [...this.#params.values()].filter(({ trainable }) => !trainable);
  }

  /** Floats of the block, padding included. */
  get floats(): number {
    return this.#trainedFloats + this.#statisticFloats;
  }

  /** Floats of its first part, which training learns: the size of the gradients. */
  get trainedFloats(): number {
    return this.#trainedFloats;
  }

  /** The parameter of this name, trained or not. */
  find(name: string): Param | undefined {
    return this.#params.get(name);
  }

  /** Declares a parameter during the first trace, or finds it during later ones. */
  request(name: string, spec: ParamSpec, choice: ParamRequest): Param {
    const known = this.#params.get(name);
    if (known !== undefined && (this.#blocks !== undefined || this.#isAgain)) return known;
    if (known !== undefined) {
      throw new RangeError(
        `Network: two parameters are called "${name}"; give the layers different names`,
      );
    }
    if (this.#blocks !== undefined) {
      throw new Error(`ParamStore: parameter "${name}" was not there when the network was created`);
    }
    const size = sizeOf(spec.shape, name);
    const align = ALIGNMENT / 4;
    const room = Math.ceil(size / align) * align;
    const end = this.floats + room;
    if (end > MAX_FLOATS) {
      throw new RangeError(
        `Network: ${name} of shape [${spec.shape.join(", ")}] brings the parameters to ${end.toExponential(2)} numbers; ` +
          `at most ${MAX_FLOATS} fit; use fewer units`,
      );
    }
    const { trainable = true } = choice;
    const offset = trainable ? this.#trainedFloats : this.#statisticFloats;
    const param = { name, spec, ...choice, trainable, size, offset };
    this.#params.set(name, param);
    if (trainable) this.#trainedFloats += room;
    else this.#statisticFloats += room;
    return param;
  }

  /** Runs `build`, which may ask again for what is declared: layers that share their parameters. */
  again<T>(build: () => T): T {
    const outer = this.#isAgain;
    this.#isAgain = true;
    try {
      return build();
    } finally {
      this.#isAgain = outer;
    }
  }

  /** The constants of that name, made when they are first asked for. */
  constant(name: string, make: () => Buffer): Buffer {
    const known = this.#constants.get(name) ?? make();
    this.#constants.set(name, known);
    return known;
  }

  /** Notes the activation that the outputs of some parameters meet, during the first trace. */
  meet(names: readonly string[], activation: ActivationSpec): void {
    if (this.#blocks !== undefined) return;
    for (const name of names) {
      this.#params.set(name, { ...this.#params.get(name)!, meets: activation });
    }
  }

  /** Gives every parameter another initializer, in the order of `params`, before the first trace is ended; a policy's is noted. */
  reinitialise(initializers: readonly Initializer[], by: "preset" | "policy"): void {
    this.params.forEach((param, i) => {
      const chosen = initializers[i]!;
      if (chosen === param.initializer) return;
      const asked = by === "policy" ? { asked: param.initializer } : {};
      this.#params.set(param.name, { ...param, initializer: chosen, ...asked });
    });
  }

  /** Ends the first trace: from here on the blocks have addresses, and what is not trained lies behind what is. */
  settle(values: Buffer, grads: Buffer): void {
    for (const param of this.statistics) {
      this.#params.set(param.name, { ...param, offset: this.#trainedFloats + param.offset });
    }
    this.#blocks = { values, grads };
  }

  values(param: Param): Ref {
    return ref(this.#blocks?.values ?? UNSETTLED, param.offset * 4);
  }

  /** Throws an `Error` for what is not trained: it has none. */
  grads(param: Param): Ref {
    if (!param.trainable) throw new Error(`ParamStore: "${param.name}" has no gradient`);
    return ref(this.#blocks?.grads ?? UNSETTLED, param.offset * 4);
  }
}

/** Stands for the blocks during the first trace, whose instructions are thrown away. */
const UNSETTLED = new Buffer("parameters", 0);
