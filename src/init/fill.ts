import type { Ptr } from "../core/arena.ts";
import type { Core } from "../core/core.ts";
import type { StreamKey } from "../core/rng.ts";
import { resolve } from "./initializer.ts";
import type { Initializer, ParamSpec } from "./types.ts";

/**
 * Fills the floats of a parameter at `at`. The values are a function of (key, element index): nothing else that is filled, or
 * when, can change them. `scratch` lends memory for the call.
 */
export function fill(
  { kernels }: Core,
  at: Ptr,
  spec: ParamSpec,
  initializer: Initializer,
  { k0, k1 }: StreamKey,
  scratch: (bytes: number) => Ptr,
): void {
  const { draw } = resolve(initializer, spec);
  const n = spec.shape.reduce((product, size) => product * size, 1);
  const [rows = n, columns = 1] = spec.shape;
  switch (draw.distribution) {
    case "constant":
      kernels.fillConstant(at, n, draw.value, 0, 1);
      break;
    case "uniform":
      kernels.randomUniform(at, n, draw.low, draw.high, k0, k1, 0, 0, 1);
      break;
    case "normal":
      kernels.randomNormal(at, n, draw.mean, draw.std, k0, k1, 0, 0, 1);
      break;
    case "truncated_normal": {
      const { mean, sigma, low, high } = draw;
      kernels.randomTruncatedNormal(at, n, mean, sigma, low, high, k0, k1, 0, 0, 1);
      break;
    }
    case "orthogonal": {
      const room = scratch(kernels.orthogonalScratch(rows, columns));
      kernels.fillOrthogonal(at, rows, columns, draw.gain, room, k0, k1);
      break;
    }
    case "identity":
      kernels.fillIdentity(at, rows, columns, draw.gain, 0, 1);
      break;
  }
}
