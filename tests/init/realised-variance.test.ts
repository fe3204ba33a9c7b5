import { describe, expect, test } from "vitest";
import type { Ptr } from "../../src/core/arena.ts";
import { loadCore } from "../../src/core/core.ts";
import { streamKey } from "../../src/core/rng.ts";
import { fill } from "../../src/init/fill.ts";
import type { Resolved } from "../../src/init/initializer.ts";
import { initializer, resolve } from "../../src/init/initializer.ts";
import { rowOf } from "../../src/init/maps.ts";
import { APPLIES } from "../../src/init/schemes/applies.ts";
import { SCHEMES } from "../../src/init/schemes/index.ts";
import {
  convSpec,
  convTransposeSpec,
  depthwiseSpec,
  fusedAttentionSpecs,
  matrix,
  recurrentSpecs,
} from "../../src/init/specs.ts";
import type { LinearMap, ParamSpec } from "../../src/init/types.ts";
import type { LayerCase } from "../support/layer-cases.ts";
import { LAYER_CASES, withoutExtent } from "../support/layer-cases.ts";
import type { Layer } from "../support/layers.ts";
import { backward, convLayer, convTransposeLayer, forward } from "../support/layers.ts";
import { random } from "../support/random.ts";
import { momentsOf } from "../support/statistics.ts";

const core = await loadCore({ variant: "simd" });
const ROOM = 1 << 22;
const weightsAt = core.arena.allocate(ROOM);
const scratchAt = core.arena.allocate(ROOM);

function scratch(bytes: number): Ptr {
  if (bytes > ROOM) throw new RangeError(`scratch: ${bytes} bytes asked, ${ROOM} there`);
  return scratchAt;
}

function draw(text: string, spec: ParamSpec, seed: number): Float32Array {
  const n = spec.shape.reduce((all, size) => all * size, 1);
  fill(core, weightsAt, spec, initializer(text), streamKey(seed, "realised"), scratch);
  return core.arena.f32(weightsAt, n).slice();
}

function normals(count: number, seed: number): Float64Array {
  const next = random(seed);
  return Float64Array.from(
    { length: count },
    () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
  );
}

const SEEDS = 24;

/** Mean over independent draws, and six times its standard error: Student's t exceeds 6 once in 250,000 at 23 degrees. */
function estimate(samples: readonly number[]): { mean: number; limit: number } {
  const { mean, variance } = momentsOf(samples);
  return { mean, limit: 6 * Math.sqrt(variance / (samples.length - 1)) };
}

/** Within the confidence limits, and these narrow enough for the claim to fail. */
function expectMean(samples: readonly number[], expected: number, band = 0): void {
  if (expected === 0) {
    expect(new Set(samples)).toEqual(new Set([0]));
    return;
  }
  const { mean, limit } = estimate(samples);
  expect(Math.abs(mean - expected)).toBeLessThan(limit + (band + 1e-6) * expected);
  expect(limit).toBeLessThan(0.35 * expected);
}

const meanSquare = (x: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i]! ** 2;
  return sum / x.length;
};

/** Inputs of mean square 1; tokens one-hot; products of two vectors of mean square 1. */
function inputsOf({ layer, tokens, factors }: LayerCase, seed: number): Float64Array {
  if (tokens !== undefined) {
    const x = new Float64Array(layer.inputs);
    const next = random(seed);
    for (let row = 0; row < x.length; row += tokens) x[row + Math.floor(next() * tokens)] = 1;
    return x;
  }
  if (factors === undefined) return normals(layer.inputs, seed);
  const { left, right } = factorsOf(layer, factors, seed);
  return Float64Array.from({ length: layer.inputs }, (_, at) => {
    const i = Math.floor(at / factors[1]);
    const row = Math.floor(i / factors[0]);
    return left[i]! * right[row * factors[1] + (at % factors[1])]!;
  });
}

function factorsOf(layer: Layer, [l, r]: readonly [number, number], seed: number) {
  const rows = layer.inputs / (l * r);
  return { left: normals(rows * l, seed), right: normals(rows * r, seed + 500) };
}

