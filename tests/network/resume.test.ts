import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { Sha256 } from "../../src/core/sha256.ts";
import { take } from "../../src/data/index.ts";
import { dense, dropout, sequential } from "../../src/layers/index.ts";
import { meanSquaredError } from "../../src/losses/index.ts";
import { CheckpointError } from "../../src/network/checkpoint-error.ts";
import { checkpointFolder } from "../../src/network/checkpoint-folder.node.ts";
import type { FitOptions, Tick } from "../../src/network/fit.ts";
import type { NetworkOptions } from "../../src/network/network.ts";
import { Network } from "../../src/network/network.ts";
import { readTraining } from "../../src/network/training-file.ts";
import {
  adam,
  adamw,
  cosineDecay,
  momentum,
  nesterov,
  rmsprop,
  sgd,
  stepDecay,
} from "../../src/optim/index.ts";
import { blobs, linear } from "../support/data.ts";

const data = blobs(100, 6, 3);
const validation = blobs(40, 6, 3);
const body = sequential(dense(16, { activation: "relu" }), dropout(0.2), dense(3));
/** 100 rows in batches of 16: 7 steps an epoch, the last one of 4 rows. */
const BATCH = 16;

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) fs.rmSync(folder, { recursive: true, force: true });
});
function newFolder(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "headstart-checkpoints-"));
  folders.push(folder);
  return folder;
}

function create(options: Partial<NetworkOptions> = {}): Promise<Network> {
  return Network.create({ input: [6], body, seed: 1, variant: "simd", ...options });
}

async function run(net: Network, options: FitOptions, dataset = data): Promise<readonly Tick[]> {
  const ticks: Tick[] = [];
  for await (const tick of net.fit(dataset, options)) ticks.push(tick);
  return ticks;
}

/** Everything that a further step depends on, to the bit: a checkpoint between two fits. */
const bits = (net: Network) => Buffer.from(net.checkpoint()).toString("base64");
const lossesOf = (ticks: readonly Tick[]) => ticks.flatMap(({ losses }) => [...losses]);

/** Trains until `at` steps are done, and gives the checkpoint of that moment. */
async function interrupted(net: Network, options: FitOptions, at: number) {
  let kept: Uint8Array | undefined;
  const save = (bytes: Uint8Array) => {
    kept ??= bytes;
  };
  const ticks: Tick[] = [];
  for await (const tick of net.fit(data, { ...options, checkpoint: { save, everySteps: at } })) {
    ticks.push(tick);
    if (kept !== undefined) break;
  }
  return { bytes: kept!, ticks };
}

const OPTIMIZERS = {
  "sgd with decay and a step schedule": sgd({
    learningRate: 0.05,
    weightDecay: 0.01,
    schedule: stepDecay(9, { warmup: 4 }),
  }),
  "momentum with clipping": momentum({ learningRate: 0.05, clipNorm: 0.5 }),
  nesterov: nesterov({ learningRate: 0.02 }),
  rmsprop: rmsprop({ learningRate: 0.003 }),
  adam: adam({ learningRate: 0.01 }),
  "adamw with a cosine and warm-up": adamw({
    learningRate: 0.01,
    schedule: cosineDecay(30, { warmup: 5 }),
  }),
};

