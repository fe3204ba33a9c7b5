import { sizeOf } from "../graph/tensor.ts";
import type { Layer } from "./layer.ts";
import { checkCount } from "./layer.ts";

/** States the shape of one example, without the batch; as the first layer it stands for the network's `input` option. */
export function input(shape: readonly number[]): Layer {
  checkShape("input", shape);
  return {
    kind: "input",
    config: { shape: [...shape] },
    build(tape, x, path) {
      if (x.size / tape.batch !== sizeOf(shape, path)) {
        throw new RangeError(
          `${path}: expected examples of shape [${shape}], got [${x.shape.slice(1)}]`,
        );
      }
      return tape.view(x, shape);
    },
  };
}

/** Checks the shape of one example. */
export function checkShape(where: string, shape: readonly number[]): void {
  if (!Array.isArray(shape) || shape.length === 0) {
    throw new TypeError(
      `${where}: expected a shape such as [64] or [28, 28], got ${JSON.stringify(shape)}`,
    );
  }
  for (const size of shape) checkCount(`${where}: each size in [${shape}]`, size);
}
