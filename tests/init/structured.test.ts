import { describe, expect, test } from "vitest";
import { product, svd, transpose } from "../../src/init/linear-algebra.ts";
import { meanTopSingularValue, nudgedIdentity } from "../../src/init/mimetic.ts";
import { attentionSpecs, denseSpec, fusedAttentionSpecs } from "../../src/init/specs.ts";
import type { ParamSpec } from "../../src/init/types.ts";
import { conv, initialised, parted, theory } from "../support/initialised.ts";
import { random } from "../support/random.ts";
import { momentsOf } from "../support/statistics.ts";

describe("icnr", () => {
  const [r, height, width, inputs, channels] = [2, 4, 5, 3, 6];
  const spec = conv([3, 3], inputs, channels * r * r);

  /** A circular 3 x 3 convolution. */
  function convolve(kernel: Float32Array, x: Float64Array): Float64Array {
    const outputs = channels * r * r;
    const y = new Float64Array(height * width * outputs);
    for (let p = 0; p < height * width; p++) {
      for (let tap = 0; tap < 9; tap++) {
        const row = (Math.floor(p / width) + Math.floor(tap / 3)) % height;
        const from = row * width + (((p % width) + (tap % 3)) % width);
        for (let i = 0; i < inputs; i++) {
          for (let o = 0; o < outputs; o++) {
            y[p * outputs + o]! +=
              kernel[(tap * inputs + i) * outputs + o]! * x[from * inputs + i]!;
          }
        }
      }
    }
    return y;
  }

  /** The channel of y that becomes channel c of sub-pixel (i, j). */
  const ORDERS = {
    depth_to_space: (c: number, i: number, j: number) => (i * r + j) * channels + c,
    pixel_shuffle: (c: number, i: number, j: number) => c * r * r + i * r + j,
  };

  test.each(Object.entries(ORDERS))(
    "in the order of %s the shuffled output is constant on r x r blocks",
    (order, from) => {
      const kernel = initialised(`icnr:order=${order}`, spec);
      const next = random(2);
      const x = Float64Array.from({ length: height * width * inputs }, () => next() - 0.5);
      const y = convolve(kernel, x);
      const seen = new Set<number>();
      for (let p = 0; p < height * width; p++) {
        for (let c = 0; c < channels; c++) {
          const block = [0, 1, 2, 3].map(
            (s) => y[p * channels * r * r + from(c, Math.floor(s / r), s % r)]!,
          );
          expect(block).toEqual(Array(4).fill(block[0]));
          seen.add(block[0]!);
        }
      }
      expect(seen.size).toBe(height * width * channels);
    },
  );

  test("has the variance gain^2 / fan_in", () => {
    const wide = conv([3, 3], 32, 128, { activation: { name: "relu", alpha: 0 } });
    const { mean, variance } = momentsOf(initialised("icnr", wide));
    const independent = (9 * 32 * 128) / 4;
    expect(theory("icnr", wide).std).toBeCloseTo(Math.sqrt(2 / 288), 12);
    expect(Math.abs(variance / (2 / 288) - 1)).toBeLessThan(5 * Math.sqrt(2 / independent));
    expect(Math.abs(mean)).toBeLessThan(5 * Math.sqrt(2 / 288 / independent));
  });

  test("copies r^axes channels: 3 along one axis", () => {
    const kernel = initialised("icnr:r=3,order=pixel_shuffle", conv([2], 4, 6));
    for (let at = 0; at < kernel.length; at += 3) {
      expect(kernel[at + 1]).toBe(kernel[at]);
      expect(kernel[at + 2]).toBe(kernel[at]);
    }
  });

  test("refuses outputs that r does not divide, and what is no convolution", () => {
    expect(() => initialised("icnr", conv([3, 3], 3, 6))).toThrow(
      "icnr: r must be a whole number whose power 2 divides 6 outputs, got 2",
    );
    expect(() => initialised("icnr", denseSpec(3, 8))).toThrow(
      "icnr: expected a convolution kernel [window…, inputs, outputs], got dense kernel [3, 8]",
    );
  });
});

/** A transposed convolution over any number of axes with one channel: input p is added at p stride + k. */
function upsample(
  x: (p: number) => number,
  count: number,
  kernel: Float32Array,
  stride: number,
): Float64Array {
  const y = new Float64Array((count - 1) * stride + kernel.length);
  for (let p = 0; p < count; p++) {
    kernel.forEach((w, k) => {
      y[p * stride + k]! += w * x(p);
    });
  }
  return y;
}

function transposed(
  size: readonly number[],
  stride: readonly number[],
  channels = 1,
  groups = 1,
): ParamSpec {
  return conv(size, channels, channels, { groups, stride, layer: "conv_transpose" });
}

