import { float } from "../graph/buffer.ts";
import type { Tape } from "../graph/tape.ts";
import type { Tensor } from "../graph/tensor.ts";

/** `y = a + b`, shapes equal. */
export function add(tape: Tape, layer: string, a: Tensor, b: Tensor): Tensor {
  if (a.shape.join() !== b.shape.join()) {
    throw new RangeError(
      `${layer}: cannot add tensors of different shapes, [${a.shape.slice(1)}] and [${b.shape.slice(1)}]`,
    );
  }
  const y = tape.tensor(a.shape.slice(1), layer);
  tape.emit("add", y.data, a.data, b.data, y.size, 0);
  tape.onBackward(() => {
    const dy = tape.grad(y);
    if (dy === undefined) return;
    for (const x of [b, a]) {
      const dx = tape.addGrad(x); // dx = dy
      if (dx !== undefined) tape.emit("scale", dx.at, dy, float(1), y.size, dx.beta);
    }
  });
  return y;
}
