import type { Dataset } from "../data/dataset.ts";
import type { Network } from "../network/network.ts";

export interface GradientCheckOptions {
  /** Chooses the direction. Default 0. */
  readonly seed?: number;
  /** Step of the central difference, relative to a direction of length 1. Default 1e-3, for f32. */
  readonly step?: number;
}

export interface GradientCheck {
  /** `<g, v>`: backpropagation's derivative along the direction. */
  readonly analytic: number;
  /** `(L(w + h v) - L(w - h v)) / 2h` */
  readonly numeric: number;
  /** `|analytic - numeric|` over the larger of the two, or over what a typical direction has, `|g| / sqrt(n)`. */
  readonly relativeError: number;
}

/**
 * Compares backpropagation with a central difference along one random direction through all parameters: the cost does not grow
 * with their number (JAX's `check_grads`). Dropout draws the same mask throughout. The weights are put back.
 */
export function checkGradient(
  network: Network,
  dataset: Dataset,
  { seed = 0, step = 1e-3 }: GradientCheckOptions = {},
): GradientCheck {
  network.lossAndGradient(dataset.inputs, dataset.targets);
  const parameters = network.parameters.map(({ name }) => {
    return { name, values: network.weights(name), gradient: network.gradient(name) };
  });
  const next = randomSigns(seed);
  const directions = parameters.map(({ values }) => values.map(next));
  const length = Math.sqrt(directions.reduce((sum, v) => sum + v.length, 0));
  let analytic = 0;
  parameters.forEach(({ gradient }, i) => {
    gradient.forEach((g, j) => {
      analytic += (g * directions[i]![j]!) / length;
    });
  });
  const lossAt = (h: number): number => {
    parameters.forEach(({ name, values }, i) => {
      network.setWeights(
        name,
        values.map((w, j) => w + (h * directions[i]![j]!) / length),
      );
    });
    return network.lossAndGradient(dataset.inputs, dataset.targets).loss;
  };
  const numeric = (lossAt(step) - lossAt(-step)) / (2 * step);
  for (const { name, values } of parameters) network.setWeights(name, values);
  const squares = parameters.reduce(
    (sum, { gradient }) => sum + gradient.reduce((s, g) => s + g * g, 0),
    0,
  );
  const typical = Math.sqrt(squares) / length; // length^2 is the number of parameters
  const scale = Math.max(Math.abs(analytic), Math.abs(numeric), typical);
  return { analytic, numeric, relativeError: Math.abs(analytic - numeric) / scale };
}

/** +1 and -1 from a small linear congruential generator: any direction will do. */
function randomSigns(seed: number): () => number {
  let state = (seed ^ 0x9e3779b9) >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 31 === 0 ? 1 : -1;
  };
}
