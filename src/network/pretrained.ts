import type { Network } from "./network.ts";
import type { StoredTensor } from "./safetensors.ts";
import { floatsOf, readSafetensors } from "./safetensors.ts";

export interface LoadWeightsOptions {
  /**
   * The network's name of a tensor in the file: a table, whose missing entries stay as they are, or a function, whose `undefined` leaves
   * the tensor out. With layout `pytorch`, `a.b.weight` and `a.b.bias` are then read as `a.b/kernel` and `a.b/bias`.
   */
  readonly rename?: Readonly<Record<string, string>> | ((name: string) => string | undefined);
  /** Leave parameters alone that the file lacks or has in another shape, and tensors that no parameter takes. Default false. */
  readonly partial?: boolean;
  /** Leave the last layer as it was drawn when the file's has another shape or is not there. Default false. */
  readonly freshHead?: boolean;
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
}

export interface ShapeMismatch {
  readonly name: string;
  readonly expected: readonly number[];
  readonly got: readonly number[];
}

/**
 * Sets parameters from the tensors of a safetensors file, by name. Everything is checked before anything is set.
 *
 * Throws a `RangeError` that names what is missing, unexpected or of another shape unless `partial` or `freshHead` allow it, and
 * a `SafetensorsError` where the file breaks the format.
 */
export function loadWeights(
  network: Network,
  bytes: Uint8Array,
  options: LoadWeightsOptions = {},
): LoadReport {
  const { partial = false, freshHead = false, layout = "headstart", source = "weights" } = options;
  const head = headOf(network);
  const mayDiffer = (name: string) => partial || (freshHead && name.startsWith(`${head}/`));
  const shapes = new Map(network.parameters.map(({ name, shape }) => [name, shape]));
  const found = new Map<string, FileTensor>();
  const unexpected: string[] = [];
  for (const [fileName, tensor] of readSafetensors(bytes, source).tensors) {
    const name = nameIn(fileName, options);
    if (name === undefined) continue;
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
  const lost = missing.find((name) => !mayDiffer(name));
  if (lost !== undefined) throw new RangeError(`${source}: there is no tensor for ${lost}`);
  const wrong = mismatched.find(({ name }) => !mayDiffer(name));
  if (wrong !== undefined) {
    throw new RangeError(
      `${source}: expected ${wrong.name} of shape [${wrong.expected}], got [${wrong.got}]` +
        (layout === "pytorch" ? " after turning it around" : ""),
    );
  }
  if (!partial && unexpected.length > 0) {
    throw new RangeError(
      `${source}: tensor "${unexpected[0]}" belongs to no parameter; there are ${[...shapes.keys()].join(", ")}`,
    );
  }
  const differs = new Set(mismatched.map(({ name }) => name));
  const values = [...found]
    .filter(([name]) => !differs.has(name))
    .map(([name, { fileName, tensor, order }]) => {
      return [name, permute(floatsOf(tensor, fileName), tensor.shape, order)] as const;
    });
  for (const [name, data] of values) network.setWeights(name, data);
  return { loaded: values.map(([name]) => name), missing, unexpected, mismatched };
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
  const shapes = new Map(larger.parameters.map(({ name, shape }) => [name, shape]));
  const jobs = network.parameters.flatMap(({ name, shape }) => {
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

/**
 * Net2WiderNet (Chen, Goodfellow & Shlens 2016, arXiv:1511.05641): the weights of a narrower network with the same layers, so that the
 * wider one computes the same function. Unit j of a widened axis copies unit j mod n; what reads it is divided by the number of
 * copies. One rule for all axes of a size keeps the two sides of a residual sum in step, so two axes of n units must become
 * equally wide, and n may not be both widened and kept.
 *
 * Copies learn alike until something tells them apart: dropout, or noise added with `setWeights`.
 * Throws a `RangeError` where names differ, a layer shrinks, or a kernel is none of a dense layer.
 */
export function widenFrom(network: Network, narrower: Network): void {
  const shapes = new Map(narrower.parameters.map(({ name, shape }) => [name, shape]));
  const names = network.parameters.map(({ name }) => name);
  if (names.join() !== [...shapes.keys()].join()) {
    throw new RangeError(
      `widenFrom: expected the same parameters, got ${names.join(", ")} from ${[...shapes.keys()].join(", ")}`,
    );
  }
  const widths = new Map<number, { wide: number; name: string }>();
  const jobs = network.parameters.map(({ name, shape }) => {
    const small = shapes.get(name)!;
    const isKernel = name.endsWith("/kernel");
    if (isKernel ? shape.length !== 2 : shape.length !== 1) {
      throw new RangeError(`widenFrom: expected dense layers, but ${name} has shape [${shape}]`);
    }
    shape.forEach((wide, axis) => {
      const narrow = small[axis]!;
      const known = widths.get(narrow) ?? { wide, name };
      // A single slope or scale is shared by all units: it is copied, and is no width.
      if (!isKernel && narrow === 1 && wide === 1) return;
      if (wide < narrow || known.wide !== wide) {
        throw new RangeError(
          `widenFrom: axis ${axis} of ${name} goes from ${narrow} to ${wide}, but ` +
            (wide < narrow
              ? "widening shrinks nothing"
              : `in ${known.name} ${narrow} goes to ${known.wide}`),
        );
      }
      widths.set(narrow, known);
    });
    return { name, shape, small, isKernel };
  });
  for (const { name, shape, small, isKernel } of jobs) {
    const indices = shape.map((size, axis) =>
      Array.from({ length: size }, (_, j) => j % small[axis]!),
    );
    const values = gather(narrower.weights(name), small, indices);
    if (isKernel) {
      const [rows = 0, cols = 0] = shape;
      const narrow = small[0]!;
      const copies = (row: number) => Math.ceil((rows - (row % narrow)) / narrow);
      for (let i = 0; i < values.length; i++) values[i]! /= copies(Math.floor(i / cols));
    }
    network.setWeights(name, values);
  }
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

/** The values at every combination of the axes' indices, row-major. */
function gather(
  values: Float32Array,
  shape: readonly number[],
  indices: readonly (readonly number[])[],
): Float32Array {
  return gatherStrided(values, stridesOf(shape), indices);
}

function gatherStrided(
  values: Float32Array,
  strides: readonly number[],
  indices: readonly (readonly number[])[],
): Float32Array {
  const out = new Float32Array(indices.reduce((product, axis) => product * axis.length, 1));
  let next = 0;
  const walk = (axis: number, offset: number): void => {
    if (axis === indices.length) {
      out[next++] = values[offset]!;
      return;
    }
    for (const i of indices[axis]!) walk(axis + 1, offset + i * strides[axis]!);
  };
  walk(0, 0);
  return out;
}

function stridesOf(shape: readonly number[]): readonly number[] {
  return shape.map((_, axis) => shape.slice(axis + 1).reduce((product, n) => product * n, 1));
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
