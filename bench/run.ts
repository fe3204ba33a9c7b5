// Runs the suites named on the command line, or all: `npm run bench -- gemm training`.
// Every figure stands beside a baseline of the same run; the ratio is what to quote. HEADSTART_TURBO=1 turns turbo on.

import * as os from "node:os";
import { enableTurbo } from "headstart/node";

const SUITES: Readonly<Record<string, () => Promise<{ suite: () => Promise<void> }>>> = {
  gemm: () => import("./gemm.bench.ts"),
  conv: () => import("./conv.bench.ts"),
  elementwise: () => import("./elementwise.bench.ts"),
  losses: () => import("./losses.bench.ts"),
  optimizers: () => import("./optimizers.bench.ts"),
  random: () => import("./random.bench.ts"),
  init: () => import("./init.bench.ts"),
  training: () => import("./training.bench.ts"),
  startup: () => import("./startup.bench.ts"),
  threads: () => import("./threads.bench.ts"),
};

const wanted = process.argv.slice(2);
const unknown = wanted.find((name) => !Object.hasOwn(SUITES, name));
if (unknown !== undefined) {
  console.error(
    `bench: there is no suite "${unknown}"; there are ${Object.keys(SUITES).join(", ")}`,
  );
  process.exit(2);
}

const [cpu] = os.cpus();
console.log(`${cpu?.model ?? "unknown CPU"}, ${os.cpus().length} cores, node ${process.version}\n`);
if (process.env.HEADSTART_TURBO === "1") {
  const { on, reason, tile } = await enableTurbo();
  console.log(`turbo ${on ? "on" : "off"}, tile ${tile}: ${reason}\n`);
}
for (const name of wanted.length > 0 ? wanted : Object.keys(SUITES)) {
  const { suite } = await SUITES[name]!();
  await suite();
  console.log();
}
