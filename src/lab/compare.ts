import { version } from "../version.ts";
import { chanceOf } from "./chance.ts";
import { checkConfig } from "./config.ts";
import type { Executor } from "./executor.ts";
import { inThisThread } from "./executor.ts";
import { createNetwork } from "./network.ts";
import { Queue } from "./queue.ts";
import type { Setup } from "./run.ts";
import type { RunOne } from "./scheme.ts";
import { measureScheme } from "./scheme.ts";
import { gridOf } from "./search.ts";
import type { CompareConfig, CompareData, CompareOptions, Comparison, Run } from "./types.ts";

/**
 * Trains one network under every scheme, everything else equal, and says what became of each.
 *
 * The result is the same for any number of workers, apart from `seconds`. Throws a `RangeError` or `TypeError` for what cannot be
 * compared, before any run.
 */
export async function compare(
  config: CompareConfig,
  data: CompareData,
  options: CompareOptions = {},
): Promise<Comparison> {
  const checked = checkConfig(config, data);
  const executor = await executorFor(
    { config: checked, train: data.train, test: data.test },
    options,
  );
  try {
    return await compareOn(executor, checked, data, options);
  } finally {
    await executor.close();
  }
}

async function executorFor(setup: Setup, { workers }: CompareOptions): Promise<Executor> {
  const isNode = globalThis.process?.versions?.node !== undefined;
  if (workers === 1 || !isNode) return inThisThread(setup);
  // What cannot be built, for want of memory say, fails here with its own error and not in every worker.
  const { config, train } = setup;
  await createNetwork(config, train, { scheme: "zeros", learningRate: 1, seed: config.seeds[0]! });
  const { workerPool } = await import("./pool.node.ts");
  return workerPool(setup, workers === undefined ? {} : { workers });
}

/** The comparison of a checked configuration on any executor, which stays open. */
export async function compareOn(
  executor: Executor,
  config: CompareConfig,
  data: CompareData,
  { onProgress, signal }: CompareOptions = {},
): Promise<Comparison> {
  const start = performance.now();
  const chance = chanceOf(data.train);
  const queue = new Queue(executor.slots);
  // One run that fails stops the others; so does the caller.
  const failure = new AbortController();
  const stop = AbortSignal.any([failure.signal, ...(signal ? [signal] : [])]);
  const progress = new Progress(config);

  const runnerOf = (scheme: string): RunOne => {
    return async (learningRate, seed) => {
      const job = { scheme, learningRate, seed };
      const report = (run?: Run) =>
        onProgress?.({ ...job, ...progress.count, ...(run && { run }) });
      progress.add(scheme, seed);
      return queue.add(async () => {
        if (stop.aborted) return undefined;
        report();
        const outcome = await executor.run(job, stop);
        if (outcome === undefined) return undefined;
        progress.end();
        report(outcome.run);
        return outcome;
      });
    };
  };

  const results = await Promise.all(
    config.schemes.map((scheme) =>
      measureScheme({ scheme, config, chance, run: runnerOf(scheme) }).catch((error) => {
        failure.abort();
        throw error;
      }),
    ),
  );
  const schemes = results.filter((result) => result !== undefined);
  const { train, test, sha256 } = data;
  return {
    schemes,
    config,
    data: {
      ...{ name: train.name, sha256, trainRows: train.rows, testRows: test.rows },
      classes: train.classes,
    },
    core: { variant: config.variant, version },
    complete: schemes.length === config.schemes.length && schemes.every((s) => s.complete),
    seconds: (performance.now() - start) / 1000,
  };
}

/** Counts the runs: those known of, and the seeds that every scheme has yet to run. */
class Progress {
  readonly #schemes: ReadonlyMap<string, { runs: number; readonly seeds: Set<number> }>;
  readonly #config: CompareConfig;
  #done = 0;

  constructor(config: CompareConfig) {
    this.#config = config;
    this.#schemes = new Map(config.schemes.map((s) => [s, { runs: 0, seeds: new Set() }]));
  }

  add(scheme: string, seed: number): void {
    const entry = this.#schemes.get(scheme)!;
    entry.runs++;
    entry.seeds.add(seed);
  }

  end(): void {
    this.#done++;
  }

  get count(): { readonly done: number; readonly total: number } {
    const { seeds, learningRate, optimizer } = this.#config;
    const tries = learningRate === "auto" ? gridOf(optimizer).length : 1;
    const total = [...this.#schemes.values()].reduce(
      (sum, entry) =>
        sum + Math.max(entry.runs, tries) + seeds.length - Math.max(entry.seeds.size, 1),
      0,
    );
    return { done: this.#done, total };
  }
}
