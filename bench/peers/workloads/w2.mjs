import { mlp } from "../mlp.mjs";

export const workload = mlp({
  title: "MLP 784-512-256-10, relu, softmax cross-entropy, batch 128",
  unit: "samples/s",
  widths: [784, 512, 256, 10],
  activation: "relu",
  loss: "cross_entropy",
  batch: 128,
  checkSteps: 20,
  cases: [
    { id: "sgd", name: "SGD", optimizer: { kind: "sgd", rate: 0.1 } },
    { id: "adam", name: "Adam", optimizer: { kind: "adam", rate: 1e-3 } },
  ],
});
