import * as v8 from "node:v8";
import { getEnvironmentData, isMainThread, setEnvironmentData } from "node:worker_threads";
import type { Tile } from "./engine.ts";
import { engine } from "./engine.ts";
import { checkNames } from "./options.ts";
import { threadsWanted } from "./threads.ts";
import type { Rates } from "./turbo-probe.ts";
import { differingKernel, gemmRate, isFused, load, results } from "./turbo-probe.ts";
import type { Binary, Variant } from "./variants.ts";
import { isSupported } from "./variants.ts";

/** What `enableTurbo` did, and why. */
export interface Turbo {
  /** Whether the engine was changed; when it was not, everything is as before the call. */
  readonly on: boolean;
  /** One sentence. */
  readonly reason: string;
  /** V8's flags that are set. */
  readonly flags: readonly string[];
  /** The width of gemm's micro-kernels that is used from now on. */
  readonly tile: Tile;
  /** The variant that was proved and timed; undefined when nothing was. */
  readonly variant: Variant | undefined;
  /** Speed of gemm at 96 x 96 x 96, as far as it was timed. */
  readonly rates: Rates;
  /** What the call took. */
  readonly milliseconds: number;
}

export interface TurboOptions {
  /** The variant that is going to be used, as in `loadCore`; default the fastest that the engine accepts. */
  readonly variant?: Variant;
  /** The threads that are going to be used, as in `loadCore`; default 1. More have a binary of their own, which is proved too. */
  readonly threads?: number | "auto";
}

/** `enableTurbo` was called when a core was begun already: V8 would not compile it again. */
export class TurboTooLateError extends Error {
  override readonly name = "TurboTooLateError";
  constructor() {
    super("enableTurbo: must be called before the first core or network, got one begun already");
  }
}

const RELAXED = "experimental-wasm-relaxed-simd";
const REVECTORIZE = "experimental-wasm-revectorize";
/** What 256 bits must gain to be kept. */
const WORTH = 1.1;
const INHERITED = "headstart turbo tile";

/**
 * Makes the process's engine as fast as it can be: fused multiply-add where it is behind a flag (Node 20), and instructions of 256
 * bits where V8 can make them of pairs of 128 (Node 24 and later on x64, an experimental flag). Both hold for the process and its
 * threads.
 *
 * The flag for 256 bits stays only if the binaries of the variant and number of threads named here gave the same bits with it on random
 * operands (those kernels that `results` lists), and gemm was faster; the one for relaxed SIMD only if gemm's multiply-adds round once.
 * Otherwise the result says why and nothing has changed. Takes less than 0.1 s. The engine is changed once: later calls give the first
 * result, and say so if they name another variant. In a worker thread it changes nothing and gives what the main thread found before it
 * started that thread.
 *
 * Throws `TurboTooLateError` when a core was begun before the first call, a `TypeError` for options that are none and a `RangeError` for
 * a variant, a number of threads or an option that there is none of.
 */
export async function enableTurbo(options: TurboOptions = {}): Promise<Turbo> {
  check(options);
  if (!isMainThread) return inheritTurbo();
  if (enabled === undefined) {
    if (engine.isInUse) throw new TurboTooLateError();
    const found = enable(options).then((turbo) => {
      engine.tile = turbo.tile;
      setEnvironmentData(INHERITED, turbo);
      return turbo;
    });
    engine.changing = found;
    enabled = { found, options };
  }
  const turbo = await enabled.found;
  const { variant: first } = enabled.options;
  if (options.variant === undefined || options.variant === first) return turbo;
  if (first === undefined && options.variant === turbo.variant) return turbo;
  const asked = first === undefined ? "no variant in particular" : `variant ${first}`;
  const reason = `${turbo.reason}; decided by an earlier call for ${asked}, not for ${options.variant}`;
  return { ...turbo, reason };
}

// The engine is changed once a process; this is what there is to know about it.
let enabled: { readonly found: Promise<Turbo>; readonly options: TurboOptions } | undefined;

const VARIANTS: readonly Variant[] = ["simd", "relaxed", "debug"];

function check(options: TurboOptions): void {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(
      `enableTurbo: expected options such as { variant: "simd" } (${VARIANTS.join(", ")}), got ${options}`,
    );
  }
  checkNames("enableTurbo", options, ["variant", "threads"]);
  if (options.variant !== undefined && !VARIANTS.includes(options.variant)) {
    throw new RangeError(
      `enableTurbo: variant: expected one of ${VARIANTS.join(", ")}, got ${JSON.stringify(options.variant)}`,
    );
  }
  threadsWanted(options.threads ?? 1);
}

/** What the main thread found before it started this thread: the flags hold here anyway, and the tile is taken over. */
export function inheritTurbo(): Turbo {
  const turbo = getEnvironmentData(INHERITED) as unknown as Turbo | undefined;
  if (turbo !== undefined) {
    engine.tile = turbo.tile;
    return turbo;
  }
  const reason = "this is a worker thread, and the main one had not decided when it was started";
  return { ...NOTHING, reason, milliseconds: 0 };
}

