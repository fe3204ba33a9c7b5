import type { Core } from "headstart/core";
import { compare, cores, SIZES, vectors } from "./support.ts";

/** Losses with their gradients, and softmax cross-entropy without; elements are logits. */
export async function suite(): Promise<void> {
  const loaded = (await cores()).map((core) => ({ core, at: vectors(core) }));
  const results = loaded.map(({ core }) => ({
    losses: core.arena.allocate(Math.max(...SIZES)),
    hits: core.arena.allocate(Math.max(...SIZES)),
  }));
  const each = (
    run: (core: Core, at: ReturnType<typeof vectors>, loss: (typeof results)[0]) => void,
  ) =>
    loaded.map(({ core, at }, i): [string, () => void] => [
      core.variant,
      () => run(core, at, results[i]!),
    ]);
  for (const classes of [10, 1000]) {
    for (const size of SIZES) {
      const rows = Math.floor(size / classes);
      const n = rows * classes;
      for (const { core, at } of loaded) {
        const labels = core.arena.i32(at[2], rows);
        for (let i = 0; i < rows; i++) labels[i] = (i * 7) % classes;
      }
      const x = Float32Array.from({ length: n }, (_, i) => ((i * 7919) % 1000) / 500 - 1);
      const gradient = new Float32Array(n);
      compare(`softmax cross-entropy, ${classes} classes`, n, [
        ["plain JS", () => plainCrossEntropy(gradient, x, rows, classes)],
        ...each(({ kernels }, [from, to, labels], { losses, hits }) => {
          kernels.softmaxCrossEntropy(
            losses,
            hits,
            to,
            from,
            labels,
            rows,
            classes,
            0,
            1 / rows,
            0,
            1,
          );
        }),
      ]);
      compare(
        `  without its gradient`,
        n,
        each(({ kernels }, [from, _, labels], { losses, hits }) => {
          kernels.softmaxCrossEntropy(
            losses,
            hits,
            0,
            from,
            labels,
            rows,
            classes,
            0,
            1 / rows,
            0,
            1,
          );
        }),
      );
    }
  }
  const cols = 256;
  for (const n of SIZES) {
    const rows = n / cols;
    for (const name of ["bceWithLogits", "meanSquaredError", "meanAbsoluteError"] as const) {
      compare(
        name,
        n,
        each(({ kernels }, [y, dy, _, t], { losses, hits }) => {
          kernels[name](losses, hits, dy, y, t, rows, cols, 1 / n, 0, 1);
        }),
      );
    }
    compare(
      "huber",
      n,
      each(({ kernels }, [y, dy, _, t], { losses, hits }) => {
        kernels.huber(losses, hits, dy, y, t, rows, cols, 0.5, 1 / n, 0, 1);
      }),
    );
  }
}

function plainCrossEntropy(
  gradient: Float32Array,
  x: Float32Array,
  rows: number,
  classes: number,
): number {
  let loss = 0;
  for (let r = 0; r < rows; r++) {
    const first = r * classes;
    let top = Number.NEGATIVE_INFINITY;
    for (let c = 0; c < classes; c++) top = Math.max(top, x[first + c]!);
    let sum = 0;
    for (let c = 0; c < classes; c++) sum += gradient[first + c] = Math.exp(x[first + c]! - top);
    for (let c = 0; c < classes; c++) gradient[first + c]! /= sum * rows;
    const label = first + ((r * 7) % classes);
    loss += Math.log(sum) + top - x[label]!;
    gradient[label]! -= 1 / rows;
  }
  return loss / rows;
}
