import type { Network } from "../network.ts";
import type { Batch, LayerReport } from "./layers.ts";
import { count, kernelLayers, momentsOf, multiply, positive, preactivation } from "./layers.ts";
import { orthonormalise } from "./orthonormal.ts";

export interface LsuvOptions {
  /** A layer is done when |variance - 1| is below it. Default 0.1. */
  readonly tolerance?: number;
  /** Most divisions of one layer, T_max. Default 10. */
  readonly maxIterations?: number;
  /** Begin with orthonormal kernels. Default true; kernels that are orthogonal at any scale are left as they are. */
  readonly orthonormal?: boolean;
}

/**
 * Layer-sequential unit variance: orthonormal kernels, then layer by layer `W <- W / sqrt(Var(z))` until the pre-activation z has
 * variance 1 on the batch (Mishkin & Matas 2016, arXiv:1511.06422, algorithm 1).
 *
 * Reports the variance of z. A layer whose z does not vary is left as it is. A second run changes nothing.
 */
export function lsuv(
  network: Network,
  batch: Batch,
  options: LsuvOptions = {},
): readonly LayerReport[] {
  const tolerance = positive("lsuv: tolerance", options.tolerance ?? 0.1);
  const most = count("lsuv: maxIterations", options.maxIterations ?? 10);
  const layers = kernelLayers(network);
  if (options.orthonormal ?? true) {
    for (const layer of layers) orthonormalise(network, layer);
  }
  return layers.map((layer) => {
    const variance = () => momentsOf(preactivation(network, batch, layer)).variance;
    const before = variance();
    let after = before;
    let iterations = 0;
    while (iterations < most && !(Math.abs(after - 1) < tolerance)) {
      if (!(after > 0 && Number.isFinite(after))) break;
      multiply(network, layer.kernel, 1 / Math.sqrt(after));
      after = variance();
      iterations++;
    }
    return { layer: layer.path, before, after, iterations };
  });
}
