// The latch task: a sequence begins with +1 or -1, noise follows, and at the end the network must say which it was. An LSTM whose forget
// gate starts open (bias 1) learns it over 100 steps; one whose gate starts half closed (bias 0) gets no gradient from so far back.
// In a clone: `npm ci && npm run build && node examples/latch.mjs`.

import {
  adam,
  createDataset,
  dense,
  lstm,
  Network,
  sequential,
  softmaxCrossEntropy,
} from "headstart";

const [STEPS, UNITS, BATCH, MOST] = [100, 32, 32, 600];

for (const unitForgetBias of [true, false]) {
  for (const seed of [1, 2, 3]) {
    const net = await Network.create({
      input: [STEPS, 1],
      body: sequential(lstm(UNITS, { unitForgetBias }), dense(2)),
      loss: softmaxCrossEntropy(),
      optimizer: adam({ learningRate: 3e-3, clipNorm: 1 }),
      seed,
    });
    const { solved, accuracy } = await train(net, latch(BATCH * MOST, seed));
    const outcome = solved
      ? `95 % after ${solved} batches`
      : `${(100 * accuracy).toFixed(0)} % after ${MOST} batches`;
    console.log(`forget bias ${Number(unitForgetBias)}, seed ${seed}: ${outcome}`);
  }
}

/** Trains until 30 batches in a row are right to 95 %. */
async function train(net, data) {
  const last = [];
  let step = 0;
  const mean = () => last.reduce((sum, x) => sum + x, 0) / last.length;
  for await (const { accuracies } of net.fit(data, { batchSize: BATCH, tickMilliseconds: 20 })) {
    for (const accuracy of accuracies) {
      step++;
      last.push(accuracy);
      if (last.length > 30) last.shift();
      if (last.length === 30 && mean() > 0.95) return { solved: step, accuracy: mean() };
    }
  }
  return { accuracy: mean() };
}

/** Sequences [STEPS, 1]: ±1, then Gaussian noise of standard deviation 0.3. */
function latch(rows, seed) {
  const random = mulberry32(seed);
  const targets = Int32Array.from({ length: rows }, () => Math.floor(2 * random()));
  const inputs = Float32Array.from({ length: rows * STEPS }, (_, i) => {
    if (i % STEPS === 0) return 2 * targets[i / STEPS] - 1;
    return 0.3 * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  });
  return createDataset({ name: "latch", rows, shape: [STEPS, 1], inputs, targets, classes: 2 });
}

function mulberry32(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  };
}
