/**
 * The tuning surface of gemm, and nothing else. A micro-kernel (scripts/generate-microkernels.mjs) makes MR rows of C; its width, the
 * tile, is an operand. B is cut into slivers NR wide, which serve a tile of 16 once and a tile of 8 twice. A kc x NR sliver of
 * B stays in L1, an MC x KC block of A in L2.
 *
 * MR: V8 leaves 15 registers. 6 rows take 12 sums, 2 of B and 1 of A; a product that is rounded before it is added needs one more,
 * so without the fused multiply-add 5 rows are twice as fast on CPUs that multiply and add side by side (60 against 34
 * GFLOP/s on Zen 5), and no slower on others.
 */
export const MR: i32 = ASC_FEATURE_RELAXED_SIMD ? 6 : 5;
export const NR: i32 = 16;
export const KC: i32 = 384;
export const MC: i32 = 120;
export const NC: i32 = 2048;

/** From here on copying A into slivers repays: its rows are then read once for each of n / NR slivers of B. */
export const PACK_A_FROM_N: i32 = 256;
/** From here on copying B repays: it is read once for each of m / MR slivers of A. */
export const PACK_B_FROM_M: i32 = 96;
/** Up to here `A B'` is done as `(B A')'`: packing the m x k operand costs less than transposing the n x k one. */
export const SWAP_UP_TO_M: i32 = 256;
/** Up to here rows of C are made in one go: a micro-kernel's start and end cost more than so few products. */
export const OUTER_UP_TO_K: i32 = 4;
