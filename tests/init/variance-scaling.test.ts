import { describe, expect, test } from "vitest";
import { initializer, resolve } from "../../src/init/initializer.ts";
import { denseSpec, vectorSpec } from "../../src/init/specs.ts";
import { ACTIVATIONS } from "../support/reference.ts";
import { momentsOf } from "../support/statistics.ts";
import { apply, convKernel, convolve, draw, gatedKernel, orthonormalError } from "./support.ts";

const spec = denseSpec(300, 100);
const theory = (text: string, of = spec) => resolve(initializer(text), of).theory;
const std = (text: string, of = spec) => theory(text, of).std;
const input = (n: number) => Float64Array.from({ length: n }, (_, i) => Math.sin(1 + i * i));
const norm = (x: Float64Array) => Math.sqrt(x.reduce((sum, v) => sum + v * v, 0));
const relu = (x: Float64Array) => x.map((v) => Math.max(v, 0));
const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

test("fan_geo_avg is the geometric mean of the fans, in every family that takes a mode", () => {
  for (const name of [
    "variance_scaling",
    "glorot_uniform",
    "lecun_normal",
    "depth_scaled:depth=0.5",
  ]) {
    const text = name.includes(":") ? `${name},mode=fan_geo_avg` : `${name}:mode=fan_geo_avg`;
    expect(std(text) ** 2).toBeCloseTo(1 / Math.sqrt(300 * 100), 9);
  }
});

describe("kumar is 1 / (f'(0)^2 (1 + f(0)^2) n)", () => {
  test.each(Object.keys(ACTIVATIONS))("for %s, from the activation's definition", (name) => {
    const alpha = 0.3;
    const { f, df } = ACTIVATIONS[name]!;
    const square = (df(1e-9, alpha) ** 2 + df(-1e-9, alpha) ** 2) / 2;
    const expected = 1 / (square * (1 + f(0, alpha) ** 2) * 300);
    const of = denseSpec(300, 100, { name: snake(name), alpha });
    expect(std("kumar", of) ** 2 / expected).toBeCloseTo(1, 7);
  });

  test("as the paper gives it: 12.8 / n for sigmoid, 1 / n for tanh, 2 / n for relu", () => {
    const scale = (name: string) => std("kumar", denseSpec(300, 9, { name, alpha: 0 })) ** 2 * 300;
    expect(scale("sigmoid")).toBeCloseTo(12.8, 10);
    expect(scale("tanh")).toBeCloseTo(1, 10);
    expect(scale("relu")).toBeCloseTo(2, 10);
  });

  test("an activation it does not know is named", () => {
    expect(() => std("kumar", denseSpec(3, 3, { name: "swoosh", alpha: 0 }))).toThrow(
      'kumar: f(0) and f\'(0) are not known for "swoosh"',
    );
  });
});

describe("PyTorch's defaults", () => {
  test("of Linear: U(+-1 / sqrt(fan_in)), kernel and bias", () => {
    for (const of of [spec, vectorSpec(spec, "bias", 100)]) {
      expect(theory("torch_default", of).high).toBeCloseTo(1 / Math.sqrt(300), 12);
      expect(std("torch_default", of) ** 2 * 300).toBeCloseTo(1 / 3, 12);
    }
    // kaiming_uniform_(a = sqrt(5)) is the same.
    const kaiming = `kaiming_uniform:slope=${Math.sqrt(5)}`;
    expect(theory("torch_default").high).toBeCloseTo(theory(kaiming).high, 12);
  });

  test("of LSTM: U(+-1 / sqrt(H)), whatever the inputs and gates", () => {
    const kernel = gatedKernel(50, 16, 4);
    for (const of of [kernel, gatedKernel(16, 16, 4), vectorSpec(kernel, "bias", 64)]) {
      expect(theory("rnn_default", of).high).toBe(1 / 4);
      expect(draw("rnn_default", of).every((x) => Math.abs(x) <= 1 / 4)).toBe(true);
    }
  });
});

