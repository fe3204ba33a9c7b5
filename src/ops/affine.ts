import { float } from "../graph/buffer.ts";
import type { Param } from "../graph/param-store.ts";
import type { Tape } from "../graph/tape.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { ActivationSpec } from "../init/types.ts";
import { activation, kindOf, readsOutput } from "./activation.ts";
import type { Weight } from "./norm.ts";

export interface AffineOptions {
  readonly kernel: Weight;
  readonly bias: Param | undefined;
  readonly activation: ActivationSpec;
  /** The kernel is [n, k]: it is another layer's, used the other way round. Default false. */
  readonly transposed?: boolean;
}

/**
 * `y = f(x w + b)` over the last axis: x [.., k], w [k, n], b [n].
 *
 * The activation is fused into the product's write-back, unless its backward reads what the product alone gives, or a probe wants
 * to see that.
 */
export function affine(tape: Tape, layer: string, x: Tensor, options: AffineOptions): Tensor {
  const { kernel: w, bias: b, activation: f, transposed = false } = options;
  const [k = 0, n = 0] = transposed ? w.shape.toReversed() : w.shape;
  // Steps from row to row and from column to column of the k x n matrix.
  const [down, along] = transposed ? [1, k] : [n, 1];
  const m = x.size / k;
  const example = [...x.shape.slice(1, -1), n];
  const isFused =
    !tape.training || f.name === "linear" || (readsOutput(tape.core, f) && !tape.keep);
  const kind = kindOf(tape.core, f);
  const linear = kindOf(tape.core, { name: "linear", alpha: 0 });
  const alpha = float(f.alpha);
  const workspace = tape.workspace(workspaceBytes(tape, m, n, k));

  const y = tape.tensor(example, layer, isFused ? "output" : "preactivation");
  tape.emit(
    ...(["gemm", y.data, n, 1, x.data, k, 1, w.data, down, along] as const),
    ...([b === undefined ? 0 : tape.params.values(b), workspace, m, n, k] as const),
    ...([0, isFused ? kind : linear, alpha, tape.core.tile] as const),
  );

  tape.onBackward(() => {
    const dy = tape.grad(y);
    if (dy === undefined) return;
    // Nobody reads dy after this op, so dz may take its place.
    const hasActivation = isFused && f.name !== "linear";
    const at = dy;
    if (b !== undefined) {
      const db = tape.addParamGrad(b);
      // dz = f'(y) dy, db = column sums of dz
      tape.emit(
        ...(["activationBackwardBias", at, db.at, y.data, dy, m, n] as const),
        ...([isFused ? kind : linear, alpha, db.beta] as const),
      );
    } else if (hasActivation) {
      tape.emit("activationBackward", at, y.data, dy, y.size, kind, alpha, 0); // dz = f'(y) dy
    }
    const dw = w.grad(); // dw = x' dz
    const dwWorkspace = tape.workspace(workspaceBytes(tape, k, n, m));
    tape.emit(
      ...(["gemm", dw.at, down, along, x.data, 1, k, at, n, 1] as const),
      ...([0, dwWorkspace, k, n, m, dw.beta, linear, float(0), tape.core.tile] as const),
    );
    const dx = tape.addGrad(x); // dx = dz w'
    if (dx === undefined) return;
    const dxWorkspace = tape.workspace(workspaceBytes(tape, m, k, n));
    tape.emit(
      ...(["gemm", dx.at, k, 1, at, n, 1, w.data, along, down] as const),
      ...([0, dxWorkspace, m, k, n, dx.beta, linear, float(0), tape.core.tile] as const),
    );
  });
  return isFused ? y : activation(tape, layer, y, f);
}

function workspaceBytes(tape: Tape, m: number, n: number, k: number): number {
  return tape.core.kernels.gemmWorkspace(m, n, k) >>> 0;
}
