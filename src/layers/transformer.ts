import type { Tape } from "../graph/tape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { withMaskOf } from "../graph/tensor.ts";
import type { ActivationLike } from "../ops/activation.ts";
import { activationSpec } from "../ops/activation.ts";
import { add } from "../ops/add.ts";
import type { AttentionOptions } from "./attention.ts";
import { multiHeadAttention } from "./attention.ts";
import { dense } from "./dense.ts";
import type { Layer } from "./layer.ts";
import { buildAll, checkCount, checkName, Scope } from "./layer.ts";
import { layerNorm } from "./norm.ts";
import { dropout as dropoutLayer } from "./shape.ts";

export interface TransformerBlockOptions
  extends Pick<AttentionOptions, "name" | "heads" | "keyDim" | "causal"> {
  /** Default: a decoder's self-attention is causal, an encoder's is not. */
  readonly causal?: boolean;
  /** `pre`: `x + f(norm(x))` (Xiong et al. 2020), `post`: `norm(x + f(x))` (Vaswani et al. 2017). Default `pre`. */
  readonly norm?: "pre" | "post";
  /** Units of the hidden layer for each feature. Default 4. */
  readonly expansion?: number;
  /** Of the hidden layer. Default `gelu_tanh`. */
  readonly activation?: ActivationLike;
  /** Of the probabilities, of the hidden layer and of each branch. Default 0. */
  readonly dropout?: number;
  /** Of the norms. Default 1e-5. */
  readonly epsilon?: number;
}

/** Self-attention and a network of two layers at each position, each around a residual connection with a layer norm. */
export function transformerEncoderBlock(options: TransformerBlockOptions): Layer {
  return block("transformer_encoder_block", options, false);
}

/**
 * An encoder block with cross-attention in between, whose keys and values are a context that a graph gives:
 * `apply(transformerDecoderBlock({ heads: 4 }), x, memory)`. Self-attention is causal by default.
 */
export function transformerDecoderBlock(options: TransformerBlockOptions): Layer {
  return block("transformer_decoder_block", options, true);
}

function block(kind: string, options: TransformerBlockOptions, isDecoder: boolean): Layer {
  const { name, heads, keyDim, causal = isDecoder, norm = "pre" } = options;
  const { expansion = 4, dropout = 0, epsilon = 1e-5 } = options;
  const where = isDecoder ? "transformerDecoderBlock" : "transformerEncoderBlock";
  checkName(where, name);
  checkCount(`${where}: expansion`, expansion);
  if (norm !== "pre" && norm !== "post") {
    throw new RangeError(`${where}: norm is "pre" or "post", got ${JSON.stringify(norm)}`);
  }
  const activation = options.activation ?? "gelu_tanh";
  const head = keyDim === undefined ? { heads } : { heads, keyDim };
  const attention = (title: string, isCausal: boolean) =>
    multiHeadAttention({ name: title, ...head, causal: isCausal, dropout });
  const selfAttention = attention("attention", causal);
  const crossAttention = attention("cross_attention", false);
  const drop = (title: string) => (dropout > 0 ? [dropoutLayer(dropout, { name: title })] : []);
  return {
    kind,
    ...(name === undefined ? {} : { name }),
    config: {
      ...head,
      causal,
      norm,
      expansion,
      activation: { ...activationSpec(activation) },
      dropout,
      epsilon,
    },
    takesContext: isDecoder,
    build(tape, input, path, _scope, context) {
      if (isDecoder && context === undefined) {
        throw new RangeError(
          `${path}: expected a context for its cross-attention; in a graph: apply(transformerDecoderBlock({ heads: ${heads} }), x, memory)`,
        );
      }
      const width = input.shape.at(-1) ?? 1;
      const scope = new Scope(`${path}/`);
      const residual = (x: Tensor, title: string, ...layers: readonly Layer[]): Tensor => {
        const normed = layerNorm({ name: `${title}_norm`, epsilon });
        const branch = (from: Tensor) =>
          tape.branch(`${path}/${title}`, () => buildBranch(tape, from, layers, scope, context));
        const own = `${path}/${title}_sum`;
        if (norm === "post") {
          return buildAll(tape, withMaskOf(x, add(tape, own, x, branch(x))), [normed], scope);
        }
        const y = branch(buildAll(tape, x, [normed], scope));
        return withMaskOf(x, add(tape, own, x, y));
      };
      let x = residual(input, "attention", selfAttention, ...drop("attention_dropout"));
      if (isDecoder) {
        x = residual(x, "cross_attention", crossAttention, ...drop("cross_attention_dropout"));
      }
      return residual(
        x,
        "mlp",
        dense(expansion * width, { name: "mlp_in", activation }),
        ...drop("mlp_hidden_dropout"),
        dense(width, { name: "mlp_out" }),
        ...drop("mlp_dropout"),
      );
    },
  };
}

/** Builds layers in a row; the cross-attention among them looks at the context. */
function buildBranch(
  tape: Tape,
  x: Tensor,
  layers: readonly Layer[],
  scope: Scope,
  context: Tensor | undefined,
): Tensor {
  return layers.reduce((y, layer) => {
    if (layer.name !== "cross_attention") return buildAll(tape, y, [layer], scope);
    const path = scope.path(layer);
    return withMaskOf(
      y,
      tape.within(path, () => layer.build(tape, y, path, scope, context)),
    );
  }, x);
}
