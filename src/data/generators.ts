import type { Dataset } from "./dataset.ts";
import { createDataset, MAX_VALUES } from "./dataset.ts";
import { RandomStream } from "./philox.ts";
import { cosTurns, sinTurns } from "./portable-math.ts";

// Every draw is a pure function of (seed, row): the first rows of a larger set are a smaller set. All arithmetic is + - * / sqrt on
// doubles, so the bits are the same on every engine. Rows cycle through the classes: row i of a set with fixed classes has class i mod classes.

export interface GeneratorOptions {
  /** Default 1000. */
  readonly rows?: number;
  /** Standard deviation of the Gaussian noise that is added. */
  readonly noise?: number;
  /** Default 0. */
  readonly seed?: number;
}

export interface SpiralsOptions extends GeneratorOptions {
  /** Number of arms, one a class; default 2. */
  readonly classes?: number;
  /** How often an arm winds around the centre; default 1.5. */
  readonly turns?: number;
}

/**
 * Class c of k: `r (cos 2 pi a, sin 2 pi a)` with `r = 0.1 + 0.9 t`, `a = turns t + c / k`, `t = sqrt(U)`, plus noise (default 0.02).
 *
 * The square root makes the density along an arm nearly constant.
 */
export function spirals(options: SpiralsOptions = {}): Dataset {
  const { classes = 2, turns = 1.5 } = options;
  checkClasses("spirals", classes);
  if (!Number.isFinite(turns)) throw new RangeError(`spirals: turns must be finite, got ${turns}`);
  return planar("spirals", options, 0.02, classes, (i, uniform) => {
    const label = i % classes;
    const t = Math.sqrt(uniform(i));
    const radius = 0.1 + 0.9 * t;
    const angle = turns * t + label / classes;
    return { x: radius * cosTurns(angle), y: radius * sinTurns(angle), label };
  });
}

/** Two interleaved half circles: `(cos pi U, sin pi U)` and `(1 - cos pi U, 1/2 - sin pi U)`, plus noise (default 0.1). */
export function moons(options: GeneratorOptions = {}): Dataset {
  return planar("moons", options, 0.1, 2, (i, uniform) => {
    const label = i % 2;
    const angle = uniform(i) / 2;
    const x = cosTurns(angle);
    const y = sinTurns(angle);
    return label === 0 ? { x, y, label } : { x: 1 - x, y: 0.5 - y, label };
  });
}

export interface CirclesOptions extends GeneratorOptions {
  /** Number of rings, one a class; default 2. */
  readonly classes?: number;
}

/** Concentric rings: class c of k (default 2) lies on radius `(c + 1) / k`, plus noise (default 0.05). */
export function circles(options: CirclesOptions = {}): Dataset {
  const { classes = 2 } = options;
  checkClasses("circles", classes);
  return planar("circles", options, 0.05, classes, (i, uniform) => {
    const label = i % classes;
    const radius = (label + 1) / classes;
    const angle = uniform(i);
    return { x: radius * cosTurns(angle), y: radius * sinTurns(angle), label };
  });
}

/** Uniform on the square [-1, 1)^2; the class is 1 where x and y have different signs. Then noise (default 0) moves the point. */
export function xor(options: GeneratorOptions = {}): Dataset {
  return planar("xor", options, 0, 2, (i, uniform) => {
    const x = 2 * uniform(2 * i) - 1;
    const y = 2 * uniform(2 * i + 1) - 1;
    return { x, y, label: x < 0 === y < 0 ? 0 : 1 };
  });
}

export interface GaussiansOptions extends GeneratorOptions {
  /** Default 3; at most 2 a feature. */
  readonly classes?: number;
  /** Default 2. */
  readonly features?: number;
}

/**
 * One blob a class, `N(centre, noise^2 I)` (default noise 0.3): the centres are the unit vectors `e_1 … e_d, -e_1 … -e_d`, in this order.
 *
 * The best possible error is known: for two classes at a right angle it is `Phi(-1 / (sqrt(2) noise))`.
 */
export function gaussians(options: GaussiansOptions = {}): Dataset {
  const { rows, noise, seed } = resolve("gaussians", options, 0.3);
  const { classes = 3, features = 2 } = options;
  checkWhole("gaussians", "features", features, 1);
  checkClasses("gaussians", classes);
  if (classes > 2 * features) {
    throw new RangeError(
      `gaussians: ${features} features have room for ${2 * features} classes, got ${classes}`,
    );
  }
  checkSize("gaussians", rows, features);
  const random = new RandomStream(seed, "gaussians");
  const inputs = new Float32Array(rows * features);
  const targets = Int32Array.from({ length: rows }, (_, i) => i % classes);
  for (let i = 0; i < rows; i++) {
    const label = targets[i]!;
    for (let j = 0; j < features; j++) {
      const centre = j === label % features ? (label < features ? 1 : -1) : 0;
      inputs[i * features + j] = centre + noise * random.normal(i * features + j);
    }
  }
  return createDataset({ name: "gaussians", rows, shape: [features], inputs, targets, classes });
}

