import type { Ptr } from "../../src/core/arena.ts";
import type { Core } from "../../src/core/core.ts";
import { loadCore } from "../../src/core/core.ts";
import type { Variant } from "../../src/core/variants.ts";
import { isSupported } from "../../src/core/variants.ts";

/** A core with helpers that make a kernel test read like its formula. One for each variant that this engine accepts. */
export interface Bench extends Core {
  readonly name: Variant;
  /** Fused multiply-add: results may differ from `simd` in the last bits. */
  readonly fused: boolean;
  /** Copies numbers into fresh memory as f32 and gives the address. */
  floats(values: ArrayLike<number>): Ptr;
  ints(values: ArrayLike<number>): Ptr;
  /** Fresh memory for `count` floats, filled with NaN: a kernel that reads its output shows it. */
  output(count: number): Ptr;
  /** A copy of `count` floats at `at`. */
  read(at: Ptr, count: number): Float32Array;
}

/** Every variant this engine accepts, each with a core of its own: `describe.each(await variants())`. */
export async function variants(): Promise<Bench[]> {
  const names: Variant[] = ["simd", "relaxed", "debug"];
  const supported = await Promise.all(names.map(isSupported));
  return Promise.all(names.filter((_, i) => supported[i]).map(benchOf));
}

async function benchOf(name: Variant): Promise<Bench> {
  const core = await loadCore({ variant: name });
  const { arena } = core;
  const place = (
    values: ArrayLike<number>,
    view: (at: Ptr, n: number) => Float32Array | Int32Array,
  ) => {
    const at = arena.allocate(values.length * 4);
    view(at, values.length).set(values);
    return at;
  };
  return {
    ...core,
    name,
    fused: name === "relaxed",
    floats: (values) => place(values, (at, n) => arena.f32(at, n)),
    ints: (values) => place(values, (at, n) => arena.i32(at, n)),
    output: (count) => {
      const at = arena.allocate(count * 4);
      arena.f32(at, count).fill(Number.NaN);
      return at;
    },
    read: (at, count) => arena.f32(at, count).slice(),
  };
}
