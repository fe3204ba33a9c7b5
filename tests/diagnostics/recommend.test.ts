import { expect, test } from "vitest";
import { lint } from "../../src/diagnostics/lint.ts";
import { recommend, recommendFor } from "../../src/diagnostics/recommend.ts";
import { structureOf } from "../../src/diagnostics/structure.ts";
import type { Layer } from "../../src/index.ts";
import {
  activation,
  dense,
  meanSquaredError,
  Network,
  prelu,
  residual,
  sequential,
} from "../../src/index.ts";
import type { ActivationName } from "../../src/ops/activation.ts";

const create = (...layers: readonly Layer[]) =>
  Network.create({
    ...{ input: [12], body: sequential(...layers), loss: meanSquaredError(), variant: "simd" },
  });

const schemes = async (...layers: readonly Layer[]) =>
  recommend(await create(...layers)).map(({ scheme }) => scheme);

test.each<[ActivationName, string]>([
  ["relu", "he_normal"],
  ["leaky_relu", "he_normal:slope=0.01"],
  ["selu", "lecun_normal"],
  ["tanh", "glorot_uniform"],
  ["sigmoid", "variance_scaling:scale=12.8,distribution=normal"],
  // The square of the gain, 1 / 0.425221.
  ["gelu", "variance_scaling:scale=2.352,distribution=normal"],
])("%s takes %s, the outputs Glorot", async (name, scheme) => {
  expect(await schemes(dense(12, { activation: name }), dense(3))).toEqual([
    scheme,
    "glorot_uniform",
  ]);
});

test("an activation that is a layer of its own counts", async () => {
  expect((await schemes(dense(12), activation("selu"), dense(3)))[0]).toBe("lecun_normal");
  expect((await schemes(dense(12), prelu({ slope: 0.1 }), dense(3)))[0]).toBe(
    "he_normal:slope=0.1",
  );
});

test("depth changes the choice for tanh and linear layers", async () => {
  const deep = (name: ActivationName) =>
    schemes(...Array.from({ length: 12 }, () => dense(12, { activation: name })), dense(3));
  expect((await deep("tanh"))[0]).toBe("orthogonal:gain=1");
  expect((await deep("linear"))[0]).toBe("orthogonal:gain=1");
  expect((await deep("relu"))[0]).toBe("he_normal");
});

test("residual branches end in zeros when there are several", async () => {
  const block = () => residual(sequential(dense(12, { activation: "relu" }), dense(12)));
  expect(await schemes(block(), block(), dense(3))).toEqual([
    ...["he_normal", "zeros", "he_normal", "zeros"],
    "glorot_uniform",
  ]);
});

test("but not when a branch has a factor of its own: zeros twice would learn nothing", async () => {
  const block = () => residual(sequential(dense(12, { activation: "relu" }), dense(12)));
  const structure = structureOf(await create(block(), block(), dense(3)));
  const [first] = structure.parameters;
  const factor = {
    ...first!,
    name: "residual/scale/scale",
    spec: { ...first!.spec, role: "gain", shape: [1], maps: [] } as const,
  };
  const schemes = (parameters: typeof structure.parameters) =>
    recommendFor({ ...structure, parameters }).map(
      ({ parameter, scheme }) => `${parameter} ${scheme}`,
    );
  expect(schemes(structure.parameters)).toContain("residual/dense_1/kernel zeros");
  const scaled = schemes([...structure.parameters, factor]);
  expect(scaled).toContain("residual/dense_1/kernel glorot_uniform");
  expect(scaled).toContain("residual_1/dense_1/kernel zeros");
});

test("says what the network has, and whether that is it", async () => {
  const network = await create(
    dense(12, { activation: "relu", kernelInitializer: "kaiming_normal_" }),
    dense(3, { kernelInitializer: "zeros" }),
  );
  expect(recommend(network)).toMatchObject([
    { parameter: "dense/kernel", present: "he_normal", isPresent: true },
    { parameter: "dense_1/kernel", present: "zeros", isPresent: false },
  ]);
});

test("a network that follows the recommendations passes the linter, whatever its activation", async () => {
  const names = ["relu", "leaky_relu", "elu", "selu", "gelu", "silu", "tanh", "sigmoid"] as const;
  for (const name of names) {
    for (const depth of [2, 6]) {
      const plain = await create(
        ...Array.from({ length: depth }, () => dense(12, { activation: name })),
        dense(3),
      );
      const chosen = recommend(plain);
      const followed = await create(
        ...chosen.slice(0, -1).map(({ scheme }) => {
          return dense(12, { activation: name, kernelInitializer: scheme });
        }),
        dense(3, { kernelInitializer: chosen.at(-1)!.scheme }),
      );
      expect(lint(followed)).toEqual([]);
    }
  }
});
