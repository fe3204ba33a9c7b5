import type { Ptr } from "./arena.ts";

/** The functions of the binary, as `assembly/index.ts` exports them; `tests/core/kernels.test.ts` holds the two together. */
export interface Kernels {
  heapBase(): number;

  // gemm
  gemm(
    c: Ptr,
    rsc: number,
    csc: number,
    a: Ptr,
    rsa: number,
    csa: number,
    b: Ptr,
    rsb: number,
    csb: number,
    bias: Ptr | 0,
    ws: Ptr,
    m: number,
    n: number,
    k: number,
    beta: number,
    activation: number,
    alpha: number,
    thread: number,
    threads: number,
  ): void;
  gemmWorkspace(m: number, n: number, k: number): number;

  // activations

  // binary

  // reduce

  // losses

  // optim

  // data

  // random

  // init

  // run
  run(plan: Ptr, end: Ptr, state: Ptr, steps: number, thread: number, threads: number): number;
}

export type { Ptr };
