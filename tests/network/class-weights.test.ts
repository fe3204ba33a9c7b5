import { describe, expect, test } from "vitest";
import { balancedWeights, createDataset } from "../../src/data/index.ts";
import { dense, flatten, sequential } from "../../src/layers/index.ts";
import { binaryCrossEntropy, softmaxCrossEntropy } from "../../src/losses/index.ts";
import type { FitOptions } from "../../src/network/fit.ts";
import { Network } from "../../src/network/network.ts";
import { random } from "../support/random.ts";

const next = random(5);
const body = sequential(dense(7, { activation: "tanh" }), dense(3));
const rows = 30;
const inputs = Float32Array.from({ length: rows * 4 }, () => next() - 0.5);
const labels = Int32Array.from({ length: rows }, (_, i) =>
  i % 10 === 0 ? 2 : i % 3 === 0 ? 1 : 0,
);
const rare = createDataset({
  ...{ name: "rare", rows, shape: [4], inputs },
  ...{ targets: labels, classes: 3 },
});

describe("class weights", () => {
  test("the loss is the mean of the weighted losses, and whole weights are repeated rows", async () => {
    const weights = [1, 2, 4];
    const [weighted, plain] = await Promise.all([
      Network.create({ input: [4], body, loss: softmaxCrossEntropy({ classWeights: weights }) }),
      Network.create({ input: [4], body }),
    ]);
    const repeated = [...labels].flatMap((label, i) => new Array<number>(weights[label]!).fill(i));
    const copies = Float32Array.from(
      repeated.flatMap((i) => [...inputs.subarray(4 * i, 4 * i + 4)]),
    );
    const a = weighted.lossAndGradient(inputs, labels);
    const b = plain.lossAndGradient(
      copies,
      repeated.map((i) => labels[i]!),
    );
    // The mean is over 30 rows in one and over the copies in the other.
    const ratio = repeated.length / rows;
    expect(a.loss).toBeCloseTo(b.loss * ratio, 5);
    for (const { name } of plain.parameters) {
      const [x, y] = [weighted.gradient(name), plain.gradient(name)];
      x.forEach((value, i) => {
        expect(value).toBeCloseTo(y[i]! * ratio, 5);
      });
    }
    expect(weighted.evaluate(rare).loss).toBeCloseTo(a.loss, 5);
  });

  test("of two classes and one logit", async () => {
    const one = sequential(dense(5, { activation: "tanh" }), dense(1));
    const make = (classWeights?: readonly number[]) =>
      Network.create({
        input: [4],
        body: one,
        loss: binaryCrossEntropy(classWeights === undefined ? {} : { classWeights }),
      });
    const [weighted, plain] = [await make([0, 3]), await make()];
    const targets = [...labels].map((label) => (label > 0 ? 1 : 0));
    const ones = targets.flatMap((t, i) => (t === 1 ? [i] : []));
    const a = weighted.lossAndGradient(inputs, targets);
    const b = plain.lossAndGradient(
      ones.flatMap((i) => [...inputs.subarray(4 * i, 4 * i + 4)]),
      ones.map(() => 1),
    );
    expect(a.loss).toBeCloseTo((3 * b.loss * ones.length) / rows, 5);
  });

  test("balanced weights have a mean of 1 over the rows, and each class the same share", () => {
    const weights = balancedWeights(rare);
    const shares = [0, 0, 0];
    for (const label of labels) shares[label]! += weights[label]! / rows;
    for (const share of shares) expect(share).toBeCloseTo(1 / 3, 12);
  });

  test("they are saved with the network", async () => {
    const loss = softmaxCrossEntropy({ classWeights: [1, 0.25, 4] });
    const net = await Network.create({ input: [4], body, loss });
    const loaded = await Network.load(net.save());
    expect(loaded.recipe.loss.config).toEqual({ labelSmoothing: 0, classWeights: [1, 0.25, 4] });
    expect(loaded.evaluate(rare)).toEqual(net.evaluate(rare));
  });

  test("wrong ones are refused", async () => {
    expect(() => softmaxCrossEntropy({ classWeights: [1, -1] })).toThrow(/got -1 for class 1/);
    const loss = softmaxCrossEntropy({ classWeights: [1, 1] });
    const net = await Network.create({ input: [4], body, loss });
    expect(() => net.evaluate(rare)).toThrow(/expected 3 classWeights.*got 2/);
  });
});

describe("augmentation", () => {
  const images = createDataset({
    ...{ name: "images", rows: 37, shape: [6, 5, 2], classes: 3 },
    inputs: Float32Array.from({ length: 37 * 60 }, () => next() - 0.5),
    targets: Int32Array.from({ length: 37 }, (_, i) => i % 3),
  });
  const flat = async (threads = 1): Promise<Network> => {
    return Network.create({
      input: [6, 5, 2],
      body: sequential(flatten(), dense(40, { activation: "relu" }), dense(3)),
      ...{ seed: 3, variant: "simd", threads },
    });
  };
  const run = async (net: Network, options: FitOptions) => {
    for await (const _ of net.fit(images, options));
    return Buffer.from(net.checkpoint()).toString("base64");
  };

  test("gives the same bits on any number of threads and after resuming, and others than none", async () => {
    const options = { steps: 20, batchSize: 8, augment: { flip: true, shift: 2 } };
    const whole = await run(await flat(), options);
    expect(await run(await flat(2), options)).toBe(whole);
    const { augment: _, ...plain } = options;
    expect(await run(await flat(), plain)).not.toBe(whole);
    let bytes: Uint8Array | undefined;
    const save = (now: Uint8Array) => {
      bytes ??= now;
    };
    const net = await flat();
    for await (const _ of net.fit(images, { ...options, checkpoint: { save, everySteps: 7 } })) {
      if (bytes !== undefined) break;
    }
    const resumed = await Network.restore(bytes!);
    expect(() => resumed.fit(images, { augment: { shift: 1 } })).toThrow(/expected augment/);
    expect(await run(resumed, {})).toBe(whole);
  });

  test("evaluation sees images as they are, and a shift of nothing changes nothing", async () => {
    const net = await flat();
    const before = net.evaluate(images);
    await run(net, { steps: 1, batchSize: 8, augment: { flip: true, shift: 1 } });
    net.initialise();
    expect(net.evaluate(images)).toEqual(before);
    const weights = async (options: FitOptions) => {
      const net = await flat();
      await run(net, { steps: 10, batchSize: 8, ...options });
      return net.weights("dense/kernel");
    };
    expect(await weights({ augment: {} })).toEqual(await weights({}));
  });

  test("is refused for what is no image", async () => {
    const net = await Network.create({ input: [4], body });
    expect(() => net.fit(rare, { augment: { flip: true } })).toThrow(/wants images of shape/);
    const other = await flat();
    expect(() => other.fit(images, { augment: { shift: 5 } })).toThrow(/below 5, got 5/);
  });
});
