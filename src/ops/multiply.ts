import type { Tape } from "../graph/tape.ts";
import type { Tensor } from "../graph/tensor.ts";

/** `y = a b`, elementwise, shapes equal. */
export function multiply(tape: Tape, layer: string, a: Tensor, b: Tensor): Tensor {
  if (a.shape.join() !== b.shape.join()) {
    throw new RangeError(
      `${layer}: cannot multiply tensors of different shapes, [${a.shape.slice(1)}] and [${b.shape.slice(1)}]`,
    );
  }
  const y = tape.tensor(a.shape.slice(1), layer);
  tape.emit("mul", y.data, a.data, b.data, y.size, 0);
  tape.onBackward(() => {
    const dy = tape.grad(y);
    if (dy === undefined) return;
    for (const [x, other] of [
      [b, a],
      [a, b],
    ] as const) {
      const dx = tape.addGrad(x); // da = b dy, db = a dy
      if (dx !== undefined) tape.emit("mul", dx.at, other.data, dy, y.size, dx.beta);
    }
  });
  return y;
}
