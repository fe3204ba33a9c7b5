import type { Ptr } from "./arena.ts";

/** The functions of the binary, as `assembly/index.ts` exports them; `tests/core/kernels.test.ts` holds the two together. */
export interface Kernels {
  heapBase(): number;

  // gemm

  // activations
  exp(y: Ptr, x: Ptr, n: number, thread: number, threads: number): void;
  log(y: Ptr, x: Ptr, n: number, thread: number, threads: number): void;
  erf(y: Ptr, x: Ptr, n: number, thread: number, threads: number): void;
  sin(y: Ptr, x: Ptr, n: number, thread: number, threads: number): void;
  cos(y: Ptr, x: Ptr, n: number, thread: number, threads: number): void;

  // binary

  // reduce

  // losses

  // optim

  // data

  // random

  // init

  // run
}

export type { Ptr };
