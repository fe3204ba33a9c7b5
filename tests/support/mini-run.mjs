// Trains two small networks for 100 steps on the `simd` variant with the built library and prints the SHA-256 of their
// initial and final weights: golden bits, the same on every engine. Run by tests/determinism.test.ts.

import { createHash } from "node:crypto";
import {
  adamw,
  cosineDecay,
  createDataset,
  dense,
  dropout,
  meanSquaredError,
  momentum,
  Network,
  prelu,
  residual,
  sequential,
} from "headstart";

const ACTIVATIONS = ["tanh", "gelu", "silu", "mish", "softplus", "elu", "sigmoid", "sin"];
const SCHEMES = [
  "he_normal",
  "glorot_uniform",
  "orthogonal",
  "truncated_normal:std=0.3",
  "identity",
];

let state = 7;
const next = () => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 31 - 1;
};
const rows = 150;
const inputs = Float32Array.from({ length: rows * 9 }, next);
const shape = [9];
const classes = createDataset({
  ...{ name: "classes", rows, shape, inputs, classes: 4 },
  targets: Int32Array.from({ length: rows }, (_, i) => i % 4),
});
const values = createDataset({
  ...{ name: "values", rows, shape, inputs, classes: 0, targetWidth: 3 },
  targets: Float32Array.from({ length: rows * 3 }, next),
});

const deep = sequential(
  ...ACTIVATIONS.map((activation, i) =>
    dense(17, { activation, kernelInitializer: SCHEMES[i % SCHEMES.length] }),
  ),
  residual(sequential(dense(17, { activation: "relu" }), dropout(0.25))),
  prelu(),
  dense(4),
);
const first = await Network.create({
  ...{ input: shape, body: deep, seed: 3, variant: "simd" },
  optimizer: adamw({ learningRate: 0.01, schedule: cosineDecay(80, { warmup: 10 }), clipNorm: 1 }),
});
const second = await Network.create({
  ...{
    input: shape,
    body: sequential(dense(31, { activation: "relu" }), dense(3)),
    seed: 4,
    variant: "simd",
  },
  ...{ loss: meanSquaredError(), optimizer: momentum({ learningRate: 0.05 }) },
});

const hashes = {};
for (const [name, network, data] of [
  ["deep", first, classes],
  ["shallow", second, values],
]) {
  hashes[`${name} initial`] = hashOf(network);
  for await (const { state: ending, divergence } of network.fit(data, {
    steps: 100,
    batchSize: 32,
  })) {
    if (ending === "diverged") throw new Error(JSON.stringify(divergence));
  }
  hashes[`${name} trained`] = hashOf(network);
}
console.log(JSON.stringify(hashes));

function hashOf(network) {
  const hash = createHash("sha256");
  for (const { name } of network.parameters)
    hash.update(new Uint8Array(network.weights(name).buffer));
  return hash.digest("hex").slice(0, 32);
}
