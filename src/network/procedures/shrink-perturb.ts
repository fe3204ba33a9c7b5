import type { Network } from "../network.ts";

export interface ShrinkPerturbOptions {
  /** Factor on every weight, from 0 to 1. */
  readonly shrink: number;
  /** Standard deviation of what is added. */
  readonly noise: number;
  /** Default: the network's. Another call wants another seed, or it adds the same numbers. */
  readonly seed?: number;
}

/**
 * `w <- shrink w + noise N(0, 1)` for every parameter, biases included (Ash & Adams 2020): a warm start that generalises like a fresh one.
 *
 * The optimiser keeps its state. Throws a `RangeError`, and changes nothing, when an option is not in its range.
 */
export function shrinkPerturb(
  network: Network,
  { shrink, noise, seed = network.recipe.seed }: ShrinkPerturbOptions,
): void {
  if (!(shrink >= 0 && shrink <= 1)) {
    throw new RangeError(`shrinkPerturb: shrink must be from 0 to 1, got ${shrink}`);
  }
  if (!(noise >= 0 && Number.isFinite(noise))) {
    throw new RangeError(`shrinkPerturb: noise must be finite and not negative, got ${noise}`);
  }
  for (const { name } of network.parameters) {
    const added = network.draw(name, { scheme: "normal", options: { std: noise } }, seed);
    network.setWeights(
      name,
      network.weights(name).map((w, i) => shrink * w + added[i]!),
    );
  }
}
