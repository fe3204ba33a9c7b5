// Trains a convolutional network on Fashion-MNIST, four IDX files as Debian's package dataset-fashion-mnist installs them. In a clone:
// `npm ci && npm run build && node examples/fashion-mnist.mjs [folder] [epochs]`.

import * as fs from "node:fs";
import {
  adam,
  conv2d,
  dense,
  dropout,
  flatten,
  idxDataset,
  input,
  maxPool2d,
  Network,
  sequential,
  softmaxCrossEntropy,
} from "headstart";

const folder = process.argv[2] ?? "/usr/share/datasets/fashion-mnist";
const epochs = Number(process.argv[3] ?? 5);
const read = (name) => fs.readFileSync(`${folder}/${name}-ubyte.gz`);
const train = idxDataset(read("train-images-idx3"), read("train-labels-idx1"));
const test = idxDataset(read("t10k-images-idx3"), read("t10k-labels-idx1"));

const window = { kernelSize: 3, padding: "same", activation: "relu" };
const net = await Network.create({
  input: train.shape, // 28 x 28
  body: sequential(
    input([28, 28, 1]), // one channel
    conv2d({ filters: 16, ...window }),
    maxPool2d(),
    conv2d({ filters: 32, ...window }),
    maxPool2d(),
    flatten(),
    dropout(0.2),
    dense(10),
  ),
  loss: softmaxCrossEntropy(),
  optimizer: adam({ learningRate: 2e-3 }),
  seed: 1,
});
console.log(net.summary(), "\n");

const start = performance.now();
for await (const { epoch, loss, validation } of net.fit(train, {
  epochs,
  batchSize: 64,
  validation: test,
})) {
  if (validation) {
    const accuracy = (100 * validation.accuracy).toFixed(1);
    const seconds = ((performance.now() - start) / 1000).toFixed(0);
    console.log(
      `epoch ${epoch}: loss ${loss.toFixed(4)}, test accuracy ${accuracy} %, ${seconds} s`,
    );
  }
}
