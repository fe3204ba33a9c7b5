import type { ParamSpec, Role } from "../types.ts";
import { checkSizes, LINEAR } from "./checks.ts";

/**
 * A bias, gain or slope beside a kernel: it has the kernel's fans for schemes that want them, and no linear map. Of a kernel
 * with parts the bias has the same ones, equally long.
 */
export function vectorSpec(kernel: ParamSpec, role: Role, size: number): ParamSpec {
  checkSizes("vectorSpec", { size });
  const { layer, fanIn, fanOut, activation, parts } = kernel;
  return {
    ...{ layer, role, shape: [size], fanIn, fanOut, activation, maps: [], kernel },
    ...(parts === undefined ? {} : { parts }),
  };
}

/** `y = gain x + bias`, feature by feature: an output has one term, an input feeds one output. */
export function normSpecs(features: number): { gain: ParamSpec; bias: ParamSpec } {
  checkSizes("normSpecs", { features });
  const about = { layer: "norm", shape: [features], fanIn: 1, fanOut: 1, maps: [] };
  return {
    gain: { ...about, role: "gain", activation: LINEAR },
    bias: { ...about, role: "bias", activation: LINEAR },
  };
}
