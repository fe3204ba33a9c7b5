import type { Access, Call, Effects, Share } from "./effects.ts";

/** The rows of attention, embeddings and functional graphs in the table of effects. */
export const ATTENTION_EFFECTS: Readonly<Record<string, (call: Call) => Effects>> = {
  // Every thread counts the rows that count; others are dropping theirs meanwhile.
  dropRows: ({ words: [losses, hits, gradient, mask, rows, cols] }) => {
    const own = [
      ...byRow(losses!, rows!, 1),
      ...byRow(hits!, rows!, 1),
      ...(gradient === 0 ? [] : byRow(gradient!, rows!, cols!)),
    ];
    return effects({
      reads: [...own, ...span(hits!, rows!), ...(mask === 0 ? [] : span(mask!, rows!))],
      writes: own,
      flops: gradient === 0 ? 0 : rows! * cols!,
      elements: rows! * cols!,
      parts: rows!,
    });
  },
  embed: ({ words: [y, tokens, table, rows, vocabulary, width] }) =>
    effects({
      reads: [...byRow(tokens!, rows!, 1), ...span(table!, vocabulary! * width!)],
      writes: byRow(y!, rows!, width!),
      flops: 0,
      elements: rows! * width!,
      parts: rows!,
    }),
  embedBackward: ({ words: [table, tokens, dy, rows, vocabulary, width, , beta] }) => {
    const sums = columns(table!, vocabulary!, width!);
    return effects({
      reads: [...span(tokens!, rows!), ...columns(dy!, rows!, width!), ...sums],
      writes: sums,
      flops: rows! * width!,
      elements: (rows! + (beta === 0 ? vocabulary! : 0)) * width!,
      parts: Math.ceil(width! / LINE),
    });
  },
  maskOfTokens: ({ words: [mask, tokens, n] }) => elementwise(n!, [tokens!], [mask!], 0),
  attention: ({ words: w, state }) => {
    const [o, q, rowQ, k, v, rowKV, mask, saved, keeps, , batch, heads, tq, tk, size] = w;
    const [queries, keys, inner] = [batch! * tq!, batch! * tk!, heads! * size!];
    return effects({
      reads: [
        ...strided(q!, rowQ!, queries, inner),
        ...strided(k!, rowKV!, keys, inner),
        ...strided(v!, rowKV!, keys, inner),
        ...(mask === 0 ? [] : span(mask!, keys)),
        ...stepOf(state),
      ],
      writes: [...span(o!, queries * inner), ...savedOf(saved!, keeps!, queries * heads!, tk!)],
      flops: 4 * queries * tk! * inner,
      elements: queries * heads! * tk!,
      parts: batch! * heads!,
    });
  },
  attentionBackward: ({ words: w, state }) => {
    const [dq, rowDQ, dk, dv, rowDKV, dout, q, rowQ, k, v, rowKV, mask, saved, keeps] = w;
    const [batch, heads, tq, tk, size] = w.slice(15);
    const [queries, keys, inner] = [batch! * tq!, batch! * tk!, heads! * size!];
    const gradients = [
      ...strided(dq!, rowDQ!, queries, inner),
      ...strided(dk!, rowDKV!, keys, inner),
      ...strided(dv!, rowDKV!, keys, inner),
    ];
    return effects({
      reads: [
        ...gradients,
        ...span(dout!, queries * inner),
        ...strided(q!, rowQ!, queries, inner),
        ...strided(k!, rowKV!, keys, inner),
        ...strided(v!, rowKV!, keys, inner),
        ...(mask === 0 ? [] : span(mask!, keys)),
        ...savedOf(saved!, keeps!, queries * heads!, tk!),
        ...stepOf(state),
      ],
      writes: gradients,
      flops: (keeps ? 8 : 10) * queries * tk! * inner,
      elements: queries * heads! * tk!,
      parts: batch! * heads!,
    });
  },
  copyColumns: ({ words: [y, strideY, x, strideX, rows, cols, beta] }) => {
    const to = strided(y!, strideY!, rows!, cols!);
    return effects({
      reads: [...strided(x!, strideX!, rows!, cols!), ...(beta ? to : [])],
      writes: to,
      flops: beta ? rows! * cols! : 0,
      elements: rows! * cols!,
      parts: rows!,
    });
  },
  fillConstant: ({ words: [y, n] }) => elementwise(n!, [], [y!], 0),
  addBias: ({ words: [y, x, b, rows, cols] }) =>
    effects({
      reads: [...byRow(x!, rows!, cols!), ...span(b!, cols!)],
      writes: byRow(y!, rows!, cols!),
      flops: rows! * cols!,
      elements: rows! * cols!,
      parts: rows!,
    }),
  mul: ({ words: [y, a, b, n, beta] }) =>
    elementwise(n!, [a!, b!, ...(beta ? [y!] : [])], [y!], beta ? 2 : 1),
};

/** A cache line of floats: what elementwise kernels are cut by. */
const LINE = 16;

const EVERY: Share = { of: "every" };

function effects(row: Omit<Effects, "stops">): Effects {
  return { stops: false, ...row };
}

/** `count` words, any thread any of them. */
function span(at: number, count: number, share: Share = EVERY): readonly Access[] {
  return count === 0 ? [] : [{ base: "memory", at: at >>> 0, bytes: 4 * count, share }];
}

/** The probabilities of some rows, or two numbers a row; nothing at address 0. */
function savedOf(at: number, keeps: number, rows: number, cols: number): readonly Access[] {
  return at === 0 ? [] : span(at, rows * (keeps ? cols : 2));
}

/** The step, from which dropout draws. */
function stepOf(state: Call["state"]): readonly Access[] {
  return [{ base: "state", at: state.step!, bytes: 4, share: EVERY }];
}

/** From the first to the last float of rows `stride` apart. */
function strided(at: number, stride: number, rows: number, cols: number): readonly Access[] {
  return span(at, rows === 0 ? 0 : (rows - 1) * stride + cols);
}

function columns(at: number, rows: number, cols: number): readonly Access[] {
  return span(at, rows * cols, { of: "columns", rows, cols });
}

/** `outputs = f(inputs)` over n floats. */
function elementwise(
  n: number,
  inputs: readonly number[],
  outputs: readonly number[],
  flopsEach: number,
): Effects {
  const own = (at: number) => span(at, n, { of: "items", count: n, grain: LINE, unit: 4 });
  return effects({
    reads: inputs.flatMap(own),
    writes: outputs.flatMap(own),
    flops: flopsEach * n,
    elements: n,
    parts: Math.ceil(n / LINE),
  });
}

/** Row-major floats, cut by rows. */
function byRow(at: number, rows: number, cols: number): readonly Access[] {
  return span(at, rows * cols, { of: "items", count: rows, grain: 1, unit: 4 * cols });
}
