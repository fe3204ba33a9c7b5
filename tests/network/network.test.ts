import { describe, expect, test } from "vitest";
import type { Dataset } from "../../src/data/index.ts";
import { dense, dropout, input, residual, sequential } from "../../src/layers/index.ts";
import { meanSquaredError } from "../../src/losses/index.ts";
import type { FitOptions, Tick } from "../../src/network/fit.ts";
import type { NetworkOptions } from "../../src/network/network.ts";
import { Network } from "../../src/network/network.ts";
import { floatsOf, readSafetensors, writeSafetensors } from "../../src/network/safetensors.ts";
import { adam, cosineDecay, momentum, sgd } from "../../src/optim/index.ts";
import { blobs, linear } from "../support/data.ts";

const data = blobs(100, 6, 3);
const body = sequential(dense(16, { activation: "relu" }), dropout(0.2), dense(3));

function create(options: Partial<NetworkOptions> = {}): Promise<Network> {
  return Network.create({ input: [6], body, seed: 1, variant: "simd", ...options });
}

async function train(net: Network, options: FitOptions, dataset = data): Promise<Tick> {
  let last: Tick | undefined;
  for await (const tick of net.fit(dataset, options)) last = tick;
  return last!;
}

const bits = (net: Network) => net.parameters.map(({ name }) => [...net.weights(name)]);

describe("reproducibility", () => {
  test("the same seed gives the same bits, twice; another seed does not", async () => {
    const options = { epochs: 3, batchSize: 16 };
    const [a, b, c] = [await create(), await create(), await create({ seed: 2 })];
    for (const net of [a, b, c]) await train(net, options);
    expect(bits(a)).toEqual(bits(b));
    expect(bits(a)).not.toEqual(bits(c));
  });

  test("the length of the calls into the core does not matter", async () => {
    const [a, b] = [await create(), await create()];
    await train(a, { steps: 30, batchSize: 16, tickMilliseconds: 0 });
    await train(b, { steps: 30, batchSize: 16, tickMilliseconds: 1000 });
    expect(bits(a)).toEqual(bits(b));
  });

  test("two fits of 10 and 23 steps, across epochs, are one of 33", async () => {
    const [a, b] = [await create(), await create()];
    await train(a, { steps: 33, batchSize: 16 });
    await train(b, { steps: 10, batchSize: 16 });
    await train(b, { steps: 23, batchSize: 16 });
    expect(bits(a)).toEqual(bits(b));
  });

  test("evaluating, predicting and probing in between change nothing", async () => {
    const [a, b] = [await create(), await create()];
    await train(a, { steps: 20, batchSize: 16 });
    await train(b, { steps: 10, batchSize: 16 });
    b.evaluate(data);
    b.predict(data.inputs);
    b.probe(data.inputs, data.targets);
    b.summary();
    await train(b, { steps: 10, batchSize: 16 });
    expect(bits(a)).toEqual(bits(b));
  });

  test("appending a layer, or inserting one of another kind, leaves the other layers' initial weights", async () => {
    const hidden = () => dense(6, { activation: "relu" });
    const plain = await create({ body: sequential(hidden(), hidden(), dense(6)) });
    const longer = await create({ body: sequential(hidden(), hidden(), dense(6), dense(6)) });
    const mixed = await create({ body: sequential(hidden(), dropout(0.5), hidden(), dense(6)) });
    for (const name of ["dense/kernel", "dense_1/kernel", "dense_2/kernel"]) {
      expect(longer.weights(name)).toEqual(plain.weights(name));
      expect(mixed.weights(name)).toEqual(plain.weights(name));
    }
    expect(plain.weights("dense/kernel")).not.toEqual(plain.weights("dense_1/kernel"));
  });

  test("a layer with a name can be inserted anywhere and leaves the other layers' initial weights", async () => {
    const hidden = () => dense(6, { activation: "relu" });
    const plain = await create({ body: sequential(hidden(), hidden(), hidden()) });
    for (const at of [0, 1, 2, 3]) {
      const layers = [hidden(), hidden(), hidden()];
      layers.splice(at, 0, dense(6, { name: "extra" }));
      const longer = await create({ body: sequential(...layers) });
      for (const { name } of plain.parameters) {
        expect(longer.weights(name)).toEqual(plain.weights(name));
      }
    }
  });

  test("a named layer keeps its weights wherever it stands", async () => {
    const named = dense(6, { name: "body" });
    const a = await create({ body: sequential(named, dense(6)) });
    const b = await create({ body: sequential(dense(6), dense(6), named) });
    expect(a.weights("body/kernel")).toEqual(b.weights("body/kernel"));
  });

  test("initialise draws the first weights again and forgets the optimiser", async () => {
    const net = await create();
    const first = bits(net);
    await train(net, { epochs: 1 });
    const trained = bits(net);
    net.initialise();
    expect(bits(net)).toEqual(first);
    await train(net, { epochs: 1 });
    expect(bits(net)).toEqual(trained);
  });
});

