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
};

const EVERY: Share = { of: "every" };

function effects(row: Omit<Effects, "stops">): Effects {
  return { stops: false, ...row };
}

/** `count` words, any thread any of them. */
function span(at: number, count: number, share: Share = EVERY): readonly Access[] {
  return count === 0 ? [] : [{ base: "memory", at: at >>> 0, bytes: 4 * count, share }];
}

/** Row-major floats, cut by rows. */
function byRow(at: number, rows: number, cols: number): readonly Access[] {
  return span(at, rows * cols, { of: "items", count: rows, grain: 1, unit: 4 * cols });
}
