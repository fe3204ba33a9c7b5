import { describe, expect, test } from "vitest";
import type { InitializerLike } from "../../src/init/initializer.ts";
import { describeInitializer, initializer, resolve, schemeOf } from "../../src/init/initializer.ts";
import { policy } from "../../src/init/policies/index.ts";
import {
  attentionSpecs,
  bilinearSpec,
  convSpec,
  convTransposeSpec,
  denseSpec,
  depthwiseSpec,
  fusedAttentionSpecs,
  locallyConnectedSpec,
  normSpecs,
  pixelShuffleSpec,
  recurrentSpecs,
  separableSpecs,
  vectorSpec,
} from "../../src/init/specs.ts";
import type { Initializer } from "../../src/init/types.ts";

const spec = denseSpec(4, 6);

describe("a text that says something else than it seems to is refused", () => {
  test.each([
    ["he_normal *", 'expected "scheme * factor", one number, got "he_normal *"'],
    ["he_normal*", 'expected "scheme * factor", one number, got "he_normal*"'],
    ["he_normal * 2 * 3", 'expected "scheme * factor", one number, got "he_normal * 2 * 3"'],
    ["he_normal * half", 'expected "scheme * factor", one number, got "he_normal * half"'],
    ["he_normal * -1", "expected a factor that is finite and not negative, got -1"],
    ["he_normal * 1e999", "expected a factor that is finite and not negative, got Infinity"],
    ["normal:std= ", 'expected normal:option=value, got "std= "'],
    ["normal:", 'expected normal:option=value, got ""'],
    ["normal: =2", 'expected normal:option=value, got " =2"'],
    ["normal:std=1,std=2", 'normal is given "std" twice, in "std=1,std=2"'],
    ["normal:std=1, std =2", 'normal is given "std" twice, in "std=1, std =2"'],
    ["", 'no scheme is called ""'],
  ])("%s: %s", (text, message) => {
    expect(() => initializer(text)).toThrow(RangeError);
    expect(() => initializer(text)).toThrow(`initializer: ${message}`);
  });

  test("so is one of a policy", () => {
    expect(() => policy("gpt2:std= ")).toThrow('policy: expected gpt2:option=value, got "std= "');
    expect(() => policy("gpt2:std=1,std=2")).toThrow('policy: gpt2 is given "std" twice');
  });
});

describe("a description that is none is refused, and the refusal says what to write", () => {
  const wanted =
    'expected the name of a scheme, "he_normal", or { scheme: "he_normal", options: {} }';
  test.each<[unknown, string]>([
    [undefined, `${wanted}, got undefined`],
    [null, `${wanted}, got null`],
    [{}, `${wanted}, got {}`],
    [3, `${wanted}, got 3`],
    [{ scheme: 3 }, `${wanted}, got {"scheme":3}`],
    [() => 0, `${wanted}, got a function`],
    [{ scheme: "normal", options: 3 }, "expected options { name: value }, got 3"],
    [{ scheme: "normal", options: null }, "expected options { name: value }, got null"],
  ])("%j", (like, message) => {
    expect(() => initializer(like as InitializerLike)).toThrow(TypeError);
    expect(() => initializer(like as InitializerLike)).toThrow(`initializer: ${message}`);
    expect(() => resolve(like as Initializer, spec)).toThrow(`initializer: ${message}`);
  });

  test("options beside the name are an object", () => {
    expect(() => initializer("normal", 3 as never)).toThrow(
      "initializer: expected options { name: value }, got 3",
    );
    expect(() => initializer("normal", [] as never)).toThrow(TypeError);
  });

  test("unknown keys are named", () => {
    const typo = { scheme: "normal", options: {}, factr: 2 };
    const message =
      'a description has scheme, options, factor, got "factr"; did you mean "factor"?';
    expect(() => initializer(typo)).toThrow(message);
    expect(() => resolve(typo, spec)).toThrow(message);
  });

  test("resolve reads no option that the scheme does not have, and no factor that is none", () => {
    const like = { scheme: "normal", options: { sdt: 1 } };
    expect(() => resolve(like, spec)).toThrow(
      'resolve: normal has no option "sdt"; it has mean, std',
    );
    const factor = (x: unknown) => ({ scheme: "normal", options: {}, factor: x as number });
    for (const x of [-1, Number.NaN, Infinity, "2"]) {
      expect(() => resolve(factor(x), spec)).toThrow("expected a factor that is finite");
    }
  });
});

