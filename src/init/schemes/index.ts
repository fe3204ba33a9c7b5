import { BIASES } from "./biases.ts";
import { COMPAT } from "./compat.ts";
import { COMPLEX } from "./complex.ts";
import { CONSTANTS } from "./constants.ts";
import { FIXED_SCALE } from "./fixed-scale.ts";
import { ORTHOGONAL } from "./orthogonal.ts";
import { QUASI_RANDOM } from "./quasi-random.ts";
import { RECURRENT } from "./recurrent.ts";
import { ROTATIONS } from "./rotations.ts";
import type { Scheme } from "./scheme.ts";
import { SHAPES } from "./shapes.ts";
import { SPARSE } from "./sparse.ts";
import { STRUCTURED } from "./structured.ts";
import { VARIANCE_SCALING } from "./variance-scaling.ts";

/** Every scheme; a family is a file. */
export const SCHEMES: readonly Scheme[] = [
  ...CONSTANTS,
  ...FIXED_SCALE,
  ...QUASI_RANDOM,
  ...VARIANCE_SCALING,
  ...COMPLEX,
  ...ORTHOGONAL,
  ...ROTATIONS,
  ...SPARSE,
  ...RECURRENT,
  ...BIASES,
  ...STRUCTURED,
  ...SHAPES,
  ...COMPAT,
];
