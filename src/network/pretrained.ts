import { suggest } from "../core/nearest.ts";
import { gather, gatherStrided, stridesOf } from "./gather.ts";
import type { Network } from "./network.ts";
import type { StoredTensor } from "./safetensors.ts";
import { floatsOf, readSafetensors } from "./safetensors.ts";

export interface LoadWeightsOptions {
  /**
   * The network's name of a tensor in the file: a table, each of whose keys must be in the file, and tensors that it does not list stay as
   * they are; or a function, whose `undefined` leaves the tensor out. With layout `pytorch`, `a.b.weight` and `a.b.bias` are then read as `a.b/kernel` and `a.b/bias`.
   */
  readonly rename?: Readonly<Record<string, string>> | ((name: string) => string | undefined);
  /** Leave parameters alone that the file lacks or has in another shape, and tensors that no parameter takes. Default false. */
  readonly partial?: boolean;
  /**
   * Leave the last layer as it is, whatever the file holds for it: under the same name, in another shape, or as tensors of one layer that
   * the network does not have. Default false.
   */
  readonly freshHead?: boolean;
  /** Take NaN, infinities and what float32 cannot hold. Default false: they are refused. */
  readonly allowNonFinite?: boolean;
  /** `pytorch`: kernels are [out, in, k...] and become [k..., in, out]. Default `headstart`. */
  readonly layout?: "headstart" | "pytorch";
  /** Names the file in errors. Default `weights`. */
  readonly source?: string;
}

/** What became of every parameter and every tensor; names are the network's, `unexpected` the file's. */
export interface LoadReport {
  readonly loaded: readonly string[];
  /** Parameters without a tensor. */
  readonly missing: readonly string[];
  /** Tensors without a parameter. */
  readonly unexpected: readonly string[];
  readonly mismatched: readonly ShapeMismatch[];
  /** Parameters of the head that `freshHead` left as they were. */
  readonly fresh: readonly string[];
}

export interface ShapeMismatch {
  readonly name: string;
  readonly expected: readonly number[];
  readonly got: readonly number[];
}

/**
 * Sets parameters from the tensors of a safetensors file, by name. Everything is checked before anything is set.
 *
 * Throws a `RangeError` that names what is missing, unexpected or of another shape unless `partial` or `freshHead` allow it, a key
 * of `rename` that is not in the file, or a number that is not finite; and a `SafetensorsError` where the file breaks the format.
 */
export function loadWeights(
  network: Network,
  bytes: Uint8Array,
  options: LoadWeightsOptions = {},
): LoadReport {
  const { partial = false, freshHead = false, layout = "headstart", source = "weights" } = options;
  const { tensors } = readSafetensors(bytes, source);
  checkRename(options.rename, [...tensors.keys()], source);
  const head = `${headOf(network)}/`;
  const isFresh = (name: string) => freshHead && name.startsWith(head);
  const all = new Map(tensorsOf(network));
  const shapes = new Map([...all].filter(([name]) => !isFresh(name)));
  const found = new Map<string, FileTensor>();
  const unexpected: string[] = [];
  for (const [fileName, tensor] of tensors) {
    const name = nameIn(fileName, options);
    if (name === undefined || isFresh(name)) continue;
    if (!shapes.has(name)) {
      unexpected.push(fileName);
      continue;
    }
    const other = found.get(name);
    if (other !== undefined) {
      throw new RangeError(
        `${source}: tensors "${other.fileName}" and "${fileName}" are both for ${name}`,
      );
    }
    found.set(name, { fileName, tensor, order: axisOrder(tensor.shape.length, layout) });
  }
  const missing = [...shapes.keys()].filter((name) => !found.has(name));
  const mismatched = [...found].flatMap(([name, { tensor, order }]) => {
    const got = order.map((axis) => tensor.shape[axis]!);
    const expected = shapes.get(name)!;
    return got.join() === expected.join() ? [] : [{ name, expected, got }];
  });
  const [lost] = missing;
  if (!partial && lost !== undefined) {
    throw new RangeError(`${source}: there is no tensor for ${lost}`);
  }
  const [wrong] = mismatched;
  if (!partial && wrong !== undefined) {
    throw new RangeError(
      `${source}: expected ${wrong.name} of shape [${wrong.expected}], got [${wrong.got}]` +
        (layout === "pytorch" ? " after turning it around" : ""),
    );
  }
  // The old head may have a name of its own; it is one layer.
  const layers = new Set(unexpected.map((name) => name.replace(/[./][^./]*$/, "")));
  const isOldHead = freshHead && layers.size === 1;
  if (!partial && unexpected.length > 0 && !isOldHead) {
    throw new RangeError(
      `${source}: tensor "${unexpected[0]}" belongs to no parameter; there are ${[...all.keys()].join(", ")}`,
    );
  }
  const differs = new Set(mismatched.map(({ name }) => name));
  const values = [...found]
    .filter(([name]) => !differs.has(name))
    .map(([name, { fileName, tensor, order }]) => {
      const floats = floatsOf(tensor, fileName);
      if (!(options.allowNonFinite ?? false))
        checkFinite(floats, `${source}: tensor "${fileName}"`);
      return [name, permute(floats, tensor.shape, order)] as const;
    });
  for (const [name, data] of values) network.setWeights(name, data);
  const fresh = [...all.keys()].filter(isFresh);
  return { loaded: values.map(([name]) => name), missing, unexpected, mismatched, fresh };
}

