import fs from "node:fs";
import { describe, expect, test } from "vitest";
import type { Ptr } from "../../src/core/arena.ts";
import { loadCore } from "../../src/core/core.ts";
import { streamKey } from "../../src/core/rng.ts";
import type { Initializer, ParamSpec, PresetName } from "../../src/init/index.ts";
import {
  attentionSpecs,
  bilinearSpec,
  convSpec,
  convTransposeSpec,
  denseSpec,
  depthwiseSpec,
  embeddingSpec,
  fill,
  fusedAttentionSpecs,
  initializer,
  normSpecs,
  PRESETS,
  preset,
  presetInitializer,
  presetScheme,
  recurrentSpecs,
  resolve,
  separableSpecs,
  vectorSpec,
} from "../../src/init/index.ts";
import { momentsOf } from "../support/statistics.ts";

interface Law {
  readonly uniform?: readonly [number, number];
  readonly normal?: readonly [number, number];
  readonly constant?: number;
}

interface Fixture {
  readonly defaults: readonly {
    readonly layer: string;
    readonly part: string;
    readonly law: Law;
  }[];
  readonly asked: readonly {
    readonly layer: string;
    readonly part: string;
    readonly scheme: string;
    readonly law?: Law;
    readonly squares?: number;
  }[];
  readonly truncated: Readonly<
    Record<string, { readonly mean: number; readonly std: number; readonly count: number }>
  >;
  readonly sparse: {
    readonly shape: readonly [number, number];
    readonly zerosOfInputs: readonly number[];
  };
  readonly dirac: { readonly size: readonly number[]; readonly position: readonly number[] };
}

// Written by tests/fixtures/make-torch-presets.py: what PyTorch itself does.
const fixture: Fixture = JSON.parse(fs.readFileSync("tests/fixtures/torch-presets.json", "utf8"));

const core = await loadCore({ variant: "simd" });
const RELU = { name: "relu", alpha: 0 };

function draw(like: string | Initializer, spec: ParamSpec): Float32Array {
  const n = spec.shape.reduce((a, b) => a * b, 1);
  const at = core.arena.allocate(n * 4 + 16);
  const scratch = (bytes: number): Ptr => core.arena.allocate(bytes);
  fill(core, at, spec, initializer(like), streamKey(1, "test"), scratch);
  return core.arena.f32(at, n).slice();
}

/** The parameters of a layer by the fixture's names of them. */
type Parts = Readonly<Record<string, ParamSpec>>;

function withBias(kernel: ParamSpec): Parts {
  return { kernel, bias: vectorSpec(kernel, "bias", kernel.shape.at(-1)!) };
}

function attention(width: number, heads: number): Parts {
  const { queryKeyValue, output } = fusedAttentionSpecs({ width, heads });
  const bias = vectorSpec(queryKeyValue, "bias", 3 * width);
  return { kernel: queryKeyValue, output, bias, outputBias: vectorSpec(output, "bias", width) };
}

const separable = separableSpecs({ size: [3, 3], inputs: 8, multiplier: 2, outputs: 12 });

// As in make-torch-presets.py.
const LAYERS: Readonly<Record<string, Parts>> = {
  dense: withBias(denseSpec(10, 6, RELU)),
  conv: withBias(convSpec({ size: [3, 2], stride: 2, inputs: 6, outputs: 8 })),
  "grouped conv": withBias(convSpec({ size: [3, 3], inputs: 8, outputs: 12, groups: 4 })),
  "depthwise conv": withBias(depthwiseSpec({ size: [3, 3], inputs: 8, multiplier: 2 })),
  "transposed conv": withBias(
    convTransposeSpec({ size: [4, 4], stride: 2, inputs: 8, outputs: 6 }),
  ),
  "grouped transposed conv": withBias(
    convTransposeSpec({ size: [4, 4], stride: 2, inputs: 8, outputs: 6, groups: 2 }),
  ),
  rnn: { ...recurrentSpecs("rnn", { inputs: 10, units: 16 }) },
  lstm: { ...recurrentSpecs("lstm", { inputs: 10, units: 16 }) },
  gru: { ...recurrentSpecs("gru", { inputs: 10, units: 16 }) },
  attention: attention(24, 3),
  embedding: { kernel: embeddingSpec(100, 12) },
  bilinear: withBias(bilinearSpec({ left: 3, right: 4, outputs: 5 })),
  norm: { ...normSpecs(7) },
  prelu: { slope: { ...vectorSpec(denseSpec(7, 7), "slope", 1), layer: "prelu" } },
};

