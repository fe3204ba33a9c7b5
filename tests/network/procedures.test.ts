import { describe, expect, test } from "vitest";
import type { Layer } from "../../src/layers/index.ts";
import { activation, dense, residual, scale, sequential } from "../../src/layers/index.ts";
import type { NetworkOptions } from "../../src/network/network.ts";
import { Network } from "../../src/network/network.ts";
import {
  calibrateBias,
  firstStepLoss,
  gradInit,
  gradientQuotient,
  krahenbuhl,
  lsuv,
  metaInit,
  normaliseChannels,
  shrinkPerturb,
  weightNormInit,
} from "../../src/network/procedures/index.ts";
import type { ActivationLike } from "../../src/ops/activation.ts";
import { adam, sgd } from "../../src/optim/index.ts";
import { blobs } from "../support/data.ts";

const data = blobs(200, 6, 3);

function create(body: Layer, options: Partial<NetworkOptions> = {}): Promise<Network> {
  return Network.create({ input: [6], body, seed: 1, variant: "simd", ...options });
}

function chain(
  depth: number,
  width: number,
  f: ActivationLike = "relu",
  init = "he_normal",
): Layer {
  return sequential(
    ...Array.from({ length: depth }, () =>
      dense(width, { activation: f, kernelInitializer: init, biasInitializer: "normal:std=0.1" }),
    ),
    dense(3, { kernelInitializer: init }),
  );
}

const norm = (x: Float32Array) => Math.sqrt(x.reduce((s, v) => s + v * v, 0));

/** Multiplies every kernel. */
async function gained(factor: number, body: Layer, options?: Partial<NetworkOptions>) {
  const net = await create(body, options);
  for (const { name } of net.parameters) {
    if (name.endsWith("kernel"))
      net.setWeights(
        name,
        net.weights(name).map((w) => factor * w),
      );
  }
  return net;
}

const bits = (net: Network) => net.parameters.map(({ name }) => net.weights(name));

/** The pre-activations of each dense layer, by the definition: x W + b in f64 from what the probe says went in. */
function preactivations(net: Network): Float64Array[] {
  const tensors = net.probe(data.inputs, data.targets);
  const outputs = tensors.filter(({ role }) => role === "output");
  const layers = net.parameters.filter(({ name }) => name.endsWith("kernel"));
  return layers.map(({ name, shape }, k) => {
    const [inputs = 0, units = 0] = shape;
    const x = outputs[k]!.values;
    const w = net.weights(name);
    const b = net.weights(name.replace("kernel", "bias"));
    return Float64Array.from({ length: data.rows * units }, (_, at) => {
      const [row, unit] = [Math.floor(at / units), at % units];
      let sum = b[unit]!;
      for (let i = 0; i < inputs; i++) sum += x[row * inputs + i]! * w[i * units + unit]!;
      return sum;
    });
  });
}

function moments(values: ArrayLike<number>): { mean: number; variance: number } {
  const x = Array.from(values);
  const mean = x.reduce((a, b) => a + b, 0) / x.length;
  return { mean, variance: x.reduce((a, b) => a + (b - mean) ** 2, 0) / x.length };
}

const channel = (z: Float64Array, c: number) =>
  z.filter((_, i) => i % (z.length / data.rows) === c);

describe("a probe shows pre-activations", () => {
  test.each(["relu", "tanh", "gelu", "linear"] as const)(
    "%s: as x W + b, and the outputs of predict",
    async (f) => {
      const net = await create(chain(2, 9, f));
      const tensors = net.probe(data.inputs, data.targets);
      preactivations(net).forEach((want, k) => {
        const layer = k === 0 ? "dense" : `dense_${k}`;
        const of = tensors.filter((tensor) => tensor.layer === layer);
        const z = of.find(({ role }) => role === "preactivation") ?? of[0]!;
        expect(of.length).toBe(f === "linear" || k === 2 ? 1 : 2);
        // At most 10 terms: gamma_10 times a sum of magnitudes below 50.
        z.values.forEach((x, i) => {
          expect(Math.abs(x - want[i]!)).toBeLessThan(10 * 2 ** -24 * 50);
        });
      });
      expect(tensors.at(-1)!.values).toEqual(net.predict(data.inputs));
    },
  );
});

