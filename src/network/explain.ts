import { meanAndVariance } from "../core/moments.ts";
import type { Param } from "../graph/param-store.ts";
import { defaultInitializer } from "../init/defaults.ts";
import type { Theory } from "../init/draw.ts";
import { gain } from "../init/gains.ts";
import { describeInitializer, describeRounded, resolve } from "../init/initializer.ts";
import type { Preset } from "../init/presets.ts";
import { PRESETS, presetInitializer } from "../init/presets.ts";
import type { ActivationSpec } from "../init/types.ts";
import type { Verdict } from "../init/verify.ts";
import { verify } from "../init/verify.ts";

/** One parameter's initial values: what was asked for, what theory says, what is there. */
export interface Explanation {
  readonly name: string;
  readonly shape: readonly number[];
  /** The description, with the options that differ from the defaults. */
  readonly scheme: string;
  readonly formula: string;
  readonly source: string;
  readonly why: Why;
  readonly fanIn: number;
  readonly fanOut: number;
  /** The activation that follows, the layer's own or a layer of its own, and its second-moment gain. */
  readonly activation: string;
  readonly gain: number;
  /** `std sqrt(fan_in)` of the theory: the gain that kernels are drawn with. */
  readonly drawnGain: number;
  /** Mean, deviation, and the least and the greatest value that can be. */
  readonly theory: Theory;
  readonly measured: Measured;
  /** Whether the present values are a draw of the scheme; after training they are not. */
  readonly verdict: Verdict;
}

/**
 * Who chose the values. A layer's own choice that is asked for by name counts as the layer's; `values` are those that are no
 * draw of the scheme: set, trained, or put right by a procedure such as LSUV.
 */
export interface Why {
  readonly by: "layer" | "user" | "preset" | "policy" | "values";
  readonly reason: string;
}

export interface Measured {
  readonly mean: number;
  readonly std: number;
  readonly min: number;
  readonly max: number;
}

/** Where the values come from: nothing was set or trained since they were drawn, something was, or a file knows. */
export type Origin = "drawn" | "given" | "loaded";

export interface Provenance {
  readonly origin: Origin;
  /** The network's policy. */
  readonly policy?: string;
  readonly preset?: Preset;
}

export function explainParam(
  param: Param,
  values: Float32Array,
  provenance: Provenance,
): Explanation {
  const { spec, initializer } = param;
  const { scheme, draw, theory } = resolve(initializer, spec);
  const activation = activationOf(param);
  const verdict = verify(draw, spec, values);
  const measured = measure(values);
  const described = {
    scheme: describeInitializer(initializer),
    ...{ gain: gain(activation), drawnGain: theory.std * Math.sqrt(spec.fanIn) },
  };
  const { origin } = provenance;
  const isDraw = origin === "drawn" || (origin === "loaded" && verdict.passes);
  const chosen = whyOf(param, provenance, described);
  return {
    name: param.name,
    shape: spec.shape,
    formula: scheme.formula,
    source: scheme.source,
    why: isDraw ? chosen : givenValues(describeRounded(initializer), measured, theory, chosen),
    fanIn: spec.fanIn,
    fanOut: spec.fanOut,
    activation: activation.name,
    ...{ ...described, theory, measured, verdict },
  };
}

function activationOf({ spec, meets }: Param): ActivationSpec {
  return spec.activation.name === "linear" ? (meets ?? spec.activation) : spec.activation;
}

function givenValues(text: string, { mean, std }: Measured, theory: Theory, chosen: Why): Why {
  const numbers = `mean ${short(mean)} and std ${short(std)} instead of ${short(theory.mean)} and ${short(theory.std)}`;
  return {
    by: "values",
    reason: `set, trained or rescaled since they were drawn: ${numbers}; ${text} was ${chosen.reason}`,
  };
}

/** Why, in a network that begins as a library's would. */
function whyPreset({ spec, initializer }: Param, of: Preset): Why {
  const library = `${PRESETS[of.name]}${of.bugCompatible ? ", defects included" : ""}`;
  const itself = presetInitializer(of, spec);
  if (describeInitializer(initializer) === describeInitializer(itself)) {
    return { by: "preset", reason: `what ${spec.layer} takes by itself in ${library}` };
  }
  const reason = `asked for, as ${library} reads it; by itself it would take ${describeRounded(itself)}`;
  return { by: "user", reason };
}

function whyOf(
  param: Param,
  { policy, preset }: Provenance,
  { scheme: text, gain: wanted, drawnGain }: Pick<Explanation, "scheme" | "gain" | "drawnGain">,
): Why {
  const { spec, initializer, asked, meets } = param;
  const own = defaultInitializer(spec.role, spec.activation);
  const ownText = describeInitializer(own.initializer);
  const askedText = describeInitializer(asked ?? initializer);
  const itself = `${spec.layer} itself would take ${ownText}`;
  if (asked !== undefined && policy !== undefined) {
    const instead = askedText === ownText ? itself : `${describeRounded(asked)} was asked for`;
    return { by: "policy", reason: `the policy ${policy}'s choice; ${instead}` };
  }
  if (preset !== undefined) return whyPreset(param, preset);
  if (text !== ownText) return { by: "user", reason: `asked for; ${itself}` };
  const isUnseen = spec.activation.name === "linear" && meets !== undefined;
  const { name } = activationOf(param);
  const strays =
    spec.role === "kernel" && name !== "linear" && Math.abs(drawnGain / wanted - 1) > 0.01;
  const unseen = isUnseen ? `; it does not see the ${name} that follows as a layer of its own` : "";
  const stray = strays
    ? `; it draws with gain ${short(drawnGain)}, and to keep the second moment before ${name} takes ${short(wanted)}`
    : "";
  return { by: "layer", reason: `${spec.layer}'s own choice: ${own.reason}${unseen}${stray}` };
}

function measure(values: Float32Array): Measured {
  const { mean, variance } = meanAndVariance(values);
  const min = values.reduce((a, b) => Math.min(a, b), Infinity);
  const max = values.reduce((a, b) => Math.max(a, b), -Infinity);
  return { mean, std: Math.sqrt(variance), min, max };
}

function short(x: number): string {
  return Number(x.toPrecision(3)).toString();
}
