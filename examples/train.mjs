// Trains a network on the digits in a plain Node script. In a clone: `npm ci && npm run build && node examples/train.mjs`.

import {
  adam,
  dense,
  flatten,
  loadDataset,
  Network,
  sequential,
  softmaxCrossEntropy,
} from "headstart";

const { train, test } = await loadDataset("digits");

const net = await Network.create({
  input: train.shape,
  body: sequential(
    flatten(), // 8 x 8 pixels to 64 numbers
    dense(128, { activation: "relu", kernelInitializer: "he_normal" }),
    dense(64, { activation: "relu", kernelInitializer: "he_normal" }),
    dense(10),
  ),
  loss: softmaxCrossEntropy(),
  optimizer: adam({ learningRate: 1e-3 }),
  seed: 1,
});
console.log(net.summary(), "\n");

for await (const { epoch, loss, validation } of net.fit(train, {
  epochs: 10,
  batchSize: 32,
  validation: test,
})) {
  if (validation) {
    const accuracy = (100 * validation.accuracy).toFixed(1);
    console.log(`epoch ${epoch}: loss ${loss.toFixed(4)}, test accuracy ${accuracy} %`);
  }
}
