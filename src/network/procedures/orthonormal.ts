import { streamKey } from "../../core/rng.ts";
import type { Network } from "../network.ts";
import type { KernelLayer } from "./layers.ts";

/** Off-diagonal products, relative to the squared length, up to which vectors count as orthogonal: f32 gives 1e-6. */
const ORTHOGONAL = 1e-4;

/**
 * Replaces a kernel, seen as [inputs, outputs], by its orthonormal factor: Gram-Schmidt on the shorter side, so that Gaussian weights give
 * a Haar-distributed matrix. A kernel whose rows or columns are already orthogonal and equally long is left alone, whatever its scale;
 * vectors that depend on the ones before (all of a zero kernel) are drawn anew from the stream `<kernel>/orthonormal`.
 */
export function orthonormalise(network: Network, { kernel, inputs, outputs }: KernelLayer): void {
  const weights = network.weights(kernel);
  const isTall = inputs >= outputs;
  const [vectors, length] = isTall ? [outputs, inputs] : [inputs, outputs];
  const at = (v: number, i: number) => (isTall ? i * outputs + v : v * outputs + i);
  const rows = Array.from({ length: vectors }, (_, v) =>
    Float64Array.from({ length }, (_, i) => weights[at(v, i)]!),
  );
  if (areOrthogonal(rows)) return;
  const spare = lazyNormals(network, `${kernel}/orthonormal`, vectors * length);
  rows.forEach((row, v) => {
    const before = rows.slice(0, v);
    if (!makeUnit(row, before)) {
      row.set(spare().subarray(v * length, (v + 1) * length));
      makeUnit(row, before);
    }
  });
  const values = new Float32Array(weights.length);
  rows.forEach((row, v) => {
    row.forEach((x, i) => {
      values[at(v, i)] = x;
    });
  });
  network.setWeights(kernel, values);
}

function areOrthogonal(rows: readonly Float64Array[]): boolean {
  const square = dot(rows[0]!, rows[0]!);
  if (!(square > 0)) return false;
  return rows.every((row, v) => {
    if (Math.abs(dot(row, row) / square - 1) > ORTHOGONAL) return false;
    return rows.slice(0, v).every((other) => Math.abs(dot(row, other)) <= ORTHOGONAL * square);
  });
}

/** Takes off what lies along unit vectors, twice for the rounding, and divides by the length; false when nothing is left. */
function makeUnit(row: Float64Array, units: readonly Float64Array[]): boolean {
  const first = Math.sqrt(dot(row, row));
  for (let pass = 0; pass < 2; pass++) {
    for (const unit of units) {
      const along = dot(row, unit);
      for (let i = 0; i < row.length; i++) row[i]! -= along * unit[i]!;
    }
  }
  const length = Math.sqrt(dot(row, row));
  // f32 weights that depend on one another leave their rounding, 1e-7 of them.
  if (!(length > 1e-6 * first)) return false;
  for (let i = 0; i < row.length; i++) row[i]! /= length;
  return true;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function lazyNormals(network: Network, stream: string, n: number): () => Float32Array {
  let drawn: Float32Array | undefined;
  return () => {
    if (drawn !== undefined) return drawn;
    const { kernels, arena } = network.core;
    const { k0, k1 } = streamKey(network.recipe.seed, stream);
    const at = arena.allocate(n * 4, stream);
    kernels.randomNormal(at, n, 0, 1, k0, k1, 0, 0, 1);
    drawn = arena.f32(at, n).slice();
    return drawn;
  };
}
