import { describe, expect, test } from "vitest";
import { describeInitializer, initializer, resolve } from "../../src/init/initializer.ts";
import type { PolicyLike, PolicyParam } from "../../src/init/policies/index.ts";
import { applyPolicy, describePolicy, POLICIES, policy } from "../../src/init/policies/index.ts";
import { SCHEMES } from "../../src/init/schemes/index.ts";
import { denseSpec, vectorSpec } from "../../src/init/specs.ts";
import type { ParamSpec } from "../../src/init/types.ts";
import type { Layer } from "../../src/layers/index.ts";
import { activation, dense, residual, scale, sequential } from "../../src/layers/index.ts";
import { meanSquaredError } from "../../src/losses/index.ts";
import { Network } from "../../src/network/network.ts";
import type { ActivationName } from "../../src/ops/activation.ts";
import { draws } from "../support/checks.ts";

const he = { kernelInitializer: "he_normal" };

/** A stem, `depth` blocks, no head: the output is the last block's. */
function blocks(width: number, depth: number, branch: () => readonly Layer[]): Layer {
  return sequential(
    dense(width, { name: "stem" }),
    ...Array.from({ length: depth }, () => residual(sequential(...branch()))),
  );
}

const branch =
  (width: number, last: readonly Layer[] = []) =>
  () => [
    dense(width, { activation: "relu", biasInitializer: "constant:value=0.3" }),
    dense(width, { biasInitializer: "constant:value=0.2", ...he }),
    ...last,
  ];

function create(body: Layer, like?: PolicyLike, seed = 1): Promise<Network> {
  const chosen = like === undefined ? {} : { policy: like };
  return Network.create({
    ...{ input: [8], body, loss: meanSquaredError(), seed, variant: "simd", ...chosen },
  });
}

function probe(net: Network, rows = 4) {
  const outputs = rows * net.outputShape[0]!;
  const tensors = net.probe(draws(rows * 8, 5), draws(outputs, 6));
  return (layer: string) => tensors.filter((tensor) => tensor.layer === layer).at(-1)!;
}

const stds = (net: Network) => new Map(net.explain().map(({ name, theory }) => [name, theory.std]));

describe("a block is the identity at the start, and its Jacobian is I", () => {
  test.each([
    ["zero_last", [] as Layer[]],
    ["zero_gamma", [scale({ perChannel: true })]],
    ["fixup", []],
    ["fixup", [scale({ initial: 0.5 })]],
    ["skip_init", [scale()]],
    ["rezero", [scale()]],
    ["layer_scale:value=0", [scale({ perChannel: true })]],
  ])("under %s", async (name, last) => {
    const at = probe(await create(blocks(8, 5, branch(8, last)), name));
    expect(at("residual_4").values).toEqual(at("stem").values);
    expect(at("stem").gradient).toEqual(at("residual_4").gradient);
    expect(at("stem").gradient!.some((g) => g !== 0)).toBe(true);
    // Without the policy neither holds.
    const plain = probe(await create(blocks(8, 5, branch(8, last))));
    expect(plain("residual_4").values).not.toEqual(plain("stem").values);
    expect(plain("stem").gradient).not.toEqual(plain("residual_4").gradient);
  });
});

describe("the second moment through L blocks", () => {
  /** log(q_L / q_0) of one input, a value a seed. */
  async function growth(depth: number, width: number, like?: PolicyLike): Promise<number[]> {
    const plain = () => [dense(width, { activation: "relu" }), dense(width, he)];
    const preserving = () => [dense(width, { activation: "relu" }), dense(width)];
    const logs: number[] = [];
    for (let seed = 1; seed <= 6; seed++) {
      const body = blocks(width, depth, like === undefined ? plain : preserving);
      const at = probe(await create(body, like, seed), 1);
      const q = (layer: string) => at(layer).values.reduce((sum, x) => sum + x * x, 0);
      logs.push(Math.log(q(depth === 1 ? "residual" : `residual_${depth - 1}`) / q("stem")));
    }
    return logs;
  }

  const mean = (x: readonly number[]) => x.reduce((a, b) => a + b, 0) / x.length;

  test("grows by 3 a block under plain He", async () => {
    const [width, depth] = [256, 16];
    const logs = await growth(depth, width);
    // F = W2 relu(W1 x): E|F|^2 = 2q. Relative variance a block: (8 for x'F, 8 for F, 20 for relu^2) / 9 / n = 4 / n.
    const sd = Math.sqrt((4 * depth) / width / logs.length);
    expect(Math.abs(mean(logs) - depth * (Math.log(3) - 2 / width))).toBeLessThan(5 * sd);
  });

  test.each([4, 16])("is bounded by e under branch_sqrt_depth, %d blocks", async (depth) => {
    const width = 256;
    const logs = await growth(depth, width, "branch_sqrt_depth");
    const exact = depth * Math.log(1 + 1 / depth);
    // x'F / sqrt(L) brings 4 / (n L) a block and F / L at most 10 / (n L^2): (4 + 10 / L) / n in all.
    const variance = (4 + 10 / depth) / width;
    expect(Math.abs(mean(logs) - exact + variance / 2)).toBeLessThan(
      5 * Math.sqrt(variance / logs.length),
    );
    expect(exact).toBeLessThan(1);
  });
});

