import type { Conv1dOptions, Conv2dOptions } from "./conv.ts";
import { conv1d, conv2d } from "./conv.ts";
import type { DepthwiseConv2dOptions, SeparableConv2dOptions } from "./conv-kinds.ts";
import { convTranspose2d, depthwiseConv2d, separableConv2d } from "./conv-kinds.ts";
import type { Layer, LayerConfig } from "./layer.ts";
import type { Pool1dOptions } from "./pool.ts";
import * as pools from "./pool.ts";
import type { PixelShuffleOptions } from "./resample.ts";
import { pixelShuffle, upSampling2d } from "./resample.ts";

/** Convolution, pooling and resampling from their descriptions; each layer checks its options itself. */
export const CONV_FACTORIES: Readonly<Record<string, (config: LayerConfig) => Layer>> = {
  conv2d: (c) => conv2d(c as unknown as Conv2dOptions),
  conv1d: (c) => conv1d(c as unknown as Conv1dOptions),
  convTranspose2d: (c) => convTranspose2d(c as unknown as Conv2dOptions),
  depthwiseConv2d: (c) => depthwiseConv2d(c as unknown as DepthwiseConv2dOptions),
  separableConv2d: (c) => separableConv2d(c as unknown as SeparableConv2dOptions),
  maxPool2d: (c) => pools.maxPool2d(c),
  maxPool1d: (c) => pools.maxPool1d(c as Pool1dOptions),
  averagePool2d: (c) => pools.averagePool2d(c),
  averagePool1d: (c) => pools.averagePool1d(c as Pool1dOptions),
  globalAveragePool2d: (c) => pools.globalAveragePool2d(c),
  globalAveragePool1d: (c) => pools.globalAveragePool1d(c),
  globalMaxPool2d: (c) => pools.globalMaxPool2d(c),
  globalMaxPool1d: (c) => pools.globalMaxPool1d(c),
  upSampling2d: (c) => upSampling2d(c),
  pixelShuffle: (c) => pixelShuffle(c as unknown as PixelShuffleOptions),
};
