import type { Core, Ptr } from "headstart/core";
import { compare, cores, SIZES, vectors } from "./support.ts";

/** Parameters a second: adam reads four vectors and writes three of them. */
export async function suite(): Promise<void> {
  const loaded = (await cores()).map((core) => {
    const { arena, enums } = core;
    const State = enums.State!;
    const state = arena.allocate(State.size!);
    const view = new DataView(arena.f32(state, State.size! / 4).buffer, state, State.size!);
    view.setFloat32(State.learningRate!, 1e-3, true);
    view.setFloat32(State.gradientScale!, 1, true);
    return { core, state, at: vectors(core) };
  });
  const each = (run: (core: Core, at: ReturnType<typeof vectors>, state: Ptr) => void) =>
    loaded.map(({ core, at, state }): [string, () => void] => [
      core.variant,
      () => run(core, at, state),
    ]);
  for (const n of SIZES) {
    compare(
      "sgd",
      n,
      each(({ kernels }, [p, g], state) => kernels.sgd(p, g, n, 1e-4, state, 0, 1)),
    );
    for (const nesterov of [0, 1]) {
      compare(
        nesterov ? "nesterov" : "momentum",
        n,
        each(({ kernels }, [p, g, m], state) => {
          kernels.momentum(p, g, m, n, 0.9, nesterov, 1e-4, state, 0, 1);
        }),
      );
    }
    compare(
      "rmsprop",
      n,
      each(({ kernels }, [p, g, _, v], state) => {
        kernels.rmsprop(p, g, v, n, 0.9, 1e-8, 1e-4, state, 0, 1);
      }),
    );
    compare("adam", n, [
      ["plain JS", plainAdam(n)],
      ...each(({ kernels }, [p, g, m, v], state) => {
        kernels.adam(p, g, m, v, n, 0.9, 0.999, 1e-8, 0, 0, state, 0, 1);
      }),
    ]);
    compare(
      "sum of squares",
      n,
      each(({ kernels }, [p, g]) => kernels.sumSquares(p, g, n, 0, 1)),
    );
  }
}

function plainAdam(n: number): () => void {
  const [p, g, m, v] = Array.from({ length: 4 }, () => new Float32Array(n).fill(0.5)) as [
    Float32Array,
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  return () => {
    for (let i = 0; i < n; i++) {
      m[i] = 0.9 * m[i]! + 0.1 * g[i]!;
      v[i] = 0.999 * v[i]! + 0.001 * g[i]! * g[i]!;
      p[i]! -= (1e-3 * m[i]!) / (Math.sqrt(v[i]!) + 1e-8);
    }
  };
}