describe("a resumed fit has the bits of one that was never interrupted", () => {
  test.each(Object.entries(OPTIMIZERS))("%s, in mid-epoch with dropout", async (_, optimizer) => {
    const options = { steps: 33, batchSize: BATCH };
    const [whole, cut, cold] = [
      await create({ optimizer }),
      await create({ optimizer }),
      await create({ optimizer }),
    ];
    const all = lossesOf(await run(whole, options));
    const { bytes, ticks } = await interrupted(cut, options, 17);
    expect(cut.step).toBe(17);
    const resumed = await Network.restore(bytes);
    expect(resumed.core.variant).toBe("simd");
    const rest = await run(resumed, options);
    expect(rest.at(-1)).toMatchObject({ state: "completed", step: 33, steps: 33 });
    expect([...lossesOf(ticks), ...lossesOf(rest)]).toEqual(all);
    expect(bits(resumed)).toBe(bits(whole));
    // Weights alone are not enough: this is what a restart would give.
    for (const { name, data: values } of readTraining(bytes, "").parameters)
      cold.setWeights(name, values);
    await run(cold, { steps: 16, batchSize: BATCH });
    expect(bits(cold)).not.toBe(bits(whole));
  });

  test("whatever the step it is cut at, the ends of epochs included", async () => {
    const options = { epochs: 2, batchSize: BATCH };
    const whole = await create();
    await run(whole, options);
    for (let at = 1; at < 14; at++) {
      const { bytes } = await interrupted(await create(), options, at);
      const resumed = await Network.restore(bytes);
      await run(resumed, {}); // what is not given is as it was
      expect(bits(resumed), `cut at step ${at}`).toBe(bits(whole));
    }
  });

  test("without shuffling, with a rate of one's own, after a fit on other data", async () => {
    const options = { steps: 20, batchSize: 10, shuffle: false };
    const train = async (net: Network, cutAt?: number) => {
      await run(net, { steps: 5, batchSize: 8 }, validation);
      net.learningRate = 0.0123;
      if (cutAt === undefined) {
        await run(net, options);
        return net;
      }
      const { bytes } = await interrupted(net, options, cutAt);
      const resumed = await Network.restore(bytes);
      expect(resumed.learningRate).toBe(0.0123);
      await run(resumed, options);
      return resumed;
    };
    expect(bits(await train(await create(), 13))).toBe(bits(await train(await create())));
  });

  test("over two threads, resumed on one", async () => {
    const wide = sequential(dense(300, { activation: "relu" }), dropout(0.2), dense(3));
    const options = { steps: 20, batchSize: 64 };
    const whole = await create({ body: wide });
    await run(whole, options);
    const { bytes } = await interrupted(await create({ body: wide, threads: 2 }), options, 9);
    const resumed = await Network.restore(bytes, { threads: 1 });
    await run(resumed, options);
    expect(bits(resumed)).toBe(bits(whole));
  });

  test("with early stopping and the best weights, whose state goes along", async () => {
    const options: FitOptions = {
      epochs: 60,
      batchSize: BATCH,
      validation,
      earlyStopping: { patience: 3, minDelta: 1e-3 },
      restoreBest: true,
    };
    const optimizer = adam({ learningRate: 0.05 });
    const whole = await create({ optimizer });
    const ticks = await run(whole, options);
    const last = ticks.at(-1)!;
    expect(last.state).toBe("stopped");
    for (const at of [5, 14, last.step - 8, last.step - 7, last.step - 1]) {
      const { bytes } = await interrupted(await create({ optimizer }), options, at);
      const resumed = await Network.restore(bytes);
      const rest = await run(resumed, options);
      const { step, best } = rest.at(-1)!;
      expect({ step, best }, `cut at step ${at}`).toEqual({ step: last.step, best: last.best });
      expect(bits(resumed)).toBe(bits(whole));
    }
  });

  test("many times over, from checkpoints of checkpoints, and from an abort", async () => {
    const options = { steps: 40, batchSize: BATCH };
    const whole = await create();
    await run(whole, options);
    let net = await create();
    for (const at of [3, 6, 6, 20, 39]) {
      const controller = new AbortController();
      for await (const tick of net.fit(data, {
        ...options,
        signal: controller.signal,
        tickMilliseconds: 0,
      })) {
        if (tick.step >= at) controller.abort();
      }
      net = await Network.restore(net.checkpoint());
      net = await Network.restore(net.checkpoint()); // before it has run a step
    }
    await run(net, options);
    expect(bits(net)).toBe(bits(whole));
  });

  test("in the network that it was taken of, and in another one made alike", async () => {
    const options = { steps: 20, batchSize: BATCH };
    const net = await create();
    const { bytes } = await interrupted(net, options, 8);
    await run(net, { steps: 12, batchSize: BATCH });
    const whole = bits(net);
    net.resume(bytes);
    expect(net.step).toBe(8);
    await run(net, options);
    expect(bits(net)).toBe(whole);
    const other = await create();
    other.resume(bytes);
    await run(other, options);
    expect(bits(other)).toBe(whole);
  });
});