const partOf = (layer: string, part: string): ParamSpec => LAYERS[layer]![part]!;
const buggy = (name: PresetName) => preset(name, { bugCompatible: true });

function expectLaw(given: Initializer, spec: ParamSpec, law: Law): void {
  const { draw: drawn, theory } = resolve(given, spec);
  if (law.constant !== undefined) {
    expect(theory).toMatchObject({ mean: law.constant, std: 0 });
  } else if (law.uniform !== undefined) {
    expect(drawn.distribution).toBe("uniform");
    expect(theory.low).toBeCloseTo(law.uniform[0], 12);
    expect(theory.high).toBeCloseTo(law.uniform[1], 12);
  } else {
    expect(drawn.distribution).toBe("normal");
    expect(theory.mean).toBe(law.normal![0]);
    expect(theory.std).toBeCloseTo(law.normal![1], 12);
  }
}

describe("PyTorch's own draws", () => {
  test.each(fixture.defaults.map((row) => [row.layer, row.part, row.law] as const))(
    "the %s's %s begins as PyTorch's",
    (layer, part, law) => {
      const spec = partOf(layer, part);
      expectLaw(presetInitializer(buggy("torch"), spec), spec, law);
    },
  );

  const laws = fixture.asked.filter(({ law }) => law !== undefined);
  test.each(laws.map((row) => [row.layer, row.part, row.scheme, row.law!] as const))(
    "the %s's %s under %s",
    (layer, part, scheme, law) => {
      const spec = partOf(layer, part);
      expectLaw(presetScheme(buggy("torch"), scheme, spec), spec, law);
      expectLaw(presetScheme(buggy("timm"), scheme, spec), spec, law);
    },
  );

  const orthogonal = fixture.asked.filter(({ squares }) => squares !== undefined);
  test.each(orthogonal.map((row) => [row.layer, row.part, row.squares!] as const))(
    "the %s's %s under orthogonal_ has the same sum of squares: it is one matrix",
    (layer, part, squares) => {
      const spec = partOf(layer, part);
      const given = presetScheme(buggy("torch"), "orthogonal_", spec);
      const sum = draw(given, spec).reduce((total, x) => total + x * x, 0);
      expect(sum).toBeCloseTo(squares, 3);
    },
  );

  test("orthogonal_ of a grouped transposed convolution has orthonormal rows [inputs, outputs / groups window]", () => {
    const spec = partOf("grouped transposed conv", "kernel");
    const values = draw(presetScheme(buggy("torch"), "orthogonal_", spec), spec);
    // Input i of all 8 is row i % 4 of group i / 4, whose outputs are 3 of the 6 columns.
    const row = (input: number) =>
      Array.from({ length: 48 }, (_, j) => {
        const output = 3 * Math.floor(input / 4) + (j % 3);
        return values[(Math.floor(j / 3) * 4 + (input % 4)) * 6 + output]!;
      });
    for (let a = 0; a < 8; a++) {
      for (let b = 0; b <= a; b++) {
        const dot = row(a).reduce((sum, x, i) => sum + x * row(b)[i]!, 0);
        expect(dot).toBeCloseTo(a === b ? 1 : 0, 5);
      }
    }
  });

  test.each(Object.entries(fixture.truncated))("%s has its moments", (text, torch) => {
    const spec = denseSpec(10, 10);
    for (const name of ["torch", "timm"] as const) {
      const { mean, std } = resolve(presetScheme(buggy(name), text, spec), spec).theory;
      // 5 deviations of the means and deviations that torch was measured by; kurtosis at most a normal's.
      expect(Math.abs(mean - torch.mean)).toBeLessThan((5 * std) / Math.sqrt(torch.count));
      expect(Math.abs(std - torch.std)).toBeLessThan((5 * std) / Math.sqrt(2 * torch.count));
    }
  });

  test("D8: sparse_ counts the zeros of each input, with deviation 0.01", () => {
    const { shape, zerosOfInputs } = fixture.sparse; // [outputs, inputs], a quarter of them zeros
    const spec = denseSpec(400, shape[0]);
    for (const asked of ["torch_sparse:sparsity=0.25", "sparse_:k=300"]) {
      const values = draw(presetScheme(buggy("torch"), asked, spec), spec);
      const zeros = Array.from(
        { length: 400 },
        (_, i) => values.subarray(i * 21, (i + 1) * 21).filter((x) => x === 0).length,
      );
      expect([...new Set(zeros)]).toEqual([...new Set(zerosOfInputs)]);
    }
    const std = momentsOf(
      draw(presetScheme(buggy("torch"), "sparse_:k=300", spec), spec).filter((x) => x !== 0),
    ).variance;
    expect(Math.abs(std / 1e-4 - 1)).toBeLessThan(5 * Math.sqrt(2 / (400 * 15)));
    // Without the defect each unit has exactly k inputs.
    const sound = draw(presetScheme(preset("torch"), "sparse_:k=300", spec), spec);
    for (let o = 0; o < 21; o++) {
      expect(sound.filter((x, i) => i % 21 === o && x !== 0).length).toBe(300);
    }
  });

  test("D14: dirac_ takes the later middle of an even window", () => {
    const { size, position } = fixture.dirac;
    const spec = convSpec({ size, inputs: 3, outputs: 3 });
    const values = draw(presetScheme(buggy("torch"), "dirac_", spec), spec);
    expect(Math.floor(values.indexOf(1) / 9)).toBe(position[0]! * size[1]! + position[1]!);
  });
});

