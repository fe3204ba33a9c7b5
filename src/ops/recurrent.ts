import type { Buffer, Ref } from "../graph/buffer.ts";
import { float, ref } from "../graph/buffer.ts";
import type { Param } from "../graph/param-store.ts";
import type { GradSlot, Tape } from "../graph/tape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { kindOf } from "./activation.ts";
import { matrix, product, transposed } from "./recurrent-product.ts";

export interface RecurrenceOptions {
  /** [inputs, gates units] */
  readonly kernel: Param;
  /** [gates units] */
  readonly bias: Param | undefined;
  readonly units: number;
  /** All states, `[batch, time, units]`, instead of the last, `[batch, units]`. */
  readonly returnSequences: boolean;
  /** Reads the sequence from its end; what comes out at a position is the state after that position was read. */
  readonly goBackwards: boolean;
  /** A batch begins with the states that the last one of its size ended with. */
  readonly stateful: boolean;
  /** [batch, time] of 0 and 1: where it is 0 the step is left out, and the states stay as they were. */
  readonly mask: Tensor | undefined;
}

/** What a cell may know of the recurrence it is part of. Steps count in the order of processing. */
export interface Frame {
  readonly tape: Tape;
  readonly layer: string;
  readonly steps: number;
  readonly batch: number;
  readonly units: number;
  readonly kernel: Param;
  readonly stateful: boolean;
  /** The inputs' share of the pre-activations, `[batch, gates units]` of a step. The cell may write there: the backward takes gradients from it. */
  readonly sums: (step: number) => Ref;
  /** Address and stride of a step's mask. */
  readonly mask: (step: number) => readonly [Ref | 0, number];
  /** A buffer of `width` floats an example and step, of all steps, one behind the other; only of the last two when nothing reads the others. */
  readonly sequence: (name: string, width: number) => (step: number) => Ref;
  /** Memory that outlives the batch, zeros at first, when the recurrence is stateful; the state after the last step is copied there. */
  readonly carried: (name: string, last: Ref) => Ref | undefined;
}

/** A kind of recurrence, a step of it at a time. */
export interface Cell {
  /** Where the state before a step lies: before the first one undefined, for zeros, unless it is carried. */
  readonly state: (step: number) => Ref | undefined;
  readonly forward: (step: number) => void;
  /** `dh` is the gradient of the state after the step; that of the state before is to be written to `before`, if there is one. */
  readonly backward: (step: number, dh: Ref, before: GradSlot | undefined) => void;
  /** Emits the gradients of the recurrent weights. */
  readonly finish: () => void;
  /**
   * Where the gradients of the inputs' share lie, `[steps, batch, gates units]`: in the place of the sums, or, for a cell whose backward
   * works in place, in that of the states' gradients.
   */
  readonly gradients: "sums" | "states";
}

/**
 * A recurrence over `x`, [batch, time, inputs]. Inside, time comes first and steps are in the order of processing, so that a step's rows lie
 * together: one product gives the inputs' share of all steps, and one each the gradients of the kernel and of x.
 */
export function recurrence(
  tape: Tape,
  layer: string,
  x: Tensor,
  options: RecurrenceOptions,
  makeCell: (frame: Frame) => Cell,
): Tensor {
  const { kernel, bias, units, returnSequences, stateful } = options;
  const [batch = 0, steps = 0, inputs = 0] = x.shape;
  const width = kernel.spec.shape[1] ?? 0;
  const rows = steps * batch;
  const order: Order = { steps, batch, reverse: options.goBackwards };

  const sequenceOf = (name: string, floats: number): Buffer =>
    tape.buffer(`${layer}/${name}`, rows * floats * 4);
  const at = (buffer: Buffer, floats: number) => (step: number) =>
    ref(buffer, step * batch * floats * 4);

  const isInOrder = !order.reverse && (batch === 1 || steps === 1);
  const xs = isInOrder ? x.data : ref(sequenceOf("inputs", inputs));
  if (!isInOrder) toSteps(tape, xs, x.data, inputs, order);
  const sums = sequenceOf("gates", width);
  const w = matrix(tape.params.values(kernel), width);
  product(tape, matrix(ref(sums), width), matrix(xs, inputs), w, {
    ...{ m: rows, n: width, k: inputs },
    bias: bias && tape.params.values(bias),
  });

  const atEnd: (() => void)[] = [];
  const frame: Frame = {
    ...{ tape, layer, steps, batch, units, kernel, stateful },
    sums: at(sums, width),
    mask: maskOf(options.mask, order),
    sequence(name, floats) {
      const isRead = tape.training || returnSequences;
      if (isRead) return at(sequenceOf(name, floats), floats);
      const two = tape.buffer(`${layer}/${name}`, Math.min(2, steps) * batch * floats * 4);
      return (step) => ref(two, (step % 2) * batch * floats * 4);
    },
    carried(name, last) {
      if (!stateful) return undefined;
      const n = batch * units;
      // Evaluation must not disturb training; a batch of another size has other sequences.
      const whose = tape.training ? "training" : "inference";
      const state = tape.params.carried(
        `${layer}/${name} ${whose} ${batch}`,
        n * 4,
        tape.core.arena,
      );
      // What a gradient is taken of without a step is no batch of the sequence.
      if (!tape.keep) atEnd.push(() => tape.emit("scale", state, last, float(1), n, 0));
      return state;
    },
  };
  const cell = makeCell(frame);
  const end = () => {
    for (const emit of atEnd) emit();
  };
  // Left first, so emitted last: the backward reads the states that the batch began with.
  tape.onBackward(end);

  const y = tape.tensor(returnSequences ? [steps, units] : [units], layer);
  const row = batch * units;
  for (let step = 0; step < steps; step++) cell.forward(step);
  const states = (step: number) => cell.state(step + 1)!;
  if (returnSequences) fromSteps(tape, { at: y.data, beta: 0 }, states(0), units, order);
  else tape.emit("scale", y.data, states(steps - 1), float(1), row, 0);
  if (!tape.training) end();

  tape.onBackward(() => {
    const dy = tape.grad(y);
    if (dy === undefined) return;
    const each = returnSequences || cell.gradients === "states";
    const dh = tape.buffer(`${layer}/state gradients`, (each ? rows : batch) * units * 4);
    const dhAt = each ? at(dh, units) : () => ref(dh);
    if (returnSequences) toSteps(tape, ref(dh), dy, units, order);
    else tape.emit("scale", dhAt(steps - 1), dy, float(1), row, 0);
    const beta = returnSequences ? 1 : 0;
    for (let step = steps - 1; step >= 0; step--) {
      cell.backward(step, dhAt(step), step > 0 ? { at: dhAt(step - 1), beta } : undefined);
    }
    cell.finish();

    const dz = cell.gradients === "sums" ? ref(sums) : ref(dh);
    if (bias !== undefined) columnSums(tape, bias, dz, rows);
    const dw = tape.addParamGrad(kernel); // dw = x' dz
    product(tape, matrix(dw.at, width), transposed(matrix(xs, inputs)), matrix(dz, width), {
      ...{ m: inputs, n: width, k: rows, beta: dw.beta },
    });
    const dx = tape.addGrad(x); // dx = dz w'
    if (dx === undefined) return;
    const dxs = isInOrder ? dx.at : ref(sequenceOf("input gradients", inputs));
    product(tape, matrix(dxs, inputs), matrix(dz, width), transposed(w), {
      ...{ m: rows, n: inputs, k: width, beta: isInOrder ? dx.beta : 0 },
    });
    if (!isInOrder) fromSteps(tape, dx, dxs, inputs, order);
  });
  return y;
}

