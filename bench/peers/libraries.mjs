// How each JavaScript library is loaded, the same way in every workload.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const root = new URL("../../package.json", import.meta.url);

/** A module of the package as a user imports it: `headstart`, `headstart/core`. */
export const headstart = (name = "headstart") =>
  import(pathToFileURL(createRequire(root).resolve(name)).href);

/** V8's flags for wide vectors, where this build offers them: they must be set before anything is compiled. */
export async function enableTurbo() {
  const { exports } = JSON.parse(readFileSync(root, "utf8"));
  for (const subpath of Object.keys(exports)) {
    if (subpath.includes("*") || subpath.endsWith(".json")) continue;
    const module = await headstart(`headstart${subpath.slice(1)}`);
    if (module.enableTurbo !== undefined) return module.enableTurbo();
  }
  throw new Unable("this build has no turbo");
}

/** A network or a core with the variant and the threads that a peer asks for. */
export async function withOptions({ variant, threads }, create) {
  const made = await create({ variant, ...(threads === undefined ? {} : { threads }) });
  const there = (made.core ?? made).threads;
  if (threads > 1 && !(there?.count >= threads)) {
    throw new Unable(there?.reason ?? "this build has no threads");
  }
  return made;
}

export async function tfjs() {
  const tf = await import("@tensorflow/tfjs");
  await import("@tensorflow/tfjs-backend-wasm");
  if (!(await tf.setBackend("wasm"))) throw new Error("tfjs: the WASM backend does not start");
  await tf.ready();
  return tf.default ?? tf;
}

export async function jax() {
  const jax = await import("@jax-js/jax");
  await jax.init("wasm");
  jax.defaultDevice("wasm");
  return jax;
}

export async function brain() {
  const { default: brain } = await import("brain.js");
  return brain;
}

/** A peer cannot do this work; the message says why. */
export class Unable extends Error {}
