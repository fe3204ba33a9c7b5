import type { ActivationSpec, ParamSpec } from "../types.ts";
import { checkKeys, checkSizes, LINEAR } from "./checks.ts";
import { matrix } from "./matrix.ts";

/** `y = x W`, W [inputs, outputs]: fan_in = inputs, fan_out = outputs. */
export function denseSpec(
  inputs: number,
  outputs: number,
  activation: ActivationSpec = LINEAR,
): ParamSpec {
  checkSizes("denseSpec", { inputs, outputs });
  return {
    ...{ layer: "dense", role: "kernel", shape: [inputs, outputs], activation },
    ...{ fanIn: inputs, fanOut: outputs, maps: [matrix(inputs, outputs)] },
  };
}

/**
 * `y = W[token]`, W [tokens, width]: a lookup sums one term, so fan_in = 1 and fan_out = width. For rows of length 1 scale by
 * fan_out; no count of tokens belongs into it.
 */
export function embeddingSpec(tokens: number, width: number): ParamSpec {
  checkSizes("embeddingSpec", { tokens, width });
  return {
    ...{ layer: "embedding", role: "embedding", shape: [tokens, width], activation: LINEAR },
    ...{ fanIn: 1, fanOut: width, maps: [matrix(tokens, width)] },
  };
}

/**
 * `y_o = sum_ij a_i b_j W_ijo`, W [left, right, outputs]: fan_in = left right. An a_i meets right outputs weights, a b_j left
 * outputs; fan_out is their mean over all left + right inputs, `2 left right outputs / (left + right)`. The one linear map takes
 * the products.
 */
export function bilinearSpec({
  left,
  right,
  outputs,
  activation = LINEAR,
  ...others
}: {
  readonly left: number;
  readonly right: number;
  readonly outputs: number;
  readonly activation?: ActivationSpec;
}): ParamSpec {
  checkKeys("bilinearSpec", others, ["left", "right", "outputs", "activation"]);
  checkSizes("bilinearSpec", { left, right, outputs });
  const fanIn = left * right;
  return {
    ...{ layer: "bilinear", role: "kernel", shape: [left, right, outputs], activation, fanIn },
    ...{ fanOut: (2 * fanIn * outputs) / (left + right), maps: [matrix(fanIn, outputs)] },
  };
}
