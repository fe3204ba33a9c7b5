import { stripVTControlCharacters } from "node:util";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { EpochSums } from "../../src/cli/epoch-sums.ts";
import { Output } from "../../src/cli/output.ts";
import { Curve, eta, fitPieces, Progress, secondsLeft } from "../../src/cli/progress.ts";
import { thin } from "../../src/cli/train-report.ts";
import { capture } from "../support/streams.ts";

describe("fitPieces", () => {
  const pieces = [
    { text: "epoch 1/20", rank: 0 },
    { text: "\u001b[36m━━━━\u001b[39m", rank: 5 },
    { text: "", rank: 9 },
    { text: "loss 1.2", rank: 0 },
    { text: "ETA 3 s", rank: 1 },
  ];

  test("leaves pieces out in the order of their ranks, and no others", () => {
    const shown = (width: number) => stripVTControlCharacters(fitPieces(pieces, width));
    expect(shown(80)).toBe("epoch 1/20  ━━━━  loss 1.2  ETA 3 s");
    expect(shown(35)).toBe("epoch 1/20  ━━━━  loss 1.2  ETA 3 s"); // colour takes no room
    expect(shown(34)).toBe("epoch 1/20  loss 1.2  ETA 3 s");
    expect(shown(25)).toBe("epoch 1/20  loss 1.2");
  });
});

test("the time left is the time taken, times what remains over what is done", () => {
  expect(secondsLeft(25, 100, 10)).toBe(30);
  expect(eta(25, 100, 10)).toBe("ETA 30 s");
  expect(eta(0, 100, 10)).toBe("");
  expect(eta(100, 100, 10)).toBe("");
});

describe("Curve", () => {
  test("keeps the shape of any number of values in few points", () => {
    const curve = new Curve(16);
    for (let i = 0; i < 100_000; i++) curve.add(i);
    const spark = curve.spark(8);
    expect([...spark].length).toBeLessThanOrEqual(8);
    expect([...spark]).toEqual([...spark].sort());
    expect(spark.startsWith("▁")).toBe(true);
    expect(spark.endsWith("█")).toBe(true);
  });
});

describe("EpochSums", () => {
  test("weighs batches by their rows, the last one being smaller", () => {
    const sums = new EpochSums(10, 4);
    sums.add(1, 1);
    sums.add(2, 0.5);
    sums.add(3, 0);
    expect(sums.rows).toBe(10);
    expect(sums.take()).toEqual({ loss: (4 + 8 + 6) / 10, accuracy: (4 + 2) / 10 });
    expect(sums.rows).toBe(0);
  });

  test("a batch larger than the data has as many rows as there are", () => {
    const sums = new EpochSums(10, 100);
    sums.add(1.5, 0.2);
    expect(sums.rows).toBe(10);
    expect(sums.take()).toEqual({ loss: 1.5, accuracy: 0.2 });
  });
});

test("thin keeps the first and the last, in order, and never more than asked", () => {
  const items = Array.from({ length: 137 }, (_, i) => i);
  const kept = thin(items, 10);
  expect(kept).toHaveLength(10);
  expect(kept[0]).toBe(0);
  expect(kept.at(-1)).toBe(136);
  expect(new Set(kept).size).toBe(10);
  expect(thin([1, 2], 10)).toEqual([1, 2]);
});

describe("Progress", () => {
  beforeEach(() => {
    vi.stubEnv("TERM", "xterm");
  });
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  const pieces = () => [{ text: "epoch 1", rank: 0 }];

  test("redraws one line on a terminal, and gives it back with its cursor", () => {
    const streams = capture({}, 80);
    const progress = new Progress(new Output(streams));
    progress.update(pieces);
    progress.update(() => [{ text: "epoch 2", rank: 0 }]);
    progress.stop();
    const { text } = streams.err;
    expect(text).toContain("epoch 1");
    expect(text).not.toContain("epoch 2\n\n");
    expect(text.lastIndexOf("\u001b[?25h")).toBeGreaterThan(text.lastIndexOf("\u001b[?25l"));
    expect(streams.out.text).toBe("");
  });

  test("does not draw off a terminal until seconds have passed, and then writes no escapes", async () => {
    const streams = capture();
    const progress = new Progress(new Output(streams));
    progress.update(pieces, true);
    expect(streams.err.text).toBe("");
    await new Promise((resolve) => setTimeout(resolve, 1050));
    progress.update(pieces, true);
    progress.update(pieces, true);
    progress.stop();
    expect(streams.err.text).toBe("epoch 1\n");
  });

  test("says nothing when quiet", () => {
    const streams = capture({}, 80);
    const progress = new Progress(new Output(streams, { quiet: true }));
    progress.update(pieces, true);
    progress.stop();
    expect(streams.err.text).toBe("");
  });
});
