import type { Ref } from "../graph/buffer.ts";
import { Buffer, float, ref } from "../graph/buffer.ts";
import type { Tape } from "../graph/tape.ts";
import type { Tensor } from "../graph/tensor.ts";

/** Where a loss writes the loss and the hit of each row (`lossRows` of them); a hit of -1 says that the row does not count. */
export interface RowResults {
  readonly losses: Ref;
  readonly hits: Ref;
}

/** A loss is a description: it says what targets it wants and emits one kernel for value and gradient. */
export interface Loss {
  readonly kind: string;
  readonly config: { readonly [option: string]: number | string | readonly number[] };
  /**
   * `classes`: one class index a position, the outputs being [.., classes], and -1 where there is nothing to learn; `values`: as many
   * numbers a row as the network has outputs.
   */
  readonly targets: "classes" | "values";
  /** Whether a hit means something: then the metrics have an accuracy. */
  readonly hasAccuracy: boolean;
  readonly build: (tape: Tape, outputs: Tensor, targets: Ref, results: RowResults) => void;
}

/** Over how many rows a loss takes its mean: positions, where each has a class of its own or a mask tells which count; else examples. */
export function lossRows({ targets }: Pick<Loss, "targets">, y: Tensor): number {
  if (targets === "classes") return y.size / (y.shape.at(-1) ?? 1);
  return y.mask?.size ?? y.shape[0] ?? 1;
}

/**
 * Mean over the batch of `-log softmax(logits)[label]`, one class index a row. Outputs of a higher rank, `[.., classes]`, have a class at
 * each position, and the mean is over the positions that count: those whose class is not -1 and which no mask leaves out.
 *
 * With label smoothing s the target is `(1 - s) onehot + s / classes` (Szegedy et al. 2016, section 7).
 */
export function softmaxCrossEntropy({
  labelSmoothing = 0,
  classWeights,
}: {
  labelSmoothing?: number;
  /** Factor of the loss of a row, by its class: the mean stays over the rows. `balancedWeights` makes rare classes count as much. */
  classWeights?: readonly number[];
} = {}): Loss {
  checkWeights("softmaxCrossEntropy", classWeights);
  if (!(labelSmoothing >= 0 && labelSmoothing < 1)) {
    throw new RangeError(
      `softmaxCrossEntropy: labelSmoothing must be at least 0 and below 1, got ${labelSmoothing}`,
    );
  }
  return {
    kind: "softmax_cross_entropy",
    config: { labelSmoothing, ...(classWeights && { classWeights: [...classWeights] }) },
    targets: "classes",
    hasAccuracy: true,
    build(tape, y, targets, { losses, hits }) {
      const { rows, cols } = matrix(this, y);
      const gradient = gradientOf(tape, y);
      const scale = float(1 / rows);
      const sizes = [rows, cols, float(labelSmoothing), scale] as const;
      tape.emit("softmaxCrossEntropy", losses, hits, gradient, y.data, targets, ...sizes);
      weigh(tape, classWeights, { losses, gradient, targets, rows, cols, classes: cols });
      if (y.shape.length > 2) dropRows(tape, y, gradient, rows, { losses, hits });
    },
  };
}

/** Mean over rows and columns of `-(t log sigmoid(x) + (1 - t) log(1 - sigmoid(x)))`, from logits. */
export function binaryCrossEntropy({
  classWeights,
}: {
  /** Factors of the loss of a row of class 0 (target at most 0.5) and of class 1, for one logit a row. */
  classWeights?: readonly number[];
} = {}): Loss {
  checkWeights("binaryCrossEntropy", classWeights);
  const plain = elementwise("binary_cross_entropy", "bceWithLogits", true);
  if (classWeights === undefined) return plain;
  return {
    ...plain,
    config: { classWeights: [...classWeights] },
    build(tape, y, targets, results) {
      plain.build(tape, y, targets, results);
      const { rows, cols } = matrix(this, y);
      if (cols !== 1) {
        throw new RangeError(
          `binaryCrossEntropy: classWeights want one logit a row, but the network has ${cols}`,
        );
      }
      // The gradient is there already: asking again gives its place, to be added to.
      const gradient = gradientOf(tape, y);
      const { losses } = results;
      weigh(tape, classWeights, { losses, gradient, targets, rows, cols, classes: 2 });
    },
  };
}

/** Mean over rows and columns of `(y - t)^2`. */
export function meanSquaredError(): Loss {
  return elementwise("mean_squared_error", "meanSquaredError", false);
}

