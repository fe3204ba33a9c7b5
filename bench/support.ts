import type { Core, Ptr, Variant } from "headstart/core";
import { isSupported, loadCore } from "headstart/core";
import { Bench } from "tinybench";

/** The variants this engine accepts, plainest first. */
export async function variants(): Promise<readonly Variant[]> {
  const names: readonly Variant[] = ["simd", "relaxed"];
  const supported = await Promise.all(names.map(isSupported));
  return names.filter((_, i) => supported[i]);
}

/** A core of each variant this engine accepts. */
export async function cores(): Promise<readonly Core[]> {
  return Promise.all((await variants()).map((variant) => loadCore({ variant })));
}

/** Something to time: `work` is what one call does, in any unit. */
export interface Contender {
  readonly name: string;
  readonly work: number;
  readonly run: () => void;
  /** The most that the machine can do, in work a second: the rate is then printed as a share of it too. */
  readonly limit?: number;
}

/** Times contenders side by side and prints work a second (median, divided by `scale`) and the ratio to the first. */
export async function race(
  title: string,
  unit: string,
  scale: number,
  contenders: readonly Contender[],
): Promise<void> {
  const bench = new Bench({ time: 300, warmupTime: 150, iterations: 8, warmupIterations: 2 });
  for (const { name, run } of contenders) bench.add(name, run);
  await bench.run();
  const rates = bench.tasks.map(({ result }, i) => {
    if (result.state !== "completed")
      throw new Error(`${title}: ${contenders[i]!.name} ${result.state}`);
    return contenders[i]!.work / (result.latency.p50 / 1000) / scale;
  });
  report(
    title,
    unit,
    contenders.map(({ name }) => name),
    rates,
    contenders.map(({ limit }) => (limit === undefined ? undefined : limit / scale)),
  );
}

/** One line: each rate with its ratio to the first, the baseline, and its share of its limit. */
export function report(
  title: string,
  unit: string,
  names: readonly string[],
  rates: readonly number[],
  limits: readonly (number | undefined)[] = [],
): void {
  const cells = names.map((name, i) => {
    const rate = rates[i]!;
    const limit = limits[i];
    const share = limit === undefined ? "" : `, ${((100 * rate) / limit).toFixed(0)} %`;
    return `${name} ${rate.toFixed(rate < 10 ? 2 : 0)} (x${(rate / rates[0]!).toFixed(1)}${share})`;
  });
  console.log(`${title.padEnd(38)} ${unit.padEnd(10)} ${cells.join("   ")}`);
}

/** Numbers of elements that stay in L1, in L2 and in neither. */
export const SIZES: readonly number[] = [4096, 65536, 4_000_000];

/** Times contenders one after the other, `n` elements a call, and prints 10^9 elements a second. Quicker than `race`: for long tables. */
export function compare(
  title: string,
  n: number,
  contenders: readonly (readonly [name: string, run: () => void])[],
): void {
  report(
    `${title}, n = ${n}`,
    "G elem/s",
    contenders.map(([name]) => name),
    contenders.map(([, run]) => n / medianSeconds(run) / 1e9),
  );
}

/** Processor seconds a call takes, whatever else the machine does: the median of 9 batches of about 3 ms. */
function medianSeconds(run: () => void): number {
  let calls = 1;
  const batch = () => {
    const start = process.cpuUsage();
    for (let i = 0; i < calls; i++) run();
    const { user, system } = process.cpuUsage(start);
    return user + system;
  };
  while (batch() < 3000) calls *= 2;
  const times = Array.from({ length: 9 }, batch).sort((a, b) => a - b);
  return times[4]! / calls / 1e6;
}

/** Four vectors of a core, as long as the longest of `SIZES`, uniform in [-1, 1) but for the fourth, in [0, 1). */
export function vectors(core: Core): readonly [Ptr, Ptr, Ptr, Ptr] {
  const n = Math.max(...SIZES);
  const four = [uniform(core, n), uniform(core, n), uniform(core, n), uniform(core, n)] as const;
  core.kernels.randomUniform(four[3], n, 0, 1, 1, 2, 1, 0, 1);
  return four;
}

/** `count` floats in the core's memory, uniform in [-1, 1). */
export function uniform({ kernels, arena }: Core, count: number): Ptr {
  const at = arena.allocate(count * 4);
  kernels.randomUniform(at, count, -1, 1, 1, 2, 0, 0, 1);
  return at;
}
