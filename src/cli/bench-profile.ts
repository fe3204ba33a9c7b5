import type { ActivationLike, InstructionProfile, Profile } from "../index.ts";
import { Network, version } from "../index.ts";
import { machineFacts, machineLine } from "./bench.ts";
import type { Workload, WorkloadName } from "./bench-workloads.ts";
import { networkOf, WORKLOADS, workloadData } from "./bench-workloads.ts";
import type { Context } from "./context.ts";
import type { ExitCode } from "./exit.ts";
import { asUsage, EXIT } from "./exit.ts";
import type { OptimizerName } from "./options.ts";
import { table } from "./table.ts";
import { formatBytes } from "./text.ts";

export interface ProfileCommandOptions {
  readonly quick?: boolean;
  /** Any of these describes a network of its own instead of the workloads. */
  readonly inputs?: number;
  readonly hidden?: readonly number[];
  readonly outputs?: number;
  readonly activation?: ActivationLike;
  readonly optimizer?: OptimizerName;
  readonly batch?: number;
  /** Every instruction in a row of its own, in the order of the plan. */
  readonly all?: boolean;
}

/** What belongs to no layer goes neither forward nor backward. */
const OUTSIDE = ["data", "loss", "optimizer"];

/** Layers that a table names; the rest is added up. */
const LAYERS = 12;

/** `headstart bench --profile [workload...]` */
export async function profile(
  names: readonly WorkloadName[],
  options: ProfileCommandOptions,
  { output, variant, seed }: Context,
): Promise<ExitCode> {
  const own = ownWorkload(options);
  const workloads = own === undefined ? names.map((name) => WORKLOADS[name]) : [own];
  output.print(machineLine());
  const documents = [];
  for (const workload of workloads) {
    const core = variant === undefined ? {} : { variant };
    const network = await asUsage(() => Network.create({ ...networkOf(workload), seed, ...core }));
    const steps = stepsFor(network.costs({ batchSize: workload.batch }), options.quick ?? false);
    const result = network.profile(workloadData(workload), { batchSize: workload.batch, steps });
    const used = network.core.variant;
    output.print(`\n${workload.name}, ${used}: ${headline(result)}\n`);
    output.print(instructionTable(options.all ? result.instructions.map(single) : grouped(result)));
    output.print(`\n${layerTable(result)}`);
    documents.push({ workload: workload.name, variant: used, ...result });
  }
  output.document({
    command: "bench",
    version,
    ...machineFacts(),
    threads: 1,
    profiles: documents,
  });
  return EXIT.ok;
}

function ownWorkload(options: ProfileCommandOptions): Workload | undefined {
  const { inputs, hidden, outputs, activation, optimizer, batch } = options;
  const given = [inputs, hidden, outputs, activation, optimizer, batch];
  if (given.every((value) => value === undefined)) return undefined;
  const widths = [inputs ?? 784, ...(hidden ?? [512, 256]), outputs ?? 10];
  const chosen = { activation: activation ?? "relu", optimizer: optimizer ?? "sgd" } as const;
  const rows = batch ?? 128;
  const f = typeof chosen.activation === "string" ? chosen.activation : chosen.activation.name;
  const name = `${widths.join("-")} ${f}, batch ${rows}, ${chosen.optimizer}`;
  return { name, widths, batch: rows, ...chosen };
}

/** Enough steps for about a second and a half at 20 GFLOP/s, at least 20. */
function stepsFor(
  costs: readonly { readonly flops: number | undefined }[],
  quick: boolean,
): number {
  const flops = costs.reduce((sum, cost) => sum + (cost.flops ?? 0), 0);
  const most = quick ? 50 : 2000;
  return Math.max(quick ? 5 : 20, Math.min(most, Math.round((quick ? 2e9 : 3e10) / flops)));
}

function headline({ stepMicroseconds, microseconds, instructions, steps }: Profile): string {
  const flops = instructions.reduce((sum, i) => sum + (i.flops ?? 0), 0);
  return (
    `${formatMicroseconds(stepMicroseconds)} us a step, ${(flops / stepMicroseconds / 1e3).toFixed(1)} GFLOP/s; ` +
    `${instructions.length} instructions one by one ${formatMicroseconds(microseconds)} us, over ${steps} steps`
  );
}

