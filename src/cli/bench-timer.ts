/** Something to time: one call of `run` does `amount` of work, in whatever unit. */
export interface Contender {
  readonly amount: number;
  readonly run: () => void | Promise<void>;
}

/** Work a second: the median of the samples, the lowest and the highest. */
export interface Rate {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

export interface Sampling {
  readonly samples: number;
  /** How long a sample takes at least. */
  readonly milliseconds: number;
}

/**
 * Times contenders side by side: a sample of each in turn, round after round, so that what disturbs the machine for a while disturbs
 * all of them. A short call is repeated within a sample, and the first samples, in which the engine still compiles, do not count.
 */
export async function race(
  contenders: readonly Contender[],
  { samples, milliseconds }: Sampling,
): Promise<readonly Rate[]> {
  const repeats: number[] = [];
  for (const { run } of contenders) repeats.push(await repeatsFor(run, milliseconds));
  const seconds: number[][] = contenders.map(() => []);
  for (let sample = 0; sample < samples; sample++) {
    for (const [i, { run }] of contenders.entries()) {
      seconds[i]!.push((await time(run, repeats[i]!)) / repeats[i]!);
    }
  }
  return contenders.map(({ amount }, i) => {
    const sorted = seconds[i]!.sort((a, b) => a - b);
    return {
      median: amount / sorted[sorted.length >> 1]!,
      low: amount / sorted.at(-1)!,
      high: amount / sorted[0]!,
    };
  });
}

/** Calls that take `milliseconds` together, once the engine has compiled its best. */
async function repeatsFor(run: Contender["run"], milliseconds: number): Promise<number> {
  let repeats = 1;
  for (let spent = 0; ; ) {
    const took = (await time(run, repeats)) * 1000;
    spent += took;
    const wanted = Math.ceil((repeats * milliseconds) / Math.max(took, 1e-4));
    if (took >= milliseconds / 2 && spent >= 2 * milliseconds) return wanted;
    repeats = Math.min(wanted, 10 * repeats);
  }
}

async function time(run: Contender["run"], repeats: number): Promise<number> {
  const start = performance.now();
  for (let i = 0; i < repeats; i++) {
    const running = run();
    if (running !== undefined) await running;
  }
  return (performance.now() - start) / 1000;
}
