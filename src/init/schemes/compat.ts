import type { ParamSpec } from "../types.ts";
import { size } from "../values.ts";
import type { Scheme } from "./scheme.ts";
import { nonNegative, number } from "./scheme.ts";

/** What other libraries draw: for their presets. */
export const COMPAT: readonly Scheme[] = [
  {
    name: "fused_orthogonal",
    aliases: [],
    family: "orthogonal",
    applies: "kernels",
    defaults: { gain: 1, columns: "auto" },
    formula:
      "gain Q, one Q for the whole tensor seen as [product of the other axes, last axis], or as rows of `columns` numbers; " +
      "columns=taps (transposed convolutions): as [all inputs, outputs of a group and window positions]",
    use: "to reproduce the recurrent kernels of PyTorch, Keras and tfjs, whose gates are not orthogonal one by one",
    source: "orthogonal of those libraries on a fused kernel; keras#9149",
    property: "the shorter side of the whole is orthonormal times gain, its parts are not",
    draw: (options, spec) => {
      const gain = number(options, "gain");
      const cells = size(spec.shape);
      const { columns: asked } = options;
      const placeOf = asked === "taps" ? tapsFirst(spec) : undefined;
      const columns =
        placeOf?.columns ??
        (asked === "auto" ? (spec.shape.at(-1) ?? 1) : number(options, "columns"));
      const rows = cells / columns;
      if (!(Number.isInteger(columns) && columns > 0 && Number.isInteger(rows))) {
        throw new RangeError(
          `fused_orthogonal: columns must divide the ${cells} numbers of [${spec.shape}], got ${asked}`,
        );
      }
      const std = Math.abs(gain) * Math.sqrt(Math.min(rows, columns) / cells);
      return {
        distribution: "values",
        theory: { mean: 0, std, low: -Math.abs(gain), high: Math.abs(gain) },
        values: (draws) => {
          const q = draws.orthogonal(rows, columns, 1).map((x) => gain * x);
          return placeOf === undefined ? q : q.map((_, index) => q[placeOf.at(index)]!);
        },
      };
    },
  },
  {
    name: "torch_sparse",
    aliases: [],
    family: "sparse",
    applies: "matrices",
    defaults: { sparsity: 0.9, std: 0.01 },
    formula: "N(0, std^2) but for ceil(sparsity outputs) zeros among the weights of each input",
    use: "to reproduce PyTorch's sparse_, under which units differ in their number of inputs",
    source:
      "PyTorch torch.nn.init.sparse_, which has no default sparsity and zeros columns of [out, in]; martens counts for each unit",
    property: "exactly that many zeros in each row of [inputs, outputs]",
    draw: (options, spec) => {
      const sparsity = nonNegative(options, "sparsity");
      const std = nonNegative(options, "std");
      const [rows = 1, columns = 1] = spec.shape;
      if (sparsity > 1) {
        throw new RangeError(`torch_sparse: sparsity must be at most 1, got ${sparsity}`);
      }
      const zeros = Math.ceil(sparsity * columns);
      return {
        distribution: "values",
        theory: {
          ...{ mean: 0, std: std * Math.sqrt(1 - zeros / columns) },
          ...{ low: -Infinity, high: Infinity },
        },
        values: (draws) => {
          const values = draws.normal(rows * columns, 1).map((z) => std * z);
          const order = draws.uniform(rows * columns, 2);
          for (let row = 0; row < rows; row++) {
            const at = Array.from({ length: columns }, (_, column) => row * columns + column);
            at.sort((a, b) => order[a]! - order[b]!);
            for (const index of at.slice(0, zeros)) values[index] = 0;
          }
          return values;
        },
      };
    },
  },
];

/** Where the element of a kernel [positions…, inputs / groups, outputs] stands in [inputs, outputs / groups positions]. */
function tapsFirst({ layer, shape, window, fanOut }: ParamSpec): {
  readonly columns: number;
  readonly at: (index: number) => number;
} {
  if (window === undefined || layer !== "conv_transpose") {
    throw new RangeError(
      `fused_orthogonal: columns=taps expects the kernel of a transposed convolution, got [${shape}]`,
    );
  }
  const [rows, outputs] = [shape.at(-2)!, shape.at(-1)!];
  const positions = size(window.size);
  const columns = fanOut; // outputs / groups positions
  const share = columns / positions;
  return {
    columns,
    at: (index) => {
      const output = index % outputs;
      const row = Math.floor(index / outputs) % rows;
      const position = Math.floor(index / (outputs * rows));
      const group = Math.floor(output / share);
      return (group * rows + row) * columns + (output % share) * positions + position;
    },
  };
}
