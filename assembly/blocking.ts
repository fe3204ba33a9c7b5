/**
 * The tuning surface of gemm, and nothing else. MR is the height of the micro-kernels (scripts/generate-microkernels.mjs), whose
 * width, the tile, is an operand; a kc x tile sliver of B stays in L1, an MC x KC block of A in L2.
 */
export const MR: i32 = 6;
export const KC: i32 = 384;
export const MC: i32 = 120;
export const NC: i32 = 2048;

/** From here on copying A into slivers repays: its rows are then read once for each of n / tile slivers of B. */
export const PACK_A_FROM_N: i32 = 256;
/** From here on copying B repays: it is read once for each of m / MR slivers of A. */
export const PACK_B_FROM_M: i32 = 192;
/** Up to here `A B'` is done as `(B A')'`: packing the m x k operand costs less than transposing the n x k one. */
export const SWAP_UP_TO_M: i32 = 128;
