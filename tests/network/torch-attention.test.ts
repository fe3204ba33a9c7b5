import * as fs from "node:fs";
import { describe, expect, test } from "vitest";
import type { Variant } from "../../src/core/variants.ts";
import { isSupported } from "../../src/core/variants.ts";
import type { Layer } from "../../src/layers/index.ts";
import {
  embedding,
  graph,
  multiHeadAttention,
  sequential,
  transformerDecoderBlock,
  transformerEncoderBlock,
} from "../../src/layers/index.ts";
import { meanSquaredError } from "../../src/losses/index.ts";
import { Network } from "../../src/network/network.ts";
import { expectClose } from "../support/checks.ts";

interface Case {
  readonly kind: "self" | "cross" | "encoder" | "decoder";
  readonly time: number;
  readonly width: number;
  readonly heads: number;
  readonly causal?: boolean;
  readonly padded?: boolean;
  readonly context?: number;
  readonly contextWidth?: number;
  readonly pre?: boolean;
  readonly inputs: readonly number[];
  readonly targets: readonly number[];
  readonly outputs: readonly number[];
  readonly loss: number;
  readonly parameters: Readonly<Record<string, readonly number[]>>;
  readonly gradients: Readonly<Record<string, readonly number[]>>;
}

const { cases }: { cases: readonly Case[] } = JSON.parse(
  fs.readFileSync("tests/fixtures/torch-attention.json", "utf8"),
);

const VOCABULARY = 9;

/**
 * Both sides round each operation to f32; on the longest way there are a lookup, two normalisations, four products of up to 32 terms,
 * a softmax and as much back: about 150 roundings, relative to the largest element.
 */
const RELATIVE = 150 * 2 ** -24;

function blockOf({ kind, heads, pre, causal }: Case): Layer {
  const options = { name: "block", heads, norm: pre ? "pre" : "post" } as const;
  return kind === "decoder"
    ? transformerDecoderBlock(options)
    : transformerEncoderBlock({ ...options, causal: causal ?? false });
}

function bodyOf(of: Case): Layer {
  const { heads, causal = false, padded = false, width } = of;
  if (of.kind === "self") {
    return sequential(
      embedding(VOCABULARY, width, { maskZero: padded }),
      multiHeadAttention({ name: "attention", heads, causal }),
    );
  }
  if (of.kind === "encoder") {
    return sequential(embedding(VOCABULARY, width, { maskZero: padded }), blockOf(of));
  }
  return graph(({ input, apply }) => {
    const x = apply(embedding(VOCABULARY, width, { name: "queries" }), input("x", [of.time]));
    const memory = embedding(VOCABULARY, of.contextWidth ?? width, {
      name: "memory",
      maskZero: true,
    });
    const context = apply(memory, input("context", [of.context!]));
    const attention = multiHeadAttention({ name: "attention", heads });
    return apply(of.kind === "decoder" ? blockOf(of) : attention, x, context);
  });
}

const names: Variant[] = ["simd", "relaxed"];
const supported = await Promise.all(names.map(isSupported));

describe.each(names.filter((_, i) => supported[i]))("against PyTorch on %s", (variant) => {
  const titled = cases.map(({ parameters, gradients, inputs, targets, outputs, ...about }) => {
    const of = { parameters, gradients, inputs, targets, outputs, ...about };
    return [JSON.stringify(about).replaceAll('"', ""), of] as const;
  });

  test.each(titled)("outputs, loss and every gradient: %s", async (_, of) => {
    const net = await Network.create({
      ...{
        input: [of.time + (of.context ?? 0)],
        body: bodyOf(of),
        loss: meanSquaredError(),
        variant,
      },
    });
    expect(net.parameters.map(({ name }) => name).sort()).toEqual(
      Object.keys(of.parameters).sort(),
    );
    for (const { name } of net.parameters) net.setWeights(name, of.parameters[name]!);
    const most = (x: readonly number[]) => Math.max(...x.map(Math.abs));
    const near = (
      got: ArrayLike<number>,
      want: readonly number[],
      what: string,
      scale = most(want),
    ) => expectClose(got, want, () => RELATIVE * scale, what);
    near(net.predict(of.inputs), of.outputs, "outputs");
    const { loss } = net.lossAndGradient(of.inputs, of.targets);
    near([loss], [of.loss], "loss");
    // A bias of keys moves all scores of a query alike: its gradient is 0, known to a rounding of what cancels.
    const largest = Math.max(...Object.values(of.gradients).map(most));
    for (const { name } of net.parameters) {
      near(net.gradient(name), of.gradients[name]!, name, /bias/.test(name) ? largest : undefined);
    }
  });
});