describe("values that no 32-bit float holds are refused", () => {
  test.each([
    ["constant:value=1e39", "constant: value: expected a finite number, got 1e+39"],
    ["uniform:low=-1e308,high=1e308", "uniform: low: expected a finite number, got -1e+308"],
    ["uniform:low=-3e38,high=3e38", "uniform: expected values that a 32-bit float holds"],
    ["normal:std=3e38", "normal: expected values that a 32-bit float holds"],
    ["constant:value=1e38 * 10", "constant: expected values that a 32-bit float holds"],
    ["normal:std=inf", "normal: std: expected a finite number, got inf"],
  ])("%s: %s", (text, message) => {
    expect(() => resolve(initializer(text), spec)).toThrow(RangeError);
    expect(() => resolve(initializer(text), spec)).toThrow(message);
  });

  test("large ones that it holds are not", () => {
    expect(resolve(initializer("constant:value=3e38"), spec).theory.mean).toBe(3e38);
    expect(resolve(initializer("normal:std=1e37"), spec).theory.std).toBe(1e37);
  });
});

test("an option that the others leave unused is checked all the same", () => {
  expect(() => resolve(initializer("mup:base=0"), spec)).toThrow("mup: base: expected a positive");
  expect(() => resolve(initializer("siren:layer=first,omega0=0"), spec)).toThrow("siren: omega0");
});

describe("infinite bounds", () => {
  test("are words, which JSON can hold, from whatever spelling", () => {
    for (const low of [-Infinity, "-inf"]) {
      const like = initializer("truncated_normal", { low });
      expect(like.options).toEqual({ low: "-inf" });
      expect(initializer(JSON.parse(JSON.stringify(like)))).toEqual(like);
      expect(initializer(describeInitializer(like))).toEqual(like);
      expect(resolve({ scheme: "truncated_normal", options: { low } }, spec).theory.low).toBe(
        -Infinity,
      );
    }
    expect(initializer("truncated_normal:high=Infinity").options).toEqual({ high: "inf" });
  });
});

describe("a scheme is found under the names that people type", () => {
  test.each([
    [
      "glorot_uniform",
      ["glorot", "xavier", "GlorotUniformInitializer", "glorot_uniform_initializer"],
    ],
    ["he_normal", ["he", "kaiming", "msra", "MSRAPrelu", "HE_NORMAL"]],
    ["lecun_normal", ["lecun", "leCun", "le_cun_normal"]],
    ["mup", ["muP", "MuP"]],
    ["looks_linear", ["ll", "LL", "looksLinear"]],
    ["fan_geo_avg", ["fanGeoAvg"]],
    ["sobol_uniform", ["sobol"]],
    ["ntk", ["equalised_lr", "equalized_lr", "equalizedLR"]],
    ["sparse_bernoulli", ["bernoulli"]],
    ["orthogonal", ["OrthogonalInitializer", "orthogonal_initializer", "orthogonal_"]],
    ["embedding_normal", ["default_embed_init"]],
    ["vit_truncated_normal", ["init_weights_vit_timm"]],
    ["gpt2_normal", ["gpt2Normal", "Gpt2Normal", "GPT2Normal"]],
    ["gpt2_residual", ["Gpt2Residual", "gpt2CProj", "gpt2_c_proj"]],
    ["block_orthogonal", ["ConvolutionOrthogonal2D", "convolutionOrthogonal2d"]],
    ["zero_hadamard", ["ZerO"]],
    ["zeros", ["zero", "Zero", "ZERO"]],
  ])("%s: %j", (name, spellings) => {
    for (const spelling of spellings) expect(schemeOf(spelling).name).toBe(name);
  });
});

