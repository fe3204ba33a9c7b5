import { expect, test } from "vitest";
import type { Outcome } from "../../src/lab/run.ts";
import { measureScheme } from "../../src/lab/scheme.ts";
import type { CompareConfig, Run } from "../../src/lab/types.ts";
import { CONFIG, fakeOutcome, fakeRun, learnt, STALLED, TEN } from "./fakes.ts";

/** Measures a scheme against a response by rate and seed, and lists the runs it asked for. */
async function measure(
  respond: (rate: number, seed: number) => Run | Outcome | undefined,
  config: Partial<CompareConfig> = {},
) {
  const asked: string[] = [];
  const result = await measureScheme({
    scheme: "he_normal",
    config: { ...CONFIG, ...config },
    chance: TEN,
    run: async (learningRate, seed) => {
      asked.push(`${learningRate}/${seed}`);
      const response = respond(learningRate, seed);
      if (response === undefined || "signals" in response) return response;
      return fakeOutcome({ ...response, learningRate, seed });
    },
  });
  return { result: result!, asked };
}

const GRID = ["0.001/1", "0.003/1", "0.01/1", "0.03/1", "0.1/1"];

test("the first seed finds the region, all seeds run in it", async () => {
  const { result, asked } = await measure((rate, seed) =>
    learnt(rate === 0.003 ? 0.9 + seed / 100 : 0.7),
  );
  const others = ["0.003/2", "0.003/3", "0.001/2", "0.001/3", "0.01/2", "0.01/3"];
  expect(asked).toEqual([...GRID, ...others]);
  expect(result.learningRate).toBe(0.003);
  expect(result.runs.map(({ seed }) => seed)).toEqual([1, 2, 3]);
  expect(result.trainAccuracy).toBeCloseTo(0.92, 12);
  expect(result.trials.map((trial) => trial.learningRate)).toEqual([0.001, 0.003, 0.01, 0.03, 0.1]);
  expect(result.trials[1]!.trainAccuracy).toBeCloseTo(0.92, 12); // the median of three
  expect(result.trials[3]!.trainAccuracy).toBeCloseTo(0.7, 12); // of one
});

test("what fails with the first seed at every rate is run with the others at one", async () => {
  const { asked } = await measure(() => STALLED);
  const others = asked.filter((run) => !run.endsWith("/1"));
  expect(others).toHaveLength(2);
  expect(new Set(others.map((run) => run.split("/")[0])).size).toBe(1);
});

test("a given rate is not searched", async () => {
  const { result, asked } = await measure(() => STALLED, { learningRate: 0.05 });
  expect(asked).toEqual(["0.05/1", "0.05/2", "0.05/3"]);
  expect(result.trials).toHaveLength(1);
  expect(result.state).toBe("stalled");
});

test("a rate that suits only the first seed gives way to its neighbour", async () => {
  const { result } = await measure((rate, seed) => {
    if (rate === 0.01) return seed === 1 ? learnt(0.95) : STALLED;
    return learnt(rate === 0.003 ? 0.9 : 0.7);
  });
  expect(result.learningRate).toBe(0.003);
  expect(result.trainAccuracy).toBeCloseTo(0.9, 12);
  expect(result.trials[2]!.state).toBe("stalled"); // 0.01: what most seeds found
});

test("rates that only the first seed failed at are climbed to, one after the other", async () => {
  const { result } = await measure((rate, seed) => {
    if (seed === 1) return learnt(rate === 0.001 ? 0.8 : 0.3);
    return learnt(rate === 0.01 ? 0.95 : rate === 0.003 ? 0.9 : 0.7);
  });
  expect(result.learningRate).toBe(0.01);
  expect(result.trials.find((trial) => trial.learningRate === 0.03)!.trainAccuracy).toBeCloseTo(
    0.7,
  );
});

test("a scheme that was stopped before all its seeds keeps the runs that were done, and is not complete", async () => {
  const inSearch = await measure((rate) => (rate === 0.03 ? undefined : learnt(0.9)));
  expect(inSearch.result).toMatchObject({
    complete: false,
    trials: { length: 4 },
    runs: { length: 1 },
  });
  const inSeeds = await measure((_, seed) => (seed === 3 ? undefined : learnt(0.9)));
  expect(inSeeds.result).toMatchObject({ complete: false, runs: { length: 2 } });
  expect(inSeeds.result.explanation).toMatch(/; stopped before its search was done$/);
  const atOnce = await measure(() => undefined);
  expect(atOnce.result).toBeUndefined();
});

test("stopped while it climbs, it keeps the best rate so far", async () => {
  const { result } = await measure((rate, seed) => {
    if (seed === 1) return learnt(rate === 0.003 ? 0.9 : 0.7);
    return rate === 0.003 ? learnt(0.8) : undefined;
  });
  expect(result.learningRate).toBe(0.003);
  expect(result.runs).toHaveLength(3);
});

test("signals are means over the seeds, null where one is not finite", async () => {
  const { result } = await measure((rate, seed) =>
    fakeOutcome(fakeRun(rate === 0.01 ? 0.9 : 0.5, 1, { seed, learningRate: rate }), {
      signals: {
        forward: [seed, seed === 2 ? Infinity : 1],
        gradient: [seed * seed, Number.NaN],
        unitsAreEqual: false,
      },
    }),
  );
  expect(result.forward).toEqual([2, null]);
  expect(result.gradient[0]).toBeCloseTo(14 / 3, 12);
  expect(result.gradient[1]).toBeNull();
});
