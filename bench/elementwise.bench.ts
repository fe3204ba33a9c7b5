import type { Contender } from "./support.ts";
import { cores, race, uniform } from "./support.ts";

const N = 4096; // in L1

const REFERENCES: Readonly<Record<string, (x: number) => number>> = {
  relu: (x) => (x < 0 ? 0 : x),
  tanh: Math.tanh,
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  gelu: (x) => 0.5 * x * (1 + Math.tanh(0.7978845608 * (x + 0.044715 * x * x * x))),
  silu: (x) => x / (1 + Math.exp(-x)),
  sin: Math.sin,
};

export async function suite(): Promise<void> {
  const variants = await cores();
  for (const [name, f] of Object.entries(REFERENCES)) {
    const x = Float32Array.from({ length: N }, (_, i) => (i / N) * 8 - 4);
    const y = new Float32Array(N);
    const plain = () => {
      for (let i = 0; i < N; i++) y[i] = f(x[i]!);
    };
    const tasks: Contender[] = [{ name: "plain JS", work: N, run: plain }];
    for (const core of variants) {
      const { kernels, arena, enums } = core;
      const from = uniform(core, N);
      const to = arena.allocate(N * 4);
      const kind = enums.Activation![name]!;
      tasks.push({
        name: core.variant,
        work: N,
        run: () => kernels.activationForward(to, from, N, kind, 0, 0, 1),
      });
    }
    await race(`${name}, n = ${N}`, "G elem/s", 1e9, tasks);
  }
}
