// The ABI: everything a host may call, one line a file.

// kernels/activations
export {
  Activation,
  activationBackward,
  activationBackwardBias,
  activationForward,
  activationReadsOutput,
  preluBackward,
  preluForward,
} from "./kernels/activations";
// kernels/attention
export { attention, attentionBackward, attentionWorkspace } from "./kernels/attention";
// kernels/augment
export { augment, weightRows } from "./kernels/augment";
// kernels/binary
export { add, addBias, mul, scale } from "./kernels/binary";
// kernels/conv
export { convolve, convolveFilter, convolveWorkspace } from "./kernels/conv";
// kernels/data
export { gatherBatch, gatherRows, shuffle, standardise } from "./kernels/data";
export { depthwise, depthwiseFilter } from "./kernels/depthwise";
// kernels/embedding
export { copyColumns, embed, embedBackward, maskOfTokens } from "./kernels/embedding";
// kernels/gemm
export { gemm, gemmWorkspace } from "./kernels/gemm";
// kernels/init
export { fillConstant, fillIdentity, fillOrthogonal, orthogonalScratch } from "./kernels/init";
// kernels/lion
export { lion } from "./kernels/lion";
// kernels/losses
export {
  bceWithLogits,
  dropRows,
  huber,
  meanAbsoluteError,
  meanSquaredError,
  recordLoss,
  softmax,
  softmaxCrossEntropy,
} from "./kernels/losses";
// Exported so that binaryen keeps each a function of its own: inlined into their selector they spill.
export * from "./kernels/microkernels";
// kernels/noise
export { addScalar, line, maskChannels } from "./kernels/noise";
// kernels/norm
export {
  columnMerge,
  columnNorm,
  columnNormBackward,
  columnNormMerge,
  columnNormSums,
  columnPartials,
  columnStatistics,
  follow,
  groupNorm,
  groupNormBackward,
  groupNormParameters,
} from "./kernels/norm";
// kernels/random
export { randomNormal, randomTruncatedNormal } from "./kernels/normal";
// kernels/optim
export {
  adam,
  advance,
  clipByGlobalNorm,
  momentum,
  rmsprop,
  Schedule,
  scaleRate,
  schedule,
  sgd,
  sumSquares,
  sumSquaresPartials,
} from "./kernels/optim";
export { averagePool, averagePoolBackward, maxPool, maxPoolBackward } from "./kernels/pool";
export {
  dropout,
  permutation,
  philox,
  randomBernoulli,
  randomBits,
  randomUniform,
} from "./kernels/random";
// kernels/recurrent
export {
  carryRows,
  carryRowsBackward,
  columnDots,
  gruBackward,
  gruCandidate,
  gruCandidateBackward,
  gruForward,
  gruGates,
  gruGatesBackward,
  lstmBackward,
  lstmForward,
  moveRows,
} from "./kernels/recurrent";
// kernels/reduce
export { columnMoments, columnSums, moments, rowSums } from "./kernels/reduce";
export { pixelShuffle, upSample, upSampleBackward } from "./kernels/resample";
// kernels/scale-by
export { scaleBy, scaleByBackward } from "./kernels/scale-by";
// kernels/window
export { WindowFlag } from "./kernels/window";
export { cos, erf, exp, log, sin } from "./math";
// run
export { Op, run } from "./run";
export { State, Status } from "./state";

/** First free byte after the module's constant tables; the host's arena starts here. */
export function heapBase(): usize {
  return __heap_base;
}
