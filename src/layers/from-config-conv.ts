import type { Conv1dOptions, Conv2dOptions } from "./conv.ts";
import { conv1d, conv2d } from "./conv.ts";
import type { Layer, LayerConfig } from "./layer.ts";

/** Convolution, pooling and resampling from their descriptions; each layer checks its options itself. */
export const CONV_FACTORIES: Readonly<Record<string, (config: LayerConfig) => Layer>> = {
  conv2d: (c) => conv2d(c as unknown as Conv2dOptions),
  conv1d: (c) => conv1d(c as unknown as Conv1dOptions),
};
