import { describe, expect, test } from "vitest";
import { Pace } from "../../src/core/pace.ts";

/** Runs of 50 ms on a machine where a step takes `cost` of the mode at that moment; gives the share of steps done in each mode. */
function simulate(milliseconds: number, cost: (mode: "together" | "alone", now: number) => number) {
  const pace = new Pace();
  const done = { together: 0, alone: 0 };
  let now = 0;
  const go = (mode: "together" | "alone", steps: number) => {
    const took = steps * cost(mode, now);
    now += took;
    done[mode] += steps;
    pace.note(mode, steps, took, now);
  };
  while (now < milliseconds) {
    const steps = Math.max(1, Math.floor(50 / cost(pace.preferred, now)));
    const trial = Math.min(steps, pace.toTry(steps, now));
    if (trial > 0) go(pace.other, trial);
    if (steps > trial) go(pace.preferred, steps - trial);
  }
  return { ...done, preferred: pace.preferred };
}

describe("the pace of a program", () => {
  test("stays together where that is faster, and looks at the other at little cost", () => {
    const { together, alone, preferred } = simulate(10_000, (m) => (m === "together" ? 0.1 : 0.19));
    expect(preferred).toBe("together");
    expect(alone / (alone + together)).toBeLessThan(0.02);
    expect(alone).toBeGreaterThan(0);
  });

  test("goes alone while another program has the core, and together again when it is free", () => {
    const busy = (now: number) => now > 2000 && now < 5000;
    const cost = (m: string, now: number) => (m === "alone" ? 0.2 : busy(now) ? 8 : 0.1);
    expect(simulate(4500, cost).preferred).toBe("alone");
    expect(simulate(8000, cost).preferred).toBe("together");
  });

  test("keeps what it has where both take the same", () => {
    expect(simulate(5000, () => 0.1).preferred).toBe("together");
    expect(simulate(5000, (m) => (m === "alone" ? 0.1 : 0.103)).preferred).toBe("together");
  });

  test("does not try anything in its first 250 ms, nor of runs that did nothing", () => {
    const pace = new Pace();
    expect(pace.toTry(1000, 0)).toBe(0);
    expect(pace.toTry(1000, 249)).toBe(0);
    expect(pace.toTry(1000, 250)).toBe(62);
    expect(pace.toTry(3, 251)).toBe(1);
    pace.note("alone", 0, 5, 252);
    expect(pace.toTry(1000, 253)).toBe(62);
  });
});
