import { describe, expect, test } from "vitest";
import { initializer, resolve } from "../../src/init/initializer.ts";
import { product, transpose } from "../../src/init/linear-algebra.ts";
import { convSpec, denseSpec, fusedAttentionSpecs, vectorSpec } from "../../src/init/specs.ts";
import { ksDistance, momentsOf } from "../support/statistics.ts";
import { draw, mapOf, orthonormalError } from "./support.ts";

const RECTANGLES = [
  [1, 1],
  [3, 5],
  [16, 16],
  [24, 8],
  [12, 45],
] as const;

describe.each(["dft", "haar_wavelet", "sobol_orthogonal"])("%s", (name) => {
  test.each(RECTANGLES)("[%d, %d]: the shorter side is orthonormal times gain", (rows, cols) => {
    const w = draw(`${name}:gain=2`, denseSpec(rows, cols));
    expect(orthonormalError(w, rows, cols, 2)).toBeLessThan(4e-6);
  });
});

test("dft of 4 is cosines and sines of the quarter turns; haar_wavelet of 4 is the textbook's", () => {
  const h = Math.SQRT1_2;
  const rows = (name: string) => [...transpose(draw(name, denseSpec(4, 4)), 4, 4)];
  const dft = [0.5, 0.5, 0.5, 0.5, h, 0, -h, 0, 0, h, 0, -h, 0.5, -0.5, 0.5, -0.5];
  const haar = [0.5, 0.5, 0.5, 0.5, 0.5, 0.5, -0.5, -0.5, h, -h, 0, 0, 0, 0, h, -h];
  for (const [name, expected] of [
    ["dft", dft],
    ["haar_wavelet", haar],
  ] as const) {
    rows(name).forEach((x, i) => {
      expect(x).toBeCloseTo(expected[i]!, 6);
    });
  }
});

const SQUARES = [1, 2, 7, 16];

describe("permutations", () => {
  test.each(SQUARES)("cyclic of %d: its n-th power is gain^n I, no lesser one is", (n) => {
    const w = Float64Array.from(draw("cyclic:gain=0.5", denseSpec(n, n)));
    let power: Float64Array = w;
    for (let k = 1; k <= n; k++) {
      const isIdentity = power.every((x, at) => x === (at % (n + 1) === 0 ? 0.5 ** k : 0));
      expect(isIdentity).toBe(k === n);
      power = product(power, w, { m: n, k: n, n });
    }
  });

  test("permutation has one weight in each row and column, and is not always the same", () => {
    const w = draw("permutation:gain=2", denseSpec(20, 20));
    expect(orthonormalError(w, 20, 20, 2)).toBe(0);
    expect(new Set(w)).toEqual(new Set([0, 2]));
    expect(draw("permutation:gain=2", denseSpec(20, 20), 2)).not.toEqual(w);
  });
});

describe.each(["cayley", "cayley:angles=full,negative=0", "householder", "householder:k=3"])(
  "%s",
  (text) => {
    test.each(SQUARES)("[%d]: W'W is I", (n) => {
      expect(orthonormalError(draw(text, denseSpec(n, n)), n, n)).toBeLessThan(1e-6);
    });

    test("has the mean that its theory gives", () => {
      const of = denseSpec(9, 9);
      const { mean } = resolve(initializer(text), of).theory;
      const means = Array.from({ length: 400 }, (_, i) => momentsOf(draw(text, of, i + 1)).mean);
      const { mean: found, variance } = momentsOf(means);
      expect(Math.abs(found - mean)).toBeLessThan(5 * Math.sqrt(variance / 400) + 1e-7);
    });
  },
);

test("cayley's blocks are (I + A)^-1 (I - A) of a skew A, and negative is the share of -1s in D", () => {
  const w = draw("cayley:negative=0", denseSpec(2, 2));
  const t = Math.acos(w[0]!);
  const s = Math.sqrt((1 - Math.cos(t)) / (1 + Math.cos(t)));
  // W (I + A) = I - A: W and A commute.
  const plus = [1, s, -s, 1];
  const minus = [1, -s, s, 1];
  const found = product(transpose(w, 2, 2), plus, { m: 2, k: 2, n: 2 });
  found.forEach((x, i) => {
    expect(x).toBeCloseTo(minus[i]!, 6);
  });
  expect(t).toBeLessThan(Math.PI / 2);
  const all = draw("cayley:negative=1", denseSpec(2, 2));
  expect(all).toEqual(w.map((x) => -x));
});