/** Mean square of the gradient of the inputs when that of the outputs is 1, through one of the layer's parts. */
function gradientSquare(of: LayerCase, w: ArrayLike<number>, seed: number): number {
  const { layer, parts = 1, factors } = of;
  const dx = backward(layer, normals(layer.outputs, seed + 1000), w);
  if (factors === undefined) return meanSquare(dx) / parts;
  const { left, right } = factorsOf(layer, factors, seed);
  const dLeft = new Float64Array(left.length);
  const dRight = new Float64Array(right.length);
  dx.forEach((d, at) => {
    const i = Math.floor(at / factors[1]);
    const j = Math.floor(i / factors[0]) * factors[1] + (at % factors[1]);
    dLeft[i]! += d * right[j]!;
    dRight[j]! += d * left[i]!;
  });
  return meanSquare([...dLeft, ...dRight]);
}

/**
 * The same mean squares for independent inputs, of which they are the mean: weights with a mean give outputs that are nearly one number,
 * whose square no few samples of inputs show.
 */
function overInputs(
  { layer, parts = 1, tokens = 1, factors: [l, r] = [1, 1] }: LayerCase,
  w: ArrayLike<number>,
) {
  let sum = 0;
  for (const at of layer.weight) sum += w[at]! ** 2;
  return {
    output: sum / layer.outputs / tokens,
    gradient: ((sum / layer.inputs / parts) * (2 * l * r)) / (l + r),
  };
}

interface Realised {
  readonly resolved: Resolved;
  readonly draws: readonly Float32Array[];
  readonly outputs: readonly number[];
  readonly gradients: readonly number[];
}

/** Draws for schemes whose squares vary most: masks, heavy tails, copies. */
const HEAVY: Readonly<Record<string, number>> = {
  ...{
    sparse_bernoulli: 240,
    laplace: 72,
    student_t: 400,
    log_normal: 400,
    martens: 72,
    torch_sparse: 240,
    ternary: 72,
    icnr: 72,
    sparse_erdos_renyi: 72,
  },
};

const nameOf = (text: string) => text.split(":")[0]!;

function realise(of: LayerCase, text: string, seeds = HEAVY[nameOf(text)] ?? SEEDS): Realised {
  const resolved = resolve(initializer(text), of.spec);
  const indices = Array.from({ length: seeds }, (_, i) => i + 1);
  const draws = indices.map((seed) => draw(text, of.spec, seed));
  if (resolved.theory.mean !== 0 || HEAVY[nameOf(text)] !== undefined) {
    const means = draws.map((w) => overInputs(of, w));
    const outputs = means.map(({ output }) => output);
    return { resolved, draws, outputs, gradients: means.map(({ gradient }) => gradient) };
  }
  return {
    ...{ resolved, draws },
    outputs: draws.map((w, i) => meanSquare(forward(of.layer, inputsOf(of, i + 1), w))),
    gradients: draws.map((w, i) => gradientSquare(of, w, i + 1)),
  };
}

/** `realise`, once. */
function realiseOnce(of: LayerCase, text: string): () => Realised {
  let known: Realised | undefined;
  return () => {
    known ??= realise(of, text);
    return known;
  };
}

const CONVOLUTIONS = /^(conv|depthwise|separable|transposed|pixel)/;
const SQUARE =
  /^(dense 40 -> 40|(rnn|lstm|gru) recurrent kernel|attention query|attention output|attention, fused)$/;

/**
 * The kinds of kernel that each scheme takes, written down apart from what its row says; those that are not named take every kind.
 * A scheme that is for no kernel has a test of its own family's.
 */