export interface TeacherOptions extends GeneratorOptions {
  /** Default 4; 0 for regression. */
  readonly classes?: number;
  /** Default 16. */
  readonly features?: number;
  /** Hidden units of the teacher; default 32. */
  readonly hidden?: number;
  /** Regression: outputs of the teacher; default 1. */
  readonly outputs?: number;
}

/**
 * What a random network teaches: `x ~ N(0, I)`, `z = W2 relu(W1 x) + noise n` (default noise 0), weights `N(0, 2 / fan-in)`.
 *
 * Classification: the target is the index of the largest `z`, so classes may differ in size. Regression (`classes: 0`): the target is `z`.
 */
export function teacher(options: TeacherOptions = {}): Dataset {
  const { rows, noise, seed } = resolve("teacher", options, 0);
  const { classes = 4, features = 16, hidden = 32, outputs = 1 } = options;
  checkWhole("teacher", "features", features, 1);
  checkWhole("teacher", "hidden", hidden, 1);
  checkWhole("teacher", "outputs", outputs, 1);
  if (classes !== 0) checkClasses("teacher", classes);
  const width = classes === 0 ? outputs : classes;
  checkSize("teacher", rows, Math.max(features, width));
  checkSize("teacher", hidden, Math.max(features, width));

  const w1 = heWeights(new RandomStream(seed, "teacher/w1"), hidden, features);
  const w2 = heWeights(new RandomStream(seed, "teacher/w2"), width, hidden);
  const x = new RandomStream(seed, "teacher/x");
  const n = new RandomStream(seed, "teacher/noise");
  const inputs = Float32Array.from({ length: rows * features }, (_, i) => x.normal(i));
  const targets = classes === 0 ? new Float32Array(rows * width) : new Int32Array(rows);
  for (let i = 0; i < rows; i++) {
    const h = multiply(w1, inputs.subarray(i * features, (i + 1) * features));
    const z = multiply(
      w2,
      h.map((value) => (value > 0 ? value : 0)),
    );
    for (let j = 0; j < width; j++) z[j]! += noise * n.normal(i * width + j);
    if (classes === 0) targets.set(z, i * width);
    else targets[i] = largest(z);
  }
  const shape = [features];
  const targetWidth = classes === 0 ? width : 1;
  return createDataset({ name: "teacher", rows, shape, inputs, targets, classes, targetWidth });
}

interface Point {
  readonly x: number;
  readonly y: number;
  readonly label: number;
}

/** A set of points in the plane, one a row, each moved by isotropic noise. */
function planar(
  name: string,
  options: GeneratorOptions,
  defaultNoise: number,
  classes: number,
  pointOf: (row: number, uniform: (index: number) => number) => Point,
): Dataset {
  const { rows, noise, seed } = resolve(name, options, defaultNoise);
  checkSize(name, rows, 2);
  const place = new RandomStream(seed, name);
  const jitter = new RandomStream(seed, `${name}/noise`);
  const uniform = (index: number) => place.uniform(index);
  const inputs = new Float32Array(rows * 2);
  const targets = new Int32Array(rows);
  for (let i = 0; i < rows; i++) {
    const { x, y, label } = pointOf(i, uniform);
    inputs[2 * i] = x + noise * jitter.normal(2 * i);
    inputs[2 * i + 1] = y + noise * jitter.normal(2 * i + 1);
    targets[i] = label;
  }
  const featureNames = ["x", "y"];
  return createDataset({ name, rows, shape: [2], inputs, targets, classes, featureNames });
}

function resolve(
  name: string,
  { rows = 1000, noise, seed = 0 }: GeneratorOptions,
  defaultNoise: number,
): Required<GeneratorOptions> {
  checkWhole(name, "rows", rows, 1);
  const resolved = noise ?? defaultNoise;
  if (!(resolved >= 0 && Number.isFinite(resolved))) {
    throw new RangeError(
      `${name}: noise must be a finite number that is not negative, got ${noise}`,
    );
  }
  return { rows, noise: resolved, seed };
}

function checkClasses(name: string, classes: number): void {
  checkWhole(name, "classes", classes, 2);
}

function checkWhole(name: string, option: string, value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  throw new RangeError(
    `${name}: ${option} must be a whole number of at least ${least}, got ${value}`,
  );
}

function checkSize(name: string, rows: number, width: number): void {
  if (rows * width <= MAX_VALUES) return;
  throw new RangeError(`${name}: at most ${MAX_VALUES} values fit, got ${rows} x ${width}`);
}

function heWeights(random: RandomStream, rows: number, fanIn: number): Float64Array[] {
  const std = Math.sqrt(2 / fanIn);
  return Array.from({ length: rows }, (_, i) =>
    Float64Array.from({ length: fanIn }, (_, j) => std * random.normal(i * fanIn + j)),
  );
}

/** Sums from left to right: the order is part of the bits. */
function multiply(w: readonly Float64Array[], x: ArrayLike<number>): Float64Array {
  return Float64Array.from(w, (row) => row.reduce((sum, weight, j) => sum + weight * x[j]!, 0));
}

/** Index of the largest value, the first of equals. */
function largest(z: Float64Array): number {
  return z.reduce((best, value, j) => (value > z[best]! ? j : best), 0);
}
