import { meanAndVariance } from "../core/moments.ts";
import { isFlatAtZero } from "../init/flat.ts";
import { gain } from "../init/gains.ts";
import { describeRounded, resolve } from "../init/initializer.ts";
import { rowOf } from "../init/maps.ts";
import { activationFunction } from "../init/theory/activations.ts";
import { FLOAT32_MAX } from "../init/theory/predict.ts";
import type { ActivationSpec, LinearMap } from "../init/types.ts";
import { verify } from "../init/verify.ts";
import type { Network } from "../network/network.ts";
import { standardInput } from "./predict.ts";
import { criticalScale, DEEP_SIGMOID, isSigmoid, suited } from "./recommend.ts";
import type { Structure } from "./structure.ts";
import { structureOf } from "./structure.ts";
import { stuckAtZero } from "./stuck.ts";
import type { TracedLayer } from "./trace.ts";
import { activate, isTraceable, traceMoments } from "./trace.ts";

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
  "mean-not-zero":
    "weights whose mean adds up over the fan: what all units share grows with each layer",
  "signal-depth":
    "small factors of many layers: the signal, or the gradient, is predicted to vanish or explode",
  "selu-gain": "selu with another variance than 1 / fan_in: it does not normalise itself",
  "sigmoid-glorot-deep": "a deep network of sigmoids whose weights are too small for them",
  "gelu-deep-no-norm":
    "gelu, silu, mish or hard_swish in depth without normalisation or residuals: no gain holds the signal",
  "standard-normal": "weights whose deviation ignores the fan",
  "symmetric-hidden": "hidden units that start equal",
  "stuck-at-zero":
    "weights of 0 that no step can move, since every gradient on its way to them is 0",
  "dead-units": "units that start where their activation has no slope",
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
/** With He, ten gelu layers leave 0.33 of the second moment and thirty 0.004; with the exact gain it grows 3.9 and 96 times. */
const DEEP_SMOOTH = 10;

/** A signal or a gradient whose second moment changes by more than this has lost or won two digits. */
const DEPTH_LIMIT = 1e4;

/**
 * What is wrong with a network's values. All rules measure the values that are there now, loaded, calibrated or trained ones included, and
 * give the signal that these are predicted to make of independent inputs of mean 0 and variance 1; the descriptions they were drawn from
 * serve to name them. Nothing is trained and nothing changed.
 */
export function lint(network: Network): readonly Finding[] {
  const { parameters, ...shape } = structureOf(network);
  const valued = parameters.map((p) => ({ ...p, values: network.weights(p.name) }));
  return lintSubject({ ...shape, parameters: valued });
}

/** `lint` of parameters that need not be a network's. */
export function lintSubject(subject: Subject): readonly Finding[] {
  const broken = subject.parameters.flatMap(notFinite);
  const isBroken = new Set(broken.map(({ parameter }) => parameter));
  // The signal of values that are not finite says nothing.
  const hasTrace = broken.length === 0 && isTraceable(subject.nodes);
  const traced = hasTrace ? traceOf(subject) : new Map<string, TracedLayer>();
  const stuck = stuckOf(subject);
  const findings = subject.parameters.flatMap((parameter) => {
    const { name, spec } = parameter;
    if (isBroken.has(name)) return [];
    if (spec.role === "bias") return forgetBias(parameter, subject);
    const stuckHere = stuck.has(name) ? [stuckAt(parameter)] : [];
    if (spec.role !== "kernel" || stuckHere.length > 0) return stuckHere;
    const symmetric = symmetricHidden(parameter);
    if (symmetric.length > 0) return symmetric;
    const layer = traced.get(name);
    return layer === undefined
      ? []
      : [...variance(parameter, layer, subject), ...deadUnits(parameter, layer, subject)];
  });
  const local = [
    ...[...broken, ...findings, ...smoothDepth(subject)],
    ...[...residualDepth(subject, [...traced.values()]), ...identical(subject)],
  ];
  return local.some(({ rule }) => SIGNAL_RULES.has(rule))
    ? local
    : [...local, ...signalDepth(subject, [...traced.values()])];
}

