import type { Network } from "../network.ts";
import type { Batch } from "./layers.ts";

/** What a procedure needs of its batch beyond numbers that are finite. */
export interface Needs {
  /** At least 2 rows that differ: variances, quantiles and relative gradients say nothing of fewer. */
  readonly variation: boolean;
}

/**
 * Checks network and batch, then runs; should anything throw, the parameters are those that were there before.
 *
 * Throws a `RangeError` that begins with the procedure's name: `lsuv: batch: expected …`.
 */
export function guarded<T>(
  where: string,
  network: Network,
  batch: Batch,
  { variation }: Needs,
  run: () => T,
): T {
  checkParameters(where, network);
  checkBatch(where, network, batch);
  if (variation) checkVariation(where, network, batch);
  return atomically(network, run);
}

/** Runs; should it throw, the parameters are those that were there before. */
export function atomically<T>(network: Network, run: () => T): T {
  const before = network.parameters.map(({ name }) => [name, network.weights(name)] as const);
  try {
    return run();
  } catch (error) {
    for (const [name, values] of before) network.setWeights(name, values);
    throw error;
  }
}

function checkParameters(where: string, network: Network): void {
  for (const { name } of network.parameters) {
    const weights = network.weights(name);
    const at = weights.findIndex((w) => !Number.isFinite(w));
    if (at >= 0) {
      throw new RangeError(
        `${where}: expected finite parameters, but ${name} holds ${weights[at]} at index ${at}`,
      );
    }
  }
}

function checkBatch(where: string, network: Network, { inputs, targets }: Batch): void {
  const width = widthOf(network);
  const rows = inputs.length / width;
  if (!Number.isInteger(rows) || rows < 1) {
    throw new RangeError(
      `${where}: batch: expected rows of ${width} inputs (shape [${network.recipe.input}]), got ${inputs.length} numbers`,
    );
  }
  const { loss, outputs } = network.recipe;
  const perRow = loss.targets === "classes" ? 1 : outputs;
  if (targets.length !== rows * perRow) {
    throw new RangeError(
      `${where}: batch: expected ${rows * perRow} targets for ${rows} rows, got ${targets.length}`,
    );
  }
  checkFinite(where, "input", inputs, width);
  checkFinite(where, "target", targets, perRow);
  if (loss.targets === "values") return;
  for (let row = 0; row < rows; row++) {
    const label = targets[row]!;
    if (Number.isInteger(label) && label >= 0 && label < outputs) continue;
    throw new RangeError(
      `${where}: batch: row ${row}: expected a class from 0 to ${outputs - 1}, got ${label}`,
    );
  }
}

function checkFinite(where: string, what: string, values: ArrayLike<number>, width: number): void {
  for (let i = 0; i < values.length; i++) {
    // What float32 cannot hold is infinite in the core.
    if (Number.isFinite(Math.fround(values[i]!))) continue;
    throw new RangeError(
      `${where}: batch: expected finite float32 numbers, ${what} ${i % width} of row ${Math.floor(i / width)} is ${values[i]}`,
    );
  }
}

function checkVariation(where: string, network: Network, { inputs }: Batch): void {
  const width = widthOf(network);
  const rows = inputs.length / width;
  if (rows < 2) {
    throw new RangeError(`${where}: batch: expected at least 2 rows, got ${rows}`);
  }
  for (let i = width; i < inputs.length; i++) {
    if (inputs[i] !== inputs[i - width]) return;
  }
  throw new RangeError(
    `${where}: batch: expected rows that differ, got ${rows} that are all alike`,
  );
}

function widthOf({ recipe }: Network): number {
  return recipe.input.reduce((a, b) => a * b, 1);
}
