import type { Tape } from "../graph/tape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { withMaskOf } from "../graph/tensor.ts";

/**
 * A layer is a description: plain options that print and serialise, and a `build` that composes ops. It has no weights of its
 * own, so one description may stand in many networks, or many times in one.
 */
export interface Layer {
  readonly kind: string;
  /**
   * Names the layer's parameters; without one, layers of a kind are numbered in order: `dense`, `dense_1`. A layer that is given
   * a name can be put anywhere: it takes no number, so the others keep theirs, and with them their initial weights.
   */
  readonly name?: string;
  /** What `layerFromConfig` makes the layer again from. */
  readonly config: LayerConfig;
  readonly build: (tape: Tape, x: Tensor, path: string, scope: Scope, context?: Tensor) => Tensor;
  /** It may be given a second input, which is `context` in `build`: what cross-attention looks at. */
  readonly takesContext?: boolean;
}

export type LayerConfig = { readonly [option: string]: Config };
export type Config = string | number | boolean | null | readonly Config[] | LayerConfig;

/** Gives the layers inside a container their paths. */
export class Scope {
  readonly #prefix: string;
  readonly #counts = new Map<string, number>();
  readonly #taken = new Set<string>();

  constructor(prefix = "") {
    this.#prefix = prefix;
  }

  /** The path of the next layer: its name, or its kind and how many of that kind without a name came before. */
  path(layer: Layer): string {
    const path = this.#prefix + (layer.name ?? this.#numbered(layer.kind));
    if (this.#taken.has(path)) {
      throw new RangeError(`Network: two layers are called "${path}"; give one another name`);
    }
    this.#taken.add(path);
    return path;
  }

  #numbered(kind: string): string {
    const count = this.#counts.get(kind) ?? 0;
    this.#counts.set(kind, count + 1);
    return count === 0 ? kind : `${kind}_${count}`;
  }
}

/** Builds `layers` one after the other; one that keeps the time axis keeps the mask. */
export function buildAll(tape: Tape, x: Tensor, layers: readonly Layer[], scope: Scope): Tensor {
  return layers.reduce((y, layer) => {
    const path = scope.path(layer);
    return withMaskOf(
      y,
      tape.within(path, () => layer.build(tape, y, path, scope)),
    );
  }, x);
}

/** Checks a name: it becomes part of tensor names in files, so it holds no separators and no surprises. */
export function checkName(kind: string, name: string | undefined): void {
  if (name !== undefined && !/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/.test(name)) {
    throw new RangeError(
      `${kind}: a name is 1 to 64 letters, digits, "_", "." or "-", got ${JSON.stringify(name)}`,
    );
  }
}

/** Checks a count of units or channels. */
export function checkCount(where: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new RangeError(`${where} must be a whole number of at least 1, got ${value}`);
  }
}
