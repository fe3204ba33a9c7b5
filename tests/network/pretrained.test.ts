import { describe, expect, test } from "vitest";
import type { Layer } from "../../src/layers/index.ts";
import {
  activation,
  dense,
  flatten,
  prelu,
  residual,
  scale,
  sequential,
} from "../../src/layers/index.ts";
import { Network } from "../../src/network/network.ts";
import { loadWeights, selectWeights } from "../../src/network/pretrained.ts";
import { writeSafetensors } from "../../src/network/safetensors.ts";
import { widenFrom } from "../../src/network/widen.ts";
import { draws } from "../support/checks.ts";

function create(body: Layer, seed = 1): Promise<Network> {
  return Network.create({ input: [6], body, seed, variant: "simd" });
}

const mlp = (width: number, classes = 3) =>
  sequential(
    dense(width, { activation: "relu", biasInitializer: "normal:std=1" }),
    dense(classes, { name: "head" }),
  );

const bits = (net: Network) => new Map(net.parameters.map(({ name }) => [name, net.weights(name)]));

describe("loadWeights", () => {
  test("a saved network's weights, all of them", async () => {
    const [a, b] = [await create(mlp(5)), await create(mlp(5), 2)];
    expect(loadWeights(b, a.save())).toEqual({
      loaded: ["dense/kernel", "dense/bias", "head/kernel", "head/bias"],
      ...{ missing: [], unexpected: [], mismatched: [], fresh: [] },
    });
    expect(bits(b)).toEqual(bits(a));
  });

  test("PyTorch's names and [out, in] kernels give PyTorch's outputs", async () => {
    const net = await create(sequential(dense(2, { name: "fc" })));
    const weight = draws(12, 1); // [2, 6]
    const file = writeSafetensors([
      ["model.fc.weight", { shape: [2, 6], data: weight }],
      ["model.fc.bias", { shape: [2], data: Float32Array.of(10, 20) }],
    ]);
    const options = {
      layout: "pytorch",
      rename: (name: string) => name.replace("model.", ""),
    } as const;
    loadWeights(net, file, options);
    const x = draws(6, 2);
    net.predict(x).forEach((y, out) => {
      const want = x.reduce((sum, v, i) => sum + v * weight[out * 6 + i]!, [10, 20][out]!);
      expect(y).toBeCloseTo(want, 5);
    });
    // A square kernel has the right shape either way: only the layout can tell.
    const square = await create(dense(6, { useBias: false }));
    const data = draws(36, 3);
    const squareFile = writeSafetensors([["w", { shape: [6, 6], data }]]);
    loadWeights(square, squareFile, { rename: { w: "dense.weight" }, layout: "pytorch" });
    expect(square.weights("dense/kernel")[1]).toBe(data[6]);
    loadWeights(square, squareFile, { rename: { w: "dense/kernel" } });
    expect(square.weights("dense/kernel")[1]).toBe(data[1]);
  });

  test("a head of another size stays as it was drawn", async () => {
    const [a, b] = [await create(mlp(5, 7)), await create(mlp(5, 3), 2)];
    const head = b.weights("head/kernel");
    expect(() => loadWeights(b, a.save())).toThrow(
      "weights: expected head/kernel of shape [5,3], got [5,7]",
    );
    expect(b.weights("dense/kernel")).not.toEqual(a.weights("dense/kernel")); // nothing was set
    expect(loadWeights(b, a.save(), { freshHead: true })).toEqual({
      loaded: ["dense/kernel", "dense/bias"],
      ...{ missing: [], unexpected: [], mismatched: [] },
      fresh: ["head/kernel", "head/bias"],
    });
    expect(b.weights("dense/kernel")).toEqual(a.weights("dense/kernel"));
    expect(b.weights("head/kernel")).toEqual(head);
    // Elsewhere another shape is still a mistake.
    const wide = await create(mlp(9, 3));
    expect(() => loadWeights(wide, a.save(), { freshHead: true })).toThrow("expected dense/kernel");
  });

  test("a fresh head is fresh: of the same shape, under another name, not there at all", async () => {
    const source = await create(mlp(5));
    const tensors = source.parameters.map(({ name, shape }) => {
      return [name, { shape, data: source.weights(name) }] as const;
    });
    const named = (from: string) =>
      tensors.map(([name, tensor]) => [name.replace("head/", from), tensor] as const);
    const body = ["dense/kernel", "dense/bias"];
    for (const [file, unexpected] of [
      [tensors, []],
      [named("fc."), ["fc.kernel", "fc.bias"]],
      [named("old/classifier/"), ["old/classifier/kernel", "old/classifier/bias"]],
      [tensors.slice(0, 2), []],
    ] as const) {
      const net = await create(mlp(5), 2);
      const head = [net.weights("head/kernel"), net.weights("head/bias")];
      const report = loadWeights(net, writeSafetensors(file), { freshHead: true });
      expect(report).toMatchObject({
        loaded: body,
        fresh: ["head/kernel", "head/bias"],
        unexpected,
      });
      expect([net.weights("head/kernel"), net.weights("head/bias")]).toEqual(head);
      expect(net.weights("dense/kernel")).toEqual(source.weights("dense/kernel"));
    }
    // Two layers that are not there are more than a head.
    const net = await create(mlp(5), 2);
    const more = [...named("fc."), ["fc2.kernel", tensors[0]![1]] as const];
    expect(() => loadWeights(net, writeSafetensors(more), { freshHead: true })).toThrow(
      'tensor "fc.kernel" belongs to no parameter',
    );
    expect(() => loadWeights(net, writeSafetensors(tensors.slice(1)), { freshHead: true })).toThrow(
      "there is no tensor for dense/kernel",
    );
  });

  test("numbers that are not finite are refused unless they are allowed", async () => {
    const bad = [Number.NaN, Infinity, -Infinity];
    for (const value of bad) {
      const net = await create(dense(2, { name: "fc" }));
      const file = writeSafetensors([
        ["fc/kernel", { shape: [6, 2], data: draws(12, 1) }],
        ["fc/bias", { shape: [2], data: Float32Array.of(1, value) }],
      ]);
      const before = bits(net);
      expect(() => loadWeights(net, file, { source: "a.st" })).toThrow(
        `a.st: tensor "fc/bias": expected finite float32 numbers, got ${value} at index 1; allowNonFinite takes them`,
      );
      expect(bits(net)).toEqual(before);
      loadWeights(net, file, { allowNonFinite: true });
      expect(net.weights("fc/bias")[1]).toBe(value);
    }
  });

  test("a float64 that float32 cannot hold is refused", async () => {
    const header = JSON.stringify({ b: { dtype: "F64", shape: [1], data_offsets: [0, 8] } });
    const file = new Uint8Array(8 + header.length + 8);
    const view = new DataView(file.buffer);
    view.setBigUint64(0, BigInt(header.length), true);
    file.set(new TextEncoder().encode(header), 8);
    view.setFloat64(8 + header.length, 1e300, true);
    const net = await create(dense(1, { name: "fc" }));
    const options = { rename: { b: "fc/bias" }, partial: true } as const;
    expect(() => loadWeights(net, file, options)).toThrow("got Infinity at index 0");
    view.setFloat64(8 + header.length, 1e30, true);
    expect(loadWeights(net, file, options).loaded).toEqual(["fc/bias"]);
  });

  test("a key of rename that no tensor has is refused, with the nearest name", async () => {
    const [a, b] = [await create(mlp(5)), await create(mlp(5), 2)];
    const rename = { "dense/kernal": "dense/kernel" };
    for (const partial of [false, true]) {
      expect(() => loadWeights(b, a.save(), { rename, partial })).toThrow(
        'weights: rename: there is no tensor "dense/kernal"; did you mean "dense/kernel"?',
      );
    }
  });

  test("what is missing, unexpected or doubled is named, or reported when partial", async () => {
    const net = await create(mlp(5));
    const file = writeSafetensors([
      ["dense/kernel", { shape: [6, 5], data: draws(30, 1) }],
      ["extra", { shape: [1], data: draws(1, 1) }],
    ]);
    expect(() => loadWeights(net, file, { source: "a.st" })).toThrow(
      "a.st: there is no tensor for dense/bias",
    );
    expect(loadWeights(net, file, { partial: true })).toEqual({
      loaded: ["dense/kernel"],
      missing: ["dense/bias", "head/kernel", "head/bias"],
      ...{ unexpected: ["extra"], mismatched: [], fresh: [] },
    });
    expect(net.weights("dense/kernel")).toEqual(draws(30, 1));
    const more = writeSafetensors([
      ...[...bits(net)].map(([name, data]) => {
        const { shape } = net.parameters.find((p) => p.name === name)!;
        return [name, { shape, data }] as const;
      }),
      ["extra", { shape: [1], data: draws(1, 1) }],
    ]);
    expect(() => loadWeights(net, more)).toThrow('tensor "extra" belongs to no parameter');
    expect(() => loadWeights(net, more, { rename: { extra: "dense/bias" } })).toThrow(
      'tensors "dense/bias" and "extra" are both for dense/bias',
    );
    const without = (name: string) => (name === "extra" ? undefined : name);
    expect(loadWeights(net, more, { rename: without }).unexpected).toEqual([]);
  });
});

