import { convSpec, convTransposeSpec, depthwiseSpec } from "../init/specs.ts";
import type { ActivationSpec, ParamSpec } from "../init/types.ts";
import type { Padding, Pair } from "../ops/window.ts";
import { placeWindow } from "../ops/window.ts";
import { specWindow, transposedAxis } from "./conv.ts";
import type { LayerConfig } from "./layer.ts";
import { windowOf } from "./window.ts";

/** What a convolution of one kernel would ask for and give. */
export interface ConvPlan {
  readonly spec: ParamSpec;
  /** Shape of one example of the output. */
  readonly shape: readonly number[];
}

/** The kernel and the output of a convolution from its description and the shape of its input; undefined for other layers. */
export function convPlan(
  where: string,
  config: LayerConfig,
  shape: readonly number[],
): ConvPlan | undefined {
  const kind = String(config.kind);
  if (!/^(conv[12]d|convTranspose2d|depthwiseConv2d)$/.test(kind)) return undefined;
  const axes = kind === "conv1d" ? 1 : 2;
  const [strides, dilation] = [config.strides as Pair, config.dilation as Pair];
  const padding = config.padding as Padding;
  const place = { strides, dilation, padding };
  const window = windowOf(where, config.kernelSize as Pair, place, axes);
  const [height = 1, width = 1] = axes === 1 ? [1, shape[0]] : shape;
  const inputs = shape.at(-1) ?? 1;
  const activation = config.activation as unknown as ActivationSpec;
  const common = { ...specWindow(window, axes), inputs, activation };
  if (kind === "depthwiseConv2d") {
    const multiplier = Number(config.depthMultiplier);
    const { outputs } = placeWindow(where, [height, width], window);
    const spec = depthwiseSpec({ ...common, multiplier });
    return { spec, shape: [...outputs, inputs * multiplier] };
  }
  const filters = Number(config.filters);
  const options = { ...common, outputs: filters, groups: Number(config.groups) };
  if (kind === "convTranspose2d") {
    const sizes = [height, width].map((n, axis) => transposedAxis(where, n, window, axis)[0]);
    return { spec: convTransposeSpec(options), shape: [...sizes, filters] };
  }
  const { outputs } = placeWindow(where, [height, width], window);
  return { spec: convSpec(options), shape: [...outputs.slice(2 - axes), filters] };
}

/** A pooling from its description and the shape of its input: values in a window, and the output's shape; undefined for other layers. */
export function poolPlan(
  where: string,
  config: LayerConfig,
  shape: readonly number[],
): { readonly taps: number; readonly shape: readonly number[] } | undefined {
  const kind = String(config.kind);
  const channels = shape.at(-1) ?? 1;
  const places = shape.slice(0, -1);
  if (/^global(Average|Max)Pool[12]d$/.test(kind)) {
    return { taps: places.reduce((product, n) => product * n, 1), shape: [channels] };
  }
  if (!/^(average|max)Pool[12]d$/.test(kind)) return undefined;
  const axes = kind.endsWith("1d") ? 1 : 2;
  const place = { strides: config.strides as Pair, padding: config.padding as Padding };
  const window = windowOf(where, config.poolSize as Pair, place, axes);
  const [height = 1, width = 1] = axes === 1 ? [1, ...places] : places;
  const { outputs } = placeWindow(where, [height, width], window);
  const taps = window.size[0] * window.size[1];
  return { taps, shape: [...outputs.slice(2 - axes), channels] };
}
