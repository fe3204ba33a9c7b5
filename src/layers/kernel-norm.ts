import type { Param } from "../graph/param-store.ts";
import type { Tape } from "../graph/tape.ts";
import { initializer, resolve } from "../init/initializer.ts";
import { vectorSpec } from "../init/specs.ts";
import { activationFunction } from "../init/theory/activations.ts";
import { shiftedMoments } from "../init/theory/shifted.ts";
import type { KernelNormKind, Weight } from "../ops/norm.ts";
import { normalisedWeight, plainWeight } from "../ops/norm.ts";

/**
 * What is made of a kernel for each unit, `[.., inputs, units]`, with a learnt gain a unit:
 *
 * - `weight_norm`: `w = gain v / |v|` (Salimans & Kingma 2016). The gain starts at `sqrt(fan_in E[v^2])` of the kernel's initializer, the
 *   length that v has on average, so that w starts with v's variance.
 * - `standardised`: `w = gain (v - mean) / (sqrt(n) std)` over the n weights of a unit (scaled weight standardisation, Brock et al. 2021).
 *   The gain starts at the reciprocal standard deviation of f(N(0, 1)), f the layer's own activation: 1.7128 for relu, 1 without one.
 */
export type KernelNorm = KernelNormKind;

const KINDS: readonly KernelNorm[] = ["weight_norm", "standardised"];

/** Throws a `RangeError` for a kind there is none of. */
export function checkKernelNorm(where: string, kind: KernelNorm | undefined): void {
  if (kind === undefined || KINDS.includes(kind)) return;
  throw new RangeError(
    `${where}: there is no kernelNorm "${String(kind)}"; there are ${KINDS.join(", ")}`,
  );
}

/** The kernel of the layer `path` as products take it; with a `kernelNorm` the parameter `gain` beside it. */
export function weightOf(
  tape: Tape,
  path: string,
  kernel: Param,
  kind: KernelNorm | undefined,
): Weight {
  if (kind === undefined) return plainWeight(tape, kernel);
  const units = kernel.spec.shape.at(-1) ?? 1;
  const gain = tape.param(
    `${path}/gain`,
    vectorSpec(kernel.spec, "gain", units),
    initializer("constant", { value: initialGain(kernel, kind) }),
  );
  return normalisedWeight(tape, path, kernel, { kind, gain });
}

/** What the gain beside a kernel starts at. */
export function initialGain(kernel: Pick<Param, "spec" | "initializer">, kind: KernelNorm): number {
  const value = kind === "weight_norm" ? lengthOf(kernel) : gainOf(kernel);
  // Engines may differ in the last bits of Math.exp, and initial values must not.
  return Number(value.toPrecision(10));
}

/** Root mean square length of a unit's weights under their initializer. */
function lengthOf({ spec, initializer: law }: Pick<Param, "spec" | "initializer">): number {
  const { mean, std } = resolve(law, spec).theory;
  const terms = spec.shape.slice(0, -1).reduce((product, n) => product * n, 1);
  return Math.sqrt(terms * (mean * mean + std * std));
}

function gainOf({ spec }: Pick<Param, "spec">): number {
  const { mean, second } = shiftedMoments(activationFunction(spec.activation), 0, 1);
  return 1 / Math.sqrt(second - mean * mean);
}
