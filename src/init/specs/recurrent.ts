import type { ActivationSpec, ParamSpec } from "../types.ts";
import { checkKeys, checkSizes, LINEAR } from "./checks.ts";
import { sideBySide } from "./matrix.ts";
import { vectorSpec } from "./vector.ts";

/** Gates in the order of their columns: PyTorch's. */
const GATES = {
  rnn: ["hidden"],
  lstm: ["input", "forget", "cell", "output"],
  gru: ["reset", "update", "candidate"],
} as const;

export type Cell = keyof typeof GATES;

export interface RecurrentOptions {
  readonly inputs: number;
  readonly units: number;
  /** What follows the sum in an `rnn` cell; the gates of the others have their own. Default linear. */
  readonly activation?: ActivationSpec;
}

/**
 * The input kernel [inputs, gates units], the recurrent kernel [units, gates units] and the bias [gates units] of a cell. Each gate
 * is a linear map, with the fans of its own: fan_out is `units`, not `gates units`.
 *
 * What follows the recurrent kernel is called linear for every cell: its product is one of two terms, and it is applied once a time
 * step, so the gain that suits an activation in a feed-forward net makes a state explode.
 */
export function recurrentSpecs(
  cell: Cell,
  { inputs, units, activation = LINEAR, ...others }: RecurrentOptions,
): { kernel: ParamSpec; recurrent: ParamSpec; bias: ParamSpec } {
  if (!Object.hasOwn(GATES, cell)) {
    throw new RangeError(
      `recurrentSpecs: cell must be ${Object.keys(GATES).join(", ")}, got ${String(cell)}`,
    );
  }
  checkKeys("recurrentSpecs", others, ["inputs", "units", "activation"]);
  checkSizes("recurrentSpecs", { inputs, units });
  const parts = GATES[cell];
  const columns = parts.length * units;
  const kernel: ParamSpec = {
    ...{ layer: cell, role: "kernel", shape: [inputs, columns], fanIn: inputs, fanOut: units },
    ...{ activation: cell === "rnn" ? activation : LINEAR, parts },
    maps: sideBySide(parts.length, inputs, units),
  };
  const recurrent: ParamSpec = {
    ...{ layer: cell, role: "recurrent", shape: [units, columns], fanIn: units, fanOut: units },
    ...{ activation: LINEAR, parts, maps: sideBySide(parts.length, units, units) },
  };
  return { kernel, recurrent, bias: vectorSpec(kernel, "bias", columns) };
}
