import type { Ref } from "../graph/buffer.ts";
import { float } from "../graph/buffer.ts";
import type { Param } from "../graph/param-store.ts";
import type { Tape } from "../graph/tape.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { ActivationSpec } from "../init/types.ts";
import { kindOf } from "./activation.ts";
import type { Cell, Frame, RecurrenceOptions } from "./recurrent.ts";
import { recurrence, recurrentGradient } from "./recurrent.ts";
import { matrix, product, transposed } from "./recurrent-product.ts";

export interface RnnOptions extends RecurrenceOptions {
  /** [units, units] */
  readonly recurrent: Param;
  readonly activation: ActivationSpec;
}

/** `h = f(x W + h' R + b)` over x [batch, time, inputs] (Elman 1990). */
export function simpleRnn(tape: Tape, layer: string, x: Tensor, options: RnnOptions): Tensor {
  return recurrence(tape, layer, x, options, (frame) => rnnCell(frame, options));
}

function rnnCell(frame: Frame, { recurrent, activation }: RnnOptions): Cell {
  const { tape, steps, batch, units, sums } = frame;
  // The states take the place of the sums: the product's write-back activates them.
  const h0 = frame.carried("state", sums(steps - 1));
  const h = (step: number) => (step === 0 ? h0 : sums(step - 1));
  const r = matrix(tape.params.values(recurrent), units);
  const kind = [kindOf(tape.core, activation), float(activation.alpha)] as const;
  const n = batch * units;
  const dzs: Ref[] = [];
  return {
    gradients: "states",
    state: h,
    forward(step) {
      const before = h(step);
      const at = sums(step);
      if (before === undefined) {
        tape.emit("activationForward", at, at, n, ...kind);
      } else {
        const sizes = { m: batch, n: units, k: units, beta: 1, activation };
        product(tape, matrix(at, units), matrix(before, units), r, sizes); // f(. + h r)
      }
      const [mask, stride] = frame.mask(step);
      if (mask !== 0) tape.emit("carryRows", at, before ?? 0, mask, batch, units, stride);
    },
    backward(step, dh, before) {
      dzs[step] = dh;
      const [mask, stride] = frame.mask(step);
      const isMasked = mask !== 0;
      if (isMasked) {
        const to = before?.at ?? 0;
        tape.emit("carryRowsBackward", to, dh, mask, batch, units, stride, before?.beta ?? 0);
      }
      tape.emit("activationBackward", dh, sums(step), dh, n, ...kind, 0); // dz = f'(h) dh
      if (before === undefined) return;
      const sizes = { m: batch, n: units, k: units, beta: isMasked ? 1 : before.beta };
      product(tape, matrix(before.at, units), matrix(dh, units), transposed(r), sizes); // dh = dz r'
    },
    finish() {
      const dz = (step: number) => dzs[step]!;
      recurrentGradient(frame, recurrent, { state: h, dz, width: units });
    },
  };
}
