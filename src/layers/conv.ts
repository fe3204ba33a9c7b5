import type { Param } from "../graph/param-store.ts";
import type { Tape } from "../graph/tape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { defaultInitializer } from "../init/defaults.ts";
import type { InitializerLike } from "../init/initializer.ts";
import { describeInitializer, initializer } from "../init/initializer.ts";
import { convSpec, vectorSpec } from "../init/specs.ts";
import type { ActivationSpec, Initializer, ParamSpec } from "../init/types.ts";
import type { ActivationLike } from "../ops/activation.ts";
import { activationSpec } from "../ops/activation.ts";
import { conv, imageOf } from "../ops/conv.ts";
import type { Pair, WindowOptions } from "../ops/window.ts";
import { pair } from "../ops/window.ts";
import type { Layer, LayerConfig } from "./layer.ts";
import { checkCount, checkName } from "./layer.ts";
import type { PlaceOptions } from "./window.ts";
import { short, windowConfig, windowOf } from "./window.ts";

/** What every convolution takes beside its window. */
export interface KernelOptions {
  readonly name?: string;
  /** Default `linear`. */
  readonly activation?: ActivationLike;
  /** Default true. */
  readonly useBias?: boolean;
  /** Default: `he_normal` before relu and its kin, `lecun_normal` before selu, `glorot_uniform` otherwise. */
  readonly kernelInitializer?: InitializerLike;
  /** Default `zeros`. */
  readonly biasInitializer?: InitializerLike;
}

export interface Conv2dOptions extends KernelOptions, PlaceOptions {
  /** Channels of the output. */
  readonly filters: number;
  /** Taps of the window: one number, or `[rows, columns]`. */
  readonly kernelSize: Pair;
  /** Parts of the channels, each seen by its part of the filters. Default 1. */
  readonly groups?: number;
}

export interface Conv1dOptions extends Conv2dOptions {
  readonly kernelSize: number;
  readonly strides?: number;
  readonly dilation?: number;
}

/**
 * `y[p] = f(sum_k x[p stride + k dilation - padding] W[k] + b)` over images [height, width, channels]; W is
 * [rows, columns, channels / groups, filters], fan_in = rows columns channels / groups.
 */
export function conv2d(options: Conv2dOptions): Layer {
  return convolution("conv2d", options, 2);
}

/** `conv2d` over sequences [time, channels]: W is [taps, channels / groups, filters]. */
export function conv1d(options: Conv1dOptions): Layer {
  return convolution("conv1d", options, 1);
}

function convolution(kind: "conv1d" | "conv2d", options: Conv2dOptions, axes: 1 | 2): Layer {
  const { filters, groups = 1 } = options;
  const common = kernelOptions(kind, options);
  const window = windowOf(kind, options.kernelSize, options, axes);
  checkCount(`${kind}: filters`, filters);
  checkCount(`${kind}: groups`, groups);
  return {
    kind,
    ...common.named,
    config: {
      filters,
      kernelSize: short(window.size, axes),
      ...windowConfig(window, axes),
      groups,
      ...common.config,
    },
    build(tape, x, path) {
      const image = axes === 1 ? asImage(tape, path, x) : x;
      const [, , inputs] = imageOf(path, image);
      checkGroups(path, groups, inputs, filters);
      const { activation } = common;
      const { size, stride } = specWindow(window, axes);
      const spec = convSpec({ size, stride, inputs, outputs: filters, groups, activation });
      const kernel = common.kernel(tape, `${path}/kernel`, spec);
      const bias = common.bias(tape, path, spec, filters);
      const y = conv(tape, path, image, { ...window, kernel, bias, activation, groups });
      return axes === 1 ? tape.view(y, y.shape.slice(2)) : y;
    },
  };
}

/** A layer's kernel and bias, as its options ask for them. */
export interface KernelParts {
  readonly named: { readonly name?: string };
  readonly activation: ActivationSpec;
  readonly config: LayerConfig;
  readonly kernel: (tape: Tape, name: string, spec: ParamSpec) => Param;
  /** Undefined without biases. */
  readonly bias: (tape: Tape, path: string, spec: ParamSpec, filters: number) => Param | undefined;
}

/** Checks a kernel's options and completes them. */
export function kernelOptions(kind: string, options: KernelOptions): KernelParts {
  const { name, useBias = true } = options;
  checkName(kind, name);
  const activation = activationSpec(options.activation ?? "linear");
  const choose = (role: "kernel" | "bias", asked: InitializerLike | undefined): Initializer =>
    initializer(asked ?? defaultInitializer(role, activation).initializer);
  const kernelInitializer = choose("kernel", options.kernelInitializer);
  const biasInitializer = choose("bias", options.biasInitializer);
  const isKernelAsked = options.kernelInitializer !== undefined;
  const isBiasAsked = options.biasInitializer !== undefined;
  return {
    named: name === undefined ? {} : { name },
    activation,
    config: {
      activation: { ...activation },
      useBias,
      kernelInitializer: describeInitializer(kernelInitializer),
      biasInitializer: describeInitializer(biasInitializer),
    },
    kernel: (tape, name, spec) => tape.param(name, spec, kernelInitializer, isKernelAsked),
    bias(tape, path, spec, filters) {
      if (!useBias) return undefined;
      const vector = vectorSpec(spec, "bias", filters);
      return tape.param(`${path}/bias`, vector, biasInitializer, isBiasAsked);
    },
  };
}

/** A sequence [time, channels] as an image of one row. */
export function asImage(tape: Tape, path: string, x: Tensor): Tensor {
  const [time, channels, ...more] = x.shape.slice(1);
  if (time === undefined || channels === undefined || more.length > 0) {
    throw new RangeError(
      `${path}: expected sequences of shape [time, channels], got [${x.shape.slice(1)}]; ` +
        "put input([time, channels]) before it",
    );
  }
  return tape.view(x, [1, time, channels]);
}

/** The window as parameter specs take it: as many axes as the layer has. */
export function specWindow(
  { size, strides }: WindowOptions,
  axes: 1 | 2,
): { readonly size: readonly number[]; readonly stride: readonly number[] } {
  return { size: size.slice(2 - axes), stride: strides.slice(2 - axes) };
}

/** Checks that groups divide channels and filters. */
export function checkGroups(path: string, groups: number, inputs: number, filters: number): void {
  if (inputs % groups !== 0 || filters % groups !== 0) {
    throw new RangeError(
      `${path}: groups must divide the channels and the filters, got ${groups} for ${inputs} and ${filters}`,
    );
  }
}

/** Size of a transposed convolution's output along an axis, and what is cropped before it. */
export function transposedAxis(
  path: string,
  n: number,
  { size, strides, dilation, padding }: WindowOptions,
  axis: number,
): readonly [size: number, before: number] {
  const stride = strides[axis] ?? 1;
  const reach = ((size[axis] ?? 1) - 1) * (dilation[axis] ?? 1) + 1;
  if (padding === "same") return [n * stride, Math.floor(Math.max(0, reach - stride) / 2)];
  const whole = (n - 1) * stride + reach;
  const before = typeof padding === "string" ? 0 : pair(padding)[axis]!;
  if (whole - 2 * before < 1) {
    throw new RangeError(
      `${path}: padding ${before} crops all of ${whole} rows or columns; use a smaller padding`,
    );
  }
  return [whole - 2 * before, before];
}
