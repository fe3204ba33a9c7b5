import { createDataset } from "../../data/dataset.ts";
import type { Network } from "../network.ts";

/** A batch that a procedure looks at: a `Dataset` is one. */
export interface Batch {
  readonly inputs: ArrayLike<number>;
  readonly targets: ArrayLike<number>;
}

/** A batch for procedures whose formulas have no loss in them: they look at pre-activations alone. */
export interface InputBatch {
  readonly inputs: ArrayLike<number>;
  readonly targets?: ArrayLike<number> | undefined;
}

/** What a procedure did to one layer; the procedure says what its numbers measure. */
export interface LayerReport {
  readonly layer: string;
  readonly before: number;
  readonly after: number;
  readonly iterations: number;
}

/** A layer with a kernel whose last axis counts its outputs, and its bias if it has one. */
export interface KernelLayer {
  readonly path: string;
  readonly kernel: string;
  readonly bias: string | undefined;
  /** Terms summed into one output. */
  readonly inputs: number;
  readonly outputs: number;
}

/** The layers that `y = x W + b` describes, in the order of computation. */
export function kernelLayers({ parameters }: Network): readonly KernelLayer[] {
  const names = new Set(parameters.map(({ name }) => name));
  return parameters.flatMap(({ name, shape }) => {
    if (!name.endsWith("/kernel") || shape.length < 2) return [];
    const path = name.slice(0, -"/kernel".length);
    const bias = names.has(`${path}/bias`) ? `${path}/bias` : undefined;
    const outputs = shape.at(-1)!;
    const inputs = shape.reduce((product, n) => product * n, 1) / outputs;
    return [{ path, kernel: name, bias, inputs, outputs }];
  });
}

/**
 * What the layer's affine map gives on a batch, before its activation: row-major, `outputs` wide.
 *
 * Throws a `RangeError` where it is not finite: what is measured of it would make the layer's parameters so.
 */
export function preactivation(
  where: string,
  network: Network,
  batch: Batch,
  { path }: KernelLayer,
): Float32Array {
  const tensors = network
    .probe(batch.inputs, batch.targets)
    .filter((tensor) => tensor.layer === path);
  const tensor = tensors.find(({ role }) => role === "preactivation") ?? tensors[0];
  if (tensor === undefined) throw new Error(`${path}: the probe shows no output of this layer`);
  const at = tensor.values.findIndex((z) => !Number.isFinite(z));
  if (at >= 0) {
    throw new RangeError(
      `${where}: expected finite pre-activations of ${path}, got ${tensor.values[at]}; weights before it are too large`,
    );
  }
  return tensor.values;
}

/**
 * The batch's mean loss without dropout, or Infinity where it is not finite: a pass stops there, and the gradients that can be read are
 * those of an earlier one.
 */
export function lossOf(network: Network, { inputs, targets }: Batch): number {
  const { input, outputs, targetWidth, loss } = network.recipe;
  const isClasses = loss.targets === "classes";
  const dataset = createDataset({
    ...{ name: "batch", rows: inputs.length / input.reduce((a, b) => a * b, 1), shape: input },
    inputs: Float32Array.from(inputs),
    targets: isClasses ? Int32Array.from(targets) : Float32Array.from(targets),
    classes: isClasses ? outputs / targetWidth : 0,
    targetWidth,
  });
  const value = network.evaluate(dataset).loss;
  return Number.isFinite(value) ? value : Infinity;
}

/** Multiplies every value of a parameter. */
export function multiply(network: Network, name: string, factor: number): void {
  network.setWeights(
    name,
    network.weights(name).map((x) => x * factor),
  );
}

/** Column `c` of a row-major matrix. */
export function column(values: Float32Array, width: number, c: number): Float32Array {
  return Float32Array.from({ length: values.length / width }, (_, row) => values[row * width + c]!);
}

/** `sqrt(sum x^2)` in f64. */
export function norm(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! * values[i]!;
  return Math.sqrt(sum);
}

/** An option that must be positive and finite. */
export function positive(where: string, value: number): number {
  if (value > 0 && Number.isFinite(value)) return value;
  throw new RangeError(`${where}: expected a positive number, got ${value}`);
}

/** An option that must be a whole number of at least 1. */
export function count(where: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new RangeError(`${where}: expected a whole number of at least 1, got ${value}`);
}

/** An option that is one of some words. */
export function oneOf<const T extends string>(where: string, value: T, words: readonly T[]): T {
  if (words.includes(value)) return value;
  throw new RangeError(`${where}: expected one of ${words.join(", ")}, got ${value}`);
}
