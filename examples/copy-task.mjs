// A transformer of two layers learns to copy: it reads random words, and after a mark says them again in their order.
// In a clone: `npm ci && npm run build && node examples/copy-task.mjs`.

import {
  adam,
  createDataset,
  embedding,
  layerNorm,
  Network,
  positionalEmbedding,
  sequential,
  tiedDense,
  transformerEncoderBlock,
} from "headstart";

const WORDS = 8;
const LENGTH = 10;
const [MARK, VOCABULARY] = [WORDS, WORDS + 1];
const TIME = 2 * LENGTH;

/** Words, a mark, the words but the last; at each position after the mark the target is the next of the words, before it there is none. */
function copying(rows, seed) {
  let state = seed;
  const draw = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * WORDS);
  };
  const inputs = new Float32Array(rows * TIME);
  const targets = new Int32Array(rows * TIME).fill(-1);
  for (let row = 0; row < rows; row++) {
    const words = Array.from({ length: LENGTH }, draw);
    inputs.set([...words, MARK, ...words.slice(0, -1)], row * TIME);
    targets.set(words, row * TIME + LENGTH);
  }
  const shape = { name: "copying", rows, shape: [TIME], classes: VOCABULARY, targetWidth: TIME };
  return createDataset({ ...shape, inputs, targets });
}

const net = await Network.create({
  input: [TIME],
  body: sequential(
    embedding(VOCABULARY, 64, { name: "words" }),
    positionalEmbedding(),
    transformerEncoderBlock({ heads: 4, causal: true }),
    transformerEncoderBlock({ heads: 4, causal: true }),
    layerNorm(),
    tiedDense("words"),
  ),
  optimizer: adam({ learningRate: 2e-3 }),
  seed: 1,
});

const training = copying(2048, 1);
const test = copying(256, 2);
for await (const { epoch, loss, validation } of net.fit(training, {
  epochs: 20,
  batchSize: 32,
  validation: test,
})) {
  if (!validation) continue;
  const share = (100 * validation.accuracy).toFixed(1);
  console.log(`epoch ${epoch}: loss ${loss.toFixed(4)}, ${share} % of new words copied`);
  if (validation.accuracy === 1) break;
}
