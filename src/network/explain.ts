import type { Param } from "../graph/param-store.ts";
import { defaultInitializer } from "../init/defaults.ts";
import type { Theory } from "../init/draw.ts";
import { gain } from "../init/gains.ts";
import { describeInitializer, resolve } from "../init/initializer.ts";
import type { Preset } from "../init/presets.ts";
import { PRESETS, presetInitializer } from "../init/presets.ts";
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
  /** The activation that follows, and its second-moment gain. */
  readonly activation: string;
  readonly gain: number;
  /** Mean, deviation, and the least and the greatest value that can be. */
  readonly theory: Theory;
  readonly measured: Measured;
  /** Whether the present values are a draw of the scheme; after training they are not. */
  readonly verdict: Verdict;
}

/** Who chose the scheme. A layer's own choice that is asked for by name counts as the layer's. */
export interface Why {
  readonly by: "layer" | "preset" | "user";
  readonly reason: string;
}

export interface Measured {
  readonly mean: number;
  readonly std: number;
  readonly min: number;
  readonly max: number;
}

export function explainParam(param: Param, values: Float32Array, preset?: Preset): Explanation {
  const { spec, initializer } = param;
  const { scheme, draw, theory } = resolve(initializer, spec);
  return {
    name: param.name,
    shape: spec.shape,
    scheme: describeInitializer(initializer),
    formula: scheme.formula,
    source: scheme.source,
    why: whyOf(param, preset),
    fanIn: spec.fanIn,
    fanOut: spec.fanOut,
    activation: spec.activation.name,
    gain: gain(spec.activation),
    theory,
    measured: measure(values),
    verdict: verify(draw, spec, values),
  };
}

function whyOf({ spec, initializer }: Param, preset: Preset | undefined): Why {
  if (preset !== undefined) {
    const library = `${PRESETS[preset.name]}${preset.bugCompatible ? ", defects included" : ""}`;
    const text = describeInitializer(presetInitializer(preset, spec));
    if (describeInitializer(initializer) === text) {
      return { by: "preset", reason: `what ${spec.layer} takes by itself in ${library}` };
    }
    return {
      by: "user",
      reason: `asked for, as ${library} reads it; by itself it would take ${text}`,
    };
  }
  const own = defaultInitializer(spec.role, spec.activation);
  const text = describeInitializer(own.initializer);
  if (describeInitializer(initializer) === text) {
    return { by: "layer", reason: `${spec.layer}'s own choice: ${own.reason}` };
  }
  return { by: "user", reason: `asked for; ${spec.layer} itself would take ${text}` };
}

function measure(values: Float32Array): Measured {
  const n = values.length;
  const mean = values.reduce((sum, x) => sum + x, 0) / n;
  const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / n;
  const min = values.reduce((a, b) => Math.min(a, b), Infinity);
  const max = values.reduce((a, b) => Math.max(a, b), -Infinity);
  return { mean, std: Math.sqrt(variance), min, max };
}
