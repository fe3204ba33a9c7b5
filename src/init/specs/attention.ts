import type { ParamSpec } from "../types.ts";
import { checkDivides, checkKeys, checkSizes, LINEAR } from "./checks.ts";
import { matrix, sideBySide } from "./matrix.ts";

const KEYS = ["width", "heads", "headSize"];

export interface AttentionOptions {
  /** Features of the input and of the output. */
  readonly width: number;
  readonly heads: number;
  /** Features of a head. Default `width / heads`. */
  readonly headSize?: number;
}

/**
 * Query, key and value [width, heads headSize] and output [heads headSize, width], a parameter each. A head is no
 * fan: an input feeds all of them. Keys and values may come from a context of another width.
 */
export function attentionSpecs({
  context,
  ...options
}: AttentionOptions & {
  /** Features of what keys and values are computed from. Default `width`. */
  readonly context?: number;
}): { query: ParamSpec; key: ParamSpec; value: ParamSpec; output: ParamSpec } {
  checkKeys("attentionSpecs", options, [...KEYS, "context"]);
  const { width, heads } = options;
  const inner = innerWidth("attentionSpecs", options);
  const source = context ?? width;
  checkSizes("attentionSpecs", { context: source });
  return {
    query: projection("query", [width, inner], heads),
    key: projection("key", [source, inner], heads),
    value: projection("value", [source, inner], heads),
    output: projection("output", [inner, width], heads),
  };
}

/**
 * Query, key and value as one kernel [width, 3 heads headSize], and the output. The fused kernel is three linear maps with the
 * fans of one: its weights are those of three separate kernels.
 */
export function fusedAttentionSpecs(options: AttentionOptions): {
  queryKeyValue: ParamSpec;
  output: ParamSpec;
} {
  checkKeys("fusedAttentionSpecs", options, KEYS);
  const { width, heads } = options;
  const inner = innerWidth("fusedAttentionSpecs", options);
  return {
    queryKeyValue: {
      ...{ layer: "attention", role: "kernel", shape: [width, 3 * inner], activation: LINEAR },
      ...{ fanIn: width, fanOut: inner, maps: sideBySide(3, width, inner) },
      ...{ parts: ["query", "key", "value"], heads },
    },
    output: projection("output", [inner, width], heads),
  };
}

function projection(
  part: string,
  [inputs, outputs]: readonly [number, number],
  heads: number,
): ParamSpec {
  return {
    ...{ layer: "attention", role: "kernel", shape: [inputs, outputs], activation: LINEAR },
    ...{ fanIn: inputs, fanOut: outputs, maps: [matrix(inputs, outputs)] },
    ...{ parts: [part], heads },
  };
}

function innerWidth(where: string, { width, heads, headSize }: AttentionOptions): number {
  checkSizes(where, { width, heads });
  if (headSize === undefined) checkDivides(where, ["heads", heads], ["width", width]);
  else checkSizes(where, { headSize });
  return heads * (headSize ?? width / heads);
}
