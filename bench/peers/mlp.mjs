// Training a dense network by SGD or Adam through each library: what the workloads of dense layers share.
//
// Every step reads its loss back. The rows come in the order of the data, batch after batch, again and again.

import { brain, headstart, jax, tfjs, Unable, withOptions } from "./libraries.mjs";
import { draw, uniform } from "./problem.mjs";

const BATCHES = 8;
const ADAM = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };

/**
 * A workload from its widths. `loss` is `cross_entropy` over classes or `mse`; `checkSteps` is how many steps are done before the
 * losses of the peers are compared.
 */
export function mlp({ title, unit, checkSteps, cases, ...network }) {
  const { widths, batch } = network;
  return {
    title,
    unit,
    cases: cases.map(({ id, name, optimizer }) => ({
      id,
      name,
      work: unit === "samples/s" ? batch : 1,
      settings: { ...network, optimizer, checkSteps },
      tensors: () => tensorsOf(network),
    })),
    agreement: { what: `loss after ${checkSteps} steps`, relative: 1e-4 },
    libraries: {
      headstart: throughHeadstart,
      tfjs: throughTfjs,
      jax: throughJax,
      brain: throughBrain,
    },
    torch: TORCH,
    widths,
  };
}

/** Inputs in [-1, 1), targets, and weights within Glorot's limits (He's before relu); biases 0. */
function tensorsOf({ widths, activation, batch, loss }) {
  const next = uniform(1);
  const rows = batch * BATCHES;
  const inputs = draw([rows, widths[0]], next, -1, 1);
  const outputs = widths.at(-1);
  const targets =
    loss === "mse"
      ? draw([rows, outputs], next, 0, 1)
      : {
          shape: [rows],
          values: Float32Array.from({ length: rows }, () => Math.floor(next() * outputs)),
        };
  const tensors = { inputs, targets };
  widths.slice(1).forEach((n, i) => {
    const k = widths[i];
    const limit = Math.sqrt(activation === "relu" ? 6 / k : 6 / (k + n));
    tensors[`kernel ${i}`] = draw([k, n], next, -limit, limit);
    tensors[`bias ${i}`] = { shape: [n], values: new Float32Array(n) };
  });
  return tensors;
}

const layersOf = ({ widths, tensors }) =>
  widths.slice(1).map((_, i) => ({ kernel: tensors[`kernel ${i}`], bias: tensors[`bias ${i}`] }));

async function throughHeadstart(problem, options) {
  const {
    adam,
    createDataset,
    dense,
    meanSquaredError,
    Network,
    sequential,
    sgd,
    softmaxCrossEntropy,
  } = await headstart();
  const { widths, activation, batch, loss, optimizer, checkSteps, tensors } = problem;
  const isMse = loss === "mse";
  const last = widths.length - 2;
  const learningRate = optimizer.rate;
  const network = await withOptions(options, (core) =>
    Network.create({
      ...core,
      input: [widths[0]],
      body: sequential(
        ...widths
          .slice(1)
          .map((n, i) => dense(n, { name: `layer_${i}`, ...(i < last ? { activation } : {}) })),
      ),
      loss: isMse ? meanSquaredError() : softmaxCrossEntropy(),
      optimizer:
        optimizer.kind === "adam" ? adam({ learningRate, ...ADAM }) : sgd({ learningRate }),
    }),
  );
  layersOf(problem).forEach(({ kernel, bias }, i) => {
    network.setWeights(`layer_${i}/kernel`, kernel.values);
    network.setWeights(`layer_${i}/bias`, bias.values);
  });
  const { values } = tensors.targets;
  const data = createDataset({
    name: "problem",
    rows: batch * BATCHES,
    shape: [widths[0]],
    inputs: tensors.inputs.values,
    targets: isMse ? values : Int32Array.from(values),
    classes: isMse ? 0 : widths.at(-1),
  });
  let loss0 = Number.NaN;
  const run = async (steps) => {
    for await (const { state, losses } of network.fit(data, {
      steps,
      batchSize: batch,
      shuffle: false,
      tickMilliseconds: 1000,
    })) {
      if (state === "diverged") throw new Error("diverged");
      loss0 = losses.at(-1);
    }
  };
  return {
    run,
    check: async () => {
      await run(checkSteps);
      return loss0;
    },
    facts: () => ({ variant: network.core.variant }),
  };
}

