// Writes the measured tables of docs/benchmarks.md from the results of a run of the peers:
//   npm run --silent peers -- --json > bench/peers/results.json && node scripts/make-benchmarks-doc.mjs

import * as fs from "node:fs";
import { fileURLToPath } from "node:url";
import { toMarkdown } from "../bench/peers/report.mjs";

const at = (file) => fileURLToPath(new URL(`../${file}`, import.meta.url));
const [BEGIN, END] = ["<!-- measured: begin -->", "<!-- measured: end -->"];

/** The page with its tables as the results have them. */
export function page() {
  const text = fs.readFileSync(at("docs/benchmarks.md"), "utf8");
  const runs = JSON.parse(fs.readFileSync(at("bench/peers/results.json"), "utf8"));
  const [before, rest] = text.split(BEGIN);
  const [, after] = rest.split(END);
  return `${before}${BEGIN}\n\n${tables(runs)}\n\n${END}${after}`;
}

function tables(run) {
  const { machine, node, rounds, versions, facts, remark } = run;
  const packages = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const torch = facts.torch ?? {};
  return [
    `${machine.cpu}, ${machine.cores} cores; ${node}; medians of ${rounds} samples; ${packages.join(", ")}` +
      `${torch.version ? `, PyTorch ${torch.version}` : ""}. Load average before the run: ${machine.load.toFixed(1)} (0 is a machine that did nothing else).`,
    ...(remark ? ["", remark, ""] : []),
    ...Object.entries(torch)
      .filter(([id]) => id !== "version")
      .map(([id, blas]) => `- ${id}: ${blas}`),
    "",
    toMarkdown(run),
  ].join("\n");
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  fs.writeFileSync(at("docs/benchmarks.md"), page());
