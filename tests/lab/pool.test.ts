import { execFileSync } from "node:child_process";
import { afterEach, describe, expect, test } from "vitest";
import type { Executor } from "../../src/lab/executor.ts";
import { workerPool } from "../../src/lab/pool.node.ts";
import type { Setup } from "../../src/lab/run.ts";
import type { Comparison } from "../../src/lab/types.ts";
import { blobs } from "../support/data.ts";
import { CONFIG } from "./fakes.ts";

const script = new URL("./fake-worker.mjs", import.meta.url);
const never = new AbortController().signal;
const open: Executor[] = [];

function pool(workers: number): Executor {
  const died = new Int32Array(new SharedArrayBuffer(4));
  const config = { ...CONFIG, died } as Setup["config"];
  const data = blobs(20, 4, 2);
  const executor = workerPool({ config, train: data, test: data }, { workers, script });
  open.push(executor);
  return executor;
}

const job = (scheme: string, seed = 1) => ({ scheme, learningRate: 0.5, seed });

afterEach(async () => {
  await Promise.all(open.splice(0).map((executor) => executor.close()));
});

describe("a pool of workers", () => {
  test("answers each run with its own outcome, in any order, one after the other on a worker", async () => {
    const executor = pool(2);
    expect(executor.slots).toBe(2);
    for (let round = 0; round < 3; round++) {
      const seeds = [2 * round, 2 * round + 1];
      const outcomes = await Promise.all(
        seeds.map((seed) => executor.run(job("runs", seed), never)),
      );
      expect(outcomes.map((outcome) => outcome!.run.seed)).toEqual(seeds);
    }
  });

  test("shares the data instead of copying it", async () => {
    const outcome = await pool(1).run(job("runs"), never);
    const { inputs } = outcome!.run as unknown as { inputs: Float32Array };
    expect(inputs.buffer).toBeInstanceOf(SharedArrayBuffer);
    expect(inputs).toEqual(blobs(20, 4, 2).inputs);
  });

  test("gives the run of a worker that died to a new one", async () => {
    const outcome = await pool(1).run(job("dies once", 7), never);
    expect(outcome!.run.seed).toBe(7);
  });

  test("gives up on a run that kills two workers, and names it", async () => {
    const executor = pool(1);
    await expect(executor.run(job("dies", 7), never)).rejects.toThrow(
      "two workers died on dies at rate 0.5 with seed 7: it ended with code 3",
    );
    await expect(executor.run(job("throws out of turn"), never)).rejects.toThrow("out of turn");
    expect((await executor.run(job("runs", 8), never))!.run.seed).toBe(8); // and goes on
  });

  test("survives a worker that dies between two runs", async () => {
    const executor = pool(1);
    await executor.run(job("dies afterwards", 1), never);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect((await executor.run(job("runs", 2), never))!.run.seed).toBe(2);
  });

  test("passes on the error of a run, with its kind, and does not repeat it", async () => {
    const pending = pool(1).run(job("fails"), never);
    await expect(pending).rejects.toThrow(new RangeError("compare: no"));
  });

  test("stops a run under way", async () => {
    const controller = new AbortController();
    const pending = pool(1).run(job("waits"), controller.signal);
    setTimeout(() => controller.abort(), 50);
    expect(await pending).toBeUndefined();
  });

  test("refuses a number of workers that is none", () => {
    expect(() => pool(0)).toThrow("workers must be a whole number of at least 1, got 0");
    expect(() => pool(1.5)).toThrow(RangeError);
  });
});

test("a comparison on two workers is the one of this thread, to the last bit", () => {
  const lines = execFileSync(process.execPath, ["tests/lab/compare-run.mjs"], { encoding: "utf8" });
  const [inThread, onWorkers] = lines.trim().split("\n");
  expect(onWorkers).toBe(inThread);
  const { schemes, complete } = JSON.parse(inThread!) as Comparison;
  expect(complete).toBe(true);
  const [he, zeros, normal] = schemes.map(({ trainAccuracy }) => trainAccuracy);
  expect(he).toBeGreaterThan(0.8);
  expect(zeros).toBeLessThan(0.15);
  expect(normal).toBeLessThan(he!);
});
