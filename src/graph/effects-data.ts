import type { Access, Call, Effects } from "./effects.ts";

/** The rows of augmentation and class weights in the table of effects. */
export const DATA_EFFECTS: Readonly<Record<string, (call: Call) => Effects>> = {
  augment: ({ words: [y, x, rows, height, width, channels], state }) => {
    const image = height! * width! * channels!;
    return {
      reads: [
        ...byRow(x!, rows!, image),
        { base: "state", at: state.step!, bytes: 4, share: { of: "every" } },
      ],
      writes: byRow(y!, rows!, image),
      flops: 0,
      elements: rows! * image,
      parts: rows!,
      stops: false,
    };
  },
  weightRows: ({ words: [losses, gradient, targets, weights, rows, cols] }) => {
    const own = [
      ...byRow(losses!, rows!, 1),
      ...(gradient === 0 ? [] : byRow(gradient!, rows!, cols!)),
    ];
    // The classes are not known here: any weight may be read.
    const all: Access = {
      base: "memory",
      at: weights! >>> 0,
      bytes: 4 * cols! * (cols === 1 ? 2 : 1),
      share: { of: "every" },
    };
    return {
      reads: [...own, ...byRow(targets!, rows!, 1), all],
      writes: own,
      flops: rows! * (1 + (gradient === 0 ? 0 : cols!)),
      elements: rows! * cols!,
      parts: rows!,
      stops: false,
    };
  },
};

function byRow(at: number, rows: number, cols: number): readonly Access[] {
  const share = { of: "items", count: rows, grain: 1, unit: 4 * cols } as const;
  return [{ base: "memory", at: at >>> 0, bytes: 4 * rows * cols, share }];
}
