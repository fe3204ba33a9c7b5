import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Outcome } from "../../src/lab/run.ts";
import { gridOf, isLearning, neighbourhoodOf, nextRates, winnerOf } from "../../src/lab/search.ts";
import type { Run } from "../../src/lab/types.ts";
import { DIVERGED, fakeOutcome, fakeRun, learnt, STALLED, TEN } from "./fakes.ts";

/** All rates between the limits. */
const RATES = [
  1e-9, 3e-9, 1e-8, 3e-8, 1e-7, 3e-7, 1e-6, 3e-6, 1e-5, 3e-5, 1e-4, 3e-4, 0.001, 0.003, 0.01, 0.03,
  0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000,
];

/** Plays a search against a response: the rates round by round, all of them in order, and the winner. */
function search(respond: (rate: number) => Run | Outcome, grid = gridOf("momentum")) {
  const tried = new Map<number, readonly Outcome[]>();
  const rounds: (readonly number[])[] = [];
  for (;;) {
    const next = nextRates(tried, { grid, chance: TEN });
    if (next.length === 0) break;
    rounds.push(next);
    for (const rate of next) {
      const response = respond(rate);
      tried.set(rate, ["signals" in response ? response : fakeOutcome(response)]);
    }
  }
  const rates = [...tried.keys()].sort((a, b) => a - b);
  return { tried, rounds, rates, winner: winnerOf(tried) };
}

const GRID = [0.001, 0.003, 0.01, 0.03, 0.1];

test("the grid is a decade lower where steps do not shrink with the gradient", () => {
  expect(gridOf("sgd")).toEqual(GRID);
  expect(gridOf("adam")).toEqual([1e-4, 3e-4, 0.001, 0.003, 0.01]);
});

test("the neighbours of a rate are decimal numbers without rounding dust", () => {
  for (const [i, rate] of RATES.entries()) {
    const below = i === 0 ? 3e-10 : RATES[i - 1];
    const expected = [rate, below, RATES[i + 1]].filter((r) => r !== undefined);
    expect(neighbourhoodOf(rate)).toEqual(expected);
  }
});

describe("when something learns", () => {
  test("a winner inside the grid ends the search", () => {
    const { rounds, winner } = search((rate) => learnt(rate === 0.003 ? 0.95 : 0.8));
    expect(rounds).toEqual([GRID]);
    expect(winner).toBe(0.003);
  });

  test("a winner at the upper edge is followed in half decades until it is interior", () => {
    const { rounds, winner } = search((rate) =>
      learnt(0.99 - 0.05 * Math.abs(Math.log10(rate / 3))),
    );
    expect(rounds).toEqual([GRID, [0.3], [1], [3], [10]]);
    expect(winner).toBe(3);
  });

  test("a winner at the lower edge is followed in half decades until it is interior", () => {
    const { rounds, winner } = search((rate) => learnt(rate === 1e-4 ? 0.9 : 0.5));
    expect(rounds.flat().sort((a, b) => a - b)).toEqual([3e-5, 1e-4, 3e-4, ...GRID]);
    expect(winner).toBe(1e-4);
  });

  test("a rate found in steps of a decade is compared with both its neighbours", () => {
    const { rates, winner } = search((rate) => {
      if (rate === 3e-9) return learnt(0.9);
      return rate === 1e-8 ? learnt(0.7) : rate > 1e-8 ? DIVERGED : STALLED;
    });
    expect(winner).toBe(3e-9);
    expect(rates).toEqual(expect.arrayContaining([1e-8, 3e-9, 1e-9]));
  });

  test("of accuracies within 0.005 the lower loss wins", () => {
    const { winner } = search((rate) =>
      rate === 0.003 ? fakeRun(0.947, 0.1) : rate === 0.01 ? fakeRun(0.95, 0.3) : learnt(0.5),
    );
    expect(winner).toBe(0.003);
  });

  test("an accuracy lower by 0.006 does not win by its loss", () => {
    const { winner } = search((rate) =>
      rate === 0.003 ? fakeRun(0.944, 0.1) : rate === 0.01 ? fakeRun(0.95, 0.3) : learnt(0.5),
    );
    expect(winner).toBe(0.01);
  });

  test("a run that met infinity does not win, whatever its accuracy before", () => {
    const { winner } = search((rate) =>
      rate === 0.01 ? fakeRun(0.99, null) : learnt(rate === 0.003 ? 0.6 : 0.5),
    );
    expect(winner).toBe(0.003);
  });
});

