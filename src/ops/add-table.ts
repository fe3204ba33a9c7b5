import type { Ref } from "../graph/buffer.ts";
import { float } from "../graph/buffer.ts";
import type { Param } from "../graph/param-store.ts";
import type { Tape } from "../graph/tape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { kindOf } from "./activation.ts";

/** `y = x + table`, the same numbers for every example: a parameter, or constants. */
export function addTable(tape: Tape, layer: string, x: Tensor, table: Param | Ref): Tensor {
  const cols = x.size / tape.batch;
  const isParam = "spec" in table;
  const y = tape.tensor(x.shape.slice(1), layer);
  tape.emit(
    "addBias",
    y.data,
    x.data,
    isParam ? tape.params.values(table) : table,
    tape.batch,
    cols,
  );
  tape.onBackward(() => {
    const dy = tape.grad(y);
    if (dy === undefined) return;
    if (isParam) {
      const dw = tape.addParamGrad(table); // dw = sum of dy over the examples
      const linear = kindOf(tape.core, { name: "linear", alpha: 0 });
      const sizes = [tape.batch, cols, linear, float(0), dw.beta] as const;
      tape.emit("activationBackwardBias", dy, dw.at, y.data, dy, ...sizes);
    }
    const dx = tape.addGrad(x); // dx = dy
    if (dx !== undefined) tape.emit("scale", dx.at, dy, float(1), x.size, dx.beta);
  });
  return y;
}
