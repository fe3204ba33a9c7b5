import { describe, expect, test } from "vitest";
import { dense, sequential } from "../../src/layers/index.ts";
import { Network } from "../../src/network/network.ts";
import type { StreamBatch } from "../../src/network/stream.ts";
import { adam, sgd } from "../../src/optim/index.ts";
import { blobs } from "../support/data.ts";

const data = blobs(100, 6, 3);
const body = sequential(dense(16, { activation: "relu" }), dense(3));
const create = () =>
  Network.create({ input: [6], body, seed: 1, variant: "simd", optimizer: adam() });
const bits = (net: Network) => net.parameters.map(({ name }) => [...net.weights(name)]);

/** Batches of 16, again and again, in one pair of arrays that the next batch overwrites. */
async function* stream(epochs: number, log: string[] = []): AsyncGenerator<StreamBatch> {
  const inputs = new Float32Array(16 * 6);
  const targets = new Int32Array(16);
  try {
    for (let epoch = 0; epoch < epochs; epoch++) {
      for (let row = 0; row < 100; row += 16) {
        const rows = Math.min(16, 100 - row);
        await null;
        inputs.set(data.inputs.subarray(row * 6, (row + rows) * 6));
        targets.set(data.targets.subarray(row, row + rows));
        log.push(`batch ${epoch}/${row}`);
        yield { inputs: inputs.subarray(0, rows * 6), targets: targets.subarray(0, rows) };
      }
    }
  } finally {
    log.push("closed");
  }
}

describe("fit of a stream", () => {
  test("has the bits of a fit without shuffling over the same rows", async () => {
    const [a, b] = [await create(), await create()];
    for await (const _ of a.fit(data, { epochs: 3, batchSize: 16, shuffle: false }));
    let losses = 0;
    let last: unknown;
    for await (const tick of b.fit(stream(3), { tickMilliseconds: 0, validation: data })) {
      losses += tick.losses.length;
      last = tick;
    }
    expect(last).toMatchObject({ state: "completed", step: 21, validation: a.evaluate(data) });
    expect(losses).toBe(21);
    expect(bits(b)).toEqual(bits(a));
  });

  test("ends after `steps`, on an abort and on leaving the loop, and closes the stream", async () => {
    for (const how of ["steps", "abort", "break"]) {
      const net = await create();
      const log: string[] = [];
      const controller = new AbortController();
      const options = {
        tickMilliseconds: 0,
        signal: controller.signal,
        ...(how === "steps" ? { steps: 5 } : {}),
      };
      let state = "";
      for await (const tick of net.fit(stream(1e6, log), options)) {
        state = tick.state;
        if (how === "abort" && tick.step >= 5) controller.abort();
        if (how === "break" && tick.step >= 5) break;
      }
      expect(state).toBe({ steps: "completed", abort: "aborted", break: "running" }[how]);
      expect(net.step).toBe(5);
      expect(log.at(-1)).toBe("closed");
      expect(log.length).toBeLessThanOrEqual(8);
      for await (const _ of net.fit(data)); // and the network can go on
    }
  });

  test("asks for the next batch before the core works on the one that it has", async () => {
    const net = await create();
    let asked = 0;
    const steps: number[] = [];
    const batch = { inputs: data.inputs, targets: data.targets };
    const iterable: AsyncIterable<StreamBatch> = {
      [Symbol.asyncIterator]: () => ({
        next: async () => {
          steps.push(net.step);
          return asked++ < 4 ? { value: batch, done: false } : { value: undefined, done: true };
        },
      }),
    };
    for await (const _ of net.fit(iterable));
    expect(steps).toEqual([0, 0, 1, 2, 3]);
  });

  test("a stream that fails, or does not fit, fails the fit", async () => {
    const net = await create();
    async function* broken(): AsyncGenerator<StreamBatch> {
      yield { inputs: data.inputs, targets: data.targets };
      throw new Error("the disk is gone");
    }
    const all = async (batches: AsyncIterable<StreamBatch>) => {
      for await (const _ of net.fit(batches));
    };
    await expect(all(broken())).rejects.toThrow("the disk is gone");
    async function* wrong(): AsyncGenerator<StreamBatch> {
      yield { inputs: [1, 2, 3], targets: [0] };
    }
    await expect(all(wrong())).rejects.toThrow(/expected rows of 6 numbers/);
    expect(() => net.fit(stream(1), { epochs: 2 } as object)).toThrow(
      /there is no option "epochs"/,
    );
  });

  test("says where it diverged", async () => {
    const net = await Network.create({
      ...{ input: [6], body, seed: 1 },
      optimizer: sgd({ learningRate: 1e30 }),
    });
    let last: { state: string; divergence?: unknown } | undefined;
    for await (const tick of net.fit(stream(10))) last = tick;
    expect(last?.state).toBe("diverged");
    // As steps on the same rows say it, although the arrays hold another batch by then.
    const twin = await Network.create({
      ...{ input: [6], body, seed: 1 },
      optimizer: sgd({ learningRate: 1e30 }),
    });
    let expected: unknown;
    for (let row = 0; expected === undefined; row += 16) {
      const [inputs, targets] = [
        data.inputs.slice(row * 6, row * 6 + 96),
        data.targets.slice(row, row + 16),
      ];
      expected = twin.trainStep(inputs, targets).divergence;
    }
    expect(last?.divergence).toEqual(expected);
  });
});
