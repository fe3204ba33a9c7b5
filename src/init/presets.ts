import type { Draw } from "./draw.ts";
import { theoryOf, truncatedMoments } from "./draw.ts";
import type { InitializerLike } from "./initializer.ts";
import { initializer, resolve, schemeOf } from "./initializer.ts";
import { scaled } from "./scaled.ts";
import { complexTruncatedStd } from "./truncated.ts";
import type { ActivationSpec, Initializer, ParamSpec } from "./types.ts";
import { size } from "./values.ts";

/** The libraries whose defaults are known; versions as in `PRESETS`. */
export type PresetName = "torch" | "keras" | "tfjs" | "jax" | "timm";

export interface PresetOptions {
  /**
   * Also reproduce what the library gets wrong: fans misread from shapes, truncated normals that lose variance, recurrent kernels that are
   * orthogonal only as a whole. Default false: the scheme the library means, applied to the true fans.
   */
  readonly bugCompatible?: boolean;
  /** jax only: Flax's `ConvTranspose(transpose_kernel=True)`, whose kernel has its channels swapped. Default false. */
  readonly transposeKernel?: boolean;
}

/** A library's way to initialise. */
export interface Preset extends Required<PresetOptions> {
  readonly name: PresetName;
}

/** A preset, or the name of one: without the library's defects. */
export type PresetLike = PresetName | (PresetOptions & { readonly name: PresetName });

/** The library a preset stands for, with the version it was read and run in. */
export const PRESETS: Readonly<Record<PresetName, string>> = {
  torch: "PyTorch 2.13",
  keras: "Keras 3.15",
  tfjs: "TensorFlow.js 4.22",
  jax: "Flax 0.12 on JAX 0.10",
  timm: "timm 1.0 (ViT, and PyTorch where that has no such layer)",
};

export function isPresetName(text: string): text is PresetName {
  return Object.hasOwn(PRESETS, text);
}

/** The preset of a library. Throws a `RangeError` that lists them. */
export function preset(like: PresetLike, options: PresetOptions = {}): Preset {
  const { name, ...own } = typeof like === "string" ? { name: like } : like;
  const { bugCompatible = false, transposeKernel = false } = { ...own, ...options };
  if (!isPresetName(name)) {
    throw new RangeError(
      `preset: expected one of ${Object.keys(PRESETS).join(", ")}, got "${String(name)}"`,
    );
  }
  return { name, bugCompatible, transposeKernel };
}

/** What the library's layer gives a parameter when nothing is said. */
export function presetInitializer(of: Preset, spec: ParamSpec): Initializer {
  const text = DEFAULTS[of.name](spec, of);
  return typeof text === "string" ? presetScheme(of, text, spec) : text;
}

/**
 * What the library makes of a scheme it is asked for by name: `he_normal` is a truncated normal in Keras, tfjs and JAX; with
 * `bugCompatible` the fans are those the library reads off the shape. A factor stays.
 */
export function presetScheme(of: Preset, like: InitializerLike, spec: ParamSpec): Initializer {
  const { scheme, options, factor } = initializer(like);
  const asked = { scheme, options };
  const drawn = of.bugCompatible ? withDefects(of, asked, spec) : inDialect(of, asked);
  return factor === undefined ? drawn : scaled(drawn, factor);
}

/** The scheme with the library's default arguments. */
function inDialect({ name }: Preset, asked: Initializer, options = asked.options): Initializer {
  // In Keras and tfjs "normal" is the truncated one (D18).
  const isCut = isKerasLike(name) && options.distribution === "normal";
  return initializer(asked.scheme, {
    // No library looks at the activation that follows.
    ...(/^(delta_)?orthogonal$/.test(asked.scheme) ? { gain: 1 } : {}),
    ...DIALECTS[name](asked),
    ...options,
    ...(isCut && asked.scheme === "variance_scaling" ? { distribution: "truncated_normal" } : {}),
  });
}

