import type { Param } from "../graph/param-store.ts";
import type { Theory } from "../init/draw.ts";
import { gain } from "../init/gains.ts";
import { describeInitializer, resolve } from "../init/initializer.ts";

/** One parameter's initial values: what was asked for, what theory says, what is there. */
export interface Explanation {
  readonly name: string;
  readonly shape: readonly number[];
  /** The description, with the options that differ from the defaults. */
  readonly scheme: string;
  readonly formula: string;
  readonly source: string;
  readonly fanIn: number;
  readonly fanOut: number;
  /** The second-moment gain of the activation that follows. */
  readonly gain: number;
  readonly theory: Theory;
  readonly measured: Measured;
}

export interface Measured {
  readonly mean: number;
  readonly std: number;
  readonly min: number;
  readonly max: number;
}

export function explainParam(param: Param, values: Float32Array): Explanation {
  const { spec, initializer } = param;
  const { scheme, theory } = resolve(initializer, spec);
  return {
    name: param.name,
    shape: spec.shape,
    scheme: describeInitializer(initializer),
    formula: scheme.formula,
    source: scheme.source,
    fanIn: spec.fanIn,
    fanOut: spec.fanOut,
    gain: gain(spec.activation),
    theory,
    measured: measure(values),
  };
}

function measure(values: Float32Array): Measured {
  const n = values.length;
  const mean = values.reduce((sum, x) => sum + x, 0) / n;
  const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / n;
  const min = values.reduce((a, b) => Math.min(a, b), Infinity);
  const max = values.reduce((a, b) => Math.max(a, b), -Infinity);
  return { mean, std: Math.sqrt(variance), min, max };
}
