import type { Network } from "../network.ts";
import { normalised } from "./channels.ts";
import { guarded } from "./guard.ts";
import type { Batch, KernelLayer, LayerReport } from "./layers.ts";
import { count, kernelLayers, multiply, norm, positive } from "./layers.ts";

export interface KrahenbuhlOptions {
  /** Layers agree when every relative gradient is within this share of their geometric mean. Default 0.01. */
  readonly tolerance?: number;
  /** Most rounds between layers. Default 100. */
  readonly maxIterations?: number;
  /** Part of each correction that is taken; 1 is exact for a chain of relu layers. Default 0.5. */
  readonly damping?: number;
}

/**
 * Data-dependent initialisation (Krähenbühl et al. 2016, arXiv:1511.06856, algorithms 1 and 2).
 *
 * Within layers: every channel gets mean 0 and variance 1 on the batch. Between layers: with C_k = |dL/dW_k| / |W_k|, the rate at which
 * layer k would change, and C their geometric mean, `W_k <- s_k W_k`, `s_k = (C_k / C)^(damping / 2)`, and `b_k` by the product of s up to
 * k. The s multiply to 1, so a chain of layers with positively homogeneous activations keeps its outputs, channels keep their mean 0,
 * and C_k falls by s_k^2. The gradient is that of the mean loss over the batch.
 *
 * Reports C_k / C before and after the second part. Throws a `RangeError`, and changes nothing, when the batch has fewer than 2 rows
 * that differ, when a number is not finite, or when a layer has no gradient.
 */
export function krahenbuhl(
  network: Network,
  batch: Batch,
  options: KrahenbuhlOptions = {},
): readonly LayerReport[] {
  const tolerance = positive("krahenbuhl: tolerance", options.tolerance ?? 0.01);
  const most = count("krahenbuhl: maxIterations", options.maxIterations ?? 100);
  const damping = positive("krahenbuhl: damping", options.damping ?? 0.5);
  return guarded("krahenbuhl", network, batch, { variation: true, targets: true }, () => {
    normalised("krahenbuhl", network, batch);
    const layers = kernelLayers(network);
    const before = relativeRates(network, batch, layers);
    let after = before;
    let iterations = 0;
    while (iterations < most && after.some((rate) => Math.abs(rate - 1) > tolerance)) {
      let product = 1;
      layers.forEach(({ kernel, bias }, k) => {
        const s = after[k]! ** (damping / 2);
        product *= s;
        multiply(network, kernel, s);
        if (bias !== undefined) multiply(network, bias, product);
      });
      after = relativeRates(network, batch, layers);
      iterations++;
    }
    return layers.map(({ path }, k) => {
      return { layer: path, before: before[k]!, after: after[k]!, iterations };
    });
  });
}

/** C_k over the geometric mean of all. Throws a `RangeError` where a layer has no gradient or no weights to relate it to. */
function relativeRates(
  network: Network,
  batch: Batch,
  layers: readonly KernelLayer[],
): readonly number[] {
  network.probe(batch.inputs, batch.targets);
  const rates = layers.map(({ kernel, path }) => {
    const rate = norm(network.gradient(kernel)) / norm(network.weights(kernel));
    if (rate > 0 && Number.isFinite(rate)) return rate;
    throw new RangeError(
      `krahenbuhl: expected weights and a gradient in ${path}, their ratio is ${rate}`,
    );
  });
  const mean = Math.exp(rates.reduce((sum, rate) => sum + Math.log(rate), 0) / rates.length);
  return rates.map((rate) => rate / mean);
}
