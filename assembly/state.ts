/**
 * Byte offsets into the state block: the only values of a plan that change from step to step.
 * JavaScript reads the offsets off the module, so they are written down once.
 */
export enum State {
  /** i32: optimiser steps done. */
  step = 0,
  /** i32: a `Status`. */
  status = 4,
  /** f32: the learning rate of this step, after the schedule. */
  learningRate = 8,
  /** f32: the learning rate the user set. */
  baseRate = 12,
  /** f32: what the optimiser multiplies gradients by (global-norm clipping), else 1. */
  gradientScale = 16,
  /** f32: global norm of the gradients, when clipping measures it. */
  gradientNorm = 20,
  /** f32: mean loss of the last batch. */
  loss = 24,
  /** i32: epoch whose permutation `permutation` holds, -1 when none. */
  permutationEpoch = 28,
  /** f64: sums since JavaScript last cleared them: loss times rows, correct rows, rows. */
  lossSum = 32,
  correctSum = 40,
  rowsSeen = 48,
  /** i32 and addresses: the resident training set. */
  rows = 56,
  inputs = 60,
  targets = 64,
  permutation = 68,
  /** u32 x 2: Philox key of the shuffling stream. */
  shuffleKey = 72,
  /** Address and length (a power of two) of two rings of f32, one behind the other: loss and accuracy of each step's batch. */
  history = 80,
  historyLength = 84,
  /** The schedule: i32 kind, i32 warm-up steps, i32 total (or step) length, f32 factor (or floor). */
  scheduleKind = 88,
  scheduleWarmup = 92,
  scheduleLength = 96,
  scheduleFactor = 100,
  /** i32: rows of a full batch, which divides an epoch into steps. */
  batchSize = 104,
  /** i32: the step at which training on this set with this batch size began: its epochs are counted from there. */
  firstStep = 108,
  /** Size of the block in bytes. */
  size = 128,
}

/** Why a run stopped before its last step. */
export enum Status {
  running = 0,
  /** The loss was not finite: the step was abandoned before its update. */
  lossNotFinite = 1,
  /** A parameter was not finite after its update. */
  updateNotFinite = 2,
}
