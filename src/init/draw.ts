import { truncatedMoments } from "./truncated-moments.ts";
import type { ParamSpec } from "./types.ts";
import { size } from "./values.ts";

export { truncatedMoments };

/** What a fill kernel is asked to do, every number worked out. */
export type Draw =
  | { readonly distribution: "constant"; readonly value: number }
  | { readonly distribution: "uniform"; readonly low: number; readonly high: number }
  | { readonly distribution: "normal"; readonly mean: number; readonly std: number }
  | {
      /** N(mean, sigma^2) restricted to mean + sigma [low, high]; `std` is what that leaves. */
      readonly distribution: "truncated_normal";
      readonly mean: number;
      readonly sigma: number;
      readonly low: number;
      readonly high: number;
    }
  /** Each linear map an independent Haar-distributed semi-orthogonal matrix times `gain`. */
  | { readonly distribution: "orthogonal"; readonly gain: number }
  | {
      /** Values worked out here: patterns, masks, copies. `theory` is what they have, or should have, as a whole. */
      readonly distribution: "values";
      readonly values: (draws: Draws) => Float32Array;
      readonly theory: Theory;
    };

/**
 * Random numbers for schemes that arrange them: each a function of (the parameter's stream, `purpose`, index), so no order of calls
 * changes them. Purposes are small whole numbers of the scheme's own; 0 is the whole-tensor fills'.
 */
export interface Draws {
  readonly uniform: (count: number, purpose: number) => Float32Array;
  readonly normal: (count: number, purpose: number) => Float32Array;
  /** A permutation of 0 … count - 1. */
  readonly permutation: (count: number, purpose: number) => Int32Array;
  /** A Haar-distributed semi-orthogonal matrix, row-major. */
  readonly orthogonal: (rows: number, cols: number, purpose: number) => Float32Array;
}

/** Mean, standard deviation and range that a draw has in theory. */
export interface Theory {
  readonly mean: number;
  readonly std: number;
  /** Least and greatest possible value. */
  readonly low: number;
  readonly high: number;
  /** Set where `mean` and `std` are limits for large maps, which have no closed form for small ones. */
  readonly approximate?: true;
}

/** The draw of `factor` times what another draws; `factor` is not negative. */
export function scaledDraw(draw: Draw, factor: number): Draw {
  switch (draw.distribution) {
    case "constant":
      return { ...draw, value: draw.value * factor };
    case "uniform":
      return { ...draw, low: draw.low * factor, high: draw.high * factor };
    case "normal":
      return { ...draw, mean: draw.mean * factor, std: draw.std * factor };
    case "truncated_normal":
      return { ...draw, mean: draw.mean * factor, sigma: draw.sigma * factor };
    case "orthogonal":
      return { ...draw, gain: draw.gain * factor };
    case "values": {
      return {
        distribution: "values",
        values: (draws) => draw.values(draws).map((value) => value * factor),
        theory: scaledTheory(draw.theory, factor),
      };
    }
  }
}

function scaledTheory({ mean, std, low, high, ...rest }: Theory, factor: number): Theory {
  const times = (x: number) => (factor === 0 ? 0 : x * factor);
  return { ...rest, mean: times(mean), std: times(std), low: times(low), high: times(high) };
}

/** The moments of a draw for a parameter of a given shape. */
export function theoryOf(draw: Draw, spec: ParamSpec): Theory {
  switch (draw.distribution) {
    case "constant":
      return { mean: draw.value, std: 0, low: draw.value, high: draw.value };
    case "uniform":
      return {
        mean: (draw.low + draw.high) / 2,
        std: (draw.high - draw.low) / Math.sqrt(12),
        low: draw.low,
        high: draw.high,
      };
    case "normal":
      return { mean: draw.mean, std: draw.std, low: -Infinity, high: Infinity };
    case "truncated_normal": {
      const { mean, sigma, low, high } = draw;
      const standard = truncatedMoments(low, high);
      return {
        mean: mean + sigma * standard.mean,
        std: sigma * standard.std,
        // 0 times an infinite bound is 0 here.
        low: sigma === 0 ? mean : mean + sigma * low,
        high: sigma === 0 ? mean : mean + sigma * high,
      };
    }
    case "orthogonal": {
      // Every entry of a Haar-distributed matrix has variance gain^2 / longer side; what lies outside the maps is 0.
      const squares = spec.maps.reduce((sum, map) => sum + Math.min(map.inputs, map.outputs), 0);
      const std = Math.abs(draw.gain) * Math.sqrt(squares / size(spec.shape));
      return { mean: 0, std, low: -Math.abs(draw.gain), high: Math.abs(draw.gain) };
    }
    case "values":
      return draw.theory;
  }
}