describe("LSUV", () => {
  test.each([
    ["x 0.1 on depth 20", 0.1, "relu"],
    ["x 10 on depth 20", 10, "relu"],
    ["tanh x 10", 10, "tanh"],
    ["gelu x 0.1", 0.1, "gelu"],
  ] as const)("every variance is 1 +- 0.1 after it: %s", async (_, factor, f) => {
    for (const orthonormal of [true, false]) {
      const net = await gained(factor, chain(20, 24, f));
      const report = lsuv(net, data, { orthonormal });
      const found = preactivations(net).map((z) => moments(z).variance);
      expect(found.length).toBe(21);
      found.forEach((variance, k) => {
        expect(Math.abs(variance - 1)).toBeLessThan(0.1);
        expect(report[k]!.after).toBeCloseTo(variance, 4);
        expect(report[k]!.iterations).toBeLessThanOrEqual(10);
      });
    }
  });

  test("a second run is a no-op", async () => {
    const net = await gained(0.1, chain(8, 24));
    expect(lsuv(net, data).some(({ iterations }) => iterations > 0)).toBe(true);
    const after = bits(net);
    const again = lsuv(net, data);
    expect(again.map(({ iterations }) => iterations)).toEqual(Array(9).fill(0));
    expect(bits(net)).toEqual(after);
  });

  test("kernels are orthogonal on their shorter side afterwards, zero kernels too on request", async () => {
    const body = sequential(
      dense(6, { activation: "relu" }),
      dense(20, { kernelInitializer: "zeros", activation: "relu" }),
      dense(3, { kernelInitializer: "ones" }),
    );
    const net = await create(body);
    lsuv(net, data, { zeroKernels: "draw" });
    for (const { name, shape } of net.parameters.filter((p) => p.name.endsWith("kernel"))) {
      const [rows = 0, cols = 0] = shape;
      const w = net.weights(name);
      const tall = rows >= cols;
      const vector = (v: number) =>
        w.filter((_, i) => (tall ? i % cols : Math.floor(i / cols)) === v);
      const dot = (a: number, b: number) => vector(a).reduce((s, x, i) => s + x * vector(b)[i]!, 0);
      const square = dot(0, 0);
      expect(square).toBeGreaterThan(0);
      for (let a = 0; a < Math.min(rows, cols); a++) {
        for (let b = 0; b <= a; b++) {
          expect(dot(a, b) / square, `${name} ${a} ${b}`).toBeCloseTo(a === b ? 1 : 0, 5);
        }
      }
    }
  });

  test("the same network gives the same bits; a silent layer is left alone", async () => {
    const [a, b] = [await gained(3, chain(4, 12)), await gained(3, chain(4, 12))];
    lsuv(a, data);
    lsuv(b, data);
    expect(bits(a)).toEqual(bits(b));
    const silent = await create(sequential(scale({ initial: 0 }), dense(3)));
    expect(lsuv(silent, data)[0]).toMatchObject({ after: 0, iterations: 0 });
  });

  const biased = (std: number) =>
    create(
      sequential(
        ...Array.from({ length: 4 }, () =>
          dense(64, { activation: "relu", biasInitializer: `normal:std=${std}` }),
        ),
        dense(3, { biasInitializer: `normal:std=${std}` }),
      ),
    );
  const std = (x: Float32Array) => Math.sqrt(moments(x).variance);

  test.each([0.5, 1.5, 3])(
    "biases of deviation %d are no obstacle: zeroed or scaled",
    async (b) => {
      for (const biases of [undefined, "scale"] as const) {
        const net = await biased(b);
        const report = lsuv(net, data, biases === undefined ? {} : { biases });
        preactivations(net).forEach((z, k) => {
          expect(Math.abs(moments(z).variance - 1)).toBeLessThan(0.1);
          expect(report[k]).toMatchObject({ converged: true });
          const isZero = net.weights(`dense${k === 0 ? "" : `_${k}`}/bias`).every((x) => x === 0);
          expect(isZero).toBe(biases === undefined);
        });
      }
    },
  );

  test("biases that are kept and vary too much leave the kernel whole, and are reported", async () => {
    const wide = await biased(1.5);
    const report = lsuv(wide, data, { biases: "keep" });
    // Of the head's three biases the variance may be anything.
    for (const { converged, skipped, iterations } of report.slice(0, -1)) {
      expect({ converged, skipped, iterations }).toEqual({
        ...{ converged: false, skipped: "biases", iterations: 0 },
      });
    }
    for (const { name, shape } of wide.parameters.filter((p) => p.name.endsWith("kernel"))) {
      // Orthonormal: variance 1 / longer side.
      expect(std(wide.weights(name))).toBeGreaterThan(0.5 / Math.sqrt(Math.max(...shape)));
    }
    const narrow = await biased(0.5);
    for (const { converged } of lsuv(narrow, data, { biases: "keep" }))
      expect(converged).toBe(true);
  });

  test("of too few divisions the best is kept, and said not to have converged", async () => {
    const net = await biased(0.9);
    const report = lsuv(net, data, { biases: "keep", maxIterations: 1, tolerance: 1e-3 });
    const found = preactivations(net).map((z) => moments(z).variance);
    report.forEach(({ before, after, converged }, k) => {
      expect(after).toBeCloseTo(found[k]!, 4);
      expect(Math.abs(after - 1)).toBeLessThanOrEqual(Math.abs(before - 1));
      expect(converged).toBe(Math.abs(after - 1) < 1e-3);
    });
    expect(report.some(({ converged }) => !converged)).toBe(true);
  });

  test("a zero kernel stays, and the report says so", async () => {
    const block = () => residual(sequential(dense(6, { activation: "relu" }), dense(6)));
    const net = await create(sequential(block(), dense(3)), { policy: "zero_last" });
    const zero = net.parameters
      .filter(({ name }) => name.endsWith("kernel") && norm(net.weights(name)) === 0)
      .map(({ name }) => name);
    expect(zero.length).toBe(1);
    const report = lsuv(net, data);
    expect(norm(net.weights(zero[0]!))).toBe(0);
    expect(report.find(({ layer }) => zero[0] === `${layer}/kernel`)).toMatchObject({
      ...{ skipped: "zero kernel", after: 0, iterations: 0, converged: false },
    });
    lsuv(net, data, { zeroKernels: "draw" });
    expect(norm(net.weights(zero[0]!))).toBeGreaterThan(0);
  });

  test("options are checked", async () => {
    const net = await create(dense(3));
    expect(() => lsuv(net, data, { biases: "none" as "zero" })).toThrow(
      "lsuv: biases: expected one of zero, scale, keep, got none",
    );
    expect(() => lsuv(net, data, { tolerance: 0 })).toThrow("lsuv: tolerance: expected a positive");
    expect(() => lsuv(net, data, { maxIterations: 1.5 })).toThrow("expected a whole number");
  });
});

