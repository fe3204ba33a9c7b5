import { headstart, jax, tfjs, withOptions } from "../libraries.mjs";

const ROWS = 4096;
const LIMIT = Math.sqrt(6 / (2 * ROWS));
const HE = Math.sqrt(2 / ROWS);
// The standard deviation of a normal variable cut off at two of its own.
const TRUNCATED = 0.8796256610342398;

/** What is compared: the measured standard deviation, of an orthogonal matrix 1/sqrt(n). Each library draws its own numbers. */
const CASES = [
  { id: "glorot_uniform", n: ROWS, std: LIMIT / Math.sqrt(3) },
  { id: "he_normal", n: ROWS, std: HE },
  { id: "truncated_normal", n: ROWS, std: 0.02 * TRUNCATED },
  { id: "orthogonal_256", scheme: "orthogonal", n: 256, std: 1 / Math.sqrt(256) },
  { id: "orthogonal_1024", scheme: "orthogonal", n: 1024, std: 1 / Math.sqrt(1024) },
];

export const workload = {
  title: "drawing a matrix of initial weights",
  unit: "ms",
  cases: CASES.map(({ id, scheme = id, n, std }) => ({
    id,
    name: `${scheme} ${n} x ${n}`,
    work: 1,
    settings: { scheme, n, std },
    tensors: () => ({}),
    expected: std,
  })),
  agreement: { what: "standard deviation", relative: 3e-3 },
  libraries: {
    headstart: throughHeadstart,
    tfjs: throughTfjs,
    jax: throughJax,
    brain: "has one scheme, drawn in JavaScript",
  },
  torch: `
class Session:
    def __init__(self, problem):
        n, init = problem["n"], torch.nn.init
        self.w = torch.empty(n, n)
        self.fill = {
            "glorot_uniform": init.xavier_uniform_,
            "he_normal": lambda w: init.kaiming_normal_(w, nonlinearity="relu"),
            "truncated_normal": lambda w: init.trunc_normal_(w, std=0.02, a=-0.04, b=0.04),
            "orthogonal": init.orthogonal_,
        }[problem["scheme"]]

    def run(self, n):
        for _ in range(n):
            self.fill(self.w)

    def check(self):
        self.run(1)
        return self.w.double().pow(2).mean().sqrt().item()
`,
};

/** The means are 0. */
const deviation = (values) => Math.sqrt(values.reduce((sum, x) => sum + x * x, 0) / values.length);

async function throughHeadstart({ scheme, n }, options) {
  const { loadCore, streamKey } = await headstart("headstart/core");
  const { denseSpec, fill, initializer } = await headstart("headstart/init");
  const core = await withOptions(options, loadCore);
  const at = core.arena.allocate(n * n * 4);
  const room = core.arena.allocate(
    scheme === "orthogonal" ? core.kernels.orthogonalScratch(n, n) : 0,
  );
  const spec = denseSpec(n, n, { name: "relu", alpha: 0 });
  const like = {
    truncated_normal: "truncated_normal:std=0.02,correct=off",
    orthogonal: "orthogonal:gain=1",
  };
  const chosen = initializer(like[scheme] ?? scheme);
  let seed = 0;
  const run = (times) => {
    for (let i = 0; i < times; i++)
      fill(core, at, spec, chosen, streamKey(seed++, "kernel"), () => room);
  };
  return {
    run,
    check: () => {
      run(1);
      return deviation(core.arena.f32(at, n * n));
    },
  };
}

async function throughTfjs({ scheme, n }) {
  const tf = await tfjs();
  const make = {
    glorot_uniform: () => tf.initializers.glorotUniform({}),
    he_normal: () => tf.initializers.heNormal({}),
    truncated_normal: () => tf.initializers.truncatedNormal({ stddev: 0.02 }),
    orthogonal: () => tf.initializers.orthogonal({ gain: 1 }),
  }[scheme]();
  return {
    run: (times) => {
      for (let i = 0; i < times; i++) tf.dispose(make.apply([n, n], "float32"));
    },
    check: () => deviation(make.apply([n, n], "float32").dataSync()),
    // Its he_normal is drawn from a truncated normal distribution whose deviation is not corrected for the cut.
    ...(scheme === "he_normal"
      ? { differs: "a truncated normal, narrower than its name says" }
      : {}),
  };
}

async function throughJax({ scheme, n }) {
  const { Unable } = await import("../libraries.mjs");
  const { jit, random } = await jax();
  const draws = {
    glorot_uniform: (key) => random.uniform(key, [n, n], { minval: -LIMIT, maxval: LIMIT }),
    he_normal: (key) => random.normal(key, [n, n]).mul(HE),
  };
  if (draws[scheme] === undefined) throw new Unable("has no such draw");
  const draw = jit(draws[scheme]);
  let seed = 0;
  return {
    run: async (times) => {
      for (let i = 0; i < times; i++) {
        const w = draw(random.key(seed++));
        await w.blockUntilReady();
        w.dispose();
      }
    },
    check: async () => deviation(await draw(random.key(seed++)).data()),
  };
}
