import type { Ptr } from "./arena.ts";

/** The functions of the binary, as `assembly/index.ts` exports them; `tests/core/kernels.test.ts` holds the two together. */
export interface Kernels {
  heapBase(): number;

  // gemm

  // activations

  // binary
  add(y: Ptr, a: Ptr, b: Ptr, n: number, beta: number, thread: number, threads: number): void;
  mul(y: Ptr, a: Ptr, b: Ptr, n: number, beta: number, thread: number, threads: number): void;
  scale(
    y: Ptr,
    x: Ptr,
    alpha: number,
    n: number,
    beta: number,
    thread: number,
    threads: number,
  ): void;
  addBias(
    y: Ptr,
    x: Ptr,
    b: Ptr,
    rows: number,
    cols: number,
    thread: number,
    threads: number,
  ): void;

  // reduce
  rowSums(
    out: Ptr,
    x: Ptr,
    rows: number,
    cols: number,
    beta: number,
    thread: number,
    threads: number,
  ): void;
  columnSums(
    out: Ptr,
    x: Ptr,
    rows: number,
    cols: number,
    beta: number,
    thread: number,
    threads: number,
  ): void;
  moments(out: Ptr, x: Ptr, n: number): void;
  columnMoments(
    mean: Ptr,
    std: Ptr,
    x: Ptr,
    rows: number,
    cols: number,
    thread: number,
    threads: number,
  ): void;

  // losses
  softmax(y: Ptr, x: Ptr, rows: number, cols: number, thread: number, threads: number): void;
  /** dlogits 0: no gradient. */
  softmaxCrossEntropy(
    rowLoss: Ptr,
    hits: Ptr,
    dlogits: Ptr | 0,
    logits: Ptr,
    labels: Ptr,
    rows: number,
    classes: number,
    smoothing: number,
    scale: number,
    thread: number,
    threads: number,
  ): void;
  bceWithLogits(
    rowLoss: Ptr,
    hits: Ptr,
    dlogits: Ptr | 0,
    logits: Ptr,
    targets: Ptr,
    rows: number,
    cols: number,
    scale: number,
    thread: number,
    threads: number,
  ): void;
  meanSquaredError(
    rowLoss: Ptr,
    hits: Ptr,
    dy: Ptr | 0,
    y: Ptr,
    targets: Ptr,
    rows: number,
    cols: number,
    scale: number,
    thread: number,
    threads: number,
  ): void;
  meanAbsoluteError(
    rowLoss: Ptr,
    hits: Ptr,
    dy: Ptr | 0,
    y: Ptr,
    targets: Ptr,
    rows: number,
    cols: number,
    scale: number,
    thread: number,
    threads: number,
  ): void;
  huber(
    rowLoss: Ptr,
    hits: Ptr,
    dy: Ptr | 0,
    y: Ptr,
    targets: Ptr,
    rows: number,
    cols: number,
    delta: number,
    scale: number,
    thread: number,
    threads: number,
  ): void;
  recordLoss(state: Ptr, rowLoss: Ptr, hits: Ptr, rows: number): void;

  // optim

  // data

  // random

  // init

  // run
}

export type { Ptr };