describe("when nothing learns", () => {
  test("all diverged: down to 1e-9 in decades, to 1e-36 in three at a time, and not up", () => {
    const { rates } = search(() => DIVERGED);
    const farDown = [1e-36, 1e-33, 1e-30, 1e-27, 1e-24, 1e-21, 1e-18, 1e-15, 1e-12];
    expect(rates).toEqual([...farDown, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, ...GRID]);
  });

  test("all stalled: a decade below the grid, and up to 10", () => {
    const { rates, rounds } = search(() => STALLED);
    expect(rates).toEqual([1e-4, ...GRID, 1, 10]);
    expect(rounds).toEqual([GRID, [1e-4, 1], [10]]);
  });

  test.each([
    ["fell from 3e6", fakeOutcome(fakeRun(0.1, Math.LN10, { losses: [3e6, Math.LN10] }))],
    ["has a dead layer", fakeOutcome(STALLED, { died: true })],
  ])(
    "a network at ln 10 that %s was killed by a rate too high: lower ones are tried",
    (_, killed) => {
      const { winner, rates } = search((rate) => {
        if (rate === 1e-8) return learnt(0.87);
        return rate > 1e-8 ? killed : STALLED;
      });
      expect(winner).toBe(1e-8);
      expect(rates).toEqual(expect.arrayContaining([3e-8, 3e-9]));
    },
  );

  test("stalled below and diverged above: at least 4 decades, and none left out where it turns", () => {
    const { rates } = search((rate) => (rate >= 0.1 ? DIVERGED : STALLED));
    expect(rates).toEqual([1e-5, 1e-4, ...GRID]);
    const turning = search((rate) => (rate >= 3e-5 ? DIVERGED : STALLED));
    expect(turning.rates).toEqual([1e-5, 3e-5, 1e-4, ...GRID]);
  });

  test("stalled in the grid and learning only at 1: found", () => {
    const { winner } = search((rate) => (rate === 1 ? learnt(0.8) : STALLED));
    expect(winner).toBe(1);
  });

  test("adam: stalled from 1e-5 to 10", () => {
    const { rates } = search(() => STALLED, gridOf("adam"));
    expect([rates[0], rates.at(-1)]).toEqual([1e-5, 10]);
  });
});

test("any response: the search ends, a winner has both neighbours, a failure was tried low and high", () => {
  const dead = fakeOutcome(STALLED, { died: true });
  const barely = fakeRun(0.2, 2.1);
  const endings = { diverged: DIVERGED, stalled: STALLED, dead, barely };
  const response = fc.array(
    fc.oneof(
      fc.constantFrom(...(Object.keys(endings) as (keyof typeof endings)[])),
      fc.integer({ min: 30, max: 100 }),
    ),
    { minLength: RATES.length, maxLength: RATES.length },
  );
  fc.assert(
    fc.property(response, (runs) => {
      const { tried, rates, winner } = search((rate) => {
        const ending = runs[RATES.indexOf(rate)]!;
        return typeof ending === "number" ? learnt(ending / 100) : endings[ending];
      });
      const [low, high] = [RATES.indexOf(rates[0]!), RATES.indexOf(rates.at(-1)!)];
      const [outcome] = tried.get(winner)!;
      if (outcome!.run.state === "completed") {
        for (const rate of neighbourhoodOf(winner)) expect(rates).toContain(rate);
      }
      if (isLearning([outcome!], TEN)) return;
      expect(high - low).toBeGreaterThanOrEqual(8);
      const [lowest] = tried.get(rates[0]!)!;
      const [highest] = tried.get(rates.at(-1)!)!;
      if (low > 0) expect([lowest!.run.state === "diverged", lowest!.died]).toEqual([false, false]);
      if (rates.at(-1)! < 10) expect(highest!.run.state).toBe("diverged");
    }),
    { seed: 1, numRuns: 1000 },
  );
});