describe("early stopping", () => {
  test("ends after `patience` epochs without a gain of minDelta, and gives back the best weights", async () => {
    const net = await create({ optimizer: adam({ learningRate: 0.05 }) });
    const options = { epochs: 50, batchSize: BATCH, validation, restoreBest: true };
    const ticks = await run(net, { ...options, earlyStopping: { patience: 4, minDelta: 0.01 } });
    // By the definition, from the losses.
    const losses = ticks.flatMap((tick) => (tick.validation ? [tick.validation.loss] : []));
    let best = 0;
    let end = losses.length;
    for (let i = 1; i < losses.length; i++) {
      if (losses[i]! < losses[best]! - 0.01) best = i;
      else if (i - best === 4) end = Math.min(end, i + 1);
    }
    expect(losses.length).toBe(end);
    expect(end).toBeLessThan(50);
    expect(ticks.at(-1)).toMatchObject({
      state: "stopped",
      epoch: end,
      best: { value: losses[best]!, epoch: best + 1, step: 7 * (best + 1) },
    });
    expect(net.evaluate(validation).loss).toBe(losses[best]);
  });

  test("watches accuracy upwards, and without patience only keeps the best", async () => {
    const net = await create();
    const options = { epochs: 12, batchSize: BATCH, validation, restoreBest: true };
    const ticks = await run(net, {
      ...options,
      earlyStopping: { monitor: "accuracy", patience: Number.POSITIVE_INFINITY },
    });
    const accuracies = ticks.flatMap((t) => (t.validation ? [t.validation.accuracy!] : []));
    expect(ticks.at(-1)!.state).toBe("completed");
    expect(net.evaluate(validation).accuracy).toBe(Math.max(...accuracies));
  });

  test("refuses what cannot be", async () => {
    const net = await create();
    const regression = await create({ body: dense(2), loss: meanSquaredError() });
    const line = linear(20, 6, 2);
    expect(() => net.fit(data, { earlyStopping: {} })).toThrow(/needs validation data/);
    expect(() => net.fit(data, { restoreBest: true })).toThrow(/restoreBest needs validation/);
    expect(() => net.fit(data, { validation, earlyStopping: { patience: 0 } })).toThrow(
      /patience must be at least 1, got 0/,
    );
    expect(() =>
      regression.fit(line, { validation: line, earlyStopping: { monitor: "accuracy" } }),
    ).toThrow(/monitor must be loss, since this loss has no accuracy/);
    expect(() => net.fit(data, { checkpoint: { save() {}, everySteps: 0 } })).toThrow(
      /everySteps must be positive/,
    );
  });
});