describe.each([
  ["weightNormInit", weightNormInit],
  ["normaliseChannels", normaliseChannels],
])("%s", (_, procedure) => {
  test.each([0.1, 1, 10])("every channel has mean 0 and variance 1, from x %d", async (factor) => {
    const net = await gained(factor, chain(6, 16, "tanh"));
    const report = procedure(net, data);
    preactivations(net).forEach((z, k) => {
      for (let c = 0; c < z.length / data.rows; c++) {
        const { mean, variance } = moments(channel(z, c));
        // f32 weights and pre-activations: 1e-7 of values up to about 10.
        expect(Math.abs(mean)).toBeLessThan(1e-5);
        expect(Math.abs(variance - 1)).toBeLessThan(1e-4);
      }
      expect(report[k]!.after).toBeLessThan(1e-4);
      expect(report[k]!.before).toBeGreaterThan(1e-2);
    });
  });
});

test("weightNormInit begins with biases of 0", async () => {
  const net = await create(dense(3, { biasInitializer: "constant:value=100" }));
  expect(weightNormInit(net, data)[0]!.before).toBeLessThan(50); // with the bias the means would be near 100
});

test("a channel that does not vary loses its mean and nothing else", async () => {
  const net = await create(dense(3, { kernelInitializer: "zeros", biasInitializer: "ones" }));
  normaliseChannels(net, data);
  expect([...net.weights("dense/kernel"), ...net.weights("dense/bias")]).toEqual(Array(21).fill(0));
});

