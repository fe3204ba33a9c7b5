export { ALIGNMENT, Arena, MAX_BYTES, OutOfMemoryError, type Ptr } from "./arena.ts";
export { type Core, type CoreOptions, loadCore, type Threads } from "./core.ts";
export { type StreamKey, streamKey } from "./rng.ts";
export { LostThread, type Program } from "./team.ts";
export { type Binary, bytesOf, isSupported, type Variant } from "./variants.ts";
export type { Kernels } from "./wasm/kernels.ts";