async function throughTfjs(problem) {
  const tf = await tfjs();
  const { widths, activation, batch, loss, optimizer, checkSteps, tensors } = problem;
  const isMse = loss === "mse";
  const layers = layersOf(problem).map(({ kernel, bias }) => ({
    kernel: tf.variable(tf.tensor(kernel.values, kernel.shape)),
    bias: tf.variable(tf.tensor(bias.values, bias.shape)),
  }));
  const batches = Array.from({ length: BATCHES }, (_, i) => {
    const x = tensors.inputs.values.subarray(i * batch * widths[0], (i + 1) * batch * widths[0]);
    const width = isMse ? widths.at(-1) : 1;
    const t = tensors.targets.values.subarray(i * batch * width, (i + 1) * batch * width);
    return {
      x: tf.tensor(x, [batch, widths[0]]),
      t: isMse
        ? tf.tensor(t, [batch, width])
        : tf.oneHot(tf.tensor1d(t, "int32"), widths.at(-1)).toFloat(),
    };
  });
  const update =
    optimizer.kind === "adam"
      ? tf.train.adam(optimizer.rate, ADAM.beta1, ADAM.beta2, ADAM.epsilon)
      : tf.train.sgd(optimizer.rate);
  const lossOf = ({ x, t }) => {
    const y = layers.reduce((h, { kernel, bias }, i) => {
      const z = h.matMul(kernel).add(bias);
      return i === layers.length - 1 ? z : activation === "relu" ? z.relu() : z.tanh();
    }, x);
    return isMse ? tf.losses.meanSquaredError(t, y) : tf.losses.softmaxCrossEntropy(t, y);
  };
  return batchwise(batches, checkSteps, (one) => {
    const cost = update.minimize(() => lossOf(one), true);
    const value = cost.dataSync()[0];
    cost.dispose();
    return value;
  });
}

async function throughJax(problem) {
  const { jit, nn, numpy: np, tree, valueAndGrad } = await jax();
  const { widths, activation, batch, loss, optimizer, checkSteps, tensors } = problem;
  const isMse = loss === "mse";
  const last = widths.length - 2;
  const { beta1, beta2, epsilon } = ADAM;
  const { rate } = optimizer;
  const lossOf = (params, x, t) => {
    const y = params.reduce((h, [w, b], i) => {
      const z = np.matmul(h, w).add(b);
      return i === last ? z : activation === "relu" ? nn.relu(z) : np.tanh(z);
    }, x);
    if (isMse) return np.square(y.sub(t)).mean();
    return nn
      .logSoftmax(y)
      .mul(t)
      .sum()
      .mul(-1 / batch);
  };
  const sgdStep = jit((params, x, t) => {
    const [value, grads] = valueAndGrad(lossOf)(tree.ref(params), x, t);
    return [value, params.map((pair, i) => pair.map((p, j) => p.sub(grads[i][j].mul(rate))))];
  });
  // c1 and c2 are the corrections of the moments' bias at this step.
  const adamStep = jit((params, first, second, c1, c2, x, t) => {
    const [value, grads] = valueAndGrad(lossOf)(tree.ref(params), x, t);
    const next = params.map((pair, i) =>
      pair.map((p, j) => {
        const g = grads[i][j];
        const m = first[i][j].mul(beta1).add(g.ref.mul(1 - beta1));
        const v = second[i][j].mul(beta2).add(np.square(g).mul(1 - beta2));
        const root = np.sqrt(v.ref.mul(c2.ref)).add(epsilon);
        return [p.sub(m.ref.mul(c1.ref).mul(rate).div(root)), m, v];
      }),
    );
    c1.dispose();
    c2.dispose();
    return [value, ...[0, 1, 2].map((part) => next.map((pair) => pair.map((all) => all[part])))];
  });

  const array = (values, shape) => np.array(values.slice()).reshape(shape);
  const pairs = (make) => layersOf(problem).map(({ kernel, bias }) => [make(kernel), make(bias)]);
  let params = pairs(({ values, shape }) => array(values, shape));
  let first = pairs(({ shape }) => np.zeros(shape));
  let second = pairs(({ shape }) => np.zeros(shape));
  const outputs = widths.at(-1);
  const batches = Array.from({ length: BATCHES }, (_, i) => {
    const x = tensors.inputs.values.subarray(i * batch * widths[0], (i + 1) * batch * widths[0]);
    const wide = isMse ? outputs : 1;
    const t = tensors.targets.values.subarray(i * batch * wide, (i + 1) * batch * wide);
    const oneHot = new Float32Array(batch * outputs);
    if (isMse) oneHot.set(t);
    else for (let row = 0; row < batch; row++) oneHot[row * outputs + t[row]] = 1;
    return { x: array(x, [batch, widths[0]]), t: array(oneHot, [batch, outputs]) };
  });
  let steps = 0;
  return batchwise(batches, checkSteps, async ({ x, t }) => {
    steps++;
    let value;
    if (optimizer.kind === "adam") {
      const c1 = np.array(1 / (1 - beta1 ** steps));
      const c2 = np.array(1 / (1 - beta2 ** steps));
      [value, params, first, second] = adamStep(params, first, second, c1, c2, x.ref, t.ref);
    } else {
      [value, params] = sgdStep(params, x.ref, t.ref);
    }
    return (await value.data())[0];
  });
}

