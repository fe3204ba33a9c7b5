import { headstart, withOptions } from "../libraries.mjs";
import { draw, uniform } from "../problem.mjs";

const BATCH = 64;
const BATCHES = 8;
// Adam divides small gradients by their own size, so differences of rounding grow from step to step.
const CHECK_STEPS = 10;
const RATE = 1e-3;
const KERNELS = [
  [3, 3, 1, 16],
  [3, 3, 16, 32],
  [7 * 7 * 32, 10],
];

/** Images are [28, 28, 1], kernels [rows, columns, channels, filters]; a flat image has its channels last. */
export const workload = {
  title:
    "CNN 28x28x1: conv 3x3x16, maxpool 2, conv 3x3x32, maxpool 2, dense 10; relu; batch 64; Adam",
  unit: "samples/s",
  cases: [
    {
      id: "adam",
      name: "Adam",
      work: BATCH,
      settings: { batch: BATCH, rate: RATE, checkSteps: CHECK_STEPS },
      tensors,
    },
  ],
  agreement: { what: `loss after ${CHECK_STEPS} steps`, relative: 1e-4 },
  libraries: {
    headstart: throughHeadstart,
    tfjs: "its WASM backend has no gradient of a convolution's filter",
    jax: "not written for this workload yet",
    brain: "has no convolution",
  },
  torch: `
class Session:
    def __init__(self, problem):
        self.problem, t = problem, problem["tensors"]
        conv = torch.nn.Conv2d
        self.layers = [conv(1, 16, 3, padding=1), conv(16, 32, 3, padding=1), torch.nn.Linear(7 * 7 * 32, 10)]
        with torch.no_grad():
            for i, layer in enumerate(self.layers):
                w = t[f"kernel {i}"]
                layer.weight.copy_(w.permute(3, 2, 0, 1) if w.dim() == 4 else w.T)
                layer.bias.zero_()
        parameters = [p for layer in self.layers for p in layer.parameters()]
        self.optimizer = torch.optim.Adam(parameters, lr=problem["rate"])
        images = t["inputs"].permute(0, 3, 1, 2).contiguous()
        self.batches = list(zip(images.split(problem["batch"]), t["targets"].long().split(problem["batch"])))
        self.at = 0

    def run(self, steps):
        f = torch.nn.functional
        for _ in range(steps):
            x, y = self.batches[self.at]
            self.at = (self.at + 1) % len(self.batches)
            self.optimizer.zero_grad(set_to_none=True)
            for layer in self.layers[:2]:
                x = f.max_pool2d(f.relu(layer(x)), 2)
            loss = f.cross_entropy(self.layers[2](x.permute(0, 2, 3, 1).flatten(1)), y)
            loss.backward()
            self.optimizer.step()
            self.value = loss.item()

    def check(self):
        self.run(self.problem["checkSteps"])
        return self.value
`,
};

/** Inputs in [-1, 1), labels, and weights within He's limits. */
function tensors() {
  const next = uniform(5);
  const rows = BATCH * BATCHES;
  const all = {
    inputs: draw([rows, 28, 28, 1], next, -1, 1),
    targets: {
      shape: [rows],
      values: Float32Array.from({ length: rows }, () => Math.floor(next() * 10)),
    },
  };
  KERNELS.forEach((shape, i) => {
    const fanIn = shape.slice(0, -1).reduce((product, n) => product * n, 1);
    const limit = Math.sqrt(6 / fanIn);
    all[`kernel ${i}`] = draw(shape, next, -limit, limit);
  });
  return all;
}

async function throughHeadstart({ tensors: t, checkSteps, rate, batch }, options) {
  const { adam, conv2d, createDataset, dense, flatten, maxPool2d, Network, sequential } =
    await headstart();
  const window = { kernelSize: 3, padding: "same", activation: "relu" };
  const network = await withOptions(options, (core) =>
    Network.create({
      ...core,
      input: [28, 28, 1],
      body: sequential(
        conv2d({ name: "layer_0", filters: 16, ...window }),
        maxPool2d(),
        conv2d({ name: "layer_1", filters: 32, ...window }),
        maxPool2d(),
        flatten(),
        dense(10, { name: "layer_2" }),
      ),
      optimizer: adam({ learningRate: rate, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }),
    }),
  );
  for (const i of [0, 1, 2]) network.setWeights(`layer_${i}/kernel`, t[`kernel ${i}`].values);
  const data = createDataset({
    name: "problem",
    rows: batch * BATCHES,
    shape: [28, 28, 1],
    inputs: t.inputs.values,
    targets: Int32Array.from(t.targets.values),
    classes: 10,
  });
  let loss = Number.NaN;
  const run = async (steps) => {
    const how = { steps, batchSize: batch, shuffle: false, tickMilliseconds: 1000 };
    for await (const { state, losses } of network.fit(data, how)) {
      if (state === "diverged") throw new Error("diverged");
      loss = losses.at(-1);
    }
  };
  return {
    run,
    check: async () => {
      await run(checkSteps);
      return loss;
    },
    facts: () => ({ variant: network.core.variant }),
  };
}