function withDefects(of: Preset, asked: Initializer, spec: ParamSpec): Initializer {
  const dialect = inDialect(of, asked, optionsRead(of, asked, spec));
  const { family, defaults } = schemeOf(asked.scheme);
  if (asked.scheme === "complex_variance_scaling") {
    const isCut = asked.options.distribution === "truncated_normal";
    return of.name === "jax" && isCut ? scaled(dialect, JAX_COMPLEX) : dialect; // D28
  }
  if ((family === "variance scaling" && "mode" in defaults) || asked.scheme === TORCH) {
    const { draw } = resolve(dialect, { ...spec, ...misreadFans(of, spec) });
    return frozen(of.name === "tfjs" ? uncorrected(draw) : draw, spec); // D20
  }
  switch (asked.scheme) {
    case "orthogonal": {
      const columns = orthogonalColumns(of, spec);
      if (columns === undefined) return dialect;
      return initializer("fused_orthogonal", { gain: numeric(dialect.options.gain, 1), columns }); // D17
    }
    case "truncated_normal":
      // D2: no library makes good what is cut off, and PyTorch's bounds are absolute.
      return initializer(asked.scheme, {
        correct: "off",
        ...(isTorchLike(of.name) ? { boundsIn: "absolute" } : {}),
        ...dialect.options,
      });
    case "martens": {
      if (!isTorchLike(of.name) || spec.shape.length !== 2) return dialect;
      // D8: sparse_ counts the zeros of each input; the share of zeros is that which was asked for.
      const k = numeric(dialect.options.k, schemeOf(asked.scheme).defaults.k as number);
      const sparsity = Math.max(0, 1 - k / spec.fanIn);
      return initializer("torch_sparse", { sparsity, std: dialect.options.std! });
    }
    default:
      return dialect;
  }
}

/** PyTorch's `calculate_gain`: 5/3 for tanh and 3/4 for selu are empirical, and most activations have none (D9). */
export function torchGain({ name, alpha }: ActivationSpec): number {
  switch (name) {
    case "linear":
    case "sigmoid":
      return 1;
    case "tanh":
      return 5 / 3;
    case "relu":
      return Math.SQRT2;
    case "leaky_relu":
      return Math.sqrt(2 / (1 + alpha * alpha));
    case "selu":
      return 3 / 4;
    default:
      throw new RangeError(`torchGain: PyTorch has no gain for "${name}"`);
  }
}

const TORCH = "torch_default"; // D1
const TORCH_RECURRENT = "rnn_default";
const TRUNCATED_LECUN = "lecun_normal";

type Default = (spec: ParamSpec, of: Preset) => string | Initializer;

const DEFAULTS: Readonly<Record<PresetName, Default>> = {
  torch: torchDefault,
  keras: (spec) => kerasLike(spec, { kernel: "glorot_uniform", forgetBias: 1 }),
  tfjs: (spec) => {
    const isUniform = spec.layer === "separable_conv"; // of all its layers this one
    const kernel = isUniform ? "glorot_uniform" : "glorot_normal";
    return kerasLike(spec, { kernel, forgetBias: 0 }); // D24, D25
  },
  jax: (spec) => {
    if (spec.role === "embedding") return "variance_scaling:mode=fan_out,distribution=normal";
    return plain(spec, { kernel: TRUNCATED_LECUN, slope: 0.01 });
  },
  timm: (spec, of) => {
    if (spec.role === "kernel" && /^(dense|attention)$/.test(spec.layer)) {
      return of.bugCompatible ? "vit_truncated_normal" : "truncated_normal:std=0.02";
    }
    if (spec.role === "kernel" && /conv/.test(spec.layer)) return TRUNCATED_LECUN;
    if (spec.role === "bias" && /^(dense|attention)$|conv/.test(spec.layer)) return "zeros";
    return torchDefault(spec, of);
  },
};

function torchDefault(spec: ParamSpec, of: Preset): string | Initializer {
  const { layer, role, parts } = spec;
  if (/rnn|lstm|gru/.test(layer)) return TORCH_RECURRENT; // D11: the biases too
  if (role === "embedding") return "standard_normal"; // D12
  if (layer === "attention") {
    if (role === "bias") return "zeros";
    return parts?.join() === "output" ? TORCH : "glorot_uniform";
  }
  if (role === "bias" && layer !== "norm") {
    // With the kernel's bound, which has the fan that PyTorch reads off the kernel (D4).
    const kernel = spec.kernel ?? spec;
    return of.bugCompatible ? frozen(resolve(torchKernel(of, kernel), kernel).draw, spec) : TORCH;
  }
  if (role === "kernel" && layer === "bilinear") return torchKernel(of, spec);
  return plain(spec, { kernel: TORCH, slope: 0.25 });
}

