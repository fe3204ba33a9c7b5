import { gain } from "../init/gains.ts";
import { describeInitializer, resolve } from "../init/initializer.ts";
import { rowOf } from "../init/maps.ts";
import { verify } from "../init/verify.ts";
import type { Network } from "../network/network.ts";
import { suited } from "./recommend.ts";
import type { Structure } from "./structure.ts";
import { structureOf } from "./structure.ts";

/** Something in a network's initial values that will hurt its training. */
export interface Finding {
  readonly rule: RuleName;
  /** The parameter it was found at. */
  readonly parameter: string;
  /** What is wrong, in numbers. */
  readonly message: string;
  /** What to do. */
  readonly mend: string;
}

/** Every rule and what it finds. Names are stable: programs may select by them. */
export const RULES = {
  "activation-scheme-mismatch":
    "the weights' variance does not suit the activation: the signal shrinks or grows with each layer",
  "framework-default-deep-relu":
    "a library's default (U[±1/sqrt(fan_in)), Glorot, LeCun) in a deep network of rectifiers",
  "selu-gain": "selu with another variance than 1 / fan_in: it does not normalise itself",
  "sigmoid-glorot-deep": "a deep network of sigmoids whose weights are too small for them",
  "gelu-deep-no-norm":
    "gelu, silu, mish or hard_swish in depth without normalisation or residuals: no gain holds the signal",
  "standard-normal": "weights whose deviation ignores the fan",
  "symmetric-hidden": "hidden units that start equal and stay equal",
  "residual-no-depth-scaling":
    "many residual blocks whose branches are not scaled down: the signal doubles with each",
  "forget-bias-zero": "an LSTM whose forget gate starts half closed",
  "identical-parameters": "two parameters with the same random values",
  "not-finite": "a value that is NaN or infinite",
} as const;

export type RuleName = keyof typeof RULES;

/** Parameters with their places and present values. */
export interface Subject extends Omit<Structure, "parameters"> {
  readonly parameters: readonly LintParameter[];
}

export type LintParameter = Structure["parameters"][number] & { readonly values: Float32Array };

/** Layers from which a factor a layer has become the network's fate: (1/2)^8 is 0.4 %. */
const DEEP_RELU = 8;
/** Glorot's sigmoid layers hand on about a sixteenth of a gradient's second moment: (1/16)^4 is 1.5e-5. */
const DEEP_SIGMOID = 5;
/** With He, ten gelu layers leave 0.33 of the second moment and thirty 0.004; with the exact gain it grows 3.9 and 96 times. */
const DEEP_SMOOTH = 10;

/** What is wrong with a network's initial values, in the order of its parameters. Nothing is trained and nothing changed. */
export function lint(network: Network): readonly Finding[] {
  const { parameters, ...shape } = structureOf(network);
  const valued = parameters.map((p) => ({ ...p, values: network.weights(p.name) }));
  return lintSubject({ ...shape, parameters: valued });
}

/** `lint` of parameters that need not be a network's. */
export function lintSubject(subject: Subject): readonly Finding[] {
  const findings = subject.parameters.flatMap((parameter) => {
    const broken = notFinite(parameter);
    if (broken.length > 0) return broken;
    if (parameter.spec.role === "bias") return forgetBias(parameter);
    if (parameter.spec.role !== "kernel") return [];
    const symmetric = symmetricHidden(parameter);
    return symmetric.length > 0 ? symmetric : variance(parameter, subject);
  });
  return [...findings, ...smoothDepth(subject), ...residualDepth(subject), ...identical(subject)];
}

function notFinite({ name, values }: LintParameter): readonly Finding[] {
  const at = values.findIndex((x) => !Number.isFinite(x));
  if (at < 0) return [];
  return [
    {
      rule: "not-finite",
      parameter: name,
      message: `value ${at} is ${values[at]}`,
      mend: "draw the parameter again; training diverged, or a file is damaged",
    },
  ];
}

function forgetBias({ name, spec, values }: LintParameter): readonly Finding[] {
  if (!/lstm/.test(spec.layer)) return [];
  const gate = spec.parts?.findIndex((part) => /forget/.test(part)) ?? -1;
  const width = gate < 0 ? values.length : values.length / spec.parts!.length;
  const part = values.subarray(Math.max(gate, 0) * width, (Math.max(gate, 0) + 1) * width);
  if (part.some((x) => x !== 0)) return [];
  return [
    {
      rule: "forget-bias-zero",
      parameter: name,
      message:
        "the forget gate starts at sigmoid(0) = 0.5: a state halves with every step, and 50 steps leave 1e-15 of a gradient",
      mend: "start the forget gate's bias at 1 (Jozefowicz et al. 2015), or spread it with chrono initialisation",
    },
  ];
}

