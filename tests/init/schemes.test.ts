import { describe, expect, test } from "vitest";
import type { Ptr } from "../../src/core/arena.ts";
import { loadCore } from "../../src/core/core.ts";
import { streamKey } from "../../src/core/rng.ts";
import { fill } from "../../src/init/fill.ts";
import { describeInitializer, initializer, resolve, schemeOf } from "../../src/init/initializer.ts";
import { SCHEMES } from "../../src/init/schemes/index.ts";
import {
  convSpec,
  convTransposeSpec,
  denseSpec,
  fusedAttentionSpecs,
  recurrentSpecs,
} from "../../src/init/specs.ts";
import type { ParamSpec } from "../../src/init/types.ts";
import { momentsOf } from "../support/statistics.ts";

const core = await loadCore({ variant: "simd" });

function spec(shape: readonly number[], activation = "relu", alpha = 0): ParamSpec {
  const [inputs = 1, outputs = 1] = shape;
  return denseSpec(inputs, outputs, { name: activation, alpha });
}

function draw(text: string, of: ParamSpec, seed = 1): Float32Array {
  const n = of.shape.reduce((a, b) => a * b, 1);
  const at = core.arena.allocate(n * 4 + 16);
  const scratch = (bytes: number): Ptr => core.arena.allocate(bytes);
  fill(core, at, of, initializer(text), streamKey(seed, "test"), scratch);
  return core.arena.f32(at, n).slice();
}

const SHAPES = [
  [1, 1],
  [1, 700],
  [700, 1],
  [3, 5],
  [64, 64],
  [300, 100],
  [100, 300],
] as const;

/** Excess kurtosis of a distribution: the variance of n samples has relative deviation sqrt((2 + kurtosis) / n). */
const KURTOSIS: Readonly<Record<string, number>> = {
  normal: 0,
  uniform: -1.2,
  truncated_normal: -0.634,
};

/**
 * The same for independent values that are worked out rather than drawn by a kernel; those of masks and arrangements depend on the
 * shape and have tests of their own.
 */
const KURTOSIS_OF_VALUES: Readonly<Record<string, number>> = {
  laplace: 3,
  rademacher: -2,
  ternary: -1,
};

/** Schemes for one kind of parameter, which say so of a plain dense kernel [3, 5]; their families' tests hold them to their properties. */
const PARTICULAR: readonly string[] = [
  ...["delta_orthogonal", "block_orthogonal", "icnr", "bilinear"], // convolutions
  ...["stft", "gabor"],
  ...["complex_variance_scaling", "quaternion_variance_scaling"], // pairs and fours of outputs
  ...["spectral_radius", "np_rnn", "cyclic", "permutation"], // square maps
  ...["cayley", "householder", "unitary"],
  ...["forget_bias", "chrono", "mimetic"], // parts
  "log_prior", // biases
];

test.each(PARTICULAR)("%s refuses a dense kernel, by name", (name) => {
  expect(() => resolve(initializer(name), spec([3, 5]))).toThrow(RangeError);
  expect(() => resolve(initializer(name), spec([3, 5]))).toThrow(`${name}: expected `);
  expect(initializer(describeInitializer(initializer(name)))).toEqual(initializer(name));
});

/** A parameter that a scheme takes: the first of a plain kernel and those of particular layers. */
function suited(name: string): ParamSpec {
  const found = KINDS.find((of) => {
    try {
      return resolve(initializer(name), of) !== undefined;
    } catch {
      return false;
    }
  });
  if (found === undefined) throw new Error(`no parameter suits ${name}`);
  return found;
}

const lstm = recurrentSpecs("lstm", { inputs: 3, units: 4 });
const KINDS: readonly ParamSpec[] = [
  denseSpec(4, 8),
  denseSpec(6, 6),
  convSpec({ size: [3, 3], inputs: 4, outputs: 8 }),
  convSpec({ size: [5], inputs: 4, outputs: 8 }),
  convTransposeSpec({ size: [4, 4], stride: 2, inputs: 4, outputs: 4 }),
  lstm.bias,
  fusedAttentionSpecs({ width: 6, heads: 1 }).queryKeyValue,
];

const OPTIONS = SCHEMES.flatMap(({ name, defaults }) =>
  Object.keys(defaults).map((key) => [name, key] as const),
);

