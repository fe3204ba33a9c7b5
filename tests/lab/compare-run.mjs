// Prints two comparisons of the compiled library, in this thread and on two workers, as one line of JSON each.

import { loadDataset, standardiser } from "../../dist/data/index.js";
import { compare } from "../../dist/lab/index.js";

const { train, test, manifest } = await loadDataset("digits");
const standard = standardiser(train);
const data = { train: standard.apply(train), test: standard.apply(test), sha256: manifest.sha256 };
const config = {
  depth: 4,
  width: 16,
  activation: "relu",
  schemes: ["he_normal", "zeros", "standard_normal"],
  optimizer: "momentum",
  learningRate: "auto",
  steps: 40,
  batchSize: 50,
  seeds: [1, 2],
  variant: "simd",
};
for (const workers of [1, 2]) {
  const { seconds, ...comparison } = await compare(config, data, { workers });
  console.log(JSON.stringify(comparison));
}
