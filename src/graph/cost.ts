import type { Effects } from "./effects.ts";
import { bytesOf } from "./effects.ts";

// Measured by `npm run bench -- threads` (2 cores of an AMD EPYC, Node 20, simd): products 30 GFLOP/s a core from n = 64 up, sums 88 GB/s
// in cache, a barrier of two spinning threads 130 ns. A sum of 4096 floats, 0.56 us alone, takes 0.43 us with two.

/** What a core does in a nanosecond in a product. */
const FLOPS_PER_NANOSECOND = 30;
/** Bytes a core moves in a nanosecond in the other kernels, between sums and exponentials. */
const BYTES_PER_NANOSECOND = 40;
/** Nanoseconds of work that a thread must find for itself: four barriers. Threads that share a core pay far more. */
const JOIN = 500;

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
