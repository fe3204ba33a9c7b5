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
  sgd(
    p: Ptr,
    g: Ptr,
    n: number,
    weightDecay: number,
    state: Ptr,
    thread: number,
    threads: number,
  ): void;
  momentum(
    p: Ptr,
    g: Ptr,
    m: Ptr,
    n: number,
    mu: number,
    nesterov: number,
    weightDecay: number,
    state: Ptr,
    thread: number,
    threads: number,
  ): void;
  rmsprop(
    p: Ptr,
    g: Ptr,
    v: Ptr,
    n: number,
    rho: number,
    epsilon: number,
    weightDecay: number,
    state: Ptr,
    thread: number,
    threads: number,
  ): void;
  adam(
    p: Ptr,
    g: Ptr,
    m: Ptr,
    v: Ptr,
    n: number,
    beta1: number,
    beta2: number,
    epsilon: number,
    weightDecay: number,
    decoupled: number,
    state: Ptr,
    thread: number,
    threads: number,
  ): void;
  sumSquares(partials: Ptr, g: Ptr, n: number, thread: number, threads: number): void;
  clipByGlobalNorm(state: Ptr, partials: Ptr, count: number, maxNorm: number): void;
  schedule(state: Ptr): void;
  advance(state: Ptr): void;

  // data
  gatherRows(
    out: Ptr,
    table: Ptr,
    index: Ptr,
    rows: number,
    width: number,
    thread: number,
    threads: number,
  ): void;
  standardise(
    y: Ptr,
    x: Ptr,
    mean: Ptr,
    std: Ptr,
    rows: number,
    cols: number,
    limit: number,
    thread: number,
    threads: number,
  ): void;

  // random

  // init

  // run
}

export type { Ptr };
