import { meanAndVariance } from "../../core/moments.ts";
import type { Network } from "../network.ts";
import { guarded } from "./guard.ts";
import type { InputBatch, KernelLayer, LayerReport } from "./layers.ts";
import { count, kernelLayers, multiply, norm, oneOf, positive, preactivation } from "./layers.ts";
import { orthonormalise } from "./orthonormal.ts";

export interface LsuvOptions {
  /** A layer is done when |variance - 1| is below it. Default 0.1. */
  readonly tolerance?: number;
  /** Most divisions of one layer, T_max. Default 10. */
  readonly maxIterations?: number;
  /** Begin with orthonormal kernels. Default true; kernels that are orthogonal at any scale are left as they are. */
  readonly orthonormal?: boolean;
  /**
   * What becomes of biases, whose spread over the units is part of Var(z) and is not reached by scaling the kernel. `zero`: they begin
   * at 0, as the algorithm takes for granted; `scale`: divided with the kernel; `keep`: left alone, and layers whose biases
   * alone spread too much are reported as not converged. Default `zero`.
   */
  readonly biases?: "zero" | "scale" | "keep";
  /** Kernels of zeros, as `zero_last` makes them on purpose: `skip` them, or `draw` orthonormal ones. Default `skip`. */
  readonly zeroKernels?: "skip" | "draw";
}

/** The variance of z before and after. */
export interface LsuvReport extends LayerReport {
  /** Whether the variance is within the tolerance of 1. */
  readonly converged: boolean;
  /** Why the kernel was not scaled: it is zero; z does not vary; biases alone vary by as much as z should. */
  readonly skipped?: "zero kernel" | "no variance" | "biases";
}

/**
 * Layer-sequential unit variance: orthonormal kernels, then layer by layer `W <- W / sqrt(Var(z))` until the pre-activation z has
 * variance 1 on the batch (Mishkin & Matas 2016, arXiv:1511.06422, algorithm 1). Of the kernels met, the one whose variance is nearest
 * to 1 is kept.
 *
 * Targets may be left out. A second run changes nothing. Throws a `RangeError`, and changes nothing, when the batch has fewer than 2 rows that differ, or
 * when it or a pre-activation is not finite.
 */
export function lsuv(
  network: Network,
  given: InputBatch,
  options: LsuvOptions = {},
): readonly LsuvReport[] {
  const tolerance = positive("lsuv: tolerance", options.tolerance ?? 0.1);
  const most = count("lsuv: maxIterations", options.maxIterations ?? 10);
  const biases = oneOf("lsuv: biases", options.biases ?? "zero", ["zero", "scale", "keep"]);
  const zeros = oneOf("lsuv: zeroKernels", options.zeroKernels ?? "skip", ["skip", "draw"]);
  return guarded("lsuv", network, given, { variation: true, targets: false }, (batch) => {
    const layers = kernelLayers(network).map((layer) => {
      const isZero = zeros === "skip" && norm(network.weights(layer.kernel)) === 0;
      return { ...layer, isZero };
    });
    for (const layer of layers) {
      if (layer.isZero) continue;
      if (options.orthonormal ?? true) orthonormalise(network, layer);
      if (biases === "zero" && layer.bias !== undefined) multiply(network, layer.bias, 0);
    }
    return layers.map(({ isZero, ...layer }) => {
      const variance = () => meanAndVariance(preactivation("lsuv", network, batch, layer)).variance;
      const before = variance();
      const report = (after: number, iterations: number, skipped?: LsuvReport["skipped"]) => ({
        ...{ layer: layer.path, before, after, iterations },
        converged: Math.abs(after - 1) < tolerance,
        ...(skipped === undefined ? {} : { skipped }),
      });
      if (isZero) return report(before, 0, "zero kernel");
      if (before === 0) return report(before, 0, "no variance");
      if (Math.abs(before - 1) < tolerance) return report(before, 0);
      if (biases === "keep" && biasVariance(network, layer) >= 1) {
        return report(before, 0, "biases");
      }
      const scaled = [layer.kernel, ...(biases === "scale" && layer.bias ? [layer.bias] : [])];
      const values = () => scaled.map((name) => [name, network.weights(name)] as const);
      let best = { variance: before, values: values() };
      let iterations = 0;
      for (let now = before; iterations < most && Math.abs(now - 1) >= tolerance; iterations++) {
        for (const name of scaled) multiply(network, name, 1 / Math.sqrt(now));
        now = variance();
        if (now === 0) break; // below what float32 can hold
        if (Math.abs(now - 1) < Math.abs(best.variance - 1))
          best = { variance: now, values: values() };
      }
      for (const [name, kept] of best.values) network.setWeights(name, kept);
      return report(best.variance, iterations);
    });
  });
}

/** What Var(z) is without a kernel. */
function biasVariance(network: Network, { bias }: KernelLayer): number {
  return bias === undefined ? 0 : meanAndVariance(network.weights(bias)).variance;
}
