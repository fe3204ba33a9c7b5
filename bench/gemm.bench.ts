import type { Core } from "headstart/core";
import type { Contender } from "./support.ts";
import { cores, race, uniform } from "./support.ts";

type Shape = readonly [layout: string, m: number, n: number, k: number];

const SQUARES: readonly Shape[] = [32, 64, 128, 256, 512, 1024].map((n) => ["NN", n, n, n]);

/** A dense layer of 784 to 512: its output, its weights' gradient, its input's gradient. */
const LAYER: readonly Shape[] = [1, 8, 32, 128, 256].flatMap((batch): Shape[] => [
  ["NN", batch, 512, 784],
  ["TN", 784, 512, batch],
  ["NT", batch, 784, 512],
]);

/** The shapes of narrow and of tiny networks. */
const SMALL: readonly Shape[] = [
  ["NN", 64, 128, 128],
  ["TN", 128, 128, 64],
  ["NT", 64, 128, 128],
  ["NN", 128, 10, 256],
  ["TN", 256, 10, 128],
  ["NT", 128, 256, 10],
  ["NN", 100, 64, 64],
  ["NN", 32, 16, 2],
  ["NN", 32, 16, 16],
  ["NN", 32, 1, 16],
];

export async function suite(): Promise<void> {
  const variants = await cores();
  const limits = variants.map(peak);
  variants.forEach(({ variant, tile }, i) => {
    const gflops = (limits[i]! / 1e9).toFixed(0);
    console.log(`multiply-adds in registers, ${variant}, tile ${tile}: ${gflops} GFLOP/s = 100 %`);
  });
  for (const [layout, m, n, k] of [...SQUARES, ...LAYER, ...SMALL]) {
    const flops = 2 * m * n * k;
    const [a, b, c] = [m * k, k * n, m * n].map((size) => new Float32Array(size).fill(0.5)) as [
      Float32Array,
      Float32Array,
      Float32Array,
    ];
    const tasks: Contender[] = [
      { name: "plain JS", work: flops, run: () => naive(c, a, b, m, n, k) },
    ];
    variants.forEach((core, i) => {
      const { kernels, arena, tile } = core;
      const A = uniform(core, m * k);
      const B = uniform(core, k * n);
      const C = arena.allocate(m * n * 4);
      const ws = arena.allocate(kernels.gemmWorkspace(m, n, k));
      const [rsa, csa] = layout[0] === "N" ? [k, 1] : [1, m];
      const [rsb, csb] = layout[1] === "N" ? [n, 1] : [1, k];
      const run = () =>
        kernels.gemm(C, n, 1, A, rsa, csa, B, rsb, csb, 0, ws, m, n, k, 0, 0, 0, tile, 0, 1);
      tasks.push({ name: core.variant, work: flops, run, limit: limits[i]! });
    });
    await race(`gemm ${layout} ${m} x ${n} x ${k}`, "GFLOP/s", 1e9, tasks);
  }
}

/** Operations a second of multiply-adds alone, the best of many runs. */
export function peak({ kernels, arena, tile }: Core): number {
  const count = 6 * tile;
  const at = arena.allocate((count + 2) * 4);
  arena.f32(at, count + 2).fill(0.5);
  const run = tile === 16 ? kernels.peak16 : kernels.peak8;
  const steps = 20_000;
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 300; i++) {
    const start = performance.now();
    run(at, steps);
    best = Math.min(best, performance.now() - start);
  }
  return (2 * count * steps) / (best / 1000);
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