/** A misspelt key would leave its tensor under the old name, and go unnoticed with `partial`. */
function checkRename(
  rename: LoadWeightsOptions["rename"],
  names: readonly string[],
  source: string,
): void {
  if (rename === undefined || typeof rename === "function") return;
  const wrong = Object.keys(rename).find((key) => !names.includes(key));
  if (wrong === undefined) return;
  throw new RangeError(
    `${source}: rename: there is no tensor "${wrong}"; ${suggest(wrong, names, `there are ${names.join(", ")}`)}`,
  );
}

function checkFinite(values: Float32Array, where: string): void {
  const at = values.findIndex((x) => !Number.isFinite(x));
  if (at < 0) return;
  throw new RangeError(
    `${where}: expected finite float32 numbers, got ${values[at]} at index ${at}; allowNonFinite takes them`,
  );
}

export interface SelectWeightsOptions {
  /** The larger network's name of a parameter; `undefined` leaves it as it was drawn. Default: the same name. */
  readonly from?: (name: string) => string | undefined;
}

/**
 * Weight selection (Xu et al. 2024, arXiv:2311.18823): each parameter is the uniform slice of the larger network's along every axis. Of
 * t indices s are taken at `i t / s` where s divides t, else at `round(i (t - 1) / (s - 1))`, halves to even. Layers go by name: a
 * shallower network takes the first ones, unless `from` says otherwise.
 *
 * Gives the names that were set; parameters that the larger network lacks stay. Throws a `RangeError` where it is the smaller one.
 */
export function selectWeights(
  network: Network,
  larger: Network,
  { from = (name) => name }: SelectWeightsOptions = {},
): readonly string[] {
  const shapes = new Map(tensorsOf(larger));
  const jobs = tensorsOf(network).flatMap(([name, shape]) => {
    const source = from(name);
    const large = source === undefined ? undefined : shapes.get(source);
    if (source === undefined || large === undefined) return [];
    if (large.length !== shape.length || shape.some((size, axis) => size > large[axis]!)) {
      throw new RangeError(
        `selectWeights: ${name} of shape [${shape}] is no slice of ${source} of shape [${large}]`,
      );
    }
    const indices = shape.map((size, axis) => uniformIndices(large[axis]!, size));
    return [{ name, source, large, indices }];
  });
  for (const { name, source, large, indices } of jobs) {
    network.setWeights(name, gather(larger.weights(source), large, indices));
  }
  return jobs.map(({ name }) => name);
}

interface FileTensor {
  readonly fileName: string;
  readonly tensor: StoredTensor;
  /** Axes of the file in the network's order. */
  readonly order: readonly number[];
}

function nameIn(name: string, { rename, layout }: LoadWeightsOptions): string | undefined {
  const renamed =
    typeof rename === "function"
      ? rename(name)
      : rename !== undefined && Object.hasOwn(rename, name)
        ? rename[name]
        : name;
  return layout === "pytorch"
    ? renamed?.replace(/\.weight$/, "/kernel").replace(/\.bias$/, "/bias")
    : renamed;
}

/** [out, in, k...] to [k..., in, out]. */
function axisOrder(rank: number, layout: "headstart" | "pytorch"): readonly number[] {
  const axes = Array.from({ length: rank }, (_, axis) => axis);
  return layout === "headstart" || rank < 2 ? axes : [...axes.slice(2), 1, 0];
}

/** The layer of the last kernel. */
function headOf({ parameters }: Network): string {
  const name = parameters.filter(({ name: n }) => n.endsWith("/kernel")).at(-1)?.name ?? "";
  return name.slice(0, name.lastIndexOf("/"));
}

function permute(
  values: Float32Array,
  shape: readonly number[],
  order: readonly number[],
): Float32Array {
  if (order.every((axis, i) => axis === i)) return values;
  const strides = stridesOf(shape);
  const indices = order.map((axis) => Array.from({ length: shape[axis]! }, (_, i) => i));
  return gatherStrided(
    values,
    order.map((axis) => strides[axis]!),
    indices,
  );
}

function uniformIndices(total: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => {
    if (total % count === 0) return (i * total) / count;
    return count === 1 ? 0 : roundHalfEven((i * (total - 1)) / (count - 1));
  });
}

function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  if (x - floor !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** Names and shapes of all that a file of weights holds: what is learnt and what is measured. */
function tensorsOf({
  parameters,
  statistics,
}: Network): readonly (readonly [string, readonly number[]])[] {
  return [...parameters, ...statistics].map(({ name, shape }) => [name, shape]);
}
