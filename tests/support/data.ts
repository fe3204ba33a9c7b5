import type { Dataset } from "../../src/data/index.ts";
import { createDataset } from "../../src/data/index.ts";
import { random } from "./random.ts";

/** Gaussian-like blobs, one a class, far enough apart to learn: `rows` x `width`. */
export function blobs(rows: number, width: number, classes: number, seed = 1): Dataset {
  const next = random(seed);
  const centres = Float32Array.from({ length: classes * width }, () => next() * 4 - 2);
  const targets = Int32Array.from({ length: rows }, (_, i) => i % classes);
  const inputs = Float32Array.from({ length: rows * width }, (_, i) => {
    const label = targets[Math.floor(i / width)]!;
    return centres[label * width + (i % width)]! + next() + next() - 1;
  });
  return createDataset({ name: "blobs", rows, shape: [width], inputs, targets, classes });
}

/** `targets = A inputs + noise`, for regression. */
export function linear(rows: number, width: number, outputs: number, seed = 1): Dataset {
  const next = random(seed);
  const a = Float32Array.from({ length: width * outputs }, () => next() * 2 - 1);
  const inputs = Float32Array.from({ length: rows * width }, () => next() * 2 - 1);
  const targets = new Float32Array(rows * outputs);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < outputs; j++) {
      let sum = 0.01 * next();
      for (let k = 0; k < width; k++) sum += inputs[i * width + k]! * a[k * outputs + j]!;
      targets[i * outputs + j] = sum;
    }
  }
  return createDataset({
    name: "linear",
    rows,
    shape: [width],
    inputs,
    targets,
    classes: 0,
    targetWidth: outputs,
  });
}