const TAKEN: Readonly<Record<string, (name: string) => boolean>> = {
  delta_orthogonal: (name) => CONVOLUTIONS.test(name),
  block_orthogonal: (name) => CONVOLUTIONS.test(name),
  // Channels in fours, or in pairs along one axis: so they are in all of these, but in 3-d, where they are 8.
  icnr: (name) => CONVOLUTIONS.test(name),
  bilinear: (name) => name === "transposed conv 4 x 4, stride 2", // alone has as many outputs as inputs
  complex_variance_scaling: (name) =>
    !/^(depthwise 3 x 3|transposed conv 1-d, 3, stride 2, 4 -> 10, 2 groups|pixel shuffle 2, 3 x 3)$/.test(
      name,
    ),
  quaternion_variance_scaling: (name) =>
    !/^(conv 3 x 3, 4 groups|depthwise|separable: depthwise|transposed conv 3 x 3, |transposed conv 1-d|pixel|bilinear)/.test(
      name,
    ),
  ...Object.fromEntries(
    ["cyclic", "permutation", "cayley", "householder", "unitary"].map((name) => [
      name,
      (kind: string) => SQUARE.test(kind),
    ]),
  ),
  torch_sparse: (name) => /^(dense|embedding|rnn|lstm|gru|attention)/.test(name),
  stft: (name) => /^conv 1-d/.test(name),
  gabor: (name) => /^(conv (2|3) x 3|depthwise|separable|pixel)/.test(name),
  spectral_radius: (name) => SQUARE.test(name),
  np_rnn: (name) => SQUARE.test(name),
  // Square values only, and queries with their keys.
  mimetic: (name) => /^attention(, fused| output)$/.test(name),
  ...Object.fromEntries(["forget_bias", "chrono", "log_prior"].map((name) => [name, () => false])),
};

/**
 * How far, relative to it, a mean square may lie from a theory that is a limit for large maps: stated beside each (`src/init/edge.ts`,
 * `src/init/mimetic.ts`), measured there on more sizes.
 */
const BANDS: Readonly<Record<string, (of: ParamSpec) => number>> = {
  spectral_norm: ({ maps }) =>
    1.2 * Math.min(...maps.map(({ inputs, outputs }) => Math.min(inputs, outputs))) ** -1.3,
  spectral_radius: () => 0.2,
  np_rnn: ({ maps }) => 2.2 / maps[0]!.inputs ** 2,
  mimetic: () => 0.1,
};

function bandOf({ scheme, theory }: Resolved, of: ParamSpec): number {
  return theory.approximate ? BANDS[scheme.name]!(of) : 0;
}

/** Excess kurtosis of a law: the variance of n samples has relative deviation sqrt((2 + kurtosis) / n). */
const KURTOSIS: Readonly<Record<string, number>> = {
  normal: 0,
  uniform: -1.2,
  truncated_normal: -0.634,
};

/** Mean square of an output, and of an input's gradient, by the scheme's theory and the layer's fans. */
const CLOSED_FORMS: Readonly<
  Record<string, (of: LayerCase) => { readonly output: number; readonly gradient?: number }>
> = {
  he: ({ fans: [fanIn, fanOut] }) => ({ output: 2, gradient: (2 * fanOut) / fanIn }),
  lecun: ({ fans: [fanIn, fanOut] }) => ({ output: 1, gradient: fanOut / fanIn }),
  glorot: ({ fans: [fanIn, fanOut] }) => ({
    output: (2 * fanIn) / (fanIn + fanOut),
    gradient: (2 * fanOut) / (fanIn + fanOut),
  }),
  variance_scaling: () => ({ output: 1 }),
  orthogonal: ({ orthogonal }) => ({ output: orthogonal }),
  halton: ({ fans: [fanIn, fanOut] }) => ({ output: 1, gradient: fanOut / fanIn }),
  sobol: ({ fans: [fanIn, fanOut] }) => ({ output: 1, gradient: fanOut / fanIn }),
  sparse_bernoulli: ({ fans: [fanIn, fanOut] }) => ({ output: 2, gradient: (2 * fanOut) / fanIn }),
  sparse_erdos_renyi: ({ fans: [fanIn, fanOut] }) => ({
    output: 2,
    gradient: (2 * fanOut) / fanIn,
  }),
  ...Object.fromEntries(
    ["laplace", "rademacher", "antithetic", "moment_matched", "student_t", "ternary"].map(
      (name) => [
        `${name}:mode=fan_in`,
        ({ fans: [fanIn, fanOut] }: LayerCase) => ({ output: 1, gradient: fanOut / fanIn }),
      ],
    ),
  ),
};

