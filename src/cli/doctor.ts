import * as os from "node:os";
import type { Core, Threads, Variant } from "../core/index.ts";
import { bytesOf, isSupported, loadCore } from "../core/index.ts";
import { version } from "../index.ts";
import type { Turbo } from "../node.ts";
import type { Context } from "./context.ts";
import type { ExitCode } from "./exit.ts";
import { EXIT } from "./exit.ts";
import { enabledRelaxed } from "./relaxed.ts";
import { pairs } from "./table.ts";
import { count, formatBytes } from "./text.ts";

/** One thing that was looked at; `advice` when something is off and can be mended. */
interface Finding {
  readonly name: string;
  readonly ok: boolean;
  readonly value: string;
  readonly advice?: string;
}

/** Oldest Node that the package is tested on. */
const OLDEST = [20, 19] as const;

/** `headstart doctor` */
export async function doctor(context: Context): Promise<ExitCode> {
  const { output } = context;
  const simd = await isSupported("simd");
  const relaxed = await isSupported("relaxed");
  const { threads } = context;
  const core = simd ? await loadCore({ ...variantOption(context.variant), threads }) : undefined;
  const speed = core === undefined ? undefined : measureGemm(core);
  const findings = [
    engineFinding(),
    cpuFinding(),
    memoryFinding(),
    simdFinding(simd),
    relaxedFinding(relaxed),
    turboFinding(context.turbo),
    ...(core === undefined ? [] : [threadsFinding(core.threads, threads)]),
    ...(core === undefined ? [] : [await variantFinding(core.variant)]),
    ...(speed === undefined ? [] : [speedFinding(speed)]),
  ];
  const { green, red, yellow } = output.colors;
  const isHealthy = core !== undefined && speed?.isRight === true;
  const mark = ({ ok, name }: Finding) =>
    ok ? green("ok ") : name === "SIMD" ? red("off") : yellow("-  ");
  output.print(`headstart ${version}\n`);
  output.print(pairs(findings.map((f) => [`${mark(f)} ${f.name}`, f.value] as const)));
  const advice = findings.flatMap(({ name, advice: text }) =>
    text === undefined ? [] : [`${name}: ${text}`],
  );
  if (advice.length > 0) output.print(`\n${advice.join("\n")}`);
  output.print(isHealthy ? "\nheadstart works here" : red("\nheadstart does not work here"));
  output.document({
    command: "doctor",
    version,
    healthy: isHealthy,
    engine: {
      node: process.versions.node,
      v8: process.versions.v8,
      platform: process.platform,
      arch: process.arch,
    },
    cpu: { model: os.cpus()[0]?.model.trim() ?? null, count: os.availableParallelism() },
    memory: { total: os.totalmem(), free: os.freemem() },
    simd,
    relaxedSimd: { supported: relaxed, flag: enabledRelaxed() },
    turbo: context.turbo ?? null,
    threads:
      core === undefined
        ? null
        : { asked: threads, count: core.threads.count, reason: core.threads.reason ?? null },
    variant: core?.variant ?? null,
    gemm: speed === undefined ? null : { size: SIZE, gflops: speed.gflops, right: speed.isRight },
    findings,
  });
  return isHealthy ? EXIT.ok : EXIT.failed;
}

function variantOption(variant: Variant | undefined): { variant?: Variant } {
  return variant === undefined ? {} : { variant };
}

function engineFinding(): Finding {
  const { node, v8 } = process.versions;
  const [major = 0, minor = 0] = node.split(".").map(Number);
  const ok = major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
  const value = `Node ${node}, V8 ${v8}, ${process.platform} ${process.arch}`;
  if (ok) return { name: "engine", ok, value };
  return { name: "engine", ok, value, advice: `install Node ${OLDEST.join(".")} or later` };
}

function cpuFinding(): Finding {
  const model = os.cpus()[0]?.model.trim();
  const cores = os.availableParallelism();
  return { name: "CPU", ok: true, value: `${count(cores, "core")}${model ? `, ${model}` : ""}` };
}

function memoryFinding(): Finding {
  const free = os.freemem();
  const value = `${formatBytes(os.totalmem())}, ${formatBytes(free)} free; a network may use 4 GiB`;
  if (free >= 2 ** 29) return { name: "memory", ok: true, value };
  return {
    name: "memory",
    ok: false,
    value,
    advice: "close other programs before training large networks",
  };
}

function simdFinding(ok: boolean): Finding {
  if (ok) return { name: "SIMD", ok, value: "on" };
  const advice =
    "headstart needs WebAssembly SIMD: use Node 20.19 or later without --jitless, on a CPU with SSE4.1 or NEON";
  return { name: "SIMD", ok, value: "not accepted by this engine", advice };
}

