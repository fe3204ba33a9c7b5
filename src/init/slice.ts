import type { Ptr } from "../core/arena.ts";
import type { Core } from "../core/core.ts";
import type { StreamKey } from "../core/rng.ts";
import { fill, fillIndependent, GROUP } from "./fill.ts";
import { resolve } from "./initializer.ts";
import type { Initializer, ParamSpec } from "./types.ts";
import { size } from "./values.ts";

/** Which elements of a parameter, in the order of its memory: [begin, end). */
export interface Range {
  readonly begin: number;
  readonly end: number;
}

/**
 * Elements [begin, end) of what `fill` gives the whole parameter, to the bit: for one who holds a part of it. Independent laws
 * are drawn in the memory of that part, whatever the size of the whole; values that depend on each other (orthogonal matrices,
 * patterns, matched moments) are worked out whole, and the part is cut out.
 *
 * Throws a `RangeError` for a range that does not lie in the parameter.
 */
export function drawSlice(
  core: Core,
  spec: ParamSpec,
  initializer: Initializer,
  key: StreamKey,
  { begin, end }: Range,
  scratch: (bytes: number) => Ptr,
): Float32Array<ArrayBuffer> {
  const n = size(spec.shape);
  const areWhole = Number.isSafeInteger(begin) && Number.isSafeInteger(end);
  if (!(areWhole && begin >= 0 && begin <= end && end <= n)) {
    throw new RangeError(
      `drawSlice: expected 0 <= begin <= end <= ${n}, the numbers of a parameter of shape [${spec.shape}], ` +
        `got begin ${begin}, end ${end}`,
    );
  }
  const { draw } = resolve(initializer, spec);
  if (draw.distribution === "orthogonal" || draw.distribution === "values") {
    const at = core.arena.allocate(n * 4, "a parameter of which a slice is wanted");
    fill(core, at, spec, initializer, key, scratch);
    return core.arena.f32(at, n).slice(begin, end);
  }
  const groups = Math.ceil(n / GROUP);
  const [first, last] = [Math.floor(begin / GROUP), Math.ceil(end / GROUP)];
  const room = scratch((last - first) * GROUP * 4);
  // A thread of as many as there are groups does one of them, where it would stand in the whole.
  const whole = (room - first * GROUP * 4) as Ptr;
  for (let group = first; group < last; group++) {
    fillIndependent(core, whole, n, draw, key, group, groups);
  }
  const offset = begin - first * GROUP;
  return core.arena.f32(room, (last - first) * GROUP).slice(offset, offset + end - begin);
}
