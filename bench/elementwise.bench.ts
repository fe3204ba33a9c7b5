import type { Core } from "headstart/core";
import { compare, cores, SIZES, vectors } from "./support.ts";

// Run it under another engine to see what that makes of the same binary:
// `node --experimental-wasm-revectorize .cache/bench/run.js elementwise` on Node 24.

const REFERENCES: Readonly<Record<string, (x: number) => number>> = {
  relu: (x) => (x < 0 ? 0 : x),
  tanh: Math.tanh,
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  gelu: (x) => 0.5 * x * (1 + Math.tanh(0.7978845608 * (x + 0.044715 * x * x * x))),
  silu: (x) => x / (1 + Math.exp(-x)),
  sin: Math.sin,
};

const WIDTH = 256;

export async function suite(): Promise<void> {
  const loaded = (await cores()).map((core) => ({ core, at: vectors(core) }));
  const each = (run: (core: Core, at: ReturnType<typeof vectors>) => void) =>
    loaded.map(({ core, at }): [string, () => void] => [core.variant, () => run(core, at)]);
  const kinds = loaded[0]!.core.enums.Activation!;

  for (const [name, f] of Object.entries(REFERENCES)) {
    const n = SIZES[0]!;
    const x = Float32Array.from({ length: n }, (_, i) => (i / n) * 2 - 1);
    const y = new Float32Array(n);
    const plain = () => {
      for (let i = 0; i < n; i++) y[i] = f(x[i]!);
    };
    const core = each(({ kernels }, [from, to]) =>
      kernels.activationForward(to, from, n, kinds[name]!, 0, 0, 1),
    );
    compare(name, n, [["plain JS", plain], ...core]);
  }
  for (const [name, kind] of Object.entries(kinds)) {
    for (const n of SIZES) {
      compare(
        `${name} forward`,
        n,
        each(({ kernels }, [x, y]) => kernels.activationForward(y, x, n, kind, 0.1, 0, 1)),
      );
      compare(
        `${name} backward`,
        n,
        each(({ kernels }, [x, y, dy]) => {
          kernels.activationBackward(y, x, dy, n, kind, 0.1, 0, 0, 1);
        }),
      );
      compare(
        `${name} backward and bias`,
        n,
        each(({ kernels }, [x, y, dy, db]) => {
          kernels.activationBackwardBias(y, db, x, dy, n / WIDTH, WIDTH, kind, 0.1, 0, 0, 1);
        }),
      );
    }
  }
  for (const n of SIZES) {
    const rows = Math.floor(n / WIDTH);
    compare(
      "add",
      n,
      each(({ kernels }, [x, y, z]) => kernels.add(z, x, y, n, 0, 0, 1)),
    );
    compare(
      "row sums",
      n,
      each(({ kernels }, [x, y]) => kernels.rowSums(y, x, rows, WIDTH, 0, 0, 1)),
    );
    compare(
      "column sums",
      n,
      each(({ kernels }, [x, y]) => kernels.columnSums(y, x, rows, WIDTH, 0, 0, 1)),
    );
    for (const { core, at } of loaded) {
      const index = core.arena.i32(at[3], rows);
      for (let i = 0; i < rows; i++) index[i] = (i * 7919) % rows;
    }
    compare(
      "gather of rows",
      n,
      each(({ kernels }, [x, y, _, index]) => {
        kernels.gatherRows(y, x, index, rows, WIDTH, 0, 1);
      }),
    );
  }
}
