export { activation, prelu, type NamedOptions, type PReluOptions } from "./activation.ts";
export { residual, sequential } from "./containers.ts";
export { dense, type DenseOptions } from "./dense.ts";
export { layerFromConfig } from "./from-config.ts";
export { checkShape, input } from "./input.ts";
export type { Layer, LayerConfig } from "./layer.ts";
export { buildAll, Scope } from "./layer.ts";
export { layerConfig } from "./serialise.ts";
export { dropout, flatten } from "./shape.ts";
