import { describe, expect, test } from "vitest";
import { compare, compareOn } from "../../src/lab/compare.ts";
import type { Executor } from "../../src/lab/executor.ts";
import type { Outcome } from "../../src/lab/run.ts";
import type {
  CompareConfig,
  CompareData,
  CompareProgress,
  Comparison,
} from "../../src/lab/types.ts";
import { blobs } from "../support/data.ts";
import { random } from "../support/random.ts";
import { CONFIG, fakeOutcome, learnt, STALLED } from "./fakes.ts";

const train = blobs(200, 8, 4, 1);
const data: CompareData = { train, test: blobs(60, 8, 4, 1), sha256: "0" };
const config: CompareConfig = { ...CONFIG, schemes: ["he_normal", "zeros", "orthogonal"] };

const wait = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Answers by scheme, rate and seed alone, after a random time. Counts how many runs there are at a time. */
function fakeExecutor(slots: number, timing = 1) {
  const next = random(timing);
  const seen = { now: 0, most: 0, started: 0 };
  const executor: Executor = {
    slots,
    async run({ scheme, learningRate, seed }, signal) {
      seen.started++;
      seen.now++;
      seen.most = Math.max(seen.most, seen.now);
      await wait(3 * next());
      seen.now--;
      if (signal.aborted) return undefined;
      return respond(scheme, learningRate, seed);
    },
    close: async () => {},
  };
  return { executor, seen };
}

function respond(scheme: string, learningRate: number, seed: number): Outcome {
  const distance = Math.abs(Math.log10(learningRate / (scheme === "orthogonal" ? 0.3 : 0.003)));
  const run = scheme === "zeros" ? STALLED : learnt(0.95 - 0.2 * distance + 0.001 * seed);
  return fakeOutcome({ ...run, learningRate, seed });
}

const withoutSeconds = ({ seconds, ...rest }: Comparison) => rest;

describe("scheduling", () => {
  test("the result does not depend on how many runs there are at a time, nor on which ends first", async () => {
    const results: unknown[] = [];
    for (const [slots, timing] of [
      [1, 1],
      [2, 2],
      [2, 3],
      [7, 4],
    ] as const) {
      const { executor, seen } = fakeExecutor(slots, timing);
      results.push(withoutSeconds(await compareOn(executor, config, data)));
      expect(seen.most).toBe(slots);
    }
    for (const result of results) expect(result).toEqual(results[0]);
    const { schemes } = results[0] as Comparison;
    expect(schemes.map(({ scheme }) => scheme)).toEqual(config.schemes);
    expect(schemes.map(({ learningRate }) => learningRate)).toEqual([0.003, 1e-4, 0.3]);
    // All rates were equally useless to zeros: then it is the lowest.
  });

  test("progress counts every run once, from a start to an end", async () => {
    const { executor, seen } = fakeExecutor(3);
    const events: CompareProgress[] = [];
    await compareOn(executor, config, data, { onProgress: (event) => events.push(event) });
    const ends = events.filter(({ run }) => run !== undefined);
    expect(ends.map(({ done }) => done)).toEqual(ends.map((_, i) => i + 1));
    expect(events.length).toBe(2 * ends.length);
    expect(ends.length).toBe(seen.started);
    expect(ends.at(-1)).toMatchObject({ done: seen.started, total: seen.started });
    expect(events[0]!.total).toBe(3 * (5 + 2)); // the grid, and two more seeds at the winner
    for (const [i, { total, done }] of events.entries()) {
      expect(total).toBeGreaterThanOrEqual(events[i - 1]?.total ?? 0);
      expect(done).toBeLessThanOrEqual(total);
    }
    const key = ({ scheme, learningRate, seed }: CompareProgress) =>
      `${scheme} ${learningRate} ${seed}`;
    expect(new Set(ends.map(key)).size).toBe(ends.length);
    for (const end of ends) {
      const start = events.findIndex((event) => key(event) === key(end));
      expect(start).toBeLessThan(events.indexOf(end));
    }
  });

  test("an abort keeps the runs that are done, and says which schemes are not finished", async () => {
    const { executor, seen } = fakeExecutor(1);
    const controller = new AbortController();
    const isFixed = { ...config, learningRate: 0.01 };
    const result = await compareOn(executor, isFixed, data, {
      signal: controller.signal,
      onProgress: ({ done, run }) => {
        if (run !== undefined && done === 5) controller.abort();
      },
    });
    expect(result.complete).toBe(false);
    expect(
      result.schemes.map(({ scheme, complete, runs }) => [scheme, complete, runs.length]),
    ).toEqual([
      ["he_normal", true, 3],
      ["zeros", false, 2],
    ]);
    expect(seen.started).toBe(5);
  });

  test("an abort before the start runs nothing", async () => {
    const { executor, seen } = fakeExecutor(2);
    const result = await compareOn(executor, config, data, { signal: AbortSignal.abort() });
    expect([result.complete, result.schemes, seen.started]).toEqual([false, [], 0]);
  });

  test("a run that throws ends the comparison with its error, and no other starts", async () => {
    const { executor, seen } = fakeExecutor(2);
    const failing: Executor = {
      ...executor,
      run: (job, signal) =>
        job.scheme === "zeros"
          ? Promise.reject(new RangeError("no memory"))
          : executor.run(job, signal),
    };
    await expect(compareOn(failing, config, data)).rejects.toThrow(new RangeError("no memory"));
    const before = seen.started;
    await wait(20);
    expect(seen.started).toBe(before);
  });
});