describe("fit", () => {
  test("learns separable blobs, and regression on a line", async () => {
    const net = await create({ optimizer: adam({ learningRate: 0.01 }) });
    const { state } = await train(net, { epochs: 30, batchSize: 16 });
    expect(state).toBe("completed");
    expect(net.evaluate(data).accuracy).toBeGreaterThan(0.95);

    const line = linear(200, 6, 2);
    const regression = await create({
      body: dense(2),
      loss: meanSquaredError(),
      optimizer: sgd({ learningRate: 0.3 }),
    });
    await train(regression, { epochs: 60, batchSize: 20 }, line);
    // The noise is uniform in [0, 0.01): its mean is learnt, its variance 0.01^2 / 12 remains.
    expect(regression.evaluate(line).loss).toBeLessThan(0.01 ** 2);
  });

  test("an epoch visits every row once, its last batch being smaller", async () => {
    // With one-hot rows and a zero network, the summed gradient of an epoch tells which rows were seen.
    const rows = 11;
    const oneHot = {
      ...{ name: "one-hot", rows, shape: [rows], classes: 2, targetWidth: 1 },
      inputs: Float32Array.from({ length: rows * rows }, (_, i) => (i % (rows + 1) === 0 ? 1 : 0)),
      targets: new Int32Array(rows),
    };
    const net = await create({
      input: [rows],
      body: dense(2, { kernelInitializer: "zeros", useBias: false }),
      optimizer: sgd({ learningRate: 1 }),
    });
    const last = await train(net, { epochs: 1, batchSize: 4 }, oneHot);
    expect(last.steps).toBe(3);
    // Row i moves w[i, 0] by +0.5 / batch: batches of 4, 4 and 3.
    const moved = [...net.weights("dense/kernel")].filter((_, i) => i % 2 === 0).sort();
    expect(moved.filter((x) => Math.abs(x - 0.5 / 4) < 1e-6).length).toBe(8);
    expect(moved.filter((x) => Math.abs(x - 0.5 / 3) < 1e-6).length).toBe(3);
  });

  test("without shuffling the rows come in order: the same as steps on slices", async () => {
    const plain = sequential(dense(8, { activation: "tanh" }), dense(3));
    const options = { body: plain, optimizer: momentum({ learningRate: 0.05 }) };
    const [a, b] = [await create(options), await create(options)];
    await train(a, { epochs: 1, batchSize: 32, shuffle: false });
    for (let row = 0; row < 100; row += 32) {
      b.trainStep(
        data.inputs.subarray(row * 6, (row + 32) * 6),
        data.targets.subarray(row, row + 32),
      );
    }
    expect(bits(a)).toEqual(bits(b));
  });

  test("ticks carry every step's loss once, in order, and the mean over their rows", async () => {
    const net = await create();
    let steps = 0;
    for await (const tick of net.fit(data, { epochs: 5, batchSize: 10, tickMilliseconds: 0 })) {
      expect(tick.losses.length).toBe(tick.step - steps);
      steps = tick.step;
      const mean = tick.losses.reduce((a, b) => a + b, 0) / tick.losses.length;
      expect(tick.loss).toBeCloseTo(mean, 5);
      expect(tick.metrics.accuracy).toBeGreaterThanOrEqual(0);
      expect(tick.epoch).toBe(Math.ceil(tick.step / 10));
    }
    expect(steps).toBe(50);
  });

  test("no loss is lost, however many steps a tick takes", async () => {
    const net = await create();
    const steps = 10_000; // more than the core's ring of 4096 holds
    let losses = 0;
    for await (const tick of net.fit(data, { steps, batchSize: 50, tickMilliseconds: 1e9 })) {
      losses += tick.losses.length;
    }
    expect(losses).toBe(steps);
  });

  /** Trains with gradients that count visits: zero weights, one-hot rows, a rate that undoes the division by the batch. */
  async function visits(run: (net: Network, rows: Dataset) => Promise<void>): Promise<number[]> {
    const rows = 12;
    const oneHot = {
      ...{ name: "one-hot", rows, shape: [rows], classes: 2, targetWidth: 1 },
      inputs: Float32Array.from({ length: rows * rows }, (_, i) => (i % (rows + 1) === 0 ? 1 : 0)),
      targets: new Int32Array(rows),
    };
    const net = await create({
      input: [rows],
      body: dense(2, { kernelInitializer: "zeros", useBias: false }),
      // Tiny, so that the softmax stays at 1/2: each visit in a batch of 4 moves w[i, 0] by rate / 2 / 4.
      optimizer: sgd({ learningRate: 8e-6 }),
    });
    await run(net, oneHot);
    return [...net.weights("dense/kernel")]
      .filter((_, i) => i % 2 === 0)
      .map((w) => Math.round(w / 1e-6));
  }

  test("other data, another batch size and single steps in between leave every epoch whole", async () => {
    const counts = await visits(async (net, rows) => {
      const other = { ...rows, inputs: new Float32Array(12 * 12) }; // zeros: no gradient
      await train(net, { steps: 2, batchSize: 5 }, other);
      await train(net, { steps: 2, batchSize: 4 }, rows);
      net.trainStep(other.inputs.subarray(0, 12), [0]);
      await train(net, { steps: 1, batchSize: 4 }, rows);
      await train(net, { epochs: 1, batchSize: 4 }, rows);
    });
    expect(counts).toEqual(new Array(12).fill(2));
  });

  test("a second fit waits for the first: it throws when iterated, and the first is not disturbed", async () => {
    const [a, b] = [await create(), await create()];
    const small = blobs(10, 6, 3, 5);
    let first = true;
    for await (const _ of a.fit(data, { epochs: 5, batchSize: 16, tickMilliseconds: 0 })) {
      if (first)
        await expect(a.fit(small, { batchSize: 3 }).next()).rejects.toThrow("in another fit");
      first = false;
    }
    await train(b, { epochs: 5, batchSize: 16 });
    expect(bits(a)).toEqual(bits(b));
  });

  test("a loop that is left frees the network for the next fit", async () => {
    const net = await create();
    for await (const _ of net.fit(data, { epochs: 5, tickMilliseconds: 0 })) break;
    expect((await train(net, { epochs: 1 })).state).toBe("completed");
  });

  test("validates at the end of each epoch", async () => {
    const net = await create();
    const validations: number[] = [];
    for await (const { validation, epoch } of net.fit(data, { epochs: 3, validation: data })) {
      if (validation) validations.push(epoch);
    }
    expect(validations).toEqual([1, 2, 3]);
  });

  test("an abort ends it between two calls, with what was done", async () => {
    const net = await create();
    const controller = new AbortController();
    let last: Tick | undefined;
    for await (const tick of net.fit(data, {
      epochs: 1e6,
      signal: controller.signal,
      tickMilliseconds: 1,
    })) {
      last = tick;
      controller.abort();
    }
    expect(last?.state).toBe("aborted");
    expect(net.step).toBe(last?.step);
    expect(net.step).toBeGreaterThan(0);
  });

  test("the schedule runs on the core's clock", async () => {
    const schedule = cosineDecay(20, { warmup: 5 });
    const net = await create({ optimizer: sgd({ learningRate: 0.4, schedule }) });
    await train(net, { steps: 3, batchSize: 10 });
    const warming = await train(net, { steps: 1, batchSize: 10 });
    expect(warming.learningRate).toBeCloseTo((0.4 * 4) / 5, 6);
    const half = await train(net, { steps: 12, batchSize: 10 });
    expect(half.learningRate).toBeCloseTo(0.2, 6);
  });

  test("epochs, steps and batch sizes that are no counts are refused", async () => {
    const net = await create();
    expect(() => net.fit(data, { epochs: 0 })).toThrow("fit: epochs must be a whole number");
    expect(() => net.fit(data, { steps: 1.5 })).toThrow("got 1.5");
    expect(() => net.fit(data, { batchSize: -1 })).toThrow("batchSize");
    expect(() => net.fit(data, { epochs: 1, steps: 1 })).toThrow("not both");
    expect(() => net.fit(data, { tickMilliseconds: Number.NaN })).toThrow("tickMilliseconds");
  });

  test("data that do not fit the network are refused with both shapes", async () => {
    const net = await create();
    expect(() => net.fit(blobs(10, 5, 3))).toThrow(
      "[5], 5 numbers, but the network's input takes 6",
    );
    expect(() => net.fit(blobs(10, 6, 4))).toThrow("4 classes, but the network has 3 outputs");
    expect(() => net.fit(linear(10, 6, 3))).toThrow("wants a class for each row");
    expect(() => net.fit(data, { validation: blobs(10, 5, 3) })).toThrow(
      "the network's input takes 6",
    );
  });
});

