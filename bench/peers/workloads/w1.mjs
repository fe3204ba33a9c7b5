import { headstart, jax, tfjs, withOptions } from "../libraries.mjs";
import { draw, uniform } from "../problem.mjs";

const SIZES = [128, 256, 512, 1024];

export const workload = {
  title: "C = A B, f32, square, the data staying in the library",
  unit: "GFLOP/s",
  cases: SIZES.map((n) => ({
    id: `${n}`,
    name: `n = ${n}`,
    work: (2 * n ** 3) / 1e9,
    settings: { n },
    tensors: () => {
      const next = uniform(n);
      return { a: draw([n, n], next, 0, 1), b: draw([n, n], next, 0, 1) };
    },
  })),
  agreement: { what: "sum of C", relative: 1e-4 },
  libraries: {
    headstart: throughHeadstart,
    tfjs: throughTfjs,
    jax: throughJax,
    brain: "has no matrix product",
  },
  torch: `
class Session:
    def __init__(self, problem):
        self.a, self.b = problem["tensors"]["a"], problem["tensors"]["b"]
        self.c = torch.empty_like(self.a)

    def run(self, n):
        for _ in range(n):
            torch.mm(self.a, self.b, out=self.c)

    def check(self):
        self.run(1)
        return self.c.double().sum().item()
`,
};

const sum = (values) => values.reduce((total, x) => total + x, 0);

async function throughHeadstart({ n, tensors }, options) {
  const { loadCore } = await headstart("headstart/core");
  const core = await withOptions(options, loadCore);
  const { arena } = core;
  const [a, b, c] = [0, 1, 2].map(() => arena.allocate(n * n * 4));
  const ws = arena.allocate((core.threads?.count ?? 1) * workspaceOf(core, n));
  arena.f32(a, n * n).set(tensors.a.values);
  arena.f32(b, n * n).set(tensors.b.values);
  const multiply = productOf(core, { n, a, b, c, ws });
  const run = (times) => {
    for (let i = 0; i < times; i++) multiply();
  };
  return {
    run,
    check: () => {
      run(1);
      return sum(arena.f32(c, n * n));
    },
    facts: () => ({ variant: core.variant }),
  };
}

/** Bytes a thread, in whole cache lines. */
const workspaceOf = ({ kernels }, n) => 64 * Math.ceil(kernels.gemmWorkspace(n, n, n) / 64);

function productOf(core, { n, a, b, c, ws }) {
  const { kernels, tile, arena, enums, threads, run } = core;
  if (threads?.count > 1) {
    // A program of one instruction for all threads: opcode, number of words, operands (alpha is an f32 0).
    const operands = [c, n, 1, a, n, 1, b, n, 1, 0, ws, n, n, n, 0, 0, 0, tile];
    const words = [enums.Op.gemm, operands.length + 2, ...operands];
    const at = arena.allocate(4 * words.length);
    arena.i32(at, words.length).set(words);
    const state = arena.allocate(enums.State.size);
    const end = at + 4 * words.length;
    const program = { at, end, width: threads.count, workspace: workspaceOf(core, n) };
    return () => run(program, state, 1);
  }
  return () => kernels.gemm(c, n, 1, a, n, 1, b, n, 1, 0, ws, n, n, n, 0, 0, 0, tile, 0, 1);
}

async function throughTfjs({ n, tensors }) {
  const tf = await tfjs();
  const a = tf.tensor(tensors.a.values, [n, n]);
  const b = tf.tensor(tensors.b.values, [n, n]);
  return {
    run: (times) => {
      for (let i = 0; i < times; i++) tf.matMul(a, b).dispose();
    },
    check: () => sum(tf.matMul(a, b).dataSync()),
  };
}

async function throughJax({ n, tensors }) {
  const { jit, numpy: np } = await jax();
  const a = np.array(tensors.a.values.slice()).reshape([n, n]);
  const b = np.array(tensors.b.values.slice()).reshape([n, n]);
  const multiply = jit((x, y) => np.matmul(x, y));
  return {
    run: async (times) => {
      for (let i = 0; i < times; i++) {
        const c = multiply(a.ref, b.ref);
        await c.blockUntilReady();
        c.dispose();
      }
    },
    check: async () => sum(await multiply(a.ref, b.ref).data()),
  };
}
