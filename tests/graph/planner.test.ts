import { expect, test } from "vitest";
import { place } from "../../src/graph/planner.ts";
import { random } from "../support/random.ts";

test("blocks that are alive together never overlap, and start on 64 bytes (200 random plans)", () => {
  for (let seed = 0; seed < 200; seed++) {
    const next = random(seed);
    const blocks = Array.from({ length: 1 + Math.floor(next() * 40) }, () => {
      const first = Math.floor(next() * 50);
      return { bytes: Math.floor(next() * 5000), first, last: first + Math.floor(next() * 20) };
    });
    const { offsets, bytes } = place(blocks);
    blocks.forEach((a, i) => {
      expect(offsets[i]! % 64).toBe(0);
      expect(offsets[i]! + a.bytes).toBeLessThanOrEqual(bytes);
      blocks.slice(0, i).forEach((b, j) => {
        if (a.first > b.last || b.first > a.last) return;
        const apart = offsets[i]! + a.bytes <= offsets[j]! || offsets[j]! + b.bytes <= offsets[i]!;
        expect(apart, `seed ${seed}: blocks ${i} and ${j}`).toBe(true);
      });
    });
  }
});

test("a chain of equal blocks, each needed only by the next, takes the memory of two", () => {
  const blocks = Array.from({ length: 30 }, (_, i) => ({ bytes: 6400, first: i, last: i + 1 }));
  expect(place(blocks).bytes).toBe(2 * 6400);
});

test("blocks alive to the end share nothing", () => {
  const blocks = Array.from({ length: 5 }, (_, i) => ({ bytes: 128, first: i, last: 9 }));
  expect(place(blocks).bytes).toBe(5 * 128);
});

test("nothing to place takes no memory", () => {
  expect(place([])).toEqual({ offsets: [], bytes: 0 });
});
