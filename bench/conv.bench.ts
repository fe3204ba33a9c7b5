import type { Core } from "headstart/core";
import { peak } from "./gemm.bench.ts";
import type { Contender } from "./support.ts";
import { cores, race, uniform } from "./support.ts";

/** Batch, height and width, channels, filters, taps: both layers of W5, an image's first layer, narrow and wide ones. */
const SHAPES: readonly (readonly [number, number, number, number, number])[] = [
  [64, 28, 1, 16, 3],
  [64, 14, 16, 32, 3],
  [32, 28, 3, 32, 3],
  [32, 14, 32, 64, 3],
  [16, 14, 64, 64, 3],
  [16, 7, 256, 256, 3],
  [32, 14, 64, 64, 1],
];

const PASSES = ["forward", "filter", "input"] as const;

export async function suite(): Promise<void> {
  const variants = await cores();
  const limits = variants.map(peak);
  for (const shape of SHAPES) {
    const [batch, n, channels, filters, taps] = shape;
    const work = 2 * batch * n * n * taps * taps * channels * filters;
    for (const pass of PASSES) {
      const tasks = variants.map((core, i): Contender => {
        return { name: core.variant, work, run: passOf(core, shape, pass), limit: limits[i]! };
      });
      const name = `${batch} x ${n} x ${n} x ${channels} -> ${filters}, ${taps} x ${taps}, ${pass}`;
      await race(`conv ${name}`, "GFLOP/s", 1e9, tasks);
    }
  }
}

function passOf(
  core: Core,
  [batch, n, channels, filters, taps]: readonly [number, number, number, number, number],
  pass: (typeof PASSES)[number],
): () => void {
  const { kernels, arena, enums, tile } = core;
  const { fractional = 0, swapped = 0 } = enums.WindowFlag ?? {};
  const [into, out] = pass === "input" ? [filters, channels] : [channels, filters];
  const flags = pass === "input" ? fractional | swapped : 0;
  const before = (taps - 1) >> 1;
  const window = arena.allocate(17 * 4);
  const words = [batch, n, n, out, n, n, into, taps, taps, 1, 1, 1, 1, before, before, 1, flags];
  arena.i32(window, 17).set(words);
  const x = uniform(core, batch * n * n * into);
  const y = uniform(core, batch * n * n * out);
  const w = uniform(core, taps * taps * into * out);
  const bytes = kernels.convolveWorkspace(taps * taps, taps, n + taps - 1, into, out, 1);
  const ws = arena.allocate(bytes >>> 0);
  if (pass === "filter") return () => kernels.convolveFilter(w, x, y, ws, 0, tile, window, 0, 1);
  return () => kernels.convolve(y, x, w, 0, ws, 0, 0, 0, tile, window, 0, 1);
}
