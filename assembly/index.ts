// The ABI: everything a host may call, one line a file.
export { State, Status } from "./state";

// kernels/gemm

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
export { cos, erf, exp, log, sin } from "./math";

// kernels/binary

// kernels/reduce

// kernels/losses

// kernels/optim

// kernels/data

// kernels/random

// kernels/init

// run

/** First free byte after the module's constant tables; the host's arena starts here. */
export function heapBase(): usize {
  return __heap_base;
}
