import { describe, expect, test } from "vitest";
import type { Ptr } from "../../src/core/arena.ts";
import { loadCore } from "../../src/core/core.ts";
import { streamKey } from "../../src/core/rng.ts";
import { initializer, resolve } from "../../src/init/initializer.ts";
import { SCHEMES } from "../../src/init/schemes/index.ts";
import { drawSlice } from "../../src/init/slice.ts";
import {
  attentionSpecs,
  convSpec,
  convTransposeSpec,
  denseSpec,
  recurrentSpecs,
  vectorSpec,
} from "../../src/init/specs.ts";
import type { ParamSpec } from "../../src/init/types.ts";
import { draw } from "./support.ts";

const core = await loadCore({ variant: "simd" });
const scratch = (bytes: number): Ptr => core.arena.allocate(bytes);

const dense = denseSpec(24, 24);
const SPECS: readonly ParamSpec[] = [
  dense,
  denseSpec(7, 13),
  vectorSpec(dense, "bias", 37),
  convSpec({ size: [3, 3], inputs: 4, outputs: 8 }),
  convSpec({ size: [5], inputs: 4, outputs: 8 }),
  convTransposeSpec({ size: [4, 4], stride: 2, inputs: 4, outputs: 4 }),
  recurrentSpecs("lstm", { inputs: 6, units: 9 }).bias,
  attentionSpecs({ width: 16, heads: 2 }).value,
];

function sliceOf(text: string, spec: ParamSpec, begin: number, end: number): Float32Array {
  return drawSlice(core, spec, initializer(text), streamKey(1, "test"), { begin, end }, scratch);
}

const TEXTS = [
  ...SCHEMES.map(({ name }) => name),
  "truncated_normal:low=20,high=21,correct=off", // drawn as distances
  "he_normal * 0.5",
];

describe.each(TEXTS)("%s", (text) => {
  const taken = SPECS.filter((spec) => {
    try {
      resolve(initializer(text), spec);
      return true;
    } catch {
      return false; // what a scheme refuses is the business of other tests
    }
  });

  test.each(taken.map((spec) => [spec.layer, spec.shape, spec] as const))(
    "%s %j: every slice is that slice of the whole",
    (_, __, spec) => {
      const whole = draw(text, spec);
      const n = whole.length;
      for (const [begin, end] of [
        [0, n],
        [0, 0],
        [1, 2],
        [15, 17],
        [16, 32],
        [n >> 1, n],
        [n - 1, n],
        [3, n - 2],
      ] as const) {
        expect(sliceOf(text, spec, begin, end)).toEqual(whole.subarray(begin, end));
      }
    },
  );
});

test("an independent law takes the memory of the slice, not of the whole", () => {
  const spec = denseSpec(40_000, 40_000); // 6.4 GB: more than any memory
  let asked = 0;
  const room = (bytes: number): Ptr => {
    asked += bytes;
    return core.arena.allocate(bytes);
  };
  const range = { begin: 1_499_999_990, end: 1_500_000_010 };
  const key = streamKey(1, "test");
  const values = drawSlice(core, spec, initializer("he_normal"), key, range, room);
  expect(asked).toBeLessThan(300);
  expect(new Set(values).size).toBe(20);
});

test.each([
  [-1, 2],
  [3, 2],
  [0, 577],
  [0.5, 2],
])("the range [%d, %d) of 576 numbers is refused", (begin, end) => {
  expect(() => sliceOf("he_normal", dense, begin, end)).toThrow(
    /drawSlice: expected 0 <= begin <= end <= 576/,
  );
});
