import type { Access } from "../../src/graph/effects.ts";

/** The bytes [from, to) of an access that thread `thread` of `threads` touches, from the definition of its share. */
export function partOf(access: Access, thread: number, threads: number): [number, number][] {
  const { at, bytes, share } = access;
  switch (share.of) {
    case "every":
      return [[at, at + bytes]];
    case "first":
      return thread === 0 ? [[at, at + bytes]] : [];
    case "items": {
      const [begin, end] = slice(share.count, share.grain, thread, threads);
      return begin < end ? [[at + begin * share.unit, at + end * share.unit]] : [];
    }
    case "columns": {
      const [begin, end] = slice(share.cols, 16, thread, threads);
      if (begin >= end) return [];
      return Array.from({ length: share.rows }, (_, row) => {
        const start = at + row * share.cols * 4;
        return [start + begin * 4, start + end * 4];
      });
    }
  }
}

function slice(n: number, grain: number, thread: number, threads: number): [number, number] {
  const grains = Math.ceil(n / grain);
  const bound = (t: number) => Math.min(n, Math.floor((grains * t) / threads) * grain);
  return [bound(thread), bound(thread + 1)];
}