describe("when checkpoints are taken", () => {
  test("every N steps exactly, and at the end", async () => {
    const at: number[] = [];
    const net = await create();
    const save = (bytes: Uint8Array) => {
      at.push(readTraining(bytes, "").state.step);
    };
    await run(net, { steps: 33, batchSize: BATCH, checkpoint: { save, everySteps: 10 } });
    expect(at).toEqual([10, 20, 30, 33]);
  });

  test("every N ticks; and the fit waits until one is saved", async () => {
    const net = await create();
    let saving = false;
    let saved = 0;
    const save = async () => {
      saving = true;
      await new Promise((resolve) => setTimeout(resolve, 5));
      saving = false;
      saved++;
    };
    let ticks = 0;
    const options = { steps: 30, batchSize: BATCH, tickMilliseconds: 0 };
    for await (const _ of net.fit(data, { ...options, checkpoint: { save, everyTicks: 3 } })) {
      expect(saving).toBe(false);
      ticks++;
    }
    expect(saved).toBe(Math.ceil(ticks / 3));
  });

  test("the network is saved as a model too, and metadata go along", async () => {
    const net = await create();
    await run(net, { steps: 5, batchSize: BATCH });
    const bytes = net.checkpoint({ metadata: { note: "after 5" } });
    const loaded = await Network.load(bytes);
    const restored = await Network.restore(bytes);
    for (const { name } of net.parameters) {
      expect(loaded.weights(name)).toEqual(net.weights(name));
      expect(restored.weights(name)).toEqual(net.weights(name));
    }
    expect([...loaded.metadata]).toEqual([["note", "after 5"]]);
    expect([...restored.metadata]).toEqual([["note", "after 5"]]);
    expect([loaded.step, restored.step]).toEqual([0, 5]);
    expect(() => net.checkpoint({ metadata: { "headstart.training.x": "" } })).toThrow(/is taken/);
  });
});

describe("what does not belong together is refused with a CheckpointError", () => {
  const codeOf = (error: unknown) => (error instanceof CheckpointError ? error.code : error);
  const thrown = (f: () => unknown): unknown => {
    try {
      f();
    } catch (error) {
      return codeOf(error);
    }
    return "nothing";
  };

  test("other data, batch size, order or too few steps", async () => {
    const options = { steps: 20, batchSize: BATCH };
    const { bytes } = await interrupted(await create(), options, 8);
    const net = await Network.restore(bytes);
    const changed = { ...data, inputs: data.inputs.slice() };
    changed.inputs[17]! += 1e-3;
    expect(thrown(() => net.fit(changed, options))).toBe("data");
    expect(thrown(() => net.fit(take(data, 99), options))).toBe("data");
    expect(thrown(() => net.fit(data, { ...options, batchSize: 8 }))).toBe("options");
    expect(thrown(() => net.fit(data, { ...options, shuffle: false }))).toBe("options");
    expect(thrown(() => net.fit(data, { batchSize: BATCH, steps: 7 }))).toBe("options");
    // The same numbers elsewhere in memory are the same data.
    expect((await run(net, options, { ...data, inputs: data.inputs.slice() })).at(-1)!.step).toBe(
      20,
    );
  });

  test("another network, by what differs", async () => {
    const bytes = (await create()).checkpoint();
    const other = sequential(dense(17, { activation: "relu" }), dropout(0.2), dense(3));
    const cases: readonly (readonly [Partial<NetworkOptions>, RegExp])[] = [
      [{ body: other }, /expected a network with body .*"units":16.*got .*"units":17/],
      [{ seed: 2 }, /expected a network with seed 1, got 2/],
      [{ optimizer: adam({ beta1: 0.8 }) }, /expected a network with optimizer/],
      [{ variant: "debug" }, /expected a network with the core simd, got debug/],
    ];
    for (const [options, message] of cases) {
      const net = await create(options);
      const before = bits(net);
      expect(() => net.resume(bytes)).toThrow(message);
      expect(thrown(() => net.resume(bytes))).toBe("network");
      expect(bits(net)).toBe(before);
    }
  });

  test("a file with any byte changed, or cut anywhere, is damaged", async () => {
    const bytes = (await create({ body: dense(3) })).checkpoint();
    for (let i = 0; i < bytes.length; i++) {
      const broken = bytes.slice();
      broken[i]! ^= 1 << (i % 8);
      expect(
        thrown(() => readTraining(broken, "file")),
        `byte ${i}`,
      ).toBe("damaged");
    }
    for (let length = 0; length < bytes.length; length += 7) {
      expect(thrown(() => readTraining(bytes.subarray(0, length), "file"))).toBe("damaged");
    }
    expect(codeOf(await Network.restore(bytes.subarray(1)).catch((error) => error))).toBe(
      "damaged",
    );
  });

  test("a model without the state of a training", async () => {
    const error = await Network.restore((await create()).save()).catch((e) => e);
    expect(codeOf(error)).toBe("damaged");
  });
});

