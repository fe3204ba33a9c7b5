import { describe, expect, test } from "vitest";
import { peakCopy, peakFlops } from "../../src/cli/bench-peak.ts";
import { race } from "../../src/cli/bench-timer.ts";
import { EXIT } from "../../src/cli/exit.ts";
import { run } from "../../src/cli/program.ts";
import { capture } from "../support/streams.ts";

async function headstart(...argv: string[]) {
  const streams = capture({ NO_COLOR: "1" });
  const code = await run(argv, streams);
  return { code, out: streams.out.text, err: streams.err.text };
}

test("bench measures one thread and says so, and knows its suites by other names", async () => {
  const { code, err } = await headstart("bench", "softmax", "--threads", "2");
  expect(code).toBe(EXIT.usage);
  expect(err).toContain("--threads: bench measures one thread, got 2");
  expect((await headstart("bench", "nope")).err).toContain("one of gemm");
  const { out } = await headstart("bench", "softmax", "--quick", "--variant", "simd", "--json");
  expect(JSON.parse(out).suites[0].suite).toBe("losses");
  expect((await headstart("doctor", "--threads", "abc")).err).toContain('or "auto", got "abc"');
});

const QUICK = { samples: 3, milliseconds: 2 };

describe("race", () => {
  const wait = (milliseconds: number) => {
    const end = performance.now() + milliseconds;
    while (performance.now() < end);
  };

  test("gives work a second: nothing is faster than what it waits for", async () => {
    const rates = await race(
      [
        { amount: 3, run: () => wait(0.5) },
        { amount: 1, run: () => new Promise((resolve) => setTimeout(resolve, 2)) },
      ],
      QUICK,
    );
    expect(rates[0]!.high).toBeLessThanOrEqual(6000 * 1.001);
    expect(rates[0]!.low).toBeGreaterThan(6);
    expect(rates[1]!.high).toBeLessThanOrEqual(1000); // a timer of 2 ms may ring after 1
    for (const { low, median, high } of rates) {
      expect(low).toBeLessThanOrEqual(median);
      expect(median).toBeLessThanOrEqual(high);
    }
  });

  test("takes a sample of each in turn", async () => {
    const calls: string[] = [];
    const contender = (name: string) => ({
      amount: 1,
      run: () => {
        calls.push(name);
        wait(5);
      },
    });
    await race([contender("a"), contender("b")], QUICK);
    expect(calls.slice(-6).join("")).toBe("ababab");
  });
});

test("the peaks are those of a machine: above 1 GFLOP/s and 0.1 GB/s, below 1000 and 10,000", async () => {
  const flops = await peakFlops(false, QUICK);
  expect(flops).toBeGreaterThan(1e9);
  expect(flops).toBeLessThan(1e12);
  const bytes = await peakCopy(65_536, QUICK);
  expect(bytes).toBeGreaterThan(1e8);
  expect(bytes).toBeLessThan(1e13);
});

describe("headstart bench", () => {
  test("prints a table and one document with a rate for each case and variant", async () => {
    const { code, out } = await headstart("bench", "random", "--quick", "--variant", "simd");
    expect(code).toBe(EXIT.ok);
    expect(out).toMatch(/peak in registers: simd \d/);
    expect(out).toMatch(/^uniform, n = 4096 +GB\/s +[\d.]+ +\(\d+ %\)$/m);
    const json = await headstart("bench", "random", "--quick", "--variant", "simd", "--json");
    const { suites, peakFlops: peaks, cpu, engine } = JSON.parse(json.out);
    expect(peaks.simd).toBeGreaterThan(0);
    expect(cpu.count).toBeGreaterThan(0);
    expect(engine.node).toBe(process.versions.node);
    expect(suites.map((s: { suite: string }) => s.suite)).toEqual(["random"]);
    for (const { results } of suites[0].cases) {
      expect(results.map((r: { variant: string }) => r.variant)).toEqual(["simd"]);
      expect(results[0].median).toBeGreaterThan(0);
      expect(results[0].ofPeak).toBeGreaterThan(0);
    }
  }, 20_000);

  test("--profile shows each instruction of a step, and each layer", async () => {
    const { code, out } = await headstart("bench", "--profile", "w4", "--quick");
    expect(code).toBe(EXIT.ok);
    expect(out).toContain("18 instructions");
    expect(out).toMatch(/^gemm 32x16x16 NN forward +1 /m);
    expect(out).toMatch(/^dense_1 +[\d.]+ +[\d.]+ +[\d.]+ %$/m);
  });

  test("--profile takes a network of its own", async () => {
    const own = ["--inputs", "3", "--hidden", "4", "--outputs", "2", "--batch", "8"];
    const { out } = await headstart("bench", "--profile", "--quick", "--json", ...own);
    const [profile] = JSON.parse(out).profiles;
    expect(profile.workload).toBe("3-4-2 relu, batch 8, sgd");
    const shapes = profile.instructions
      .filter(({ op }: { op: string }) => op === "gemm")
      .map(({ shape }: { shape: string }) => shape);
    expect(shapes).toEqual(["8x4x3 NN", "8x2x4 NN", "4x2x8 TN", "8x4x2 NT", "3x4x8 TN"]);
  });

  test.each([
    [["bench", "nothing"], "one of gemm, elementwise, losses"],
    [["bench", "--profile", "gemm"], "one of w2, w2-adam, w3, w4"],
    [["bench", "--hidden", "4"], "give --profile too"],
    [["bench", "--profile", "w2", "--batch", "4"], "give one of the two"],
  ])("%j is refused, with what to do", async (argv, message) => {
    const { code, err } = await headstart(...argv);
    expect(code).toBe(EXIT.usage);
    expect(err).toContain(message);
  });
});
