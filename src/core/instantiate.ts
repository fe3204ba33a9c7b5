import { instantiateSync, instantiate as load } from "@assemblyscript/loader";
import type { Kernels } from "./wasm/kernels.ts";

/** An instance's functions, and its enums as plain numbers. */
export interface Instance {
  readonly kernels: Kernels;
  readonly enums: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** The only place that knows the loader: it folds exported enums into objects and makes aborts readable. */
export async function instantiate(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
): Promise<Instance> {
  const { exports } = await start(module, { env: { memory } });
  const enums: Record<string, Record<string, number>> = {};
  for (const [name, value] of Object.entries(exports)) {
    if (value === null || typeof value !== "object" || value instanceof WebAssembly.Memory)
      continue;
    enums[name] = Object.fromEntries(
      Object.entries(value as Record<string, WebAssembly.Global>).map(([key, g]) => [key, g.value]),
    );
  }
  return { kernels: exports as unknown as Kernels, enums };
}

/**
 * The loader's asynchronous way asks whether the module is a `Response`, for which Node loads all of its fetch: 13 ms of a start.
 * Chrome before 115 refuses the other one on a page's main thread.
 */
async function start(module: WebAssembly.Module, imports: WebAssembly.Imports) {
  try {
    return instantiateSync(module, imports);
  } catch (error) {
    if (error instanceof RangeError) return load(module, imports);
    throw error;
  }
}