function closedForm(name: string, of: LayerCase) {
  return CLOSED_FORMS[name.replace(/_(uniform|normal)$/, "")]?.(of);
}

/** Mirrored weights meet mirrored inputs, not the independent ones of this table: tests/init/variance-scaling.test.ts has them. */
const OF_THEIR_OWN = ["looks_linear"];

/** What the table draws: every scheme as it is, and those blind to fans by their fan too. */
const TEXTS = [
  ...SCHEMES.map(({ name }) => name),
  ...SCHEMES.filter(({ defaults }) => defaults.mode === "none").map(
    ({ name }) => `${name}:mode=fan_in`,
  ),
];

const takes = (text: string, { name }: LayerCase) => TAKEN[nameOf(text)]?.(name) ?? true;

describe.each(TEXTS.filter((text) => !OF_THEIR_OWN.includes(text)))("%s", (text) => {
  const taken = LAYER_CASES.filter((of) => takes(text, of));
  const name = nameOf(text);

  describe.each(taken)("$name", (of) => {
    const realised = realiseOnce(of, text);
    const { layer, parts = 1, tokens = 1, factors: [left, right] = [1, 1] } = of;
    const products = layer.weight.length;

    // Inputs are independent of mean 0, so whatever ties weights together, their mean square is all that counts.
    test("outputs have the variance that its theory gives the layer", () => {
      const { resolved, outputs } = realised();
      const { mean, std } = resolved.theory;
      const expected = (products / layer.outputs / tokens) * (std * std + mean * mean);
      expectMean(outputs, expected, bandOf(resolved, of.spec));
      const closed = closedForm(text, of)?.output;
      if (closed !== undefined) expect(expected).toBeCloseTo(closed, 6);
    });

    test("gradients have the variance that its theory gives the layer", () => {
      const { resolved, gradients } = realised();
      const { mean, std } = resolved.theory;
      const fed = (products / layer.inputs / parts) * ((2 * left * right) / (left + right));
      const expected = fed * (std * std + mean * mean);
      expectMean(gradients, expected, bandOf(resolved, of.spec));
      const closed = closedForm(text, of)?.gradient;
      if (closed !== undefined) expect(expected).toBeCloseTo(closed, 6);
    });

    test("weights have its mean, variance and support", () => {
      const { resolved, draws } = realised();
      const { mean, std, low, high } = resolved.theory;
      const kurtosis = KURTOSIS[resolved.draw.distribution];
      const slack = 1e-6 * Math.max(1, std);
      const all = draws.flatMap((w) => [...w]);
      expect(all.every((w) => w >= low - slack && w <= high + slack)).toBe(true);
      if (kurtosis === undefined || std === 0) {
        // Weights that depend on each other: the draws do not.
        const squares = draws.map(meanSquare);
        const expected = std * std + mean * mean;
        const { mean: found, limit } = estimate(squares);
        const band = bandOf(resolved, of.spec) + 1e-5;
        expect(Math.abs(found - expected)).toBeLessThanOrEqual(limit + band * expected);
        return;
      }
      const found = momentsOf(all);
      expect(Math.abs(found.mean - mean)).toBeLessThan((5 * std) / Math.sqrt(all.length));
      const relative = found.variance / (std * std) - 1;
      expect(Math.abs(relative)).toBeLessThan(5 * Math.sqrt((2 + kurtosis) / all.length));
    });
  });

  test("refuses the other kinds of kernel, by name", () => {
    for (const { spec } of LAYER_CASES.filter((of) => !takes(text, of))) {
      expect(() => resolve(initializer(text), spec)).toThrow(RangeError);
      expect(() => resolve(initializer(text), spec)).toThrow(
        new RegExp(`^${name}: expected .*, got `),
      );
    }
  });
});

test("what a scheme's row says that it takes is what it takes", () => {
  for (const { name, applies } of SCHEMES) {
    for (const of of LAYER_CASES) {
      // A row may leave sizes to the scheme: what it takes is among what it says.
      if (takes(name, of)) expect([name, of.name, APPLIES[applies].holds(of.spec)]).toContain(true);
      else if (name !== "mimetic") {
        expect([name, of.name, APPLIES[applies].holds(of.spec)]).toContain(false);
      }
    }
  }
});

