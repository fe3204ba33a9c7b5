import {
  activationBackward,
  activationBackwardBias,
  activationForward,
  preluBackward,
  preluForward,
} from "./kernels/activations";
import { attention, attentionBackward } from "./kernels/attention";
import { augment, weightRows } from "./kernels/augment";
import { add, addBias, mul, scale } from "./kernels/binary";
import { convolve, convolveFilter } from "./kernels/conv";
import { gatherBatch, shuffle } from "./kernels/data";
import { depthwise, depthwiseFilter } from "./kernels/depthwise";
import { copyColumns, embed, embedBackward, maskOfTokens } from "./kernels/embedding";
import { gemm } from "./kernels/gemm";
import { fillConstant } from "./kernels/init";
import { lion } from "./kernels/lion";
import {
  bceWithLogits,
  dropRows,
  huber,
  meanAbsoluteError,
  meanSquaredError,
  recordLoss,
  softmaxCrossEntropy,
} from "./kernels/losses";
import { addScalar, line, maskChannels } from "./kernels/noise";
import {
  columnMerge,
  columnNorm,
  columnNormBackward,
  columnNormMerge,
  columnNormSums,
  columnStatistics,
  follow,
  groupNorm,
  groupNormBackward,
  groupNormParameters,
} from "./kernels/norm";
import { randomNormal } from "./kernels/normal";
import {
  adam,
  advance,
  clipByGlobalNorm,
  momentum,
  rmsprop,
  scaleRate,
  schedule,
  sgd,
  sumSquares,
} from "./kernels/optim";
import { averagePool, averagePoolBackward, maxPool, maxPoolBackward } from "./kernels/pool";
import { dropout, randomBernoulli } from "./kernels/random";
import {
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
import { pixelShuffle, upSample, upSampleBackward } from "./kernels/resample";
import { scaleBy, scaleByBackward } from "./kernels/scale-by";
import { State, Status } from "./state";

/**
 * The instructions of a plan. An instruction is i32 words: opcode, header, then the kernel's operands in its order,
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
  scale,
  dropout,
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
  scaleBy,
  scaleByBackward,
  scaleRate,
  columnStatistics,
  columnMerge,
  columnNorm,
  columnNormSums,
  columnNormMerge,
  columnNormBackward,
  groupNorm,
  groupNormBackward,
  groupNormParameters,
  follow,
  lstmForward,
  lstmBackward,
  gruForward,
  gruBackward,
  gruGates,
  gruCandidate,
  gruCandidateBackward,
  gruGatesBackward,
  carryRows,
  carryRowsBackward,
  moveRows,
  columnDots,
  // convolution
  convolve,
  convolveFilter,
  // attention, embedding, graphs
  dropRows,
  embed,
  embedBackward,
  maskOfTokens,
  attention,
  attentionBackward,
  copyColumns,
  fillConstant,
  addBias,
  mul,
  depthwise,
  depthwiseFilter,
  maxPool,
  maxPoolBackward,
  averagePool,
  averagePoolBackward,
  upSample,
  upSampleBackward,
  pixelShuffle,
  augment,
  weightRows,
  line,
  addScalar,
  maskChannels,
  randomBernoulli,
  randomNormal,
  lion,
}

/** Operand `k`, one word each: an i32, an f32 or an address (pointer). */
class Word {
  @inline static i(at: usize, k: i32): i32 {
    return load<i32>(at + ((<usize>k) << 2));
  }
  @inline static f(at: usize, k: i32): f32 {
    return load<f32>(at + ((<usize>k) << 2));
  }
  @inline static p(at: usize, k: i32): usize {
    return load<usize>(at + ((<usize>k) << 2));
  }
}

/**
 * The second word of an instruction: its number of words in bits 0 to 15; in bits 16 to 23 its width, the threads that take part,
 * 0 for all; bit 24: the threads wait for each other before it.
 */
export class Header {
  @inline static bytes(at: usize): usize {
    return (<usize>load<u16>(at, 4)) << 2;
  }

  @inline static width(at: usize, threads: i32): i32 {
    const most = <i32>load<u8>(at, 6);
    return most == 0 ? threads : min<i32>(most, threads);
  }

  @inline static waits(at: usize): bool {
    return (load<u8>(at, 7) & 1) != 0;
  }
}

/**
 * Executes `steps` times the instructions in [plan, end) and gives how many times it went through to the end: fewer when the
 * state's status says that a number was not finite. Does the share of thread `thread` in each instruction and waits for nobody: threads
 * that run together call `runTeam`.
 */
export function run(
  plan: usize,
  end: usize,
  state: usize,
  steps: i32,
  thread: i32,
  threads: i32,
): i32 {
  for (let done = 0; done < steps; done++) {
    for (let at = plan; at < end; at += Header.bytes(at)) {
      execute(at, state, 0, thread, threads);
      if (load<i32>(state, State.status) != Status.running) return done;
    }
  }
  return steps;
}

/**
 * One instruction. The operands are those of the kernel, in its order; `state` stands where the kernel has it. The thread's own
 * workspace lies `own` bytes after the first thread's.
 */
// biome-ignore format: operands are grouped by what they are
export function execute(at: usize, state: usize, own: usize, thread: i32, threads: i32): void {
  const op = load<i32>(at);
  at += 8;
  switch (op) {
    case Op.gemm:
      gemm(
        Word.p(at, 0), Word.i(at, 1), Word.i(at, 2), // c
        Word.p(at, 3), Word.i(at, 4), Word.i(at, 5), // a
        Word.p(at, 6), Word.i(at, 7), Word.i(at, 8), // b
        Word.p(at, 9), Word.p(at, 10) + own, // bias, workspace
        Word.i(at, 11), Word.i(at, 12), Word.i(at, 13), // m, n, k
        Word.i(at, 14), Word.i(at, 15), Word.f(at, 16), // beta, activation, alpha
        Word.i(at, 17), thread, threads, // tile
      );
      break;
    case Op.activationForward:
      activationForward(Word.p(at, 0), Word.p(at, 1), Word.i(at, 2), Word.i(at, 3), Word.f(at, 4), thread, threads);
      break;
    case Op.activationBackward:
      activationBackward(
        Word.p(at, 0), Word.p(at, 1), Word.p(at, 2), Word.i(at, 3), Word.i(at, 4), Word.f(at, 5), Word.i(at, 6),
        thread, threads,
      );
      break;
    case Op.activationBackwardBias:
      activationBackwardBias(
        Word.p(at, 0), Word.p(at, 1), Word.p(at, 2), Word.p(at, 3), Word.i(at, 4), Word.i(at, 5), Word.i(at, 6),
        Word.f(at, 7), Word.i(at, 8), thread, threads,
      );
      break;
    case Op.preluForward:
      preluForward(
        Word.p(at, 0), Word.p(at, 1), Word.p(at, 2), Word.i(at, 3), Word.i(at, 4), Word.i(at, 5), thread, threads,
      );
      break;
    case Op.preluBackward:
      preluBackward(
        Word.p(at, 0), Word.p(at, 1), Word.p(at, 2), Word.p(at, 3), Word.p(at, 4), Word.i(at, 5), Word.i(at, 6),
        Word.i(at, 7), Word.i(at, 8), Word.i(at, 9), thread, threads,
      );
      break;
    case Op.add:
      add(Word.p(at, 0), Word.p(at, 1), Word.p(at, 2), Word.i(at, 3), Word.i(at, 4), thread, threads);
      break;
    case Op.scale:
      scale(Word.p(at, 0), Word.p(at, 1), Word.f(at, 2), Word.i(at, 3), Word.i(at, 4), thread, threads);
      break;
    case Op.dropout:
      dropout(
        Word.p(at, 0), Word.p(at, 1), Word.i(at, 2), Word.f(at, 3), <u32>Word.i(at, 4), <u32>Word.i(at, 5),
        load<u32>(state, State.step), Word.i(at, 6), thread, threads,
      );
      break;
    case Op.softmaxCrossEntropy:
      softmaxCrossEntropy(
        Word.p(at, 0), Word.p(at, 1), Word.p(at, 2), Word.p(at, 3), Word.p(at, 4), Word.i(at, 5), Word.i(at, 6),
        Word.f(at, 7), Word.f(at, 8), thread, threads,
      );
      break;
    case Op.bceWithLogits:
      bceWithLogits(
        Word.p(at, 0), Word.p(at, 1), Word.p(at, 2), Word.p(at, 3), Word.p(at, 4), Word.i(at, 5), Word.i(at, 6),
        Word.f(at, 7), thread, threads,
      );
      break;
    case Op.meanSquaredError:
      meanSquaredError(
        Word.p(at, 0), Word.p(at, 1), Word.p(at, 2), Word.p(at, 3), Word.p(at, 4), Word.i(at, 5), Word.i(at, 6),
        Word.f(at, 7), thread, threads,
      );
      break;
    case Op.meanAbsoluteError:
      meanAbsoluteError(
        Word.p(at, 0), Word.p(at, 1), Word.p(at, 2), Word.p(at, 3), Word.p(at, 4), Word.i(at, 5), Word.i(at, 6),
        Word.f(at, 7), thread, threads,
      );
      break;
    case Op.huber:
      huber(
        Word.p(at, 0), Word.p(at, 1), Word.p(at, 2), Word.p(at, 3), Word.p(at, 4), Word.i(at, 5), Word.i(at, 6),
        Word.f(at, 7), Word.f(at, 8), thread, threads,
      );
      break;
    case Op.recordLoss:
      if (thread == 0) recordLoss(state, Word.p(at, 0), Word.p(at, 1), Word.i(at, 2));
      break;
    case Op.sumSquares:
      sumSquares(Word.p(at, 0), Word.p(at, 1), Word.i(at, 2), thread, threads);
      break;
    case Op.clipByGlobalNorm:
      if (thread == 0) clipByGlobalNorm(state, Word.p(at, 0), Word.i(at, 1), Word.f(at, 2));
      break;
    case Op.schedule:
      if (thread == 0) schedule(state);
      break;
    case Op.sgd:
      sgd(Word.p(at, 0), Word.p(at, 1), Word.i(at, 2), Word.f(at, 3), state, thread, threads);
      break;
    case Op.momentum:
      momentum(
        Word.p(at, 0), Word.p(at, 1), Word.p(at, 2), Word.i(at, 3), Word.f(at, 4), Word.i(at, 5), Word.f(at, 6), state,
        thread, threads,
      );
      break;
    case Op.rmsprop:
      rmsprop(
        Word.p(at, 0), Word.p(at, 1), Word.p(at, 2), Word.i(at, 3), Word.f(at, 4), Word.f(at, 5), Word.f(at, 6), state,
        thread, threads,
      );
      break;
    case Op.adam:
      adam(
        Word.p(at, 0), Word.p(at, 1), Word.p(at, 2), Word.p(at, 3), Word.i(at, 4), Word.f(at, 5), Word.f(at, 6),
        Word.f(at, 7), Word.f(at, 8), Word.i(at, 9), state, thread, threads,
      );
      break;
    case Op.advance:
      if (thread == 0) advance(state);
      break;
    case Op.shuffle:
      if (thread == 0) shuffle(state);
      break;
    case Op.gatherBatch:
      gatherBatch(Word.p(at, 0), Word.p(at, 1), state, Word.i(at, 2), Word.i(at, 3), Word.i(at, 4), thread, threads);
      break;
    case Op.scaleBy:
      scaleBy(
        Word.p(at, 0), Word.p(at, 1), Word.p(at, 2), Word.i(at, 3), Word.i(at, 4), Word.i(at, 5), thread, threads,
      );
      break;
    case Op.scaleByBackward:
      scaleByBackward(
        Word.p(at, 0), Word.p(at, 1), Word.p(at, 2), Word.p(at, 3), Word.p(at, 4), Word.i(at, 5), Word.i(at, 6),
        Word.i(at, 7), Word.i(at, 8), Word.i(at, 9), thread, threads,
      );
      break;
    case Op.scaleRate:
      if (thread == 0) scaleRate(state, Word.f(at, 0));
      break;
    case Op.columnStatistics:
      columnStatistics(
        Word.p(at, 0), Word.p(at, 1), Word.i(at, 2), Word.i(at, 3), Word.i(at, 4), Word.i(at, 5), thread, threads,
      );
      break;
    case Op.columnMerge:
      columnMerge(
        Word.p(at, 0), Word.p(at, 1), Word.p(at, 2), Word.i(at, 3), Word.i(at, 4), Word.i(at, 5), thread, threads,
      );
      break;
    case Op.columnNorm:
      columnNorm(
        Word.p(at, 0), Word.p(at, 1), Word.p(at, 2), Word.p(at, 3), Word.p(at, 4), Word.p(at, 5), Word.i(at, 6),
        Word.i(at, 7), Word.i(at, 8), Word.f(at, 9), Word.f(at, 10), thread, threads,
      );
      break;
    case Op.columnNormSums:
      columnNormSums(
        Word.p(at, 0), Word.p(at, 1), Word.p(at, 2), Word.p(at, 3), Word.i(at, 4), Word.i(at, 5), Word.i(at, 6),
        thread, threads,
      );
      break;
    case Op.columnNormMerge:
      columnNormMerge(
        Word.p(at, 0), Word.p(at, 1), Word.p(at, 2), Word.p(at, 3), Word.p(at, 4), Word.i(at, 5), Word.i(at, 6),
        Word.i(at, 7), Word.f(at, 8), Word.f(at, 9), Word.i(at, 10), Word.i(at, 11), Word.i(at, 12), thread, threads,
      );
      break;
    case Op.columnNormBackward:
      columnNormBackward(
        Word.p(at, 0), Word.p(at, 1), Word.p(at, 2), Word.p(at, 3), Word.p(at, 4), Word.p(at, 5), Word.p(at, 6),
        Word.i(at, 7), Word.i(at, 8), Word.i(at, 9), Word.f(at, 10), Word.f(at, 11), Word.i(at, 12), thread, threads,
      );
      break;
    case Op.groupNorm:
      groupNorm(
        Word.p(at, 0), Word.p(at, 1), Word.p(at, 2), Word.p(at, 3), Word.p(at, 4), Word.i(at, 5), Word.i(at, 6),
        Word.i(at, 7), Word.i(at, 8), Word.f(at, 9), Word.i(at, 10), thread, threads,
      );
      break;
    case Op.groupNormBackward:
      groupNormBackward(
        Word.p(at, 0), Word.p(at, 1), Word.p(at, 2), Word.p(at, 3), Word.p(at, 4), Word.i(at, 5), Word.i(at, 6),
        Word.i(at, 7), Word.i(at, 8), Word.i(at, 9), Word.i(at, 10), thread, threads,
      );
      break;
    case Op.groupNormParameters:
      groupNormParameters(
        Word.p(at, 0), Word.p(at, 1), Word.p(at, 2), Word.p(at, 3), Word.p(at, 4), Word.i(at, 5), Word.i(at, 6),
        Word.i(at, 7), Word.i(at, 8), Word.i(at, 9), Word.i(at, 10), thread, threads,
      );
      break;
    case Op.follow:
      follow(
        Word.p(at, 0), Word.p(at, 1), Word.f(at, 2), Word.f(at, 3), Word.i(at, 4), thread, threads,
      );
      break;
    case Op.lstmForward:
      lstmForward(
        Word.p(at, 0), Word.p(at, 1), Word.p(at, 2), Word.p(at, 3), Word.p(at, 4), Word.p(at, 5),
        Word.p(at, 6), Word.p(at, 7), Word.i(at, 8), Word.i(at, 9), Word.i(at, 10), Word.i(at, 11),
        Word.f(at, 12), Word.i(at, 13), Word.f(at, 14), thread, threads,
      );
      break;
    case Op.lstmBackward:
      lstmBackward(
        Word.p(at, 0), Word.p(at, 1), Word.p(at, 2), Word.p(at, 3), Word.p(at, 4), Word.p(at, 5),
        Word.p(at, 6), Word.p(at, 7), Word.i(at, 8), Word.i(at, 9), Word.i(at, 10), Word.i(at, 11),
        Word.f(at, 12), Word.i(at, 13), Word.f(at, 14), Word.i(at, 15), Word.i(at, 16), thread, threads,
      );
      break;
    case Op.gruForward:
      gruForward(
        Word.p(at, 0), Word.p(at, 1), Word.p(at, 2), Word.p(at, 3), Word.p(at, 4), Word.i(at, 5),
        Word.i(at, 6), Word.i(at, 7), Word.i(at, 8), Word.f(at, 9), Word.i(at, 10), Word.f(at, 11), thread,
        threads,
      );
      break;
    case Op.gruBackward:
      gruBackward(
        Word.p(at, 0), Word.p(at, 1), Word.p(at, 2), Word.p(at, 3), Word.p(at, 4), Word.p(at, 5),
        Word.i(at, 6), Word.i(at, 7), Word.i(at, 8), Word.i(at, 9), Word.f(at, 10), Word.i(at, 11),
        Word.f(at, 12), Word.i(at, 13), thread, threads,
      );
      break;
    case Op.gruGates:
      gruGates(
        Word.p(at, 0), Word.p(at, 1), Word.p(at, 2), Word.p(at, 3), Word.i(at, 4), Word.i(at, 5),
        Word.i(at, 6), Word.i(at, 7), Word.f(at, 8), thread, threads,
      );
      break;
    case Op.gruCandidate:
      gruCandidate(
        Word.p(at, 0), Word.p(at, 1), Word.p(at, 2), Word.p(at, 3), Word.i(at, 4), Word.i(at, 5),
        Word.i(at, 6), Word.i(at, 7), Word.f(at, 8), thread, threads,
      );
      break;
    case Op.gruCandidateBackward:
      gruCandidateBackward(
        Word.p(at, 0), Word.p(at, 1), Word.p(at, 2), Word.p(at, 3), Word.p(at, 4), Word.i(at, 5),
        Word.i(at, 6), Word.i(at, 7), Word.i(at, 8), Word.f(at, 9), Word.i(at, 10), Word.f(at, 11),
        Word.i(at, 12), thread, threads,
      );
      break;
    case Op.gruGatesBackward:
      gruGatesBackward(
        Word.p(at, 0), Word.p(at, 1), Word.p(at, 2), Word.p(at, 3), Word.i(at, 4), Word.i(at, 5),
        Word.i(at, 6), Word.f(at, 7), thread, threads,
      );
      break;
    case Op.carryRows:
      carryRows(
        Word.p(at, 0), Word.p(at, 1), Word.p(at, 2), Word.i(at, 3), Word.i(at, 4), Word.i(at, 5), thread,
        threads,
      );
      break;
    case Op.carryRowsBackward:
      carryRowsBackward(
        Word.p(at, 0), Word.p(at, 1), Word.p(at, 2), Word.i(at, 3), Word.i(at, 4), Word.i(at, 5),
        Word.i(at, 6), thread, threads,
      );
      break;
    case Op.moveRows:
      moveRows(
        Word.p(at, 0), Word.i(at, 1), Word.i(at, 2), Word.p(at, 3), Word.i(at, 4), Word.i(at, 5),
        Word.i(at, 6), Word.i(at, 7), Word.i(at, 8), Word.i(at, 9), thread, threads,
      );
      break;
    case Op.columnDots:
      columnDots(
        Word.p(at, 0), Word.p(at, 1), Word.i(at, 2), Word.p(at, 3), Word.i(at, 4), Word.i(at, 5),
        Word.i(at, 6), Word.i(at, 7), thread, threads,
      );
      break;
    case Op.convolve:
      convolve(
        Word.p(at, 0), Word.p(at, 1), Word.p(at, 2), Word.p(at, 3), Word.p(at, 4) + own, Word.i(at, 5), Word.i(at, 6),
        Word.f(at, 7), Word.i(at, 8), at + 36, thread, threads,
      );
      break;
    case Op.convolveFilter:
      convolveFilter(
        Word.p(at, 0), Word.p(at, 1), Word.p(at, 2), Word.p(at, 3) + own, Word.i(at, 4), Word.i(at, 5), at + 24,
        thread, threads,
      );
      break;
    case Op.dropRows:
      dropRows(
        Word.p(at, 0), Word.p(at, 1), Word.p(at, 2), Word.p(at, 3), Word.i(at, 4), Word.i(at, 5), thread, threads,
      );
      break;
    case Op.embed:
      embed(Word.p(at, 0), Word.p(at, 1), Word.p(at, 2), Word.i(at, 3), Word.i(at, 4), Word.i(at, 5), thread, threads);
      break;
    case Op.embedBackward:
      embedBackward(
        Word.p(at, 0), Word.p(at, 1), Word.p(at, 2), Word.i(at, 3), Word.i(at, 4), Word.i(at, 5), Word.i(at, 6),
        Word.i(at, 7), thread, threads,
      );
      break;
    case Op.maskOfTokens:
      maskOfTokens(Word.p(at, 0), Word.p(at, 1), Word.i(at, 2), thread, threads);
      break;
    case Op.attention:
      attention(
        Word.p(at, 0), // o
        Word.p(at, 1), Word.i(at, 2), // q
        Word.p(at, 3), Word.p(at, 4), Word.i(at, 5), // k, v
        Word.p(at, 6), Word.p(at, 7), Word.i(at, 8), Word.p(at, 9) + own, // mask, saved, workspace
        Word.i(at, 10), Word.i(at, 11), Word.i(at, 12), Word.i(at, 13), Word.i(at, 14), // sizes
        Word.i(at, 15), Word.f(at, 16), Word.f(at, 17), <u32>Word.i(at, 18), <u32>Word.i(at, 19), // causal to key
        Word.i(at, 20), load<u32>(state, State.step), thread, threads, // tile
      );
      break;
    case Op.attentionBackward:
      attentionBackward(
        Word.p(at, 0), Word.i(at, 1), // dq
        Word.p(at, 2), Word.p(at, 3), Word.i(at, 4), // dk, dv
        Word.p(at, 5), // dout
        Word.p(at, 6), Word.i(at, 7), // q
        Word.p(at, 8), Word.p(at, 9), Word.i(at, 10), // k, v
        Word.p(at, 11), Word.p(at, 12), Word.i(at, 13), Word.p(at, 14) + own, // mask, saved, workspace
        Word.i(at, 15), Word.i(at, 16), Word.i(at, 17), Word.i(at, 18), Word.i(at, 19), // sizes
        Word.i(at, 20), Word.f(at, 21), Word.f(at, 22), <u32>Word.i(at, 23), <u32>Word.i(at, 24), // causal to key
        Word.i(at, 25), Word.i(at, 26), Word.i(at, 27), load<u32>(state, State.step), thread, threads, // tile, betas
      );
      break;
    case Op.copyColumns:
      copyColumns(
        Word.p(at, 0), Word.i(at, 1), Word.p(at, 2), Word.i(at, 3), Word.i(at, 4), Word.i(at, 5), Word.i(at, 6),
        thread, threads,
      );
      break;
    case Op.fillConstant:
      fillConstant(Word.p(at, 0), Word.i(at, 1), Word.f(at, 2), thread, threads);
      break;
    case Op.addBias:
      addBias(Word.p(at, 0), Word.p(at, 1), Word.p(at, 2), Word.i(at, 3), Word.i(at, 4), thread, threads);
      break;
    case Op.mul:
      mul(Word.p(at, 0), Word.p(at, 1), Word.p(at, 2), Word.i(at, 3), Word.i(at, 4), thread, threads);
      break;
    case Op.depthwise:
      depthwise(
        Word.p(at, 0), Word.p(at, 1), Word.p(at, 2), Word.p(at, 3), Word.p(at, 4) + own, Word.i(at, 5), Word.i(at, 6),
        Word.f(at, 7), at + 32, thread, threads,
      );
      break;
    case Op.depthwiseFilter:
      depthwiseFilter(
        Word.p(at, 0), Word.p(at, 1), Word.p(at, 2), Word.p(at, 3) + own, Word.i(at, 4), at + 20, thread, threads,
      );
      break;
    case Op.maxPool:
      maxPool(Word.p(at, 0), Word.p(at, 1), at + 8, thread, threads);
      break;
    case Op.maxPoolBackward:
      maxPoolBackward(
        Word.p(at, 0), Word.p(at, 1), Word.p(at, 2), Word.p(at, 3), Word.i(at, 4), at + 20, thread, threads,
      );
      break;
    case Op.averagePool:
      averagePool(Word.p(at, 0), Word.p(at, 1), at + 8, thread, threads);
      break;
    case Op.averagePoolBackward:
      averagePoolBackward(Word.p(at, 0), Word.p(at, 1), Word.i(at, 2), at + 12, thread, threads);
      break;
    case Op.upSample:
      upSample(
        Word.p(at, 0), Word.p(at, 1), Word.i(at, 2), Word.i(at, 3), Word.i(at, 4), Word.i(at, 5), Word.i(at, 6),
        Word.i(at, 7), Word.i(at, 8), thread, threads,
      );
      break;
    case Op.upSampleBackward:
      upSampleBackward(
        Word.p(at, 0), Word.p(at, 1), Word.i(at, 2), Word.i(at, 3), Word.i(at, 4), Word.i(at, 5), Word.i(at, 6),
        Word.i(at, 7), Word.i(at, 8), Word.i(at, 9), thread, threads,
      );
      break;
    case Op.pixelShuffle:
      pixelShuffle(
        Word.p(at, 0), Word.p(at, 1), Word.i(at, 2), Word.i(at, 3), Word.i(at, 4), Word.i(at, 5), Word.i(at, 6),
        Word.i(at, 7), Word.i(at, 8), thread, threads,
      );
      break;
    case Op.augment:
      augment(
        Word.p(at, 0), Word.p(at, 1), state, Word.i(at, 2), Word.i(at, 3), Word.i(at, 4), Word.i(at, 5), Word.i(at, 6),
        Word.i(at, 7), <u32>Word.i(at, 8), <u32>Word.i(at, 9), thread, threads,
      );
      break;
    case Op.weightRows:
      weightRows(
        Word.p(at, 0), Word.p(at, 1), Word.p(at, 2), Word.p(at, 3), Word.i(at, 4), Word.i(at, 5), Word.i(at, 6),
        thread, threads,
      );
      break;
    case Op.line:
      line(
        Word.p(at, 0), Word.p(at, 1), Word.f(at, 2), Word.f(at, 3), Word.i(at, 4), thread, threads,
      );
      break;
    case Op.addScalar:
      addScalar(
        Word.p(at, 0), Word.p(at, 1), Word.p(at, 2), Word.i(at, 3), thread, threads,
      );
      break;
    case Op.maskChannels:
      maskChannels(
        Word.p(at, 0), Word.p(at, 1), Word.p(at, 2), Word.f(at, 3), Word.i(at, 4), Word.i(at, 5), Word.i(at, 6),
        Word.i(at, 7), thread, threads,
      );
      break;
    case Op.randomBernoulli:
      randomBernoulli(
        Word.p(at, 0), Word.i(at, 1), Word.f(at, 2), <u32>Word.i(at, 3), <u32>Word.i(at, 4),
        load<u32>(state, State.step), thread, threads,
      );
      break;
    case Op.randomNormal:
      randomNormal(
        Word.p(at, 0), Word.i(at, 1), Word.f(at, 2), Word.f(at, 3), <u32>Word.i(at, 4), <u32>Word.i(at, 5),
        load<u32>(state, State.step), thread, threads,
      );
      break;
    case Op.lion:
      lion(
        Word.p(at, 0), Word.p(at, 1), Word.p(at, 2), Word.i(at, 3), Word.f(at, 4), Word.f(at, 5), Word.f(at, 6), state,
        thread, threads,
      );
      break;
    default:
      assert(false, "run: unknown opcode");
  }
}
