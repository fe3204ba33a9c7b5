import { describe, expect, test } from "vitest";
import type { LayerModel } from "../../../src/init/theory/index.ts";
import {
  correlationMap,
  finiteWidthLaw,
  forwardGain,
  lengthFixedPoint,
  overflowLayer,
  predictSignal,
} from "../../../src/init/theory/index.ts";
import { activation, dense, sequential } from "../../../src/layers/index.ts";
import { meanSquaredError } from "../../../src/losses/index.ts";
import { Network } from "../../../src/network/network.ts";
import type { ActivationName } from "../../../src/ops/activation.ts";
import { random } from "../../support/random.ts";

interface Measured {
  readonly width: number;
  readonly depth: number;
  readonly activation: ActivationName;
  /** n times the variance of a weight. */
  readonly sigmaW2: number;
  readonly sigmaB2?: number;
}

function create({ width, depth, activation: name, sigmaW2, sigmaB2 = 0 }: Measured) {
  const layers = Array.from({ length: depth }, () => [
    dense(width, {
      kernelInitializer: `normal:std=${Math.sqrt(sigmaW2 / width)}`,
      biasInitializer: `normal:std=${Math.sqrt(sigmaB2)}`,
    }),
    activation(name),
  ]).flat();
  return Network.create({
    ...{ input: [width], body: sequential(...layers), loss: meanSquaredError() },
    ...{ seed: 1, variant: "simd" },
  });
}

const model = ({ width, depth, sigmaW2, sigmaB2 = 0, activation: name }: Measured): LayerModel[] =>
  Array(depth).fill({
    ...{ fanIn: width, fanOut: width, weightVariance: sigmaW2 / width, biasVariance: sigmaB2 },
    activation: name,
  });

function gaussians(count: number, seed: number): Float32Array {
  const next = random(seed);
  return Float32Array.from(
    { length: count },
    () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
  );
}

const meanSquare = (x: Float32Array) => x.reduce((sum, v) => sum + v * v, 0) / x.length;
const average = (x: readonly number[]) => x.reduce((sum, v) => sum + v, 0) / x.length;
const deviation = (x: readonly number[]) => {
  const mean = average(x);
  return Math.sqrt(x.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (x.length - 1));
};

/** The second moments of one input's activations after each layer and of its gradients, for networks of seeds 1 … count. */
async function measure(of: Measured, count: number) {
  const network = await create(of);
  return Array.from({ length: count }, (_, index) => {
    network.initialise(index + 1);
    const x = gaussians(of.width, 1000 + index);
    const norm = Math.sqrt(meanSquare(x));
    // Far targets: the gradient at the end does not depend on the weights.
    const targets = gaussians(of.width, 2000 + index).map((v) => 1e4 * v);
    const outputs = network
      .probe(
        x.map((v) => v / norm),
        targets,
      )
      .filter(({ layer }) => layer.startsWith("activation"));
    return {
      forward: outputs.map(({ values }) => meanSquare(values)),
      gradient: outputs.map(({ gradient }) => (gradient ? meanSquare(gradient) : Number.NaN)),
    };
  });
}

describe("relu and He through real networks", () => {
  const COUNT = 40;
  const DEPTH = 20;

  test.each([32, 128])(
    "width %d: the log of q_L has the mean and deviation of the finite-width law",
    async (width) => {
      const runs = await measure({ width, depth: DEPTH, activation: "relu", sigmaW2: 2 }, COUNT);
      const law = finiteWidthLaw("relu", { width, depth: DEPTH });
      const logs = runs.map(({ forward }) => Math.log(forward.at(-1)!));
      // The mean of the log is a second-order term; the law of it is right to the fourth order, depth / width^2.
      const slack = (5 * DEPTH) / width ** 2;
      expect(Math.abs(average(logs) - law.mean)).toBeLessThan(
        (4 * law.sd) / Math.sqrt(COUNT) + 4 * slack,
      );
      // A sample deviation of 40 is right to 1 / sqrt(78).
      expect(Math.abs(deviation(logs) / law.sd - 1)).toBeLessThan(4 / Math.sqrt(2 * (COUNT - 1)));

      // Square layers: what the way back multiplies by is the same, and fluctuates as much.
      const back = runs.map(({ gradient }) => Math.log(gradient[0]! / gradient.at(-1)!));
      expect(Math.abs(average(back) - law.mean)).toBeLessThan(
        (4 * law.sd) / Math.sqrt(COUNT) + 4 * slack,
      );
    },
  );

  test("the same tolerance tells He from a gain 10 % too large", async () => {
    const [width, depth] = [128, DEPTH];
    const runs = await measure({ width, depth, activation: "relu", sigmaW2: 2.42 }, COUNT);
    const law = finiteWidthLaw("relu", { width, depth });
    const logs = runs.map(({ forward }) => Math.log(forward.at(-1)!));
    expect(average(logs) - law.mean).toBeGreaterThan((8 * law.sd) / Math.sqrt(COUNT));
  });
});

