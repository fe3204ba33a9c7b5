import type { Ref } from "../graph/buffer.ts";
import { float, ref } from "../graph/buffer.ts";
import type { Param } from "../graph/param-store.ts";
import type { Tape } from "../graph/tape.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { ActivationSpec } from "../init/types.ts";
import { kindOf } from "./activation.ts";
import type { Cell, Frame, RecurrenceOptions } from "./recurrent.ts";
import { columnSums, recurrence, recurrentGradient } from "./recurrent.ts";
import type { Matrix } from "./recurrent-product.ts";
import { matrix, product, transposed } from "./recurrent-product.ts";

export interface GruOptions extends RecurrenceOptions {
  /** [units, 3 units] */
  readonly recurrent: Param;
  /** [3 units], added to the state's products; only with `resetAfter`. */
  readonly recurrentBias: Param | undefined;
  readonly resetAfter: boolean;
  readonly activation: ActivationSpec;
  readonly recurrentActivation: ActivationSpec;
}

/**
 * `h = (1 - z) n + z h'` over x [batch, time, inputs] (Cho et al. 2014), with r, z = s(x W + h' R + b) and
 *
 *     n = a(x W + b + r (h' R + c))      resetAfter: cuDNN's and PyTorch's
 *     n = a(x W + b + (r h') R)          the paper's
 */
export function gru(tape: Tape, layer: string, x: Tensor, options: GruOptions): Tensor {
  const make = options.resetAfter ? resetAfterCell : resetBeforeCell;
  return recurrence(tape, layer, x, options, (frame) => make(frame, options));
}

function resetAfterCell(frame: Frame, options: GruOptions): Cell {
  const { recurrent, recurrentBias, activation, recurrentActivation } = options;
  const { tape, steps, batch, units, sums } = frame;
  const width = 3 * units;
  const hs = frame.sequence("states", units);
  const us = frame.sequence("recurrent sums", width);
  const h0 = frame.carried("state", hs(steps - 1));
  const h = (step: number) => (step === 0 ? h0 : hs(step - 1));
  const r = matrix(tape.params.values(recurrent), width);
  const bias = recurrentBias && tape.params.values(recurrentBias);
  const kinds = [...kindAndAlpha(tape, recurrentActivation), ...kindAndAlpha(tape, activation)];
  return {
    gradients: "sums",
    state: h,
    forward(step) {
      const before = h(step);
      const u = us(step);
      // Of no state the product is empty: the bias is left, or zeros.
      const sizes = { m: batch, n: width, k: before === undefined ? 0 : units, bias };
      product(tape, matrix(u, width), matrix(before ?? u, units), r, sizes); // h r + c
      const [mask, stride] = frame.mask(step);
      const inputs = [u, before ?? 0, mask] as const;
      tape.emit("gruForward", hs(step), sums(step), ...inputs, batch, units, stride, ...kinds);
    },
    backward(step, dh, before) {
      const [mask, stride] = frame.mask(step);
      const outputs = [sums(step), us(step), before?.at ?? 0] as const;
      const inputs = [dh, h(step) ?? 0, mask] as const;
      const sizes = [batch, units, stride] as const;
      tape.emit("gruBackward", ...outputs, ...inputs, ...sizes, ...kinds, before?.beta ?? 0);
      if (before === undefined) return;
      const to = matrix(before.at, units);
      const all = { m: batch, n: units, k: width, beta: 1 };
      product(tape, to, matrix(us(step), width), transposed(r), all); // dh += du r'
    },
    finish() {
      recurrentGradient(frame, recurrent, { state: h, dz: us, width });
      if (recurrentBias !== undefined) columnSums(tape, recurrentBias, us(0), steps * batch);
    },
  };
}

function resetBeforeCell(frame: Frame, options: GruOptions): Cell {
  const { recurrent, activation, recurrentActivation } = options;
  const { tape, layer, steps, batch, units, sums } = frame;
  const width = 3 * units;
  const hs = frame.sequence("states", units);
  const resets = frame.sequence("reset states", units);
  const h0 = frame.carried("state", hs(steps - 1));
  const h = (step: number) => (step === 0 ? h0 : hs(step - 1));
  const r = tape.params.values(recurrent);
  const gatesKernel = matrix(r, width);
  const candidateKernel = columns(r, 2 * units, width);
  const gate = kindAndAlpha(tape, recurrentActivation);
  const state = kindAndAlpha(tape, activation);
  const candidate = { from: 2 * units, count: units };
  let scratch: Ref | undefined;
  return {
    gradients: "sums",
    state: h,
    forward(step) {
      const before = h(step);
      const at = sums(step);
      const [mask, stride] = frame.mask(step);
      const sizes = [batch, units, stride] as const;
      if (before !== undefined) {
        const both = { m: batch, n: 2 * units, k: units, beta: 1 };
        product(tape, matrix(at, width), matrix(before, units), gatesKernel, both); // += h r
      }
      tape.emit("gruGates", resets(step), at, before ?? 0, mask, ...sizes, ...gate);
      if (before !== undefined) {
        const one = { m: batch, n: units, k: units, beta: 1 };
        const to = columns(at, 2 * units, width);
        product(tape, to, matrix(resets(step), units), candidateKernel, one); // += (r h) r
      }
      tape.emit("gruCandidate", hs(step), at, before ?? 0, mask, ...sizes, ...state);
    },
    backward(step, dh, before) {
      const [mask, stride] = frame.mask(step);
      const hBefore = h(step) ?? 0;
      const at = sums(step);
      const back = before?.at ?? 0;
      tape.emit(
        ...(["gruCandidateBackward", at, back, dh, hBefore, mask, batch, units, stride] as const),
        ...([...gate, ...state, before?.beta ?? 0] as const),
      );
      scratch ??= ref(tape.buffer(`${layer}/reset gradient`, batch * units * 4));
      if (hBefore !== 0) {
        const one = { m: batch, n: units, k: units };
        const dn = columns(at, 2 * units, width);
        product(tape, matrix(scratch, units), dn, transposed(candidateKernel), one); // dreset = dn r'
      }
      tape.emit("gruGatesBackward", at, back, scratch, hBefore, batch, units, ...gate);
      if (before === undefined) return;
      const both = { m: batch, n: units, k: 2 * units, beta: 1 };
      product(tape, matrix(before.at, units), matrix(at, width), transposed(gatesKernel), both); // dh += dz r'
    },
    finish() {
      const gates = { from: 0, count: 2 * units };
      recurrentGradient(frame, recurrent, [
        { state: h, dz: sums, width, columns: gates },
        {
          state: (step) => (h(step) === undefined ? undefined : resets(step)),
          ...{ dz: sums, width, columns: candidate },
        },
      ]);
    },
  };
}

/** A matrix's columns from `from` on. */
function columns(at: Ref, from: number, width: number): Matrix {
  return matrix(ref(at.buffer, at.offset + from * 4), width);
}

function kindAndAlpha(tape: Tape, activation: ActivationSpec) {
  return [kindOf(tape.core, activation), float(activation.alpha)] as const;
}