describe("Krähenbühl", () => {
  test("relative gradients are equal, outputs stay, channels keep mean 0", async () => {
    const net = await gained(3, chain(8, 16));
    const reference = await gained(3, chain(8, 16));
    normaliseChannels(reference, data);
    const report = krahenbuhl(net, data);
    net.probe(data.inputs, data.targets);
    const rates = net.parameters
      .filter(({ name }) => name.endsWith("kernel"))
      .map(({ name }) => norm(net.gradient(name)) / norm(net.weights(name)));
    expect(Math.max(...rates) / Math.min(...rates)).toBeLessThan(1.02);
    const spread = report.map(({ before }) => before);
    expect(Math.max(...spread) / Math.min(...spread)).toBeGreaterThan(1.5);
    const want = reference.predict(data.inputs);
    net.predict(data.inputs).forEach((y, i) => {
      expect(Math.abs(y - want[i]!)).toBeLessThan(1e-4);
    });
    for (const z of preactivations(net)) {
      const { variance } = moments(z);
      for (let c = 0; c < z.length / data.rows; c++) {
        const own = moments(channel(z, c));
        expect(Math.abs(own.mean)).toBeLessThan(1e-4 * Math.sqrt(variance));
        expect(own.variance / variance).toBeCloseTo(1, 3);
      }
    }
  });

  test("without damping one round is exact for relu", async () => {
    const net = await create(chain(5, 16));
    const report = krahenbuhl(net, data, { damping: 1, tolerance: 1e-3 });
    expect(report[0]!.iterations).toBe(1);
  });

  test("tanh converges by iterating", async () => {
    const report = krahenbuhl(await create(chain(5, 16, "tanh")), data);
    for (const { after } of report) expect(Math.abs(after - 1)).toBeLessThan(0.01);
  });

  test("a layer without gradient is named", async () => {
    const dead = sequential(dense(4), scale({ initial: 0 }), dense(3, { useBias: false }));
    await expect(krahenbuhl2(dead)).rejects.toThrow("krahenbuhl: expected weights and a gradient");
  });

  const krahenbuhl2 = async (body: Layer) => krahenbuhl(await create(body), data);
});

describe("bias calibration", () => {
  test.each([0.2, 0.5, 0.9])("units are active on %d of the batch", async (active) => {
    const net = await create(chain(5, 32));
    const report = calibrateBias(net, data, { active });
    preactivations(net)
      .slice(0, -1)
      .forEach((z, k) => {
        for (let c = 0; c < 32; c++) {
          const values = channel(z, c);
          const share = values.filter((x) => x > 0).length / data.rows;
          // Rows on which every unit below is off are equal, and go one way together.
          const counts = new Map<number, number>();
          for (const x of values) counts.set(x, (counts.get(x) ?? 0) + 1);
          const equal = Math.max(...counts.values()) / data.rows;
          const bound = k === 0 ? 0.02 : Math.max(0.02, equal);
          expect(Math.abs(share - active)).toBeLessThan(bound);
        }
        expect(Math.abs(report[k]!.after - active)).toBeLessThan(0.02);
      });
    expect(report.length).toBe(5);
  });

  test("only the layers that are asked for change; a bias is needed", async () => {
    const net = await create(chain(3, 8));
    const before = net.weights("dense/bias");
    expect(calibrateBias(net, data, { layers: (path) => path === "dense_1" })).toHaveLength(1);
    expect(net.weights("dense/bias")).toEqual(before);
    const bare = await create(
      sequential(dense(4, { useBias: false }), activation("relu"), dense(3)),
    );
    expect(() => calibrateBias(bare, data)).toThrow("expected a bias in dense, got none");
    expect(() => calibrateBias(net, data, { active: 1 })).toThrow("between 0 and 1");
  });
});

