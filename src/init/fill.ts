import type { Ptr } from "../core/arena.ts";
import type { Core } from "../core/core.ts";
import type { StreamKey } from "../core/rng.ts";
import type { Draw, Draws } from "./draw.ts";
import { resolve } from "./initializer.ts";
import { placeMap } from "./maps.ts";
import type { Initializer, ParamSpec } from "./types.ts";
import { size } from "./values.ts";

/**
 * Fills the floats of a parameter at `at`. The values are a function of (key, element index): nothing else that is filled, or
 * when, can change them. `scratch` lends memory for the call.
 */
export function fill(
  { kernels, arena }: Core,
  at: Ptr,
  spec: ParamSpec,
  initializer: Initializer,
  { k0, k1 }: StreamKey,
  scratch: (bytes: number) => Ptr,
): void {
  const { draw } = resolve(initializer, spec);
  const n = size(spec.shape);
  switch (draw.distribution) {
    case "constant":
    case "uniform":
    case "normal":
    case "truncated_normal":
      fillIndependent({ kernels, arena }, at, n, draw, { k0, k1 }, 0, 1);
      break;
    case "orthogonal": {
      const [map] = spec.maps;
      if (
        map?.inputStride === map?.outputs &&
        map?.outputStride === 1 &&
        map.inputs * map.outputs === n
      ) {
        const room = scratch(kernels.orthogonalScratch(map.inputs, map.outputs));
        kernels.fillOrthogonal(at, map.inputs, map.outputs, draw.gain, room, k0, k1);
        break;
      }
      const draws = drawsOf({ kernels, arena }, { k0, k1 }, scratch);
      arena.f32(at, n).fill(0);
      spec.maps.forEach((map, index) => {
        // The draw before the view: it may grow the memory, which detaches every view.
        const matrix = draws.orthogonal(map.inputs, map.outputs, index);
        placeMap(arena.f32(at, n), map, matrix, draw.gain);
      });
      break;
    }
    case "values": {
      // Before the view is taken: drawing may grow the memory, and that detaches views.
      const values = draw.values(drawsOf({ kernels, arena }, { k0, k1 }, scratch));
      arena.f32(at, n).set(values);
      break;
    }
  }
}

/** A law whose values are independent: the value of an element is a function of the key and its index alone. */
export type Independent = Extract<
  Draw,
  { readonly distribution: "constant" | "uniform" | "normal" | "truncated_normal" }
>;

/** The share of thread `thread` of `threads` in `n` independent values at `at`, in groups of `GROUP`. */
export function fillIndependent(
  { kernels, arena }: Pick<Core, "kernels" | "arena">,
  at: Ptr,
  n: number,
  draw: Independent,
  { k0, k1 }: StreamKey,
  thread: number,
  threads: number,
): void {
  switch (draw.distribution) {
    case "constant":
      kernels.fillConstant(at, n, draw.value, thread, threads);
      break;
    case "uniform":
      kernels.randomUniform(at, n, draw.low, draw.high, k0, k1, 0, thread, threads);
      break;
    case "normal":
      kernels.randomNormal(at, n, draw.mean, draw.std, k0, k1, 0, thread, threads);
      break;
    case "truncated_normal": {
      const { mean, sigma, low, high } = draw;
      const near = Math.min(Math.max(0, low), high);
      if (Math.abs(near) < FAR) {
        kernels.randomTruncatedNormal(at, n, mean, sigma, low, high, k0, k1, 0, thread, threads);
        break;
      }
      // mean + sigma near is small beside mean, and f32 would round it off: the distance from there is drawn.
      const [a, b] = [Math.fround(low), Math.fround(high)];
      const end = Math.fround(near);
      kernels.randomTruncatedNormal(at, n, -end, 1, a, b, k0, k1, 0, thread, threads);
      const start = mean + sigma * near;
      const groups = Math.ceil(n / GROUP);
      const first = GROUP * Math.floor((groups * thread) / threads);
      const last = Math.min(n, GROUP * Math.floor((groups * (thread + 1)) / threads));
      const values = arena.f32((at + 4 * first) as Ptr, last - first);
      for (let i = 0; i < values.length; i++) values[i] = start + sigma * values[i]!;
      break;
    }
  }
}

/** Values that the kernels draw together, and in whose multiples threads share them. */
export const GROUP = 16;

/** Deviations out from which a truncated law is drawn as its distance from its nearer end. */
const FAR = 16;

/** Draws by the kernels, copied out. A purpose is the kernels' `step`: another one, another stream. */
function drawsOf(
  { kernels, arena }: Pick<Core, "kernels" | "arena">,
  { k0, k1 }: StreamKey,
  scratch: (bytes: number) => Ptr,
): Draws {
  return {
    uniform(count, purpose) {
      const at = scratch(count * 4);
      kernels.randomUniform(at, count, 0, 1, k0, k1, purpose, 0, 1);
      return arena.f32(at, count).slice();
    },
    normal(count, purpose) {
      const at = scratch(count * 4);
      kernels.randomNormal(at, count, 0, 1, k0, k1, purpose, 0, 1);
      return arena.f32(at, count).slice();
    },
    permutation(count, purpose) {
      const at = scratch(count * 4);
      kernels.permutation(at, count, k0, k1, purpose, 0, 1);
      return arena.i32(at, count).slice();
    },
    orthogonal(rows, cols, purpose) {
      const at = scratch(rows * cols * 4 + kernels.orthogonalScratch(rows, cols) + 64);
      const room = (at + Math.ceil((rows * cols * 4) / 64) * 64) as Ptr;
      // The kernel takes no step: the purpose goes into the key.
      kernels.fillOrthogonal(
        at,
        rows,
        cols,
        1,
        room,
        k0,
        (k1 ^ Math.imul(purpose, 0x9e3779b9)) >>> 0,
      );
      return arena.f32(at, rows * cols).slice();
    },
  };
}