/** U[-1, 1) / sqrt(fan_in); Bilinear takes its first input alone for fan_in. */
function torchKernel(of: Preset, spec: ParamSpec): Initializer {
  if (!of.bugCompatible || spec.layer !== "bilinear") return presetScheme(of, TORCH, spec);
  return frozen(resolve(initializer(TORCH), { ...spec, fanIn: spec.shape[0]! }).draw, spec);
}

function kerasLike(
  spec: ParamSpec,
  { kernel, forgetBias }: { readonly kernel: string; readonly forgetBias: 0 | 1 },
): string | Initializer {
  if (spec.role === "embedding") return "uniform:low=-0.05,high=0.05";
  if (spec.role === "bias" && spec.layer === "lstm" && forgetBias === 1) return FORGET_BIAS;
  return plain(spec, { kernel, slope: 0 });
}

/** Zero biases, gains of 1, orthogonal recurrent kernels. */
function plain(
  { role }: ParamSpec,
  { kernel, slope }: { readonly kernel: string; readonly slope: number },
): string {
  switch (role) {
    case "bias":
      return "zeros";
    case "gain":
      return "ones";
    case "slope":
      return `constant:value=${slope}`;
    case "recurrent":
      return "orthogonal:gain=1";
    default:
      return kernel;
  }
}

/** JAX divides by 0.9531… where the complex law cut at 2 has a root mean square of 0.9619…. */
const JAX_COMPLEX = complexTruncatedStd(2) / 0.9531116438049121;

const FORGET_BIAS = "unit_forget_bias";

/** How a library's spelling of a scheme differs from ours when it is given no more than the name. */
const DIALECTS: Readonly<Record<PresetName, (asked: Initializer) => Initializer["options"]>> = {
  torch: torchDialect,
  keras: truncatedNormals, // D18: "normal" means truncated
  tfjs: truncatedNormals,
  jax: (asked) => {
    if (asked.scheme === "uniform") return { low: 0, high: 0.01 }; // D29: one-sided
    if (/^(truncated_)?normal$/.test(asked.scheme)) return { std: 0.01 };
    return truncatedNormals(asked);
  },
  timm: (asked) => (/^lecun/.test(asked.scheme) ? truncatedNormals(asked) : torchDialect(asked)),
};

function torchDialect({ scheme }: Initializer): Initializer["options"] {
  if (scheme === "uniform") return { low: 0, high: 1 };
  if (/^(truncated_)?normal$/.test(scheme)) return { std: 1 };
  if (scheme === "martens") return { std: 0.01 };
  return scheme === "dirac" ? { centre: "ceil" } : {}; // D14: dirac_ takes k // 2
}

function truncatedNormals({ scheme }: Initializer): Initializer["options"] {
  return /^(he|glorot|lecun)_normal$/.test(scheme) ? { distribution: "truncated_normal" } : {};
}

const isKerasLike = (name: PresetName): boolean => name === "keras" || name === "tfjs";
const isTorchLike = (name: PresetName): boolean => name === "torch" || name === "timm";

/** Whether the library has the gates or projections in one kernel: Flax has none so, Keras and tfjs have queries and keys apart. */
function fuses(name: PresetName, { layer, parts = [], maps }: ParamSpec): boolean {
  if (parts.length < 2 || maps.length < 2) return false;
  return isTorchLike(name) || (isKerasLike(name) && layer !== "attention");
}

/** The `columns` of fused_orthogonal for what the library makes orthogonal as one matrix; undefined where that is each linear map. */
function orthogonalColumns(of: Preset, spec: ParamSpec): number | string | undefined {
  const { maps, window, layer } = spec;
  if (layer === "conv_transpose") {
    return of.name === "jax" && !of.transposeKernel ? "auto" : "taps"; // kernel [in, out / groups, …] or […, out, in]
  }
  if (maps.length < 2) return undefined;
  if (window === undefined) return fuses(of.name, spec) ? "auto" : undefined;
  const isDepthwise = isKerasLike(of.name) && /depthwise|separable/.test(layer);
  return isDepthwise ? maps[0]!.outputs : "auto"; // [positions channels, multiplier]
}