describe("MetaInit", () => {
  const small = blobs(32, 6, 3);

  test.each([
    ["x 0.1", 0.1],
    ["x 1", 1],
    ["x 5", 5],
  ])(
    "the gradient quotient falls to a tenth and less from He %s, by norms alone",
    async (_, factor) => {
      const he = gradientQuotient(await create(chain(5, 12, "tanh")), small);
      const net = await gained(factor, chain(5, 12, "tanh"));
      const before = gradientQuotient(net, small);
      const start = bits(net);
      const report = metaInit(net, small, { steps: 80 });
      const after = gradientQuotient(net, small);
      // Where gradients vanish, epsilon holds the quotient near 1: there the measure is He's own.
      expect(after).toBeLessThan((factor < 1 ? he : before) / 10);
      if (factor < 1) {
        expect(after).toBeLessThan(before / 2);
        for (const { before: b, after: a } of report) expect(a).toBeGreaterThan(2 * b);
      }
      bits(net).forEach((w, k) => {
        const ratio = norm(w) / norm(start[k]!) || 0;
        w.forEach((x, i) => {
          expect(x).toBeCloseTo(ratio * start[k]![i]!, 4);
        });
      });
      expect(report).toHaveLength(6);
    },
  );

  test.each([
    ["relu", 0.1, 1.2, 10],
    ["tanh", 0.1, 2, 10],
  ] as const)(
    "from x 0.1 the defaults make the quotient fall, but not to a tenth: %s",
    async (f, factor, least, most) => {
      // So docs say: the quotient begins low, since epsilon holds it where gradients vanish.
      const net = await gained(factor, chain(5, 16, f));
      const before = gradientQuotient(net, small);
      metaInit(net, small);
      const ratio = before / gradientQuotient(net, small);
      expect(ratio).toBeGreaterThan(least);
      expect(ratio).toBeLessThan(most);
    },
  );

  test("the quotient of a quadratic is its definition", async () => {
    // L = mean over 2 outputs of (w_i x - t_i)^2 with one row: g_i = x (w_i x - t_i), H = x^2 I for each weight.
    const { meanSquaredError } = await import("../../src/losses/index.ts");
    const net = await Network.create({
      ...{
        input: [1],
        body: dense(2, { useBias: false }),
        loss: meanSquaredError(),
        variant: "simd",
      },
    });
    net.setWeights("dense/kernel", [0.5, 2]);
    const x = 0.7;
    const g = [x * (0.5 * x - 1), x * (2 * x + 1)];
    const want = g.reduce((sum, gi) => {
      const hg = x * x * gi;
      return sum + Math.abs((gi - hg) / (gi + Math.sign(gi) * 1e-5) - 1) / 2;
    }, 0);
    expect(gradientQuotient(net, { inputs: [x], targets: [1, -1] })).toBeCloseTo(want, 3);
    expect(bits(net)[0]).toEqual(Float32Array.of(0.5, 2));
  });

  test("an infinite loss has an infinite quotient", async () => {
    const net = await gained(1e30, chain(3, 6));
    expect(gradientQuotient(net, small)).toBe(Infinity);
  });
});