describe("siren", () => {
  test("has the bounds of the paper", () => {
    expect(theory("siren:layer=first").high).toBeCloseTo(1 / 300, 12);
    expect(theory("siren").high).toBeCloseTo(Math.sqrt(6 / 300) / 30, 12);
    expect(theory("siren:omega0=1").high).toBeCloseTo(Math.sqrt(6 / 300), 12);
  });

  test("omega0 Wx is N(0, 1) for arcsine x, then settles at v = 1 - exp(-2v)", () => {
    const n = 256;
    // Arcsine inputs, and for each the same on a grid: E[x^2] is 1/2 exactly.
    const rows = Array.from({ length: 64 }, (_, r) =>
      Float64Array.from({ length: n }, (_, i) =>
        Math.sin((2 * Math.PI * (((i * 97 + r * 31) % n) + 0.5)) / n),
      ),
    );
    let x = rows;
    const variances: number[] = [];
    for (let layer = 0; layer < 8; layer++) {
      const w = draw("siren", denseSpec(n, n), layer + 1);
      const z = x.map((row) => apply(row, w, n).map((v) => 30 * v));
      variances.push(momentsOf(z.flatMap((row) => [...row])).variance);
      x = z.map((row) => row.map(Math.sin));
    }
    // The first: sum of n products; its variance over the draw of W has relative deviation below sqrt(2 / n) for each unit and
    // 1 / sqrt(n) of that for all units of independent inputs. The rows here are dependent: as if there were one.
    const chance = 5 * Math.sqrt(2 / n);
    expect(Math.abs(variances[0]! - 1)).toBeLessThan(chance);
    const settled = 0.7968121300200199;
    expect(settled).toBeCloseTo(1 - Math.exp(-2 * settled), 9);
    for (const v of variances.slice(4)) expect(Math.abs(v / settled - 1)).toBeLessThan(chance);
  });
});

describe("looks_linear", () => {
  test.each(["halves", "neighbours"])(
    "a relu network is linear and an isometry, by %s",
    (pairs) => {
      const layers = [
        draw(`looks_linear:mirror=outputs,pairs=${pairs}`, denseSpec(8, 16), 1),
        ...[2, 3, 4, 5].map((seed) => draw(`looks_linear:pairs=${pairs}`, denseSpec(16, 16), seed)),
        draw(`looks_linear:mirror=inputs,pairs=${pairs}`, denseSpec(16, 8), 6),
      ];
      const net = (x: Float64Array) =>
        layers.reduce((h, w, i) => apply(i === 0 ? h : relu(h), w, i === 5 ? 8 : 16), x);
      const x = input(8);
      const y = net(x);
      // Six layers of 16 products with weights rounded to f32.
      const bound = 6 * 16 * 2 ** -24;
      expect(Math.abs(norm(y) / norm(x) - 1)).toBeLessThan(bound);
      expect(norm(net(x.map((v) => -v)).map((v, i) => v + y[i]!))).toBeLessThan(bound);
      const other = input(16).subarray(8);
      const sum = net(x.map((v, i) => v + other[i]!));
      const apart = net(other).map((v, i) => v + y[i]!);
      expect(norm(sum.map((v, i) => v - apart[i]!))).toBeLessThan(bound * 2);
    },
  );

  test("is [[W, -W], [-W, W]] with W orthonormal", () => {
    const w = draw("looks_linear:gain=2", denseSpec(12, 8));
    const quarter = Float32Array.from({ length: 6 * 4 }, (_, at) => w[(at >> 2) * 8 + (at & 3)]!);
    expect(orthonormalError(quarter, 6, 4, 2)).toBeLessThan(4e-6);
    for (let i = 0; i < 12; i++) {
      for (let o = 0; o < 8; o++) {
        const sign = i < 6 === o < 4 ? 1 : -1;
        expect(w[i * 8 + o]).toBe(sign * quarter[(i % 6) * 4 + (o % 4)]!);
      }
    }
  });

  test.each([
    [7, 9],
    [1, 5],
    [5, 1],
    [1, 1],
    [2, 2],
  ])("[%d, %d]: an output without a partner lives, an input without one is not read", (m, n) => {
    const w = draw("looks_linear", denseSpec(m, n));
    const square = w.map((x) => x * x);
    for (const sum of apply(new Float32Array(m).fill(1), square, n)) expect(sum).toBeGreaterThan(0);
    for (let i = 0; i < m; i++) {
      const row = square.subarray(i * n, (i + 1) * n).reduce((sum, x) => sum + x, 0);
      if (m > 1 && m % 2 === 1 && i === m - 1) expect(row).toBe(0);
      else expect(row).toBeGreaterThan(0);
    }
  });

  test("two relu convolutions are linear, grouped ones when neighbours are pairs", () => {
    for (const groups of [1, 2]) {
      const first = convKernel([3, 3], 4, 8, groups);
      const second = convKernel([3, 2], 8, 4, groups);
      const pairs = groups === 1 ? "halves" : "neighbours";
      const a = draw(`looks_linear:mirror=outputs,pairs=${pairs}`, first, 1);
      const b = draw(`looks_linear:mirror=inputs,pairs=${pairs}`, second, 2);
      const net = (x: Float64Array) =>
        convolve(relu(convolve(x, [5, 4], a, first)), [5, 4], b, second);
      const x = input(5 * 4 * 4);
      const y = net(x);
      expect(norm(y)).toBeGreaterThan(0.1);
      expect(norm(net(x.map((v) => -v)).map((v, i) => v + y[i]!))).toBeLessThan(1e-12);
    }
  });

  test("the mean square of its weights is that of its theory", () => {
    for (const [text, of] of [
      ["looks_linear", denseSpec(40, 60)],
      ["looks_linear:mirror=outputs,gain=3", denseSpec(41, 60)],
      ["looks_linear:mirror=inputs", denseSpec(40, 61)],
      ["looks_linear", convKernel([3, 3], 8, 16, 2)],
    ] as const) {
      const { mean, variance } = momentsOf(draw(text, of));
      // Each orthonormal side has an exact norm: nothing is left to chance when sizes are even.
      expect((variance + mean * mean) / std(text, of) ** 2).toBeCloseTo(1, 5);
    }
  });
});

