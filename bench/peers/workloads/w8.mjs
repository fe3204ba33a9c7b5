import { headstart, withOptions } from "../libraries.mjs";
import { draw, uniform } from "../problem.mjs";

const BATCHES = 4;
const [BATCH, TIME, WIDTH, HEADS, HIDDEN] = [16, 64, 128, 4, 512];
const CHECK_STEPS = 5;
const RATE = 1e-3;

/** Kernels of the block by the library's names; biases start at 0, gains at 1. */
const KERNELS = {
  "block/attention/query_key_value/kernel": [WIDTH, 3 * WIDTH],
  "block/attention/output/kernel": [WIDTH, WIDTH],
  "block/mlp_in/kernel": [WIDTH, HIDDEN],
  "block/mlp_out/kernel": [HIDDEN, WIDTH],
};

export const workload = {
  title: `transformer block, pre-norm, gelu (tanh), d ${WIDTH}, ${HEADS} heads, T ${TIME}, batch ${BATCH}, MLP x4, Adam, mean squared error`,
  unit: "steps/s",
  cases: [
    {
      id: "adam",
      name: "Adam",
      work: 1,
      settings: {
        ...{ batch: BATCH, time: TIME, width: WIDTH, heads: HEADS, hidden: HIDDEN },
        ...{ batches: BATCHES, rate: RATE, checkSteps: CHECK_STEPS },
      },
      tensors: () => {
        const next = uniform(8);
        const shape = [BATCH * BATCHES, TIME, WIDTH];
        const tensors = { inputs: draw(shape, next, -1, 1), targets: draw(shape, next, -1, 1) };
        for (const [name, [k, n]] of Object.entries(KERNELS)) {
          const limit = Math.sqrt(6 / (k + n));
          tensors[name] = draw([k, n], next, -limit, limit);
        }
        return tensors;
      },
    },
  ],
  agreement: { what: `loss after ${CHECK_STEPS} steps`, relative: 1e-4 },
  libraries: {
    headstart: throughHeadstart,
    tfjs: "has no attention; written by hand it makes about 2 steps/s",
    jax: "has no attention layer",
    brain: "has no attention",
  },
  torch: `
class Session:
    def __init__(self, problem):
        t = problem["tensors"]
        d = problem["width"]
        self.block = torch.nn.TransformerEncoderLayer(
            d, problem["heads"], problem["hidden"], dropout=0.0, batch_first=True, norm_first=True,
            activation=lambda x: torch.nn.functional.gelu(x, approximate="tanh"),
        )
        b = self.block
        kernels = {
            "block/attention/query_key_value/kernel": b.self_attn.in_proj_weight,
            "block/attention/output/kernel": b.self_attn.out_proj.weight,
            "block/mlp_in/kernel": b.linear1.weight,
            "block/mlp_out/kernel": b.linear2.weight,
        }
        with torch.no_grad():
            for p in b.parameters():
                if p.dim() == 1:
                    p.zero_()
            for norm in (b.norm1, b.norm2):
                norm.weight.fill_(1)
            for name, p in kernels.items():
                p.copy_(t[name].t())
        self.inputs = t["inputs"].split(problem["batch"])
        self.targets = t["targets"].split(problem["batch"])
        self.optimizer = torch.optim.Adam(b.parameters(), lr=problem["rate"])
        self.steps = problem["checkSteps"]
        self.done = 0

    def run(self, n):
        for _ in range(n):
            i = self.done % len(self.inputs)
            self.done += 1
            self.optimizer.zero_grad()
            loss = torch.nn.functional.mse_loss(self.block(self.inputs[i]), self.targets[i])
            loss.backward()
            self.optimizer.step()
            self.loss = loss.item()

    def check(self):
        self.run(self.steps)
        return self.loss
`,
};

async function throughHeadstart(problem, options) {
  const { adam, createDataset, meanSquaredError, Network, transformerEncoderBlock } =
    await headstart();
  const { batch, batches, time, width, heads, rate, checkSteps, tensors } = problem;
  const network = await withOptions(options, (core) =>
    Network.create({
      ...core,
      input: [time, width],
      body: transformerEncoderBlock({ name: "block", heads }),
      loss: meanSquaredError(),
      optimizer: adam({ learningRate: rate, epsilon: 1e-8 }),
    }),
  );
  for (const name of Object.keys(KERNELS)) network.setWeights(name, tensors[name].values);
  const data = createDataset({
    ...{ name: "problem", rows: batch * batches, shape: [time, width], classes: 0 },
    ...{
      inputs: tensors.inputs.values,
      targets: tensors.targets.values,
      targetWidth: time * width,
    },
  });
  let last = Number.NaN;
  const run = async (steps) => {
    const how = { steps, batchSize: batch, shuffle: false, tickMilliseconds: 1000 };
    for await (const { losses } of network.fit(data, how)) last = losses.at(-1);
  };
  return {
    run,
    check: async () => {
      await run(checkSteps);
      return last;
    },
    facts: () => ({ variant: network.core.variant }),
  };
}
