import { afterAll, describe, expect, test } from "vitest";
import type { Variant } from "../../src/core/variants.ts";
import { isSupported } from "../../src/core/variants.ts";
import type { Dataset } from "../../src/data/dataset.ts";
import type { Loss, NetworkOptions } from "../../src/index.ts";
import {
  adam,
  binaryCrossEntropy,
  dense,
  dropout,
  huber,
  meanAbsoluteError,
  meanSquaredError,
  momentum,
  prelu,
  rmsprop,
  scale,
  sequential,
  softmaxCrossEntropy,
  WorkerLostError,
} from "../../src/index.ts";
import { Network } from "../../src/network/network.ts";
import { random } from "../support/random.ts";
import { everybody } from "../support/threads.ts";

const ROWS = 150;
const COLS = 131;

function dataset(loss: Loss, outputs: number): Dataset {
  const next = random(3);
  const isClasses = loss.targets === "classes";
  return {
    name: "noise",
    shape: [COLS],
    rows: ROWS,
    inputs: Float32Array.from({ length: ROWS * COLS }, () => next() - 0.5),
    targets: isClasses
      ? Int32Array.from({ length: ROWS }, () => Math.floor(next() * outputs))
      : Float32Array.from({ length: ROWS * outputs }, () => Math.round(next())),
    classes: isClasses ? outputs : 0,
    targetWidth: isClasses ? 1 : outputs,
  } as Dataset;
}

/** Odd sizes, and every kind of instruction that is divided in a way of its own. */
const BODY = sequential(
  dense(203, { activation: "relu" }),
  prelu({ perChannel: true }),
  dropout(0.1),
  dense(97, { activation: "gelu" }),
  scale({ perChannel: true }),
  prelu(),
  scale(),
  dense(11),
);

async function trained(threads: number, options: Partial<NetworkOptions>): Promise<string[]> {
  const loss = options.loss ?? softmaxCrossEntropy();
  const net = await Network.create({
    input: [COLS],
    body: BODY,
    seed: 7,
    ...options,
    loss,
    threads,
  });
  expect(net.core.threads.count).toBe(threads);
  await everybody(net.core);
  const data = dataset(loss, 11);
  // 150 rows in batches of 64: full and partial ones; validation runs plans of another kind.
  for await (const tick of net.fit(data, { steps: 7, batchSize: 64, validation: data })) {
    expect(tick.state).not.toBe("diverged");
  }
  const all = net.parameters.map(({ name }) => new Uint32Array(net.weights(name).buffer).join());
  return [...all, new Uint32Array(net.predict(data.inputs).buffer).join()];
}

const VARIANTS: readonly Variant[] = (await isSupported("relaxed"))
  ? ["simd", "relaxed"]
  : ["simd"];

describe.each(VARIANTS)("the bits of a trained network on %s", (variant) => {
  test.each<[string, Partial<NetworkOptions>]>([
    ["adam, clipping, cross-entropy", { optimizer: adam({ clipNorm: 0.5 }) }],
    ["momentum, mean squared error", { optimizer: momentum(), loss: meanSquaredError() }],
    ["rmsprop, huber", { optimizer: rmsprop(), loss: huber() }],
    ["adam, mean absolute error", { loss: meanAbsoluteError() }],
    ["adam, binary cross-entropy", { loss: binaryCrossEntropy() }],
  ])("are those of one thread on 2, 3, 4 and 8: %s", async (_, options) => {
    const one = await trained(1, { variant, ...options });
    for (const threads of [2, 3, 4, 8]) {
      expect(await trained(threads, { variant, ...options }), `${threads} threads`).toEqual(one);
    }
  });
});

