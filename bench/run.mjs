// Runs the suites named on the command line, or all: `npm run bench -- gemm training`.
// Every figure stands beside a baseline of the same run; the ratio is what to quote.

import * as os from "node:os";

const SUITES = ["gemm", "elementwise", "random", "training"];
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !SUITES.includes(name));
if (unknown.length > 0) {
  console.error(`bench: there is no suite "${unknown[0]}"; there are ${SUITES.join(", ")}`);
  process.exit(2);
}

console.log(
  `${os.cpus()[0]?.model ?? "unknown CPU"}, ${os.cpus().length} cores, node ${process.version}, 1 thread\n`,
);
for (const name of wanted.length > 0 ? wanted : SUITES) {
  const { suite } = await import(`./${name}.mjs`);
  await suite();
  console.log();
}