describe("GradInit", () => {
  const small = blobs(32, 6, 3);

  test.each([
    ["sgd", sgd({ learningRate: 0.1 })],
    ["adam", adam({ learningRate: 0.01 })],
  ])("the loss after the first step of %s is below He's", async (_, optimizer) => {
    const net = await create(chain(4, 12), { optimizer });
    const he = firstStepLoss(net, small);
    gradInit(net, small, { gamma: 100, iterations: 15 });
    expect(firstStepLoss(net, small)).toBeLessThan(he);
  });

  test("firstStepLoss is the loss after a step of the optimiser itself", async () => {
    const net = await create(chain(2, 8), { optimizer: sgd({ learningRate: 0.1 }) });
    const predicted = firstStepLoss(net, small);
    net.trainStep(small.inputs, small.targets);
    expect(predicted).toBeCloseTo(net.evaluate(small).loss, 6);
  });

  test("firstStepLoss of adam is the loss after a step along the signs", async () => {
    const net = await create(chain(2, 8));
    const rate = 0.01;
    const predicted = firstStepLoss(net, small, { rule: "adam", learningRate: rate });
    const plain = firstStepLoss(net, small, { rule: "sgd", learningRate: rate });
    net.probe(small.inputs, small.targets);
    const signs = net.parameters.map(({ name }) => net.gradient(name).map(Math.sign));
    net.parameters.forEach(({ name }, k) => {
      net.setWeights(
        name,
        net.weights(name).map((w, i) => w - rate * signs[k]![i]!),
      );
    });
    const want = net.evaluate(small).loss;
    expect(predicted).toBeCloseTo(want, 6);
    expect(Math.abs(plain - want)).toBeGreaterThan(1e-3);
  });

  test("no scale falls below the minimum", async () => {
    const net = await gained(30, chain(3, 8), { optimizer: sgd({ learningRate: 0.1 }) });
    const minimum = 0.8;
    const report = gradInit(net, small, { gamma: 1e-3, iterations: 20, scaleRate: 0.1, minimum });
    const ratios = report.map(({ before, after }) => after / before);
    expect(Math.min(...ratios)).toBeGreaterThan(minimum - 1e-5);
    expect(Math.min(...ratios)).toBeLessThan(minimum + 1e-5);
  });

  test("within the bound the factors of the least loss are kept, not the last ones", async () => {
    // A step this long overshoots: the loss rises again, and goes on rising, after the best one.
    const run = async (iterations: number) => {
      const net = await create(chain(2, 8), { optimizer: sgd({ learningRate: 0.1 }) });
      gradInit(net, small, { gamma: 1e6, iterations, scaleRate: 1 });
      return firstStepLoss(net, small);
    };
    const losses: number[] = [];
    for (let n = 1; n <= 8; n++) losses.push(await run(n));
    const he = firstStepLoss(
      await create(chain(2, 8), { optimizer: sgd({ learningRate: 0.1 }) }),
      small,
    );
    losses.forEach((loss, i) => {
      expect(loss).toBeLessThanOrEqual((losses[i - 1] ?? he) + 1e-6);
    });
    expect(losses.at(-1)).toBeLessThan(he);
  });

  test("a gradient that is too long is shortened first", async () => {
    const net = await gained(3, chain(4, 12), { optimizer: sgd({ learningRate: 0.1 }) });
    const length = () => {
      net.probe(small.inputs, small.targets);
      return Math.hypot(
        ...bits(net).map((_, k) => Math.hypot(...net.gradient(net.parameters[k]!.name))),
      );
    };
    const before = length();
    expect(before).toBeGreaterThan(1);
    gradInit(net, small, { iterations: 40, scaleRate: 0.1 });
    expect(length()).toBeLessThanOrEqual(1);
  });
});

