import type { Ptr } from "./arena.ts";

/** The functions of the binary, as `assembly/index.ts` exports them; `tests/core/kernels.test.ts` holds the two together. */
export interface Kernels {
  heapBase(): number;

  // gemm

  // activations
  activationForward(
    y: Ptr,
    x: Ptr,
    n: number,
    kind: number,
    alpha: number,
    thread: number,
    threads: number,
  ): void;
  activationReadsOutput(kind: number): number;
  activationBackward(
    dx: Ptr,
    s: Ptr,
    dy: Ptr,
    n: number,
    kind: number,
    alpha: number,
    beta: number,
    thread: number,
    threads: number,
  ): void;
  activationBackwardBias(
    dz: Ptr,
    db: Ptr,
    s: Ptr,
    dy: Ptr,
    rows: number,
    cols: number,
    kind: number,
    alpha: number,
    beta: number,
    thread: number,
    threads: number,
  ): void;
  preluForward(
    y: Ptr,
    x: Ptr,
    slope: Ptr,
    rows: number,
    cols: number,
    channels: number,
    thread: number,
    threads: number,
  ): void;
  preluBackward(
    dx: Ptr,
    dslope: Ptr,
    x: Ptr,
    dy: Ptr,
    slope: Ptr,
    rows: number,
    cols: number,
    channels: number,
    beta: number,
    slopeBeta: number,
    thread: number,
    threads: number,
  ): void;
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