test("every scheme takes some kind of kernel, or is for biases", () => {
  const none = SCHEMES.filter(({ name }) => !LAYER_CASES.some((of) => takes(name, of)));
  expect(none.every(({ applies }) => applies.endsWith("biases"))).toBe(true);
});

const WITH_MODE = SCHEMES.filter(
  ({ name, defaults }) =>
    Object.hasOwn(defaults, "mode") &&
    typeof defaults.scale === "number" &&
    defaults.depth === undefined &&
    !OF_THEIR_OWN.includes(name),
);

describe.each(WITH_MODE)("$name by fan_out", ({ name, defaults: { scale } }) => {
  test.each(LAYER_CASES.filter((of) => takes(name, of)))(
    "$name: gradients have the variance `scale`",
    (of) => {
      expectMean(realise(of, `${name}:mode=fan_out`).gradients, Number(scale));
    },
  );
});

describe("a slope is taken out of He's variance", () => {
  test.each(LAYER_CASES)("$name", (of) => {
    expectMean(realise(of, "he_normal:slope=0.5").outputs, 2 / 1.25);
  });
});

describe("orthogonal", () => {
  test.each(LAYER_CASES)("$name: the shorter side of every map is orthonormal", ({ spec }) => {
    const w = draw("orthogonal:gain=1", spec, 3);
    for (const map of spec.maps) {
      for (const s of singularValues(block(w, map))) expect(Math.abs(s - 1)).toBeLessThan(1e-6);
    }
  });

  test.each(LAYER_CASES.filter(({ spec }) => spec.maps.length > 1))(
    "$name: no two maps are alike",
    ({ spec }) => {
      const w = draw("orthogonal", spec, 3);
      const texts = spec.maps.map((map) => block(w, map).join(" "));
      expect(new Set(texts).size).toBe(texts.length);
    },
  );

  test("an LSTM's recurrent kernel has singular values 1 in each gate, not 0.446 as when taken whole", () => {
    const { recurrent } = recurrentSpecs("lstm", { inputs: 16, units: 16 });
    const gatesOf = (w: Float32Array) =>
      [0, 1, 2, 3].map((gate) =>
        Array.from({ length: 16 }, (_, row) => [
          ...w.subarray(row * 64 + gate * 16, row * 64 + gate * 16 + 16),
        ]),
      );
    for (const gate of gatesOf(draw("orthogonal", recurrent, 1))) {
      for (const s of singularValues(gate)) expect(Math.abs(s - 1)).toBeLessThan(1e-6);
    }
    const whole = { ...recurrent, maps: [matrix(16, 64)] };
    const means = [1, 2, 3, 4].flatMap((seed) =>
      gatesOf(draw("orthogonal", whole, seed)).map((g) => momentsOf(singularValues(g)).mean),
    );
    expect(momentsOf(means).mean).toBeCloseTo(0.446, 1);
  });
});