describe("a batch that says nothing is refused, and changes nothing", () => {
  const procedures = {
    lsuv,
    weightNormInit,
    normaliseChannels,
    krahenbuhl,
    calibrateBias,
    metaInit,
    gradInit,
    gradientQuotient,
    firstStepLoss,
  };
  const inputs = Array.from(data.inputs.subarray(0, 60));
  const targets = Array.from(data.targets.subarray(0, 10));
  const withAt = (at: number, value: number) => inputs.with(at, value);
  const any = {
    "an input that is NaN": {
      batch: { inputs: withAt(31, Number.NaN), targets },
      message: "batch: expected finite float32 numbers, input 1 of row 5 is NaN",
    },
    "an input float32 cannot hold": {
      batch: { inputs: withAt(0, 1e39), targets },
      message: "input 0 of row 0 is 1e+39",
    },
    "a target too few": {
      batch: { inputs, targets: targets.slice(1) },
      message: "batch: expected 10 targets for 10 rows, got 9",
    },
    "a broken row": {
      batch: { inputs: inputs.slice(1), targets },
      message: "batch: expected rows of 6 inputs (shape [6]), got 59 numbers",
    },
    "no row": { batch: { inputs: [], targets: [] }, message: "got 0 numbers" },
    "a class there is none of": {
      batch: { inputs, targets: targets.with(3, 3) },
      message: "batch: row 3: expected a class from 0 to 2, got 3",
    },
  };
  const varied = {
    "one row": {
      batch: { inputs: inputs.slice(0, 6), targets: targets.slice(0, 1) },
      message: "batch: expected at least 2 rows, got 1",
    },
    "constant columns": {
      batch: { inputs: inputs.map((_, i) => inputs[i % 6]!), targets },
      message: "batch: expected rows that differ, got 10 that are all alike",
    },
    zeros: {
      batch: { inputs: inputs.map(() => 0), targets },
      message: "batch: expected rows that differ",
    },
  };
  const needVariation = [
    "lsuv",
    "weightNormInit",
    "normaliseChannels",
    "krahenbuhl",
    "calibrateBias",
  ];

  test.each(Object.entries(procedures))("%s", async (name, procedure) => {
    const net = await create(chain(2, 8));
    const before = bits(net);
    const cases = { ...any, ...(needVariation.includes(name) ? varied : {}) };
    for (const [what, { batch, message }] of Object.entries(cases)) {
      expect(() => procedure(net, batch), what).toThrow(RangeError);
      expect(() => procedure(net, batch), what).toThrow(message);
      expect(() => procedure(net, batch), what).toThrow(`${name}: `);
      expect(bits(net), what).toEqual(before);
    }
  });

  test.each(Object.entries(procedures))(
    "%s refuses parameters that are NaN",
    async (name, procedure) => {
      const net = await create(chain(2, 8));
      net.setWeights("dense_1/bias", net.weights("dense_1/bias").with(2, Number.NaN));
      expect(() => procedure(net, data)).toThrow(
        `${name}: expected finite parameters, but dense_1/bias holds NaN at index 2`,
      );
    },
  );

  test("what fails half-way is undone", async () => {
    // The first layer is finite and is scaled; the second overflows whatever the first gives.
    const net = await create(
      sequential(dense(8), scale({ initial: 3e38 }), scale({ initial: 1e30 }), dense(3)),
    );
    const before = bits(net);
    for (const procedure of [lsuv, weightNormInit, normaliseChannels, krahenbuhl]) {
      expect(() => procedure(net, data)).toThrow("expected finite pre-activations of dense_1, got");
      expect(bits(net)).toEqual(before);
    }
    const dead = await create(
      sequential(dense(4), scale({ initial: 0 }), dense(3, { useBias: false })),
    );
    const weights = bits(dead);
    expect(() => krahenbuhl(dead, data)).toThrow("expected weights and a gradient");
    expect(bits(dead)).toEqual(weights);
  });
});

test("procedures work through residual blocks and learnt scales", async () => {
  const block = () => residual(sequential(dense(6, { activation: "relu" }), dense(6), scale()));
  const net = await create(sequential(block(), block(), dense(3)));
  for (const { after } of lsuv(net, data)) expect(Math.abs(after - 1)).toBeLessThan(0.1);
  for (const { after } of weightNormInit(net, data)) expect(after).toBeLessThan(1e-4);
});

