import type { ActivationSpec, LinearMap, ParamSpec, Role } from "./types.ts";

const LINEAR: ActivationSpec = { name: "linear", alpha: 0 };

/** `y = x W`, W [inputs, outputs]: fan_in = inputs, fan_out = outputs. */
export function denseSpec(
  inputs: number,
  outputs: number,
  activation: ActivationSpec = LINEAR,
): ParamSpec {
  return {
    ...{ layer: "dense", role: "kernel", shape: [inputs, outputs], activation },
    ...{ fanIn: inputs, fanOut: outputs, maps: [matrix(inputs, outputs)] },
  };
}

/** A bias, gain or slope beside a kernel: it has the kernel's fans for schemes that want them, and no linear map. */
export function vectorSpec(kernel: ParamSpec, role: Role, size: number): ParamSpec {
  const { layer, fanIn, fanOut, activation } = kernel;
  return { layer, role, shape: [size], fanIn, fanOut, activation, maps: [] };
}

/** A row-major [inputs, outputs] matrix, or a part of one whose rows are `stride` apart. */
export function matrix(
  inputs: number,
  outputs: number,
  offset = 0,
  stride: number = outputs,
): LinearMap {
  return { offset, inputs, outputs, inputStride: stride, outputStride: 1 };
}
