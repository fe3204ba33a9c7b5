import type { Network } from "../network/network.ts";
import type { Moments } from "./moments.ts";
import { momentsOf } from "./moments.ts";

/** A tensor of one pass over a batch, forward, and its gradient of the mean loss. */
export interface LayerSignal {
  readonly layer: string;
  readonly role: string;
  readonly forward: Moments;
  /** Undefined where nothing learns. */
  readonly gradient: Moments | undefined;
}

/** The signal through a network, in the order of computation: one pass forward and backward over a batch, no update. */
export function signals(
  network: Network,
  inputs: ArrayLike<number>,
  targets: ArrayLike<number>,
): readonly LayerSignal[] {
  return network.probe(inputs, targets).map(({ layer, role, values, gradient }) => ({
    ...{ layer, role, forward: momentsOf(values) },
    gradient: gradient && momentsOf(gradient),
  }));
}