describe("bilinear", () => {
  test.each([
    [1, 1],
    [3, 1],
    [3, 2],
    [4, 2],
    [5, 3],
    [6, 3],
    [7, 2],
    [8, 4],
  ])("a window of %d with stride %d upsamples a ramp to a ramp inside", (size, stride) => {
    const kernel = initialised("bilinear", transposed([size], [stride]));
    const y = upsample((p) => 3 + p, 20, kernel, stride);
    // Input p lies at p stride + (size - 1) / 2.
    for (let at = size + stride; at < y.length - size - stride; at++) {
      const expected = 3 + (at - (size - 1) / 2) / stride;
      expect(Math.abs(y[at]! - expected)).toBeLessThan(expected * 2 ** -22);
    }
  });

  test.each([1, 2, 3, 4, 5])("is Caffe's filler at its size for a factor of %d", (factor) => {
    const size = 2 * factor - (factor % 2);
    const f = Math.ceil(size / 2);
    const c = (2 * f - 1 - (f % 2)) / (2 * f);
    const kernel = initialised("bilinear", transposed([size, size], [factor, factor]));
    kernel.forEach((w, at) => {
      const [x, y] = [at % size, Math.floor(at / size)];
      expect(w).toBeCloseTo((1 - Math.abs(x / f - c)) * (1 - Math.abs(y / f - c)), 6);
    });
  });

  test("leads each channel to itself, in any number of groups", () => {
    const dense = initialised("bilinear", transposed([4, 4], [2, 2], 3));
    const depthwise = initialised("bilinear", transposed([4, 4], [2, 2], 3, 3));
    for (let tap = 0; tap < 16; tap++) {
      for (let i = 0; i < 3; i++) {
        for (let o = 0; o < 3; o++) {
          expect(dense[(tap * 3 + i) * 3 + o]).toBe(i === o ? depthwise[tap * 3] : 0);
        }
        expect(depthwise[tap * 3 + i]).toBe(depthwise[tap * 3]);
      }
    }
    expect(dense.reduce((sum, x) => sum + x, 0)).toBeCloseTo(3 * 4, 5);
  });

  test("refuses windows that leave holes, other channels, and what is not transposed", () => {
    expect(() => initialised("bilinear", transposed([2], [2]))).toThrow(
      "bilinear: expected a window of at least 2 stride - 1, got [2] for stride [2]",
    );
    expect(() => initialised("bilinear", conv([4, 4], 3, 3))).toThrow(
      "bilinear: expected a transposed convolution with as many outputs as inputs",
    );
    expect(() => initialised("bilinear", conv([4, 4], 2, 3, { layer: "conv_transpose" }))).toThrow(
      RangeError,
    );
  });
});