// The other libraries' defaults as they are documented and were run: distribution and standard deviation, or the constant.
type Row = readonly [layer: string, part: string, distribution: string, value: number];

const glorot = (fanIn: number, fanOut: number) => Math.sqrt(2 / (fanIn + fanOut));
/** Deviation of N(0, 1) cut at 2. */
const CUT = 0.8796256610342398;
const ALL: Readonly<Record<string, Parts>> = {
  ...LAYERS,
  "separate attention": {
    kernel: attentionSpecs({ width: 24, heads: 3 }).key,
    bias: vectorSpec(attentionSpecs({ width: 24, heads: 3 }).key, "bias", 24),
  },
  "separable conv": { kernel: separable.depthwise, pointwise: separable.pointwise },
};

/** Zeros, ones and orthogonal kernels, which Keras, tfjs and Flax share. */
const SHARED: readonly Row[] = [
  ["dense", "bias", "constant", 0],
  ["conv", "bias", "constant", 0],
  ["grouped transposed conv", "bias", "constant", 0],
  ["separate attention", "bias", "constant", 0],
  ["norm", "gain", "constant", 1],
  ["norm", "bias", "constant", 0],
  ["rnn", "bias", "constant", 0],
  ["gru", "bias", "constant", 0],
];

/** Keras and tfjs with their misread fans; `std` is what their distribution leaves of a variance. */
function kerasRows(distribution: string, loss: number): readonly Row[] {
  const kernel = (layer: string, fanIn: number, fanOut: number): Row => {
    return [layer, "kernel", distribution, loss * glorot(fanIn, fanOut)];
  };
  return [
    ...SHARED,
    kernel("dense", 10, 6),
    kernel("conv", 36, 48), // the stride does not count
    kernel("grouped conv", 18, 108), // nor do groups in fan_out
    kernel("depthwise conv", 72, 18), // D15, D26: kernel [3, 3, 8, 2]
    kernel("transposed conv", 96, 128), // D16: kernel [4, 4, 6, 8]
    kernel("rnn", 10, 16),
    kernel("lstm", 10, 64), // all gates
    kernel("gru", 10, 48),
    kernel("separate attention", 24, 24),
    kernel("attention", 24, 24), // whose projections are kernels of their own there
    ["attention", "output", distribution, loss * glorot(24, 24)],
    ["rnn", "recurrent", "values", Math.sqrt(1 / 16)],
    ["lstm", "recurrent", "values", Math.sqrt(1 / 64)], // D17
    ["gru", "recurrent", "values", Math.sqrt(1 / 48)],
    ["embedding", "kernel", "uniform", 0.1 / Math.sqrt(12)],
    ["prelu", "slope", "constant", 0],
  ];
}

/** PyTorch's, for what is not timm's own. */
const TIMM: readonly Row[] = [
  ["dense", "kernel", "truncated_normal", 0.02],
  ["attention", "kernel", "truncated_normal", 0.02],
  ["attention", "output", "truncated_normal", 0.02],
  ["conv", "kernel", "truncated_normal", 1 / 6],
  ["grouped conv", "kernel", "truncated_normal", 1 / Math.sqrt(18)],
  ["dense", "bias", "constant", 0],
  ["attention", "bias", "constant", 0],
  ["conv", "bias", "constant", 0],
  ["norm", "gain", "constant", 1],
  ["norm", "bias", "constant", 0],
  ["prelu", "slope", "constant", 0.25],
  ["embedding", "kernel", "normal", 1],
  ["lstm", "kernel", "uniform", 1 / Math.sqrt(3 * 16)],
  ["lstm", "bias", "uniform", 1 / Math.sqrt(3 * 16)],
];

