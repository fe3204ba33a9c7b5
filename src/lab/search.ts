import type { Chance } from "./chance.ts";
import { hasLearnt } from "./chance.ts";
import { median } from "./median.ts";
import type { Outcome } from "./run.ts";
import type { CompareConfig, Run, RunState } from "./types.ts";

/** No rate outside is tried: below 1e-36 a product with a gradient is no normal float. */
const LIMITS = { low: 1e-36, high: 1000 } as const;

/** From here down the steps are three decades: only a signal that grows without bound learns there, if anything does. */
const FAR_DOWN = 1e-9;

/** A failure at rates that did no harm was tried up to this. */
const HIGH_FOR_FAILURE = 10;

/** Half decades that the rates of a failure span at least. */
const SPAN_FOR_FAILURE = 8;

const DECADE = 2;

/** The rates that every scheme is tried at: from 0.001, or from 0.0001 where steps do not shrink with the gradient. */
export function gridOf(optimizer: CompareConfig["optimizer"]): readonly number[] {
  const isAdaptive = optimizer === "adam" || optimizer === "adamw" || optimizer === "rmsprop";
  return [0, 1, 2, 3, 4].map((n) => shift(isAdaptive ? 1e-4 : 1e-3, n));
}

/** What was measured at each rate: one outcome a seed, at least one. */
export type Tried = ReadonlyMap<number, readonly Outcome[]>;

export interface SearchOptions {
  readonly grid: readonly number[];
  readonly chance: Chance;
}

/**
 * The rates to try next, given all that were tried so far; none when the search has ended.
 *
 * First the grid. If something learnt, the best rate ends the search once both its neighbours were tried too. If nothing did, that
 * is a failure only after whole decades have been added on each side that could matter: down to 1e-9 while the lowest rate still did
 * harm, up to 10 while the highest did not diverge, and over at least 4 decades in any case. Between a rate that was too low and
 * the next, that was too high, none is left out, nor beside a rate that got a little below chance.
 */
export function nextRates(tried: Tried, { grid, chance }: SearchOptions): readonly number[] {
  if (tried.size === 0) return grid;
  const best = winnerOf(tried);
  const isNew = (rate: number) => !tried.has(rate) && isAllowed(rate);
  if (isLearning(tried.get(best)!, chance)) return neighboursOf(best).filter(isNew);

  const rates = [...tried.keys()].sort((a, b) => a - b);
  const lowest = rates[0]!;
  const highest = rates.at(-1)!;
  const isTooHigh = (rate: number) => tried.get(rate)!.some((outcome) => didHarm(outcome, chance));
  const hasState = (rate: number, state: RunState) => tried.get(rate)![0]!.run.state === state;
  const goesUp = highest < HIGH_FOR_FAILURE && !hasState(highest, "diverged");
  const isNarrow = numberOf(highest) - numberOf(lowest) < SPAN_FOR_FAILURE && !goesUp;
  const goesDown = isTooHigh(lowest) || lowest >= grid[0]! || isNarrow;
  const turning = rates.filter((rate, i) => i > 0 && isTooHigh(rate) && !isTooHigh(rates[i - 1]!));
  const next = [
    ...(goesDown ? [shift(lowest, lowest > FAR_DOWN ? -DECADE : -3 * DECADE)] : []),
    ...turning.map((rate) => shift(rate, -1)),
    ...(hasState(best, "completed") ? neighboursOf(best) : []),
    ...(goesUp ? [shift(highest, DECADE)] : []),
  ];
  return [...new Set(next)].filter(isNew);
}

/** A rate and those half a decade beside it: together they tell whether it is the best. */
export function neighbourhoodOf(rate: number): readonly number[] {
  return [rate, ...neighboursOf(rate)].filter(isAllowed);
}

/**
 * The rate of the highest train accuracy, the median over its seeds; of those within 0.005 of it, that of the lowest loss, then the
 * lowest rate.
 */
export function winnerOf(tried: Tried): number {
  const scored = [...tried].map(([rate, outcomes]) => ({
    rate,
    accuracy: accuracyOf(outcomes),
    loss: median(outcomes.map(({ run }) => run.trainLoss ?? Number.POSITIVE_INFINITY)),
  }));
  const best = Math.max(...scored.map(({ accuracy }) => accuracy));
  const [winner] = scored
    .filter(({ accuracy }) => accuracy >= best - 0.005)
    .sort((a, b) => (a.loss === b.loss ? a.rate - b.rate : a.loss - b.loss));
  return winner!.rate;
}

/** Whether most of the seeds at a rate learnt. */
export function isLearning(outcomes: readonly Outcome[], chance: Chance): boolean {
  return hasLearnt({ trainAccuracy: accuracyOf(outcomes) }, chance);
}

/** A run that met a number that was not finite was not trained to its end: it counts as 0, whatever its accuracy. */
function accuracyOf(outcomes: readonly Outcome[]): number {
  const score = ({ divergence, trainAccuracy }: Run) => (divergence === null ? trainAccuracy : 0);
  return median(outcomes.map(({ run }) => score(run)));
}

/**
 * Whether a rate was too high, even if the run stands at ln(classes) in the end: a step that was too long can leave a layer of relus
 * dead for good, which looks as if the rate had been too low.
 */
function didHarm({ run, died }: Outcome, chance: Chance): boolean {
  const { state, losses } = run;
  const wasWorse = losses.some((loss) => loss === null || loss > 2 * chance.loss);
  return died || wasWorse || state === "diverged";
}

function neighboursOf(rate: number): readonly number[] {
  return [shift(rate, -1), shift(rate, 1)];
}

function isAllowed(rate: number): boolean {
  return rate >= LIMITS.low && rate <= LIMITS.high;
}

/** The rate some half decades away. */
function shift(rate: number, halfDecades: number): number {
  return rateAt(numberOf(rate) + halfDecades);
}

/** Rates are 1 and 3 times the powers of ten: rate -6 is 0.001, -5 is 0.003. Written as text, so that they have no rounding dust. */
function rateAt(number: number): number {
  return Number(`${number % 2 === 0 ? 1 : 3}e${Math.floor(number / 2)}`);
}

function numberOf(rate: number): number {
  return Math.round(2 * Math.log10(rate));
}