describe("divergence", () => {
  test("names the step, layer and tensor where the first number overflowed, and leaves the weights finite", async () => {
    const wild = { activation: "relu", kernelInitializer: "normal:std=1e15" } as const;
    const net = await create({
      body: sequential(dense(16, wild), dense(16, wild), dense(16, wild), dense(3)),
    });
    const before = bits(net);
    const { state, divergence } = await train(net, { steps: 10 });
    expect(state).toBe("diverged");
    expect(divergence).toMatchObject({ step: 0, layer: "dense_2", tensor: "preactivation" });
    expect(Number.isFinite(divergence!.value)).toBe(false);
    expect(bits(net)).toEqual(before);
  });

  test("an update that overflows is caught in its own step", async () => {
    const plain = sequential(dense(16, { activation: "relu" }), dense(3));
    const net = await create({ body: plain, optimizer: sgd({ learningRate: 3e38 }) });
    const { state, divergence } = await train(net, { steps: 50 });
    expect(state).toBe("diverged");
    expect(divergence!.step).toBeLessThan(3);
    expect(divergence!.layer).toMatch(/^dense/);
  });

  test("a loss that overflows from finite outputs is reported as what it is", async () => {
    const net = await create({ body: dense(1), loss: meanSquaredError() });
    const { divergence } = net.trainStep(new Float32Array(6), [3e30]);
    expect(divergence).toEqual({
      step: 0,
      layer: "loss",
      tensor: "loss",
      value: Number.POSITIVE_INFINITY,
    });
  });

  test("a NaN weight is found where it is", async () => {
    const net = await create();
    const weights = net.weights("dense_1/kernel");
    weights[5] = Number.NaN;
    net.setWeights("dense_1/kernel", weights);
    const { divergence } = net.trainStep(data.inputs, data.targets);
    expect(divergence).toMatchObject({ layer: "dense_1", tensor: "kernel", value: Number.NaN });
  });

  test("training can go on after the cause is mended", async () => {
    const net = await create();
    const good = net.weights("dense/bias");
    net.setWeights(
      "dense/bias",
      good.map(() => Number.POSITIVE_INFINITY),
    );
    expect((await train(net, { steps: 5 })).state).toBe("diverged");
    net.setWeights("dense/bias", good);
    expect((await train(net, { steps: 5 })).state).toBe("completed");
  });
});

