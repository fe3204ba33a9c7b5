import * as fs from "node:fs";
import { describe, expect, test } from "vitest";
import { PRETRAINED, PROCEDURES } from "../../src/init/beyond.ts";
import { POLICIES } from "../../src/init/policies/index.ts";
import { SCHEMES } from "../../src/init/schemes/index.ts";

type Place = readonly [file: string, title: string];

const TABLE: Place = [
  "init/realised-variance",
  "outputs have the variance that its theory gives the layer",
];
const LAW: Place = ["init/schemes", "[%d, %d]: mean, variance and support are those of its theory"];
const FIXED: Place = [
  "init/fixed-scale",
  "BERT's 0.02 loses a part of its variance, ViT's does not, GPT-2's residual is divided by sqrt(2 depth)",
];
const ORTHONORMAL: Place = ["init/new-families", "[%d]: W'W is I"];

/** The test that holds a scheme to what its row calls `property`. */
const PROPERTY_TESTS: Readonly<Record<string, Place>> = {
  zeros: LAW,
  ones: LAW,
  constant: LAW,
  identity: ["init/constants", "identity is gain I in every gate"],
  dirac: ["init/constants", "a convolution by dirac or identity returns its input"],
  partial_identity: ["init/constants", "partial_identity"],
  zero_hadamard: ["init/constants", "is an isometry where it widens to a power of two"],
  hadamard: ["init/constants", "leaves no input and no output out"],
  dct: ["init/constants", "leaves no input and no output out"],
  dft: ["init/new-families", "[%d, %d]: the shorter side is orthonormal times gain"],
  haar_wavelet: ["init/new-families", "[%d, %d]: the shorter side is orthonormal times gain"],
  uniform: LAW,
  normal: LAW,
  truncated_normal: [
    "init/fixed-scale",
    "%s: drawn values have the mean, the deviation and the law of the theory",
  ],
  bert_truncated_normal: FIXED,
  vit_truncated_normal: FIXED,
  gpt2_normal: FIXED,
  gpt2_residual: FIXED,
  laplace: ["init/fixed-scale", "laplace has its law, its kurtosis and its mean"],
  rademacher: [
    "init/fixed-scale",
    "rademacher has two values, each half of the time, and its mean square exactly",
  ],
  antithetic: ["init/fixed-scale", "[%d, %d]: values cancel in pairs, but one of an odd number"],
  moment_matched: ["init/fixed-scale", "[%d, %d]: mean and variance are exact to 1e-6"],
  log_normal: [
    "init/new-families",
    "log_normal: logarithms are N(mu, s^2) with the weights' mean and deviation",
  ],
  student_t: ["init/new-families", "student_t: its law, of 3 degrees in closed form"],
  ternary: ["init/new-families", "ternary: three values, in their shares"],
  small_random: LAW,
  standard_normal: LAW,
  sobol_uniform: [
    "init/quasi-random",
    "[%d, %d]: each unit has one weight in each of as many cells",
  ],
  sobol_normal: ["init/quasi-random", "sobol_normal has the normal law in each unit"],
  halton_uniform: [
    "init/quasi-random",
    "halton_uniform: a unit's mean over %d inputs misses by less than 10 / n",
  ],
  halton_normal: [
    "init/quasi-random",
    "[%d, %d]: columns are no more correlated than independent ones",
  ],
  sobol_orthogonal: ["init/new-families", "[%d, %d]: the shorter side is orthonormal times gain"],
  ...Object.fromEntries(
    ["variance_scaling", "glorot", "he", "lecun"].flatMap((family) =>
      (family === "variance_scaling" ? [""] : ["_uniform", "_normal"]).map((suffix) => [
        `${family}${suffix}`,
        TABLE,
      ]),
    ),
  ),
  fan_geo_avg: [
    "init/new-families",
    "fan_geo_avg: outputs and gradients miss 1 by the same factor, in opposite senses",
  ],
  embedding_normal: [
    "init/new-families",
    "embedding_normal: the mean square length of a row is scale",
  ],
  kumar: [
    "init/variance-scaling",
    "as the paper gives it: 12.8 / n for sigmoid, 1 / n for tanh, 2 / n for relu",
  ],
  torch_default: ["init/variance-scaling", "of Linear: U(+-1 / sqrt(fan_in)), kernel and bias"],
  rnn_default: [
    "init/variance-scaling",
    "of LSTM: U(+-1 / sqrt(H)), whatever the inputs and gates",
  ],
  siren: [
    "init/variance-scaling",
    "omega0 Wx is N(0, 1) for arcsine x, then settles at v = 1 - exp(-2v)",
  ],
  looks_linear: ["init/variance-scaling", "a relu network is linear and an isometry, by %s"],
  mup: [
    "init/variance-scaling",
    "mup: doubling fan_in halves the variance of hidden layers and quarters that of the output's",
  ],
  ntk: ["init/variance-scaling", "ntk times 1 / sqrt(fan_in) is LeCun's normal"],
  weight_norm_resnet: [
    "init/new-families",
    "weight_norm_resnet: gain sqrt(fan_in / fan_out) / sqrt(blocks), exactly",
  ],
  nguyen_widrow: ["init/new-families", "nguyen_widrow: beta H^(1 / n), and biases within it"],
  depth_scaled: [
    "init/variance-scaling",
    "depth_scaled: 2 depth branches have the variance of one without it",
  ],
  small_init: [
    "init/variance-scaling",
    "small_init and wang take the model's width, the lesser side of a transformer's kernels",
  ],
  wang: [
    "init/variance-scaling",
    "small_init and wang take the model's width, the lesser side of a transformer's kernels",
  ],
  complex_variance_scaling: ["init/complex", "%s: E|w|^2 is scale / n and its support is the disk"],
  quaternion_variance_scaling: [
    "init/new-families",
    "quaternion_variance_scaling: E|w|^2 is scale / n, half of it real, the rest even among i, j, k",
  ],
  orthogonal: ["init/realised-variance", "$name: the shorter side of every map is orthonormal"],
  scaled_orthogonal: ["init/orthogonal", "[%d, %d]: all singular values are %d times the gain"],
  delta_orthogonal: [
    "init/orthogonal",
    "$name: the norm of every output is gain times its input's",
  ],
  block_orthogonal: [
    "init/orthogonal",
    "$name: the norm of every output is gain times its input's",
  ],
  spectral_radius: ["init/orthogonal", "%s: the greatest eigenvalue's modulus is %d"],
  spectral_norm: ["init/orthogonal", "[%d, %d]: the greatest singular value is sigma"],
  fused_orthogonal: [
    "init/realised-variance",
    "an LSTM's recurrent kernel has singular values 1 in each gate, not 0.446 as when taken whole",
  ],
  cyclic: ["init/new-families", "cyclic of %d: its n-th power is gain^n I, no lesser one is"],
  permutation: [
    "init/new-families",
    "permutation has one weight in each row and column, and is not always the same",
  ],
  cayley: ORTHONORMAL,
  householder: ORTHONORMAL,
  unitary: ["init/new-families", "unitary is orthogonal and commutes with multiplication by i"],
  torch_sparse: ["init/presets", "D8: sparse_ counts the zeros of each input, with deviation 0.01"],
  martens: ["init/sparse", "%s: exactly k non-zero incoming weights for each unit of each map"],
  sparse_bernoulli: ["init/sparse", "of density %d has it, and variance scale / fan_in"],
  sparse_erdos_renyi: [
    "init/sparse",
    "%s: density epsilon (n_in + n_out + windows) / (their products), at most 1",
  ],
  irnn: ["init/recurrent", "a hundred steps of relu without input leave a state as it is"],
  np_rnn: ["init/recurrent", "[%d, n]: symmetric and positive definite, the greatest eigenvalue 1"],
  forget_bias: ["init/recurrent", "is its value in the forget gate and 0 elsewhere"],
  chrono: ["init/recurrent", "exp of the forget biases is uniform on [1, t_max - 1], t_max = %d"],
  small_positive: ["init/biases", "small_positive is its value, which must be above 0"],
  log_prior: ["init/biases", "softmax gives the shares back, from shares or counts"],
  carry_bias: ["init/biases", "carry_bias is its value, which must be below 0"],
  focal_prior: ["init/biases", "sigmoid of the bias is pi = %d"],
  icnr: ["init/structured", "in the order of %s the shuffled output is constant on r x r blocks"],
  bilinear: ["init/structured", "a window of %d with stride %d upsamples a ramp to a ramp inside"],
  mimetic: ["init/structured", "V P is alpha G / sqrt(d) - beta I, though they are two parameters"],
  gabor: ["init/new-families", "gabor: an output answers its own grating most"],
  stft: [
    "init/new-families",
    "stft: a wave of o periods comes out of output o with half the window's sum",
  ],
};

