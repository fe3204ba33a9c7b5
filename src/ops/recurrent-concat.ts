import { ref } from "../graph/buffer.ts";
import type { Tape } from "../graph/tape.ts";
import type { Tensor } from "../graph/tensor.ts";

/** `y = [a, b]` along the last axis, the other axes equal. */
export function concatFeatures(tape: Tape, layer: string, a: Tensor, b: Tensor): Tensor {
  const [n = 0, m = 0] = [a.shape.at(-1), b.shape.at(-1)];
  const width = n + m;
  const rows = a.size / n;
  const y = tape.tensor([...a.shape.slice(1, -1), width], layer);
  const parts = [
    { x: a, cols: n, from: 0 },
    { x: b, cols: m, from: n },
  ];
  for (const { x, cols, from } of parts) {
    const to = ref(y.data.buffer, y.data.offset + from * 4);
    tape.emit("moveRows", to, width, 0, x.data, cols, 0, rows, 1, cols, 0);
  }
  tape.onBackward(() => {
    const dy = tape.grad(y);
    if (dy === undefined) return;
    for (const { x, cols, from } of parts) {
      const dx = tape.addGrad(x); // its columns of dy
      if (dx === undefined) continue;
      const part = ref(dy.buffer, dy.offset + from * 4);
      tape.emit("moveRows", dx.at, cols, 0, part, width, 0, rows, 1, cols, dx.beta);
    }
  });
  return y;
}