/** Findings that say already what becomes of the signal. */
const SIGNAL_RULES: ReadonlySet<RuleName> = new Set([
  ...(["activation-scheme-mismatch", "framework-default-deep-relu", "mean-not-zero"] as const),
  ...(["selu-gain", "sigmoid-glorot-deep", "gelu-deep-no-norm", "standard-normal"] as const),
  ...(["symmetric-hidden", "stuck-at-zero", "dead-units", "residual-no-depth-scaling"] as const),
]);

/** The predicted signal, by the kernels' names; residual blocks are there under their paths. */
function traceOf({ nodes, input, parameters }: Subject): ReadonlyMap<string, TracedLayer> {
  const moments = new Map(
    parameters.map(({ name, spec: { fanIn, fanOut }, values }) => {
      return [name, { ...meanAndVariance(values), fanIn, fanOut }] as const;
    }),
  );
  const layers = traceMoments(nodes, moments, { input: standardInput(input), gradient: 1 });
  return new Map(
    layers.map((layer) => {
      const { path } = layer.node;
      return [layer.affine === undefined ? path : `${path}/kernel`, layer];
    }),
  );
}

function stuckOf({ nodes, parameters }: Subject): ReadonlySet<string> {
  const names = new Set(parameters.map(({ name }) => name));
  const zeros = parameters.filter(({ values }) => values.every((x) => x === 0));
  const weights = new Set(
    parameters
      .filter(({ spec }) => spec.role === "kernel" || spec.role === "gain")
      .map(({ name }) => name),
  );
  const stuck = stuckAtZero(nodes, new Set(zeros.map(({ name }) => name)), names);
  return new Set(stuck.filter((name) => weights.has(name)));
}

