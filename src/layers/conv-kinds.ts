import { convTransposeSpec, depthwiseSpec, separableSpecs } from "../init/specs.ts";
import { conv, convTranspose, imageOf } from "../ops/conv.ts";
import type { Pair } from "../ops/window.ts";
import type { Conv2dOptions, KernelOptions } from "./conv.ts";
import { checkGroups, kernelOptions, specWindow, transposedAxis } from "./conv.ts";
import type { Layer } from "./layer.ts";
import { checkCount } from "./layer.ts";
import type { PlaceOptions } from "./window.ts";
import { short, windowConfig, windowOf } from "./window.ts";

/**
 * `y[p stride + k dilation - padding] += x[p] W[k]`, then bias and activation: the adjoint of `conv2d`, over images
 * [height, width, channels]. W is [rows, columns, channels / groups, filters].
 *
 * Outputs of an axis: `(size - 1) stride + (taps - 1) dilation + 1 - 2 padding` with numbers and `valid` (0), `size stride` with `same`.
 */
export function convTranspose2d(options: Conv2dOptions): Layer {
  const kind = "convTranspose2d";
  const { filters, groups = 1, padding } = options;
  const common = kernelOptions(kind, options);
  const window = windowOf(kind, options.kernelSize, options);
  checkCount(`${kind}: filters`, filters);
  checkCount(`${kind}: groups`, groups);
  if (padding === "circular") {
    throw new RangeError(`${kind}: padding must be "same", "valid", a number or [rows, columns]`);
  }
  return {
    kind,
    ...common.named,
    config: {
      filters,
      kernelSize: short(window.size, 2),
      ...windowConfig(window),
      groups,
      ...common.config,
    },
    build(tape, x, path) {
      const [height, width, inputs] = imageOf(path, x);
      checkGroups(path, groups, inputs, filters);
      const rows = transposedAxis(path, height, window, 0);
      const columns = transposedAxis(path, width, window, 1);
      const { activation } = common;
      const where = specWindow(window, 2);
      const spec = convTransposeSpec({ ...where, inputs, outputs: filters, groups, activation });
      const kernel = common.kernel(tape, `${path}/kernel`, spec);
      const bias = common.bias(tape, path, spec, filters);
      return convTranspose(tape, path, x, {
        ...{ ...window, kernel, bias, activation, groups },
        outputs: [rows[0], columns[0]],
        before: [rows[1], columns[1]],
      });
    },
  };
}

export interface DepthwiseConv2dOptions extends KernelOptions, PlaceOptions {
  /** Taps of the window: one number, or `[rows, columns]`. */
  readonly kernelSize: Pair;
  /** Outputs of each channel. Default 1. */
  readonly depthMultiplier?: number;
}

/** `conv2d` of each channel with kernels of its own: W is [rows, columns, 1, channels depthMultiplier], fan_in = rows columns. */
export function depthwiseConv2d(options: DepthwiseConv2dOptions): Layer {
  const kind = "depthwiseConv2d";
  const { depthMultiplier = 1 } = options;
  const common = kernelOptions(kind, options);
  const window = windowOf(kind, options.kernelSize, options);
  checkCount(`${kind}: depthMultiplier`, depthMultiplier);
  return {
    kind,
    ...common.named,
    config: {
      kernelSize: short(window.size, 2),
      ...windowConfig(window),
      depthMultiplier,
      ...common.config,
    },
    build(tape, x, path) {
      const [, , inputs] = imageOf(path, x);
      const { activation } = common;
      const where = specWindow(window, 2);
      const spec = depthwiseSpec({ ...where, inputs, multiplier: depthMultiplier, activation });
      const kernel = common.kernel(tape, `${path}/kernel`, spec);
      const bias = common.bias(tape, path, spec, inputs * depthMultiplier);
      return conv(tape, path, x, { ...window, kernel, bias, activation, groups: inputs });
    },
  };
}

export interface SeparableConv2dOptions extends DepthwiseConv2dOptions {
  /** Channels of the output. */
  readonly filters: number;
}

/**
 * `depthwiseConv2d` and, directly behind it, a 1 x 1 convolution to `filters` channels with the bias and the activation. Both kernels
 * are drawn by `kernelInitializer`.
 */
export function separableConv2d(options: SeparableConv2dOptions): Layer {
  const kind = "separableConv2d";
  const { filters, depthMultiplier = 1 } = options;
  const common = kernelOptions(kind, options);
  const window = windowOf(kind, options.kernelSize, options);
  checkCount(`${kind}: filters`, filters);
  checkCount(`${kind}: depthMultiplier`, depthMultiplier);
  const point = { size: [1, 1], strides: [1, 1], dilation: [1, 1], padding: "valid" } as const;
  return {
    kind,
    ...common.named,
    config: {
      filters,
      kernelSize: short(window.size, 2),
      ...windowConfig(window),
      depthMultiplier,
      ...common.config,
    },
    build(tape, x, path) {
      const [, , inputs] = imageOf(path, x);
      const { activation } = common;
      const specs = separableSpecs({
        ...{ ...specWindow(window, 2), inputs, multiplier: depthMultiplier },
        ...{ outputs: filters, activation },
      });
      const depthwise = common.kernel(tape, `${path}/depthwise_kernel`, specs.depthwise);
      const pointwise = common.kernel(tape, `${path}/pointwise_kernel`, specs.pointwise);
      const bias = common.bias(tape, path, specs.pointwise, filters);
      const linear = { name: "linear", alpha: 0 };
      const between = conv(tape, path, x, {
        ...{ ...window, kernel: depthwise, bias: undefined, activation: linear, groups: inputs },
      });
      return conv(tape, path, between, {
        ...point,
        kernel: pointwise,
        bias,
        activation,
        groups: 1,
      });
    },
  };
}
