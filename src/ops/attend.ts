import type { Ref } from "../graph/buffer.ts";
import { float, ref } from "../graph/buffer.ts";
import type { GradSlot, Tape } from "../graph/tape.ts";
import type { Tensor } from "../graph/tensor.ts";

/** Where queries, or keys and values, lie in a tensor [batch, time, width]: from column `at` on. */
export interface Projected {
  readonly tensor: Tensor;
  readonly at: number;
}

export interface AttendOptions {
  readonly heads: number;
  /** Features of a head. */
  readonly size: number;
  readonly causal: boolean;
  /** Share of the probabilities that training drops. */
  readonly dropout: number;
  /** 1 at the keys that count, [batch, time]. */
  readonly mask?: Tensor | undefined;
}

/** What the kernels take of a projection: its address, and the floats from one position to the next. */
function place({ tensor: { data, shape }, at }: Projected): readonly [Ref, number] {
  return [{ ...data, offset: data.offset + 4 * at }, shape.at(-1)!];
}

/**
 * `o = softmax(Q K' / sqrt(size)) V` in each head: [batch, tq, heads size] from queries [batch, tq, ..], and keys and values side by side in
 * [batch, tk, ..]. The three may lie in one tensor.
 *
 * Training keeps the probabilities, which the backward pass would else make again: see `KEEP_UP_TO`.
 */
export function attend(
  tape: Tape,
  layer: string,
  queries: Projected,
  keys: Projected,
  options: AttendOptions,
): Tensor {
  const { heads, size, causal, mask } = options;
  const [batch, tq = 1] = queries.tensor.shape as [number, number];
  const tk = keys.tensor.shape[1] ?? 1;
  const inner = heads * size;
  const rate = tape.training ? options.dropout : 0;
  const keeps = tk <= KEEP_UP_TO ? 1 : 0;
  const saved = tape.training
    ? ref(tape.buffer(`${layer}/probabilities`, batch * heads * tq * (keeps ? tk : 2) * 4))
    : 0;
  const workspace = tape.workspace(tape.core.kernels.attentionWorkspace(tq, tk, size) >>> 0);
  const [k0, k1] = tape.stream(`${layer}/dropout`);
  const values = { ...keys, at: keys.at + inner };
  const [[q, rowQ], [k, rowKV], [v]] = [place(queries), place(keys), place(values)];
  const about = [
    ...([mask?.data ?? 0, saved, keeps, workspace, batch, heads, tq, tk, size] as const),
    ...([causal ? 1 : 0, float(1 / Math.sqrt(size)), float(rate), k0 | 0, k1 | 0] as const),
    tape.core.tile,
  ] as const;

  const o = tape.tensor([tq, inner], layer, "attended");
  tape.emit("attention", o.data, q, rowQ, k, v, rowKV, ...about);
  tape.onBackward(() => {
    const dout = tape.grad(o);
    if (dout === undefined) return;
    const dq = slotOf(tape, queries.tensor, `${layer}/dq`);
    const dkv = keys.tensor === queries.tensor ? dq : slotOf(tape, keys.tensor, `${layer}/dkv`);
    const place = ({ at }: GradSlot, column: number) => ({ ...at, offset: at.offset + 4 * column });
    tape.emit(
      ...(["attentionBackward", place(dq, queries.at), rowQ] as const),
      ...([place(dkv, keys.at), place(dkv, values.at), rowKV] as const),
      ...([dout, q, rowQ, k, v, rowKV, ...about, dq.beta, dkv.beta] as const),
    );
  });
  return o;
}

/**
 * Keys up to which training keeps the probabilities. Keeping them saves 5 to 20 % of both kernels' time at every length tried (64 to 2048
 * keys, 32 features a head), but takes tk floats a query where two do: beyond, memory is dearer than time.
 */
const KEEP_UP_TO = 512;

/** Where a gradient goes, somewhere even when nobody wants it. */
function slotOf(tape: Tape, x: Tensor, name: string): GradSlot {
  return tape.addGrad(x) ?? { at: ref(tape.buffer(name, x.size * 4)), beta: 0 };
}
