export { type AttentionOptions, attentionSpecs, fusedAttentionSpecs } from "./specs/attention.ts";
export {
  type ConvOptions,
  convSpec,
  convTransposeSpec,
  type DepthwiseOptions,
  depthwiseSpec,
  type LocalOptions,
  locallyConnectedSpec,
  type PixelShuffleOptions,
  pixelShuffleSpec,
  type SeparableOptions,
  separableSpecs,
} from "./specs/conv.ts";
export { bilinearSpec, denseSpec, embeddingSpec } from "./specs/dense.ts";
export { matrix } from "./specs/matrix.ts";
export { type Cell, type RecurrentOptions, recurrentSpecs } from "./specs/recurrent.ts";
export { normSpecs, vectorSpec } from "./specs/vector.ts";
