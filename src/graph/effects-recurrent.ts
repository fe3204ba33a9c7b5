import type { Access, Effects, Share } from "./effects.ts";

type Row = (call: { readonly words: readonly number[] }) => Effects;

const EVERY: Share = { of: "every" };

/** The kernels of `assembly/kernels/recurrent.ts`: a step's are cut by rows of the batch. */
export const RECURRENT_EFFECTS: Readonly<Record<string, Row>> = {
  lstmForward: ({ words }) => {
    const [h, c, fc, gates, cBefore, hBefore, peephole, mask, rows, units, stride] = words as Many;
    const one = byRow(rows, units);
    const own = [...byRow(rows, 4 * units)(gates), ...one(h), ...one(c), ...one(fc)];
    return step(rows, units, 3 + (peephole === 0 ? 0 : 6), {
      reads: [
        ...own,
        ...one(cBefore),
        ...(mask === 0 ? [] : one(hBefore)),
        ...span(peephole, 3 * units),
        ...maskOf(mask, rows, stride),
      ],
      writes: own,
    });
  },
  lstmBackward: ({ words }) => {
    const [gates, dc, back, dh, fc, cBefore, peephole, mask, rows, units, stride] = words as Many;
    const one = byRow(rows, units);
    const carried = mask === 0 ? [] : one(back);
    const own = [...byRow(rows, 4 * units)(gates), ...one(dc), ...carried];
    return step(rows, units, 22 + (peephole === 0 ? 0 : 6), {
      reads: [
        ...own,
        ...[dh, fc, cBefore].flatMap(one),
        ...span(peephole, 3 * units),
        ...maskOf(mask, rows, stride),
      ],
      writes: own,
    });
  },
  gruForward: ({ words }) => {
    const [h, sums, recurrent, before, mask, rows, units, stride] = words as Many;
    const [one, three] = [byRow(rows, units), byRow(rows, 3 * units)];
    return step(rows, units, 7, {
      reads: [...[sums, recurrent].flatMap(three), ...one(before), ...maskOf(mask, rows, stride)],
      writes: [...three(sums), ...one(h)],
    });
  },
  gruBackward: ({ words }) => {
    const [sums, recurrent, back, dh, before, mask, rows, units, stride] = words as Many;
    const [one, three] = [byRow(rows, units), byRow(rows, 3 * units)];
    const own = [...[sums, recurrent].flatMap(three), ...one(back)];
    return step(rows, units, 16, {
      reads: [...own, ...[dh, before].flatMap(one), ...maskOf(mask, rows, stride)],
      writes: own,
    });
  },
  gruGates: ({ words }) => {
    const [reset, sums, before, mask, rows, units, stride] = words as Many;
    const [one, three] = [byRow(rows, units), byRow(rows, 3 * units)];
    return step(rows, units, 1, {
      reads: [...three(sums), ...one(before), ...maskOf(mask, rows, stride)],
      writes: [...three(sums), ...one(reset)],
    });
  },
  gruCandidate: ({ words }) => {
    const [h, sums, before, mask, rows, units, stride] = words as Many;
    const [one, three] = [byRow(rows, units), byRow(rows, 3 * units)];
    return step(rows, units, 3, {
      reads: [...three(sums), ...one(before), ...maskOf(mask, rows, stride)],
      writes: [...three(sums), ...one(h)],
    });
  },
  gruCandidateBackward: ({ words }) => {
    const [sums, back, dh, before, mask, rows, units, stride] = words as Many;
    const one = byRow(rows, units);
    const own = [...byRow(rows, 3 * units)(sums), ...one(back)];
    return step(rows, units, 11, {
      reads: [...own, ...[dh, before].flatMap(one), ...maskOf(mask, rows, stride)],
      writes: own,
    });
  },
  gruGatesBackward: ({ words }) => {
    const [sums, back, dreset, before, rows, units] = words as Many;
    const one = byRow(rows, units);
    const own = [...byRow(rows, 3 * units)(sums), ...(before === 0 ? [] : one(back))];
    return step(rows, units, 6, { reads: [...own, ...[dreset, before].flatMap(one)], writes: own });
  },
  carryRows: ({ words }) => {
    const [h, before, mask, rows, units, stride] = words as Many;
    const one = byRow(rows, units);
    return step(rows, units, 0, {
      reads: [...one(before), ...maskOf(mask, rows, stride)],
      writes: one(h),
    });
  },
  carryRowsBackward: ({ words }) => {
    const [back, dh, mask, rows, units, stride] = words as Many;
    const own = [back, dh].flatMap(byRow(rows, units));
    return step(rows, units, 1, { reads: [...own, ...maskOf(mask, rows, stride)], writes: own });
  },
  moveRows: ({ words }) => {
    const [y, outerY, innerY, x, outerX, innerX, outer, inner, width, beta] = words as Many;
    const out = block(y, [outer, outerY], [inner, innerY], width);
    return {
      reads: [...block(x, [outer, outerX], [inner, innerX], width), ...(beta ? out : [])],
      writes: out,
      flops: beta ? outer * inner * width : 0,
      elements: outer * inner * width,
      parts: Math.max(1, outer * inner),
      stops: false,
    };
  },
  columnDots: ({ words }) => {
    const [out, a, strideA, b, strideB, rows, cols, beta] = words as Many;
    const sums = span(out, cols, { of: "items", count: cols, grain: 16, unit: 4 });
    const columns = (at: number, stride: number) =>
      span(at, rows === 0 ? 0 : (rows - 1) * stride + cols);
    return {
      reads: [...columns(a, strideA), ...columns(b, strideB), ...(beta ? sums : [])],
      writes: sums,
      flops: 2 * rows * cols,
      elements: rows * cols,
      parts: Math.max(1, Math.ceil(cols / 16)),
      stops: false,
    };
  },
};

type Eleven = [number, number, number, number, number, number, number, number, number, number];
type Many = [...Eleven, number];

function step(
  rows: number,
  units: number,
  flopsEach: number,
  access: Pick<Effects, "reads" | "writes">,
): Effects {
  const elements = rows * units;
  const parts = Math.max(1, rows);
  return { ...access, flops: flopsEach * elements, elements, parts, stops: false };
}

/** `count` floats; an address of 0 stands for none. */
function span(at: number, count: number, share: Share = EVERY): readonly Access[] {
  if (at === 0 || count === 0) return [];
  return [{ base: "memory", at: at >>> 0, bytes: 4 * count, share }];
}

function byRow(rows: number, cols: number): (at: number) => readonly Access[] {
  return (at) => span(at, rows * cols, { of: "items", count: rows, grain: 1, unit: 4 * cols });
}

function maskOf(at: number, rows: number, stride: number): readonly Access[] {
  return span(at, rows === 0 ? 0 : (rows - 1) * stride + 1);
}

/** From the lowest to the highest float of rows that lie `stride` apart in two directions, either way. */
function block(
  at: number,
  [outer, outerStride]: readonly [number, number],
  [inner, innerStride]: readonly [number, number],
  width: number,
): readonly Access[] {
  if (outer === 0 || inner === 0) return [];
  const ends = [(outer - 1) * outerStride, (inner - 1) * innerStride];
  const low = ends.reduce((sum, x) => sum + Math.min(0, x), 0);
  const high = ends.reduce((sum, x) => sum + Math.max(0, x), 0);
  return span(at + 4 * low, high - low + width);
}