describe("exact standard deviations", () => {
  const L = 5;
  const body = sequential(
    dense(16, { name: "stem", activation: "relu" }),
    ...Array.from({ length: L }, () =>
      residual(
        sequential(
          dense(24, { activation: "relu" }),
          dense(40, { activation: { name: "leaky_relu", alpha: 0.5 } }),
          dense(16),
        ),
      ),
    ),
    dense(3, { name: "head" }),
  );

  test("fixup: He x L^(-1/4) inside branches of three layers, 0 at their end and in the head", async () => {
    const std = stds(await create(body, "fixup"));
    const factor = L ** -0.25;
    expect(std.get("residual_2/dense/kernel")).toBeCloseTo(Math.sqrt(2 / 16) * factor, 12);
    expect(std.get("residual_2/dense_1/kernel")).toBeCloseTo(Math.sqrt(2 / 1.25 / 24) * factor, 12);
    expect(std.get("residual_2/dense_2/kernel")).toBe(0);
    expect(std.get("head/kernel")).toBe(0);
    expect(std.get("stem/kernel")).toBeCloseTo(Math.sqrt(2 / 8), 12);
    const fanOut = stds(await create(body, "fixup:mode=fan_out"));
    expect(fanOut.get("residual/dense/kernel")).toBeCloseTo(Math.sqrt(2 / 24) * factor, 12);
  });

  test("fixup: branches of two layers take L^(-1/2), of one layer nothing but 0", async () => {
    const two = stds(await create(blocks(8, 9, branch(8)), "fixup"));
    expect(two.get("residual_8/dense/kernel")).toBeCloseTo(Math.sqrt(2 / 8) / 3, 12);
    const one = stds(
      await create(
        blocks(8, 9, () => [dense(8)]),
        "fixup",
      ),
    );
    expect(one.get("residual_8/dense/kernel")).toBe(0);
  });

  test("branch_sqrt_depth: the last layer's own scheme x L^-power, its bias too", async () => {
    const std = stds(await create(body, "branch_sqrt_depth"));
    expect(std.get("residual/dense_2/kernel")).toBeCloseTo(Math.sqrt(2 / 56 / L), 12);
    expect(std.get("residual/dense_1/kernel")).toBeCloseTo(Math.sqrt(2 / 24), 12);
    const whole = stds(await create(body, "stable_resnet:power=1"));
    expect(whole.get("residual/dense_2/kernel")).toBeCloseTo(Math.sqrt(2 / 56) / L, 12);
    const biased = await create(blocks(8, 4, branch(8)), "branch_sqrt_depth");
    expect(biased.weights("residual_1/dense_1/bias")[0]).toBeCloseTo(0.1, 7);
    expect(biased.weights("residual_1/dense/bias")[0]).toBeCloseTo(0.3, 7);
  });

  test("gpt2: 0.02, and 0.02 / sqrt(N) for the projections onto the residual stream", async () => {
    const std = stds(await create(body, "gpt2"));
    expect(std.get("stem/kernel")).toBe(0.02);
    expect(std.get("residual/dense/kernel")).toBe(0.02);
    expect(std.get("residual/dense_2/kernel")).toBeCloseTo(0.02 / Math.sqrt(L), 15);
  });

  test("sub_ln: Glorot's times sqrt(log 2L), or sqrt(log 3L) in a decoder", async () => {
    const plain = stds(await create(body, "deep_norm:layers=0.125"));
    for (const [part, times] of [
      ["encoder", 2],
      ["decoder", 3],
    ] as const) {
      const found = stds(await create(body, `sub_ln:part=${part},layers=6`));
      const name = "residual/dense/kernel";
      expect(found.get(name)! / plain.get(name)!).toBeCloseTo(Math.sqrt(Math.log(times * 6)), 9);
      expect(found.get("head/kernel")).toBe(stds(await create(body)).get("head/kernel"));
    }
  });

  test("fix_init: the last kernel of each branch of layer i divided by sqrt(2 i), nothing else", async () => {
    const plain = stds(await create(body));
    const fixed = stds(await create(body, "fix_init"));
    for (const [name, std] of plain) {
      const block = /^residual(?:_(\d+))?\/dense_(\d+)\/kernel$/.exec(name);
      const layer = Math.floor(Number(block?.[1] ?? 0) / 2) + 1;
      const factor = block?.[2] === "2" ? Math.sqrt(2 * layer) : 1;
      expect([name, std / fixed.get(name)! || 1]).toEqual([name, expect.closeTo(factor, 9)]);
    }
  });

  test("t_fixup and deep_norm: Glorot's times the factor of their part", async () => {
    const glorot = Math.sqrt(2 / (16 + 24));
    const name = "residual/dense/kernel";
    const of = async (like: string) => stds(await create(body, like)).get(name)! / glorot;
    expect(await of("t_fixup")).toBeCloseTo(0.67 * L ** -0.25, 12);
    expect(await of("t_fixup:part=decoder,layers=6")).toBeCloseTo(54 ** -0.25, 12);
    expect(await of("deep_norm")).toBeCloseTo(40 ** -0.25, 12);
    expect(await of("deep_norm:part=decoder,layers=6")).toBeCloseTo(72 ** -0.25, 12);
    const plain = stds(await create(body, "t_fixup"));
    expect(plain.get("stem/kernel")).toBeCloseTo(Math.sqrt(2 / 24), 12);
  });

  test("skip_init and layer_scale set the values they say", async () => {
    const scalar = await create(
      blocks(8, 4, branch(8, [scale()])),
      "skip_init:value=inverse_sqrt_depth",
    );
    expect([...scalar.weights("residual_3/scale/scale")]).toEqual([0.5]);
    const channels = await create(
      blocks(8, 2, branch(8, [scale({ perChannel: true })])),
      "layer_scale",
    );
    expect([...channels.weights("residual_1/scale/scale")]).toEqual(
      Array<number>(8).fill(Math.fround(1e-5)),
    );
  });
});

