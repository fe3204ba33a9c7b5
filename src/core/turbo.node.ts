import * as v8 from "node:v8";
import { getEnvironmentData, setEnvironmentData } from "node:worker_threads";
import type { Tile } from "./engine.ts";
import { engine } from "./engine.ts";
import type { Rates } from "./turbo-probe.ts";
import { differingKernel, gemmRate, isFused, load, results } from "./turbo-probe.ts";
import type { Variant } from "./variants.ts";
import { bytesOf, hasCompiled, isSupported } from "./variants.ts";

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
}

/** `enableTurbo` was called when a core was compiled already: V8 would not compile it again. */
export class TurboTooLateError extends Error {
  override readonly name = "TurboTooLateError";
  constructor() {
    super("enableTurbo: must be called before the first core or network, got one compiled already");
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
 * A flag stays only if it was found, with the very kernels that will run, that it gives the right bits on random operands and, for
 * 256 bits, that it pays. Otherwise the result says why and nothing has changed. Takes about 50 ms; later calls give the
 * first result.
 *
 * Throws `TurboTooLateError` when a core has been compiled before the first call.
 */
export function enableTurbo(options: TurboOptions = {}): Promise<Turbo> {
  if (enabled === undefined) {
    if (hasCompiled()) return Promise.reject(new TurboTooLateError());
    enabled = enable(options).then((turbo) => {
      engine.tile = turbo.tile;
      setEnvironmentData(INHERITED, turbo.tile);
      return turbo;
    });
  }
  return enabled;
}

// The engine is changed once a process; the promise is what there is to know about it.
let enabled: Promise<Turbo> | undefined;

/** Takes the tile over in a worker thread that was started after `enableTurbo`; the flags hold there anyway. */
export function inheritTurbo(): void {
  if (getEnvironmentData(INHERITED) === 16) engine.tile = 16;
}

async function enable({ variant }: TurboOptions): Promise<Turbo> {
  const start = performance.now();
  const finish = (found: Partial<Turbo> & { readonly reason: string }): Turbo => ({
    ...{ on: false, flags: [], tile: 8, variant: undefined, rates: {}, ...found },
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
    return finish(await tryRevectorize(variant ?? "relaxed"));
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
  if (!isFused(await load(await bytesOf(variant), 1))) {
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
): Promise<Partial<Turbo> & { readonly reason: string }> {
  const bytes = await bytesOf(variant);
  const plain = await load(bytes, 1);
  const expected = results(plain, 8);
  optimiseAtOnce(true);
  let keeps = false;
  try {
    const rates: Rates = { plain: gemmRate(plain, 8, 2) };
    setFlag(REVECTORIZE, true);
    const wide = await load(bytes, 2);
    for (const tile of [8, 16] as const) {
      results(wide, tile);
      const kernel = differingKernel(expected, results(wide, tile));
      if (kernel !== undefined) {
        return { variant, rates, reason: `instructions of 256 bits change the bits of ${kernel}` };
      }
    }
    const tile8 = gemmRate(wide, 8, 2);
    const tile16 = gemmRate(wide, 16, 2);
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
