import { isFlatAtZero } from "../init/flat.ts";
import { gain } from "../init/gains.ts";
import { describeInitializer, initializer, resolve } from "../init/initializer.ts";
import { scaled } from "../init/scaled.ts";
import { edgeOfChaos } from "../init/theory/edge-of-chaos.ts";
import type { ActivationSpec, ParamSpec } from "../init/types.ts";
import type { Measured } from "../network/explain.ts";
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

/** Layers in a row from which depth decides. */
const DEEP = 10;

/** A recommended head's logits: a tenth of Glorot's deviation, so that the loss starts within a per cent of that of a guess. */
const SMALL_HEAD = 0.1;

/** For each kernel the scheme that its activation, the network's depth and its residual blocks ask for. */
export function recommend(network: Network): readonly Recommendation[] {
  const explained = new Map(network.explain().map((e) => [e.name, e]));
  const { parameters, ...shape } = structureOf(network);
  const valued = parameters.map((parameter) => {
    const { why, measured } = explained.get(parameter.name)!;
    const ruled = why.by === "policy" ? { policy: why.reason } : {};
    return { ...parameter, measured, isDraw: why.by !== "values", ...ruled };
  });
  return recommendFor({ ...shape, parameters: valued });
}

/** A parameter with its place and, where a network exists, what its present values are like. */
export type RecommendParameter = Structure["parameters"][number] & {
  readonly measured?: Pick<Measured, "mean" | "std">;
  /** Whether the present values are a draw of the initializer. Default true. */
  readonly isDraw?: boolean;
  /** Why the network's policy gave the parameter its initializer, where it did: what suits one kernel alone would undo its rule. */
  readonly policy?: string;
};

export interface RecommendSubject extends Omit<Structure, "parameters"> {
  readonly parameters: readonly RecommendParameter[];
}

/** `recommend` for parameters that need not be a network's. */
export function recommendFor(subject: RecommendSubject): readonly Recommendation[] {
  return subject.parameters.flatMap((parameter) => {
    const { name, spec, initializer: present, measured, isDraw = true } = parameter;
    if (spec.role !== "kernel") return [];
    const { scheme, reason } = choose(parameter, subject);
    const text = describeInitializer(initializer(scheme));
    const now = describeInitializer(present);
    if (isDraw || measured === undefined) {
      return [{ parameter: name, scheme: text, reason, present: now, isPresent: text === now }];
    }
    const { mean, std } = measured;
    const values = `values of mean ${short(mean)} and std ${short(std)}, no draw of ${now}`;
    return [{ parameter: name, scheme: text, reason, present: values, isPresent: false }];
  });
}

interface Suited {
  readonly scheme: string;
  readonly reason: string;
}

function choose(parameter: RecommendParameter, subject: RecommendSubject): Suited {
  const { policy, initializer: present } = parameter;
  if (policy !== undefined) return { scheme: describeInitializer(present), reason: policy };
  const { spec, place } = parameter;
  const { activation, isNormalised, isOutput, endsBranch, residual } = place;
  const { blocks, depth } = subject;
  const isLong = blocks > 1 && !isNormalised && residual !== undefined;
  if (isLong && endsBranch && !isSilenced(residual, subject)) {
    if (!isFlatAtZero(activation)) {
      return {
        scheme: "zeros",
        reason: `the last kernel of one of ${blocks} residual branches: at 0 each block starts as the identity, and the signal keeps its length at any depth`,
      };
    }
    const { scheme } = suited(activation);
    return {
      scheme: describeInitializer(scaled(initializer(scheme), short(1 / blocks))),
      reason: `the last kernel of one of ${blocks} residual branches, with ${activation.name} behind it: at 0, where its slope is 0, it would never move; 1 / ${blocks} of what suits ${activation.name}, whose outputs have one sign and add up, keeps the signal's length`,
    };
  }
  if (isOutput) return head(spec, subject);
  const run = runOf(parameter, subject);
  if (run >= DEEP && activation.name === "linear") {
    return {
      scheme: "orthogonal:gain=1",
      reason: `${run} linear layers in a row: their product is orthogonal too, and keeps every length (Saxe et al. 2014)`,
    };
  }
  if (run >= DEEP && activation.name === "tanh") {
    return {
      scheme: "orthogonal:gain=1",
      reason: `${run} layers of tanh in a row: orthogonal weights near gain 1 bring all singular values of the Jacobian near 1 (Pennington et al. 2017)`,
    };
  }
  const { scheme, reason } = suited(activation);
  if (run >= DEEP && /^(gelu|gelu_tanh|silu|mish|hard_swish)$/.test(activation.name)) {
    return {
      scheme,
      reason: `${reason}; ${run} layers of it, of ${depth} weight layers, are too many at any gain: normalise, or use residual blocks`,
    };
  }
  if (run >= DEEP_SIGMOID && isSigmoid(activation)) {
    const scale = criticalScale(activation);
    return {
      scheme: `variance_scaling:scale=${scale},distribution=normal`,
      reason: `${run} layers of ${activation.name} in a row: at ${scale} / fan_in, its edge of chaos, a gradient keeps its size, where 12.8 / fan_in hands on a third a layer`,
    };
  }
  return { scheme, reason };
}