function stuckAt({ name, place }: LintParameter): Finding {
  const { name: activation } = place.activation;
  const isFlat = isFlatAtZero(place.activation);
  return {
    rule: "stuck-at-zero",
    parameter: name,
    message: isFlat
      ? `all weights are 0, and the slope of ${activation} at 0 is 0: no gradient reaches them, and they stay 0 for ever`
      : "all weights are 0, and so is everything that their gradient passes or multiplies: they stay 0 for ever",
    mend: isFlat
      ? `draw them at random: ${suited(place.activation).scheme}; in a residual branch scaled down by the number of blocks`
      : "let only one of the factors of a branch start at 0",
  };
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

/** Steps that a state which halves with every one gets through: 2^-16 of a gradient is left. */
const FEW_STEPS = 16;

function forgetBias({ name, spec, values }: LintParameter, { input }: Subject): readonly Finding[] {
  if (!/lstm/.test(spec.layer)) return [];
  // [time, features]; of other inputs nothing is known.
  const steps = input.length === 2 ? input[0]! : 50;
  if (steps <= FEW_STEPS) return [];
  const gate = spec.parts?.findIndex((part) => /forget/.test(part)) ?? -1;
  const width = gate < 0 ? values.length : values.length / spec.parts!.length;
  const part = values.subarray(Math.max(gate, 0) * width, (Math.max(gate, 0) + 1) * width);
  if (part.some((x) => x !== 0)) return [];
  return [
    {
      rule: "forget-bias-zero",
      parameter: name,
      message: `the forget gate starts at sigmoid(0) = 0.5: a state halves with every step, and ${steps} steps leave ${(2 ** -steps).toExponential(0)} of a gradient`,
      mend: "start the forget gate's bias at 1 (Jozefowicz et al. 2015), or spread it with chrono initialisation",
    },
  ];
}

/** Share of the units that another one equals from which a layer counts as symmetric. */
const MOST_COPIES = 0.25;

function symmetricHidden({ name, spec, place, values }: LintParameter): readonly Finding[] {
  if (place.isOutput || spec.maps.length === 0) return [];
  const isZero = values.every((x) => x === 0);
  if (isZero && place.endsBranch) return []; // the branch starts as nothing, which is a scheme
  const mend = `draw them at random: ${suited(place.activation).scheme}`;
  if (isZero) {
    const message = "all weights are 0: the layer hands on neither signal nor gradient";
    return [{ rule: "symmetric-hidden", parameter: name, message, mend }];
  }
  const units = spec.maps.reduce((sum, { outputs }) => sum + outputs, 0);
  const copies = spec.maps.reduce((sum, map) => sum + copiesIn(map, values), 0);
  if (!(copies > MOST_COPIES * units)) return [];
  const isAll = copies === units - spec.maps.length;
  return [
    {
      rule: "symmetric-hidden",
      parameter: name,
      message: `${isAll ? "all" : `${copies} of ${units}`} units have the same weights${isAll ? "" : " as another one"}: they compute the same, and learn the same unless the next layer tells them apart`,
      mend,
    },
  ];
}

/** Outputs whose weights are those of an earlier one, and not all 0. */
function copiesIn(map: LinearMap, values: Float32Array): number {
  const { inputs, outputs, outputStride } = map;
  const seen = new Set<string>();
  let copies = 0;
  for (let o = 0; o < outputs; o++) {
    const unit = Float32Array.from(
      { length: inputs },
      (_, i) => values[rowOf(map, i) + o * outputStride]!,
    );
    if (unit.every((x) => x === 0)) continue;
    const key = new Uint32Array(unit.buffer).join();
    if (seen.has(key)) copies++;
    seen.add(key);
  }
  return copies;
}

/** Deviations from the mean beyond which no input brings a unit. */
const FAR = 6;

/** Units whose pre-activations all lie where the activation has a slope below 1 %. */
function deadUnits(
  { name, spec, place, values }: LintParameter,
  { node, input }: TracedLayer,
  { parameters }: Subject,
): readonly Finding[] {
  if (place.activation.name === "linear") return [];
  const { df } = activationFunction(place.activation);
  const bias = parameters.find((p) => p.name === `${node.path}/bias`)?.values;
  const inputVariance = input.second - input.mean ** 2;
  const dead: number[] = [];
  let unit = 0;
  for (const map of spec.maps) {
    for (let o = 0; o < map.outputs; o++, unit++) {
      let sum = 0;
      let squares = 0;
      for (let i = 0; i < map.inputs; i++) {
        const w = values[rowOf(map, i) + o * map.outputStride]!;
        sum += w;
        squares += w * w;
      }
      const mean = (bias?.[unit] ?? 0) + sum * input.mean;
      const reach = FAR * Math.sqrt(squares * inputVariance);
      const isFar = Math.abs(mean) > reach;
      if (isFar && [mean - reach, mean, mean + reach].every((z) => Math.abs(df(z)) < 0.01)) {
        dead.push(mean);
      }
    }
  }
  const [first] = dead;
  if (first === undefined) return [];
  const { name: activation } = place.activation;
  return [
    {
      rule: "dead-units",
      parameter: name,
      message: `${dead.length} of ${unit} units start at ${short(first)} before ${activation}, more than ${FAR} deviations from where it has a slope: they get no gradient`,
      mend: "start the biases near 0, and the weights at mean 0",
    },
  ];
}

/** Standard deviations of a measured variance that chance is granted. */
const CHANCE = 4;

/**
 * The rules on the weights' moments: what a layer does to the second moment of its signal. One finding at most.
 *
 * A measured variance strays by sqrt(2 / n) from that of its law, and the limits of a small kernel of unknown law are wider by that.
 */
function variance(
  parameter: LintParameter,
  layer: TracedLayer,
  { depth, parameters }: Subject,
): readonly Finding[] {
  const { name, spec, place } = parameter;
  if (isPatternAsMeant(parameter)) return [];
  const { mean, spread, chance, isRealMean, text } = momentsBehind(parameter);
  const scale = spread * spec.fanIn;
  const wanted = gain(place.activation) ** 2;
  const find = (
    rule: RuleName,
    message: string,
    mend = `use ${suited(place.activation).scheme}`,
  ) => [{ rule, parameter: name, message, mend }];
  if (
    scale > 10 &&
    scale / wanted > 4 &&
    !(isSigmoid(place.activation) && isNearCritical(scale, place.activation))
  ) {
    return find(
      "standard-normal",
      `${text} have variance ${short(spread)} at fan_in ${spec.fanIn}: the second moment of the signal grows ${short(scale / wanted)} times`,
    );
  }
  if (place.isOutput || place.isNormalised) return [];
  const common = Math.abs(mean) * spec.fanIn;
  if (isRealMean && common ** 2 > 1.6) {
    const { name: activation } = place.activation;
    return find(
      "mean-not-zero",
      `${text} have mean ${short(mean)} at fan_in ${spec.fanIn}: what all units share grows up to ${short(common)} times a layer, and its second moment ${short(common ** 2)} times, until ${activation} stops it`,
      `draw them with mean 0: ${suited(place.activation).scheme}`,
    );
  }
  const passed = isRealMean
    ? handedOn(layer, place.activation, scale)
    : scale / gain(place.activation) ** 2;
  const { name: activation } = place.activation;
  const changes = `${text} before ${activation} hand on ${short(passed)} of the second moment`;
  // Inside a residual branch small weights are a scheme.
  const isPlain = place.residual === undefined;
  const isSmall = (x: number, least: number) => isPlain && x < Math.min(least, 1 / chance);
  const isLarge = (x: number, most: number) => x > Math.max(most, chance);
  switch (activation) {
    case "selu":
      return isLarge(scale, 1.25) || isSmall(scale, 0.8)
        ? find("selu-gain", `${text} have variance ${short(scale)} / fan_in instead of 1 / fan_in`)
        : [];
    case "sigmoid":
    case "hard_sigmoid":
      // Kumar 2017: 12.8 / fan_in; half of it is where the slope of the signal is halved again.
      return depth >= DEEP_SIGMOID && scale < Math.min(6.4, 12.8 / chance)
        ? find(
            "sigmoid-glorot-deep",
            `${depth} weight layers, variance ${short(scale)} / fan_in where a sigmoid wants 12.8 / fan_in and more: its slope is at most 1/4, so a layer hands on at most ${short(scale / 16)} of a gradient's second moment`,
            `use ${sigmoidRemedy(place.activation)}`,
          )
        : [];
    case "tanh":
    case "hard_tanh":
    case "softsign": {
      // Bounded: what grows saturates, what shrinks too fast is lost. Between, the length settles.
      const most = Math.max(scale, spread * spec.fanOut);
      return isLarge(scale, 3.5) || isSmall(most, 0.3)
        ? find(
            "activation-scheme-mismatch",
            `${text} before ${activation}: variance ${short(scale)} / fan_in ${scale > 1 ? "saturates it" : "shrinks the signal and the gradient"}`,
          )
        : [];
    }
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
      // No activation has dropped anything of the data: n Var = 1 keeps them (He et al. 2015, section 2.2), as LSUV does.
      const isFirst = parameters.find((p) => p.spec.role === "kernel") === parameter;
      const kept = isFirst ? Math.max(passed, scale) : passed;
      if (!isSmall(kept, 0.6) && !isLarge(passed, 1.6)) return [];
      const isDefault = isLibraryDefault(parameter);
      if (depth >= DEEP_RELU && isDefault && passed < 1 && /relu/.test(activation)) {
        return find(
          "framework-default-deep-relu",
          `${changes}; ${depth - 1} hidden layers hand on ${short(passed ** (depth - 1))}`,
        );
      }
      return find("activation-scheme-mismatch", changes);
    }
    default:
      return []; // linear, sin, softplus: what depth makes of them is `signal-depth`
  }
}