describe("mimetic", () => {
  const attention = (parts: readonly string[], width: number) =>
    parted(parts, width, width, { role: "kernel", layer: "attention" });
  const QKV = ["query", "key", "value"];
  /** Part i of a fused kernel, row-major. */
  const part = (w: Float32Array, width: number, count: number, i: number) =>
    Float64Array.from(
      { length: width * width },
      (_, at) => w[Math.floor(at / width) * count * width + i * width + (at % width)]!,
    );
  const times = (a: Float64Array, b: Float64Array, n: number) => product(a, b, { m: n, k: n, n });
  const diagonal = (a: Float64Array, n: number) => a.filter((_, at) => at % (n + 1) === 0);
  const rest = (a: Float64Array, n: number) => a.filter((_, at) => at % (n + 1) !== 0);

  test.each([
    ["mimetic", 0.7, 0.7],
    ["mimetic:alpha_qk=0.3,beta_qk=-0.5", 0.3, -0.5],
  ])("%s, one head: Q K' is alpha G / sqrt(d) + beta I", (text, alpha, beta) => {
    const n = 48;
    const w = initialised(text, attention(QKV, n));
    const qk = times(part(w, n, 3, 0), transpose(part(w, n, 3, 1), n, n), n);
    const noise = alpha / Math.sqrt(n);
    expect(Math.abs(momentsOf(diagonal(qk, n)).mean - beta)).toBeLessThan(
      (5 * noise) / Math.sqrt(n),
    );
    const { mean, variance } = momentsOf(rest(qk, n));
    expect(Math.abs(mean)).toBeLessThan((5 * noise) / n);
    expect(Math.abs(variance / noise ** 2 - 1)).toBeLessThan(5 * Math.sqrt(2 / (n * n)));
  });

  test("V P is alpha G / sqrt(d) - beta I, though they are two parameters", () => {
    const n = 48;
    const v = part(initialised("mimetic", attention(QKV, n)), n, 3, 2);
    const p = Float64Array.from(initialised("mimetic", attention(["output"], n), 2));
    const vp = times(v, p, n);
    const noise = 0.4 / Math.sqrt(n);
    expect(Math.abs(momentsOf(diagonal(vp, n)).mean + 0.4)).toBeLessThan(
      (5 * noise) / Math.sqrt(n),
    );
    const { variance } = momentsOf(rest(vp, n));
    expect(Math.abs(variance / noise ** 2 - 1)).toBeLessThan(5 * Math.sqrt(2 / (n * n)));
  });

  test("heads: each has orthogonal columns of equal lengths in Q and K, and products of their own", () => {
    const [n, heads, rank] = [24, 4, 6];
    const w = initialised("mimetic:heads=4", attention(QKV, n));
    const [q, k] = [part(w, n, 3, 0), part(w, n, 3, 1)];
    const column = (a: Float64Array, j: number) => a.filter((_, at) => at % n === j);
    const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, x, i) => sum + x * b[i]!, 0);
    let trace = 0;
    for (let head = 0; head < heads; head++) {
      for (let i = head * rank; i < (head + 1) * rank; i++) {
        expect(dot(column(q, i), column(q, i))).toBeCloseTo(dot(column(k, i), column(k, i)), 5);
        trace += dot(column(q, i), column(k, i));
        for (let j = head * rank; j < i; j++) {
          expect(Math.abs(dot(column(q, i), column(q, j)))).toBeLessThan(1e-5);
          expect(Math.abs(dot(column(k, i), column(k, j)))).toBeLessThan(1e-5);
        }
      }
    }
    expect(trace).toBeGreaterThan(0);
    expect(column(q, 0)).not.toEqual(column(q, rank));
  });

  test("heads are the layer's unless the option says otherwise", () => {
    const fused = fusedAttentionSpecs({ width: 24, heads: 4 }).queryKeyValue;
    const drawn = (text: string) => initialised(text, fused);
    expect(drawn("mimetic")).toEqual(drawn("mimetic:heads=4"));
    expect(drawn("mimetic:heads=2")).not.toEqual(drawn("mimetic:heads=4"));
    expect(initialised("mimetic", attention(QKV, 24))).toEqual(drawn("mimetic:heads=1"));
    const { query, key, value, output } = attentionSpecs({ width: 24, heads: 4, headSize: 5 });
    expect([query, key, value, output].map(({ heads }) => heads)).toEqual([4, 4, 4, 4]);
  });

  test.each([
    ["mimetic", QKV, 64],
    ["mimetic:heads=4", QKV, 64],
    ["mimetic:heads=4", ["query", "key"], 64],
    ["mimetic", ["value"], 30],
    ["mimetic", ["output"], 64],
  ] as const)("%s on %j has the moments of its theory", (text, parts, width) => {
    const spec = attention(parts, width);
    const { mean, std } = theory(text, spec);
    const found = momentsOf(initialised(text, spec));
    expect(Math.abs(found.mean - mean)).toBeLessThan((5 * std) / width);
    expect(Math.abs(Math.sqrt(found.variance) / std - 1)).toBeLessThan(0.03);
  });

  test("the law of the singular values is that of a large matrix", () => {
    const n = 96;
    const next = random(9);
    const g = Float64Array.from(
      { length: n * n },
      () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
    );
    for (const [alpha, beta] of [
      [0.7, 0.7],
      [1, 0],
      [0.2, 1],
    ] as const) {
      const { s } = svd(nudgedIdentity(g, n, { alpha, beta }), n);
      for (const share of [1, 0.5, 0.25]) {
        const measured = s.slice(0, n * share).reduce((sum, x) => sum + x, 0) / (n * share);
        expect(Math.abs(meanTopSingularValue(alpha, beta, share) / measured - 1)).toBeLessThan(
          0.02,
        );
      }
    }
    // The quarter circle law: mean 8 / (3 pi).
    expect(meanTopSingularValue(1, 0, 1)).toBeCloseTo(8 / (3 * Math.PI), 2);
  });

  test("refuses kernels without such parts, keys apart from queries, heads that do not fit", () => {
    expect(() => initialised("mimetic", denseSpec(4, 4))).toThrow(
      "mimetic: expected parts called query, key, value, output, got dense kernel [4, 4]",
    );
    expect(() => initialised("mimetic", attention(["query"], 4))).toThrow(
      "mimetic: expected query and key in one kernel, since they are drawn together, got query",
    );
    expect(() => initialised("mimetic:heads=3", attention(QKV, 4))).toThrow(
      "mimetic: heads must divide 4 outputs into at most 4 a head, got 3",
    );
    expect(() => initialised("mimetic:beta_vp=0", attention(QKV, 4))).toThrow(RangeError);
  });
});
