import type { Param } from "../graph/param-store.ts";
import type { Tape } from "../graph/tape.ts";
import type { Tensor } from "../graph/tensor.ts";

/**
 * `y = table[x]`, one row of the table [vocabulary, units] a token: x [.., time] gives [.., time, units]. With `maskZero` token 0 is
 * padding: y has a mask, and the table's row 0 no gradient.
 */
export function embedding(
  tape: Tape,
  layer: string,
  x: Tensor,
  table: Param,
  maskZero: boolean,
): Tensor {
  const [vocabulary = 0, units = 0] = table.spec.shape;
  const sizes = [x.size, vocabulary, units] as const;
  const y = tape.tensor([...x.shape.slice(1), units], layer);
  tape.emit("embed", y.data, x.data, tape.params.values(table), ...sizes);
  tape.onBackward(() => {
    const dy = tape.grad(y);
    if (dy === undefined) return;
    const dw = tape.addParamGrad(table); // dw[x] += dy
    tape.emit("embedBackward", dw.at, x.data, dy, ...sizes, maskZero ? 1 : 0, dw.beta);
  });
  return maskZero ? { ...y, mask: maskOf(tape, layer, x) } : y;
}

/** 1 where x is not 0. */
function maskOf(tape: Tape, layer: string, x: Tensor): Tensor {
  const mask = tape.tensor(x.shape.slice(1), layer, "mask");
  tape.emit("maskOfTokens", mask.data, x.data, x.size);
  return { ...mask, value: { ...mask.value, needsGrad: false } };
}
