import type { Draw } from "./draw.ts";
import { placeMap } from "./maps.ts";
import { channelsOf } from "./patterns.ts";
import type { LinearMap, ParamSpec } from "./types.ts";
import { size } from "./values.ts";

/** Which sides are mirrored, and how the mirrored units lie: +1 … +n -1 … -n, or +1 -1 +2 -2 …. */
export interface Mirror {
  readonly inputs: boolean;
  readonly outputs: boolean;
  readonly pairs: "halves" | "neighbours";
}

/**
 * Each linear map filled with `[[W, -W], [-W, W]]`, `[W, -W]` or `[W; -W]`, W Haar-distributed times gain. A side of odd size has a unit
 * without a partner: as an output it has weights of its own, as an input zeros, so that nothing but pairs is ever read. A side of
 * size 1 is not mirrored. Input channels are mirrored at each position of a window.
 */
export function looksLinearDraw(spec: ParamSpec, gain: number, mirror: Mirror): Draw {
  const blocks = spec.maps.map((map) => blockOf(spec, map, mirror));
  // Every entry of W has variance gain^2 / longer side.
  const squares = blocks.reduce(
    (sum, { rows, cols, used }) => sum + used / Math.max(rows, cols),
    0,
  );
  const cells = size(spec.shape);
  const bound = Math.abs(gain);
  return {
    distribution: "values",
    theory: { mean: 0, std: bound * Math.sqrt(squares / cells), low: -bound, high: bound },
    values: (draws) => {
      const values = new Float32Array(cells);
      spec.maps.forEach((map, index) => {
        const { rows, cols, input, output } = blocks[index]!;
        const w = draws.orthogonal(rows, cols, index + 1);
        const matrix = new Float32Array(map.inputs * map.outputs);
        for (let i = 0; i < map.inputs; i++) {
          const from = input(i);
          if (from === undefined) continue;
          for (let o = 0; o < map.outputs; o++) {
            const to = output(o);
            matrix[i * map.outputs + o] = from.sign * to.sign * w[from.at * cols + to.at]!;
          }
        }
        placeMap(values, map, matrix, gain);
      });
      return values;
    },
  };
}

interface Side {
  readonly at: number;
  readonly sign: 1 | -1;
}

interface Block {
  /** The size of W. */
  readonly rows: number;
  readonly cols: number;
  /** How many entries of the map are entries of W, up to the sign. */
  readonly used: number;
  readonly input: (i: number) => Side | undefined;
  readonly output: (o: number) => Side;
}

function blockOf(spec: ParamSpec, map: LinearMap, mirror: Mirror): Block {
  const { inputs, outputs } = map;
  const channels = channelsOf(spec, map);
  const inPairs = mirror.inputs ? Math.floor(channels / 2) : 0;
  const outPairs = mirror.outputs ? Math.floor(outputs / 2) : 0;
  const each = inPairs || channels;
  const positions = inputs / channels;
  const rows = positions * each;
  const cols = outputs - outPairs;
  return {
    rows,
    cols,
    used: (inPairs > 0 ? 2 : 1) * rows * outputs,
    input: (i) => {
      const side = sideOf(i % channels, inPairs, mirror.pairs);
      if (inPairs > 0 && side.at >= inPairs) return undefined;
      return { at: Math.floor(i / channels) * each + side.at, sign: side.sign };
    },
    output: (o) => sideOf(o, outPairs, mirror.pairs),
  };
}

/** The pair that a unit belongs to and its sign there; units beyond the pairs are numbered on. */
function sideOf(unit: number, pairs: number, order: Mirror["pairs"]): Side {
  if (unit >= 2 * pairs) return { at: unit - pairs, sign: 1 };
  if (order === "neighbours") return { at: unit >> 1, sign: unit % 2 === 0 ? 1 : -1 };
  return unit < pairs ? { at: unit, sign: 1 } : { at: unit - pairs, sign: -1 };
}
