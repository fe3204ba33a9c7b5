import { ref } from "../graph/buffer.ts";
import type { Param } from "../graph/param-store.ts";
import type { Tape } from "../graph/tape.ts";
import type { Tensor } from "../graph/tensor.ts";

/** `y = x > 0 ? x : slope x`, one learnt slope for all or one a channel (the last axis). */
export function prelu(tape: Tape, layer: string, x: Tensor, slope: Param): Tensor {
  const cols = x.shape.at(-1) ?? 1;
  const rows = x.size / cols;
  const channels = slope.size;
  const y = tape.tensor(x.shape.slice(1), layer);
  const a = tape.params.values(slope);
  tape.emit("preluForward", y.data, x.data, a, rows, cols, channels);
  tape.onBackward(() => {
    const dy = tape.grad(y);
    if (dy === undefined) return;
    // dx = (x > 0 ? 1 : slope) dy, dslope = sum of x dy where x <= 0
    const da = tape.addParamGrad(slope);
    const dx = tape.addGrad(x) ?? {
      at: ref(tape.buffer(`${layer}/dx`, x.size * 4)),
      beta: 0 as const,
    };
    tape.emit("preluBackward", dx.at, da.at, x.data, dy, a, rows, cols, channels, dx.beta, da.beta);
  });
  return y;
}
