import { describe, expect, test } from "vitest";
import { placeMap, rowOf } from "../../src/init/maps.ts";
import {
  attentionSpecs,
  bilinearSpec,
  convSpec,
  convTransposeSpec,
  denseSpec,
  depthwiseSpec,
  embeddingSpec,
  fusedAttentionSpecs,
  locallyConnectedSpec,
  normSpecs,
  pixelShuffleSpec,
  recurrentSpecs,
  separableSpecs,
  vectorSpec,
} from "../../src/init/specs.ts";
import type { ParamSpec } from "../../src/init/types.ts";
import { LAYER_CASES } from "../support/layer-cases.ts";

const sizeOf = ({ shape }: ParamSpec) => shape.reduce((all, n) => all * n, 1);

function tally(indices: Int32Array, length: number): Int32Array {
  const counts = new Int32Array(length);
  for (const i of indices) counts[i]!++;
  return counts;
}

/** Of each weight: which map it lies in, as which input and output; and how often a map claims it. */
function places({ maps }: ParamSpec, weights: number) {
  const claims = new Int32Array(weights);
  const map = new Int32Array(weights);
  const output = new Int32Array(weights);
  maps.forEach((m, index) => {
    for (let i = 0; i < m.inputs; i++) {
      for (let o = 0; o < m.outputs; o++) {
        const at = rowOf(m, i) + o * m.outputStride;
        claims[at]!++;
        map[at] = index;
        output[at] = o;
      }
    }
  });
  return { claims, map, output };
}

describe.each(LAYER_CASES)("$name", ({ spec, layer, fans, parts = 1, tokens = 1, factors }) => {
  test("has the fans worked out by hand", () => {
    expect([spec.fanIn, spec.fanOut]).toEqual(fans);
  });

  test("has a weight for each of the layer's, and every one is used equally often", () => {
    expect(sizeOf(spec)).toBe(layer.weights);
    const uses = tally(layer.weight, layer.weights);
    expect(new Set(uses)).toEqual(new Set([layer.weight.length / layer.weights]));
  });

  test("has the fans that the layer shows when its products are counted", () => {
    // A lookup multiplies one row of the table, not all.
    expect(layer.weight.length / layer.outputs / tokens).toBeCloseTo(spec.fanIn, 10);
    const [left, right] = factors ?? [1, 1];
    const fed = layer.weight.length / layer.inputs / parts;
    // A product of two inputs: i of the left meets `right` times the weights that the product meets, j of the right `left` times.
    const mean = factors === undefined ? 1 : (left * right + right * left) / (left + right);
    expect(fed * mean).toBeCloseTo(spec.fanOut, 10);
  });

  test("has maps that cover each weight exactly once", () => {
    const { claims } = places(spec, layer.weights);
    expect(new Set(claims)).toEqual(new Set([1]));
    expect(spec.maps.reduce((sum, map) => sum + map.inputs * map.outputs, 0)).toBe(layer.weights);
  });

  test("sums into each output one whole column of one map", () => {
    const { map, output } = places(spec, layer.weights);
    const columns = new Map<number, Set<string>>();
    for (let i = 0; i < layer.weight.length; i++) {
      const w = layer.weight[i]!;
      const of = columns.get(layer.output[i]!) ?? new Set();
      columns.set(layer.output[i]!, of.add(`${map[w]} ${output[w]}`));
    }
    expect(columns.size).toBe(layer.outputs);
    expect([...columns.values()].every((of) => of.size === 1)).toBe(true);
    const terms = tally(layer.output, layer.outputs);
    columns.forEach(([...of], at) => {
      const index = Number(of[0]?.split(" ")[0]);
      expect(terms[at]).toBe(spec.maps[index]?.inputs);
    });
  });

  test("names a part for each map, if it names any", () => {
    if (spec.parts !== undefined) expect(spec.parts.length).toBe(spec.maps.length);
    expect(spec.parts?.length ?? 1).toBe(parts);
  });
});

test("a matrix placed in a map with uneven rows lands on that phase's window positions", () => {
  const spec = convTransposeSpec({ size: [3], stride: 2, inputs: 2, outputs: 2 });
  const values = new Float32Array(sizeOf(spec));
  placeMap(values, spec.maps[0]!, [1, 2, 3, 4, 5, 6, 7, 8]);
  placeMap(values, spec.maps[1]!, [9, 10, 11, 12]);
  expect([...values]).toEqual([1, 2, 3, 4, 9, 10, 11, 12, 5, 6, 7, 8]); // positions 0, 1, 2
});

