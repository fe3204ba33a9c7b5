import type { Tape } from "../graph/tape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { imageOf } from "./conv.ts";
import type { WindowOptions } from "./window.ts";
import { placeWindow, windowWords } from "./window.ts";

/**
 * `y[p] = max` or `mean of x` over a window's taps in the image: padding takes no part. The gradient of a maximum goes to the first of
 * equal values.
 */
export function pool(
  tape: Tape,
  layer: string,
  x: Tensor,
  { kind, ...options }: WindowOptions & { readonly kind: "max" | "average" },
): Tensor {
  const [height, width, channels] = imageOf(layer, x);
  const { outputs, before } = placeWindow(layer, [height, width], options);
  const words = windowWords({
    ...{ batch: tape.batch, options, before, groups: 1, flags: 0 },
    ...{ out: [...outputs, channels], in: [height, width, channels] },
  });
  const y = tape.tensor([...outputs, channels], layer);
  tape.emit(`${kind}Pool`, y.data, x.data, ...words);
  tape.onBackward(() => {
    const dy = tape.grad(y);
    const dx = tape.addGrad(x);
    if (dy === undefined || dx === undefined) return;
    const compared = kind === "max" ? [x.data, y.data] : [];
    tape.emit(`${kind}PoolBackward`, dx.at, ...compared, dy, dx.beta, ...words);
  });
  return y;
}
