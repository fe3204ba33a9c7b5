import * as fs from "node:fs";
import { describe, expect, test } from "vitest";
import type { Variant } from "../../src/core/variants.ts";
import { isSupported } from "../../src/core/variants.ts";
import { layerFromConfig, scale, sequential } from "../../src/layers/index.ts";
import { meanSquaredError } from "../../src/losses/index.ts";
import { Network } from "../../src/network/network.ts";

interface Case {
  readonly layer: string;
  readonly options: Readonly<Record<string, number | string | readonly number[]>>;
  readonly shape: readonly number[];
  readonly batch: number;
  readonly x: readonly number[];
  readonly outputs: readonly number[];
  readonly y: readonly number[];
  readonly dy: readonly number[];
  readonly dx: readonly number[];
  readonly kernel?: readonly number[];
  readonly bias?: readonly number[];
  readonly dKernel?: readonly number[];
  readonly dBias?: readonly number[];
}

const { cases }: { readonly cases: readonly Case[] } = JSON.parse(
  fs.readFileSync("tests/fixtures/torch-conv.json", "utf8"),
);

/**
 * Both sides add up to 400 products (the filter's gradient, 2 images of 200 positions) in orders of their own: sqrt(400) roundings
 * each if they are independent, on numbers that the gradient of the loss brings with 3 more; the maxima of both are compared with the
 * largest value.
 */
const RELATIVE = 50 * 2 ** -24;

function expectClose(
  what: string,
  got: ArrayLike<number> | undefined,
  expected: readonly number[],
): void {
  const most = Math.max(...expected.map(Math.abs));
  expect(got?.length, what).toBe(expected.length);
  const wrong = expected.findIndex((x, i) => !(Math.abs(got![i]! - x) <= RELATIVE * most));
  expect(wrong, `${what}: ${got![wrong]} for PyTorch's ${expected[wrong]} (of ${most})`).toBe(-1);
}

const names: Variant[] = ["simd", "relaxed"];
const supported = await Promise.all(names.map(isSupported));

describe.each(names.filter((_, i) => supported[i]))("windows against PyTorch on %s", (variant) => {
  const rows = cases.map((c) => [`${c.layer} ${JSON.stringify(c.options)}`, c] as const);
  test.each(rows)("%s: output and every gradient", async (_, c) => {
    const net = await Network.create({
      input: c.shape,
      body: sequential(scale(), layerFromConfig({ kind: c.layer, name: "it", ...c.options })),
      loss: meanSquaredError(),
      variant,
    });
    if (c.kernel) net.setWeights("it/kernel", c.kernel);
    if (c.bias) net.setWeights("it/bias", c.bias);
    // The mean of (y - t)^2 has the gradient 2 (y - t) / n.
    const targets = c.y.map((y, i) => y - (c.dy[i]! * c.y.length) / 2);
    const probed = net.probe(c.x, targets);
    const of = (layer: string) => probed.filter((t) => t.layer === layer).at(-1)!;
    expect(of("it").shape).toEqual([c.batch, ...c.outputs]);
    expectClose("outputs", of("it").values, c.y);
    expectClose("dx", of("scale").gradient, c.dx);
    if (c.dKernel) expectClose("dKernel", net.gradient("it/kernel"), c.dKernel);
    if (c.dBias) expectClose("dBias", net.gradient("it/bias"), c.dBias);
  });
});
