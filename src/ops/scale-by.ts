import type { Param } from "../graph/param-store.ts";
import type { Tape } from "../graph/tape.ts";
import type { Tensor } from "../graph/tensor.ts";

/** `y = s x`, one learnt factor for all or one a channel (the last axis). */
export function scaleBy(tape: Tape, layer: string, x: Tensor, factor: Param): Tensor {
  const cols = x.shape.at(-1) ?? 1;
  const rows = x.size / cols;
  const channels = factor.size;
  const y = tape.tensor(x.shape.slice(1), layer);
  const s = tape.params.values(factor);
  tape.emit("scaleBy", y.data, x.data, s, rows, cols, channels);
  tape.onBackward(() => {
    const dy = tape.grad(y);
    if (dy === undefined) return;
    // dx = s dy, ds = sum of x dy
    const ds = tape.addParamGrad(factor);
    const dx = tape.addGrad(x) ?? { at: 0, beta: 0 as const };
    const sizes = [rows, cols, channels, dx.beta, ds.beta] as const;
    tape.emit("scaleByBackward", dx.at, ds.at, x.data, dy, s, ...sizes);
  });
  return y;
}