describe("selectWeights", () => {
  test("takes every k-th index where the size divides, evenly spaced ones elsewhere", async () => {
    const [large, small, odd] = [
      await create(mlp(8)),
      await create(mlp(4), 2),
      await create(mlp(3), 3),
    ];
    const bias = large.weights("dense/bias");
    selectWeights(small, large);
    expect(small.weights("dense/bias")).toEqual(bias.filter((_, i) => i % 2 === 0));
    // round(i 7 / 2), halves to even: 0, 4 (3.5), 7.
    selectWeights(odd, large);
    expect([...odd.weights("dense/bias")]).toEqual([bias[0], bias[4], bias[7]]);
    const [kernel, head] = [large.weights("dense/kernel"), large.weights("head/kernel")];
    for (let i = 0; i < 6; i++)
      expect(odd.weights("dense/kernel")[i * 3 + 1]).toBe(kernel[i * 8 + 4]);
    for (let c = 0; c < 3; c++) expect(odd.weights("head/kernel")[2 * 3 + c]).toBe(head[7 * 3 + c]);
  });

  test("halves go to even", async () => {
    // 4 of 11 does not divide: round(i 10 / 3) has no half. 5 of 11 has two: i 10 / 4 = 0, 2.5, 5, 7.5, 10.
    const [large, small] = [await create(mlp(11)), await create(mlp(5), 2)];
    selectWeights(small, large);
    const bias = large.weights("dense/bias");
    expect([...small.weights("dense/bias")]).toEqual([0, 2, 5, 8, 10].map((i) => bias[i]));
  });

  test("equals the larger network when it is as large", async () => {
    const [a, b] = [await create(mlp(8)), await create(mlp(8), 2)];
    expect(selectWeights(b, a)).toHaveLength(4);
    expect(bits(b)).toEqual(bits(a));
  });

  test("chooses layers by name, leaves out what it is told to, refuses to grow", async () => {
    const [a, b] = [await create(mlp(8)), await create(mlp(4), 2)];
    const head = b.weights("head/kernel");
    const from = (name: string) => (name.startsWith("head") ? undefined : name);
    expect(selectWeights(b, a, { from })).toEqual(["dense/kernel", "dense/bias"]);
    expect(b.weights("head/kernel")).toEqual(head);
    expect(() => selectWeights(a, b)).toThrow(
      "selectWeights: dense/kernel of shape [6,8] is no slice of dense/kernel of shape [6,4]",
    );
  });
});

