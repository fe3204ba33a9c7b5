import type { Dataset } from "./dataset.ts";
import { select } from "./dataset.ts";
import { permutation, RandomStream } from "./philox.ts";

export interface SplitOptions {
  /** Below 1 the fraction of the rows that train, rounded to whole rows; from 1 on, their number. Default 0.8. */
  readonly train?: number;
  /** Default 0. */
  readonly seed?: number;
}

export interface Split {
  readonly train: Dataset;
  readonly test: Dataset;
}

/** The rule in one sentence, for manifests and reports. */
export const SPLIT_RULE =
  'rows in the order of Fisher-Yates over Philox4x32-10 words of stream (seed, "split"); the first `train` rows train, the rest test';

/**
 * Two disjoint parts that together are all rows: a pure function of the number of rows, `train` and `seed`.
 *
 * Both parts are shuffled, so the first rows of either are a random sample of it. The split is not stratified.
 */
export function split(dataset: Dataset, options: SplitOptions = {}): Split {
  const { train = 0.8, seed = 0 } = options;
  const { rows, name } = dataset;
  const trainRows = train < 1 ? Math.round(rows * train) : train;
  if (!Number.isInteger(trainRows) || trainRows < 1 || trainRows >= rows) {
    throw new RangeError(
      `split: train must leave rows on both sides of the ${rows} of ${name} ` +
        `(a fraction below 1, or a whole number from 1 to ${rows - 1}), got ${train}`,
    );
  }
  const order = permutation(rows, new RandomStream(seed, "split"));
  return {
    train: select(dataset, order.subarray(0, trainRows)),
    test: select(dataset, order.subarray(trainRows)),
  };
}
