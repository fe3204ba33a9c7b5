import type { Core, Ptr } from "../core/index.ts";
import { streamKey } from "../core/index.ts";
import { Network } from "../index.ts";
import { denseSpec, fill, initializer } from "../init/index.ts";
import type { Contender } from "./bench-timer.ts";
import type { Workload } from "./bench-workloads.ts";
import { networkOf, WORKLOADS, workloadData } from "./bench-workloads.ts";

/** One thing that is measured, on a core of each variant. */
export interface Case {
  readonly name: string;
  readonly unit: "GFLOP/s" | "GB/s" | "steps/s" | "matrices/s";
  /** Work of one call in the unit. */
  readonly amount: number;
  /** What of a call the machine's peak is about; undefined where there is no such peak. */
  readonly bound?:
    | { readonly flops: number }
    /** Bytes read and written, and the size of all that is touched. */
    | { readonly bytes: number; readonly touches: number };
  readonly prepare: (core: Core) => Run | Promise<Run>;
}

type Run = Contender["run"];

export type SuiteName =
  | "gemm"
  | "elementwise"
  | "losses"
  | "optimizers"
  | "init"
  | "random"
  | "step";

/** In the order in which they are run. */
export const SUITES: Readonly<Record<SuiteName, () => readonly Case[]>> = {
  gemm: () => SHAPES.map(product),
  elementwise: () => [
    ...["relu", "tanh", "sigmoid", "gelu", "silu"].map((kind) => activation(kind, 4096)),
    activation("relu", 1 << 20),
    sum(1 << 20),
  ],
  losses: () => [crossEntropy(128, 10), crossEntropy(128, 1000), squaredError(128, 256)],
  optimizers: () => [
    update("sgd", 3, ({ kernels }, n, [p, g], state) => kernels.sgd(p, g, n, 0, state, 0, 1)),
    update("momentum", 5, ({ kernels }, n, [p, g, m], state) =>
      kernels.momentum(p, g, m, n, 0.9, 0, 0, state, 0, 1),
    ),
    update("adam", 7, ({ kernels }, n, [p, g, m, v], state) =>
      kernels.adam(p, g, m, v, n, 0.9, 0.999, 1e-8, 0, 0, state, 0, 1),
    ),
  ],
  init: () => [
    ...["glorot_uniform", "he_normal", "truncated_normal"].map((name) => initial(name, 1024)),
    ...[256, 1024].map((n) => initial("orthogonal", n)),
  ],
  random: () => [uniform(4096), normal(4096), dropout(4096)],
  step: () => Object.values(WORKLOADS).map(step),
};

/** [layout of A and B, m, n, k]: squares, and the products of a 784-512 layer at batch 128 and for one row. */
const SHAPES = [
  ...([128, 256, 512, 1024] as const).map((n) => ["NN", n, n, n] as const),
  ["NN", 128, 512, 784],
  ["TN", 784, 512, 128],
  ["NT", 128, 784, 512],
  ["NN", 1, 512, 784],
] as const;

function product([layout, m, n, k]: readonly [string, number, number, number]): Case {
  const flops = 2 * m * n * k;
  return {
    name: `${layout} ${m} x ${n} x ${k}`,
    unit: "GFLOP/s",
    amount: flops / 1e9,
    bound: { flops },
    prepare(core) {
      const { kernels, arena, tile } = core;
      const [a, b] = [random(core, m * k), random(core, k * n)] as const;
      const c = arena.allocate(m * n * 4);
      const ws = arena.allocate(kernels.gemmWorkspace(m, n, k));
      const [rsa, csa] = layout[0] === "N" ? ([k, 1] as const) : ([1, m] as const);
      const [rsb, csb] = layout[1] === "N" ? ([n, 1] as const) : ([1, k] as const);
      return () =>
        kernels.gemm(c, n, 1, a, rsa, csa, b, rsb, csb, 0, ws, m, n, k, 0, 0, 0, tile, 0, 1);
    },
  };
}

function activation(kind: string, n: number): Case {
  return streaming(`${kind}, n = ${n}`, 8 * n, (core) => {
    const [x, y] = [random(core, n), core.arena.allocate(4 * n)] as const;
    const code = core.enums.Activation![kind]!;
    return () => core.kernels.activationForward(y, x, n, code, 0, 0, 1);
  });
}

function sum(n: number): Case {
  return streaming(`add, n = ${n}`, 12 * n, (core) => {
    const [a, b, y] = [random(core, n), random(core, n), core.arena.allocate(4 * n)] as const;
    return () => core.kernels.add(y, a, b, n, 0, 0, 1);
  });
}