/** The variance times fan_in at which a gradient keeps its size from layer to layer: 103.0 for sigmoid, 106.7 for hard_sigmoid. */
export function criticalScale(activation: ActivationSpec): number {
  return Number((edgeOfChaos(activation)?.sigmaW2 ?? 1).toPrecision(4));
}

export function isSigmoid({ name }: ActivationSpec): boolean {
  return name === "sigmoid" || name === "hard_sigmoid";
}

/** From here on Kumar's variance leaves too little of a gradient: 0.35^5 is 0.5 %. */
export const DEEP_SIGMOID = 5;

/** Whether learnt factors make of a branch so little that all blocks together add no more than the signal has. */
function isSilenced(residual: string, { blocks, parameters }: RecommendSubject): boolean {
  const gains = parameters.filter((p) => p.spec.role === "gain" && p.place.residual === residual);
  const factor = gains.reduce((product, { spec, initializer: like, measured }) => {
    const { mean, std } = measured ?? resolve(like, spec).theory;
    return product * (mean * mean + std * std);
  }, 1);
  return gains.length > 0 && factor * blocks <= 1;
}

function head({ fanIn, fanOut }: ParamSpec, { loss, depth }: RecommendSubject): Suited {
  const source = depth > 1 ? "the hidden layer's" : "the inputs'";
  const share = (2 * fanIn) / (fanIn + fanOut);
  if (loss.targets === "classes" || loss.kind === "binary_cross_entropy") {
    return {
      scheme: `glorot_uniform * ${SMALL_HEAD}`,
      reason: `the logits: at ${SMALL_HEAD} of Glorot's deviation they have ${short(share * SMALL_HEAD ** 2)} of ${source} second moment, too little to favour a class; Glorot's own would have ${short(share)}`,
    };
  }
  return {
    scheme: "glorot_uniform",
    reason: `the outputs: ${short(share)} times ${source} second moment, the order of standardised targets, and of the gradient that goes back`,
  };
}

/** Kernels in a row, this one among them, outside residual branches and before the same activation, with no normalisation between. */
function runOf({ name, place }: RecommendParameter, { parameters }: RecommendSubject): number {
  if (place.residual !== undefined || place.isNormalised) return 1;
  const kernels = parameters.filter(({ spec }) => spec.role === "kernel");
  const at = kernels.findIndex((kernel) => kernel.name === name);
  const isAlike = ({ place: other }: RecommendParameter) =>
    other.residual === undefined &&
    !other.isNormalised &&
    other.activation.name === place.activation.name;
  let from = at;
  while (from > 0 && isAlike(kernels[from - 1]!)) from--;
  let to = at;
  while (to + 1 < kernels.length && isAlike(kernels[to + 1]!)) to++;
  return to - from + 1;
}

function short(x: number): number {
  return Number(x.toPrecision(3));
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
    case "sin":
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
