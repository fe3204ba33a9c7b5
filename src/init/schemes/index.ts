import { COMPAT } from "./compat.ts";
import { CONSTANTS } from "./constants.ts";
import { FIXED_SCALE } from "./fixed-scale.ts";
import { ORTHOGONAL } from "./orthogonal.ts";
import type { Scheme } from "./scheme.ts";
import { VARIANCE_SCALING } from "./variance-scaling.ts";

/** Every scheme; a family is a file. */
export const SCHEMES: readonly Scheme[] = [
  ...CONSTANTS,
  ...FIXED_SCALE,
  ...VARIANCE_SCALING,
  ...ORTHOGONAL,
  ...COMPAT,
];