async function throughBrain(problem) {
  const { widths, activation, batch, loss, optimizer, tensors } = problem;
  const { NeuralNetwork } = await brain();
  if (widths.length > 20) throw new Unable("its gradients vanish in 50 layers without batches");
  const network = new NeuralNetwork({
    hiddenLayers: widths.slice(1, -1),
    activation,
    learningRate: optimizer.rate,
    momentum: Number.MIN_VALUE, // it refuses 0
    ...(optimizer.kind === "adam" ? { praxis: "adam" } : {}),
  });
  network.sizes = widths;
  network.initialize();
  layersOf(problem).forEach(({ kernel }, layer) => {
    const [k, n] = kernel.shape;
    for (let j = 0; j < n; j++) {
      for (let p = 0; p < k; p++) network.weights[layer + 1][j][p] = kernel.values[p * n + j];
    }
  });
  const outputs = widths.at(-1);
  const patterns = Array.from({ length: batch * BATCHES }, (_, row) => ({
    input: tensors.inputs.values.subarray(row * widths[0], (row + 1) * widths[0]),
    output:
      loss === "mse"
        ? tensors.targets.values.subarray(row * outputs, (row + 1) * outputs)
        : Float32Array.from({ length: outputs }, (_, c) =>
            c === tensors.targets.values[row] ? 1 : 0,
          ),
  }));
  let row = 0;
  const run = (steps) => {
    for (let s = 0; s < steps * batch; s++, row = (row + 1) % patterns.length) {
      network.trainPattern(patterns[row], true);
    }
  };
  return {
    run,
    check: () => Number.NaN,
    differs: "updates after every row, squared error, activation on the outputs too",
  };
}

/** A session that takes the batches in turn; `step` gives the loss of one. */
function batchwise(batches, checkSteps, step) {
  let at = 0;
  let value = Number.NaN;
  const run = async (steps) => {
    for (let s = 0; s < steps; s++) {
      const result = step(batches[at]);
      value = typeof result === "number" ? result : await result;
      at = (at + 1) % batches.length;
    }
  };
  return {
    run,
    check: async () => {
      await run(checkSteps);
      return value;
    },
  };
}

const TORCH = `
class Session:
    def __init__(self, problem):
        self.problem, t = problem, problem["tensors"]
        widths, batch = problem["widths"], problem["batch"]
        layers = []
        for i in range(len(widths) - 1):
            layer = torch.nn.Linear(widths[i], widths[i + 1])
            with torch.no_grad():
                layer.weight.copy_(t[f"kernel {i}"].T)
                layer.bias.copy_(t[f"bias {i}"])
            layers.append(layer)
            if i < len(widths) - 2:
                layers.append(torch.nn.ReLU() if problem["activation"] == "relu" else torch.nn.Tanh())
        self.net = torch.nn.Sequential(*layers)
        rate, kind = problem["optimizer"]["rate"], problem["optimizer"]["kind"]
        make = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}[kind]
        self.optimizer = make(self.net.parameters(), lr=rate)
        mse = problem["loss"] == "mse"
        self.loss = torch.nn.functional.mse_loss if mse else torch.nn.functional.cross_entropy
        targets = t["targets"] if mse else t["targets"].long()
        self.batches = list(zip(t["inputs"].split(batch), targets.split(batch)))
        self.at = 0

    def run(self, steps):
        for _ in range(steps):
            x, y = self.batches[self.at]
            self.at = (self.at + 1) % len(self.batches)
            self.optimizer.zero_grad(set_to_none=True)
            loss = self.loss(self.net(x), y)
            loss.backward()
            self.optimizer.step()
            self.value = loss.item()

    def check(self):
        self.run(self.problem["checkSteps"])
        return self.value
`;