test("householder:k=1 is symmetric and its own inverse", () => {
  const w = draw("householder:k=1", denseSpec(8, 8));
  transpose(w, 8, 8).forEach((x, i) => {
    expect(x).toBeCloseTo(w[i]!, 6);
  });
  expect(Array.from({ length: 8 }, (_, i) => w[i * 9]!).reduce((a, b) => a + b, 0)).toBeCloseTo(
    6,
    5,
  );
});

test("unitary is orthogonal and commutes with multiplication by i", () => {
  const [n, half] = [16, 8];
  const w = draw("unitary", denseSpec(n, n));
  expect(orthonormalError(w, n, n)).toBeLessThan(1e-6);
  for (let i = 0; i < half; i++) {
    for (let o = 0; o < half; o++) {
      expect(w[i * n + o]!).toBeCloseTo(w[(half + i) * n + half + o]!, 6);
      expect(w[i * n + half + o]!).toBeCloseTo(-w[(half + i) * n + o]!, 6);
    }
  }
  expect(() => draw("unitary", denseSpec(3, 3))).toThrow(
    "unitary: expected square linear maps of even",
  );
});

describe("filter banks", () => {
  const images = convSpec({ size: [9, 9], inputs: 3, outputs: 8 });

  test("gabor: the squares of an output's weights sum to gain^2, whatever its phase", () => {
    const w = draw("gabor:gain=3", images);
    for (let o = 0; o < 8; o++) {
      let square = 0;
      for (let i = 0; i < 243; i++) square += w[i * 8 + o]! ** 2;
      expect(square).toBeCloseTo(9, 4);
    }
  });

  test("gabor: an output answers its own grating most", () => {
    const w = draw("gabor:gain=1", images);
    for (let orientation = 0; orientation < 4; orientation++) {
      const energies = [0, 1, 2, 3].map((unit) =>
        [0, 1].reduce((energy, phase) => {
          let sum = 0;
          for (let i = 0; i < 243; i++) {
            const position = Math.floor(i / 3);
            const [y, x] = [Math.floor(position / 9) - 4, (position % 9) - 4];
            const angle = (Math.PI * orientation) / 4;
            const wave = Math.cos((2 * Math.PI * (x * Math.cos(angle) + y * Math.sin(angle))) / 3);
            sum += w[i * 8 + 2 * unit + phase]! * wave;
          }
          return energy + sum * sum;
        }, 0),
      );
      expect(energies.indexOf(Math.max(...energies))).toBe(orientation);
    }
  });

  test("stft: a wave of o periods comes out of output o with half the window's sum", () => {
    const k = 16;
    const sound = convSpec({ size: [k], inputs: 2, outputs: 9 });
    for (const [window, total] of [
      ["hann", k / 2],
      ["ones", k],
    ] as const) {
      for (const side of ["real", "imag"] as const) {
        const w = draw(`stft:window=${window},side=${side}`, sound);
        for (let o = 2; o < 7; o++) {
          const out = (of: number) => {
            let sum = 0;
            for (let i = 0; i < 2 * k; i++) {
              const angle = (2 * Math.PI * o * Math.floor(i / 2)) / k;
              sum += w[i * 9 + of]! * (side === "real" ? Math.cos(angle) : Math.sin(angle));
            }
            return sum;
          };
          expect(out(o)).toBeCloseTo(((side === "real" ? 1 : -1) * total) / 2, 5);
          expect(out((o + 4) % 9)).toBeCloseTo(0, 5); // beyond the window's side lobes
        }
      }
    }
  });
});

