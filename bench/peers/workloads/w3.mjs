import { mlp } from "../mlp.mjs";

export const workload = mlp({
  title: "50 hidden layers x 128, tanh, softmax cross-entropy, batch 64, SGD",
  unit: "steps/s",
  widths: [64, ...Array(50).fill(128), 10],
  activation: "tanh",
  loss: "cross_entropy",
  batch: 64,
  checkSteps: 10,
  cases: [{ id: "sgd", name: "SGD", optimizer: { kind: "sgd", rate: 0.01 } }],
});
