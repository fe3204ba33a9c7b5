import { describe, expect, test } from "vitest";
import { secondMoment } from "../../src/core/moments.ts";
import { createNetwork } from "../../src/lab/network.ts";
import { measureSignals } from "../../src/lab/signals.ts";
import type { CompareConfig } from "../../src/lab/types.ts";
import type { Network } from "../../src/network/network.ts";
import { blobs } from "../support/data.ts";
import { CONFIG } from "./fakes.ts";

const ROWS = 50;
const data = blobs(ROWS, 5, 3);
const batch = { inputs: data.inputs, targets: data.targets as Int32Array };

function create(scheme: string, config: Partial<CompareConfig> = {}): Promise<Network> {
  const job = { scheme, learningRate: 0.01, seed: 1 };
  return createNetwork({ ...CONFIG, depth: 4, width: 7, ...config }, data, job);
}

const ACTIVATIONS: Record<string, [(z: number) => number, (z: number) => number]> = {
  relu: [(z) => Math.max(z, 0), (z) => (z > 0 ? 1 : 0)],
  tanh: [Math.tanh, (z) => 1 - Math.tanh(z) ** 2],
  silu: [(z) => z / (1 + Math.exp(-z)), (z) => dsilu(z)], // its backward needs z: not fused
};

function dsilu(z: number): number {
  const s = 1 / (1 + Math.exp(-z));
  return s * (1 + z * (1 - s));
}

/** The moments by the definition, in f64, row by row. */
function reference(network: Network, activation: string) {
  const [f, df] = ACTIVATIONS[activation]!;
  const kernels = network.parameters
    .filter(({ name }) => name.endsWith("kernel"))
    .map(({ name, shape }) => ({ w: network.weights(name), inputs: shape[0]!, units: shape[1]! }));
  const forward = kernels.map(() => 0);
  const gradient = kernels.map(() => 0);
  for (let row = 0; row < ROWS; row++) {
    let h = [...data.inputs.subarray(row * 5, row * 5 + 5)];
    const zs = kernels.map(({ w, inputs, units }, layer) => {
      const z = Array.from({ length: units }, (_, j) =>
        h.reduce((sum, x, i) => sum + x * w[i * units + j]!, 0),
      );
      expect(h).toHaveLength(inputs);
      h = layer < kernels.length - 1 ? z.map(f) : z;
      forward[layer]! += h.reduce((sum, x) => sum + x * x, 0) / units / ROWS;
      return z;
    });
    const exps = zs.at(-1)!.map(Math.exp);
    const total = exps.reduce((a, b) => a + b, 0);
    let dh = exps.map((e, j) => e / total - (j === data.targets[row] ? 1 : 0));
    for (let layer = kernels.length - 1; layer >= 0; layer--) {
      const { w, inputs, units } = kernels[layer]!;
      gradient[layer]! += dh.reduce((sum, g) => sum + g * g, 0) / units / ROWS;
      const dz = layer < kernels.length - 1 ? dh.map((g, j) => g * df(zs[layer]![j]!)) : dh;
      dh = Array.from({ length: inputs }, (_, i) =>
        dz.reduce((sum, g, j) => sum + g * w[i * units + j]!, 0),
      );
    }
  }
  return { forward, gradient };
}

describe.each(Object.keys(ACTIVATIONS))("the signals of a %s network", (activation) => {
  test("are the second moments of each row's own loss, layer by layer", async () => {
    const network = await create("glorot_normal", { activation: activation as "relu" });
    const expected = reference(network, activation);
    const { forward, gradient, unitsAreEqual } = measureSignals(network, batch);
    expect(forward).toHaveLength(4);
    // Sums of at most 7 terms in f32, through 4 layers and back: far below 1e-5 of the moment.
    for (const [i, moment] of forward.entries()) {
      expect(Math.abs(moment / expected.forward[i]! - 1)).toBeLessThan(1e-5);
    }
    for (const [i, moment] of gradient.entries()) {
      expect(Math.abs(moment / expected.gradient[i]! - 1)).toBeLessThan(1e-5);
    }
    expect(unitsAreEqual).toBe(false);
  });
});

test("the size of the batch does not matter to the gradient's", async () => {
  const network = await create("he_normal");
  const twice = {
    inputs: Float32Array.of(...batch.inputs, ...batch.inputs),
    targets: Int32Array.of(...batch.targets, ...batch.targets),
  };
  const one = measureSignals(network, batch).gradient;
  const two = measureSignals(network, twice).gradient;
  for (const [i, moment] of one.entries()) expect(two[i]! / moment).toBeCloseTo(1, 5);
});

test("zeros: nothing forward, and nothing back but at the logits", async () => {
  const { forward, gradient, unitsAreEqual } = measureSignals(await create("zeros"), batch);
  expect(forward).toEqual([0, 0, 0, 0]);
  expect(gradient.slice(0, 3)).toEqual([0, 0, 0]);
  expect(gradient[3]).toBeGreaterThan(0.1);
  expect(unitsAreEqual).toBe(true);
});

test("constant: the units of a layer are equal", async () => {
  expect(measureSignals(await create("constant"), batch).unitsAreEqual).toBe(true);
});

test("a moment below the range of f32 is measured, not lost", async () => {
  const network = await create("normal:std=0.001", { depth: 10, width: 16 });
  const { forward } = measureSignals(network, batch);
  expect(forward.at(-1)!).toBeLessThan(1e-45);
  expect(forward.at(-1)!).toBeGreaterThan(0);
});

test("what overflows on its way forward has no gradient", async () => {
  const network = await create("normal:std=1e6", { depth: 10 });
  const { forward, gradient } = measureSignals(network, batch);
  expect(Number.isFinite(forward.at(-1)!)).toBe(false);
  expect(gradient.some(Number.isFinite)).toBe(false);
});

test("probing leaves the run as it was", async () => {
  const [a, b] = [await create("he_normal"), await create("he_normal")];
  measureSignals(a, batch);
  for (const net of [a, b]) {
    for await (const _ of net.fit(data, { steps: 10, batchSize: 16 }));
  }
  expect(a.weights("dense/kernel")).toEqual(b.weights("dense/kernel"));
});

test("the second moment is summed in f64", () => {
  expect(secondMoment(Float32Array.of(0, 1e30)) / 5e59).toBeCloseTo(1, 6);
  expect(secondMoment(Float32Array.of(0, 1e-30)) / 5e-61).toBeCloseTo(1, 6);
  expect(secondMoment(Float32Array.of(3, 4))).toBe(12.5);
});