describe("a folder of checkpoints", () => {
  test("keeps the last two, whole, and nothing else", async () => {
    const folder = path.join(newFolder(), "new", "folder");
    const store = checkpointFolder(folder);
    expect(await store.latest()).toBeUndefined();
    const net = await create();
    fs.mkdirSync(folder, { recursive: true });
    fs.writeFileSync(path.join(folder, "checkpoint-00000001.safetensors.77.partial"), "torn");
    fs.writeFileSync(path.join(folder, "notes.txt"), "mine");
    await run(net, {
      steps: 12,
      batchSize: BATCH,
      checkpoint: { save: saver(store), everySteps: 3 },
    });
    expect(fs.readdirSync(folder).sort()).toEqual([
      "checkpoint-00000003.safetensors",
      "checkpoint-00000004.safetensors",
      "notes.txt",
    ]);
    const stored = (await store.latest())!;
    expect(stored.damaged).toEqual([]);
    expect(readTraining(stored.bytes, stored.file).state.step).toBe(12);
  });

  test("falls back to the one before a damaged one, says so, and never prefers it again", async () => {
    const folder = newFolder();
    const store = checkpointFolder(folder);
    const net = await create();
    await run(net, {
      steps: 6,
      batchSize: BATCH,
      checkpoint: { save: saver(store), everySteps: 3 },
    });
    const newest = path.join(folder, "checkpoint-00000002.safetensors");
    fs.truncateSync(newest, 1000);
    const again = checkpointFolder(folder);
    const stored = (await again.latest())!;
    expect(readTraining(stored.bytes, "").state.step).toBe(3);
    expect(stored.damaged).toMatchObject([{ file: newest, reason: /expected the SHA-256/ }]);
    await again.save(net.checkpoint());
    expect(fs.readdirSync(folder).sort()).toEqual([
      "checkpoint-00000001.safetensors",
      "checkpoint-00000003.safetensors",
    ]);
    for (const name of fs.readdirSync(folder)) fs.writeFileSync(path.join(folder, name), "x");
    const error = await again.latest().catch((e) => e);
    expect(error).toBeInstanceOf(CheckpointError);
    expect(error.message).toMatch(/and 1 before it/);
  });

  test("a save that fails keeps what there was", async () => {
    const folder = newFolder();
    const store = checkpointFolder(folder);
    const net = await create();
    await store.save(net.checkpoint());
    // The next name is taken by a folder, so that the renaming fails.
    fs.mkdirSync(path.join(folder, "checkpoint-00000002.safetensors.d"));
    fs.mkdirSync(path.join(folder, `checkpoint-00000002.safetensors.${process.pid}.partial`));
    await expect(store.save(net.checkpoint())).rejects.toThrow();
    expect((await store.latest())!.file).toBe(path.join(folder, "checkpoint-00000001.safetensors"));
  });
});

const saver = (store: ReturnType<typeof checkpointFolder>) => async (bytes: Uint8Array) => {
  await store.save(bytes);
};

test("SHA-256 equals the engine's at every length around a block, in any pieces", () => {
  const bytes = Uint8Array.from({ length: 300 }, (_, i) => (i * 7919) >>> 3);
  for (let n = 0; n <= 200; n++) {
    const expected = createHash("sha256").update(bytes.subarray(0, n)).digest("hex");
    expect(new Sha256().update(bytes.subarray(0, n)).hex()).toBe(expected);
    const cut = (n * 13) % (n + 1);
    const pieces = new Sha256().update(bytes.subarray(0, cut)).update(bytes.subarray(cut, n));
    expect(pieces.hex()).toBe(expected);
  }
});