const NOTHING = { on: false, flags: [], tile: 8, variant: undefined, rates: {} } as const;

async function enable({ variant, threads }: TurboOptions): Promise<Turbo> {
  const start = performance.now();
  const finish = (found: Partial<Turbo> & { readonly reason: string }): Turbo => ({
    ...{ ...NOTHING, ...found },
    milliseconds: performance.now() - start,
  });
  try {
    const [major = 0, minor = 0] = process.versions.v8.split(".").map(Number);
    if (!(await isSupported("relaxed"))) {
      if (variant === "simd" || variant === "debug") {
        return finish({ reason: `variant ${variant} gains nothing from this version of V8` });
      }
      return finish(await tryRelaxed());
    }
    if (process.arch !== "x64") {
      return finish({
        reason: `V8 makes instructions of 256 bits on x64 only, not ${process.arch}`,
      });
    }
    if (major < 13 || (major === 13 && minor < 6)) {
      const reason = `V8 ${process.versions.v8} makes no instructions of 256 bits: Node 24 and later do`;
      return finish({ reason });
    }
    const isShared = threadsWanted(threads ?? 1) > 1 && variant !== "debug";
    return finish(await tryRevectorize(variant ?? "relaxed", isShared));
  } catch (error) {
    return finish({ reason: `this engine refuses: ${(error as Error).message}` });
  }
}

/**
 * Node 20: the flag lets relaxed SIMD in. There is no plain engine to compare with, so the products are worked out here; nothing is
 * timed, because the variant's bits are its own and must not depend on a clock.
 */
async function tryRelaxed(): Promise<Partial<Turbo> & { readonly reason: string }> {
  const variant = "relaxed";
  setFlag(RELAXED, true);
  if (!(await isSupported(variant))) {
    setFlag(RELAXED, false);
    return { reason: "this engine does not know relaxed SIMD" };
  }
  if (!isFused(await load(variant, 1))) {
    setFlag(RELAXED, false);
    return { variant, reason: "its multiply-add does not round once" };
  }
  return { on: true, variant, flags: [`--${RELAXED}`], reason: "fused multiply-add rounds once" };
}

/**
 * V8 keeps code by a module's bytes, so the same kernels under two tags are compiled apart: one before the flag, one after it, and
 * the bytes that will run not yet at all. Functions are optimised at their second call meanwhile, so that it is the optimiser's
 * code that is compared.
 */
async function tryRevectorize(
  variant: Variant,
  isShared: boolean,
): Promise<Partial<Turbo> & { readonly reason: string }> {
  // One thread runs the first, also where more were wanted and cannot be had.
  const binaries: readonly Binary[] =
    isShared && variant !== "debug" ? [variant, `${variant}-threads`] : [variant];
  const plain = await Promise.all(binaries.map((binary) => load(binary, 1)));
  const expected = plain.map((probe) => results(probe, 8));
  optimiseAtOnce(true);
  let keeps = false;
  try {
    const rates: Rates = { plain: gemmRate(plain.at(-1)!, 8, 2) };
    setFlag(REVECTORIZE, true);
    const wide = await Promise.all(binaries.map((binary) => load(binary, 2)));
    for (const [i, probe] of wide.entries()) {
      for (const tile of [8, 16] as const) {
        results(probe, tile);
        const kernel = differingKernel(expected[i]!, results(probe, tile));
        if (kernel !== undefined) {
          const reason = `instructions of 256 bits change the bits of ${kernel} (${binaries[i]})`;
          return { variant, rates, reason };
        }
      }
    }
    const tile8 = gemmRate(wide.at(-1)!, 8, 2);
    const tile16 = gemmRate(wide.at(-1)!, 16, 2);
    const found = { ...rates, tile8, tile16 };
    if (Math.max(tile8, tile16) < WORTH * (rates.plain ?? 0)) {
      return { variant, rates: found, reason: "instructions of 256 bits gain nothing on this CPU" };
    }
    keeps = true;
    return {
      ...{ on: true, variant, flags: [`--${REVECTORIZE}`], rates: found },
      tile: tile16 > tile8 ? 16 : 8,
      reason: "instructions of 256 bits give the same bits and pay",
    };
  } finally {
    if (!keeps) setFlag(REVECTORIZE, false);
    optimiseAtOnce(false);
  }
}

/** A function's budget of bytes executed before it is optimised, and whether that is waited for. V8 13.6 to 14.6 begin with 13 MB. */
function optimiseAtOnce(on: boolean): void {
  v8.setFlagsFromString(`--wasm-tiering-budget=${on ? 1 : 13_000_000}`);
  setFlag("wasm-sync-tier-up", on);
}

function setFlag(name: string, on: boolean): void {
  v8.setFlagsFromString(`--${on ? "" : "no-"}${name}`);
}
