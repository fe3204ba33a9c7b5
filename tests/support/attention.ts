/** What `attention` takes, as arrays; queries [batch, tq, heads, size], keys and values [batch, tk, heads, size], all dense. */
export interface AttentionCase {
  readonly batch: number;
  readonly heads: number;
  readonly tq: number;
  readonly tk: number;
  readonly size: number;
  readonly causal: boolean;
  readonly scale: number;
  readonly q: ArrayLike<number>;
  readonly k: ArrayLike<number>;
  readonly v: ArrayLike<number>;
  /** [batch, tk] */
  readonly mask?: ArrayLike<number>;
  /** What each probability is multiplied by after the softmax, [batch, heads, tq, tk]: dropout. */
  readonly factors?: ArrayLike<number>;
}

export interface AttentionResult {
  readonly o: Float64Array;
  readonly p: Float64Array;
}

/** Attention by its definition, naive loops in f64. */
export function attentionOf(of: AttentionCase): AttentionResult {
  const { batch, heads, tq, tk, size, q, k, v, scale, causal, mask, factors } = of;
  const o = new Float64Array(batch * tq * heads * size);
  const p = new Float64Array(batch * heads * tq * tk);
  forEach(of, (b, h, i) => {
    const seen = (j: number) => !(causal && j > i) && (mask?.[b * tk + j] ?? 1) !== 0;
    const scores = Array.from({ length: tk }, (_, j) => {
      let dot = 0;
      for (let c = 0; c < size; c++) dot += q[at(of, tq, b, i, h, c)]! * k[at(of, tk, b, j, h, c)]!;
      return seen(j) ? scale * dot : Number.NEGATIVE_INFINITY;
    });
    const top = Math.max(...scores);
    const e = scores.map((s) => (top === Number.NEGATIVE_INFINITY ? 0 : Math.exp(s - top)));
    const sum = e.reduce((a, x) => a + x, 0);
    for (let j = 0; j < tk; j++) {
      const row = ((b * heads + h) * tq + i) * tk + j;
      p[row] = sum === 0 ? 0 : e[j]! / sum;
      const weight = p[row]! * (factors?.[row] ?? 1);
      for (let c = 0; c < size; c++)
        o[at(of, tq, b, i, h, c)]! += weight * v[at(of, tk, b, j, h, c)]!;
    }
  });
  return { o, p };
}

/** Its gradients, from the chain rule written out. */
export function attentionBackwardOf(of: AttentionCase, dout: ArrayLike<number>) {
  const { batch, heads, tq, tk, size, q, k, v, scale, factors } = of;
  const { p } = attentionOf(of);
  const dq = new Float64Array(batch * tq * heads * size);
  const dk = new Float64Array(batch * tk * heads * size);
  const dv = new Float64Array(batch * tk * heads * size);
  forEach(of, (b, h, i) => {
    const row = ((b * heads + h) * tq + i) * tk;
    const dp = Array.from({ length: tk }, (_, j) => {
      const factor = factors?.[row + j] ?? 1;
      let dot = 0;
      for (let c = 0; c < size; c++) {
        const d = dout[at(of, tq, b, i, h, c)]!;
        dot += d * v[at(of, tk, b, j, h, c)]!;
        dv[at(of, tk, b, j, h, c)]! += p[row + j]! * factor * d;
      }
      return dot * factor;
    });
    const mean = dp.reduce((sum, d, j) => sum + d * p[row + j]!, 0);
    for (let j = 0; j < tk; j++) {
      const ds = scale * p[row + j]! * (dp[j]! - mean);
      for (let c = 0; c < size; c++) {
        dq[at(of, tq, b, i, h, c)]! += ds * k[at(of, tk, b, j, h, c)]!;
        dk[at(of, tk, b, j, h, c)]! += ds * q[at(of, tq, b, i, h, c)]!;
      }
    }
  });
  return { dq, dk, dv };
}

function at(
  { heads, size }: AttentionCase,
  time: number,
  b: number,
  t: number,
  h: number,
  c: number,
) {
  return ((b * time + t) * heads + h) * size + c;
}

function forEach(
  { batch, heads, tq }: AttentionCase,
  visit: (b: number, h: number, i: number) => void,
): void {
  for (let b = 0; b < batch; b++)
    for (let h = 0; h < heads; h++) for (let i = 0; i < tq; i++) visit(b, h, i);
}
