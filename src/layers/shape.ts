import { dropout as dropoutOp } from "../ops/dropout.ts";
import type { NamedOptions } from "./activation.ts";
import type { Layer } from "./layer.ts";
import { checkName } from "./layer.ts";

/** `[batch, a, b, ..]` seen as `[batch, a b ..]`: no copy. */
export function flatten({ name }: NamedOptions = {}): Layer {
  checkName("flatten", name);
  return {
    kind: "flatten",
    ...(name === undefined ? {} : { name }),
    config: {},
    build: (tape, x) => tape.view(x, [x.size / tape.batch]),
  };
}

/** Zeroes each value with probability `rate` while training and scales the others by `1 / (1 - rate)`; else the identity. */
export function dropout(rate: number, { name }: NamedOptions = {}): Layer {
  checkName("dropout", name);
  if (!(rate >= 0 && rate < 1)) {
    throw new RangeError(`dropout: rate must be at least 0 and below 1, got ${rate}`);
  }
  return {
    kind: "dropout",
    ...(name === undefined ? {} : { name }),
    config: { rate },
    build: (tape, x, path) => dropoutOp(tape, path, x, rate),
  };
}
