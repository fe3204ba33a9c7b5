import { describe, expect, test } from "vitest";
import { spectralRadius, svd } from "../../src/init/linear-algebra.ts";
import { denseSpec } from "../../src/init/specs.ts";
import type { LinearMap, ParamSpec } from "../../src/init/types.ts";
import { conv, initialised, LSTM, parted, theory } from "../support/initialised.ts";
import { random } from "../support/random.ts";
import { momentsOf } from "../support/statistics.ts";

/** A linear map of a parameter, row-major. */
function mapOf(values: Float32Array, map: LinearMap): Float64Array {
  return Float64Array.from({ length: map.inputs * map.outputs }, (_, at) => {
    const i = Math.floor(at / map.outputs);
    return values[map.offset + i * map.inputStride + (at % map.outputs) * map.outputStride]!;
  });
}

/** All singular values of a [rows, cols] matrix, greatest first. */
function singularValues(a: Float64Array, rows: number, cols: number): number[] {
  const n = Math.max(rows, cols);
  const padded = new Float64Array(n * n);
  for (let i = 0; i < rows; i++) padded.set(a.subarray(i * cols, (i + 1) * cols), i * n);
  return svd(padded, n).s.slice(0, Math.min(rows, cols));
}

/**
 * A circular convolution with stride 1 over `extent`, x [extent…, inputs], kernel [window…, inputs / groups, outputs]; `adjoint` maps
 * y [extent…, outputs] back.
 */
function circular(
  kernel: Float32Array,
  spec: ParamSpec,
  extent: readonly number[],
  x: Float64Array,
  adjoint = false,
): Float64Array {
  const window = spec.window!.size;
  const [rows, outputs] = [spec.shape.at(-2)!, spec.shape.at(-1)!];
  const groups = spec.maps.length;
  const inputs = rows * groups;
  const places = extent.reduce((a, b) => a * b, 1);
  const taps = window.reduce((a, b) => a * b, 1);
  const y = new Float64Array(places * (adjoint ? inputs : outputs));
  const coordinates = (at: number, sizes: readonly number[]) => {
    const found = sizes.map(() => 0);
    for (let axis = sizes.length - 1; axis >= 0; axis--) {
      found[axis] = at % sizes[axis]!;
      at = Math.floor(at / sizes[axis]!);
    }
    return found;
  };
  for (let place = 0; place < places; place++) {
    const p = coordinates(place, extent);
    for (let tap = 0; tap < taps; tap++) {
      const t = coordinates(tap, window);
      const from = p.reduce(
        (at, at0, axis) => at * extent[axis]! + ((at0 + t[axis]!) % extent[axis]!),
        0,
      );
      for (let o = 0; o < outputs; o++) {
        const group = Math.floor((o * groups) / outputs);
        for (let i = 0; i < rows; i++) {
          const w = kernel[(tap * rows + i) * outputs + o]!;
          const input = from * inputs + group * rows + i;
          if (adjoint) y[input]! += w * x[place * outputs + o]!;
          else y[place * outputs + o]! += w * x[input]!;
        }
      }
    }
  }
  return y;
}

function noise(count: number, seed: number): Float64Array {
  const next = random(seed);
  return Float64Array.from({ length: count }, () => next() - 0.5);
}

function norm(x: Float64Array): number {
  return Math.sqrt(x.reduce((sum, value) => sum + value * value, 0));
}

const places = (extent: readonly number[]) => extent.reduce((a, b) => a * b, 1);

describe("per gate", () => {
  test("each gate's block is orthogonal, and the gates differ", () => {
    const spec = parted(LSTM, 32, 32);
    const w = initialised("orthogonal:gain=1", spec);
    const gates = spec.maps.map((map) => mapOf(w, map));
    for (const gate of gates) {
      for (const s of singularValues(gate, 32, 32)) expect(Math.abs(s - 1)).toBeLessThan(1e-5);
    }
    for (let i = 0; i < 32 * 32; i++) expect(gates[0]![i]).not.toBe(gates[1]![i]);
  });
});