describe("widenFrom", () => {
  const x = draws(6 * 20, 4);
  const body = (hidden: number, inner: number) =>
    sequential(
      dense(hidden, { activation: "tanh", biasInitializer: "normal:std=1" }),
      prelu({ perChannel: true, slope: 0.1 }),
      residual(
        sequential(
          dense(inner, { activation: "relu", biasInitializer: "normal:std=1" }),
          dense(hidden),
          scale({ initial: 0.5 }),
          scale({ perChannel: true, initial: 0.5 }),
        ),
      ),
      dense(3),
    );

  test.each([
    [8, 14],
    [13, 7],
    [29, 100],
  ])("computes the same function, widths 5 and 7 made %d and %d", async (hidden, inner) => {
    const [small, wide] = [await create(body(5, 7)), await create(body(hidden, inner), 2)];
    const before = wide.predict(x);
    widenFrom(wide, small);
    const want = small.predict(x);
    wide.predict(x).forEach((y, i) => {
      // The same sums of at most 100 terms of size 1, in another order.
      expect(Math.abs(y - want[i]!)).toBeLessThan(100 * 2 ** -24 * 10);
    });
    expect(Math.max(...before.map((y, i) => Math.abs(y - want[i]!)))).toBeGreaterThan(0.1);
  });

  const expectSame = async (
    wide: Layer,
    narrow: Layer,
    input = [6],
    examples: Float32Array = x,
  ) => {
    const make = (layer: Layer, seed: number) =>
      Network.create({ input, body: layer, seed, variant: "simd" });
    const [a, b] = [await make(wide, 2), await make(narrow, 1)];
    widenFrom(a, b);
    const want = b.predict(examples);
    a.predict(examples).forEach((y, i) => {
      expect(Math.abs(y - want[i]!)).toBeLessThan(100 * 2 ** -24 * 10);
    });
  };
  const chain = (f: "relu" | "tanh", classes: number, ...widths: number[]) =>
    sequential(
      ...widths.map((units) => dense(units, { activation: f, biasInitializer: "normal:std=0.5" })),
      dense(classes),
    );

  test("layers are matched by their place, not by their width", async () => {
    // Inputs and hidden units are equally many; two hidden layers of 8 become 16 and 24; a hidden layer as wide as the outputs.
    await expectSame(chain("relu", 3, 12), chain("relu", 3, 6));
    await expectSame(chain("relu", 3, 16, 24), chain("relu", 3, 8, 8));
    await expectSame(chain("tanh", 3, 8, 3), chain("tanh", 3, 3, 3));
    await expectSame(chain("relu", 3, 3, 9), chain("relu", 3, 3, 3));
  });

  test("through flatten, activations and shared slopes", async () => {
    const image = (hidden: number, wide: number) =>
      sequential(
        dense(hidden, { biasInitializer: "normal:std=0.5" }),
        activation("gelu"),
        prelu(),
        flatten(),
        dense(wide, { activation: "relu" }),
        dense(3),
      );
    // Rows of 3 values in 2 positions: dense acts on each position.
    await expectSame(image(7, 9), image(4, 5), [2, 3]);
  });

  test("refuses what would change the function", async () => {
    const refused = async (wide: Layer, narrow: Layer, message: string, input = [6]) => {
      const a = await Network.create({ input, body: wide, variant: "simd" });
      const before = bits(a);
      const b = await create(narrow);
      expect(() => widenFrom(a, b)).toThrow(RangeError);
      expect(() => widenFrom(a, b)).toThrow(message);
      expect(bits(a)).toEqual(before);
    };
    const small = body(5, 7);
    await refused(
      body(4, 7),
      small,
      "widenFrom: dense has 4 units and had 5: widening shrinks nothing",
    );
    await refused(mlp(9), small, "widenFrom: expected the same parameters");
    await refused(chain("relu", 6, 8), chain("relu", 3, 8), "expected 3 outputs, got 6");
    await refused(
      chain("relu", 3, 8),
      chain("relu", 3, 8),
      "expected inputs of shape [6], got [9]",
      [9],
    );
    await refused(
      chain("tanh", 3, 8),
      chain("relu", 3, 8),
      "widenFrom: dense: expected activation relu, got tanh",
    );
    await refused(
      sequential(dense(8), activation("relu"), dense(3)),
      sequential(dense(8), activation("gelu"), dense(3)),
      "widenFrom: activation: expected activation gelu, got relu",
    );
    await refused(
      sequential(dense(8), dense(3)),
      sequential(dense(8), activation("gelu"), dense(3)),
      "expected the same layers",
    );
    const leaky = (alpha: number) =>
      chain({ name: "leaky_relu", alpha } as unknown as "relu", 3, 8);
    await refused(leaky(0.2), leaky(0.1), "expected activation leaky_relu");
  });
});