/** The fans that a library reads off the shape of a parameter. */
export function misreadFans(
  of: Preset,
  spec: ParamSpec,
): { readonly fanIn: number; readonly fanOut: number } {
  const { fanIn, fanOut, shape, maps, window, layer, role } = spec;
  const isKeras = isKerasLike(of.name);
  const isTorch = isTorchLike(of.name);
  if (isKeras && /^(bias|gain|slope)$/.test(role)) {
    const fan = of.name === "keras" ? size(shape) : Math.sqrt(size(shape));
    return { fanIn: fan, fanOut: fan };
  }
  if (role === "embedding") {
    const [tokens = 1, width = 1] = shape;
    return isTorch ? { fanIn: width, fanOut: tokens } : { fanIn: tokens, fanOut: width };
  }
  if (layer === "bilinear" && isTorch) {
    const [, right = 1, outputs = 1] = shape; // kernel [outputs, left, right]
    return { fanIn, fanOut: outputs * right };
  }
  if (window === undefined) {
    // D6: all gates or projections count as outputs of one map.
    return { fanIn, fanOut: fuses(of.name, spec) ? fanOut * maps.length : fanOut };
  }
  const positions = size(window.size);
  const stride = size(window.stride);
  const out = shape.at(-1) ?? 1;
  if (layer === "conv_transpose") {
    const outs = fanOut / positions; // of a group
    const ins = (fanIn * stride * out) / outs / positions; // of all groups
    const swapped = { fanIn: outs * positions, fanOut: ins * positions };
    if (isTorch) return swapped; // D4: kernel [in, out / groups, …]
    if (isKeras || of.transposeKernel) return { fanIn: out * positions, fanOut: ins * positions }; // D16, D30
    return { fanIn: ins * positions, fanOut: out * positions };
  }
  const isDepthwise = /depthwise|separable/.test(layer) && maps.length > 1;
  if (isKeras && isDepthwise) {
    // D15, D26: kernel [size…, channels, multiplier]
    return { fanIn: maps.length * positions, fanOut: (out / maps.length) * positions };
  }
  return { fanIn, fanOut: out * positions }; // D5: the groups do not count, nor does the stride
}

/** tfjs: the truncation's loss of variance is not made good. */
function uncorrected(draw: Draw): Draw {
  if (draw.distribution !== "truncated_normal") return draw;
  return { ...draw, sigma: draw.sigma * truncatedMoments(draw.low, draw.high).std };
}

const OF_FIXED_SCALE = /^(uniform|(truncated_)?normal)$/;

/** The options that a library heeds, of those it is given. */
function optionsRead(
  { name }: Preset,
  { scheme, options }: Initializer,
  { activation }: ParamSpec,
): Initializer["options"] {
  const only = (isRead: (key: string, value: number | string) => boolean) =>
    Object.fromEntries(Object.entries(options).filter(([key, value]) => isRead(key, value)));
  // D22: `||` replaces an argument that is 0 by its default.
  if (name === "tfjs" && OF_FIXED_SCALE.test(scheme)) return only((_, value) => value !== 0);
  // D10: `a` is read when the nonlinearity is called leaky_relu, and otherwise ignored in silence.
  const ignoresSlope = isTorchLike(name) && activation.name !== "leaky_relu";
  return ignoresSlope && /^he_/.test(scheme) ? only((key) => key !== "slope") : options;
}

/** A draw as a description of its numbers, which no spec changes. */
function frozen(draw: Draw, spec: ParamSpec): Initializer {
  switch (draw.distribution) {
    case "constant":
      return initializer("constant", { value: draw.value });
    case "uniform":
      return initializer("uniform", { low: draw.low, high: draw.high });
    case "normal":
      return initializer("normal", { mean: draw.mean, std: draw.std });
    case "truncated_normal": {
      const { mean: exact, std } = theoryOf(draw, spec);
      // Symmetric bounds leave a mean of 0 but for rounding.
      const mean = Math.abs(exact) < 1e-12 * std ? 0 : exact;
      return initializer("truncated_normal", { mean, std, low: draw.low, high: draw.high });
    }
    default:
      throw new TypeError(`presetScheme: "${draw.distribution}" is no law of single values`);
  }
}

function numeric(value: number | string | undefined, otherwise: number): number {
  return typeof value === "number" ? value : otherwise;
}
