import type { Config, Layer, LayerConfig } from "./layer.ts";

/** A layer as plain data: its kind, its name if it has one, and its options. */
export function layerConfig({ kind, name, config }: Layer): LayerConfig {
  return { kind, ...(name === undefined ? {} : { name }), ...config };
}

export type { Config };