describe("what a procedure needs of its batch", () => {
  const unlabelled = { lsuv, normaliseChannels, weightNormInit, calibrateBias };
  const labelled = { krahenbuhl, metaInit, gradInit, gradientQuotient, firstStepLoss };

  test.each(Object.entries(unlabelled))(
    "%s goes without targets, to the same end",
    async (_, f) => {
      const [one, other] = [await create(chain(3, 9)), await create(chain(3, 9))];
      const reports = f(one, { inputs: data.inputs, targets: data.targets });
      expect(f(other, { inputs: data.inputs })).toEqual(reports);
      expect(bits(other)).toEqual(bits(one));
    },
  );

  test.each(Object.entries(labelled))("%s says that it wants targets", async (name, f) => {
    const net = await create(chain(2, 5));
    const call = f as (net: Network, batch?: unknown) => unknown;
    expect(() => call(net, { inputs: data.inputs })).toThrow(
      new TypeError(
        `${name}: batch: expected { inputs, targets }, targets an array of numbers, got undefined`,
      ),
    );
  });

  test.each(Object.entries({ ...unlabelled, ...labelled }))(
    "%s says what a batch is when it gets none",
    async (name, f) => {
      const net = await create(chain(2, 5));
      const call = f as (net: Network, batch?: unknown) => unknown;
      for (const none of [undefined, null, {}, { inputs: 5 }, { inputs: undefined }]) {
        expect(() => call(net, none)).toThrow(TypeError);
        expect(() => call(net, none)).toThrow(`${name}: batch: expected { inputs`);
      }
    },
  );
});

describe("shrinkPerturb", () => {
  const big = () => create(sequential(dense(200, { activation: "relu" }), dense(3)));

  test("shrinks every weight and adds noise of the given deviation", async () => {
    const net = await big();
    const before = net.weights("dense/kernel");
    shrinkPerturb(net, { shrink: 0.4, noise: 0.1, seed: 7 });
    const added = net.weights("dense/kernel").map((w, i) => w - 0.4 * before[i]!);
    const { mean, variance } = moments(added);
    const n = added.length;
    expect(Math.abs(mean)).toBeLessThan((4 * 0.1) / Math.sqrt(n));
    expect(Math.abs(variance / 0.01 - 1)).toBeLessThan(4 * Math.sqrt(2 / n));
    expect(net.weights("dense/bias").some((b) => b !== 0)).toBe(true);
  });

  test("what a network draws is what it would begin with, and it keeps its values", async () => {
    const net = await big();
    const kept = bits(net);
    for (const scheme of ["he_normal", "orthogonal"]) {
      const other = await create(sequential(dense(200, { kernelInitializer: scheme }), dense(3)), {
        seed: 5,
      });
      const drawn = other.draw("dense/kernel", scheme, 6);
      other.initialise(6);
      expect(drawn).toEqual(other.weights("dense/kernel"));
    }
    net.draw("dense/kernel", "normal:std=1");
    expect(bits(net)).toEqual(kept);
    expect(net.explain()[0]!.why.by).toBe("layer");
  });

  test("the seed decides what is added; without noise it only shrinks", async () => {
    const nets = await Promise.all([big(), big(), big()]);
    shrinkPerturb(nets[0]!, { shrink: 1, noise: 0.1, seed: 7 });
    shrinkPerturb(nets[1]!, { shrink: 1, noise: 0.1, seed: 7 });
    shrinkPerturb(nets[2]!, { shrink: 1, noise: 0.1, seed: 8 });
    expect(bits(nets[0]!)).toEqual(bits(nets[1]!));
    expect(bits(nets[0]!)).not.toEqual(bits(nets[2]!));
    const net = await big();
    const before = net.weights("dense/kernel");
    shrinkPerturb(net, { shrink: 0.5, noise: 0 });
    expect(net.weights("dense/kernel")).toEqual(before.map((w) => 0.5 * w));
  });

  test("refuses what is no share and no deviation, and changes nothing", async () => {
    const net = await big();
    const before = bits(net);
    expect(() => shrinkPerturb(net, { shrink: 1.5, noise: 0 })).toThrow("shrinkPerturb: shrink");
    expect(() => shrinkPerturb(net, { shrink: 1, noise: -1 })).toThrow("shrinkPerturb: noise");
    expect(bits(net)).toEqual(before);
  });
});
