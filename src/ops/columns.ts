import { float } from "../graph/buffer.ts";
import type { Tape } from "../graph/tape.ts";
import type { Tensor } from "../graph/tensor.ts";

/** A tensor as the rows above an axis, each with `stride` floats from that axis on, of which one step along it takes `unit`. */
function rowsOf({ shape, size }: Tensor, axis: number) {
  const stride = shape.slice(axis).reduce((product, n) => product * n, 1);
  return { rows: size / stride, stride, unit: stride / (shape[axis] ?? 1) };
}

/** `y = x[.., begin to end, ..]` along an axis, counted with the batch as axis 0. */
export function slice(
  tape: Tape,
  layer: string,
  x: Tensor,
  { axis, begin, end }: { readonly axis: number; readonly begin: number; readonly end: number },
): Tensor {
  const { rows, stride, unit } = rowsOf(x, axis);
  const cols = (end - begin) * unit;
  const from = { ...x.data, offset: x.data.offset + begin * unit * 4 };
  const y = tape.tensor(
    x.shape.slice(1).map((n, i) => (i + 1 === axis ? end - begin : n)),
    layer,
  );
  tape.emit("copyColumns", y.data, cols, from, stride, rows, cols, 0);
  tape.onBackward(() => {
    const dy = tape.grad(y);
    const dx = tape.addGrad(x);
    if (dy === undefined || dx === undefined) return;
    if (dx.beta === 0) tape.emit("fillConstant", dx.at, x.size, float(0));
    const to = { ...dx.at, offset: dx.at.offset + begin * unit * 4 };
    tape.emit("copyColumns", to, stride, dy, cols, rows, cols, 1); // dx[begin to end] += dy
  });
  // A part of the inputs that begins in one place of every row is one still, as an embedding wants it.
  const isPart = x.columns !== undefined && axis === 1;
  return {
    ...y,
    value: isPart ? { ...y.value, needsGrad: false } : y.value,
    ...(isPart ? { columns: x.columns! + begin * unit } : {}),
    ...(x.mask !== undefined && axis === 1
      ? { mask: slice(tape, `${layer}/mask`, x.mask, { axis, begin, end }) }
      : {}),
  };
}

/** The tensors one behind the other along an axis, counted with the batch as axis 0; their other sizes agree. */
export function concat(tape: Tape, layer: string, xs: readonly Tensor[], axis: number): Tensor {
  const [first] = xs;
  if (first === undefined) throw new RangeError(`${layer}: expected tensors to join, got none`);
  const others = (x: Tensor) => x.shape.map((n, i) => (i === axis ? 0 : n)).join();
  const odd = xs.find((x) => others(x) !== others(first));
  if (odd !== undefined || axis >= first.shape.length) {
    throw new RangeError(
      `${layer}: expected shapes that differ along axis ${axis - 1} alone, got ${xs.map((x) => `[${x.shape.slice(1)}]`).join(" and ")}`,
    );
  }
  const length = xs.reduce((sum, { shape }) => sum + shape[axis]!, 0);
  const y = tape.tensor(
    first.shape.slice(1).map((n, i) => (i + 1 === axis ? length : n)),
    layer,
  );
  const { rows, stride } = rowsOf(y, axis);
  const parts = xs.map((x) => ({ x, cols: rowsOf(x, axis).stride }));
  const starts = parts.map((_, i) =>
    parts.slice(0, i).reduce((sum, { cols }) => sum + 4 * cols, 0),
  );
  parts.forEach(({ x, cols }, i) => {
    const to = { ...y.data, offset: y.data.offset + starts[i]! };
    tape.emit("copyColumns", to, stride, x.data, cols, rows, cols, 0);
  });
  tape.onBackward(() => {
    const dy = tape.grad(y);
    if (dy === undefined) return;
    parts.forEach(({ x, cols }, i) => {
      const dx = tape.addGrad(x); // dx = its part of dy
      if (dx === undefined) return;
      const from = { ...dy, offset: dy.offset + starts[i]! };
      tape.emit("copyColumns", dx.at, cols, from, stride, rows, cols, dx.beta);
    });
  });
  return y;
}
