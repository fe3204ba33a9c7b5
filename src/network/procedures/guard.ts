import type { Network } from "../network.ts";
import type { Batch, InputBatch } from "./layers.ts";

/** What a procedure needs of its batch beyond numbers that are finite. */
export interface Needs {
  /** At least 2 rows that differ: variances, quantiles and relative gradients say nothing of fewer. */
  readonly variation: boolean;
  /** Targets: procedures that read a loss or a gradient do not go without. */
  readonly targets: boolean;
}

/**
 * Checks network and batch, then runs; should anything throw, the parameters are those that were there before.
 *
 * Where targets are not needed and not there, `run` gets zeros for them: a pass wants some. Throws a `TypeError` when the batch is none,
 * and a `RangeError` when its numbers do not fit; both begin with the procedure's name: `lsuv: batch: expected …`.
 */
export function guarded<T>(
  where: string,
  network: Network,
  given: InputBatch,
  { variation, targets }: Needs,
  run: (batch: Batch) => T,
): T {
  checkParameters(where, network);
  const batch = completed(where, network, given, targets);
  checkBatch(where, network, batch);
  if (variation) checkVariation(where, network, batch);
  return atomically(network, () => run(batch));
}

function completed(where: string, network: Network, given: unknown, needsTargets: boolean): Batch {
  const wanted = needsTargets ? "{ inputs, targets }" : "{ inputs }";
  if (typeof given !== "object" || given === null) {
    throw new TypeError(`${where}: batch: expected ${wanted}, got ${String(given)}`);
  }
  const { inputs, targets } = given as Partial<Batch>;
  if (!isList(inputs)) {
    throw new TypeError(
      `${where}: batch: expected ${wanted}, inputs an array of numbers, got ${String(inputs)}`,
    );
  }
  if (isList(targets)) return { inputs, targets };
  if (needsTargets || targets !== undefined) {
    throw new TypeError(
      `${where}: batch: expected ${wanted}, targets an array of numbers, got ${String(targets)}`,
    );
  }
  const { loss, outputs } = network.recipe;
  const rows = Math.floor(inputs.length / widthOf(network));
  return { inputs, targets: new Float32Array(rows * (loss.targets === "classes" ? 1 : outputs)) };
}

function isList(value: unknown): value is ArrayLike<number> {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && "length" in value);
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