describe("predict and evaluate", () => {
  test("any number of rows gives the rows' own outputs", async () => {
    const net = await create();
    const all = net.predict(data.inputs);
    for (const rows of [1, 7, 99]) {
      expect(net.predict(data.inputs.subarray(0, rows * 6))).toEqual(all.subarray(0, rows * 3));
    }
    expect(net.predict([])).toEqual(new Float32Array(0));
    const many = new Float32Array(6 * 1000);
    for (let i = 0; i < many.length; i++) many[i] = data.inputs[i % data.inputs.length]!;
    expect(net.predict(many).subarray(900 * 3)).toEqual(all);
  });

  test("evaluation equals the loss computed from the outputs", async () => {
    const net = await create();
    const y = net.predict(data.inputs);
    let loss = 0;
    let right = 0;
    data.targets.forEach((label, row) => {
      const logits = [...y.subarray(row * 3, row * 3 + 3)];
      const top = Math.max(...logits);
      loss +=
        Math.log(logits.reduce((sum, x) => sum + Math.exp(x - top), 0)) + top - logits[label]!;
      if (logits.indexOf(top) === label) right++;
    });
    const metrics = net.evaluate(data);
    expect(metrics.loss).toBeCloseTo(loss / 100, 6);
    expect(metrics.accuracy).toBe(right / 100);
  });

  test("inputs and labels that do not fit are refused", async () => {
    const net = await create();
    expect(() => net.predict([1, 2, 3])).toThrow("expected rows of 6 numbers");
    expect(() => net.trainStep(data.inputs, [0])).toThrow(
      "expected 100 numbers for 100 rows, got 1",
    );
    expect(() => net.trainStep(data.inputs.subarray(0, 6), [3])).toThrow(
      "row 0: expected a class from 0 to 2, got 3",
    );
  });
});

