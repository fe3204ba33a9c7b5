import type { Draw, Draws } from "./draw.ts";
import { theoryOf } from "./draw.ts";
import { cdfOf } from "./law.ts";
import { rowOf } from "./maps.ts";
import type { LinearMap, ParamSpec } from "./types.ts";

/** Whether values are what a draw gives, and by which test. */
export interface Verdict {
  readonly test: "equality" | "kolmogorov-smirnov" | "orthogonality" | "support";
  /**
   * Greatest difference from the values (equality), distance of the distributions (Kolmogorov-Smirnov), greatest entry of
   * `|W'W - gain^2 I|` over the shorter side (orthogonality), distance from the range of possible values (support).
   */
  readonly statistic: number;
  /** The statistic passes up to here. */
  readonly limit: number;
  readonly passes: boolean;
  /** Values that were looked at; large tensors are sampled. */
  readonly tested: number;
}

/** Values that a Kolmogorov-Smirnov test sorts: its power is ample and its cost bounded. */
const MOST_VALUES = 2 ** 17;

/** Multiply-adds that a test of orthogonality spends. */
const MOST_PRODUCTS = 2 ** 26;

/** Tests values of a parameter against the law of its draw. True draws fail the Kolmogorov-Smirnov test once in a thousand times. */
export function verify(draw: Draw, spec: ParamSpec, values: Float32Array): Verdict {
  const { low, high, mean, std } = theoryOf(draw, spec);
  if (std === 0) return equality(values, () => Math.fround(mean));
  switch (draw.distribution) {
    case "orthogonal":
      return orthogonality(spec.maps, draw.gain, values);
    case "values": {
      const expected = withoutDraws(draw.values);
      return expected === undefined
        ? support(values, low, high)
        : equality(values, (i) => expected[i]!);
    }
    default: {
      const inside = support(values, low, high);
      return inside.passes ? kolmogorovSmirnov(values, cdfOf(draw)) : inside;
    }
  }
}

function equality(values: Float32Array, expected: (i: number) => number): Verdict {
  const statistic = values.reduce((most, x, i) => Math.max(most, Math.abs(x - expected(i))), 0);
  return verdict("equality", statistic, 0, values.length);
}

/** Values worked out without random numbers; undefined when they need some. */
function withoutDraws(make: (draws: Draws) => Float32Array): Float32Array | undefined {
  const refuse = (): never => {
    throw NEEDS_DRAWS;
  };
  try {
    return make({ uniform: refuse, normal: refuse, permutation: refuse, orthogonal: refuse });
  } catch (error) {
    if (error === NEEDS_DRAWS) return undefined;
    throw error;
  }
}

const NEEDS_DRAWS = new Error("verify: these values need random numbers");

/** The limit 1.95 / sqrt(n) is exceeded by chance once in a thousand times. */
function kolmogorovSmirnov(values: Float32Array, cdf: (x: number) => number): Verdict {
  const stride = Math.ceil(values.length / MOST_VALUES) | 1; // odd, so that no power of two hides a pattern
  const n = Math.ceil(values.length / stride);
  const sorted = Float32Array.from({ length: n }, (_, i) => values[i * stride]!).sort();
  let distance = 0;
  sorted.forEach((x, i) => {
    const f = cdf(x);
    distance = Math.max(distance, f - i / n, (i + 1) / n - f);
  });
  return verdict("kolmogorov-smirnov", distance, 1.95 / Math.sqrt(n), n);
}

function support(values: Float32Array, low: number, high: number): Verdict {
  // A NaN is nowhere, and `Math.max` says so.
  const statistic = values.reduce((most, x) => Math.max(most, low - x, x - high), 0);
  const size = Math.max(Math.abs(low), Math.abs(high));
  return verdict("support", statistic, Number.isFinite(size) ? 1e-6 * size : 0, values.length);
}

function orthogonality(maps: readonly LinearMap[], gain: number, values: Float32Array): Verdict {
  let statistic = 0;
  let tested = 0;
  for (const map of maps) {
    const isTall = map.inputs >= map.outputs;
    const [short, long] = isTall ? [map.outputs, map.inputs] : [map.inputs, map.outputs];
    const at = (k: number, v: number) => {
      const [input, output] = isTall ? [k, v] : [v, k];
      return values[rowOf(map, input) + output * map.outputStride]!;
    };
    const most = Math.ceil(Math.sqrt(MOST_PRODUCTS / maps.length / long));
    const vectors = Math.min(short, most);
    for (let a = 0; a < vectors; a++) {
      for (let b = 0; b <= a; b++) {
        let dot = 0;
        for (let k = 0; k < long; k++) dot += at(k, a) * at(k, b);
        statistic = Math.max(statistic, Math.abs(dot - (a === b ? gain * gain : 0)));
      }
    }
    tested += vectors * long;
  }
  return verdict("orthogonality", statistic, 1e-5 * gain * gain, tested);
}

function verdict(test: Verdict["test"], statistic: number, limit: number, tested: number): Verdict {
  return { test, statistic, limit, passes: statistic <= limit, tested };
}