test("phases of a stride longer than the window, which meet no weight, have no map", () => {
  const { maps, fanIn } = convTransposeSpec({ size: [1, 1], stride: 2, inputs: 8, outputs: 4 });
  expect(maps).toEqual([{ offset: 0, inputs: 8, outputs: 4, inputStride: 4, outputStride: 1 }]);
  expect(fanIn).toBe(2); // three outputs of four have no term at all
});

test("the columns of gates and projections are named in order", () => {
  const parts = (cell: "rnn" | "lstm" | "gru") =>
    recurrentSpecs(cell, { inputs: 3, units: 2 }).recurrent.parts;
  expect(parts("lstm")).toEqual(["input", "forget", "cell", "output"]);
  expect(parts("gru")).toEqual(["reset", "update", "candidate"]);
  expect(parts("rnn")).toEqual(["hidden"]);
  const fused = fusedAttentionSpecs({ width: 6, heads: 2 }).queryKeyValue;
  expect(fused.parts).toEqual(["query", "key", "value"]);
  expect(fused.maps.map(({ offset }) => offset)).toEqual([0, 6, 12]);
});

test("roles and layers are stated", () => {
  const of = ({ layer, role }: ParamSpec) => `${layer} ${role}`;
  const { kernel, recurrent, bias } = recurrentSpecs("gru", { inputs: 3, units: 2 });
  expect([kernel, recurrent, bias].map(of)).toEqual(["gru kernel", "gru recurrent", "gru bias"]);
  expect(of(embeddingSpec(3, 2))).toBe("embedding embedding");
  const norm = normSpecs(4);
  expect([norm.gain, norm.bias].map(of)).toEqual(["norm gain", "norm bias"]);
});

test("windows and the activation that follows are stated", () => {
  const relu = { name: "relu", alpha: 0 };
  const options = { size: [3, 5], stride: [1, 2], inputs: 4, outputs: 8, activation: relu };
  const { outputs: _, ...channels } = options;
  expect(convSpec(options).window).toEqual({ size: [3, 5], stride: [1, 2] });
  expect(convSpec({ ...options, stride: 2 }).window?.stride).toEqual([2, 2]);
  for (const spec of [convSpec(options), convTransposeSpec(options), depthwiseSpec(channels)]) {
    expect(spec.activation).toEqual(relu);
  }
  const { depthwise, pointwise } = separableSpecs(options); // nothing stands between the two
  expect([depthwise.activation.name, pointwise.activation.name]).toEqual(["linear", "relu"]);
});

test("a recurrent kernel's product is followed by nothing of its own", () => {
  const tanh = { name: "tanh", alpha: 0 };
  const rnn = recurrentSpecs("rnn", { inputs: 3, units: 2, activation: tanh });
  expect([rnn.kernel.activation.name, rnn.recurrent.activation.name]).toEqual(["tanh", "linear"]);
});

test("a bias has the fans and the parts of its kernel, and no map", () => {
  const { kernel, bias } = recurrentSpecs("lstm", { inputs: 3, units: 2 });
  expect(bias).toEqual(vectorSpec(kernel, "bias", 8));
  expect(bias).toMatchObject({ shape: [8], fanIn: 3, fanOut: 2, maps: [], parts: kernel.parts });
  expect(vectorSpec(denseSpec(3, 5), "bias", 5)).toMatchObject({ fanIn: 3, fanOut: 5, maps: [] });
});

test("a gain of a norm has one term and feeds one output", () => {
  expect(normSpecs(7).gain).toMatchObject({ shape: [7], fanIn: 1, fanOut: 1, maps: [] });
});

