import * as v8 from "node:v8";

let isEnabled = false;

/**
 * Turns relaxed SIMD on where it is behind a flag (Node 20); for those who ask for `--variant relaxed`. It must come before the first
 * module is compiled, and holds for this process and its threads.
 */
export function enableRelaxed(): void {
  if (Number(process.versions.node.split(".")[0]) >= 22) return;
  v8.setFlagsFromString("--experimental-wasm-relaxed-simd");
  isEnabled = true;
}

/** Whether it was this process that turned it on. */
export function enabledRelaxed(): boolean {
  return isEnabled;
}