describe("scaled_orthogonal", () => {
  test.each([
    [8, 16, Math.SQRT2],
    [16, 8, 1],
    [12, 12, 1],
    [1, 9, 3],
  ])("[%d, %d]: all singular values are %d times the gain", (inputs, outputs, factor) => {
    const spec = denseSpec(inputs, outputs, { name: "linear", alpha: 0 });
    for (const gain of [1, 0.5]) {
      const w = initialised(`scaled_orthogonal:gain=${gain}`, spec);
      for (const s of singularValues(Float64Array.from(w), inputs, outputs)) {
        expect(Math.abs(s / (factor * gain) - 1)).toBeLessThan(1e-5);
      }
    }
  });

  test("keeps the second moment of a unit from 40 inputs to 160 outputs, where orthogonal loses 3 / 4 of it", () => {
    const spec = denseSpec(40, 160);
    const of = (text: string) => {
      const w = initialised(text, spec);
      // x of second moment 1 in each unit: the mean square of y is |W|^2 / outputs.
      return w.reduce((sum, value) => sum + value * value, 0) / 160;
    };
    expect(of("scaled_orthogonal")).toBeCloseTo(1, 5);
    expect(of("orthogonal")).toBeCloseTo(0.25, 5);
  });

  test("scales each part of a kernel by its own shape", () => {
    const spec: ParamSpec = {
      ...denseSpec(4, 20),
      maps: [
        { offset: 0, inputs: 4, outputs: 4, inputStride: 20, outputStride: 1 },
        { offset: 4, inputs: 4, outputs: 16, inputStride: 20, outputStride: 1 },
      ],
    };
    const w = initialised("scaled_orthogonal", spec);
    const [square, wide] = spec.maps.map((map) =>
      singularValues(mapOf(w, map), map.inputs, map.outputs),
    );
    expect(square![0]).toBeCloseTo(1, 5);
    expect(wide![3]).toBeCloseTo(2, 5);
  });
});

const CONVOLUTIONS = [
  { name: "1-D, 3 taps", extent: [7], spec: conv([3], 5, 8) },
  { name: "1-D, 2 taps", extent: [5], spec: conv([2], 6, 6) },
  { name: "1-D, 5 taps", extent: [9], spec: conv([5], 4, 4) },
  { name: "2-D, 3 x 3", extent: [5, 6], spec: conv([3, 3], 4, 7) },
  { name: "2-D, 2 x 4", extent: [4, 5], spec: conv([2, 4], 6, 6) },
  { name: "2-D, 1 x 1", extent: [3, 3], spec: conv([1, 1], 3, 5) },
  { name: "3-D, 2 x 2 x 2", extent: [3, 4, 2], spec: conv([2, 2, 2], 3, 4) },
  { name: "2-D in 3 groups", extent: [4, 4], spec: conv([3, 3], 6, 9, { groups: 3 }) },
  { name: "depthwise", extent: [4, 4], spec: conv([3, 3], 4, 8, { groups: 4 }) },
] as const;

// Orthogonality holds to a few f32 roundings of elements of at most 1; a norm adds them up over a row.
const ISOMETRY = 2e-6;

