// An LSTM and a dense layer on its last state, backpropagation through the whole sequence. Every step reads its loss back.

import { headstart, jax, tfjs, withOptions } from "../libraries.mjs";
import { draw, uniform } from "../problem.mjs";

const [STEPS, INPUTS, UNITS, CLASSES, BATCH, BATCHES] = [64, 32, 128, 10, 32, 4];
const RATE = 0.1;
const CHECK_STEPS = 20;

export const workload = {
  title:
    "LSTM 32-128 over 64 steps, dense 10 on the last state, softmax cross-entropy, batch 32, SGD",
  unit: "steps/s",
  cases: [
    {
      id: "sgd",
      name: "SGD",
      work: 1,
      settings: { units: UNITS, batch: BATCH, rate: RATE, checkSteps: CHECK_STEPS },
      tensors,
    },
  ],
  agreement: { what: `loss after ${CHECK_STEPS} steps`, relative: 1e-4 },
  libraries: { headstart: throughHeadstart, jax: throughJax, tfjs: throughTfjs },
  torch: `
class Session:
    def __init__(self, problem):
        self.problem, t = problem, problem["tensors"]
        units, batch = problem["units"], problem["batch"]
        inputs, classes = t["kernel"].shape[0], t["dense"].shape[1]
        self.lstm = torch.nn.LSTM(inputs, units, batch_first=True)
        self.dense = torch.nn.Linear(units, classes)
        with torch.no_grad():
            self.lstm.weight_ih_l0.copy_(t["kernel"].T)
            self.lstm.weight_hh_l0.copy_(t["recurrent"].T)
            self.lstm.bias_ih_l0.copy_(t["bias"])
            self.lstm.bias_hh_l0.zero_()
            self.dense.weight.copy_(t["dense"].T)
            self.dense.bias.zero_()
        # Its second bias would learn what the first one learns once more.
        self.lstm.bias_hh_l0.requires_grad_(False)
        parameters = [p for m in (self.lstm, self.dense) for p in m.parameters() if p.requires_grad]
        self.optimizer = torch.optim.SGD(parameters, lr=problem["rate"])
        self.batches = list(zip(t["inputs"].split(batch), t["targets"].long().split(batch)))
        self.at = 0

    def run(self, steps):
        for _ in range(steps):
            x, y = self.batches[self.at]
            self.at = (self.at + 1) % len(self.batches)
            self.optimizer.zero_grad(set_to_none=True)
            loss = torch.nn.functional.cross_entropy(self.dense(self.lstm(x)[0][:, -1]), y)
            loss.backward()
            self.optimizer.step()
            self.value = loss.item()

    def check(self):
        self.run(self.problem["checkSteps"])
        return self.value
`,
};

/** Inputs in [-1, 1), kernels within 1 / sqrt(units), a forget bias of 1; gates in the order input, forget, cell, output. */
function tensors() {
  const next = uniform(1);
  const limit = 1 / Math.sqrt(UNITS);
  const rows = BATCH * BATCHES;
  const bias = new Float32Array(4 * UNITS).fill(1, UNITS, 2 * UNITS);
  const labels = Float32Array.from({ length: rows }, () => Math.floor(next() * CLASSES));
  return {
    inputs: draw([rows, STEPS, INPUTS], next, -1, 1),
    targets: { shape: [rows], values: labels },
    kernel: draw([INPUTS, 4 * UNITS], next, -limit, limit),
    recurrent: draw([UNITS, 4 * UNITS], next, -limit, limit),
    bias: { shape: [4 * UNITS], values: bias },
    dense: draw([UNITS, CLASSES], next, -limit, limit),
  };
}

async function throughHeadstart({ tensors: t }, options) {
  const { createDataset, dense, lstm, Network, sequential, sgd } = await headstart();
  const network = await withOptions(options, (core) =>
    Network.create({
      ...core,
      input: [STEPS, INPUTS],
      body: sequential(lstm(UNITS), dense(CLASSES)),
      optimizer: sgd({ learningRate: RATE }),
    }),
  );
  network.setWeights("lstm/kernel", t.kernel.values);
  network.setWeights("lstm/recurrent_kernel", t.recurrent.values);
  network.setWeights("lstm/bias", t.bias.values);
  network.setWeights("dense/kernel", t.dense.values);
  const data = createDataset({
    name: "problem",
    rows: BATCH * BATCHES,
    shape: [STEPS, INPUTS],
    inputs: t.inputs.values,
    targets: Int32Array.from(t.targets.values),
    classes: CLASSES,
  });
  let loss = Number.NaN;
  const run = async (steps) => {
    const plan = { steps, batchSize: BATCH, shuffle: false, tickMilliseconds: 1000 };
    for await (const { state, losses } of network.fit(data, plan)) {
      if (state === "diverged") throw new Error("diverged");
      loss = losses.at(-1);
    }
  };
  return session(run, () => loss, { variant: network.core.variant });
}

