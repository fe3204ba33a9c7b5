import type { Chance } from "./chance.ts";
import { explain } from "./explain.ts";
import { medianOf } from "./median.ts";
import type { Outcome } from "./run.ts";
import type { Tried } from "./search.ts";
import { gridOf, isLearning, neighbourhoodOf, nextRates, winnerOf } from "./search.ts";
import type { CompareConfig, SchemeResult, Signal, Trial } from "./types.ts";

/** Does one run of a scheme; undefined when the comparison was stopped first. */
export type RunOne = (learningRate: number, seed: number) => Promise<Outcome | undefined>;

export interface SchemeTask {
  readonly scheme: string;
  readonly config: CompareConfig;
  readonly chance: Chance;
  readonly run: RunOne;
}

/**
 * Searches a scheme's learning rate, then measures it with every seed. When it is stopped before, the
 * runs that were done are what it tells of; undefined when there were none.
 *
 * The first seed alone finds the region. One seed is not enough to choose in it: at a rate that suits most seeds a deep network may
 * be caught in a spike of its loss at the last step. So the winner and its neighbours are run with every seed, and it is the best of
 * their medians that is climbed to.
 *
 * Each round of runs is awaited as a whole before the next is chosen, so the result does not depend on which ended first.
 */
export async function measureScheme(task: SchemeTask): Promise<SchemeResult | undefined> {
  const { config, chance } = task;
  const [firstSeed] = config.seeds as [number];
  const trials = new Trials(task);
  if (config.learningRate !== "auto") {
    const isWhole = await trials.measure([config.learningRate], config.seeds);
    return isWhole ? resultOf(task, trials, config.learningRate) : stoppedAt(task, trials);
  }

  const search = { grid: gridOf(config.optimizer), chance };
  for (;;) {
    const next = nextRates(trials.all, search);
    if (next.length === 0) break;
    if (!(await trials.measure(next, [firstSeed]))) return stoppedAt(task, trials);
  }
  let winner = winnerOf(trials.all);
  const climbs = isLearning(trials.at(winner), chance);
  for (;;) {
    const region = climbs ? neighbourhoodOf(winner) : [winner];
    const isWhole = await trials.measure(region, config.seeds);
    if (!isWhole) return stoppedAt(task, trials);
    const best = winnerOf(trials.whole);
    if (best === winner) return resultOf(task, trials, best);
    winner = best;
  }
}

/** The outcomes of a scheme by learning rate, then seed. */
class Trials {
  readonly #task: SchemeTask;
  readonly #outcomes = new Map<number, Map<number, Outcome>>();

  constructor(task: SchemeTask) {
    this.#task = task;
  }

  /** Runs what was not yet run of the seeds at the rates, all at once; false when one was stopped. */
  async measure(rates: readonly number[], seeds: readonly number[]): Promise<boolean> {
    const jobs = rates
      .flatMap((rate) => seeds.map((seed) => ({ rate, seed })))
      .filter(({ rate, seed }) => !this.#outcomes.get(rate)?.has(seed));
    const outcomes = await Promise.all(jobs.map(({ rate, seed }) => this.#task.run(rate, seed)));
    jobs.forEach(({ rate, seed }, i) => {
      const outcome = outcomes[i];
      if (outcome === undefined) return;
      if (!this.#outcomes.has(rate)) this.#outcomes.set(rate, new Map());
      this.#outcomes.get(rate)!.set(seed, outcome);
    });
    return !outcomes.includes(undefined);
  }

  /** In the order of the configuration's seeds. */
  at(rate: number): readonly Outcome[] {
    const bySeed = this.#outcomes.get(rate)!;
    return this.#task.config.seeds.flatMap((seed) => bySeed.get(seed) ?? []);
  }

  /** Lowest rate first. */
  get all(): Tried {
    const rates = [...this.#outcomes.keys()].sort((a, b) => a - b);
    return new Map(rates.map((rate) => [rate, this.at(rate)]));
  }

  /** Only the rates that every seed was run at. */
  get whole(): Tried {
    const { seeds } = this.#task.config;
    return new Map([...this.all].filter(([, outcomes]) => outcomes.length === seeds.length));
  }
}

/** What there is when the comparison is stopped: the best rate of those tried, with the seeds that were run at it. */
function stoppedAt(task: SchemeTask, trials: Trials): SchemeResult | undefined {
  if (trials.all.size === 0) return undefined;
  const { explanation, ...rest } = resultOf(task, trials, winnerOf(trials.all));
  return {
    ...rest,
    complete: false,
    explanation: `${explanation}; stopped before its search was done`,
  };
}

function resultOf(
  { scheme, config, chance }: SchemeTask,
  trials: Trials,
  learningRate: number,
): SchemeResult {
  const outcomes = trials.at(learningRate);
  const runs = outcomes.map(({ run }) => run);
  const result = {
    ...{ scheme, complete: true, learningRate, ...medianOf(runs) },
    forward: meanSignal(outcomes.map(({ signals }) => signals.forward)),
    gradient: meanSignal(outcomes.map(({ signals }) => signals.gradient)),
    trials: [...trials.all].map(([rate, each]) => trialOf(rate, each)),
    runs,
  };
  const findings = {
    ...result,
    unitsAreEqual: outcomes.every(({ signals }) => signals.unitsAreEqual),
    unitsStayEqual: outcomes.every(({ unitsStayEqual }) => unitsStayEqual),
    died: outcomes.every(({ died }) => died),
  };
  return { ...result, explanation: explain(findings, { config, chance }) };
}

function trialOf(learningRate: number, outcomes: readonly Outcome[]): Trial {
  const { state, trainLoss, trainAccuracy } = medianOf(outcomes.map(({ run }) => run));
  return { learningRate, state, trainLoss, trainAccuracy };
}

function meanSignal(signals: readonly (readonly number[])[]): Signal {
  return signals[0]!.map((_, layer) => {
    const mean = signals.reduce((sum, signal) => sum + signal[layer]!, 0) / signals.length;
    return Number.isFinite(mean) ? mean : null;
  });
}