/** Values that are meant one by one, and are what they are meant to be: patterns, constants. */
function isPatternAsMeant({ initializer, spec, values }: LintParameter): boolean {
  if (values.every((x) => x === 0)) return true;
  const { scheme, draw, theory } = resolve(initializer, spec);
  const isRandom = draw.distribution !== "values" || scheme.family === "sparse";
  if (isRandom && draw.distribution !== "constant" && theory.std > 0) return false;
  return verify(draw, spec, values).passes;
}

/** The moments that the rules go by. */
interface Behind {
  readonly mean: number;
  /** The variance. */
  readonly spread: number;
  /** Factor on the variance that chance is granted. */
  readonly chance: number;
  readonly isRealMean: boolean;
  /** Whether the values are a draw of the description as far as their moments tell. */
  readonly isDescribed: boolean;
  /** Which of the two they are. */
  readonly text: string;
}

/** The measured moments; where they agree with the description, whose they are then an estimate, its exact ones. */
function momentsBehind({ initializer, spec, values }: LintParameter): Behind {
  const text = describeRounded(initializer);
  const { theory } = resolve(initializer, spec);
  const { mean, variance: spread } = meanAndVariance(values);
  const chance = Math.exp(CHANCE * Math.sqrt(2 / values.length));
  const far = CHANCE * Math.sqrt(spread / values.length);
  const ratio = spread / theory.std ** 2;
  const isNear = ratio < 1.02 * chance && 1.02 * chance * ratio > 1;
  if (isNear && Math.abs(mean - theory.mean) <= far) {
    return {
      ...{ mean: theory.mean, spread: theory.std ** 2, chance: 1, isDescribed: true },
      ...{ isRealMean: theory.mean !== 0, text: `the values, a draw of ${text},` },
    };
  }
  return {
    ...{ mean, spread, chance, isDescribed: false, isRealMean: Math.abs(mean) > far },
    text: `the values as measured, no draw of ${text},`,
  };
}

