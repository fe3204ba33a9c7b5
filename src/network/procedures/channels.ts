import { meanAndVariance } from "../../core/moments.ts";
import type { Network } from "../network.ts";
import { guarded } from "./guard.ts";
import type { Batch, InputBatch, KernelLayer, LayerReport } from "./layers.ts";
import { column, kernelLayers, norm, preactivation } from "./layers.ts";

/**
 * Gives every channel of every layer's pre-activation mean 0 and variance 1 on the batch: `W <- W / sigma`, `b <- (b - mu) / sigma`,
 * layer after layer, each measured behind those already done. Channels that do not vary only lose their mean; layers without a bias
 * keep theirs. Targets may be left out, here and in the others of this file.
 *
 * Reports the greatest |mean| and |variance - 1| of a channel, whichever is greater. Throws a `RangeError`, and changes nothing, when
 * the batch has fewer than 2 rows that differ, or when it or a pre-activation is not finite; so do the other procedures here.
 */
export function normaliseChannels(network: Network, given: InputBatch): readonly LayerReport[] {
  return guarded(
    "normaliseChannels",
    network,
    given,
    { variation: true, targets: false },
    (batch) => normalised("normaliseChannels", network, batch),
  );
}

/** `normaliseChannels` on a batch that was checked. */
export function normalised(where: string, network: Network, batch: Batch): readonly LayerReport[] {
  return kernelLayers(network).map((layer) => {
    const z = preactivation(where, network, batch, layer);
    const channels = Array.from({ length: layer.outputs }, (_, c) => {
      const { mean, variance } = meanAndVariance(column(z, layer.outputs, c));
      // Below the rounding of f32 there is nothing to enlarge.
      const sigma = Math.sqrt(variance);
      return { mean, sigma: sigma > 1e-6 * Math.abs(mean) && sigma > 0 ? sigma : 1 };
    });
    const weights = network.weights(layer.kernel);
    const scaled = weights.map((w, i) => w / channels[i % layer.outputs]!.sigma);
    network.setWeights(layer.kernel, scaled);
    if (layer.bias !== undefined) {
      const bias = network.weights(layer.bias);
      network.setWeights(
        layer.bias,
        bias.map((b, c) => (b - channels[c]!.mean) / channels[c]!.sigma),
      );
    }
    const after = preactivation(where, network, batch, layer);
    return {
      layer: layer.path,
      before: defect(z, layer),
      after: defect(after, layer),
      iterations: 1,
    };
  });
}

/**
 * The data-dependent initialisation of weight normalisation (Salimans & Kingma 2016, eq. 5): with t = v x / |v|, `g = 1 / sigma[t]`
 * and `b = -mu[t] / sigma[t]`, where v is the direction of the weights that are there; `W = g v / |v|`. Biases begin at 0.
 *
 * Each layer is measured again behind the ones done. Reports as `normaliseChannels` does.
 */
export function weightNormInit(network: Network, given: InputBatch): readonly LayerReport[] {
  return guarded("weightNormInit", network, given, { variation: true, targets: false }, (batch) => {
    takeDirections(network);
    return normalised("weightNormInit", network, batch);
  });
}

/** Divides each output's weights by their length; biases become 0. */
function takeDirections(network: Network): void {
  for (const { kernel, bias, outputs } of kernelLayers(network)) {
    const weights = network.weights(kernel);
    const lengths = Array.from(
      { length: outputs },
      (_, c) => norm(column(weights, outputs, c)) || 1,
    );
    network.setWeights(
      kernel,
      weights.map((w, i) => w / lengths[i % outputs]!),
    );
    if (bias !== undefined) network.setWeights(bias, new Float32Array(outputs));
  }
}

export interface CalibrateBiasOptions {
  /** Share of the batch on which a unit's pre-activation is positive. Default 0.5. */
  readonly active?: number;
  /** Which layers, by path. Default: all but the last, which has no unit to keep alive. */
  readonly layers?: (path: string) => boolean;
}

/**
 * `b <- b - quantile_(1 - p)(z)` for each unit, layer after layer: on the batch the unit is active (z > 0) with probability p. The
 * quantile lies half-way between two values, so the share is within 1 / rows of p unless values are equal.
 *
 * Reports the mean share of active units. Throws a `RangeError` when a layer has no bias.
 */
export function calibrateBias(
  network: Network,
  given: InputBatch,
  { active = 0.5, layers }: CalibrateBiasOptions = {},
): readonly LayerReport[] {
  if (!(active > 0 && active < 1)) {
    throw new RangeError(`calibrateBias: active must be between 0 and 1, got ${active}`);
  }
  const all = kernelLayers(network);
  const chosen = all.filter(({ path }, i) => (layers ? layers(path) : i < all.length - 1));
  const bare = chosen.find(({ bias }) => bias === undefined);
  if (bare !== undefined) {
    throw new RangeError(`calibrateBias: expected a bias in ${bare.path}, got none`);
  }
  return guarded("calibrateBias", network, given, { variation: true, targets: false }, (batch) =>
    chosen.map((layer) => {
      const { outputs, path } = layer;
      const bias = layer.bias!;
      const z = preactivation("calibrateBias", network, batch, layer);
      const shifts = Array.from({ length: outputs }, (_, c) =>
        threshold(column(z, outputs, c), active),
      );
      network.setWeights(
        bias,
        network.weights(bias).map((b, c) => b - shifts[c]!),
      );
      const after = activeShare(preactivation("calibrateBias", network, batch, layer));
      return { layer: path, before: activeShare(z), after, iterations: 1 };
    }),
  );
}

/** A number that, as nearly as equal values allow, `active` of the values exceed: half-way between two that differ. */
function threshold(values: Float32Array, active: number): number {
  const sorted = Float32Array.from(values).sort();
  const n = sorted.length;
  const below = Math.round((1 - active) * n);
  let [from, to] = [below, below];
  while (from > 0 && from < n && sorted[from - 1] === sorted[from]) from--;
  while (to > 0 && to < n && sorted[to - 1] === sorted[to]) to++;
  const at = below - from <= to - below ? from : to;
  const [low, high] = [sorted[at - 1], sorted[at]];
  if (low === undefined) return high! - 1e-3 * (1 + Math.abs(high!));
  if (high === undefined) return low + 1e-3 * (1 + Math.abs(low));
  return (low + high) / 2;
}

function activeShare(z: Float32Array): number {
  return z.reduce((sum, x) => sum + (x > 0 ? 1 : 0), 0) / z.length;
}

function defect(z: Float32Array, { outputs }: KernelLayer): number {
  let worst = 0;
  for (let c = 0; c < outputs; c++) {
    const { mean, variance } = meanAndVariance(column(z, outputs, c));
    worst = Math.max(worst, Math.abs(mean), Math.abs(variance - 1));
  }
  return worst;
}
