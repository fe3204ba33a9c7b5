import { mlp } from "../mlp.mjs";

export const workload = mlp({
  title: "2-16-16-1, tanh, linear output, squared error, batch 32, SGD",
  unit: "steps/s",
  widths: [2, 16, 16, 1],
  activation: "tanh",
  loss: "mse",
  batch: 32,
  checkSteps: 100,
  cases: [{ id: "sgd", name: "SGD", optimizer: { kind: "sgd", rate: 0.05 } }],
});
