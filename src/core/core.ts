import type { Ptr } from "./arena.ts";
import { Arena, MAX_BYTES, PAGE } from "./arena.ts";
import type { Tile } from "./engine.ts";
import { engine } from "./engine.ts";
import type { Instance } from "./instantiate.ts";
import { instantiate } from "./instantiate.ts";
import { pool } from "./pool.ts";
import type { Program } from "./team.ts";
import { Team } from "./team.ts";
import { threadsWanted } from "./threads.ts";
import type { Variant } from "./variants.ts";
import { chooseVariant, compile, isSupported } from "./variants.ts";
import type { Kernels } from "./wasm/kernels.ts";
import { whyAlone } from "./workers.ts";

export interface CoreOptions {
  /** Pins a variant; the default is the fastest that the engine accepts. `simd` gives the same bits on every engine. */
  readonly variant?: Variant;
  /** Most bytes the memory may grow to; the default is 4 GiB less one page. */
  readonly maximumBytes?: number;
  /**
   * Threads that share the work, this one included: a number, or `"auto"` for the machine's cores. Default 1. The results are the same
   * to the bit. Where there can be no more than one, `Core.threads` says why.
   */
  readonly threads?: number | "auto";
}

/** How many threads share the work. */
export interface Threads {
  /** Most threads of a run; one that is lost makes them fewer. */
  readonly count: number;
  /** How many are there now: helpers start in the background, and leave when there is nothing to do. */
  readonly present: number;
  /** Why there are fewer than were asked for. */
  readonly reason: string | undefined;
}

/** An instance of the kernels with a memory of its own. */
export interface Core {
  readonly variant: Variant;
  readonly kernels: Kernels;
  readonly arena: Arena;
  /** The width of gemm's micro-kernels, an operand of `gemm`: 8, or 16 where turbo found that it pays. The bits are the same. */
  readonly tile: Tile;
  /** Opcodes, state offsets and activation kinds, read off the binary. */
  readonly enums: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly threads: Threads;
  /**
   * Executes a program `steps` times over a state and gives how many times it came to its end: see `run` in docs/kernels.md. Throws a
   * `LostThread` when a helper does not come back.
   */
  readonly run: (program: Program, state: Ptr, steps: number) => number;
  /** @internal The threads behind `run`, when there may be more than one. */
  readonly team: Team | undefined;
}

/**
 * Compiles (once a process) and instantiates the core.
 *
 * Throws an `Error` that names what is missing when the engine has no SIMD, or not the pinned variant, and a `RangeError` for a number
 * of threads that is none.
 */
export async function loadCore(options: CoreOptions = {}): Promise<Core> {
  const wanted = threadsWanted(options.threads ?? 1);
  if (engine.changing !== undefined) await engine.changing;
  engine.isInUse = true;
  const variant = await chooseVariant(options.variant);
  const limit = options.maximumBytes ?? MAX_BYTES;
  const shared = wanted > 1 ? await prepareShared(variant, limit) : undefined;
  if (shared === undefined || typeof shared === "string") {
    const module = await compile(variant);
    const memory = new WebAssembly.Memory({ initial: 1 });
    const instance = await instantiate(module, memory);
    const arena = arenaOf(instance, memory, limit);
    const threads = { count: 1, present: 1, reason: shared ?? whyOne(options.threads) };
    const run: Core["run"] = ({ at, end }, state, steps) =>
      instance.kernels.run(at, end, state, steps, 0, 1);
    return { variant, ...instance, arena, tile: engine.tile, threads, run, team: undefined };
  }
  const { module, memory } = shared;
  const instance = await instantiate(module, memory);
  const arena = arenaOf(instance, memory, limit);
  pool.watch(arena);
  const team = new Team({ module, memory, arena, instance, count: wanted });
  const threads: Threads = {
    get count() {
      return pool.failure === undefined ? team.count : 1;
    },
    get present() {
      return 1 + team.present;
    },
    get reason() {
      return pool.failure ?? (team.count < wanted ? "a worker was lost" : undefined);
    },
  };
  const run: Core["run"] = (program, state, steps) => team.run(program, state, steps);
  return { variant, ...instance, arena, tile: engine.tile, threads, run, team };
}

function whyOne(threads: number | "auto" | undefined): string | undefined {
  return threads === "auto" ? "this machine has one core" : undefined;
}

/** The binary with threads and its memory, or why there can be none. */
async function prepareShared(
  variant: Variant,
  limit: number,
): Promise<{ module: WebAssembly.Module; memory: WebAssembly.Memory } | string> {
  const reason = whyAlone();
  if (reason !== undefined) return reason;
  if (variant === "debug") return "the debug variant has no threads";
  if (!(await isSupported(`${variant}-threads`))) return "this engine has no WebAssembly threads";
  const maximum = Math.ceil(Math.min(limit, MAX_BYTES) / PAGE);
  try {
    const memory = new WebAssembly.Memory({ initial: 1, maximum, shared: true });
    return { module: await compile(`${variant}-threads`), memory };
  } catch (error) {
    return `this engine gives no shared memory of ${maximum} pages: ${(error as Error).message}`;
  }
}

function arenaOf(instance: Instance, memory: WebAssembly.Memory, limit: number): Arena {
  return new Arena(memory, instance.kernels.heapBase() >>> 0, limit);
}

export type { Ptr };
