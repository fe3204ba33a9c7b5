import { describe, expect, test } from "vitest";
import type { Layer } from "../../src/index.ts";
import {
  activation,
  dense,
  dropout,
  lsuv,
  meanSquaredError,
  Network,
  prelu,
  residual,
  scale,
  sequential,
} from "../../src/index.ts";
import { draws } from "../support/checks.ts";

const create = (layers: readonly Layer[], policy?: string) =>
  Network.create({
    ...{ input: [16], body: sequential(...layers), loss: meanSquaredError(), variant: "simd" },
    ...(policy === undefined ? {} : { policy }),
  });

const explained = (network: Network, name: string) =>
  network.explain().find((parameter) => parameter.name === name)!;

const kernel = (network: Network) => explained(network, "dense/kernel");

describe("says who chose the values", () => {
  const block = () => residual(sequential(dense(16, { activation: "relu" }), dense(16)));

  test("a policy, and what stood there without it", async () => {
    const asked = dense(16, { kernelInitializer: "orthogonal" });
    const network = await create(
      [block(), residual(sequential(dense(16, { activation: "relu" }), asked)), dense(3)],
      "fixup",
    );
    expect(explained(network, "residual/dense/kernel").why).toEqual({
      by: "policy",
      reason: "the policy fixup's choice; dense itself would take he_normal",
    });
    expect(explained(network, "residual_1/dense_1/kernel").why).toEqual({
      by: "policy",
      reason: "the policy fixup's choice; orthogonal was asked for",
    });
  });

  test("nobody's law, once a procedure, a user or training was at work", async () => {
    const body = [dense(16, { activation: "relu" }), dense(3)];
    const network = await create(body);
    expect(kernel(network).why.by).toBe("layer");
    lsuv(network, { inputs: draws(160, 1), targets: draws(30, 2) });
    expect(kernel(network).why.by).toBe("values");
    expect(kernel(network).why.reason).toMatch(
      /^set, trained or rescaled since they were drawn: mean .* instead of 0 and 0.354; he_normal was dense's own choice/,
    );
    network.initialise();
    expect(kernel(network).why.by).toBe("layer");
    for (let step = 0; step < 50; step++) network.trainStep(draws(160, step), draws(30, 2));
    expect(explained(network, "dense/bias").why.by).toBe("values");
  });

  test("a saved network's values are a draw as long as they pass for one", async () => {
    const network = await create([dense(16, { activation: "relu" })]);
    expect(kernel(await Network.load(network.save())).why.by).toBe("layer");
  });
});

describe("sees the activation that follows as a layer of its own", () => {
  test.each<[string, readonly Layer[], string, number]>([
    ["next", [dense(16), activation("relu")], "relu", Math.SQRT2],
    ["behind dropout", [dense(16), dropout(0.1), activation("selu")], "selu", 1],
    ["a prelu", [dense(16), prelu({ slope: 0 })], "prelu", Math.SQRT2],
    [
      "its own, then another",
      [dense(16, { activation: "tanh" }), activation("relu")],
      "tanh",
      1.592537,
    ],
    ["none before the next kernel", [dense(16), dense(16), activation("relu")], "linear", 1],
    ["behind the sum", [residual(dense(16, { name: "d" })), activation("relu")], "linear", 1],
    ["in a branch", [residual(sequential(dense(16), activation("relu")))], "relu", Math.SQRT2],
  ])("%s", async (_, layers, name, gain) => {
    const network = await create(layers);
    const [first] = network.explain();
    expect(first!.activation).toBe(name);
    expect(first!.gain).toBeCloseTo(gain, 5);
  });

  test("a scale sees it too", async () => {
    const network = await create([residual(sequential(dense(16), scale(), activation("relu")))]);
    expect(explained(network, "residual/scale/scale").activation).toBe("relu");
  });

  test("and says that the layer did not, and what its choice draws with", async () => {
    const { why, drawnGain } = kernel(await create([dense(16), activation("relu")]));
    expect(drawnGain).toBeCloseTo(1, 12);
    expect(why.reason).toContain("it does not see the relu that follows as a layer of its own");
    expect(why.reason).toContain(
      "it draws with gain 1, and to keep the second moment before relu takes 1.41",
    );
  });
});

test("says where the default's gain is not the activation's", async () => {
  const leaky = dense(16, { activation: { name: "leaky_relu", alpha: 0.2 } });
  const { gain, drawnGain, why } = kernel(await create([leaky]));
  expect(gain).toBeCloseTo(1.38675, 5);
  expect(drawnGain).toBeCloseTo(Math.SQRT2, 12);
  expect(why.reason).toContain(
    "draws with gain 1.41, and to keep the second moment before leaky_relu takes 1.39",
  );
  const relu = kernel(await create([dense(16, { activation: "relu" })]));
  expect(relu.why.reason).not.toContain("draws with");
});

test("the measured deviation is about the mean", async () => {
  const network = await create([dense(64, { kernelInitializer: "normal:mean=3,std=0.5" })]);
  const { measured } = kernel(network);
  // n = 1024: the deviation of a deviation is 0.5 / sqrt(2 n).
  expect(Math.abs(measured.std - 0.5)).toBeLessThan((5 * 0.5) / Math.sqrt(2 * 1024));
  expect(Math.abs(measured.mean - 3)).toBeLessThan((5 * 0.5) / Math.sqrt(1024));
});
