import type { Ptr } from "./arena.ts";

/** The functions of the binary, as `assembly/index.ts` exports them; `tests/core/kernels.test.ts` holds the two together. */
export interface Kernels {
  heapBase(): number;

  // gemm

  // activations

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
