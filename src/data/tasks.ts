import type { Dataset } from "./dataset.ts";
import { createDataset } from "./dataset.ts";
import { RandomStream } from "./philox.ts";

// Sequences that only a memory can tell apart. Every draw is a function of (seed, row): the first rows of a larger set are a smaller one.

export interface TaskOptions {
  /** Times a row; in `copying` those between the symbols and the sign to repeat them. */
  readonly length?: number;
  /** Default 1000. */
  readonly rows?: number;
  /** Default 0. */
  readonly seed?: number;
}

/**
 * The adding problem (Hochreiter & Schmidhuber 1997; as in Le et al. 2015): at each time a number uniform in [0, 1) and a mark, 1 at
 * one time of each half and else 0; the target is the sum of the two marked numbers. Saying 1 always costs its variance, 1/6.
 */
export function adding(options: TaskOptions = {}): Dataset {
  const { length, rows, seed } = checked("adding", options, 50, 2);
  const draws = new RandomStream(seed, "adding");
  const inputs = new Float32Array(rows * length * 2);
  const targets = new Float32Array(rows);
  const half = Math.floor(length / 2);
  for (let row = 0; row < rows; row++) {
    const first = row * (length + 2);
    for (let t = 0; t < length; t++) {
      inputs[2 * (row * length + t)] = draws.uniform(first + t);
    }
    const marks = [
      Math.floor(draws.uniform(first + length) * half),
      half + Math.floor(draws.uniform(first + length + 1) * (length - half)),
    ];
    for (const t of marks) {
      inputs[2 * (row * length + t) + 1] = 1;
      targets[row]! += inputs[2 * (row * length + t)]!;
    }
  }
  return createDataset({ name: "adding", rows, shape: [length, 2], inputs, targets, classes: 0 });
}

/**
 * The latch problem (Bengio et al. 1994): the first number is +1 or -1, all others N(0, 0.3^2); the class is 1 where the first one was
 * +1. Default length 100.
 */
export function latch(options: TaskOptions = {}): Dataset {
  const { length, rows, seed } = checked("latch", options, 100, 1);
  const draws = new RandomStream(seed, "latch");
  const noise = new RandomStream(seed, "latch noise");
  const width = length + (length % 2); // pairs of normals stay in their row
  const inputs = new Float32Array(rows * length);
  const targets = new Int32Array(rows);
  for (let row = 0; row < rows; row++) {
    const label = draws.word(row) >>> 31;
    targets[row] = label;
    for (let t = 0; t < length; t++) {
      inputs[row * length + t] = t === 0 ? 2 * label - 1 : 0.3 * noise.normal(row * width + t);
    }
  }
  const shape = [length, 1];
  return createDataset({ name: "latch", rows, shape, inputs, targets, classes: 2 });
}

export interface CopyingOptions extends TaskOptions {
  /** Symbols there are. Default 8. */
  readonly symbols?: number;
  /** Symbols to remember. Default 10. */
  readonly span?: number;
}

/**
 * The copying problem (Hochreiter & Schmidhuber 1997; as in Arjovsky et al. 2016): `span` symbols, `length` blanks, the last of which is
 * the sign to repeat, `span` blanks; the targets are blanks, and at the last `span` times the symbols. Inputs are numbers [length + 2 span]:
 * 0 is the blank, 1 to `symbols` the symbols, `symbols + 1` the sign; a class a time. Without memory the loss is
 * `span ln(symbols) / (length + 2 span)`.
 */
export function copying(options: CopyingOptions = {}): Dataset {
  const { symbols = 8, span = 10, ...rest } = options;
  const { length, rows, seed } = checked("copying", rest, 100, 1);
  for (const [name, value] of Object.entries({ symbols, span })) {
    if (Number.isSafeInteger(value) && value > 0) continue;
    throw new RangeError(`copying: ${name} must be a whole number of at least 1, got ${value}`);
  }
  const draws = new RandomStream(seed, "copying");
  const width = length + 2 * span;
  const inputs = new Float32Array(rows * width);
  const targets = new Int32Array(rows * width);
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < span; i++) {
      const symbol = 1 + Math.floor((draws.word(row * span + i) * symbols) / 2 ** 32);
      inputs[row * width + i] = symbol;
      targets[row * width + span + length + i] = symbol;
    }
    inputs[row * width + span + length - 1] = symbols + 1;
  }
  const classes = symbols + 1;
  const shape = [width];
  return createDataset({
    name: "copying",
    rows,
    shape,
    inputs,
    targets,
    classes,
    targetWidth: width,
  });
}

function checked(where: string, options: TaskOptions, usual: number, least: number) {
  const { length = usual, rows = 1000, seed = 0 } = options;
  for (const [name, value, from] of [
    ["length", length, least],
    ["rows", rows, 1],
  ] as const) {
    if (Number.isSafeInteger(value) && value >= from) continue;
    throw new RangeError(
      `${where}: ${name} must be a whole number of at least ${from}, got ${value}`,
    );
  }
  return { length, rows, seed };
}