describe("laws", () => {
  const of = denseSpec(400, 500);
  const limit = 1.95 / Math.sqrt(200_000);

  test("log_normal: logarithms are N(mu, s^2) with the weights' mean and deviation", () => {
    const square = Math.log1p(4 ** 2);
    const mu = Math.log(0.5) - square / 2;
    const logs = draw("log_normal:mean=0.5,std=2", of).map(Math.log);
    const { mean, variance, kurtosis } = momentsOf(logs);
    expect(Math.abs(mean - mu)).toBeLessThan(5 * Math.sqrt(square / logs.length));
    expect(Math.abs(variance / square - 1)).toBeLessThan(5 * Math.sqrt(2 / logs.length));
    expect(Math.abs(kurtosis)).toBeLessThan(5 * Math.sqrt(24 / logs.length));
  });

  test("student_t: its law, of 3 degrees in closed form", () => {
    const scale = 0.2 / Math.sqrt(3);
    const cdf = (x: number) => {
      const t = x / scale / Math.sqrt(3);
      return 0.5 + (t / (1 + t * t) + Math.atan(t)) / Math.PI;
    };
    expect(ksDistance(draw("student_t:df=3,std=0.2", of), cdf)).toBeLessThan(limit);
    expect(() => resolve(initializer("student_t:df=2"), of)).toThrow("student_t: df: expected");
  });

  test("ternary: three values, in their shares", () => {
    const w = draw("ternary:density=0.36,std=0.3", of);
    expect(new Set(w)).toEqual(new Set([Math.fround(-0.5), 0, 0.5]));
    for (const [value, share] of [
      [-0.5, 0.18],
      [0, 0.64],
      [0.5, 0.18],
    ] as const) {
      const found = w.filter((x) => x === value).length / w.length;
      expect(Math.abs(found - share)).toBeLessThan(5 * Math.sqrt((share * (1 - share)) / w.length));
    }
  });
});

describe("norms of units", () => {
  const norms = (text: string, of = denseSpec(40, 10)) =>
    of.maps.flatMap((map) => {
      const w = mapOf(draw(text, of), map);
      return Array.from({ length: map.outputs }, (_, o) =>
        Math.hypot(...Array.from({ length: map.inputs }, (_i, i) => w[i * map.outputs + o]!)),
      );
    });

  test("weight_norm_resnet: gain sqrt(fan_in / fan_out) / sqrt(blocks), exactly", () => {
    for (const x of norms("weight_norm_resnet:gain=1")) expect(x).toBeCloseTo(2, 5);
    for (const x of norms("weight_norm_resnet:gain=1,blocks=4")) expect(x).toBeCloseTo(1, 5);
    const relu = denseSpec(40, 10, { name: "relu", alpha: 0 });
    for (const x of norms("weight_norm_resnet", relu)) expect(x ** 2).toBeCloseTo(8, 4);
    const { queryKeyValue } = fusedAttentionSpecs({ width: 8, heads: 2 });
    for (const x of norms("weight_norm_resnet", queryKeyValue)) expect(x).toBeCloseTo(1, 5);
  });

  test("nguyen_widrow: beta H^(1 / n), and biases within it", () => {
    const of = denseSpec(2, 25);
    for (const x of norms("nguyen_widrow", of)) expect(x).toBeCloseTo(3.5, 5);
    const bias = draw("nguyen_widrow", vectorSpec(denseSpec(2, 400), "bias", 400));
    const most = bias.reduce((high, x) => Math.max(high, Math.abs(x)), 0);
    expect(most).toBeLessThanOrEqual(14);
    expect(most).toBeGreaterThan(13.5);
  });
});

test("quaternion_variance_scaling: E|w|^2 is scale / n, half of it real, the rest even among i, j, k", () => {
  const of = denseSpec(100, 800);
  const w = draw("quaternion_variance_scaling:scale=2,mode=fan_in", of);
  const parts = [0, 1, 2, 3].map((part) =>
    w.filter((_, at) => Math.floor((at % 800) / 200) === part),
  );
  const squares = parts.map((x) => x.reduce((sum, v) => sum + v * v, 0) / x.length);
  const expected = [0.01, 0.01 / 3, 0.01 / 3, 0.01 / 3];
  squares.forEach((square, part) => {
    // Of 20,000 squares whose relative deviation is below 2.
    expect(Math.abs(square / expected[part]! - 1)).toBeLessThan((5 * 2) / Math.sqrt(20_000));
  });
});

test("fan_geo_avg: outputs and gradients miss 1 by the same factor, in opposite senses", () => {
  const { std } = resolve(initializer("fan_geo_avg:scale=1"), denseSpec(50, 8)).theory;
  expect(50 * std ** 2 * 8 * std ** 2).toBeCloseTo(1, 12);
});

test("embedding_normal: the mean square length of a row is scale", () => {
  const w = draw("embedding_normal:scale=3", denseSpec(2000, 16));
  const square = w.reduce((sum, x) => sum + x * x, 0) / 2000;
  expect(Math.abs(square / 3 - 1)).toBeLessThan(5 * Math.sqrt(2 / w.length));
});
