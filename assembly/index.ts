// The ABI: everything a host may call, one line a file.

// kernels/activations
export { Activation } from "./kernels/activations";

// kernels/gemm
export { gemm, gemmWorkspace } from "./kernels/gemm";
// Exported so that binaryen keeps each a function of its own: inlined into their selector they spill.
export * from "./kernels/microkernels";
export { State, Status } from "./state";

// kernels/binary

export { add, addBias, mul, scale } from "./kernels/binary";

// kernels/reduce

export { columnMoments, columnSums, moments, rowSums } from "./kernels/reduce";

// kernels/losses

export {
  bceWithLogits,
  huber,
  meanAbsoluteError,
  meanSquaredError,
  recordLoss,
  softmax,
  softmaxCrossEntropy,
} from "./kernels/losses";

// kernels/optim

export {
  adam,
  advance,
  clipByGlobalNorm,
  momentum,
  rmsprop,
  Schedule,
  schedule,
  sgd,
  sumSquares,
} from "./kernels/optim";

// kernels/data

export { gatherBatch, gatherRows, shuffle, standardise } from "./kernels/data";

// kernels/random

// kernels/init

// run
// export run here

/** First free byte after the module's constant tables; the host's arena starts here. */
export function heapBase(): usize {
  return __heap_base;
}
