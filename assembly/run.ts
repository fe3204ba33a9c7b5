import { activationBackward, activationBackwardBias, activationForward, preluBackward, preluForward } from "./kernels/activations";
import { add, mul, scale } from "./kernels/binary";
import { gatherBatch, shuffle } from "./kernels/data";
import { gemm } from "./kernels/gemm";
import { bceWithLogits, huber, meanAbsoluteError, meanSquaredError, recordLoss, sigmoid, softmax, softmaxCrossEntropy } from "./kernels/losses";
import { adam, advance, clipByGlobalNorm, momentum, rmsprop, schedule, sgd, sumSquares } from "./kernels/optim";
import { dropout } from "./kernels/random";
import { State, Status } from "./state";

/**
 * The instructions of a plan. An instruction is i32 words: opcode, number of words, then the kernel's operands in its order,
 * without `thread, threads`; an f32 operand is its bits. The state block's address, where a kernel takes it, is the plan's own.
 */
export enum Op {
  gemm,
  activationForward,
  activationBackward,
  activationBackwardBias,
  preluForward,
  preluBackward,
  add,
  mul,
  scale,
  dropout,
  softmax,
  softmaxCrossEntropy,
  bceWithLogits,
  meanSquaredError,
  meanAbsoluteError,
  huber,
  recordLoss,
  sumSquares,
  clipByGlobalNorm,
  schedule,
  sgd,
  momentum,
  rmsprop,
  adam,
  advance,
  shuffle,
  gatherBatch,
}

/** Operand `k` of the instruction at `at`: one word, behind the opcode and the word count. */
class Operand {
  @inline static i32(at: usize, k: usize): i32 {
    return load<i32>(at + ((k + 2) << 2));
  }
  @inline static f32(at: usize, k: usize): f32 {
    return load<f32>(at + ((k + 2) << 2));
  }
  @inline static address(at: usize, k: usize): usize {
    return load<usize>(at + ((k + 2) << 2));
  }
}
