import * as os from "node:os";
import type { Core, Variant } from "../core/index.ts";
import { isSupported, loadCore } from "../core/index.ts";
import { version } from "../index.ts";
import { peakCopy, peakFlops } from "./bench-peak.ts";
import type { Case, SuiteName } from "./bench-suites.ts";
import { SUITES } from "./bench-suites.ts";
import type { Rate, Sampling } from "./bench-timer.ts";
import { race } from "./bench-timer.ts";
import type { Context } from "./context.ts";
import type { ExitCode } from "./exit.ts";
import { EXIT } from "./exit.ts";
import { table } from "./table.ts";
import { count } from "./text.ts";

export interface BenchOptions {
  readonly quick?: boolean;
}

interface MachineFacts {
  readonly engine: { readonly node: string; readonly v8: string };
  readonly cpu: { readonly model: string | null; readonly count: number };
}

/** A case on one variant, and which share of the machine's peak it reaches. */
interface Result extends Rate {
  readonly variant: Variant;
  readonly ofPeak?: number;
}

const FULL: Sampling = { samples: 11, milliseconds: 30 };
const QUICK: Sampling = { samples: 3, milliseconds: 4 };

/** `headstart bench [suite...]` */
export async function bench(
  names: readonly SuiteName[],
  { quick = false }: BenchOptions,
  { output, variant }: Context,
): Promise<ExitCode> {
  const sampling = quick ? QUICK : FULL;
  const variants = await variantsOf(variant);
  const peaks = new Peaks(sampling);
  const flops = await Promise.all(variants.map((v) => peaks.flops(v)));
  output.print(machineLine());
  output.print(
    `peak in registers: ${variants.map((v, i) => `${v} ${(flops[i]! / 1e9).toFixed(1)} GFLOP/s`).join(", ")}; percentages are of it, or of the engine's own copy of as many bytes`,
  );
  const suites = [];
  for (const suite of names) {
    const cases = [];
    for (const one of SUITES[suite]()) {
      output.note(`${suite}: ${one.name} …`);
      cases.push({
        case: one.name,
        unit: one.unit,
        results: await measure(one, variants, peaks, sampling),
      });
    }
    suites.push({ suite, cases });
    output.print(`\n${suite}`);
    output.print(
      table(
        [
          { head: "" },
          { head: "unit" },
          ...variants.map((v) => ({ head: v, align: "right" as const })),
        ],
        cases.map(({ case: name, unit, results }) => [name, unit, ...results.map(cell)]),
      ),
    );
  }
  output.document({
    command: "bench",
    version,
    ...machineFacts(),
    threads: 1,
    sampling,
    peakFlops: Object.fromEntries(variants.map((v, i) => [v, flops[i]])),
    suites,
  });
  return EXIT.ok;
}

/** The variant that was asked for, or all that the engine accepts, plainest first. */
export async function variantsOf(pinned: Variant | undefined): Promise<readonly Variant[]> {
  if (pinned !== undefined) return [pinned];
  const names: readonly Variant[] = ["simd", "relaxed"];
  const supported = await Promise.all(names.map(isSupported));
  return names.filter((_, i) => supported[i]);
}

export function machineLine(): string {
  const { cpu, engine } = machineFacts();
  return `${cpu.model ?? "unknown CPU"}, ${count(cpu.count, "core")}, Node ${engine.node}, 1 thread`;
}

export function machineFacts(): MachineFacts {
  return {
    engine: { node: process.versions.node, v8: process.versions.v8 },
    cpu: { model: os.cpus()[0]?.model.trim() ?? null, count: os.availableParallelism() },
  };
}

async function measure(
  one: Case,
  variants: readonly Variant[],
  peaks: Peaks,
  sampling: Sampling,
): Promise<readonly Result[]> {
  const cores: Core[] = [];
  for (const variant of variants) cores.push(await loadCore({ variant }));
  const contenders = [];
  for (const core of cores) contenders.push({ amount: one.amount, run: await one.prepare(core) });
  const rates = await race(contenders, sampling);
  const results: Result[] = [];
  for (const [i, rate] of rates.entries()) {
    const peak = await peaks.of(one, variants[i]!);
    results.push({
      variant: variants[i]!,
      ...rate,
      ...(peak === undefined ? {} : { ofPeak: rate.median / peak }),
    });
  }
  return results;
}

/** What the machine can do at most, measured once for each thing that is asked for. */
class Peaks {
  readonly #sampling: Sampling;
  readonly #known = new Map<string, Promise<number>>();

  constructor(sampling: Sampling) {
    this.#sampling = sampling;
  }

  flops(variant: Variant): Promise<number> {
    return this.#once(variant, () => peakFlops(variant === "relaxed", this.#sampling));
  }

  /** In the unit of the case. */
  async of({ amount, bound }: Case, variant: Variant): Promise<number | undefined> {
    if (bound === undefined) return undefined;
    if ("flops" in bound) return (amount / bound.flops) * (await this.flops(variant));
    const copy = await this.#once(`copy ${bound.touches}`, () =>
      peakCopy(bound.touches, this.#sampling),
    );
    return (amount / bound.bytes) * copy;
  }

  #once(key: string, measurement: () => Promise<number>): Promise<number> {
    const known = this.#known.get(key) ?? measurement();
    this.#known.set(key, known);
    return known;
  }
}

function cell({ median, ofPeak }: Result): string {
  const share = ofPeak === undefined ? "" : ` (${Math.round(100 * ofPeak)} %)`;
  return `${formatRate(median)}${share.padStart(8)}`;
}

function formatRate(rate: number): string {
  if (rate >= 1000) return Math.round(rate).toLocaleString("en");
  return rate.toFixed(rate >= 100 ? 0 : rate >= 10 ? 1 : 2);
}
