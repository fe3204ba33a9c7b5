import type { Ptr } from "./arena.ts";
import { Arena } from "./arena.ts";
import { instantiate } from "./instantiate.ts";
import type { Variant } from "./variants.ts";
import { chooseVariant } from "./variants.ts";
import type { Kernels } from "./wasm/kernels.ts";

export interface CoreOptions {
  /** Pins a variant; the default is the fastest that the engine accepts. `simd` gives the same bits on every engine. */
  readonly variant?: Variant;
  /** Most bytes the memory may grow to; the default is 4 GiB less one page. */
  readonly maximumBytes?: number;
}

export type Tile = 8 | 16;

/** An instance of the kernels with a memory of its own. */
export interface Core {
  readonly variant: Variant;
  readonly kernels: Kernels;
  readonly arena: Arena;
  /** The width of gemm's micro-kernels, an operand of `gemm`: 8, or 16 where turbo found that it pays. The bits are the same. */
  readonly tile: Tile;
  /** Opcodes, state offsets and activation kinds, read off the binary. */
  readonly enums: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/**
 * Compiles (once a process) and instantiates the core.
 *
 * Throws an `Error` that names what is missing when the engine has no SIMD, or not the pinned variant.
 */
export async function loadCore(options: CoreOptions = {}): Promise<Core> {
  const { variant, module } = await chooseVariant(options.variant);
  const memory = new WebAssembly.Memory({ initial: 1 });
  const { kernels, enums } = await instantiate(module, memory);
  const base = kernels.heapBase() >>> 0;
  return { variant, kernels, enums, tile: 8, arena: new Arena(memory, base, options.maximumBytes) };
}

export type { Ptr };