describe("a wrong option is refused in the scheme's name", () => {
  test.each(OPTIONS)("%s: %s that is a word nobody knows", (name, key) => {
    const like = initializer(name, { [key]: "nonsense" });
    expect(() => resolve(like, suited(name))).toThrow(RangeError);
    expect(() => resolve(like, suited(name))).toThrow(new RegExp(`^${name}: `));
  });

  test.each(OPTIONS)("%s: %s that is no number", (name, key) => {
    const like = initializer(name, { [key]: Number.NaN });
    expect(() => resolve(like, suited(name))).toThrow(RangeError);
    expect(() => resolve(like, suited(name))).toThrow(new RegExp(`^${name}: `));
  });

  test("and once only", () => {
    const of = denseSpec(4, 8);
    expect(() => resolve(initializer("orthogonal:gain=loud"), of)).toThrow(
      /^orthogonal: gain: expected a finite number, got loud$/,
    );
    expect(() => resolve(initializer("uniform:low=2,high=1"), of)).toThrow(
      /^uniform: low must be below high, got 2 and 1$/,
    );
  });
});

const GENERAL = SCHEMES.map(({ name }) => name).filter((name) => !PARTICULAR.includes(name));

describe.each(GENERAL)("%s", (name) => {
  test.each(SHAPES)("[%d, %d]: mean, variance and support are those of its theory", (...shape) => {
    const of = spec(shape);
    const { draw: drawn, theory } = resolve(initializer(name), of);
    const values = draw(name, of);
    const n = values.length;
    const { mean, variance } = momentsOf(values);
    // f32 rounds each value by at most 2^-24 of it.
    const slack = 1e-6 * Math.max(1, theory.std);
    expect(values.every((x) => x >= theory.low - slack && x <= theory.high + slack)).toBe(true);
    const kurtosis = KURTOSIS[drawn.distribution] ?? KURTOSIS_OF_VALUES[name];
    if (kurtosis === undefined) return; // so have constants, patterns and orthogonal matrices
    expect(Math.abs(mean - theory.mean)).toBeLessThan((5 * theory.std) / Math.sqrt(n) + slack);
    if (n < 1000) return; // the sample variance is not yet normal
    // About the mean in theory: Rademacher's law then has no chance at all.
    const relative = (variance + (mean - theory.mean) ** 2) / theory.std ** 2 - 1;
    expect(Math.abs(relative)).toBeLessThan(5 * Math.sqrt((2 + kurtosis) / n) + 1e-6);
  });

  test("the same seed draws the same bits, and its text describes it again", () => {
    expect(draw(name, spec([9, 7]))).toEqual(draw(name, spec([9, 7])));
    expect(initializer(describeInitializer(initializer(name)))).toEqual(initializer(name));
  });
});

describe("variance", () => {
  const std = (text: string, of: ParamSpec) => resolve(initializer(text), of).theory.std;
  const of = spec([300, 100]);

  test("of the Glorot, He and LeCun families, uniform and normal alike", () => {
    for (const distribution of ["uniform", "normal"]) {
      expect(std(`glorot_${distribution}`, of)).toBeCloseTo(Math.sqrt(2 / 400), 12);
      expect(std(`he_${distribution}`, of)).toBeCloseTo(Math.sqrt(2 / 300), 12);
      expect(std(`he_${distribution}:mode=fan_out`, of)).toBeCloseTo(Math.sqrt(2 / 100), 12);
      expect(std(`he_${distribution}:slope=0.5`, of)).toBeCloseTo(Math.sqrt(2 / 1.25 / 300), 12);
      expect(std(`lecun_${distribution}`, of)).toBeCloseTo(Math.sqrt(1 / 300), 12);
      const geometric = `glorot_${distribution}:mode=fan_geo_avg`;
      expect(std(geometric, of)).toBeCloseTo(Math.sqrt(1 / Math.sqrt(30_000)), 12);
    }
  });

  test("of variance scaling is scale / fan for its three distributions", () => {
    for (const distribution of ["uniform", "normal", "truncated_normal"]) {
      const text = `variance_scaling:scale=3,mode=fan_avg,distribution=${distribution}`;
      expect(std(text, of)).toBeCloseTo(Math.sqrt(3 / 200), 10);
    }
  });

  test("of a truncated normal is what was asked for, whatever the bounds", () => {
    for (const [low, high] of [
      [-2, 2],
      [-1, 1],
      [0, 3],
      [-0.5, 2],
    ]) {
      const text = `truncated_normal:mean=0.25,std=0.1,low=${low},high=${high}`;
      const { theory } = resolve(initializer(text), of);
      expect(theory.std).toBeCloseTo(0.1, 9);
      expect(theory.mean).toBeCloseTo(0.25, 9);
      const { mean, variance } = momentsOf(draw(text, of));
      expect(Math.abs(mean - 0.25)).toBeLessThan((5 * 0.1) / Math.sqrt(30_000));
      expect(Math.abs(variance / 0.01 - 1)).toBeLessThan(5 * Math.sqrt(3 / 30_000));
    }
  });
});

