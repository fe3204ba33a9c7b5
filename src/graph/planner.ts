import { alignUp } from "../core/arena.ts";

/** A block that is alive from instruction `first` to instruction `last`, both included. */
export interface Lifetime {
  readonly bytes: number;
  readonly first: number;
  readonly last: number;
}

/** Where each block goes, in bytes from the start of one region, and how large the region is. */
export interface Placement {
  readonly offsets: readonly number[];
  readonly bytes: number;
}

/**
 * Places blocks so that two share memory only if they are never alive together. Emission order is execution order, so
 * lifetimes are intervals; the largest block is placed first, each at the lowest offset free for its whole life
 * ("greedy by size", Pisarchyk & Lee 2020, https://arxiv.org/abs/2001.03288).
 */
export function place(blocks: readonly Lifetime[]): Placement {
  const offsets = new Array<number>(blocks.length).fill(0);
  const placed: { readonly block: Lifetime; readonly begin: number; readonly end: number }[] = [];
  const order = blocks
    .map((_, i) => i)
    .sort((i, j) => blocks[j]!.bytes - blocks[i]!.bytes || i - j);
  let bytes = 0;
  for (const i of order) {
    const block = blocks[i]!;
    const size = alignUp(block.bytes);
    let begin = 0;
    for (const other of placed) {
      if (!overlaps(block, other.block)) continue;
      if (begin + size <= other.begin) break;
      begin = Math.max(begin, other.end);
    }
    offsets[i] = begin;
    bytes = Math.max(bytes, begin + size);
    insertByBegin(placed, { block, begin, end: begin + size });
  }
  return { offsets, bytes };
}

function overlaps(a: Lifetime, b: Lifetime): boolean {
  return a.first <= b.last && b.first <= a.last;
}

function insertByBegin<T extends { readonly begin: number }>(sorted: T[], item: T): void {
  const at = sorted.findIndex((other) => other.begin > item.begin);
  sorted.splice(at === -1 ? sorted.length : at, 0, item);
}
