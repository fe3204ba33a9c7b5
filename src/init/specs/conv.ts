import type { ActivationSpec, LinearMap, ParamSpec, Window } from "../types.ts";
import { size } from "../values.ts";
import { checkDivides, checkKeys, checkSizes, LINEAR, perAxis } from "./checks.ts";
import { matrix, sideBySide } from "./matrix.ts";

interface WindowOptions {
  /** Window positions along each spatial axis; as many as there are axes. */
  readonly size: readonly number[];
  /** One for all axes, or one for each. Default 1. */
  readonly stride?: number | readonly number[];
  readonly inputs: number;
  /** Default linear. */
  readonly activation?: ActivationSpec;
}

export interface ConvOptions extends WindowOptions {
  readonly outputs: number;
  /** Input channels in `groups` parts, each seen by its part of the outputs. Default 1. */
  readonly groups?: number;
}

const WINDOW_KEYS = ["size", "stride", "inputs", "activation"];
const CONV_KEYS = [...WINDOW_KEYS, "outputs", "groups"];

/**
 * A convolution over any number of axes, kernel [size…, inputs / groups, outputs]: `fan_in = (inputs / groups) prod(size)`, and an
 * input feeds `fan_out = (outputs / groups) prod(size) / prod(stride)` outputs on average. One linear map a group.
 */
export function convSpec(options: ConvOptions): ParamSpec {
  checkKeys("convSpec", options, CONV_KEYS);
  return { ...convolution("convSpec", options), layer: "conv" };
}

export interface DepthwiseOptions extends WindowOptions {
  /** Outputs of each input channel. Default 1. */
  readonly multiplier?: number;
}

/** A convolution in as many groups as inputs, kernel [size…, 1, inputs multiplier]; one map [prod(size), multiplier] a channel. */
export function depthwiseSpec({ multiplier = 1, ...options }: DepthwiseOptions): ParamSpec {
  checkKeys("depthwiseSpec", options, [...WINDOW_KEYS, "multiplier"]);
  return { ...depthwise("depthwiseSpec", options, multiplier), layer: "depthwise_conv" };
}

export interface SeparableOptions extends DepthwiseOptions {
  readonly outputs: number;
}

/** A depthwise convolution and, directly behind it, a pointwise one over its `inputs multiplier` channels. */
export function separableSpecs({
  multiplier = 1,
  outputs,
  activation = LINEAR,
  ...options
}: SeparableOptions): { depthwise: ParamSpec; pointwise: ParamSpec } {
  const where = "separableSpecs";
  checkKeys(where, options, [...WINDOW_KEYS, "multiplier", "outputs"]);
  checkSizes(where, { outputs });
  const layer = "separable_conv";
  return {
    depthwise: { ...depthwise(where, options, multiplier), layer },
    pointwise: {
      ...convolution(where, {
        size: options.size.map(() => 1),
        ...{ inputs: options.inputs * multiplier, outputs, activation },
      }),
      layer,
    },
  };
}

export interface PixelShuffleOptions extends WindowOptions {
  /** Channels after the shuffle. */
  readonly outputs: number;
  /** Sub-pixels along each axis. */
  readonly factor: number;
}

/**
 * A convolution whose channels are then laid out as `factor` sub-pixels along each axis, kernel
 * [size…, inputs, factor^axes outputs]; sub-pixel s has channels s outputs … (s + 1) outputs - 1, TensorFlow's depth_to_space order.
 * One linear map a sub-pixel: the maps are equal when the result is a nearest-neighbour upsampling.
 */
export function pixelShuffleSpec({ factor, outputs, ...options }: PixelShuffleOptions): ParamSpec {
  checkKeys("pixelShuffleSpec", options, [...WINDOW_KEYS, "outputs", "factor"]);
  checkSizes("pixelShuffleSpec", { factor, outputs });
  const channels = outputs * factor ** windowOf("pixelShuffleSpec", options).size.length;
  const spec = convolution("pixelShuffleSpec", { ...options, outputs: channels });
  return {
    ...spec,
    layer: "pixel_shuffle_conv",
    maps: sideBySide(channels / outputs, spec.fanIn, outputs),
  };
}

/**
 * The adjoint of a convolution, with the same layout: [size…, inputs / groups, outputs]; input p is added at p stride + k.
 *
 * An input feeds `fan_out = (outputs / groups) prod(size)` outputs, and `fan_in = (inputs / groups) prod(size) / prod(stride)`
 * on average. Outputs fall into prod(stride) phases: one of phase f meets the window positions k = f (mod stride) alone, so a linear
 * map is the part of a group's kernel that a phase sees.
 */