describe.each(["delta_orthogonal", "block_orthogonal"])("%s", (scheme) => {
  test.each(CONVOLUTIONS)(
    "$name: the norm of every output is gain times its input's",
    ({ extent, spec }) => {
      const inputs = spec.shape.at(-2)! * spec.maps.length;
      for (const gain of [1, 1.5]) {
        const kernel = initialised(`${scheme}:gain=${gain}`, spec, 11);
        for (let seed = 1; seed <= 3; seed++) {
          const x = noise(places(extent) * inputs, seed);
          const ratio = norm(circular(kernel, spec, extent, x)) / norm(x);
          expect(Math.abs(ratio / gain - 1), `seed ${seed}`).toBeLessThan(ISOMETRY);
        }
      }
    },
  );

  test("with more inputs than outputs the gradient's norm is kept, the signal's is not", () => {
    const spec = conv([3, 3], 7, 4);
    const kernel = initialised(`${scheme}:gain=1`, spec);
    const dy = noise(25 * 4, 1);
    const ratio = norm(circular(kernel, spec, [5, 5], dy, true)) / norm(dy);
    expect(Math.abs(ratio - 1)).toBeLessThan(ISOMETRY);
    const x = noise(25 * 7, 2);
    expect(norm(circular(kernel, spec, [5, 5], x)) / norm(x)).toBeLessThan(0.95);
  });

  test("a thousand layers keep the norm of signal and gradient", () => {
    const spec = conv([3], 4, 4);
    const start = noise(5 * 4, 3);
    let [x, dy] = [start, start];
    for (let layer = 0; layer < 1000; layer++) {
      const kernel = initialised(`${scheme}:gain=1`, spec, layer);
      x = circular(kernel, spec, [5], x);
      dy = circular(kernel, spec, [5], dy, true);
    }
    expect(Math.abs(norm(x) / norm(start) - 1)).toBeLessThan(1000 * ISOMETRY);
    expect(Math.abs(norm(dy) / norm(start) - 1)).toBeLessThan(1000 * ISOMETRY);
  });

  test("scaled, it keeps the second moment of a unit instead", () => {
    const spec = conv([3, 3], 4, 16);
    const kernel = initialised(`${scheme}:gain=1,scaled=yes`, spec);
    const x = noise(36 * 4, 4);
    const ratio = norm(circular(kernel, spec, [6, 6], x)) / norm(x);
    expect(Math.abs(ratio / 2 - 1)).toBeLessThan(ISOMETRY);
  });

  test("its theory is the kernel's second moment, exactly", () => {
    for (const spec of [conv([3, 3], 4, 7), conv([3], 7, 4), conv([3, 3], 6, 9, { groups: 3 })]) {
      const kernel = initialised(`${scheme}:gain=0.8`, spec);
      const second = kernel.reduce((sum, x) => sum + x * x, 0) / kernel.length;
      expect(second / theory(`${scheme}:gain=0.8`, spec).std ** 2).toBeCloseTo(1, 5);
    }
  });

  test("the gain is the activation's unless given, and the same seed draws the same bits", () => {
    const spec = conv([3], 4, 4, { activation: { name: "relu", alpha: 0 } });
    const kernel = initialised(scheme, spec);
    const x = noise(28, 5);
    const ratio = norm(circular(kernel, spec, [7], x)) / norm(x);
    expect(Math.abs(ratio / Math.SQRT2 - 1)).toBeLessThan(ISOMETRY);
    expect(initialised(scheme, spec)).toEqual(kernel);
    expect(initialised(scheme, spec, 2)).not.toEqual(kernel);
  });

  test("groups are drawn apart", () => {
    const spec = conv([3], 8, 8, { groups: 2 });
    const kernel = initialised(scheme, spec);
    const [a, b] = spec.maps.map((map) => mapOf(kernel, map));
    expect(a).not.toEqual(b);
  });
});

describe("the taps", () => {
  const used = (kernel: Float32Array, taps: number) =>
    Array.from({ length: taps }, (_, tap) =>
      kernel
        .subarray((tap * kernel.length) / taps, ((tap + 1) * kernel.length) / taps)
        .some((x) => x !== 0),
    );

  test("of delta_orthogonal are 0 but for the middle, (k - 1) / 2 rounded down", () => {
    const kernel = initialised("delta_orthogonal", conv([3, 4], 3, 3));
    expect(
      used(kernel, 12)
        .map((is, tap) => (is ? tap : -1))
        .filter((tap) => tap >= 0),
    ).toEqual([5]);
  });

  test("of block_orthogonal are all in use", () => {
    expect(used(initialised("block_orthogonal", conv([3, 3], 8, 8)), 9)).toEqual(
      Array(9).fill(true),
    );
  });
});

