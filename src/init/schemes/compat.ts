import { size } from "../values.ts";
import type { Scheme } from "./scheme.ts";
import { number } from "./scheme.ts";

/** What other libraries draw: for their presets. */
export const COMPAT: readonly Scheme[] = [
  {
    name: "fused_orthogonal",
    aliases: [],
    family: "orthogonal",
    applies: "kernels",
    defaults: { gain: 1 },
    formula: "gain Q, one Q for the whole tensor seen as [product of the other axes, last axis]",
    use: "to reproduce the recurrent kernels of Keras and tfjs, whose gates are not orthogonal one by one",
    source: "Keras and tfjs Orthogonal on a fused kernel; keras#9149",
    property: "the shorter side of the whole is orthonormal times gain, its parts are not",
    draw: (options, spec) => {
      const gain = number(options, "gain");
      const cells = size(spec.shape);
      const columns = spec.shape.at(-1) ?? 1;
      const rows = cells / columns;
      const std = Math.abs(gain) * Math.sqrt(Math.min(rows, columns) / cells);
      return {
        distribution: "values",
        values: (draws) => draws.orthogonal(rows, columns, 1).map((x) => gain * x),
        theory: { mean: 0, std, low: -Math.abs(gain), high: Math.abs(gain) },
      };
    },
  },
];