/** `db = column sums of dz + beta db` */
export function columnSums(tape: Tape, param: Param, dz: Ref, rows: number): void {
  const linear = kindOf(tape.core, { name: "linear", alpha: 0 });
  const db = tape.addParamGrad(param);
  const sizes = [rows, param.size, linear, float(0), db.beta] as const;
  tape.emit("activationBackwardBias", dz, db.at, dz, dz, ...sizes);
}

/**
 * `dw = states' dz`, over all steps that have a state before them, for all columns of w or some at a time. The state before the first
 * step lies apart from the others.
 */
export function recurrentGradient(
  { tape, steps, batch, units }: Frame,
  param: Param,
  parts: RecurrentGradient | readonly RecurrentGradient[],
): void {
  const { at, beta } = tape.addParamGrad(param);
  for (const { state, dz, width, columns } of [parts].flat()) {
    const { from, count } = columns ?? { from: 0, count: width };
    const add = (step: number, k: number, how: number) => {
      const gradients = dz(step);
      product(
        tape,
        matrix(ref(at.buffer, at.offset + from * 4), width),
        transposed(matrix(state(step) ?? gradients, units)),
        matrix(ref(gradients.buffer, gradients.offset + from * 4), width),
        { m: units, n: count, k, beta: how },
      );
    };
    // Of one step the product is empty, and writes zeros.
    add(Math.min(1, steps - 1), (steps - 1) * batch, beta);
    if (state(0) !== undefined) add(0, batch, 1);
  }
}

interface RecurrentGradient {
  readonly state: (step: number) => Ref | undefined;
  readonly dz: (step: number) => Ref;
  /** Floats of a row of dz, and of the parameter. */
  readonly width: number;
  /** Those that matter. Default all. */
  readonly columns?: { readonly from: number; readonly count: number };
}

interface Order {
  readonly steps: number;
  readonly batch: number;
  readonly reverse: boolean;
}

/** `[batch, time, width]` to `[step, batch, width]`. */
function toSteps(tape: Tape, to: Ref, from: Ref, width: number, order: Order): void {
  const { steps, batch } = order;
  const [first, stride] = timeOf(from, width, order);
  const strides = [batch * width, width] as const;
  tape.emit("moveRows", to, ...strides, first, stride, steps * width, steps, batch, width, 0);
}

/** The other way, added with beta 1. */
function fromSteps(tape: Tape, to: GradSlot, from: Ref, width: number, order: Order): void {
  const { steps, batch } = order;
  const [first, stride] = timeOf(to.at, width, order);
  const strides = [stride, steps * width] as const;
  tape.emit(
    "moveRows",
    first,
    ...strides,
    from,
    batch * width,
    width,
    steps,
    batch,
    width,
    to.beta,
  );
}

/** Where the first step's position is, and how many floats on the next one's. */
function timeOf(at: Ref, width: number, { steps, reverse }: Order): readonly [Ref, number] {
  return reverse ? [ref(at.buffer, at.offset + (steps - 1) * width * 4), -width] : [at, width];
}

function maskOf(mask: Tensor | undefined, { steps, reverse }: Order): Frame["mask"] {
  if (mask === undefined) return () => [0, 0];
  const { buffer, offset } = mask.data;
  return (step) => [ref(buffer, offset + (reverse ? steps - 1 - step : step) * 4), steps];
}
