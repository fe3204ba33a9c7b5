import type { Draws, Theory } from "../draw.ts";
import type { LinearMap, ParamSpec } from "../types.ts";
import { size } from "../values.ts";
import type { Options } from "./scheme.ts";
import { nonNegative, number, word } from "./scheme.ts";

const MODES = ["fan_in", "fan_out", "fan_avg", "fan_geo_avg"] as const;

/** The fan, or mean of fans, that a mode names; `fan_geo_avg` is `sqrt(fan_in fan_out)`. */
export function fan(mode: string, spec: ParamSpec): number {
  switch (mode) {
    case "fan_in":
      return spec.fanIn;
    case "fan_out":
      return spec.fanOut;
    case "fan_avg":
      return (spec.fanIn + spec.fanOut) / 2;
    case "fan_geo_avg":
      return Math.sqrt(spec.fanIn * spec.fanOut);
    default:
      throw new RangeError(`mode: expected fan_in, fan_out, fan_avg or fan_geo_avg, got ${mode}`);
  }
}

/** Option `std`, or `sqrt(scale / n)` when option `mode` names a fan. */
export function deviation(options: Options, spec: ParamSpec): number {
  const mode = word(options, "mode", ["none", ...MODES]);
  // Both are read: a wrong one is refused whether or not it is asked for.
  const std = nonNegative(options, "std");
  const scale = nonNegative(options, "scale");
  return mode === "none" ? std : Math.sqrt(scale / fan(mode, spec));
}

/** An option that must be a finite number above 0. */
export function positive(options: Options, key: string): number {
  const value = number(options, key);
  if (value <= 0) throw new RangeError(`${key}: expected a positive number, got ${value}`);
  return value;
}

/** `count` draws of mean 0 and variance 1. */
export function standardDraws(
  distribution: "normal" | "uniform",
  draws: Draws,
  count: number,
  purpose: number,
): Float32Array {
  if (distribution === "normal") return draws.normal(count, purpose);
  const limit = Math.sqrt(3);
  return draws.uniform(count, purpose).map((u) => limit * (2 * u - 1));
}

/** The linear maps of a kernel; a bias or gain is one column. */
export function mapsOrColumn(spec: ParamSpec): readonly LinearMap[] {
  if (spec.maps.length > 0) return spec.maps;
  return [{ offset: 0, inputs: size(spec.shape), outputs: 1, inputStride: 1, outputStride: 1 }];
}

/** Theory of values with mean 0 of which each map's have variance `variance(map)`, and that are 0 outside the maps. */
export function mapsTheory(
  spec: ParamSpec,
  bound: number,
  variance: (map: LinearMap, index: number) => number,
): Theory {
  const squares = spec.maps.reduce(
    (sum, map, index) => sum + map.inputs * map.outputs * variance(map, index),
    0,
  );
  return { mean: 0, std: Math.sqrt(squares / size(spec.shape)), low: -bound, high: bound };
}
