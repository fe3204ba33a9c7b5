import * as specs from "../../src/init/specs.ts";
import type { ParamSpec } from "../../src/init/types.ts";
import type { Geometry, Layer } from "./layers.ts";
import {
  bilinearLayer,
  convLayer,
  convTransposeLayer,
  denseLayer,
  locallyConnectedLayer,
  pixelShuffleLayer,
} from "./layers.ts";

/** A kernel as the library describes it, beside the layer that uses it. */
export interface LayerCase {
  readonly name: string;
  readonly spec: ParamSpec;
  readonly layer: Layer;
  /** Fans worked out by hand. */
  readonly fans: readonly [number, number];
  /** Mean square of an output under an orthogonal kernel and inputs of mean square 1: by hand, `min(1, inputs / outputs)` of a map. */
  readonly orthogonal: number;
  /** Gates or projections that every input feeds side by side: a fan_out is that of one. Default 1. */
  readonly parts?: number;
  /** Inputs are tokens, one of so many: their mean square is 1 / tokens. */
  readonly tokens?: number;
  /** Inputs are the products of two vectors of these lengths. */
  readonly factors?: readonly [number, number];
}

/** A kernel does not know how far the positions reach. */
export function withoutExtent<T extends object>({
  extent: _,
  ...rest
}: T & { readonly extent: unknown }): Omit<T, "extent"> {
  return rest;
}

function conv(name: string, geometry: Geometry, fans: LayerCase["fans"], orthogonal: number) {
  return {
    name,
    spec: specs.convSpec(withoutExtent(geometry)),
    layer: convLayer(geometry),
    fans,
    orthogonal,
  };
}

function transposed(name: string, geometry: Geometry, fans: LayerCase["fans"], orthogonal: number) {
  const layer = convTransposeLayer(geometry);
  return { name, spec: specs.convTransposeSpec(withoutExtent(geometry)), layer, fans, orthogonal };
}

function depthwise(
  name: string,
  { inputs, multiplier, ...rest }: Omit<Geometry, "outputs"> & { readonly multiplier: number },
  fans: LayerCase["fans"],
): LayerCase {
  const spec = specs.depthwiseSpec({ ...withoutExtent(rest), inputs, multiplier });
  const layer = convLayer({ ...rest, inputs, outputs: inputs * multiplier, groups: inputs });
  return { name, spec, layer, fans, orthogonal: 1 };
}

const separable = specs.separableSpecs({ size: [3, 3], inputs: 12, multiplier: 2, outputs: 20 });
const lstm = specs.recurrentSpecs("lstm", { inputs: 24, units: 16 });
const gru = specs.recurrentSpecs("gru", { inputs: 12, units: 20 });
const rnn = specs.recurrentSpecs("rnn", { inputs: 40, units: 32 });
const separate = specs.attentionSpecs({ width: 32, heads: 4, context: 20 });
const wide = specs.attentionSpecs({ width: 24, heads: 2, headSize: 20 });
const fused = specs.fusedAttentionSpecs({ width: 32, heads: 4 });
const geometry1 = { extent: [24], size: [5], stride: [1] };
const geometry2 = { extent: [6, 6], size: [3, 3], stride: [1, 1] };
const strided2 = { extent: [8, 8], size: [3, 3], stride: [2, 2] };

