import { describe, expect, test } from "vitest";
import { checkGradient } from "../../src/diagnostics/index.ts";
import type { Layer } from "../../src/layers/index.ts";
import {
  activation,
  alphaDropout,
  batchNorm,
  bias,
  dense,
  flatten,
  gaussianDropout,
  gaussianNoise,
  input,
  layerConfig,
  layerFromConfig,
  residual,
  scale,
  sequential,
  spatialDropout,
} from "../../src/layers/index.ts";
import { Network } from "../../src/network/network.ts";
import { blobs } from "../support/data.ts";

const data = blobs(24, 6, 3);
const create = (body: Layer, more: { seed?: number; policy?: string; input?: number[] } = {}) =>
  Network.create({ input: [6], body, variant: "simd", ...more });

async function check(...layers: readonly Layer[]): Promise<void> {
  for (const seed of [1, 2, 3]) {
    const net = await create(sequential(...layers), { seed });
    const { relativeError, analytic, numeric } = checkGradient(net, data, { seed });
    // As tests/network/gradients.test.ts has it.
    expect(relativeError, `seed ${seed}: ${analytic} against ${numeric}`).toBeLessThan(2e-3);
  }
}

describe("residual blocks", () => {
  const body = (units: number) => sequential(dense(8, { activation: "tanh" }), dense(units));

  test("y = f(shortcut(x) + gain body(x))", async () => {
    const block = residual(body(5), {
      shortcut: dense(5),
      activation: "softplus",
      gain: { initial: 0.5 },
    });
    const net = await create(block);
    const probed = net.probe(data.inputs, data.targets);
    const of = (layer: string) => probed.find((t) => t.layer === layer)!.values;
    const [past, branch] = [of("residual/shortcut/dense"), of("residual/dense_1")];
    net.predict(data.inputs).forEach((y, i) => {
      expect(y).toBeCloseTo(Math.log1p(Math.exp(past[i]! + 0.5 * branch[i]!)), 5);
    });
    expect(net.outputShape).toEqual([5]);
  });

  test("gradients with a projection, a gain and an activation after the sum", async () => {
    await check(residual(body(7), { shortcut: dense(7), activation: "tanh" }), dense(3));
    await check(residual(body(6), { gain: { initial: 0.7 } }), dense(3));
    await check(
      residual(body(7), {
        shortcut: sequential(dense(7), batchNorm()),
        gain: { initial: -0.6, perChannel: true },
        activation: "silu",
      }),
      dense(3),
    );
  });

  test("rezero and skip_init begin as the identity, layer_scale near it", async () => {
    for (const gain of ["rezero", "skip_init"] as const) {
      const net = await create(residual(body(6), { gain }));
      expect(net.predict(data.inputs)).toEqual(Float32Array.from(data.inputs));
      expect(net.weights("residual/gain/scale")).toEqual(Float32Array.of(0));
    }
    const net = await create(residual(body(6), { gain: "layer_scale" }));
    expect(net.weights("residual/gain/scale")).toEqual(new Float32Array(6).fill(1e-5));
  });

  test("policies find the gain, and not the shortcut", async () => {
    const block = residual(body(5), { shortcut: dense(5), gain: { initial: 1 } });
    const net = await create(sequential(block, dense(3)), { policy: "skip_init" });
    expect([...net.weights("residual/gain/scale")]).toEqual([0]);
    const last = await create(sequential(residual(body(5), { shortcut: dense(5) }), dense(3)), {
      policy: "zero_last",
    });
    expect(last.weights("residual/dense_1/kernel").every((w) => w === 0)).toBe(true);
    expect(last.weights("residual/shortcut/dense/kernel").every((w) => w !== 0)).toBe(true);
  });

  test("are made again from their description; an unknown gain is refused", () => {
    const layers = [
      residual(dense(6)),
      residual(dense(5), { shortcut: dense(5), activation: "relu", gain: "rezero", name: "a" }),
      residual(dense(6), { gain: "layer_scale" }),
    ];
    for (const layer of layers) {
      expect(layerConfig(layerFromConfig(layerConfig(layer)))).toEqual(layerConfig(layer));
    }
    expect(() => residual(dense(6), { gain: "half" as "rezero" })).toThrow(/no gain "half"/);
    expect(layerConfig(residual(dense(6)))).not.toHaveProperty("gain");
  });

  test("Fixup's block: a bias before each layer, a multiplier behind", async () => {
    const fixup = residual(
      sequential(
        bias({ initial: 0.2 }),
        dense(6, { useBias: false }),
        bias({ initial: -0.1 }),
        activation("tanh"),
        bias(),
        dense(6, { useBias: false }),
        scale({ initial: 0.8 }),
        bias(),
      ),
    );
    await check(fixup, dense(3));
    const net = await create(bias({ initial: 0.25 }));
    expect(net.predict(data.inputs)).toEqual(data.inputs.map((x) => x + 0.25));
    expect(layerConfig(layerFromConfig(layerConfig(fixup)))).toEqual(layerConfig(fixup));
  });
});