/** Mean over rows and columns of `|y - t|`, gradient 0 where they are equal. */
export function meanAbsoluteError(): Loss {
  return elementwise("mean_absolute_error", "meanAbsoluteError", false);
}

/** Mean of `d^2 / 2` where `|d| <= delta`, else `delta (|d| - delta / 2)`, d = y - t (Huber 1964; PyTorch's HuberLoss). */
export function huber({ delta = 1 }: { delta?: number } = {}): Loss {
  if (!(delta > 0 && Number.isFinite(delta))) {
    throw new RangeError(`huber: delta must be positive and finite, got ${delta}`);
  }
  return elementwise("huber", "huber", false, { delta });
}

/** The loss that `{ kind, ...config }` described. */
export function lossFromConfig({
  kind,
  ...config
}: {
  kind: string;
  [option: string]: unknown;
}): Loss {
  switch (kind) {
    case "softmax_cross_entropy":
      return softmaxCrossEntropy(config);
    case "binary_cross_entropy":
      return binaryCrossEntropy(config);
    case "mean_squared_error":
      return meanSquaredError();
    case "mean_absolute_error":
      return meanAbsoluteError();
    case "huber":
      return huber(config);
    default:
      throw new TypeError(`loss: there is no loss "${kind}"`);
  }
}

function elementwise(
  kind: string,
  op: string,
  hasAccuracy: boolean,
  config: Readonly<Record<string, number>> = {},
): Loss {
  return {
    kind,
    config,
    targets: "values",
    hasAccuracy,
    build(tape, y, targets, { losses, hits }) {
      const { rows, cols } = matrix(this, y);
      const parameters = Object.values(config).map(float);
      const scale = float(1 / (rows * cols));
      const gradient = gradientOf(tape, y);
      tape.emit(op, losses, hits, gradient, y.data, targets, rows, cols, ...parameters, scale);
      if (y.mask !== undefined) dropRows(tape, y, gradient, rows, { losses, hits });
    },
  };
}

function matrix(loss: Pick<Loss, "targets">, y: Tensor): { rows: number; cols: number } {
  const rows = lossRows(loss, y);
  return { rows, cols: y.size / rows };
}

/** Leaves out the rows that a mask or a class of -1 says do not count: the mean is over the others. */
function dropRows(
  tape: Tape,
  { mask, size }: Tensor,
  gradient: Ref | 0,
  rows: number,
  { losses, hits }: RowResults,
): void {
  if (mask !== undefined && mask.size !== rows) {
    throw new RangeError(
      `loss: the mask is for ${mask.size / tape.batch} positions an example, the outputs have ${rows / tape.batch}`,
    );
  }
  tape.emit("dropRows", losses, hits, gradient, mask?.data ?? 0, rows, size / rows);
}

/** A loss writes its gradient first, before any backward call; evaluation wants none. */
function gradientOf(tape: Tape, y: Tensor): Ref | 0 {
  return tape.training ? (tape.addGrad(y)?.at ?? 0) : 0;
}

function checkWeights(where: string, weights: readonly number[] | undefined): void {
  const wrong = weights?.findIndex((w) => !(w >= 0 && Number.isFinite(w))) ?? -1;
  if (wrong < 0) return;
  throw new RangeError(
    `${where}: classWeights must be finite and not negative, got ${weights![wrong]} for class ${wrong}`,
  );
}

/** Multiplies the losses of the rows, and their gradients, by the weights of their classes. */
function weigh(
  tape: Tape,
  weights: readonly number[] | undefined,
  at: {
    readonly losses: Ref;
    readonly gradient: Ref | 0;
    readonly targets: Ref;
    readonly rows: number;
    readonly cols: number;
    readonly classes: number;
  },
): void {
  if (weights === undefined) return;
  const { losses, gradient, targets, rows, cols, classes } = at;
  if (weights.length !== classes) {
    throw new RangeError(
      `loss: expected ${classes} classWeights, one for each class, got ${weights.length}`,
    );
  }
  const { arena } = tape.core;
  const place = arena.allocate(4 * classes, "class weights");
  arena.f32(place, classes).set(weights);
  const table = ref(new Buffer("class weights", 4 * classes, place));
  const isValue = cols === 1 && classes === 2 ? 1 : 0;
  tape.emit("weightRows", losses, gradient, targets, table, rows, cols, isValue);
}
