import type { Effects } from "./effects.ts";
import { bytesOf } from "./effects.ts";

/** Multiply-adds and the like that a core does in a nanosecond, for products; measured by bench/threads.bench.ts. */
const FLOPS_PER_NANOSECOND = 30;
/** Bytes that a core moves in a nanosecond in the other kernels. */
const BYTES_PER_NANOSECOND = 10;
/** Nanoseconds for another thread to take part in an instruction. */
const JOIN = 1000;

/** Nanoseconds an instruction takes on one thread. */
export function costOf(effects: Effects): number {
  return Math.max(effects.flops / FLOPS_PER_NANOSECOND, bytesOf(effects) / BYTES_PER_NANOSECOND);
}

/** How many of `threads` repay themselves. */
export function widthOf(effects: Effects | undefined, threads: number): number {
  if (effects === undefined) return 1;
  const most = Math.min(threads, effects.parts);
  return Math.max(1, Math.min(most, Math.floor(costOf(effects) / JOIN)));
}