describe("a small comparison in this thread", () => {
  const small: CompareConfig = {
    ...config,
    schemes: ["kaiming_normal", "zeros"],
    steps: 60,
    batchSize: 50,
    seeds: [1, 2],
  };
  const result = compare(small, data, { workers: 1 });

  test("He learns and zeros does not", async () => {
    const { schemes, complete } = await result;
    const [he, zeros] = schemes as [Comparison["schemes"][0], Comparison["schemes"][0]];
    expect(complete).toBe(true);
    expect([he.scheme, he.state, zeros.state]).toEqual(["he_normal", "completed", "stalled"]);
    expect(he.trainAccuracy).toBeGreaterThan(0.95);
    expect(he.stepsTo90).toBeGreaterThanOrEqual(10);
    expect(zeros.trainAccuracy).toBe(0.25);
    expect(zeros.trainLoss! / Math.log(4)).toBeCloseTo(1, 2);
    expect(zeros.stepsTo90).toBeNull();
    expect(he.explanation).toMatch(/^he_normal: the signal .* 3 relu layers\); trained to /);
    expect(zeros.explanation).toMatch(/^zeros: every hidden unit gives 0 .*ln 4 at any rate from/);
  });

  test("its document is plain data: what was asked for, on which data, with which core", async () => {
    const comparison = await result;
    expect(JSON.parse(JSON.stringify(comparison))).toEqual(comparison);
    expect(comparison.config).toEqual({ ...small, schemes: ["he_normal", "zeros"] });
    expect(comparison.data).toEqual({
      ...{ name: "blobs", sha256: "0", trainRows: 200, testRows: 60, classes: 4 },
    });
    expect(comparison.core.variant).toBe("simd");
    for (const { runs, forward, gradient } of comparison.schemes) {
      expect(runs.map(({ seed }) => seed)).toEqual([1, 2]);
      expect([forward.length, gradient.length]).toEqual([4, 4]);
      for (const { losses } of runs) expect(losses).toHaveLength(60);
    }
  });

  test("the same comparison gives the same bits", async () => {
    const again = await compare(small, data, { workers: 1 });
    expect(withoutSeconds(again)).toEqual(withoutSeconds(await result));
  });

  test("a scheme's result does not depend on what it is compared with", async () => {
    const alone = await compare({ ...small, schemes: ["zeros"] }, data, { workers: 1 });
    expect(alone.schemes[0]).toEqual((await result).schemes[1]);
  });

  test("what diverges says where, and its numbers are null", async () => {
    const wild = { ...small, schemes: ["normal:std=30"], learningRate: 1e6 };
    const { schemes } = await compare(wild, data, { workers: 1 });
    const [{ state, trainLoss, runs, explanation }] = schemes as [Comparison["schemes"][0]];
    expect([state, trainLoss]).toEqual(["diverged", null]);
    expect(runs[0]!.divergence).toMatchObject({ layer: expect.stringMatching(/dense|loss/) });
    expect(runs[0]!.losses.at(-1)).toBeNull();
    expect(explanation).toContain("diverged at rate 1000000 (first not finite: ");
  });

  test("an abort stops a run between two calls into the core", async () => {
    const controller = new AbortController();
    const endless = { ...small, steps: 100_000_000, learningRate: 0.01 };
    const pending = compare(endless, data, { workers: 1, signal: controller.signal });
    setTimeout(() => controller.abort(), 200);
    const { complete, schemes } = await pending;
    expect([complete, schemes]).toEqual([false, []]);
  });

  test("a network without hidden layers can be compared", async () => {
    const shallow = { ...small, depth: 1, learningRate: 0.1, schemes: ["zeros"] };
    const { schemes } = await compare(shallow, data, { workers: 1 });
    expect(schemes[0]!.trainAccuracy).toBeGreaterThan(0.95);
    expect(schemes[0]!.explanation).toMatch(/^zeros: trained to /);
  });
});