const JAX: readonly Row[] = [
  ...SHARED,
  ["dense", "kernel", "truncated_normal", 1 / Math.sqrt(10)],
  ["conv", "kernel", "truncated_normal", 1 / 6],
  ["grouped conv", "kernel", "truncated_normal", 1 / Math.sqrt(18)],
  ["depthwise conv", "kernel", "truncated_normal", 1 / 3],
  ["transposed conv", "kernel", "truncated_normal", 1 / Math.sqrt(128)], // the stride does not count
  ["lstm", "kernel", "truncated_normal", 1 / Math.sqrt(10)],
  ["lstm", "recurrent", "orthogonal", 1 / 4], // gate by gate
  ["lstm", "bias", "constant", 0],
  ["separate attention", "kernel", "truncated_normal", 1 / Math.sqrt(24)],
  ["embedding", "kernel", "normal", 1 / Math.sqrt(12)],
  ["prelu", "slope", "constant", 0.01],
];

const TABLE: Readonly<Record<Exclude<PresetName, "torch">, readonly Row[]>> = {
  keras: [
    ...kerasRows("uniform", 1),
    ["separable conv", "kernel", "uniform", glorot(72, 18)],
    ["separable conv", "pointwise", "uniform", glorot(16, 12)],
  ],
  tfjs: [
    ...kerasRows("truncated_normal", CUT), // D20
    ["lstm", "bias", "constant", 0], // D24
    // The one layer whose default is uniform.
    ["separable conv", "kernel", "uniform", glorot(72, 18)],
    ["separable conv", "pointwise", "uniform", glorot(16, 12)],
  ],
  jax: JAX,
  timm: TIMM,
};

describe.each(Object.entries(TABLE))("%s's defaults", (name, rows) => {
  test.each(rows)("%s %s: %s %f", (layer, part, distribution, value) => {
    const spec = ALL[layer]![part]!;
    const of = buggy(name as PresetName);
    const { draw: drawn, theory } = resolve(presetInitializer(of, spec), spec);
    const isConstant = distribution === "constant";
    // A recurrent kernel of one gate is orthogonal however it is read.
    const names = distribution === "values" ? ["values", "orthogonal"] : [distribution];
    expect(names).toContain(drawn.distribution);
    expect(theory.std).toBeCloseTo(isConstant ? 0 : value, 9);
    expect(theory.mean).toBeCloseTo(isConstant ? value : 0, 12);
  });
});

test("Keras's LSTM begins with its forget gate open", () => {
  const { bias } = LAYERS.lstm!;
  const values = draw(presetInitializer(buggy("keras"), bias!), bias!);
  expect([...values]).toEqual(Array.from({ length: 64 }, (_, i) => (i >= 16 && i < 32 ? 1 : 0)));
});