describe("attention, by its parts", () => {
  const inBlock = (spec: ParamSpec, block: string, parts?: readonly string[]): ParamSpec => ({
    ...spec,
    layer: parts === undefined ? "dense" : "attention",
    residual: block,
    ...(parts === undefined ? {} : { parts }),
  });
  const param = (name: string, spec: ParamSpec): PolicyParam => {
    return { name, spec, initializer: initializer("glorot_uniform") };
  };
  const square = denseSpec(8, 8);
  const network = [0, 1].flatMap((i) => [
    ...["query", "key", "value", "output"].map((part) =>
      param(`attn_${i}/${part}`, inBlock(square, `attn_${i}`, [part])),
    ),
    param(`ffn_${i}/kernel`, inBlock(square, `ffn_${i}`)),
  ]);
  const embedding = { ...vectorSpec(denseSpec(1, 64), "embedding", 100), shape: [100, 64] };

  test("query and key keep Glorot's scale; layers are counted by their attention", () => {
    const result = applyPolicy(policy("t_fixup"), [param("emb/table", embedding), ...network]);
    expect(result.map(({ factor }) => factor)).toEqual([
      18 ** -0.25,
      ...[0, 1].flatMap(() => [undefined, undefined, ...Array<number>(3).fill(0.67 * 2 ** -0.25)]),
    ]);
    expect(resolve(result[0]!, embedding).theory.std).toBeCloseTo(64 ** -0.5 * 18 ** -0.25, 12);
  });

  test("a fused kernel cannot take one factor", () => {
    const fused = param("attn/kernel", inBlock(square, "attn", ["query", "key", "value"]));
    for (const name of ["t_fixup", "deep_norm"]) {
      expect(() => applyPolicy(policy(name), [fused])).toThrow(/use separate kernels/);
    }
  });
});

describe("blocks", () => {
  test("parameters know the innermost block they lie in", async () => {
    // Each block ends with its own last layer: inner blocks are blocks of their own.
    const body = sequential(
      dense(8, { name: "stem" }),
      residual(sequential(dense(8), residual(dense(8)), dense(8))),
      dense(8, { name: "head" }),
    );
    const net = await create(body, "zero_last");
    const zero = net.parameters
      .map(({ name }) => name)
      .filter((name) => name.endsWith("kernel") && net.weights(name).every((x) => x === 0));
    expect(zero).toEqual(["residual/residual/dense/kernel", "residual/dense_1/kernel"]);
  });

  test("the policy changes no stream: what it leaves alone has the same bits", async () => {
    const body = blocks(8, 3, branch(8));
    const [a, b] = [await create(body), await create(body, "zero_last")];
    for (const name of ["stem/kernel", "residual_2/dense/kernel"]) {
      expect(b.weights(name)).toEqual(a.weights(name));
    }
  });

  test("a saved network keeps its weights, its policy and so its redraws", async () => {
    const net = await create(blocks(8, 3, branch(8)), "branch_sqrt_depth:power=1");
    const loaded = await Network.load(net.save(), { variant: "simd" });
    const all = (n: Network) => n.parameters.map(({ name }) => n.weights(name));
    expect(all(loaded)).toEqual(all(net));
    loaded.initialise();
    net.initialise();
    expect(all(loaded)).toEqual(all(net));
    expect(loaded.explain().map(({ scheme }) => scheme)).toEqual(
      net.explain().map(({ scheme }) => scheme),
    );
  });
});