function relaxedFinding(ok: boolean): Finding {
  const name = "relaxed SIMD";
  if (ok) {
    return { name, ok, value: enabledRelaxed() ? "on, by V8's flag" : "on (fused multiply-add)" };
  }
  if (Number(process.versions.node.split(".")[0]) < 22) {
    return {
      name,
      ok,
      value: "off: in Node 20 it is behind a flag",
      advice:
        "--variant relaxed turns it on for one run; Node 22 and later have it on (fused multiply-add is faster)",
    };
  }
  return {
    name,
    ok,
    value: "not accepted by this engine",
    advice: "nothing to mend: the simd variant is used",
  };
}

function turboFinding(turbo: Turbo | undefined): Finding {
  const name = "turbo";
  if (turbo === undefined) {
    return { name, ok: true, value: "not asked for (--turbo, or HEADSTART_TURBO=1)" };
  }
  const { plain, tile8, tile16 } = turbo.rates;
  const rates = [
    ["plain", plain],
    ["6 x 8", tile8],
    ["6 x 16", tile16],
  ].flatMap(([label, rate]) => (typeof rate === "number" ? [`${label} ${rate.toFixed(0)}`] : []));
  const speeds = rates.length === 0 ? "" : `; GFLOP/s: ${rates.join(", ")}`;
  const state = turbo.on ? `on (${turbo.flags.join(" ")}, tile ${turbo.tile})` : "off";
  const value = `${state}: ${turbo.reason}${speeds}; looked at for ${turbo.milliseconds.toFixed(0)} ms`;
  return { name, ok: turbo.on, value };
}

function threadsFinding({ count: threads, reason }: Threads, asked: number | "auto"): Finding {
  const name = "threads";
  const why = asked === "auto" ? "one for each core this process may use" : "as asked for";
  const value = `${threads} a network (${reason ?? why}); compare runs several networks at once instead`;
  return { name, ok: reason === undefined || asked === "auto", value };
}

async function variantFinding(variant: Variant): Promise<Finding> {
  const { length } = await bytesOf(variant);
  return { name: "variant", ok: true, value: `${variant} (${formatBytes(length)})` };
}

function speedFinding({ gflops, isRight }: Speed): Finding {
  const name = "gemm";
  const value = `${gflops.toFixed(1)} GFLOP/s at ${SIZE} x ${SIZE} x ${SIZE} on one thread`;
  if (isRight) return { name, ok: true, value };
  return {
    name,
    ok: false,
    value: `${value}, and wrong`,
    advice: "this engine miscompiles; try --variant simd or another Node, and report it",
  };
}

interface Speed {
  readonly gflops: number;
  /** The product was what it should be, exactly. */
  readonly isRight: boolean;
}

const SIZE = 256;
const SECONDS = 0.3;

/** The best of many products of small whole numbers, whose sums f32 holds exactly. */
function measureGemm({ arena, kernels, tile }: Core): Speed {
  const n = SIZE;
  const [a, b, c] = [1, 2, 3].map(() => arena.allocate(n * n * 4)) as [
    ReturnType<typeof arena.allocate>,
    ReturnType<typeof arena.allocate>,
    ReturnType<typeof arena.allocate>,
  ];
  const workspace = arena.allocate(kernels.gemmWorkspace(n, n, n));
  const left = (i: number, k: number) => ((3 * i + k) % 7) - 3;
  const right = (k: number, j: number) => ((k + 5 * j) % 5) - 2;
  arena.f32(a, n * n).forEach((_, at, view) => {
    view[at] = left(Math.floor(at / n), at % n);
  });
  arena.f32(b, n * n).forEach((_, at, view) => {
    view[at] = right(Math.floor(at / n), at % n);
  });
  const multiply = () =>
    kernels.gemm(c, n, 1, a, n, 1, b, n, 1, 0, workspace, n, n, n, 0, 0, 0, tile, 0, 1);
  let best = Number.POSITIVE_INFINITY;
  const end = performance.now() + SECONDS * 1000;
  while (performance.now() < end) {
    const start = performance.now();
    for (let i = 0; i < 4; i++) multiply();
    best = Math.min(best, (performance.now() - start) / 4);
  }
  const product = arena.f32(c, n * n);
  const isRight = [0, 1, n + 3, (n - 1) * n + (n - 1)].every((at) => {
    const [i, j] = [Math.floor(at / n), at % n];
    let sum = 0;
    for (let k = 0; k < n; k++) sum += left(i, k) * right(k, j);
    return product[at] === sum;
  });
  return { gflops: (2 * n ** 3) / best / 1e6, isRight };
}