export const LAYER_CASES: readonly LayerCase[] = [
  dense("dense 40 -> 40", specs.denseSpec(40, 40), 1),
  dense("dense 60 -> 20", specs.denseSpec(60, 20), 1),
  dense("dense 20 -> 60", specs.denseSpec(20, 60), 1 / 3),

  conv("conv 1-d, 5", { ...geometry1, inputs: 12, outputs: 8 }, [60, 40], 1),
  conv("conv 3 x 3", { ...geometry2, inputs: 8, outputs: 12 }, [72, 108], 1),
  conv("conv 3 x 3, 2 -> 36", { ...geometry2, inputs: 2, outputs: 36 }, [18, 324], 1 / 2),
  conv("conv 3 x 3, stride 2", { ...strided2, inputs: 8, outputs: 20 }, [72, 45], 1),
  conv(
    "conv 2 x 3, stride 2 x 1",
    { extent: [6, 5], size: [2, 3], stride: [2, 1], inputs: 8, outputs: 12 },
    [48, 36],
    1,
  ),
  conv(
    "conv 3-d, 2 x 3 x 2",
    { extent: [3, 3, 3], size: [2, 3, 2], stride: [1, 1, 1], inputs: 6, outputs: 8 },
    [72, 96],
    1,
  ),
  conv("conv 3 x 3, 4 groups", { ...geometry2, inputs: 16, outputs: 24, groups: 4 }, [36, 54], 1),
  conv(
    "conv 1-d, 2 groups, 6 -> 40, stride 2",
    { extent: [24], size: [3], stride: [2], inputs: 6, outputs: 40, groups: 2 },
    [9, 30],
    9 / 20,
  ),
  depthwise("depthwise 3 x 3", { ...geometry2, inputs: 32, multiplier: 1 }, [9, 9]),
  depthwise("depthwise 3 x 3, multiplier 2", { ...geometry2, inputs: 16, multiplier: 2 }, [9, 18]),
  depthwise("depthwise 3 x 3, stride 2", { ...strided2, inputs: 32, multiplier: 2 }, [9, 4.5]),
  {
    ...{ name: "separable: depthwise", spec: separable.depthwise, fans: [9, 18], orthogonal: 1 },
    layer: convLayer({ ...geometry2, inputs: 12, outputs: 24, groups: 12 }),
  },
  {
    ...{ name: "separable: pointwise", spec: separable.pointwise, fans: [24, 20], orthogonal: 1 },
    layer: convLayer({ extent: [5, 5], size: [1, 1], stride: [1, 1], inputs: 24, outputs: 20 }),
  },

  transposed("transposed conv 3 x 3", { ...geometry2, inputs: 12, outputs: 8 }, [108, 72], 1),
  transposed(
    "transposed conv 4 x 4, stride 2",
    { extent: [3, 3], size: [4, 4], stride: [2, 2], inputs: 12, outputs: 12 },
    [48, 192],
    1,
  ),
  transposed(
    "transposed conv 2 x 2, stride 2, 8 -> 20",
    { extent: [5, 5], size: [2, 2], stride: [2, 2], inputs: 8, outputs: 20 },
    [8, 80],
    8 / 20,
  ),
  transposed(
    "transposed conv 3 x 2, stride 2 x 1", // phases of two rows of the window, and of one
    { extent: [4, 5], size: [3, 2], stride: [2, 1], inputs: 8, outputs: 12 },
    [24, 72],
    1,
  ),
  transposed(
    "transposed conv 1-d, 3, stride 2, 4 -> 10, 2 groups", // phases of 4 and of 2 terms for 5 outputs
    { extent: [24], size: [3], stride: [2], inputs: 4, outputs: 10, groups: 2 },
    [3, 15],
    (4 / 5 + 2 / 5) / 2,
  ),
  {
    name: "pixel shuffle 2, 3 x 3",
    spec: specs.pixelShuffleSpec({ size: [3, 3], inputs: 6, outputs: 5, factor: 2 }),
    layer: pixelShuffleLayer({ extent: [4, 4], size: [3, 3], inputs: 6, outputs: 5 }, 2),
    ...{ fans: [54, 180], orthogonal: 1 },
  },
  {
    name: "locally connected 3 x 3",
    spec: specs.locallyConnectedSpec({ positions: [4, 4], size: [3, 3], inputs: 6, outputs: 8 }),
    layer: locallyConnectedLayer({
      ...{ extent: [4, 4], size: [3, 3], stride: [1, 1], inputs: 6, outputs: 8 },
    }),
    ...{ fans: [54, 72], orthogonal: 1 },
  },
  {
    name: "locally connected 1-d, 3, stride 2, 2 -> 12",
    spec: specs.locallyConnectedSpec({
      ...{ positions: [16], size: [3], stride: 2, inputs: 2, outputs: 12 },
    }),
    layer: locallyConnectedLayer({
      ...{ extent: [16], size: [3], stride: [2], inputs: 2, outputs: 12 },
    }),
    ...{ fans: [6, 18], orthogonal: 1 / 2 },
  },

  {
    name: "embedding 50 x 12",
    spec: specs.embeddingSpec(50, 12),
    layer: denseLayer(50, 12, 40),
    // A semi-orthogonal table: entries of variance 1 / 50, each looked up alone.
    ...{ fans: [1, 12], orthogonal: 1 / 50, tokens: 50 },
  },
  {
    name: "bilinear 6 x 14 -> 10",
    spec: specs.bilinearSpec({ left: 6, right: 14, outputs: 10 }),
    layer: bilinearLayer(6, 14, 10, 10),
    ...{ fans: [84, (14 * 10 * 6 + 6 * 10 * 14) / 20], orthogonal: 1, factors: [6, 14] },
  },

  gates("rnn kernel", rnn.kernel, [40, 32], 1),
  gates("rnn recurrent kernel", rnn.recurrent, [32, 32], 1),
  gates("lstm kernel", lstm.kernel, [24, 16], 1),
  gates("lstm recurrent kernel", lstm.recurrent, [16, 16], 1),
  gates("gru kernel", gru.kernel, [12, 20], 12 / 20),
  gates("gru recurrent kernel", gru.recurrent, [20, 20], 1),

  gates("attention query", separate.query, [32, 32], 1),
  gates("attention key of a context", separate.key, [20, 32], 20 / 32),
  gates("attention value of a context", separate.value, [20, 32], 20 / 32),
  gates("attention output", separate.output, [32, 32], 1),
  gates("attention value, wide heads", wide.value, [24, 40], 24 / 40),
  gates("attention output, wide heads", wide.output, [40, 24], 1),
  gates("attention, fused", fused.queryKeyValue, [32, 32], 1),
];

function dense(name: string, spec: ParamSpec, orthogonal: number): LayerCase {
  const [inputs = 0, outputs = 0] = spec.shape;
  return {
    name,
    spec,
    layer: denseLayer(inputs, outputs, 10),
    fans: [inputs, outputs],
    orthogonal,
  };
}

/** A dense layer whose columns are the gates or projections that the spec names. */
function gates(
  name: string,
  spec: ParamSpec,
  fans: LayerCase["fans"],
  orthogonal: number,
): LayerCase {
  return { ...dense(name, spec, orthogonal), fans, parts: spec.parts?.length ?? 1 };
}