describe("what cannot be compared is refused before any run", () => {
  const wrong: [string, Partial<CompareConfig>, string][] = [
    ["width 0", { width: 0 }, "compare: width must be a whole number of at least 1, got 0"],
    ["half a layer", { depth: 1.5 }, "compare: depth"],
    ["no steps", { steps: 0 }, "compare: steps"],
    ["an unknown scheme", { schemes: ["he_norm"] }, "he_norm"],
    ["an unknown option", { schemes: ["he_normal:gain=2"] }, "gain"],
    ["a wrong value", { schemes: ["uniform:low=1,high=0"] }, "uniform: low must be below high"],
    ["no scheme", { schemes: [] }, "at least one scheme"],
    ["a scheme twice", { schemes: ["he_normal", "zeros", "kaiming_normal"] }, "the same scheme"],
    ["an unknown activation", { activation: "rely" as "relu" }, "rely"],
    ["an unknown optimiser", { optimizer: "adm" as "adam" }, 'no optimizer "adm"'],
    ["a negative rate", { learningRate: -1 }, "learningRate"],
    ["no seed", { seeds: [] }, "seeds"],
    ["a seed twice", { seeds: [1, 2, 1] }, "seed 1 is given twice"],
  ];
  test.each(wrong)("%s", async (_, change, message) => {
    const started: unknown[] = [];
    const onProgress = (event: unknown) => started.push(event);
    const pending = compare({ ...config, ...change }, data, { workers: 1, onProgress });
    await expect(pending).rejects.toThrow(message);
    await expect(pending).rejects.toBeInstanceOf(RangeError);
    expect(started).toEqual([]);
  });

  test("targets that are numbers", async () => {
    const numbers = { ...train, targets: new Float32Array(200), classes: 0 };
    const pending = compare(config, { ...data, train: numbers }, { workers: 1 });
    await expect(pending).rejects.toThrow(TypeError);
  });

  test("a test part of another shape", async () => {
    const pending = compare(config, { ...data, test: blobs(10, 9, 4) }, { workers: 1 });
    await expect(pending).rejects.toThrow("the train and test parts differ");
  });

  test("a network that no memory holds, before any worker starts", async () => {
    const pending = compare({ ...config, width: 1e12 }, data, { workers: 2 });
    await expect(pending).rejects.toBeInstanceOf(RangeError);
  });
});