async function throughJax({ tensors: t }) {
  const { jit, nn, numpy: np, tree, valueAndGrad } = await jax();
  const array = ({ values, shape }) => np.array(values.slice()).reshape(shape);
  const zeros = (...shape) => np.zeros(shape);
  const sigmoid = (x) => nn.sigmoid(x);
  // Unrolled: the steps' inputs are a list, since it has no loop that gradients go through.
  const lossOf = ({ kernel, recurrent, bias, w, b }, xs, targets) => {
    let h;
    let c;
    for (const x of xs) {
      let z = np.matmul(x, kernel.ref).add(bias.ref);
      if (h !== undefined) z = z.add(np.matmul(h, recurrent.ref));
      const gate = (i) => z.ref.slice([], [i * UNITS, (i + 1) * UNITS]);
      const [i, f, g, o] = [sigmoid(gate(0)), sigmoid(gate(1)), np.tanh(gate(2)), sigmoid(gate(3))];
      z.dispose();
      const fresh = i.mul(g);
      if (c === undefined) f.dispose();
      c = c === undefined ? fresh : f.mul(c).add(fresh);
      h = o.mul(np.tanh(c.ref));
    }
    c.dispose();
    for (const used of [kernel, recurrent, bias]) used.dispose();
    const y = np.matmul(h, w).add(b);
    return nn
      .logSoftmax(y)
      .mul(targets)
      .sum()
      .mul(-1 / BATCH);
  };
  const step = jit((params, xs, targets) => {
    const [value, grads] = valueAndGrad(lossOf)(tree.ref(params), xs, targets);
    const next = Object.entries(params).map(([k, p]) => [k, p.sub(grads[k].mul(RATE))]);
    return [value, Object.fromEntries(next)];
  });
  let params = {
    ...{ kernel: array(t.kernel), recurrent: array(t.recurrent), bias: array(t.bias) },
    ...{ w: array(t.dense), b: zeros(CLASSES) },
  };
  const batches = split(t).map(({ steps, oneHot }) => ({
    xs: steps.map((values) => array({ values, shape: [BATCH, INPUTS] })),
    targets: array({ values: oneHot, shape: [BATCH, CLASSES] }),
  }));
  return inTurn(batches, async ({ xs, targets }) => {
    let value;
    [value, params] = step(
      params,
      xs.map((x) => x.ref),
      targets.ref,
    );
    return (await value.data())[0];
  });
}

async function throughTfjs({ tensors: t }) {
  const tf = await tfjs();
  const variable = ({ values, shape }) => tf.variable(tf.tensor(values, shape));
  const [kernel, recurrent, bias, w] = [t.kernel, t.recurrent, t.bias, t.dense].map(variable);
  const b = tf.variable(tf.zeros([CLASSES]));
  const update = tf.train.sgd(RATE);
  const batches = split(t).map(({ steps, oneHot }) => ({
    xs: steps.map((values) => tf.tensor(values, [BATCH, INPUTS])),
    targets: tf.tensor(oneHot, [BATCH, CLASSES]),
  }));
  const lossOf = ({ xs, targets }) => {
    let h = tf.zeros([BATCH, UNITS]);
    let c = tf.zeros([BATCH, UNITS]);
    for (const x of xs) {
      const z = x.matMul(kernel).add(h.matMul(recurrent)).add(bias);
      const [i, f, g, o] = tf.split(z, 4, 1);
      c = f.sigmoid().mul(c).add(i.sigmoid().mul(g.tanh()));
      h = o.sigmoid().mul(c.tanh());
    }
    return tf.losses.softmaxCrossEntropy(targets, h.matMul(w).add(b));
  };
  return inTurn(batches, (batch) => {
    const cost = update.minimize(() => lossOf(batch), true);
    const value = cost.dataSync()[0];
    cost.dispose();
    return value;
  });
}

/** The batches a step at a time, and their labels as rows with a 1. */
function split({ inputs, targets }) {
  return Array.from({ length: BATCHES }, (_, at) => {
    const steps = Array.from({ length: STEPS }, (_, step) => {
      const values = new Float32Array(BATCH * INPUTS);
      for (let row = 0; row < BATCH; row++) {
        const from = ((at * BATCH + row) * STEPS + step) * INPUTS;
        values.set(inputs.values.subarray(from, from + INPUTS), row * INPUTS);
      }
      return values;
    });
    const oneHot = new Float32Array(BATCH * CLASSES);
    for (let row = 0; row < BATCH; row++) {
      oneHot[row * CLASSES + targets.values[at * BATCH + row]] = 1;
    }
    return { steps, oneHot };
  });
}

/** A session that takes the batches in turn; `step` gives the loss of one. */
function inTurn(batches, step) {
  let at = 0;
  let loss = Number.NaN;
  const run = async (steps) => {
    for (let i = 0; i < steps; i++) {
      loss = await step(batches[at]);
      at = (at + 1) % batches.length;
    }
  };
  return session(run, () => loss, {});
}

function session(run, loss, facts) {
  return {
    run,
    check: async () => {
      await run(CHECK_STEPS);
      return loss();
    },
    facts: () => facts,
  };
}