describe("widths and depths", () => {
  test("mup: doubling fan_in halves the variance of hidden layers and quarters that of the output's", () => {
    const variance = (text: string, width: number) => std(text, denseSpec(width, 10)) ** 2;
    for (const layer of ["input", "hidden"]) {
      expect(variance(`mup:layer=${layer},scale=2`, 256)).toBeCloseTo(2 / 256, 12);
    }
    expect(variance("mup:layer=output", 256)).toBeCloseTo(1 / 256 ** 2, 14);
    const output = "mup:layer=output,base=128,scale=2,distribution=uniform";
    expect(variance(output, 128)).toBeCloseTo(2 / 128, 12);
    expect(variance(output, 256)).toBeCloseTo(2 / 128 / 4, 12);
    expect(() => std("mup:layer=last")).toThrow(
      "layer: expected input or hidden or output, got last",
    );
  });

  test("ntk times 1 / sqrt(fan_in) is LeCun's normal", () => {
    expect(std("ntk") / Math.sqrt(300)).toBeCloseTo(std("lecun_normal"), 12);
  });

  test("depth_scaled: 2 depth branches have the variance of one without it", () => {
    const depth = 12;
    expect(std(`depth_scaled:depth=${depth}`) ** 2 * 2 * depth).toBeCloseTo(1 / 300, 12);
    const he = `depth_scaled:depth=${depth},scale=2,mode=fan_out,distribution=uniform`;
    expect(std(he)).toBeCloseTo(std("he_uniform:mode=fan_out") / Math.sqrt(24), 12);
    expect(() => std("depth_scaled:depth=0")).toThrow("depth: expected a positive number, got 0");
  });

  test("small_init and wang take the model's width, the lesser side of a transformer's kernels", () => {
    for (const [m, n] of [
      [64, 256],
      [256, 64],
      [64, 64],
    ] as const) {
      expect(std("small_init", denseSpec(m, n))).toBeCloseTo(Math.sqrt(2 / (5 * 64)), 12);
      expect(std("wang:depth=6", denseSpec(m, n))).toBeCloseTo(2 / (6 * 8), 12);
    }
    expect(std("small_init:d=100")).toBeCloseTo(Math.sqrt(2 / 500), 12);
    expect(std("wang:d=100,depth=4")).toBeCloseTo(2 / 40, 12);
    // Glorot's of the map from d to 4 d.
    expect(std("small_init", denseSpec(64, 256))).toBeCloseTo(
      std("glorot_normal", denseSpec(64, 256)),
      12,
    );
  });
});