/** What other libraries get wrong, and by how much. */
describe("unit-variance inputs come out of", () => {
  const image = { extent: [5, 5], size: [3, 3], stride: [1, 1] };
  const up = { extent: [4, 4], size: [4, 4], stride: [2, 2], inputs: 64, outputs: 64 };
  const channels = { size: [3, 3], inputs: 64 };
  const deconv = (geometry: Parameters<typeof convTransposeLayer>[0]) =>
    plain(convTransposeSpec(withoutExtent(geometry)), convTransposeLayer(geometry));
  const narrowing = deconv({ ...image, inputs: 128, outputs: 16 });
  const widening = deconv({ ...image, inputs: 16, outputs: 128 });
  const depthwise = plain(
    depthwiseSpec(channels),
    convLayer({ ...image, inputs: 64, outputs: 64, groups: 64 }),
  );
  const grouped = { inputs: 64, outputs: 64, groups: 4 };

  test.each<[string, LayerCase, string, number]>([
    [
      "a transposed conv 128 -> 16, 3 x 3 with variance 2 by He, not 15.7",
      narrowing,
      "he_normal",
      2,
    ],
    ["a transposed conv 128 -> 16, 3 x 3 with variance 1 by LeCun", narrowing, "lecun_normal", 1],
    ["a transposed conv 16 -> 128 with variance 2 by He, not 0.24", widening, "he_uniform", 2],
    [
      "a transposed conv 64 -> 64, 4 x 4, stride 2 with variance 1 by LeCun, not 1/4",
      deconv(up),
      "lecun_uniform",
      1,
    ],
    [
      "a depthwise conv of 64 channels with variance 1 by LeCun, not 1/64",
      depthwise,
      "lecun_normal",
      1,
    ],
    [
      "a depthwise conv with variance 1 by fan_out, not 1/64",
      depthwise,
      "lecun_normal:mode=fan_out",
      1,
    ],
    ["a depthwise conv with variance 1 by Glorot, not 0.029", depthwise, "glorot_normal", 1],
    [
      "a conv 64 -> 64 in 4 groups with variance 1 by Glorot, not 0.388",
      plain(convSpec({ ...channels, ...grouped }), convLayer({ ...image, ...grouped })),
      "glorot_uniform",
      1,
    ],
  ])("%s", (_, of, text, expected) => {
    const { mean, limit } = estimate(realise(of, text, 12).outputs);
    expect(Math.abs(mean - expected)).toBeLessThan(limit);
    expect(limit).toBeLessThan(0.2 * expected);
  });

  test("fused attention of width 256 with Glorot's bound sqrt(6 / 2E) = 0.1083, not sqrt(6 / 4E)", () => {
    const { queryKeyValue } = fusedAttentionSpecs({ width: 256, heads: 8 });
    const w = draw("glorot_uniform", queryKeyValue, 1);
    const bound = Math.sqrt(6 / 512);
    const greatest = w.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    expect(greatest).toBeLessThanOrEqual(Math.fround(bound));
    expect(greatest).toBeGreaterThan(0.999 * bound);
  });
});

function plain(spec: ParamSpec, layer: Layer): LayerCase {
  return { name: spec.layer, spec, layer, fans: [spec.fanIn, spec.fanOut], orthogonal: Number.NaN };
}

/** The rows of a linear map. */
function block(w: Float32Array, map: LinearMap): number[][] {
  return Array.from({ length: map.inputs }, (_, i) =>
    Array.from({ length: map.outputs }, (_, o) => w[rowOf(map, i) + o * map.outputStride]!),
  );
}

/** Singular values of a matrix given by rows, as many as its shorter side: one-sided Jacobi rotations until columns are orthogonal. */
function singularValues(rows: readonly (readonly number[])[]): number[] {
  const wide = rows.length < (rows[0]?.length ?? 0);
  const columns = wide
    ? rows.map((row) => [...row])
    : rows[0]!.map((_, j) => rows.map((row) => row[j]!));
  const dot = (a: readonly number[], b: readonly number[]) =>
    a.reduce((sum, x, i) => sum + x * b[i]!, 0);
  for (let sweep = 0; sweep < 30; sweep++) {
    let worst = 0;
    for (let i = 0; i < columns.length; i++) {
      for (let j = 0; j < i; j++) {
        const [p, q] = [columns[i]!, columns[j]!];
        const [pp, qq, pq] = [dot(p, p), dot(q, q), dot(p, q)];
        if (Math.abs(pq) < 1e-12 * Math.sqrt(pp * qq)) continue;
        worst = Math.max(worst, Math.abs(pq));
        const zeta = (qq - pp) / (2 * pq);
        const t = (zeta < 0 ? -1 : 1) / (Math.abs(zeta) + Math.hypot(1, zeta));
        const c = 1 / Math.hypot(1, t);
        for (let k = 0; k < p.length; k++) {
          const [a, b] = [p[k]!, q[k]!];
          p[k] = c * (a - t * b);
          q[k] = c * (t * a + b);
        }
      }
    }
    if (worst === 0) break;
  }
  return columns.map((column) => Math.sqrt(dot(column, column)));
}
