// The data and the initial weights of a workload: drawn once, written to a file, read by every peer.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import * as path from "node:path";

/** Writes tensors (name -> { shape, values }) one behind the other, little-endian f32, with an index beside them. */
export function writeProblem(folder, settings, tensors) {
  mkdirSync(folder, { recursive: true });
  let offset = 0;
  const index = Object.entries(tensors).map(([name, { shape, values }]) => {
    const entry = { name, shape, offset };
    offset += values.length;
    return entry;
  });
  const all = new Float32Array(offset);
  for (const { name, offset: at } of index) all.set(tensors[name].values, at);
  writeFileSync(path.join(folder, "tensors.f32"), all);
  writeFileSync(path.join(folder, "problem.json"), JSON.stringify({ ...settings, index }));
}

/** `{ ...settings, tensors }`, as `writeProblem` was given them. */
export function readProblem(folder) {
  const { index, ...settings } = JSON.parse(
    readFileSync(path.join(folder, "problem.json"), "utf8"),
  );
  const bytes = readFileSync(path.join(folder, "tensors.f32"));
  const all = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const tensors = {};
  for (const { name, shape, offset } of index) {
    const size = shape.reduce((a, b) => a * b, 1);
    tensors[name] = { shape, values: all.subarray(offset, offset + size) };
  }
  return { ...settings, tensors };
}

/** Uniform numbers in [0, 1): Mulberry32, since all that matters is that they are the same for all. */
export function uniform(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A tensor of numbers in [low, high). */
export function draw(shape, next, low, high) {
  const size = shape.reduce((a, b) => a * b, 1);
  return { shape, values: Float32Array.from({ length: size }, () => low + (high - low) * next()) };
}