function symmetricHidden({ name, spec, place, values }: LintParameter): readonly Finding[] {
  if (place.isOutput) return [];
  const isZero = values.every((x) => x === 0);
  if (isZero && place.endsBranch) return []; // the branch starts as nothing, which is a scheme
  const isSymmetric =
    spec.maps.length > 0 &&
    spec.maps.every((map) => {
      const { inputs, outputs, outputStride } = map;
      if (outputs < 2 && !isZero) return false;
      for (let i = 0; i < inputs; i++) {
        const at = rowOf(map, i);
        for (let o = 1; o < outputs; o++) {
          if (values[at + o * outputStride] !== values[at]) return false;
        }
      }
      return true;
    });
  if (!isSymmetric) return [];
  return [
    {
      rule: "symmetric-hidden",
      parameter: name,
      message: isZero
        ? "all weights are 0: the layer hands on neither signal nor gradient"
        : "all units have the same weights: they compute the same and learn the same",
      mend: `draw them at random: ${suited(place.activation).scheme}`,
    },
  ];
}

/** The rules on the variance of a kernel: what a layer does to the second moment of its signal. One finding at most. */
function variance(parameter: LintParameter, { depth }: Subject): readonly Finding[] {
  const { name, spec, initializer, place } = parameter;
  const { scheme, draw, theory } = resolve(initializer, spec);
  // A pattern has no variance to speak of: its values are meant one by one.
  const isRandom = draw.distribution !== "values" || scheme.family === "sparse";
  if (!isRandom || draw.distribution === "constant" || theory.std === 0) return [];
  const scale = theory.std ** 2 * spec.fanIn;
  const text = describeInitializer(initializer);
  const find = (
    rule: RuleName,
    message: string,
    mend = `use ${suited(place.activation).scheme}`,
  ) => [{ rule, parameter: name, message, mend }];
  const passed = scale / gain(place.activation) ** 2;
  if (scale > 10 && passed > 4) {
    return find(
      "standard-normal",
      `${text} gives variance ${short(theory.std ** 2)} at fan_in ${spec.fanIn}: the second moment of the signal grows ${short(passed)} times`,
    );
  }
  if (place.isOutput || place.isNormalised) return [];
  const { name: activation } = place.activation;
  const changes = `${text} before ${activation} hands on ${short(passed)} of the second moment`;
  // Inside a residual branch small weights are a scheme.
  const tooSmall = (least: number) => passed < least && place.residual === undefined;
  switch (activation) {
    case "selu":
      return scale > 1.25 || (scale < 0.8 && place.residual === undefined)
        ? find("selu-gain", `variance ${short(scale)} / fan_in instead of 1 / fan_in`)
        : [];
    case "sigmoid":
    case "hard_sigmoid":
      // Kumar 2017: 12.8 / fan_in; half of it is where the slope of the signal is halved again.
      return depth >= DEEP_SIGMOID && scale < 6.4
        ? find(
            "sigmoid-glorot-deep",
            `${depth} weight layers, variance ${short(scale)} / fan_in where a sigmoid wants about 12.8 / fan_in: its slope is at most 1/4, so a layer hands on at most ${short(scale / 16)} of a gradient's second moment`,
          )
        : [];
    case "tanh":
    case "hard_tanh":
    case "softsign":
      // Bounded: what grows saturates, what shrinks too fast is lost. Between, the length settles.
      return scale > 3.5 || (scale < 0.3 && place.residual === undefined)
        ? find(
            "activation-scheme-mismatch",
            `${text} before ${activation}: variance ${short(scale)} / fan_in ${scale > 1 ? "saturates it" : "shrinks the signal and the gradient"}`,
          )
        : [];
    case "relu":
    case "relu6":
    case "leaky_relu":
    case "prelu":
    case "elu":
    case "gelu":
    case "gelu_tanh":
    case "silu":
    case "mish":
    case "hard_swish": {
      if (!tooSmall(0.6) && passed < 1.6) return [];
      const isDefault = isTorchDefault(parameter) || /^(glorot|lecun)_/.test(scheme.name);
      if (depth >= DEEP_RELU && isDefault && passed < 1 && /relu/.test(activation)) {
        return find(
          "framework-default-deep-relu",
          `${changes}; ${depth - 1} hidden layers hand on ${short(passed ** (depth - 1))}`,
        );
      }
      return find("activation-scheme-mismatch", changes);
    }
    default:
      return []; // linear, sin, softplus: no rule
  }
}

