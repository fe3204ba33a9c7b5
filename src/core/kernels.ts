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
  philox(out: Ptr, c0: number, c1: number, c2: number, c3: number, k0: number, k1: number): void;
  randomBits(
    out: Ptr,
    n: number,
    k0: number,
    k1: number,
    step: number,
    thread: number,
    threads: number,
  ): void;
  randomUniform(
    out: Ptr,
    n: number,
    low: number,
    high: number,
    k0: number,
    k1: number,
    step: number,
    thread: number,
    threads: number,
  ): void;
  randomNormal(
    out: Ptr,
    n: number,
    mean: number,
    std: number,
    k0: number,
    k1: number,
    step: number,
    thread: number,
    threads: number,
  ): void;
  randomTruncatedNormal(
    out: Ptr,
    n: number,
    mean: number,
    std: number,
    low: number,
    high: number,
    k0: number,
    k1: number,
    step: number,
    thread: number,
    threads: number,
  ): void;
  randomBernoulli(
    out: Ptr,
    n: number,
    p: number,
    k0: number,
    k1: number,
    step: number,
    thread: number,
    threads: number,
  ): void;
  dropout(
    y: Ptr,
    x: Ptr,
    n: number,
    rate: number,
    k0: number,
    k1: number,
    step: number,
    beta: number,
    thread: number,
    threads: number,
  ): void;
  permutation(
    out: Ptr,
    n: number,
    k0: number,
    k1: number,
    step: number,
    thread: number,
    threads: number,
  ): void;

  // init
  fillConstant(out: Ptr, n: number, value: number, thread: number, threads: number): void;
  fillIdentity(
    out: Ptr,
    rows: number,
    cols: number,
    gain: number,
    thread: number,
    threads: number,
  ): void;
  fillOrthogonal(
    out: Ptr,
    rows: number,
    cols: number,
    gain: number,
    scratch: Ptr,
    k0: number,
    k1: number,
  ): void;
  orthogonalScratch(rows: number, cols: number): number;

  // run
}

export type { Ptr };
