import { spawnSync } from "node:child_process";
import type { Core } from "headstart/core";
import { loadCore } from "headstart/core";
import { report, variants } from "./support.ts";

/** Initial weights: rows x cols by each scheme, processor time of a fill; the baselines are plain JavaScript and, where there is one, PyTorch. */
const ROWS = 4096;
const REPEATS = 7;

/** Each scheme as a call of the core, in plain JavaScript and in PyTorch. */
const FILLS: Readonly<
  Record<string, readonly [(core: Core, at: Ptr) => void, () => number, string]>
> = {
  glorot_uniform: [
    ({ kernels }, at) => kernels.randomUniform(at, N, -LIMIT, LIMIT, 1, 2, 0, 0, 1),
    () => (2 * Math.random() - 1) * LIMIT,
    "torch.nn.init.xavier_uniform_(w)",
  ],
  he_normal: [
    ({ kernels }, at) => kernels.randomNormal(at, N, 0, STD, 1, 2, 0, 0, 1),
    gaussian,
    "torch.nn.init.kaiming_normal_(w, nonlinearity='relu')",
  ],
  truncated_normal: [
    ({ kernels }, at) => kernels.randomTruncatedNormal(at, N, 0, STD, -2, 2, 1, 2, 0, 0, 1),
    () => {
      for (;;) {
        const z = gaussian();
        if (Math.abs(z) <= 2 * STD) return z;
      }
    },
    "torch.nn.init.trunc_normal_(w)",
  ],
};

type Ptr = ReturnType<Core["arena"]["allocate"]>;
const N = ROWS * ROWS;
const LIMIT = Math.sqrt(6 / (2 * ROWS));
const STD = Math.sqrt(2 / ROWS);

export async function suite(): Promise<void> {
  const names = await variants();
  const loaded = await Promise.all(names.map((variant) => loadCore({ variant })));
  const torch = torchTimes();
  for (const [scheme, [fill, plain]] of Object.entries(FILLS)) {
    const y = new Float32Array(N);
    const contenders: [string, () => void][] = [
      [
        "plain JS",
        () => {
          for (let i = 0; i < N; i++) y[i] = plain();
        },
      ],
      ...loaded.map((core): [string, () => void] => {
        const at = core.arena.allocate(N * 4);
        return [core.variant, () => fill(core, at)];
      }),
    ];
    print(`${scheme} ${ROWS} x ${ROWS}`, contenders, torch?.[scheme]);
  }
  for (const n of [256, 1024]) {
    const contenders = loaded.map((core): [string, () => void] => {
      const at = core.arena.allocate(n * n * 4);
      const scratch = core.arena.allocate(core.kernels.orthogonalScratch(n, n));
      return [core.variant, () => core.kernels.fillOrthogonal(at, n, n, 1, scratch, 1, 2)];
    });
    print(`orthogonal ${n} x ${n}`, contenders, torch?.[`orthogonal ${n}`]);
  }
  if (torch === undefined)
    console.log("(no PyTorch here: apt-get install python3-torch for its column)");
}

function print(
  title: string,
  contenders: readonly [string, () => void][],
  torch: number | undefined,
): void {
  const times = contenders.map(([, run]) => medianMilliseconds(run));
  const labels = contenders.map(([name]) => name);
  const baseline = torch === undefined ? [] : [torch];
  const all = [...baseline, ...times];
  report(
    title,
    "fills/s",
    [...baseline.map(() => "PyTorch"), ...labels],
    all.map((ms) => 1000 / ms),
  );
}

function medianMilliseconds(run: () => void): number {
  run();
  const times = Array.from({ length: REPEATS }, () => {
    const start = process.cpuUsage();
    run();
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1000;
  });
  return times.sort((a, b) => a - b)[REPEATS >> 1]!;
}

/** Medians of the same fills by Debian's PyTorch on one thread, in milliseconds of processor time; undefined when there is none. */
function torchTimes(): Readonly<Record<string, number>> | undefined {
  const fills = Object.entries(FILLS).map(([name, [, , call]]) => `"${name}": lambda w: ${call}`);
  const program = `
import json, statistics, time, torch
torch.set_num_threads(1)
def median(f, w):
    f(w)
    times = []
    for _ in range(${REPEATS}):
        start = time.process_time(); f(w); times.append((time.process_time() - start) * 1000)
    return statistics.median(times)
big = torch.empty(${ROWS}, ${ROWS})
result = {name: median(f, big) for name, f in {${fills.join(", ")}}.items()}
for n in (256, 1024):
    result[f"orthogonal {n}"] = median(torch.nn.init.orthogonal_, torch.empty(n, n))
print(json.dumps(result))
`;
  for (const python of ["/usr/bin/python3", "python3"]) {
    const { status, stdout } = spawnSync(python, ["-c", program], { encoding: "utf8" });
    if (status === 0) return JSON.parse(stdout);
  }
  return undefined;
}

/** Box and Muller's transform of `Math.random`. */
function gaussian(): number {
  return STD * Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
}