/** What a kernel makes of the second moment of its signal without its bias: for relu and its kin exactly, for others about N(0, 1). */
function handedOn(
  { input, affine }: TracedLayer,
  activation: ActivationSpec,
  scale: number,
): number {
  const fn = activationFunction(activation);
  const isExact = fn.slopes !== undefined && affine !== undefined && input.second > 0;
  return isExact && Number.isFinite(input.second)
    ? activate(fn, affine.unbiased).output.second / input.second
    : scale / gain(activation) ** 2;
}

/** Within the factor 2 of the edge of chaos, where large weights are a scheme. */
function isNearCritical(scale: number, activation: ActivationSpec): boolean {
  return scale < 2 * criticalScale(activation);
}

function sigmoidRemedy(activation: ActivationSpec): string {
  return `variance_scaling:scale=${criticalScale(activation)},distribution=normal, at which a gradient keeps its size`;
}

/** Glorot's or LeCun's scheme, or what PyTorch's `kaiming_uniform_(a=sqrt(5))` comes to, U[-1/sqrt(fan_in), 1/sqrt(fan_in)). */
function isLibraryDefault(parameter: LintParameter): boolean {
  const { initializer, spec, values } = parameter;
  const { isDescribed, spread, chance } = momentsBehind(parameter);
  if (/^(glorot|lecun)_/.test(initializer.scheme)) return isDescribed;
  const greatest = values.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  const third = 3 * spread * spec.fanIn;
  const near = 1.02 * chance;
  return greatest ** 2 * spec.fanIn <= 1.0001 && third < near && third * near > 1;
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

function residualDepth(
  { blocks, parameters }: Subject,
  traced: readonly TracedLayer[],
): readonly Finding[] {
  return traced.flatMap(({ node, input, branch }) => {
    if (branch === undefined) return [];
    const own = parameters.filter(({ place }) => place.residual === node.path);
    const kernels = own.filter(({ spec }) => spec.role === "kernel");
    const last = kernels.at(-1);
    if (last === undefined || kernels.some(({ place }) => place.isNormalised)) return [];
    // What the branch adds to the second moment, as a share of what comes in: 1 doubles it.
    const share = branch.second / input.second;
    if (!(share * blocks > 4)) return [];
    const isFlat = isFlatAtZero(last.place.activation);
    return [
      {
        rule: "residual-no-depth-scaling" as const,
        parameter: last.name,
        message: `one of ${blocks} residual blocks, each of which, measured, makes the second moment ${short(1 + share)} times as large: ${short((1 + share) ** blocks)} times in all`,
        mend: isFlat
          ? `scale the branches by 1 / blocks; zeros would never move behind ${last.place.activation.name}`
          : "start the last kernel of each branch at zeros, or scale the branches by 1 / sqrt(blocks)",
      },
    ];
  });
}

/**
 * What all layers together do to the second moment of the signal and of the gradient, from the first hidden layer to the last. What chance
 * makes of the measured variances is granted, three deviations of the product.
 */
function signalDepth(
  { parameters, nodes }: Subject,
  traced: readonly TracedLayer[],
): readonly Finding[] {
  const outer = traced.filter(({ residual }) => residual === undefined);
  const weights = outer.filter(({ affine }) => affine !== undefined);
  const [first] = weights;
  const kernels = parameters.filter(({ spec }) => spec.role === "kernel");
  const output = outer.findIndex(({ node }) => `${node.path}/kernel` === kernels.at(-1)?.name);
  const last = outer[output - 1];
  const { length } = weights;
  if (first === undefined || last === undefined || length < 3 || nodes.length === 0) return [];
  const hidden = kernels.slice(0, -1);
  const chance = Math.exp(
    3 * Math.sqrt(hidden.reduce((sum, { values }) => sum + 2 / values.length, 0)),
  );
  const limit = DEPTH_LIMIT * chance;
  const forward = last.output.second / first.input.second;
  const backward = first.gradient / last.gradient;
  const changes = [
    ["the signal", forward, length - 1],
    ["the gradient, on its way back,", backward, length - 2],
  ] as const;
  const texts = changes
    .filter(([, factor]) => !(factor < limit && factor * limit > 1))
    .map(
      ([what, factor, layers]) =>
        `the second moment of ${what} is predicted to ${factor < 1 ? "shrink" : "grow"} to ${short(factor)} of itself (${short(factor ** (1 / layers))} a layer)`,
    );
  if (texts.length === 0) return [];
  const overflow = outer.find(({ output: y }) => !(Math.sqrt(y.second) <= FLOAT32_MAX));
  const over = overflow === undefined ? "" : `, past the greatest float32 in ${overflow.node.path}`;
  const { name, place } = kernels[0]!;
  return [
    {
      rule: "signal-depth",
      parameter: name,
      message: `${length - 1} hidden layers, as measured: ${texts.join("; ")}${over}`,
      mend: depthRemedy(place.activation),
    },
  ];
}

function depthRemedy(activation: ActivationSpec): string {
  const { name } = activation;
  if (isSigmoid(activation)) {
    return `use ${sigmoidRemedy(activation)}; or tanh or relu, which need no such weights`;
  }
  if (name === "softplus") {
    return "it is softplus itself, whose slopes shrink every gradient at moderate weights: use elu or relu, residual blocks or normalisation";
  }
  if (name === "linear") return "use orthogonal:gain=1, which keeps every length, or lecun_normal";
  return `use ${suited(activation).scheme}; at any gain, residual blocks or normalisation`;
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
  return x >= 1e5 ? x.toExponential(2) : Number(x.toPrecision(3)).toString();
}