describe("a scheme asked for by name", () => {
  const spec = denseSpec(100, 50, RELU);
  const theory = (name: PresetName, text: string, of: ParamSpec = spec) =>
    resolve(presetScheme(buggy(name), text, of), of).theory;

  test.each([
    ["torch", "normal", 0, 1],
    ["timm", "normal_", 0, 1],
    ["keras", "random_normal", 0, 0.05],
    ["tfjs", "randomNormal", 0, 0.05],
    ["jax", "normal", 0, 0.01],
    ["torch", "uniform", 0.5, 1 / Math.sqrt(12)],
    ["timm", "uniform_", 0.5, 1 / Math.sqrt(12)],
    ["keras", "random_uniform", 0, 0.1 / Math.sqrt(12)],
    ["tfjs", "randomUniform", 0, 0.1 / Math.sqrt(12)],
    ["jax", "uniform", 0.005, 0.01 / Math.sqrt(12)],
    ["torch", "trunc_normal_", 0, CUT],
    ["timm", "trunc_normal_", 0, CUT],
    ["keras", "truncated_normal", 0, 0.05 * CUT],
    ["tfjs", "truncatedNormal", 0, 0.05 * CUT],
    ["jax", "truncated_normal", 0, 0.01 * CUT],
    ["timm", "lecun_normal_", 0, 0.1],
  ] as const)("%s: %s has mean %f and deviation %f", (name, text, mean, std) => {
    expect(theory(name, text).mean).toBeCloseTo(mean, 12);
    expect(theory(name, text).std).toBeCloseTo(std, 9);
  });

  test("what a library calls normal is truncated in Keras, tfjs, JAX's families and timm's LeCun", () => {
    const cut = (name: PresetName, text: string) =>
      resolve(presetScheme(preset(name), text, spec), spec).draw.distribution;
    for (const name of ["keras", "tfjs"] as const) {
      expect(cut(name, "variance_scaling:distribution=normal")).toBe("truncated_normal");
      expect(cut(name, "he_normal")).toBe("truncated_normal");
    }
    expect(cut("jax", "variance_scaling:distribution=normal")).toBe("normal");
    expect(cut("jax", "he_normal")).toBe("truncated_normal");
    expect(cut("timm", "lecun_normal")).toBe("truncated_normal");
    expect(cut("timm", "he_normal")).toBe("normal");
    expect(cut("torch", "he_normal")).toBe("normal");
  });

  test.each([
    ["torch", "lstm", "glorot_uniform", 6 / 74, 6 / 80],
    ["keras", "lstm", "glorot_uniform", 6 / 74, 6 / 80],
    ["tfjs", "lstm", "glorot_uniform", 6 / 74, 6 / 80],
    ["jax", "lstm", "glorot_uniform", 6 / 26, 6 / 32], // its gates are kernels of their own
  ] as const)("%s reads the fans of an %s's fused kernels", (name, layer, text, input, state) => {
    const { kernel, recurrent } = LAYERS[layer]!;
    expect(theory(name, text, kernel).high ** 2).toBeCloseTo(input, 12);
    expect(theory(name, text, recurrent).high ** 2).toBeCloseTo(state, 12);
  });

  test("an embedding's tokens count as a fan", () => {
    const embedding = embeddingSpec(100, 12);
    expect(theory("keras", "he_normal", embedding).std ** 2).toBeCloseTo(2 / 100, 9);
    expect(theory("jax", "he_normal", embedding).std ** 2).toBeCloseTo(2 / 100, 9);
    expect(theory("torch", "he_normal", embedding).std ** 2).toBeCloseTo(2 / 12, 12);
  });

  test("of a vector Keras takes its length for both fans, tfjs the root of it", () => {
    const bias = vectorSpec(spec, "bias", 50);
    expect(theory("keras", "lecun_uniform", bias).std ** 2).toBeCloseTo(1 / 50, 12);
    expect(theory("tfjs", "lecun_uniform", bias).std ** 2).toBeCloseTo(1 / Math.sqrt(50), 12);
  });

  test.each(["torch", "timm", "keras", "tfjs", "jax"] as const)(
    "%s: a factor multiplies whatever is drawn",
    (name) => {
      const lstm = LAYERS.lstm!.recurrent!;
      for (const of of [preset(name), buggy(name)]) {
        for (const [text, at] of [
          ["truncated_normal:std=0.5", spec],
          ["he_normal", spec],
          ["normal:std=0.3", spec],
          ["orthogonal", lstm],
          ["ones", spec],
          ["martens", spec],
          ["complex_variance_scaling:distribution=truncated_normal", spec],
        ] as const) {
          const rms = (like: string) => {
            const { mean, std } = resolve(presetScheme(of, like, at), at).theory;
            return Math.hypot(mean, std);
          };
          expect(rms(`${text} * 0.5`)).toBeCloseTo(rms(text) / 2, 12);
        }
      }
    },
  );

  test("delta_orthogonal has gain 1, whatever follows", () => {
    const conv = convSpec({ size: [3, 3], inputs: 4, outputs: 8, activation: RELU });
    for (const of of [preset("jax"), buggy("jax")]) {
      const values = draw(presetScheme(of, "delta_orthogonal", conv), conv);
      expect(values.reduce((sum, x) => sum + x * x, 0)).toBeCloseTo(4, 4);
    }
  });

  test("Keras's depthwise kernels are orthogonal as [window channels, multiplier]", () => {
    const { kernel } = LAYERS["depthwise conv"]!;
    const values = draw(presetScheme(buggy("keras"), "orthogonal", kernel!), kernel!);
    const column = (m: number) => values.filter((_, i) => i % 2 === m);
    const dot = (a: number, b: number) =>
      column(a).reduce((sum, x, i) => sum + x * column(b)[i]!, 0);
    expect(dot(0, 0)).toBeCloseTo(1, 5);
    expect(dot(1, 1)).toBeCloseTo(1, 5);
    expect(dot(0, 1)).toBeCloseTo(0, 5);
  });
});

test("every library's defects are described, and can be described again from their text", () => {
  for (const name of Object.keys(PRESETS) as PresetName[]) {
    for (const spec of Object.values(ALL).flatMap((parts) => Object.values(parts))) {
      const given = presetInitializer(buggy(name), spec);
      expect(initializer(given)).toEqual(given);
    }
  }
});
