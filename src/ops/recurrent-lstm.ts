import type { Ref } from "../graph/buffer.ts";
import { float, ref } from "../graph/buffer.ts";
import type { Param } from "../graph/param-store.ts";
import type { Tape } from "../graph/tape.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { ActivationSpec } from "../init/types.ts";
import { kindOf } from "./activation.ts";
import type { Cell, Frame, RecurrenceOptions } from "./recurrent.ts";
import { recurrence, recurrentGradient } from "./recurrent.ts";
import { matrix, product, transposed } from "./recurrent-product.ts";

export interface LstmOptions extends RecurrenceOptions {
  /** [units, 4 units] */
  readonly recurrent: Param;
  /** [3 units]: input, forget, output. */
  readonly peephole: Param | undefined;
  readonly activation: ActivationSpec;
  readonly recurrentActivation: ActivationSpec;
}

/**
 * `c = f c' + i g`, `h = o a(c)` over x [batch, time, inputs], with gates i, f, o = s(x W + h' R + b) and g = a(x W + h' R + b)
 * (Hochreiter & Schmidhuber 1997, Gers et al. 2000); peepholes add `p c'` to i and f and `p c` to o (Gers et al. 2002).
 */
export function lstm(tape: Tape, layer: string, x: Tensor, options: LstmOptions): Tensor {
  return recurrence(tape, layer, x, options, (frame) => lstmCell(frame, options));
}

function lstmCell(
  frame: Frame,
  { recurrent, peephole, activation, recurrentActivation }: LstmOptions,
): Cell {
  const { tape, layer, steps, batch, units, sums } = frame;
  const width = 4 * units;
  const hs = frame.sequence("states", units);
  const cs = frame.sequence("cells", units);
  // Only the backward reads a(c): without one h, which is made of it, may take its place.
  const fcs = tape.training ? frame.sequence("activated cells", units) : hs;
  const h0 = frame.carried("state", hs(steps - 1));
  const c0 = frame.carried("cell", cs(steps - 1));
  const h = (step: number) => (step === 0 ? h0 : hs(step - 1));
  const c = (step: number) => (step === 0 ? c0 : cs(step - 1));
  const r = matrix(tape.params.values(recurrent), width);
  const p = peephole === undefined ? 0 : tape.params.values(peephole);
  const kinds = [
    kindOf(tape.core, recurrentActivation),
    float(recurrentActivation.alpha),
    kindOf(tape.core, activation),
    float(activation.alpha),
  ] as const;
  let dc: Ref | undefined;
  return {
    gradients: "sums",
    state: h,
    forward(step) {
      const before = h(step);
      const gates = sums(step);
      if (before !== undefined) {
        const sizes = { m: batch, n: width, k: units, beta: 1 };
        product(tape, matrix(gates, width), matrix(before, units), r, sizes); // += h r
      }
      const [mask, stride] = frame.mask(step);
      const inputs = [c(step) ?? 0, before ?? 0, p, mask] as const;
      const outputs = [hs(step), cs(step), fcs(step), gates] as const;
      tape.emit("lstmForward", ...outputs, ...inputs, batch, units, stride, ...kinds);
    },
    backward(step, dh, before) {
      dc ??= ref(tape.buffer(`${layer}/cell gradient`, batch * units * 4));
      const [mask, stride] = frame.mask(step);
      const dz = sums(step);
      // A masked step's product adds nothing to what the kernel carries.
      const isMasked = mask !== 0;
      const carry = isMasked && before !== undefined ? before.at : 0;
      tape.emit(
        ...(["lstmBackward", dz, dc, carry, dh, fcs(step), c(step) ?? 0, p, mask] as const),
        ...([batch, units, stride, ...kinds] as const),
        ...([step === steps - 1 ? 0 : 1, before?.beta ?? 0] as const),
      );
      if (before === undefined) return;
      const beta = isMasked ? 1 : before.beta;
      const sizes = { m: batch, n: units, k: width, beta };
      product(tape, matrix(before.at, units), matrix(dz, width), transposed(r), sizes); // dh = dz r'
    },
    finish() {
      recurrentGradient(frame, recurrent, { state: h, dz: sums, width });
      if (peephole !== undefined) peepholeGradient(frame, peephole, { before: c, after: cs });
    },
  };
}

/** `dp = column sums of dz c`: the state before the step for the input and forget gates, the one after for the output gate. */
function peepholeGradient(
  { tape, steps, batch, units, sums }: Frame,
  param: Param,
  { before, after }: PeepholeStates,
): void {
  const { at, beta } = tape.addParamGrad(param);
  const add = (part: number, gate: number, step: number, count: number, how: number, c: Ref) => {
    const dz = sums(step);
    const to = ref(at.buffer, at.offset + part * units * 4);
    const from = ref(dz.buffer, dz.offset + gate * units * 4);
    tape.emit("columnDots", to, from, 4 * units, c, units, count * batch, units, how);
  };
  for (const [part, gate] of [0, 1].entries()) {
    const first = before(0);
    // Without steps after the first this writes zeros.
    add(part, gate, Math.min(1, steps - 1), steps - 1, beta, after(0));
    if (first !== undefined) add(part, gate, 0, 1, 1, first);
  }
  add(2, 3, 0, steps, beta, after(0));
}

interface PeepholeStates {
  readonly before: (step: number) => Ref | undefined;
  readonly after: (step: number) => Ref;
}