/** Instructions that do the same work, taken together. */
interface Row {
  readonly name: string;
  readonly times: number;
  /** Of all of them together. */
  readonly microseconds: number;
  readonly share: number;
  readonly flops: number | undefined;
  readonly bytes: number | undefined;
}

function single(instruction: InstructionProfile): Row {
  const { op, layer, pass, shape } = instruction;
  return { ...instruction, name: `${layer} ${pass} ${op} ${shape}`.trim(), times: 1 };
}

/** One row for each operation, shape and pass, the dearest first. */
function grouped({ instructions }: Profile): readonly Row[] {
  const rows = new Map<string, Row>();
  for (const instruction of instructions) {
    const { op, layer, shape, microseconds, share, flops, bytes } = instruction;
    const pass = OUTSIDE.includes(layer) ? "" : instruction.pass;
    const name = `${op} ${shape} ${pass}`.trim();
    const row = rows.get(name) ?? { name, times: 0, microseconds: 0, share: 0, flops: 0, bytes: 0 };
    rows.set(name, {
      name,
      times: row.times + 1,
      microseconds: row.microseconds + microseconds,
      share: row.share + share,
      flops: sum(row.flops, flops),
      bytes: sum(row.bytes, bytes),
    });
  }
  return [...rows.values()].sort((a, b) => b.microseconds - a.microseconds);
}

const sum = (a: number | undefined, b: number | undefined) =>
  a === undefined || b === undefined ? undefined : a + b;

function instructionTable(rows: readonly Row[]): string {
  const right = (head: string) => ({ head, align: "right" }) as const;
  const rate = (work: number | undefined, microseconds: number) =>
    !work || microseconds === 0 ? "-" : (work / microseconds / 1e3).toFixed(1);
  return table(
    [
      { head: "instruction" },
      ...["times", "us", "us each", "GFLOP/s", "moved", "GB/s", "share"].map(right),
    ],
    rows.map(({ name, times, microseconds, share, flops, bytes }) => [
      name,
      `${times}`,
      formatMicroseconds(microseconds),
      formatMicroseconds(microseconds / times),
      rate(flops, microseconds),
      bytes === undefined ? "-" : formatBytes(bytes),
      rate(bytes, microseconds),
      formatShare(share),
    ]),
  );
}

/** Time by layer, forward and backward; of many layers the dearest, and the rest in one row. */
function layerTable({ instructions }: Profile): string {
  const layers = new Map<string, { forward: number; backward: number; share: number }>();
  for (const { layer, pass, microseconds, share } of instructions) {
    const row = layers.get(layer) ?? { forward: 0, backward: 0, share: 0 };
    row[pass] += microseconds;
    row.share += share;
    layers.set(layer, row);
  }
  const rows = [...layers].sort(([, a], [, b]) => b.share - a.share);
  const rest = rows.length > LAYERS + 1 ? rows.splice(LAYERS) : [];
  if (rest.length > 0) {
    const total = (of: "forward" | "backward" | "share") =>
      rest.reduce((all, [, row]) => all + row[of], 0);
    const others = {
      forward: total("forward"),
      backward: total("backward"),
      share: total("share"),
    };
    rows.push([`${rest.length} more`, others]);
  }
  const right = (head: string) => ({ head, align: "right" }) as const;
  return table(
    [{ head: "layer" }, right("forward us"), right("backward us"), right("share")],
    rows.map(([layer, { forward, backward, share }]) => [
      layer,
      formatMicroseconds(forward),
      formatMicroseconds(backward),
      formatShare(share),
    ]),
  );
}

function formatMicroseconds(us: number): string {
  if (us >= 100) return Math.round(us).toLocaleString("en");
  return us.toFixed(us >= 10 ? 1 : 2);
}

const formatShare = (share: number) => `${(100 * share).toFixed(1)} %`;