describe("descriptions", () => {
  test.each(POLICIES.map(({ name }) => name))(
    "%s is found by its names, and by its text",
    (name) => {
      const row = POLICIES.find((known) => known.name === name)!;
      for (const alias of row.aliases) expect(policy(alias).name).toBe(name);
      const full = policy(name, row.defaults);
      expect(policy(describePolicy(full))).toEqual(full);
    },
  );

  test("a factor multiplies what any scheme draws, in theory and in text", () => {
    const spec = denseSpec(6, 4, { name: "relu", alpha: 0 });
    let drawn = 0;
    for (const { name } of SCHEMES) {
      if (refuses(name, spec)) continue; // for another kind of parameter
      drawn++;
      const plain = resolve(initializer(name), spec).theory;
      const half = initializer(`${name} * 0.5`);
      const { theory } = resolve(half, spec);
      for (const key of ["mean", "std", "low", "high"] as const) {
        expect(theory[key], `${name} ${key}`).toBeCloseTo(plain[key] / 2, 12);
      }
      expect(initializer(describeInitializer(half))).toEqual(half);
      expect(initializer(half)).toEqual(half);
    }
    expect(drawn).toBeGreaterThan(SCHEMES.length / 2);
    expect(() => initializer("he_normal * -1")).toThrow("expected a factor that is finite");
  });

  test("mistakes are named", async () => {
    expect(() => policy("fixupp")).toThrow('did you mean "fixup"?');
    expect(() => policy("fixup:m=2")).toThrow('policy: fixup has no option "m"; it has mode');
    await expect(create(dense(3), "fixup")).rejects.toThrow("expected residual() blocks");
    await expect(create(blocks(8, 2, branch(8)), "rezero")).rejects.toThrow(
      "rezero: expected scale() in the branch of residual, got residual/dense, residual/dense_1",
    );
    await expect(create(blocks(8, 2, branch(8)), "gpt2:std=-1")).rejects.toThrow(
      /^gpt2: std: expected a number that is not negative, got -1$/,
    );
  });
});

function refuses(name: string, spec: ParamSpec): boolean {
  try {
    resolve(initializer(name), spec);
    return false;
  } catch (error) {
    expect(error).toBeInstanceOf(RangeError);
    return true;
  }
}

describe("refuses to set to 0 what could never leave it", () => {
  const zeroed = (name: string) =>
    ({ zero_last: [], fixup: [], skip_init: [scale()], rezero: [scale()] })[name] as Layer[];
  const body = (name: string, after: ActivationName, own: boolean) =>
    blocks(8, 3, () => [
      dense(8, { activation: "relu" }),
      dense(8, own && zeroed(name).length === 0 ? { activation: after } : {}),
      ...zeroed(name),
      ...(own && zeroed(name).length === 0 ? [] : [activation(after)]),
    ]);

  test.each(["zero_last", "fixup", "skip_init", "rezero"])("%s", async (name) => {
    for (const own of [true, false]) {
      const layer = zeroed(name).length === 0 ? "dense_1/kernel" : "scale/scale";
      await expect(create(body(name, "relu", own), name)).rejects.toThrow(
        `${name}: expected no relu behind residual/${layer}, which the policy sets to 0`,
      );
      // tanh has a slope at 0: the branch leaves it.
      const net = await create(body(name, "tanh", own), name);
      for (let step = 0; step < 3; step++) net.trainStep(draws(32, step), draws(32, 9));
      expect(net.weights(`residual/${layer}`).some((x) => x !== 0)).toBe(true);
    }
  });

  test("a relu behind the sum, or behind a kernel that is not 0, is none of it", async () => {
    const sum = sequential(blocks(8, 3, branch(8)), activation("relu"));
    await create(sum, "zero_last");
    const half = blocks(8, 3, () => [...branch(8)(), activation("relu")]);
    await create(half, "branch_sqrt_depth");
  });
});