/** U[-1/sqrt(fan_in), 1/sqrt(fan_in)), what PyTorch's `kaiming_uniform_(a=sqrt(5))` comes to. */
function isTorchDefault({ initializer, spec }: LintParameter): boolean {
  const { draw } = resolve(initializer, spec);
  return draw.distribution === "uniform" && Math.abs(draw.high ** 2 * spec.fanIn - 1) < 0.02;
}

function smoothDepth({ depth, parameters }: Subject): readonly Finding[] {
  if (depth < DEEP_SMOOTH) return [];
  const smooth = parameters.filter(
    ({ spec, place }) =>
      spec.role === "kernel" &&
      !place.isNormalised &&
      place.residual === undefined &&
      /^(gelu|gelu_tanh|silu|mish|hard_swish)$/.test(place.activation.name),
  );
  const [first] = smooth;
  if (first === undefined || smooth.length < DEEP_SMOOTH - 1) return [];
  const { name } = first.place.activation;
  return [
    {
      rule: "gelu-deep-no-norm",
      parameter: first.name,
      message: `${smooth.length} layers of ${name} without normalisation or residual connections: the length of the signal has no stable fixed point, it vanishes or explodes at every gain`,
      mend: `normalise, put the layers into residual blocks, or use relu or tanh`,
    },
  ];
}

function residualDepth({ blocks, parameters }: Subject): readonly Finding[] {
  const paths = new Set(parameters.flatMap(({ place }) => place.residual ?? []));
  return [...paths].flatMap((path) => {
    const own = parameters.filter(({ place }) => place.residual === path);
    const kernels = own.filter(({ spec }) => spec.role === "kernel");
    const last = kernels.at(-1);
    if (last === undefined || kernels.some(({ place }) => place.isNormalised)) return [];
    // What the branch adds to the second moment, as a share of what comes in: 1 doubles it.
    const branch = own.reduce((product, { spec, place, initializer, values }) => {
      if (spec.role === "gain") return product * meanSquare(values);
      if (spec.role !== "kernel") return product;
      const { theory } = resolve(initializer, spec);
      const square = theory.std ** 2 + theory.mean ** 2;
      return (product * square * spec.fanIn) / gain(place.activation) ** 2;
    }, 1);
    if (!(branch * blocks > 4)) return [];
    return [
      {
        rule: "residual-no-depth-scaling" as const,
        parameter: last.name,
        message: `one of ${blocks} residual blocks, each of which makes the second moment ${short(1 + branch)} times as large: ${short((1 + branch) ** blocks)} times in all`,
        mend: "start the last kernel of each branch at zeros, or scale the branches by 1 / sqrt(blocks)",
      },
    ];
  });
}

function meanSquare(values: Float32Array): number {
  return values.reduce((sum, x) => sum + x * x, 0) / values.length;
}

/** Parameters with the same values, unless these need no random numbers. */
function identical({ parameters }: Subject): readonly Finding[] {
  const seen = new Map<string, LintParameter>();
  return parameters.flatMap((parameter) => {
    const { name, spec, initializer, values } = parameter;
    if (values.length < 2 || values.every((x) => x === values[0])) return [];
    const { draw } = resolve(initializer, spec);
    if (draw.distribution === "values" && verify(draw, spec, values).test === "equality") return [];
    const key = `${spec.shape.join("x")}:${fingerprint(values)}`;
    const twin = seen.get(key);
    seen.set(key, twin ?? parameter);
    if (twin === undefined || values.some((x, i) => x !== twin.values[i])) return [];
    return [
      {
        rule: "identical-parameters" as const,
        parameter: name,
        message: `has the values of ${twin.name}`,
        mend: "draw each from a stream of its own: initialise() does, by the parameter's name",
      },
    ];
  });
}

/** FNV-1a over the bits. */
function fingerprint(values: Float32Array): number {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  return bits.reduce((hash, word) => Math.imul(hash ^ word, 0x01000193) >>> 0, 0x811c9dc5);
}

function short(x: number): string {
  return Number(x.toPrecision(3)).toString();
}