describe("orthogonal", () => {
  test.each(SHAPES)("[%d, %d]: the shorter side is orthonormal times the gain", (rows, cols) => {
    const w = draw("orthogonal", spec([rows, cols], "relu"));
    const short = Math.min(rows, cols);
    const long = Math.max(rows, cols);
    const at = (i: number, k: number) => (rows <= cols ? w[i * cols + k]! : w[k * cols + i]!);
    let worst = 0;
    for (let i = 0; i < short; i++) {
      for (let j = 0; j <= i; j++) {
        let dot = 0;
        for (let k = 0; k < long; k++) dot += at(i, k) * at(j, k);
        worst = Math.max(worst, Math.abs(dot - (i === j ? 2 : 0))); // the gain of relu is sqrt 2
      }
    }
    expect(worst).toBeLessThan(1e-6);
  });

  test("takes its gain from the activation, or as given", () => {
    const gainOf = (text: string, of: ParamSpec) => {
      const { draw: drawn } = resolve(initializer(text), of);
      return drawn.distribution === "orthogonal" ? drawn.gain : Number.NaN;
    };
    expect(gainOf("orthogonal", spec([4, 4], "relu"))).toBe(Math.SQRT2);
    expect(gainOf("orthogonal", spec([4, 4], "linear"))).toBe(1);
    expect(gainOf("orthogonal", spec([4, 4], "leaky_relu", 0.5))).toBeCloseTo(Math.sqrt(1.6), 12);
    expect(gainOf("orthogonal:gain=0.7", spec([4, 4], "relu"))).toBe(0.7);
  });
});

describe("a scheme is found", () => {
  test.each([
    [
      "he_normal",
      ["heNormal", "HeNormal", "he-normal", "kaiming_normal", "kaiming_normal_", "kaimingNormal"],
    ],
    ["glorot_uniform", ["glorotUniform", "GlorotUniform", "xavier_uniform", "xavier_uniform_"]],
    ["lecun_normal", ["leCunNormal", "LecunNormal", "lecunNormal"]],
    ["truncated_normal", ["truncatedNormal", "trunc_normal_", "TruncatedNormal"]],
    ["identity", ["eye_", "Identity"]],
    ["zeros", ["Zeros", "zero", "zeros_"]],
  ])("as %s under the spellings %j", (name, spellings) => {
    for (const spelling of spellings) expect(schemeOf(spelling).name).toBe(name);
  });

  test("no two schemes share a name", () => {
    const names = SCHEMES.flatMap(({ name, aliases }) => [name, ...aliases]);
    expect(new Set(names).size).toBe(names.length);
  });
});

describe("a wrong description is refused", () => {
  test.each([
    ["he_nromal", 'did you mean "he_normal"?'],
    ["he_normal:gain=2", 'he_normal has no option "gain"; it has scale, mode, slope, distribution'],
    ["zeros:value=1", 'zeros has no option "value"; it has none'],
    ["normal:std", 'expected normal:option=value, got "std"'],
  ])("%s: %s", (text, message) => {
    expect(() => initializer(text)).toThrow(message);
  });

  test.each([
    ["normal:std=-1", "std: expected a number that is not negative, got -1"],
    ["uniform:low=1,high=0", "uniform: low must be below high, got 1 and 0"],
    [
      "variance_scaling:mode=fan_inn",
      "mode: expected fan_in, fan_out, fan_avg or fan_geo_avg, got fan_inn",
    ],
    ["normal:std=abc", "std: expected a finite number, got abc"],
  ])("%s when it meets a parameter: %s", (text, message) => {
    expect(() => resolve(initializer(text), spec([3, 3]))).toThrow(message);
  });
});

test("theory of the identity counts its zeros", () => {
  const { theory } = resolve(initializer("identity"), spec([4, 8]));
  expect(theory.mean).toBe(4 / 32);
  expect(theory.std).toBeCloseTo(Math.sqrt((4 / 32) * (28 / 32)), 12);
});
