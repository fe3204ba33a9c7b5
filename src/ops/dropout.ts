import { float } from "../graph/buffer.ts";
import type { Tape } from "../graph/tape.ts";
import type { Tensor } from "../graph/tensor.ts";

/**
 * `y = x keep / (1 - rate)` while training, `y = x` otherwise. `keep` is a function of (seed, layer, step, element): the
 * backward call draws it again, and no mask is stored.
 */
export function dropout(tape: Tape, layer: string, x: Tensor, rate: number): Tensor {
  if (!tape.training || rate === 0) return x;
  const key = tape.stream(`${layer}/dropout`);
  const y = tape.tensor(x.shape.slice(1), layer);
  tape.emit("dropout", y.data, x.data, x.size, float(rate), ...key, 0);
  tape.onBackward(() => {
    const dy = tape.grad(y);
    const dx = tape.addGrad(x); // dx = dy keep / (1 - rate)
    if (dy !== undefined && dx !== undefined) {
      tape.emit("dropout", dx.at, dy, x.size, float(rate), ...key, dx.beta);
    }
  });
  return y;
}
