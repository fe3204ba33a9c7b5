import type { Param } from "../graph/param-store.ts";
import type { Tape } from "../graph/tape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { defaultInitializer } from "../init/defaults.ts";
import type { InitializerLike } from "../init/initializer.ts";
import { describeInitializer, initializer } from "../init/initializer.ts";
import { sideBySide } from "../init/specs/matrix.ts";
import { attentionSpecs, fusedAttentionSpecs, vectorSpec } from "../init/specs.ts";
import type { ActivationSpec, ParamSpec } from "../init/types.ts";
import { affine } from "../ops/affine.ts";
import { attend } from "../ops/attend.ts";
import { plainWeight } from "../ops/norm.ts";
import type { NamedOptions } from "./activation.ts";
import type { Layer } from "./layer.ts";
import { checkCount, checkName } from "./layer.ts";

const LINEAR: ActivationSpec = { name: "linear", alpha: 0 };

export interface AttentionOptions extends NamedOptions {
  readonly heads: number;
  /** Features of a head's queries, keys and values. Default: width / heads. */
  readonly keyDim?: number;
  /** A position sees none after it. Default false. */
  readonly causal?: boolean;
  /** Share of the probabilities that training drops. Default 0. */
  readonly dropout?: number;
  /** Default true. */
  readonly useBias?: boolean;
  /** Default `glorot_uniform`. */
  readonly kernelInitializer?: InitializerLike;
  /** Default `zeros`. */
  readonly biasInitializer?: InitializerLike;
}

/**
 * Multi-head attention (Vaswani et al. 2017): `y = concat_h(softmax(Q_h K_h' / sqrt(keyDim)) V_h) W_o + b_o` with `Q = x W_q + b_q`, and K and V
 * from x too, or from the context where a graph gives one (cross-attention). x is [time, width], the context [its time, any width].
 *
 * Keys that the mask of x (of the context) leaves out are not seen; a query that sees none gives b_o. Self-attention has one kernel
 * [width, 3 heads keyDim] for queries, keys and values; cross-attention one for queries and one for keys and values.
 */
export function multiHeadAttention(options: AttentionOptions): Layer {
  const { name, heads, keyDim, causal = false, dropout = 0, useBias = true } = options;
  checkName("multiHeadAttention", name);
  checkCount("multiHeadAttention: heads", heads);
  if (keyDim !== undefined) checkCount("multiHeadAttention: keyDim", keyDim);
  if (!(dropout >= 0 && dropout < 1)) {
    throw new RangeError(
      `multiHeadAttention: dropout must be at least 0 and below 1, got ${dropout}`,
    );
  }
  const kernelInitializer = initializer(
    options.kernelInitializer ?? defaultInitializer("kernel", LINEAR).initializer,
  );
  const biasInitializer = initializer(options.biasInitializer ?? "zeros");
  const isAsked = {
    kernel: options.kernelInitializer !== undefined,
    bias: options.biasInitializer !== undefined,
  };
  const projector =
    (tape: Tape, path: string) =>
    (part: string, x: Tensor, spec: ParamSpec): Tensor => {
      const at = `${path}/${part}`;
      const kernel = tape.param(`${at}/kernel`, spec, kernelInitializer, isAsked.kernel);
      const units = spec.shape[1]!;
      const bias: Param | undefined = useBias
        ? tape.param(`${at}/bias`, vectorSpec(spec, "bias", units), biasInitializer, isAsked.bias)
        : undefined;
      return affine(tape, at, x, { kernel: plainWeight(tape, kernel), bias, activation: LINEAR });
    };
  return {
    kind: "multi_head_attention",
    ...(name === undefined ? {} : { name }),
    config: {
      ...{ heads, ...(keyDim === undefined ? {} : { keyDim }), causal, dropout, useBias },
      kernelInitializer: describeInitializer(kernelInitializer),
      biasInitializer: describeInitializer(biasInitializer),
    },
    takesContext: true,
    build(tape, x, path, _scope, context) {
      const project = projector(tape, path);
      const width = widthOf(path, x);
      if (keyDim === undefined && width % heads !== 0) {
        throw new RangeError(
          `${path}: expected a width that ${heads} heads divide, got ${width}; give keyDim, the features of a head`,
        );
      }
      const size = keyDim ?? width / heads;
      const inner = heads * size;
      const sizes = { width, heads, headSize: size };
      const how = { heads, size, causal, dropout, mask: (context ?? x).mask };
      if (context === undefined) {
        const specs = fusedAttentionSpecs(sizes);
        const tensor = project("query_key_value", x, specs.queryKeyValue);
        const o = attend(tape, path, { tensor, at: 0 }, { tensor, at: inner }, how);
        return project("output", o, specs.output);
      }
      const specs = attentionSpecs({ ...sizes, context: widthOf(path, context) });
      if (causal && context.shape[1] !== x.shape[1]) {
        throw new RangeError(
          `${path}: causal needs a context as long as the input, got [${context.shape.slice(1)}] and [${x.shape.slice(1)}]`,
        );
      }
      const queries = { tensor: project("query", x, specs.query), at: 0 };
      const keys = { tensor: project("key_value", context, keyValueSpec(specs.key)), at: 0 };
      return project("output", attend(tape, path, queries, keys, how), specs.output);
    },
  };
}

/** Keys and values side by side: two linear maps with the fans of one. */
function keyValueSpec(key: ParamSpec): ParamSpec {
  const [context = 0, inner = 0] = key.shape;
  const maps = sideBySide(2, context, inner);
  return { ...key, shape: [context, 2 * inner], maps, parts: ["key", "value"] };
}

function widthOf(path: string, { shape }: Tensor): number {
  if (shape.length !== 3) {
    throw new RangeError(
      `${path}: expected sequences [time, features], got examples of shape [${shape.slice(1)}]`,
    );
  }
  return shape[2]!;
}
