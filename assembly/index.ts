// The ABI: everything a host may call, one line a file.
export { State, Status } from "./state";

// kernels/gemm

// kernels/activations

// kernels/binary

// kernels/reduce

// kernels/losses

// kernels/optim

// kernels/data

// kernels/init
export { fillConstant, fillIdentity, fillOrthogonal, orthogonalScratch } from "./kernels/init";
// kernels/random
export { randomNormal, randomTruncatedNormal } from "./kernels/normal";
export {
  dropout,
  permutation,
  philox,
  randomBernoulli,
  randomBits,
  randomUniform,
} from "./kernels/random";

// run

/** First free byte after the module's constant tables; the host's arena starts here. */
export function heapBase(): usize {
  return __heap_base;
}