const IDENTITY: Place = [
  "init/policies",
  "a block is the identity at the start, and its Jacobian is I",
];

const POLICY_TESTS: Readonly<Record<string, Place>> = {
  ...Object.fromEntries(["zero_last", "skip_init", "rezero"].map((name) => [name, IDENTITY])),
  layer_scale: ["init/policies", "skip_init and layer_scale set the values they say"],
  fixup: [
    "init/policies",
    "fixup: He x L^(-1/4) inside branches of three layers, 0 at their end and in the head",
  ],
  branch_sqrt_depth: ["init/policies", "is bounded by e under branch_sqrt_depth, %d blocks"],
  gpt2: [
    "init/policies",
    "gpt2: 0.02, and 0.02 / sqrt(N) for the projections onto the residual stream",
  ],
  t_fixup: ["init/policies", "t_fixup and deep_norm: Glorot's times the factor of their part"],
  deep_norm: ["init/policies", "t_fixup and deep_norm: Glorot's times the factor of their part"],
  sub_ln: ["init/policies", "sub_ln: Glorot's times sqrt(log 2L), or sqrt(log 3L) in a decoder"],
  fix_init: [
    "init/policies",
    "fix_init: the last kernel of each branch of layer i divided by sqrt(2 i), nothing else",
  ],
};