describe("spectral_radius", () => {
  test.each([
    ["spectral_radius", 0.9],
    ["spectral_radius:rho=1.25", 1.25],
    ["spectral_radius:rho=0.95,density=0.1", 0.95],
    ["spectral_radius:density=0.02", 0.9],
    ["spectral_radius:rho=0", 0],
  ])("%s: the greatest eigenvalue's modulus is %d", (text, rho) => {
    for (const n of [1, 5, 100]) {
      if (text.includes("density") && n < 100) continue;
      const w = initialised(text, parted(["hidden"], n, n), n);
      expect(Math.abs(spectralRadius(w, n) - rho)).toBeLessThan(1e-4);
    }
  });

  test("a density of 0.1 keeps a tenth of the elements, the deviation is the circular law's", () => {
    const spec = parted(["hidden"], 200, 200);
    for (const text of ["spectral_radius", "spectral_radius:density=0.1"]) {
      const w = initialised(text, spec);
      const { variance } = momentsOf(w);
      // rho(G) lies within a few percent of sqrt(density n).
      expect(Math.abs(Math.sqrt(variance) / theory(text, spec).std - 1)).toBeLessThan(0.1);
    }
    const kept = initialised("spectral_radius:density=0.1", spec).filter((x) => x !== 0).length;
    expect(Math.abs(kept - 4000)).toBeLessThan(5 * Math.sqrt(40_000 * 0.09));
  });

  test("refuses maps that are not square, densities outside (0, 1], and a kernel without cycles", () => {
    expect(() => initialised("spectral_radius", denseSpec(3, 5))).toThrow(
      "spectral_radius: expected square linear maps, got dense kernel [3, 5]",
    );
    expect(() => initialised("spectral_radius:density=0", denseSpec(3, 3))).toThrow(
      "spectral_radius: density must be above 0 and at most 1, got 0",
    );
    expect(() => initialised("spectral_radius:density=1e-9", denseSpec(3, 3))).toThrow(
      "leaves a kernel [3, 3] without a cycle",
    );
  });
});

describe("spectral_norm", () => {
  test.each([
    [1, 1],
    [1, 40],
    [40, 1],
    [40, 40],
    [60, 25],
  ])("[%d, %d]: the greatest singular value is sigma", (rows, cols) => {
    for (const sigma of [1, 0.3]) {
      const w = initialised(`spectral_norm:sigma=${sigma}`, denseSpec(rows, cols));
      const [greatest] = singularValues(Float64Array.from(w), rows, cols);
      expect(Math.abs(greatest! - sigma)).toBeLessThan(1e-5);
    }
  });

  test.each([
    [1, 9, 1e-6],
    [40, 1, 1e-6],
    [7, 7, 0.08],
    [12, 12, 0.04],
    [40, 40, 0.02],
    [60, 20, 0.02],
  ])("[%d, %d]: the second moment is that of its theory to %d", (rows, cols, limit) => {
    const spec = denseSpec(rows, cols);
    const count = 200;
    let second = 0;
    for (let seed = 1; seed <= count; seed++) {
      const w = initialised("spectral_norm", spec, seed);
      second += w.reduce((sum, x) => sum + x * x, 0) / w.length / count;
    }
    expect(Math.abs(second / theory("spectral_norm", spec).std ** 2 - 1)).toBeLessThan(limit);
  });

  test("each gate has its own", () => {
    const spec = parted(LSTM, 64, 64);
    const w = initialised("spectral_norm", spec);
    for (const map of spec.maps) {
      expect(Math.abs(singularValues(mapOf(w, map), 64, 64)[0]! - 1)).toBeLessThan(1e-5);
    }
  });
});
