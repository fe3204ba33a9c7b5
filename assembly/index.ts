// The ABI: everything a host may call, one line a file.

// kernels/activations
export { Activation } from "./kernels/activations";

// kernels/gemm
export { gemm, gemmWorkspace } from "./kernels/gemm";
// Exported so that binaryen keeps each a function of its own: inlined into their selector they spill.
export * from "./kernels/microkernels";
export { State, Status } from "./state";

// kernels/binary

// kernels/reduce

// kernels/losses

// kernels/optim

// kernels/data

// kernels/random

// kernels/init

// run
// export run here

/** First free byte after the module's constant tables; the host's arena starts here. */
export function heapBase(): usize {
  return __heap_base;
}