export function convTransposeSpec(options: ConvOptions): ParamSpec {
  const where = "convTransposeSpec";
  checkKeys(where, options, CONV_KEYS);
  const { activation = LINEAR, inputs, outputs, groups = 1 } = options;
  const window = windowOf(where, options);
  checkChannels(where, inputs, outputs, groups);
  const [rows, columns] = [inputs / groups, outputs / groups];
  const positions = size(window.size);
  return {
    ...{ layer: "conv_transpose", role: "kernel", shape: [...window.size, rows, outputs] },
    ...{ fanIn: (rows * positions) / size(window.stride), fanOut: columns * positions },
    maps: phases(window).flatMap((phase) =>
      Array.from({ length: groups }, (_, group) =>
        phaseMap(phase, rows, columns, { stride: outputs, offset: group * columns }),
      ),
    ),
    ...{ activation, window },
  };
}

export interface LocalOptions extends WindowOptions {
  /** Positions of the outputs, one number a spatial axis. */
  readonly positions: readonly number[];
  readonly outputs: number;
}

/**
 * A convolution whose every output position has a kernel of its own, [positions…, size…, inputs, outputs]. Fans are the
 * convolution's: positions are no terms of any sum. One linear map a position.
 */
export function locallyConnectedSpec({ positions, ...options }: LocalOptions): ParamSpec {
  const where = "locallyConnectedSpec";
  checkKeys(where, options, [...WINDOW_KEYS, "outputs", "positions"]);
  const { window, ...spec } = convolution(where, options);
  const places = perAxis(where, "positions", positions, options.size.length);
  const { fanIn } = spec;
  const { outputs } = options;
  return {
    ...{ ...spec, layer: "locally_connected", shape: [...places, ...spec.shape] },
    maps: Array.from({ length: size(places) }, (_, place) =>
      matrix(fanIn, outputs, place * fanIn * outputs),
    ),
  };
}

function convolution(
  where: string,
  { activation = LINEAR, inputs, outputs, groups = 1, ...rest }: ConvOptions,
): ParamSpec {
  const window = windowOf(where, rest);
  checkChannels(where, inputs, outputs, groups);
  const fanIn = (inputs / groups) * size(window.size);
  const columns = outputs / groups;
  return {
    ...{ layer: "conv", role: "kernel", shape: [...window.size, inputs / groups, outputs] },
    ...{ fanIn, fanOut: (columns * size(window.size)) / size(window.stride) },
    ...{ activation, maps: sideBySide(groups, fanIn, columns), window },
  };
}

function depthwise(where: string, options: WindowOptions, multiplier: number): ParamSpec {
  const { inputs } = options;
  checkSizes(where, { inputs, multiplier });
  return convolution(where, { ...options, outputs: inputs * multiplier, groups: inputs });
}

function checkChannels(where: string, inputs: number, outputs: number, groups: number): void {
  checkSizes(where, { inputs, outputs, groups });
  checkDivides(where, ["groups", groups], ["inputs", inputs]);
  checkDivides(where, ["groups", groups], ["outputs", outputs]);
}

function windowOf(
  where: string,
  { size, stride = 1 }: Pick<WindowOptions, "size" | "stride">,
): Window {
  if (!Array.isArray(size)) {
    throw new TypeError(`${where}: size must be a list of sizes, got ${String(size)}`);
  }
  if (size.length === 0) throw new RangeError(`${where}: size must have at least one axis, got []`);
  perAxis(where, "size", size, size.length);
  return { size, stride: perAxis(where, "stride", stride, size.length) };
}

/** The window positions, flat, that each phase of a transposed convolution's outputs meets; phases that meet none left out. */
function phases({ size: window, stride }: Window): number[][] {
  const byPhase = new Map<number, number[]>();
  for (let position = 0; position < size(window); position++) {
    let rest = position;
    let phase = 0;
    // The last axis varies fastest.
    for (let axis = window.length - 1; axis >= 0; axis--) {
      phase = phase * stride[axis]! + ((rest % window[axis]!) % stride[axis]!);
      rest = Math.floor(rest / window[axis]!);
    }
    byPhase.set(phase, [...(byPhase.get(phase) ?? []), position]);
  }
  return [...byPhase.values()];
}

/** The rows that some window positions have in a group's columns of a [positions rows, stride] kernel. */
function phaseMap(
  positions: readonly number[],
  rows: number,
  columns: number,
  { stride, offset }: { readonly stride: number; readonly offset: number },
): LinearMap {
  const first = positions[0]!;
  const even = positions.every((position, i) => position === first + i);
  if (even) return matrix(positions.length * rows, columns, first * rows * stride + offset, stride);
  const inputOffsets = positions.flatMap((position) =>
    Array.from({ length: rows }, (_, row) => (position * rows + row) * stride),
  );
  return { ...matrix(inputOffsets.length, columns, offset, stride), inputOffsets };
}
