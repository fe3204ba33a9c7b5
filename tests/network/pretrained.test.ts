import { describe, expect, test } from "vitest";
import type { Layer } from "../../src/layers/index.ts";
import { dense, prelu, residual, scale, sequential } from "../../src/layers/index.ts";
import { Network } from "../../src/network/network.ts";
import { loadWeights, selectWeights, widenFrom } from "../../src/network/pretrained.ts";
import { writeSafetensors } from "../../src/network/safetensors.ts";
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
      ...{ missing: [], unexpected: [], mismatched: [] },
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
      ...{ missing: [], unexpected: [] },
      mismatched: [
        { name: "head/kernel", expected: [5, 3], got: [5, 7] },
        { name: "head/bias", expected: [3], got: [7] },
      ],
    });
    expect(b.weights("dense/kernel")).toEqual(a.weights("dense/kernel"));
    expect(b.weights("head/kernel")).toEqual(head);
    // Elsewhere another shape is still a mistake.
    const wide = await create(mlp(9, 3));
    expect(() => loadWeights(wide, a.save(), { freshHead: true })).toThrow("expected dense/kernel");
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
      ...{ unexpected: ["extra"], mismatched: [] },
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

  test("refuses what would change the function", async () => {
    const small = await create(body(5, 7));
    await expect(async () => widenFrom(await create(body(4, 7)), small)).rejects.toThrow(
      "widening shrinks nothing",
    );
    await expect(async () => widenFrom(await create(mlp(9)), small)).rejects.toThrow(
      "expected the same parameters",
    );
    // Hidden width 6 is the input's too: it cannot be both kept and widened.
    const six = await create(mlp(6));
    await expect(async () => widenFrom(await create(mlp(9)), six)).rejects.toThrow(
      "widenFrom: axis 1 of dense/kernel goes from 6 to 9, but in dense/kernel 6 goes to 6",
    );
  });
});