describe("a key that a spec does not know is refused", () => {
  const window = { size: [3, 3], inputs: 4 };
  test.each<[string, (extra: object) => unknown]>([
    ["convSpec", (extra) => convSpec({ ...window, outputs: 2, ...extra })],
    ["convTransposeSpec", (extra) => convTransposeSpec({ ...window, outputs: 2, ...extra })],
    ["depthwiseSpec", (extra) => depthwiseSpec({ ...window, ...extra })],
    ["separableSpecs", (extra) => separableSpecs({ ...window, outputs: 2, ...extra })],
    [
      "pixelShuffleSpec",
      (extra) => pixelShuffleSpec({ ...window, outputs: 2, factor: 2, ...extra }),
    ],
    [
      "locallyConnectedSpec",
      (extra) => locallyConnectedSpec({ ...window, positions: [2, 2], outputs: 2, ...extra }),
    ],
    ["bilinearSpec", (extra) => bilinearSpec({ left: 2, right: 3, outputs: 4, ...extra })],
    ["recurrentSpecs", (extra) => recurrentSpecs("lstm", { inputs: 2, units: 3, ...extra })],
    ["attentionSpecs", (extra) => attentionSpecs({ width: 4, heads: 2, ...extra })],
    ["fusedAttentionSpecs", (extra) => fusedAttentionSpecs({ width: 4, heads: 2, ...extra })],
  ])("%s", (where, make) => {
    expect(() => make({})).not.toThrow();
    expect(() => make({ strides: 2 })).toThrow(RangeError);
    expect(() => make({ strides: 2 })).toThrow(
      `${where}: there is no option "strides"; there are `,
    );
  });

  test("and the nearest one is proposed", () => {
    const typo = { ...window, outputs: 2, strides: 2 };
    expect(() => convSpec(typo)).toThrow('; did you mean "stride"?');
  });
});

describe("a scheme for kernels refuses what has no linear map", () => {
  const vectors = [
    vectorSpec(spec, "bias", 6),
    vectorSpec(spec, "slope", 1),
    normSpecs(5).gain,
    recurrentSpecs("lstm", { inputs: 2, units: 3 }).bias,
  ];
  test.each([
    ...["identity", "dirac", "partial_identity", "zero_hadamard", "hadamard", "dct"],
    ...["orthogonal", "scaled_orthogonal", "spectral_norm", "fused_orthogonal", "looks_linear"],
    ...["martens", "sparse_bernoulli", "sparse_erdos_renyi"],
  ])("%s, rather than fill it with zeros", (name) => {
    for (const of of vectors) {
      expect(() => resolve(initializer(name), of)).toThrow(
        `${name}: expected a kernel: a bias or a gain has no linear map, got ${of.layer} ${of.role}`,
      );
    }
  });
});

test.each([
  ["zeros_init", "zeros"],
  ["ones_init", "ones"],
  ["init_weights_vit_moco", "glorot_uniform"],
  ["init_weight_vit", "vit_truncated_normal"],
])("%s is %s", (alias, name) => {
  expect(schemeOf(alias).name).toBe(name);
});

test.each([
  ["fixup", 'Network.create({ policy: "fixup", … })'],
  ["tFixup", 'Network.create({ policy: "t_fixup", … })'],
  ["lsuv", 'lsuv(network, …) of "headstart"'],
  ["loadWeights", 'loadWeights(network, …) of "headstart"'],
  ["init_weights_vit_jax", "glorot_uniform for dense kernels"],
  ["init_weight_jax", "glorot_uniform for dense kernels"],
])("%s as a scheme is refused with the way to use it", (name, how) => {
  expect(() => initializer(name)).toThrow(RangeError);
  expect(() => initializer(name)).toThrow(how);
});