describe("sizes that are none are refused", () => {
  const conv = { size: [3, 3], inputs: 4, outputs: 8 };
  const text = (value: unknown) => value as number; // as untyped callers may pass it
  test.each<[string, () => unknown, ErrorConstructor, string]>([
    [
      "0 inputs",
      () => denseSpec(0, 3),
      RangeError,
      "denseSpec: inputs must be a whole number of at least 1, got 0",
    ],
    [
      "a fraction",
      () => denseSpec(3, 1.5),
      RangeError,
      "denseSpec: outputs must be a whole number of at least 1, got 1.5",
    ],
    ["NaN", () => embeddingSpec(Number.NaN, 3), RangeError, "embeddingSpec: tokens must be"],
    ["text", () => denseSpec(text("3"), 3), TypeError, "denseSpec: inputs must be a number, got 3"],
    [
      "no window",
      () => convSpec({ ...conv, size: [] }),
      RangeError,
      "convSpec: size must have at least one axis, got []",
    ],
    [
      "a number for a window",
      () => convSpec({ ...conv, size: 3 as unknown as number[] }),
      TypeError,
      "convSpec: size must be a list of sizes, got 3",
    ],
    [
      "a window of 0",
      () => convSpec({ ...conv, size: [3, 0] }),
      RangeError,
      "convSpec: size[1] must be a whole number of at least 1, got 0",
    ],
    [
      "too few strides",
      () => convSpec({ ...conv, stride: [2] }),
      RangeError,
      "convSpec: stride must have one size for each of 2 axes, got [2]",
    ],
    [
      "stride 0",
      () => convTransposeSpec({ ...conv, stride: 0 }),
      RangeError,
      "convTransposeSpec: stride[0] must be",
    ],
    [
      "groups and inputs",
      () => convSpec({ ...conv, groups: 3 }),
      RangeError,
      "convSpec: groups must divide inputs, got groups 3 and inputs 4",
    ],
    [
      "groups and outputs",
      () => convTransposeSpec({ ...conv, outputs: 6, groups: 4 }),
      RangeError,
      "convTransposeSpec: groups must divide outputs, got groups 4 and outputs 6",
    ],
    [
      "multiplier",
      () => depthwiseSpec({ size: [3], inputs: 4, multiplier: 0 }),
      RangeError,
      "depthwiseSpec: multiplier must be",
    ],
    [
      "separable outputs",
      () => separableSpecs({ ...conv, outputs: -1 }),
      RangeError,
      "separableSpecs: outputs must be",
    ],
    [
      "separable window",
      () => separableSpecs({ ...conv, size: text(3) as unknown as number[] }),
      TypeError,
      "separableSpecs: size must be a list of sizes, got 3",
    ],
    [
      "factor",
      () => pixelShuffleSpec({ ...conv, factor: 0.5 }),
      RangeError,
      "pixelShuffleSpec: factor must be",
    ],
    [
      "positions",
      () => locallyConnectedSpec({ ...conv, positions: [4] }),
      RangeError,
      "locallyConnectedSpec: positions must have one size for each of 2 axes, got [4]",
    ],
    [
      "bilinear",
      () => bilinearSpec({ left: 2, right: 0, outputs: 2 }),
      RangeError,
      "bilinearSpec: right must be",
    ],
    [
      "cell",
      () => recurrentSpecs("mgu" as "gru", { inputs: 2, units: 2 }),
      RangeError,
      "recurrentSpecs: cell must be rnn, lstm, gru, got mgu",
    ],
    [
      "units",
      () => recurrentSpecs("gru", { inputs: 2, units: 0 }),
      RangeError,
      "recurrentSpecs: units must be",
    ],
    [
      "heads",
      () => attentionSpecs({ width: 10, heads: 4 }),
      RangeError,
      "attentionSpecs: heads must divide width, got heads 4 and width 10",
    ],
    [
      "head size",
      () => fusedAttentionSpecs({ width: 10, heads: 4, headSize: 0 }),
      RangeError,
      "fusedAttentionSpecs: headSize must be",
    ],
    [
      "context",
      () => attentionSpecs({ width: 8, heads: 4, context: 0 }),
      RangeError,
      "attentionSpecs: context must be",
    ],
    ["features", () => normSpecs(0), RangeError, "normSpecs: features must be"],
    [
      "a vector's size",
      () => vectorSpec(denseSpec(2, 2), "bias", 0),
      RangeError,
      "vectorSpec: size must be",
    ],
  ])("%s", (_, make, kind, message) => {
    expect(make).toThrow(kind);
    expect(make).toThrow(message);
  });
});
