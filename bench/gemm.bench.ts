import type { Contender } from "./support.ts";
import { cores, race, uniform } from "./support.ts";

// [layout of A and B, m, n, k]: N as stored, T transposed. The shapes of an MLP 784-512-10 at batch 128, and squares.
const SHAPES: readonly (readonly [layout: string, m: number, n: number, k: number])[] = [
  ["NN", 32, 32, 32],
  ["NN", 64, 64, 64],
  ["NN", 128, 128, 128],
  ["NN", 256, 256, 256],
  ["NN", 512, 512, 512],
  ["NN", 1024, 1024, 1024],
  ["NN", 128, 512, 784],
  ["TN", 784, 512, 128],
  ["NT", 128, 784, 512],
  ["NN", 32, 512, 784],
  ["NN", 100, 64, 64],
];

export async function suite(): Promise<void> {
  const variants = await cores();
  for (const [layout, m, n, k] of SHAPES) {
    const flops = 2 * m * n * k;
    const [a, b, c] = [m * k, k * n, m * n].map((size) => new Float32Array(size).fill(0.5)) as [
      Float32Array,
      Float32Array,
      Float32Array,
    ];
    const tasks: Contender[] = [
      { name: "plain JS", work: flops, run: () => naive(c, a, b, m, n, k) },
    ];
    for (const core of variants) {
      const { kernels, arena, tile } = core;
      const A = uniform(core, m * k);
      const B = uniform(core, k * n);
      const C = arena.allocate(m * n * 4);
      const ws = arena.allocate(kernels.gemmWorkspace(m, n, k));
      const [rsa, csa] = layout[0] === "N" ? [k, 1] : [1, m];
      const [rsb, csb] = layout[1] === "N" ? [n, 1] : [1, k];
      const run = () =>
        kernels.gemm(C, n, 1, A, rsa, csa, B, rsb, csb, 0, ws, m, n, k, 0, 0, 0, tile, 0, 1);
      tasks.push({ name: core.variant, work: flops, run });
    }
    await race(`gemm ${layout} ${m} x ${n} x ${k}`, "GFLOP/s", 1e9, tasks);
  }
}

/** Row by row, the order a compiler likes best; what a page of plain JavaScript does. */
function naive(
  c: Float32Array,
  a: Float32Array,
  b: Float32Array,
  m: number,
  n: number,
  k: number,
): void {
  c.fill(0);
  for (let i = 0; i < m; i++) {
    for (let p = 0; p < k; p++) {
      const x = a[i * k + p]!;
      for (let j = 0; j < n; j++) c[i * n + j]! += x * b[p * n + j]!;
    }
  }
}
