import type { Ref } from "../graph/buffer.ts";
import { float } from "../graph/buffer.ts";
import type { Tape } from "../graph/tape.ts";
import type { ActivationSpec } from "../init/types.ts";
import { kindOf } from "./activation.ts";

/** An operand of a product: an address, and where its strides are not those of a packed row-major matrix, those. */
export interface Matrix {
  readonly at: Ref;
  readonly rowStride: number;
  readonly columnStride: number;
}

export function matrix(at: Ref, rowStride: number): Matrix {
  return { at, rowStride, columnStride: 1 };
}

export function transposed({ at, rowStride, columnStride }: Matrix): Matrix {
  return { at, rowStride: columnStride, columnStride: rowStride };
}

export interface ProductOptions {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly beta?: number;
  readonly bias?: Ref | undefined;
  readonly activation?: ActivationSpec;
}

/** `C = f(A B + bias + beta C)` */
export function product(
  tape: Tape,
  c: Matrix,
  a: Matrix,
  b: Matrix,
  options: ProductOptions,
): void {
  const { m, n, k, beta = 0, bias, activation = LINEAR } = options;
  const workspace = tape.workspace(tape.core.kernels.gemmWorkspace(m, n, k) >>> 0);
  tape.emit(
    ...(["gemm", c.at, c.rowStride, c.columnStride] as const),
    ...([a.at, a.rowStride, a.columnStride, b.at, b.rowStride, b.columnStride] as const),
    ...([bias ?? 0, workspace, m, n, k, beta] as const),
    ...([kindOf(tape.core, activation), float(activation.alpha), tape.core.tile] as const),
  );
}

const LINEAR: ActivationSpec = { name: "linear", alpha: 0 };