function crossEntropy(rows: number, classes: number): Case {
  return streaming(`softmax cross-entropy ${rows} x ${classes}`, 8 * rows * classes, (core) => {
    const { arena, kernels } = core;
    const logits = random(core, rows * classes);
    const dlogits = arena.allocate(4 * rows * classes);
    const [labels, losses, hits] = [0, 0, 0].map(() => arena.allocate(4 * rows)) as Ptr3;
    const scale = 1 / rows;
    return () =>
      kernels.softmaxCrossEntropy(
        ...([losses, hits, dlogits, logits, labels] as const),
        ...([rows, classes, 0, scale, 0, 1] as const),
      );
  });
}

function squaredError(rows: number, cols: number): Case {
  const n = rows * cols;
  return streaming(`mean squared error ${rows} x ${cols}`, 12 * n, (core) => {
    const { arena, kernels } = core;
    const [y, targets, dy] = [random(core, n), random(core, n), arena.allocate(4 * n)] as const;
    const [losses, hits] = [arena.allocate(4 * rows), arena.allocate(4 * rows)] as const;
    return () => kernels.meanSquaredError(losses, hits, dy, y, targets, rows, cols, 1 / n, 0, 1);
  });
}

type Ptr3 = [Ptr, Ptr, Ptr];
type Ptr4 = [Ptr, Ptr, Ptr, Ptr];

/** A step over the parameters of a 784-512-256-10 network, which moves `floats` numbers each. */
function update(
  name: string,
  floats: number,
  run: (core: Core, n: number, blocks: Ptr4, state: Ptr) => void,
): Case {
  const n = 535_818;
  return streaming(`${name}, ${n} parameters`, 4 * floats * n, (core) => {
    const blocks = [0, 0, 0, 0].map(() => core.arena.allocate(4 * n)) as Ptr4;
    const state = core.arena.allocate(core.enums.State!.size!);
    return () => run(core, n, blocks, state);
  });
}

function initial(scheme: string, n: number): Case {
  const description = initializer(scheme);
  const spec = denseSpec(n, n, { name: "relu", alpha: 0 });
  const prepare = (core: Core) => {
    const at = core.arena.allocate(4 * n * n);
    const bytes = scheme === "orthogonal" ? core.kernels.orthogonalScratch(n, n) : 0;
    const room = core.arena.allocate(bytes);
    const key = streamKey(1, "kernel");
    return () => fill(core, at, spec, description, key, () => room);
  };
  const name = `${scheme} ${n} x ${n}`;
  if (scheme !== "orthogonal") return { ...streaming(name, 4 * n * n, prepare) };
  return { name, unit: "matrices/s", amount: 1, prepare };
}

function uniform(n: number): Case {
  return streaming(`uniform, n = ${n}`, 4 * n, ({ arena, kernels }) => {
    const at = arena.allocate(4 * n);
    return () => kernels.randomUniform(at, n, -1, 1, 1, 2, 0, 0, 1);
  });
}

function normal(n: number): Case {
  return streaming(`normal, n = ${n}`, 4 * n, ({ arena, kernels }) => {
    const at = arena.allocate(4 * n);
    return () => kernels.randomNormal(at, n, 0, 1, 1, 2, 0, 0, 1);
  });
}

function dropout(n: number): Case {
  return streaming(`dropout, n = ${n}`, 8 * n, (core) => {
    const [x, y] = [random(core, n), core.arena.allocate(4 * n)] as const;
    return () => core.kernels.dropout(y, x, n, 0.1, 1, 2, 0, 0, 0, 1);
  });
}

/** Training as `fit` does it, data resident; small steps many in a call. */
function step(workload: Workload): Case {
  const flops = flopsOf(workload);
  const steps = Math.max(1, Math.ceil(2e7 / flops));
  return {
    name: workload.name,
    unit: "steps/s",
    amount: steps,
    bound: { flops: steps * flops },
    async prepare({ variant }) {
      const network = await Network.create({ ...networkOf(workload), variant });
      const data = workloadData(workload);
      return async () => {
        for await (const { state } of network.fit(data, { steps, batchSize: workload.batch })) {
          if (state === "diverged") throw new Error(`bench: ${workload.name} diverged`);
        }
      };
    },
  };
}

/** Of the products: forward and by the weights in every layer, by the inputs in all but the first. */
function flopsOf({ widths, batch }: Workload): number {
  const each = widths.slice(1).map((n, i) => 2 * batch * n * widths[i]!);
  return 3 * each.reduce((total, flops) => total + flops, 0) - each[0]!;
}

/** Bound by memory, or by what each number needs, whichever is slower. */
function streaming(name: string, bytes: number, prepare: Case["prepare"]): Case {
  return { name, unit: "GB/s", amount: bytes / 1e9, bound: { bytes, touches: bytes }, prepare };
}

/** `count` floats in the core's memory, uniform in [-1, 1). */
function random({ kernels, arena }: Core, count: number): Ptr {
  const at = arena.allocate(count * 4);
  kernels.randomUniform(at, count, -1, 1, 1, 2, 0, 0, 1);
  return at;
}