describe("noise", () => {
  const layers: readonly (readonly [string, Layer])[] = [
    ["alphaDropout", alphaDropout(0.2)],
    ["spatialDropout", spatialDropout(0.3)],
    ["gaussianDropout", gaussianDropout(0.3)],
    ["gaussianNoise", gaussianNoise(0.5)],
  ];

  test.each(layers)(
    "%s: gradients; the identity in prediction; its description",
    async (_, layer) => {
      await check(dense(20, { activation: "tanh" }), layer, dense(3));
      await check(layer, dense(3));
      const net = await create(layer);
      expect(net.predict(data.inputs)).toEqual(Float32Array.from(data.inputs));
      expect(layerConfig(layerFromConfig(layerConfig(layer)))).toEqual(layerConfig(layer));
    },
  );

  /** What a layer makes of `value(i)` in a training pass, over [rows, positions, channels]. */
  async function passed(layer: Layer, shape: readonly number[], value: (i: number) => number) {
    const rows = 200;
    const width = shape.reduce((a, b) => a * b, 1);
    const body = sequential(input(shape), layer, flatten(), dense(3));
    const net = await create(body, { input: [...shape] });
    const inputs = Float32Array.from({ length: rows * width }, (_x, i) => value(i));
    const labels = Array.from({ length: rows }, (_x, i) => i % 3);
    return net.probe(inputs, labels).find((t) => t.layer === layer.kind)!.values;
  }
  const moments = (xs: Float32Array) => {
    const mean = xs.reduce((a, b) => a + b, 0) / xs.length;
    return [mean, xs.reduce((a, b) => a + (b - mean) ** 2, 0) / xs.length] as const;
  };
  const N = 200 * 100;
  /** Five standard errors of a mean of N values of variance v. */
  const within = (v: number) => 5 * Math.sqrt(v / N);

  test("alphaDropout keeps mean 0 and variance 1, and puts one number in the place of what it drops", async () => {
    // 1 and -1 in turn: mean 0, variance 1.
    const y = await passed(alphaDropout(0.25), [100], (i) => (i % 2 === 0 ? 1 : -1));
    const [mean, variance] = moments(y);
    expect(Math.abs(mean)).toBeLessThan(within(1));
    expect(Math.abs(variance - 1)).toBeLessThan(within(4));
    const counts = new Map<string, number>();
    for (const v of y) counts.set(v.toFixed(4), (counts.get(v.toFixed(4)) ?? 0) + 1);
    const [q, l] = [0.75, -1.7580993408473766];
    const a = (q + l * l * q * (1 - q)) ** -0.5;
    const b = -a * (1 - q) * l;
    const want = [a + b, -a + b, a * l + b].map((v) => v.toFixed(4));
    expect([...counts.keys()].sort()).toEqual([...want].sort());
    expect(Math.abs(counts.get(want[2]!)! / N - 0.25)).toBeLessThan(within(0.25 * 0.75));
  });

  test("spatialDropout drops whole channels of an example", async () => {
    const y = await passed(spatialDropout(0.4), [10, 10], () => 3);
    let dropped = 0;
    for (let row = 0; row < 200; row++) {
      for (let c = 0; c < 10; c++) {
        const column = Array.from({ length: 10 }, (_x, p) => y[row * 100 + p * 10 + c]!);
        expect(new Set(column).size).toBe(1);
        if (column[0] === 0) dropped++;
        else expect(column[0]).toBeCloseTo(5, 5);
      }
    }
    expect(Math.abs(dropped / 2000 - 0.4)).toBeLessThan(5 * Math.sqrt(0.24 / 2000));
  });

  test("gaussian dropout and noise have the mean and the variance they promise", async () => {
    const [m, v] = moments(await passed(gaussianDropout(0.2), [100], () => 2));
    expect(Math.abs(m - 2)).toBeLessThan(within(1));
    expect(Math.abs(v - 1)).toBeLessThan(within(2));
    const [mean, variance] = moments(await passed(gaussianNoise(0.5), [100], () => 1));
    expect(Math.abs(mean - 1)).toBeLessThan(within(0.25));
    expect(Math.abs(variance - 0.25)).toBeLessThan(within(0.125));
  });
});
