import { secondMoment } from "../core/moments.ts";
import type { Network, ProbedTensor } from "../network/network.ts";

/** A fixed batch that signals are measured on. */
export interface ProbeBatch {
  readonly inputs: Float32Array;
  readonly targets: Int32Array;
}

/** What goes forward and back through a network on one batch. Moments may be infinite or NaN. */
export interface Signals {
  /** E[h^2] of each weight layer's output, after its activation. */
  readonly forward: readonly number[];
  /** E[(dl/dh)^2] of the same tensors, l the loss of the row itself, so that it does not depend on the size of the batch. */
  readonly gradient: readonly number[];
  /** In every hidden layer all units give the same number, row by row: the layer is worth one unit. */
  readonly unitsAreEqual: boolean;
}

/**
 * One pass forward and back, no update.
 *
 * The moments are summed in f64 here: the f32 of a kernel would lose what N(0, 0.01^2) leaves after 20 layers, 1e-50.
 */
export function measureSignals(network: Network, { inputs, targets }: ProbeBatch): Signals {
  const rows = targets.length;
  const outputs = layerOutputs(network.probe(inputs, targets));
  const forward = outputs.map(({ values }) => secondMoment(values));
  // Logits of 1e36 may give a loss that is not finite in f32, and then the pass ends before it goes back.
  const goesBack = forward.at(-1)! < 1e72;
  return {
    forward,
    // The gradient is that of the mean loss: 1 / rows of each row's own.
    gradient: outputs.map(({ gradient }) =>
      goesBack ? rows * rows * secondMoment(gradient!) : Number.NaN,
    ),
    unitsAreEqual: outputs.slice(0, -1).every(({ values }) => isConstantByRow(values, rows)),
  };
}

/** The last tensor of each weight layer: its output, whether or not the activation was fused. */
function layerOutputs(tensors: readonly ProbedTensor[]): readonly ProbedTensor[] {
  const byLayer = new Map<string, ProbedTensor>();
  for (const tensor of tensors) {
    if (tensor.layer !== "input") byLayer.set(tensor.layer, tensor);
  }
  return [...byLayer.values()];
}

/** Equal to rounding: equal columns of a product may be summed in another order at the edge of a tile. */
function isConstantByRow(values: Float32Array, rows: number): boolean {
  const width = values.length / rows;
  return values.every((value, i) => {
    const first = values[i - (i % width)]!;
    return Math.abs(value - first) <= 1e-5 * Math.abs(first);
  });
}