const procedures = (title: string): Place => ["network/procedures", title];
const pretrained = (title: string): Place => ["network/pretrained", title];

const BEYOND_TESTS: Readonly<Record<string, Place>> = {
  lsuv: procedures("a second run is a no-op"),
  krahenbuhl: procedures("relative gradients are equal, outputs stay, channels keep mean 0"),
  weightNormInit: procedures("every channel has mean 0 and variance 1, from x %d"),
  calibrateBias: procedures("units are active on %d of the batch"),
  metaInit: procedures(
    "the gradient quotient falls to a tenth and less from He %s, by norms alone",
  ),
  gradInit: procedures("a gradient that is too long is shortened first"),
  shrinkPerturb: procedures("shrinks every weight and adds noise of the given deviation"),
  loadWeights: pretrained("a saved network's weights, all of them"),
  selectWeights: pretrained("equals the larger network when it is as large"),
  widenFrom: pretrained("widenFrom"),
};

describe.each([
  ["schemes", SCHEMES, PROPERTY_TESTS],
  ["policies", POLICIES, POLICY_TESTS],
  ["procedures and pretrained weights", [...PROCEDURES, ...PRETRAINED], BEYOND_TESTS],
] as const)("%s", (_, rows, tests) => {
  test.each(rows.map(({ name }) => name))(
    "%s has a property, and a test that holds it to it",
    (name) => {
      expect(rows.find((row) => row.name === name)?.property).not.toBe("");
      const [file, title] =
        tests[name] ?? expect.fail(`no test is named for the property of ${name}`);
      const text = fs.readFileSync(`tests/${file}.test.ts`, "utf8");
      // As the argument of test, describe or one of their tables, on a line of its own or behind the call.
      const quoted = title.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
      expect(text).toMatch(new RegExp(`(^\\s*|[(])["'\`]${quoted}["'\`],`, "m"));
    },
  );

  test("no test is named for what is not there", () => {
    const names = new Set(rows.map(({ name }) => name));
    expect(Object.keys(tests).filter((name) => !names.has(name))).toEqual([]);
  });
});