describe("predicted second moments, forward and back, are those of real networks", () => {
  const COUNT = 10;

  test.each([
    { activation: "relu", sigmaW2: 1, sigmaB2: 0.1 },
    { activation: "tanh", sigmaW2: 25 / 9 },
    { activation: "tanh", sigmaW2: 1 },
    { activation: "selu", sigmaW2: 1 },
    { activation: "gelu", sigmaW2: 2 },
    { activation: "silu", sigmaW2: forwardGain("silu") ** 2 },
    { activation: "softplus", sigmaW2: 0.8, sigmaB2: 0.05 },
    { activation: "sigmoid", sigmaW2: 1 },
    { activation: "hard_tanh", sigmaW2: 1.8, sigmaB2: 0.05 },
    { activation: "elu", sigmaW2: 2 },
  ] as const)("$activation, sigma_w^2 = $sigmaW2", async (given) => {
    const of: Measured = { width: 256, depth: 10, ...given };
    const runs = await measure(of, COUNT);
    const prediction = predictSignal(model(of));
    prediction.forEach(({ second, logSd, gradient }, l) => {
      const ratio = average(runs.map(({ forward }) => Math.log(forward[l]! / second)));
      const limit = (5 * logSd) / Math.sqrt(COUNT) + logSd ** 2;
      expect(Math.abs(ratio), `layer ${l + 1}`).toBeLessThan(limit);
      const last = runs.map((run) => Math.log(run.gradient[l]! / run.gradient.at(-1)! / gradient));
      // The way back has no law of its own here: five standard errors of what was measured, and the bias of a log.
      const error = deviation(last);
      expect(Math.abs(average(last)), `gradient of layer ${l + 1}`).toBeLessThan(
        (5 * error) / Math.sqrt(COUNT) + error ** 2 + 1e-6,
      );
    });
  });
});

test("N(0, 1) with relu and 256 units overflows float32 where predicted, or a layer sooner", async () => {
  const of: Measured = { width: 256, depth: 40, activation: "relu", sigmaW2: 256 };
  const predicted = overflowLayer(predictSignal(model(of)))!;
  expect(predicted).toBe(37);
  for (const { forward } of await measure(of, 5)) {
    // meanSquare is in float64: what is infinite is an activation.
    const layer = forward.findIndex((q) => !Number.isFinite(q)) + 1;
    expect([predicted - 1, predicted]).toContain(layer);
    expect(forward[9]! / 128 ** 10).toBeGreaterThan(0.05);
  }
});

describe("correlations of two inputs follow the correlation map", () => {
  test.each([
    [1.2, 0.02],
    [2.5, 0.05],
  ])("tanh, sigma_b^2 = 0.05, sigma_w^2 = %d", async (sigmaW2, bound) => {
    const [width, depth, count] = [256, 12, 30];
    const of: Measured = { width, depth, activation: "tanh", sigmaW2, sigmaB2: 0.05 };
    const theory = { activation: "tanh", sigmaW2, sigmaB2: 0.05 };
    const { q } = lengthFixedPoint(theory);
    const network = await create(of);
    const measured = Array.from({ length: count }, (_, index) => {
      network.initialise(index + 1);
      const a = gaussians(width, 3000 + index);
      const other = gaussians(width, 4000 + index);
      const b = a.map((v, i) => 0.5 * v + Math.sqrt(0.75) * other[i]!);
      // Inputs such that the first pre-activations have variance q: the theory then starts at its fixed point.
      const scaled = [a, b].map((x) => {
        const scale = Math.sqrt((q - 0.05) / sigmaW2 / meanSquare(x));
        return x.map((v) => scale * v);
      });
      const inputs = Float32Array.from(scaled.flatMap((x) => [...x]));
      return network
        .probe(inputs, new Float32Array(2 * width))
        .filter(({ layer }) => layer.startsWith("dense"))
        .map(({ values }) => {
          const [x, y] = [values.subarray(0, width), values.subarray(width)];
          return x.reduce((sum, v, i) => sum + v * y[i]!, 0) / Math.hypot(...x) / Math.hypot(...y);
        });
    });
    // Inputs of correlation 1/2 in the sample's mean only: the first layer's is sigma_b^2 and the inputs' own.
    let c = (0.05 + 0.5 * (q - 0.05)) / q;
    for (let l = 0; l < depth; l++) {
      const sample = measured.map((row) => row[l]!);
      const limit = (4 * deviation(sample)) / Math.sqrt(count) + bound / 4;
      expect(Math.abs(average(sample) - c), `layer ${l + 1}`).toBeLessThan(limit);
      // The limit itself must stay small, or this says nothing.
      expect(limit).toBeLessThan(0.15);
      c = correlationMap(theory, c, q).c;
    }
  });
});