describe("a network", () => {
  test("takes its input shape from an input layer", async () => {
    const loss = meanSquaredError();
    const net = await Network.create({ body: sequential(input([2, 3]), dense(4)), loss });
    expect(net.outputShape).toEqual([2, 4]);
  });

  test("without an input shape says so", async () => {
    await expect(Network.create({ body: dense(3) })).rejects.toThrow("begins with input(shape)");
  });

  test("refuses widths that are no counts, and parameters that no memory holds", async () => {
    expect(() => dense(0)).toThrow("dense: units must be a whole number of at least 1, got 0");
    await expect(create({ body: dense(1e12) })).rejects.toThrow(/at most \d+ fit; use fewer units/);
    await expect(create({ body: dense(3), maximumBytes: 65536 })).rejects.toThrow(/MiB/);
  });

  test("refuses two layers of one name, and a residual whose shapes differ", async () => {
    const twice = sequential(dense(6, { name: "a" }), dense(3, { name: "a" }));
    await expect(create({ body: twice })).rejects.toThrow('two layers are called "a"');
    await expect(create({ body: residual(dense(5)) })).rejects.toThrow(
      "residual: cannot add tensors of different shapes, [6] and [5]",
    );
  });

  test("explains every parameter: the measurement agrees with the theory", async () => {
    const net = await create({
      input: [400],
      body: sequential(dense(300, { activation: "relu" }), dense(3)),
    });
    const [kernel, bias] = net.explain();
    expect(kernel).toMatchObject({
      name: "dense/kernel",
      scheme: "he_normal",
      fanIn: 400,
      fanOut: 300,
    });
    expect(kernel!.theory.std).toBeCloseTo(Math.sqrt(2 / 400), 10);
    // 5 sigma of the standard deviation of n normal numbers: 5 / sqrt(2 n).
    expect(Math.abs(kernel!.measured.std / kernel!.theory.std - 1)).toBeLessThan(
      5 / Math.sqrt(2 * 120_000),
    );
    expect(bias!.measured).toEqual({ mean: 0, std: 0, min: 0, max: 0 });
  });

  test("summarises layers, parameters and memory", async () => {
    const text = (await create()).summary();
    expect(text).toContain("dense/kernel    6 x 16");
    expect(text).toContain("163 parameters");
  });

  test("comes back from its file bit for bit, and trains on the same", async () => {
    const net = await create({ optimizer: adam({ learningRate: 0.01, clipNorm: 1 }) });
    await train(net, { epochs: 2 });
    const copy = await Network.load(net.save({ metadata: { note: "two epochs" } }), {
      variant: "simd",
    });
    expect(bits(copy)).toEqual(bits(net));
    expect(copy.metadata.get("note")).toBe("two epochs");
    expect(copy.predict(data.inputs)).toEqual(net.predict(data.inputs));
    expect(copy.recipe.optimizer).toMatchObject({ kind: "adam", learningRate: 0.01, clipNorm: 1 });
  });

  test("a learning rate that was set is saved, and initialise puts the first one back", async () => {
    const net = await create({ optimizer: sgd({ learningRate: 0.1 }) });
    net.learningRate = 0.025;
    expect(net.learningRate).toBe(0.025);
    expect((await Network.load(net.save())).learningRate).toBe(0.025);
    const before = bits(net);
    net.trainStep(data.inputs, data.targets);
    const slow = net.weights("dense_1/kernel")[0]! - before[2]![0]!;
    net.initialise();
    expect(net.learningRate).toBe(0.1);
    net.trainStep(data.inputs, data.targets);
    const fast = net.weights("dense_1/kernel")[0]! - before[2]![0]!;
    expect(fast / slow).toBeCloseTo(4, 2);
  });

  test.each([
    ["an unknown optimiser", '"kind":"adam"', '"kind":"constructor"', 'there is no "constructor"'],
    [
      "an unknown schedule",
      '"kind":"cosine"',
      '"kind":"cosign"',
      "expected constant, step or cosine",
    ],
    ["an unknown option", '"beta1":0.9', '"beta9":0.9', "adam: there is no option"],
    ["a number in quotes", '"beta1":0.9', '"beta1":"1"', "beta1 must be at least 0 and below 1"],
    ["a doubled key", '"seed":1', '"seed":0,"seed":1', "not as headstart writes it"],
    [
      "no activation",
      '"activation":{"name":"linear","alpha":0}',
      '"activation":null',
      "not as headstart writes it",
    ],
  ])("a file whose description has %s is refused", async (_, from, to, message) => {
    const schedule = cosineDecay(10);
    const net = await create({ optimizer: adam({ schedule }) });
    const file = readSafetensors(net.save());
    const description = file.metadata.get("headstart")!;
    expect(description).toContain(from);
    const tensors = [...file.tensors].map(([name, t]) => {
      return [name, { shape: t.shape, data: floatsOf(t, name) }] as const;
    });
    const changed = writeSafetensors(
      tensors,
      new Map([["headstart", description.replace(from, to)]]),
    );
    await expect(Network.load(changed)).rejects.toThrow(message);
  });

  test("batches of every size take memory in proportion to the largest", async () => {
    const net = await create();
    for (let rows = 1; rows <= 100; rows++) {
      net.trainStep(data.inputs.subarray(0, rows * 6), data.targets.subarray(0, rows));
    }
    const grown = net.core.arena.used;
    const once = await create();
    once.trainStep(data.inputs, data.targets);
    // Doubling loses at most as much again; each plan adds its own words.
    expect(grown).toBeLessThan(3 * once.core.arena.used + 100 * 1500);
  });

  test("a file of another network is refused with the tensor's name", async () => {
    const file = (await create()).save();
    const text = new TextDecoder("latin1").decode(file).replaceAll("dense_1/bias", "dense_9/bias");
    const renamed = Uint8Array.from(text, (c) => c.charCodeAt(0));
    await expect(Network.load(renamed)).rejects.toThrow('there is no tensor "dense_1/bias"');
  });
});
