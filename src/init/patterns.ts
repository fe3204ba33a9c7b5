import type { Draw } from "./draw.ts";
import type { Centre } from "./taps.ts";
import { middleOf } from "./taps.ts";
import type { LinearMap, ParamSpec } from "./types.ts";
import { fixedMatrices, size } from "./values.ts";

/** Value of entry (input i, output o) of a [inputs, outputs] matrix. */
export type Entry = (i: number, o: number, inputs: number, outputs: number) => number;

/** Each linear map filled by a formula. */
export function patternDraw(spec: ParamSpec, entry: Entry): Draw {
  return fixedMatrices(spec, ({ inputs, outputs }) => {
    const values = new Float32Array(inputs * outputs);
    for (let i = 0; i < inputs; i++) {
      for (let o = 0; o < outputs; o++) values[i * outputs + o] = entry(i, o, inputs, outputs);
    }
    return values;
  });
}

/**
 * Each linear map filled by a formula over channels: at the centre of the window where the map is a convolution's, so that it acts on
 * each position alone.
 */
export function centredDraw(spec: ParamSpec, centre: Centre, entry: Entry): Draw {
  return fixedMatrices(spec, (map) => {
    const { outputs } = map;
    const { channels, first } = middle(spec, map, centre);
    const values = new Float32Array(map.inputs * outputs);
    for (let c = 0; c < channels; c++) {
      for (let o = 0; o < outputs; o++) {
        values[(first + c) * outputs + o] = entry(c, o, channels, outputs);
      }
    }
    return values;
  });
}

/** Input channels of one position of a map, and the map's input from which those of its window's middle count. */
function middle(
  spec: ParamSpec,
  map: LinearMap,
  centre: Centre,
): { channels: number; first: number } {
  const channels = channelsOf(spec, map);
  if (channels === map.inputs) return { channels, first: 0 };
  return { channels, first: middleOf(spec.window!.size, centre) * channels };
}

/**
 * Inputs of a map at one position of its window, the last ones of its inputs to vary. A phase of a transposed convolution, which
 * reaches a part of the window only, is taken as a plain matrix.
 */
export function channelsOf(spec: ParamSpec, { inputs }: LinearMap): number {
  const positions = size(spec.window?.size ?? []);
  const whole = inputs % positions === 0 && !spec.layer.includes("transpose");
  return whole ? inputs / positions : inputs;
}