describe("networks with threads", () => {
  const data = dataset(softmaxCrossEntropy(), 11);
  const inputs = data.inputs;
  const labels = data.targets as Int32Array;
  const create = (threads = 2) =>
    Network.create({ input: [COLS], body: BODY, variant: "simd", seed: 7, threads });

  test("several at once share the helpers, and each has its own result", async () => {
    const [alone, one, two] = [await create(1), await create(), await create()];
    await everybody(one.core);
    for (let i = 0; i < 6; i++) {
      alone.trainStep(inputs, labels);
      one.trainStep(inputs, labels);
      two.trainStep(inputs, labels);
      await new Promise((resolve) => setTimeout(resolve, i * 5));
    }
    const kernel = alone.weights("dense/kernel");
    expect(one.weights("dense/kernel")).toEqual(kernel);
    expect(two.weights("dense/kernel")).toEqual(kernel);
  });

  test("a step that meets a number that is not finite stops in all threads alike", async () => {
    const [alone, team] = [await create(1), await create(3)];
    await everybody(team.core);
    const spoilt = inputs.slice();
    spoilt[5] = Number.NaN;
    const [a, b] = [alone, team].map((net) => net.trainStep(spoilt, labels).divergence);
    expect(b).toEqual(a);
    expect(b).toBeDefined();
    expect(team.weights("dense/kernel")).toEqual(alone.weights("dense/kernel"));
    expect(team.step).toBe(0);
  });

  test("losing a worker throws, and leaves a network that goes on", async () => {
    const [alone, team] = [await create(1), await create(3)];
    for (let i = 0; i < 2; i++) alone.trainStep(inputs, labels);
    await everybody(team.core);
    team.trainStep(inputs, labels);
    while (team.core.threads.present < 3); // on their way back to being ready
    team.core.team!.patience = 100;
    team.core.team!.abandon(1);
    const lost = caught(() => team.trainStep(inputs, labels));
    expect(lost).toBeInstanceOf(WorkerLostError);
    expect(lost).toMatchObject({ step: 1, threads: 3, isWhole: true });
    expect((lost as Error).message).toMatch(
      /^step 1: thread \d of 3 was lost at .+; the parameters are those of the last/,
    );
    expect(team.core.threads.count).toBe(2);
    await everybody(team.core);
    team.trainStep(inputs, labels);
    expect(team.step).toBe(2);
    expect(team.weights("dense/kernel")).toEqual(alone.weights("dense/kernel"));
  });

  test("losing a worker ends a fit with the error, and the next fit works", async () => {
    const net = await create(2);
    await everybody(net.core);
    net.core.team!.patience = 100;
    const follow = async () => {
      for await (const _ of net.fit(data, { steps: 100_000, batchSize: 50, tickMilliseconds: 5 })) {
        // Wherever in a run that meets it; one that ends between two runs is replaced.
        if (net.core.threads.present === 2) net.core.team!.abandon(1);
      }
    };
    await expect(follow()).rejects.toBeInstanceOf(WorkerLostError);
    let last: unknown;
    for await (const tick of net.fit(data, { steps: 3, batchSize: 50 })) last = tick.state;
    expect(last).toBe("completed");
  });

  test("an update that was under way is said to be torn", async () => {
    const net = await create(2);
    await everybody(net.core);
    const { run } = net.core;
    const core = net.core as { run: typeof run };
    core.run = (program, state, steps) => {
      const { arena, enums } = net.core;
      const words = arena.i32(program.at, (program.end - program.at) / 4);
      let i = 0;
      while (words[i] !== enums.Op!.adam) i += words[i + 1]! & 0xffff;
      const adamAt = program.at + 4 * i;
      const { LostThread } = lostThread;
      void [state, steps];
      throw new LostThread({ thread: 1, threads: 2, waitedAt: adamAt + 48, seenAt: adamAt });
    };
    const lost = caught(() => net.trainStep(inputs, labels));
    expect(lost).toMatchObject({ instruction: "adam", isWhole: false });
  });
});

const lostThread = await import("../../src/core/team.ts");

function caught(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return undefined;
}

const began = performance.now();
afterAll(() => {
  // More threads than cores must not crawl: everything above is some seconds of work on one.
  expect(performance.now() - began).toBeLessThan(40_000);
});
