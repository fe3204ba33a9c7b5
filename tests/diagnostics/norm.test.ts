import { describe, expect, test } from "vitest";
import { nodesOf } from "../../src/diagnostics/body.ts";
import { lint, predict, recommend } from "../../src/diagnostics/index.ts";
import { structureOf } from "../../src/diagnostics/structure.ts";
import { stuckAtZero } from "../../src/diagnostics/stuck.ts";
import type { Layer } from "../../src/layers/index.ts";
import {
  activation,
  batchNorm,
  dense,
  groupNorm,
  layerNorm,
  residual,
  rmsNorm,
  sequential,
} from "../../src/layers/index.ts";
import { Network } from "../../src/network/network.ts";

const create = (body: Layer) => Network.create({ input: [64], body, variant: "simd", seed: 1 });
const NORMS: readonly (readonly [string, Layer])[] = [
  ["batchNorm", batchNorm()],
  ["layerNorm", layerNorm()],
  ["rmsNorm", rmsNorm()],
  ["groupNorm", groupNorm({ groups: 4 })],
];

describe.each(NORMS)("diagnostics know %s", (_, norm) => {
  test("a kernel before it is normalised, one behind it is not", async () => {
    const net = await create(sequential(dense(64), norm, activation("gelu"), dense(64), dense(4)));
    const places = structureOf(net)
      .parameters.filter(({ spec }) => spec.role === "kernel")
      .map(({ place }) => [place.layer, place.isNormalised]);
    expect(places).toEqual([
      ["dense", true],
      ["dense_1", false],
      ["dense_2", false],
    ]);
  });

  test("lint asks for no norm where there is one, and says nothing of its parameters", async () => {
    const stack = (...between: readonly Layer[]) =>
      sequential(
        ...Array.from({ length: 12 }, () => [dense(64), ...between, activation("gelu")]).flat(),
        dense(4),
      );
    const rules = async (body: Layer) => lint(await create(body)).map(({ rule }) => rule);
    expect(await rules(stack())).toContain("gelu-deep-no-norm");
    expect(await rules(stack(norm))).not.toContain("gelu-deep-no-norm");
    const named = lint(await create(stack(norm))).map(({ parameter }) => parameter ?? "");
    expect(named.filter((name) => /norm/.test(name))).toEqual([]);
    expect(recommend(await create(stack(norm)))).toHaveLength(13);
  });

  test("predict gives the second moment that a batch has, forward", async () => {
    const body = sequential(dense(64), norm, dense(64, { activation: "tanh" }), norm);
    const net = await create(body);
    const inputs = Float32Array.from(
      { length: 512 * 64 },
      (_x, i) => Math.sqrt(2) * Math.sin(i * i),
    );
    const probed = net.probe(
      inputs,
      Array.from({ length: 512 }, (_x, i) => i % 64),
    );
    for (const from of [net, { input: [64], body }]) {
      for (const { layer, second } of predict(from, { inputs }).layers) {
        const { values } = probed.find((t) => t.layer === layer && t.role === "output")!;
        const measured = values.reduce((sum, x) => sum + x * x, 0) / values.length;
        // One network of width 64: each layer strays by about sqrt(2 / 64).
        expect(second / measured, layer).toBeGreaterThan(0.6);
        expect(second / measured, layer).toBeLessThan(1.6);
        if (/norm/.test(layer)) expect(second).toBeCloseTo(1, 3);
      }
    }
  });
});

test("what is stuck at 0: a gain of 0 is not, a direction of 0 without one is", async () => {
  const stuck = (body: Layer, names: readonly string[], zeros: readonly string[]) =>
    stuckAtZero(nodesOf(body), new Set(zeros), new Set(names));
  const block = residual(sequential(dense(6), layerNorm()));
  const names = ["dense/kernel", "layer_norm/gain", "layer_norm/bias"].map((n) => `residual/${n}`);
  expect(stuck(block, names, ["residual/layer_norm/gain", "residual/layer_norm/bias"])).toEqual([]);
  const weight = dense(6, { kernelNorm: "weight_norm" });
  expect(stuck(weight, ["dense/kernel", "dense/gain"], ["dense/gain"])).toEqual([]);
  const both = ["dense/kernel", "dense/gain"];
  expect(stuck(weight, both, both)).toEqual(both);
});

test("residual blocks with shortcut, gain and activation are followed", async () => {
  const body = residual(dense(32, { name: "inner" }), {
    shortcut: dense(32, { name: "past" }),
    gain: { initial: 2 },
    activation: "relu",
  });
  const at = (layer: string) =>
    predict({ input: [64], body }).layers.find((l) => l.layer === layer)!;
  const sum = at("residual/shortcut/past").second + 4 * at("residual/inner").second;
  expect(at("residual").second).toBeCloseTo(sum / 2, 6);
  const net = await create(body);
  expect(predict(net).layers.map(({ layer }) => layer)).toEqual(
    predict({ input: [64], body }).layers.map(({ layer }) => layer),
  );
});
