import { describe, expect, test } from "vitest";
import { product, spectralNorm, svd } from "../../src/init/linear-algebra.ts";
import { denseSpec } from "../../src/init/specs.ts";
import { bias, GRU, initialised, LSTM, parted, theory } from "../support/initialised.ts";
import { random } from "../support/random.ts";
import { ksDistance, momentsOf } from "../support/statistics.ts";

describe("irnn", () => {
  test("recurrent kernels are alpha I, input kernels N(0, 0.001^2), biases 0", () => {
    const w = initialised("irnn:alpha=0.5", parted(["hidden"], 7, 7));
    w.forEach((x, at) => {
      expect(x).toBe(at % 8 === 0 ? 0.5 : 0);
    });
    const input = initialised("irnn", parted(["hidden"], 100, 100, { role: "kernel" }));
    const { mean, variance } = momentsOf(input);
    expect(Math.abs(mean)).toBeLessThan((5 * 0.001) / 100);
    expect(Math.abs(variance / 1e-6 - 1)).toBeLessThan(5 * Math.sqrt(2 / 10_000));
    expect(initialised("irnn", bias(5))).toEqual(new Float32Array(5));
  });

  test("a hundred steps of relu without input leave a state as it is", () => {
    const w = initialised("irnn", parted(["hidden"], 16, 16));
    const next = random(1);
    const start = Float64Array.from({ length: 16 }, () => next());
    let h = start;
    for (let t = 0; t < 100; t++) {
      h = product(h, w, { m: 1, k: 16, n: 16 }).map((x) => Math.max(x, 0));
    }
    expect(h).toEqual(start);
  });
});

describe("np_rnn", () => {
  test.each([1, 4, 50])(
    "[%d, n]: symmetric and positive definite, the greatest eigenvalue 1",
    (n) => {
      const w = initialised("np_rnn", parted(["hidden"], n, n));
      for (let i = 0; i < n; i++) {
        for (let j = 0; j < i; j++) expect(w[i * n + j]).toBe(w[j * n + i]);
      }
      expect(Math.abs(spectralNorm(w, n, n) - 1)).toBeLessThan(1e-5);
      // Symmetric, so W + c I has all singular values above c only if no eigenvalue is negative; the least is 1 / lambda_max > 0.19.
      const { u, s, v } = svd(w, n);
      s.forEach((value, i) => {
        const along = u[i]!.reduce((sum, x, k) => sum + x * v[i]![k]!, 0);
        expect(along).toBeGreaterThan(0.999);
        expect(value).toBeGreaterThan(0.15);
      });
    },
  );

  test("over many draws its moments are those of its theory", () => {
    const spec = parted(["hidden"], 30, 30);
    const { mean, std } = theory("np_rnn", spec);
    const draws = Array.from({ length: 200 }, (_, seed) => initialised("np_rnn", spec, seed));
    for (const [power, expected] of [
      [1, mean],
      [2, std * std + mean * mean],
    ] as const) {
      const found = momentsOf(
        draws.map((w) => w.reduce((sum, x) => sum + x ** power, 0) / w.length / expected),
      );
      // Half a percent for the theory, which is a limit; the sample may be off by five deviations of its mean.
      const limit = 0.005 + 5 * Math.sqrt(found.variance / draws.length);
      expect(Math.abs(found.mean - 1)).toBeLessThan(limit);
      expect(limit).toBeLessThan(0.1);
    }
  });

  test("refuses maps that are not square", () => {
    expect(() => initialised("np_rnn", denseSpec(3, 5))).toThrow(
      "np_rnn: expected square linear maps, got dense kernel [3, 5]",
    );
  });
});

describe("forget_bias", () => {
  test("is its value in the forget gate and 0 elsewhere", () => {
    expect([...initialised("forget_bias", bias(3, LSTM))]).toEqual(
      [0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0], // input, forget, cell, output
    );
    expect([...initialised("forget_bias:value=2.5", bias(2, ["forget", "input"]))]).toEqual([
      2.5, 2.5, 0, 0,
    ]);
  });

  test("refuses layers without a forget gate, and parameters that are no biases", () => {
    expect(() => initialised("forget_bias", bias(3, GRU, "gru"))).toThrow(
      'forget_bias: expected a part called "forget", got reset, update, candidate of gru bias [9]',
    );
    expect(() => initialised("forget_bias", parted(LSTM, 4, 4))).toThrow(
      "forget_bias: expected the bias of a gated layer, got lstm recurrent [4, 16]",
    );
  });
});

describe("chrono", () => {
  const n = 20_000;
  /** exp(b) against U(1, t_max - 1). */
  const distance = (b: Float32Array, longest: number) =>
    ksDistance(b.map(Math.exp), (x) => Math.min(Math.max((x - 1) / (longest - 2), 0), 1));

  test.each([3, 100, 784])(
    "exp of the forget biases is uniform on [1, t_max - 1], t_max = %d",
    (longest) => {
      const b = initialised(`chrono:t_max=${longest}`, bias(n, LSTM));
      const [input, forget, cell, output] = [0, 1, 2, 3].map((i) => b.slice(i * n, (i + 1) * n));
      expect(distance(forget!, longest)).toBeLessThan(1.95 / Math.sqrt(n));
      expect(input).toEqual(forget!.map((x) => -x));
      expect([...cell!, ...output!].every((x) => x === 0)).toBe(true);
    },
  );

  test("of a GRU goes into the update gate, negative where that gate writes", () => {
    const b = initialised("chrono:t_max=50", bias(n, GRU, "gru"));
    expect(distance(b.slice(n, 2 * n), 50)).toBeLessThan(1.95 / Math.sqrt(n));
    expect(b.subarray(0, n).every((x) => x === 0)).toBe(true);
    expect(b.subarray(2 * n).every((x) => x === 0)).toBe(true);
    const writes = initialised("chrono:t_max=50,update=writes", bias(n, GRU, "gru"));
    expect(writes.subarray(n, 2 * n)).toEqual(b.slice(n, 2 * n).map((x) => -x));
  });

  test.each([
    ["chrono", LSTM],
    ["chrono:t_max=20", GRU],
    ["chrono:t_max=20,update=writes", GRU],
  ] as const)("%s has the moments and the range of its theory", (text, parts) => {
    const spec = bias(n, parts);
    const b = initialised(text, spec);
    const { mean, std, low, high } = theory(text, spec);
    const found = momentsOf(b);
    // A unit's values are tied: the mean of n units varies at most by std sqrt(parts / n).
    expect(Math.abs(found.mean - mean)).toBeLessThan(5 * std * Math.sqrt(parts.length / (n * 3)));
    expect(Math.abs(Math.sqrt(found.variance) / std - 1)).toBeLessThan(5 / Math.sqrt(n));
    expect(b.every((x) => x >= low && x <= high)).toBe(true);
  });

  test("refuses a t_max of 2, and layers without gates", () => {
    expect(() => initialised("chrono:t_max=2", bias(3, LSTM))).toThrow(
      "chrono: t_max must be above 2, got 2",
    );
    expect(() => initialised("chrono", bias(3, ["hidden"], "rnn"))).toThrow(
      'chrono: expected a part called "forget", got hidden of rnn bias [3]',
    );
  });
});
