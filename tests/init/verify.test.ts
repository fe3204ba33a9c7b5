import { describe, expect, test } from "vitest";
import type { Ptr } from "../../src/core/arena.ts";
import { loadCore } from "../../src/core/core.ts";
import { streamKey } from "../../src/core/rng.ts";
import { fill, initializer, normalCdf, resolve, SCHEMES, verify } from "../../src/init/index.ts";
import { denseSpec } from "../../src/init/specs.ts";
import type { ParamSpec } from "../../src/init/types.ts";
import { erfc } from "../support/reference.ts";

const core = await loadCore({ variant: "simd" });
const SPEC = denseSpec(300, 200, { name: "relu", alpha: 0 });

function draw(text: string, spec: ParamSpec = SPEC): Float32Array {
  const n = spec.shape.reduce((a, b) => a * b, 1);
  const at = core.arena.allocate(n * 4 + 16);
  const scratch = (bytes: number): Ptr => core.arena.allocate(bytes);
  fill(core, at, spec, initializer(text), streamKey(3, "verify"), scratch);
  return core.arena.f32(at, n).slice();
}

const check = (text: string, values: Float32Array, spec: ParamSpec = SPEC) =>
  verify(resolve(initializer(text), spec).draw, spec, values);

/** Schemes that have something to say of a dense kernel. */
const DENSE = SCHEMES.map(({ name }) => name).filter((name) => {
  try {
    return resolve(initializer(name), SPEC) !== undefined;
  } catch {
    return false;
  }
});

test.each(DENSE)("what %s draws passes its own test", (name) => {
  expect(check(name, draw(name))).toMatchObject({ passes: true });
});

describe("fails", () => {
  test.each([
    ["a normal draw of 1.1 times the deviation", "normal:std=0.055", "normal"],
    ["a normal draw with a mean of a tenth of the deviation", "normal:mean=0.005", "normal"],
    ["a uniform draw of the same variance", "he_uniform", "he_normal"],
    [
      "a truncated draw of the same variance",
      "he_normal:distribution=truncated_normal",
      "he_normal",
    ],
    ["another constant", "constant:value=0.2", "constant"],
    ["another gain", "orthogonal:gain=1", "orthogonal"],
    ["an independent draw", "lecun_normal", "orthogonal:gain=1"],
    ["the identity with another gain", "identity:gain=2", "identity"],
  ])("%s", (_, drawn, stated) => {
    const verdict = check(stated, draw(drawn));
    expect(verdict.passes).toBe(false);
    expect(verdict.statistic).toBeGreaterThan(verdict.limit);
  });

  test("a NaN, wherever it is", () => {
    for (const text of ["he_normal", "he_uniform", "orthogonal", "constant", "identity"]) {
      const values = draw(text);
      values[4321] = Number.NaN;
      expect(check(text, values).passes).toBe(false);
    }
  });

  test("one value out of ten thousand that lies outside the support", () => {
    const values = draw("he_uniform");
    values[7] = 2 * Math.sqrt(6 / 300);
    expect(check("he_uniform", values)).toMatchObject({ test: "support", passes: false });
  });
});

test("the true law fails once in a thousand times: of 2000 draws between 0 and 8", () => {
  // Mean 2, Poisson: P(more than 8) = 2e-4. The asymptotic limit is conservative at small n.
  const { draw: law } = resolve(initializer("normal"), SPEC);
  const all = draw("normal", denseSpec(1000, 2000));
  let failures = 0;
  for (let i = 0; i < 2000; i++) {
    if (!verify(law, SPEC, all.subarray(1000 * i, 1000 * i + 1000)).passes) failures++;
  }
  expect(failures).toBeLessThanOrEqual(8);
});

test("large tensors are sampled, and a wrong half is still found", () => {
  const spec = denseSpec(1024, 1024);
  const values = draw("he_normal", spec);
  const verdict = check("he_normal", values, spec);
  expect(verdict).toMatchObject({ passes: true });
  expect(verdict.tested).toBeLessThan(values.length);
  expect(check("he_normal", values.fill(0, values.length / 2), spec).passes).toBe(false);
});

test("the normal distribution function is half an erfc, in the tails too", () => {
  for (let x = -12; x <= 12; x += 0.37) {
    const exact = erfc(-x / Math.SQRT2) / 2;
    expect(Math.abs(normalCdf(x) / exact - 1)).toBeLessThan(1e-10);
  }
});
