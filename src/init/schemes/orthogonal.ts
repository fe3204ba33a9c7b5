import { gain } from "../gains.ts";
import type { Scheme } from "./scheme.ts";
import { number } from "./scheme.ts";

export const ORTHOGONAL: readonly Scheme[] = [
  {
    name: "orthogonal",
    aliases: ["haar"],
    family: "orthogonal",
    defaults: { gain: "auto" },
    formula:
      "gain Q, Q Haar-distributed with orthonormal rows or columns; auto: the gain of the activation",
    use: "deep networks without normalisation; recurrent kernels",
    source: "Saxe, McClelland & Ganguli 2014; Mezzadri 2007 for the Haar measure",
    property: "each map's shorter side is orthonormal times gain, to 1e-5",
    draw: (options, spec) => ({
      distribution: "orthogonal",
      gain: options.gain === "auto" ? gain(spec.activation) : number(options, "gain"),
    }),
  },
];
