import { describe, expect, test } from "vitest";
import type { NetworkOptions } from "../../src/index.ts";
import { dense, Network, prelu, residual, scale, sequential } from "../../src/index.ts";
import type { PresetName } from "../../src/init/index.ts";
import { preset } from "../../src/init/index.ts";
import { floatsOf, readSafetensors, writeSafetensors } from "../../src/network/safetensors.ts";

const hidden = (given = {}) =>
  sequential(
    dense(40, { activation: "relu", ...given }),
    prelu(),
    scale({ initial: 0.5 }),
    dense(3),
  );

const create = (options: Partial<NetworkOptions> = {}) =>
  Network.create({ input: [100], body: hidden(), variant: "simd", seed: 3, ...options });

const values = (net: Network) => net.parameters.map(({ name }) => net.weights(name));
const theories = (net: Network) =>
  Object.fromEntries(net.explain().map(({ name, theory }) => [name, theory]));

describe("a network with a preset", () => {
  test("takes the library's default for every parameter that was given no initializer", async () => {
    const torch = await create({ preset: "torch" });
    expect(torch.explain().every(({ verdict }) => verdict.passes)).toBe(true);
    expect(theories(torch)).toMatchObject({
      "dense/kernel": { low: -0.1, high: 0.1 },
      "dense/bias": { low: -0.1, high: 0.1 },
      "prelu/slope": { mean: 0.25, std: 0 },
      "scale/scale": { mean: 0.5, std: 0 },
      "dense_1/bias": { low: -1 / Math.sqrt(40), high: 1 / Math.sqrt(40) },
    });
    const keras = theories(await create({ preset: "keras" }));
    expect(keras["dense/kernel"]!.high).toBeCloseTo(Math.sqrt(6 / 140), 12);
    expect(keras["dense/bias"]).toMatchObject({ mean: 0, std: 0 });
    expect(keras["prelu/slope"]).toMatchObject({ mean: 0, std: 0 });
    expect(keras["scale/scale"]).toMatchObject({ mean: 0.5, std: 0 });
  });

  test("reads the initializers it was given as the library does, the layer's own choice asked for by name too", async () => {
    const body = hidden({ kernelInitializer: "he_normal", biasInitializer: "normal" });
    const net = await create({ body, preset: "keras" });
    const [kernel, bias] = net.explain();
    expect(kernel!.scheme).toBe("he_normal:distribution=truncated_normal");
    expect(bias!.theory.std).toBe(0.05);
    const torch = await create({ body, preset: "torch" });
    expect(torch.explain().map(({ scheme }) => scheme)).toEqual([
      ...["he_normal", "normal:std=1", "constant:value=0.25", "constant:value=0.5"],
      ...["torch_default", "torch_default"],
    ]);
  });

  test("says which library chose, and what was asked for", async () => {
    const body = hidden({ kernelInitializer: "he_normal" });
    const why = (await create({ body, preset: "keras" })).explain().map((row) => row.why);
    expect(why.map(({ by }) => by)).toEqual([
      ...["user", "preset", "preset", "user", "preset", "preset"],
    ]);
    expect(why[0]!.reason).toBe(
      "asked for, as Keras 3.15 reads it; by itself it would take glorot_uniform",
    );
    expect(why[1]!.reason).toBe("what dense takes by itself in Keras 3.15");
  });

  test("reproduces the library's defects when asked", async () => {
    const std = async (options: Partial<NetworkOptions>) =>
      theories(await create(options))["dense/kernel"]!.std;
    const sound = await std({ preset: "tfjs" });
    const defect = await std({ preset: preset("tfjs", { bugCompatible: true }) });
    expect(defect / sound).toBeCloseTo(0.8796256610342398, 9);
  });

  test("is saved with its network, and draws it again as it was", async () => {
    const body = hidden({ kernelInitializer: "he_normal" });
    const given = preset("tfjs", { bugCompatible: true });
    const net = await create({ body, preset: given });
    const loaded = await Network.load(net.save(), { variant: "simd" });
    expect(loaded.recipe.preset).toEqual({ ...given, asked: ["dense/kernel", "scale/scale"] });
    expect(values(loaded)).toEqual(values(net));
    loaded.initialise();
    expect(values(loaded)).toEqual(values(net));
    expect(loaded.explain()).toEqual(net.explain());
    expect(loaded.save()).toEqual(net.save());
  });

  test("is refused when there is no such library", async () => {
    await expect(create({ preset: "caffe" as PresetName })).rejects.toThrow(
      'preset: expected one of torch, keras, tfjs, jax, timm, got "caffe"',
    );
  });

  test.each([
    ["no list of names", { name: "torch" }, TypeError, "model: expected a preset { name,"],
    ["a name that is a number", { name: "torch", asked: [1] }, TypeError, "got {"],
    ["no library", { name: "caffe", asked: [] }, RangeError, 'got "caffe"'],
    ["a key too many", { ...preset("torch"), asked: [], more: 1 }, TypeError, "not as headstart"],
  ] as const)("is refused in a file with %s", async (_, saved, kind, message) => {
    const file = readSafetensors((await create({ preset: "torch" })).save());
    const description = { ...JSON.parse(file.metadata.get("headstart")!), preset: saved };
    const tensors = [...file.tensors].map(
      ([name, tensor]) => [name, { shape: tensor.shape, data: floatsOf(tensor, name) }] as const,
    );
    const metadata = new Map([["headstart", JSON.stringify(description)]]);
    const loading = Network.load(writeSafetensors(tensors, metadata), { variant: "simd" });
    await expect(loading).rejects.toThrow(kind);
    await expect(loading).rejects.toThrow(message);
  });

  test("comes before a policy, which scales what the library draws", async () => {
    const body = sequential(residual(dense(100)), residual(dense(100)), dense(3));
    const std = async (options: Partial<NetworkOptions>) =>
      theories(await create({ body, preset: "torch", ...options }))["residual/dense/kernel"]!.std;
    expect(await std({})).toBeCloseTo(0.1 / Math.sqrt(3), 12);
    expect(await std({ policy: "branch_sqrt_depth" })).toBeCloseTo(0.1 / Math.sqrt(6), 12);
  });

  test("leaves a network without one as it was", async () => {
    const net = await create();
    expect(net.recipe.preset).toBeUndefined();
    expect(net.explain().map(({ why }) => why.by)).not.toContain("preset");
  });
});

test("texts for people hold no number of more than six digits, and no mean that is rounding", async () => {
  const preset = { name: "tfjs", bugCompatible: true } as const;
  const body = sequential(
    dense(7, { activation: "relu", kernelInitializer: "he_normal" }),
    dense(3),
  );
  const net = await create({ body, preset });
  for (const { why, scheme } of net.explain()) {
    expect(why.reason).not.toMatch(/\d\.\d{8}|e-1\d/);
    expect(scheme).not.toContain("e-1");
  }
  net.setWeights(
    "dense/kernel",
    net.weights("dense/kernel").map((x) => 2 * x),
  );
  expect(net.explain()[0]!.why.reason).not.toMatch(/\d\.\d{8}|e-1\d/);
});

test("timm's name reads well in a sentence", async () => {
  const body = sequential(dense(7, { kernelInitializer: "he_normal" }), dense(3));
  const [asked] = (await create({ body, preset: "timm" })).explain();
  expect(asked!.why.reason).toContain("(ViT, and PyTorch where that has no such layer) reads it");
});
