import { gain } from "../init/gains.ts";
import { describeInitializer, initializer } from "../init/initializer.ts";
import type { ActivationSpec } from "../init/types.ts";
import type { Network } from "../network/network.ts";
import type { Structure } from "./structure.ts";
import { structureOf } from "./structure.ts";

/** What suits a kernel, and why. */
export interface Recommendation {
  readonly parameter: string;
  /** The scheme with its options, as layers take it. */
  readonly scheme: string;
  readonly reason: string;
  /** What the network has now. */
  readonly present: string;
  /** Whether the network has it already. */
  readonly isPresent: boolean;
}

/** Weight layers from which a network counts as deep. */
const DEEP = 10;

/** For each kernel the scheme that its activation, the network's depth and its residual blocks ask for. */
export function recommend(network: Network): readonly Recommendation[] {
  return recommendFor(structureOf(network));
}

/** `recommend` for parameters that need not be a network's. */
export function recommendFor(structure: Structure): readonly Recommendation[] {
  return structure.parameters.flatMap(({ name, spec, place, initializer: present }) => {
    if (spec.role !== "kernel") return [];
    const { scheme, reason } = choose(place, structure);
    const text = describeInitializer(initializer(scheme));
    const now = describeInitializer(present);
    return [{ parameter: name, scheme: text, reason, present: now, isPresent: text === now }];
  });
}

interface Suited {
  readonly scheme: string;
  readonly reason: string;
}

function choose(
  place: Structure["parameters"][number]["place"],
  { depth, blocks, parameters }: Structure,
): Suited {
  const { activation, isNormalised, isOutput, endsBranch, residual } = place;
  // A branch with a factor of its own starts at nothing by that: zeros twice would learn nothing.
  const isScaled = parameters.some((p) => p.spec.role === "gain" && p.place.residual === residual);
  if (endsBranch && !isNormalised && !isScaled && blocks > 1) {
    return {
      scheme: "zeros",
      reason: `the last kernel of one of ${blocks} residual branches: at 0 each block starts as the identity, and the signal keeps its length at any depth`,
    };
  }
  if (isOutput) {
    return {
      scheme: "glorot_uniform",
      reason: "the outputs: small enough that no class is favoured at first",
    };
  }
  const isDeep = depth >= DEEP && residual === undefined && !isNormalised;
  if (isDeep && activation.name === "linear") {
    return {
      scheme: "orthogonal:gain=1",
      reason: `${depth} weight layers: products of orthogonal matrices keep every length exactly (Saxe et al. 2014)`,
    };
  }
  if (isDeep && activation.name === "tanh") {
    return {
      scheme: "orthogonal:gain=1",
      reason: `${depth} weight layers of tanh: orthogonal weights near gain 1 bring all singular values of the Jacobian near 1 (Pennington et al. 2017)`,
    };
  }
  const { scheme, reason } = suited(activation);
  if (isDeep && /^(gelu|gelu_tanh|silu|mish|hard_swish)$/.test(activation.name)) {
    return {
      scheme,
      reason: `${reason}; ${depth} weight layers are too many for it at any gain: normalise, or use residual blocks`,
    };
  }
  return { scheme, reason };
}

/** The scheme for an activation, whatever stands around it. */
export function suited(activation: ActivationSpec): Suited {
  const { name, alpha } = activation;
  switch (name) {
    case "relu":
    case "relu6":
      return {
        scheme: "he_normal",
        reason: `${name} drops half of the second moment, 2 / fan_in doubles it (He et al. 2015, eq. 10)`,
      };
    case "leaky_relu":
    case "prelu":
      return {
        scheme: alpha === 0 ? "he_normal" : `he_normal:slope=${alpha}`,
        reason: `2 / ((1 + slope^2) fan_in) makes good what a slope of ${alpha} drops (He et al. 2015, eq. 15)`,
      };
    case "selu":
      return {
        scheme: "lecun_normal",
        reason: "selu is made to normalise itself at variance 1 / fan_in (Klambauer et al. 2017)",
      };
    case "sigmoid":
    case "hard_sigmoid":
      return {
        scheme: "variance_scaling:scale=12.8,distribution=normal",
        reason: "a sigmoid's slope of 1/4 wants 3.6 / sqrt(fan_in) (Kumar 2017)",
      };
    case "tanh":
    case "hard_tanh":
    case "softsign":
    case "linear":
      return {
        scheme: "glorot_uniform",
        reason: `${name} has slope 1 at 0: the mean of what signal and gradient ask for (Glorot & Bengio 2010, eq. 12)`,
      };
    default: {
      const square = Number((gain(activation) ** 2).toPrecision(4));
      return {
        scheme: `variance_scaling:scale=${square},distribution=normal`,
        reason: `${name} hands on ${Number((1 / square).toPrecision(3))} of the second moment of N(0, 1), ${square} / fan_in makes it good`,
      };
    }
  }
}
