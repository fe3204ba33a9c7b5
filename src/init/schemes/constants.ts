import { matrixValues } from "../maps.ts";
import type { Scheme } from "./scheme.ts";
import { number } from "./scheme.ts";

export const CONSTANTS: readonly Scheme[] = [
  {
    name: "zeros",
    aliases: ["zero"],
    family: "constants and patterns",
    defaults: {},
    formula: "0",
    use: "biases; the last layer of a residual branch; never all hidden layers",
    source: "no weight gets a gradient in a hidden layer",
    property: "all values are exactly 0",
    draw: () => ({ distribution: "constant", value: 0 }),
  },
  {
    name: "ones",
    aliases: ["one"],
    family: "constants and patterns",
    defaults: {},
    formula: "1",
    use: "gains of normalisation layers",
    source: "for gains, not for kernels",
    property: "all values are exactly 1",
    draw: () => ({ distribution: "constant", value: 1 }),
  },
  {
    name: "constant",
    aliases: ["full"],
    family: "constants and patterns",
    defaults: { value: 0.1 },
    formula: "value",
    use: "to show that units which start equal stay equal",
    source: "all units of a layer stay equal",
    property: "all values are exactly the given one",
    draw: (options) => ({ distribution: "constant", value: number(options, "value") }),
  },
  {
    name: "identity",
    aliases: ["eye"],
    family: "constants and patterns",
    defaults: { gain: 1 },
    formula: "gain I in each linear map (its leading diagonal when not square)",
    use: "recurrent kernels of relu networks; deep linear networks",
    source: "Le, Jaitly & Hinton 2015",
    property: "W'W is gain^2 I on the shorter side",
    draw: (options, spec) => {
      const gain = number(options, "gain");
      return matrixValues(spec, (map) => {
        const values = new Float32Array(map.inputs * map.outputs);
        for (let i = 0; i < Math.min(map.inputs, map.outputs); i++)
          values[i * map.outputs + i] = gain;
        return values;
      });
    },
  },
];
