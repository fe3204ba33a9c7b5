// Who is measured: one row each. A process of its own a row; JavaScript rows all run on the same Node.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const at = (name) => fileURLToPath(new URL(name, import.meta.url));

/** The widest kernels of OpenBLAS that this processor can run; left alone, old releases do not know new processors. */
export function openblasCore() {
  try {
    const flags = readFileSync("/proc/cpuinfo", "utf8");
    if (/\bavx512vl\b/.test(flags)) return "SkylakeX";
    if (/\bavx2\b/.test(flags)) return "Haswell";
  } catch {}
  return undefined;
}

const headstart = (name, options) => ({
  id: `headstart-${name.replaceAll(" ", "-")}`,
  name: `headstart ${name}`,
  library: "headstart",
  options,
});

/** In the order of the tables. */
export const PEERS = [
  headstart("simd", { variant: "simd", threads: 1 }),
  headstart("relaxed", { variant: "relaxed", threads: 1 }),
  headstart("relaxed 2 threads", { variant: "relaxed", threads: 2 }),
  headstart("turbo", { variant: "relaxed", threads: 1, turbo: true }),
  headstart("turbo 2 threads", { variant: "relaxed", threads: 2, turbo: true }),
  { id: "jax-js", name: "jax-js", library: "jax", options: {}, package: "@jax-js/jax" },
  { id: "tfjs", name: "tfjs WASM", library: "tfjs", options: {}, package: "@tensorflow/tfjs" },
  { id: "brain", name: "brain.js", library: "brain", options: {}, package: "brain.js" },
  {
    id: "torch-1",
    name: "PyTorch 1 thread",
    library: "torch",
    options: { threads: 1 },
    tuned: true,
  },
  {
    id: "torch-2",
    name: "PyTorch 2 threads",
    library: "torch",
    options: { threads: 2 },
    tuned: true,
  },
  { id: "torch-installed", name: "PyTorch as installed", library: "torch", options: {} },
];

/** The row that ratios are taken to, or the first one that ran. */
export const BASELINE = "headstart-relaxed";

/** Program, arguments and environment of a peer's process. */
export function commandOf(peer, task, { node, nodeMajor, python }) {
  const { library, options, tuned } = peer;
  if (library === "torch") {
    const { threads } = options;
    const { OMP_NUM_THREADS: _, ...rest } = process.env;
    const installed = Object.fromEntries(
      Object.entries(rest).filter(([key]) => !key.startsWith("OPENBLAS_")),
    );
    const env = {
      ...installed,
      ...(tuned && openblasCore() ? { OPENBLAS_CORETYPE: openblasCore() } : {}),
      ...(threads ? { OMP_NUM_THREADS: `${threads}` } : {}),
    };
    return { program: python, args: [at("host.py"), JSON.stringify({ ...task, options })], env };
  }
  const relaxed = options.variant === "relaxed" && !options.turbo && nodeMajor < 22;
  const flags = relaxed ? ["--experimental-wasm-relaxed-simd"] : [];
  const { program: _, ...rest } = task;
  const args = [...flags, at("host.mjs"), JSON.stringify({ ...rest, library, options })];
  return { program: node, args, env: process.env };
}
