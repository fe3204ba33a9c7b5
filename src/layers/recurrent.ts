import type { Param } from "../graph/param-store.ts";
import type { Tape } from "../graph/tape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { defaultInitializer } from "../init/defaults.ts";
import type { InitializerLike } from "../init/initializer.ts";
import { describeInitializer, initializer } from "../init/initializer.ts";
import type { Cell } from "../init/specs.ts";
import { recurrentSpecs, vectorSpec } from "../init/specs.ts";
import type { ActivationSpec, ParamSpec } from "../init/types.ts";
import type { ActivationLike } from "../ops/activation.ts";
import { activationSpec } from "../ops/activation.ts";
import type { RecurrenceOptions } from "../ops/recurrent.ts";
import { gru as gruOp } from "../ops/recurrent-gru.ts";
import { lstm as lstmOp } from "../ops/recurrent-lstm.ts";
import { simpleRnn as simpleRnnOp } from "../ops/recurrent-rnn.ts";
import type { Layer, LayerConfig } from "./layer.ts";
import { checkCount, checkName } from "./layer.ts";

export interface SimpleRnnOptions {
  readonly name?: string;
  /** Of the state. Default `tanh`. It must be one whose slope is had from its output: no gelu, silu, mish, softplus, softsign, hard_swish or sin. */
  readonly activation?: ActivationLike;
  /** Default true. */
  readonly useBias?: boolean;
  /** Default `glorot_uniform` (of a gate). */
  readonly kernelInitializer?: InitializerLike;
  /** Default `orthogonal`, each gate on its own. */
  readonly recurrentInitializer?: InitializerLike;
  /** Default `zeros`; of an LSTM `forget_bias`, 1 for the forget gate. `chrono` spreads what gated layers remember. */
  readonly biasInitializer?: InitializerLike;
  /** The states after every step, `[time, units]`, rather than the last one, `[units]`. Default false. */
  readonly returnSequences?: boolean;
  /**
   * Reads the sequence from its end. Positions keep their places: what comes out at t is the state after t was read (Keras gives the
   * states in the order of reading). Default false.
   */
  readonly goBackwards?: boolean;
  /**
   * A batch begins with the states that the last one of its size ended with, row by row, until `Network.resetStates`. Gradients stop there.
   * Training has states of its own. Default false.
   */
  readonly stateful?: boolean;
}

export interface GruOptions extends SimpleRnnOptions {
  /** Of the gates. Default `sigmoid`. */
  readonly recurrentActivation?: ActivationLike;
  /** Whether the reset gate comes after the recurrent product (cuDNN, PyTorch, Keras 2) or before it (the paper, Keras 1). Default true. */
  readonly resetAfter?: boolean;
}

export interface LstmOptions extends SimpleRnnOptions {
  /** Of the gates. Default `sigmoid`. */
  readonly recurrentActivation?: ActivationLike;
  /** The gates also see the cell: input and forget the one before the step, output the one after. Default false. */
  readonly peepholes?: boolean;
  /** Default `zeros`. */
  readonly peepholeInitializer?: InitializerLike;
  /** Whether the forget gate's bias begins at 1 when there is no `biasInitializer`. Default true. */
  readonly unitForgetBias?: boolean;
}

/** `h = f(x W + h' R + b)` over sequences [time, features]: W [features, units], R [units, units]. Elman 1990. */
export function simpleRnn(units: number, options: SimpleRnnOptions = {}): RecurrentLayer {
  const base = checked("simple_rnn", units, options);
  const { activation } = base;
  const reversed = () => simpleRnn(units, turned(options));
  return layerOf(base, reversed, {}, (tape, x, path) => {
    const common = base.params(tape, x, path, "rnn", activation);
    return simpleRnnOp(tape, path, x, { ...common, activation });
  });
}

/**
 * `h = (1 - z) n + z h'` over sequences [time, features], gates in the order reset, update, candidate. With `resetAfter`
 * `n = a(x W + b + r (h' R + c))`, c a second bias; else `n = a(x W + b + (r h') R)`. Cho et al. 2014.
 */
export function gru(units: number, options: GruOptions = {}): RecurrentLayer {
  const base = checked("gru", units, options);
  const { activation, useBias } = base;
  const { resetAfter = true } = options;
  const recurrentActivation = slopeFromOutput("gru", options.recurrentActivation ?? "sigmoid");
  const extra = { recurrentActivation: { ...recurrentActivation }, resetAfter };
  const reversed = () => gru(units, turned(options));
  return layerOf(base, reversed, extra, (tape, x, path) => {
    const common = base.params(tape, x, path, "gru");
    const spec = { ...common.specs.recurrent, activation: common.specs.kernel.activation };
    const recurrentBias =
      useBias && resetAfter
        ? tape.param(
            `${path}/recurrent_bias`,
            vectorSpec(spec, "bias", 3 * units),
            initializer("zeros"),
          )
        : undefined;
    const more = { recurrentBias, resetAfter, activation, recurrentActivation };
    return gruOp(tape, path, x, { ...common, ...more });
  });
}

/**
 * `c = f c' + i g`, `h = o a(c)` over sequences [time, features], gates in the order input, forget, cell, output (PyTorch's and Keras's).
 * Hochreiter & Schmidhuber 1997; forget gates Gers et al. 2000, peepholes Gers et al. 2002.
 */
export function lstm(units: number, options: LstmOptions = {}): RecurrentLayer {
  const { peepholes = false, unitForgetBias = true } = options;
  const base = checked("lstm", units, options, unitForgetBias ? "forget_bias" : "zeros");
  const { activation } = base;
  const recurrentActivation = slopeFromOutput("lstm", options.recurrentActivation ?? "sigmoid");
  const peepholeInitializer = initializer(options.peepholeInitializer ?? "zeros");
  const extra = {
    recurrentActivation: { ...recurrentActivation },
    peepholes,
    ...(peepholes ? { peepholeInitializer: describeInitializer(peepholeInitializer) } : {}),
  };
  const reversed = () => lstm(units, turned(options));
  return layerOf(base, reversed, extra, (tape, x, path) => {
    const common = base.params(tape, x, path, "lstm");
    const about = { fanIn: 1, fanOut: 1, maps: [], activation: common.specs.kernel.activation };
    const spec: ParamSpec = { layer: "lstm", role: "gain", shape: [3 * units], ...about };
    // Libraries of presets have no peepholes, and so no default for them.
    const peephole = peepholes
      ? tape.param(`${path}/peephole`, spec, peepholeInitializer, true)
      : undefined;
    return lstmOp(tape, path, x, { ...common, peephole, activation, recurrentActivation });
  });
}

/** A layer that can be had in the other direction too, with what was asked for and what was not. */
export interface RecurrentLayer extends Layer {
  readonly reversed: () => RecurrentLayer;
}

function turned<T extends SimpleRnnOptions>({ goBackwards = false, ...options }: T) {
  return { ...options, goBackwards: !goBackwards };
}

const FACTORIES: Readonly<
  Record<string, (units: number, options: Record<string, unknown>) => RecurrentLayer>
> = { simple_rnn: simpleRnn, gru, lstm };

/** Whether `bidirectional` takes the layer. */
export function isRecurrent(layer: Layer | undefined): layer is RecurrentLayer {
  return layer !== undefined && Object.hasOwn(FACTORIES, layer.kind) && "reversed" in layer;
}

/** The layer that a recurrent layer's config describes. */
export function recurrentFromConfig({ kind, units, ...options }: LayerConfig): RecurrentLayer {
  return FACTORIES[String(kind)]!(Number(units), options);
}

interface Base {
  readonly kind: string;
  readonly name: string | undefined;
  readonly activation: ActivationSpec;
  readonly useBias: boolean;
  readonly config: LayerConfig;
  readonly params: (
    tape: Tape,
    x: Tensor,
    path: string,
    cell: Cell,
    activation?: ActivationSpec,
  ) => RecurrenceOptions & {
    readonly recurrent: Param;
    readonly specs: ReturnType<typeof recurrentSpecs>;
  };
}

/** What the three have in common. */
function checked(
  kind: string,
  units: number,
  options: SimpleRnnOptions,
  biasDefault = "zeros",
): Base {
  checkCount(`${kind}: units`, units);
  checkName(kind, options.name);
  const { name, useBias = true } = options;
  const { returnSequences = false, goBackwards = false, stateful = false } = options;
  const activation = slopeFromOutput(kind, options.activation ?? "tanh");
  const before = kind === "simple_rnn" ? activation : { name: "linear", alpha: 0 };
  const kernelInitializer = initializer(
    options.kernelInitializer ?? defaultInitializer("kernel", before).initializer,
  );
  const recurrentInitializer = initializer(
    options.recurrentInitializer ?? defaultInitializer("recurrent", before).initializer,
  );
  const biasInitializer = initializer(options.biasInitializer ?? biasDefault);
  return {
    ...{ kind, name, activation, useBias },
    config: {
      ...{ units, activation: { ...activation }, useBias },
      kernelInitializer: describeInitializer(kernelInitializer),
      recurrentInitializer: describeInitializer(recurrentInitializer),
      biasInitializer: describeInitializer(biasInitializer),
      ...{ returnSequences, goBackwards, stateful },
    },
    params(tape, x, path, cell, follows) {
      if (x.shape.length !== 3) {
        throw new RangeError(
          `${path}: expected sequences of shape [time, features], got examples of shape [${x.shape.slice(1)}]`,
        );
      }
      const inputs = x.shape[2] ?? 1;
      const specs = recurrentSpecs(cell, {
        ...{ inputs, units },
        ...(follows === undefined ? {} : { activation: follows }),
      });
      const isAsked = (option: keyof SimpleRnnOptions) => options[option] !== undefined;
      const param = (
        part: string,
        spec: ParamSpec,
        from: ReturnType<typeof initializer>,
        asked: boolean,
      ) => tape.param(`${path}/${part}`, spec, from, asked);
      return {
        ...{ units, returnSequences, goBackwards, stateful, specs, mask: maskOf(x) },
        kernel: param("kernel", specs.kernel, kernelInitializer, isAsked("kernelInitializer")),
        recurrent: param(
          ...(["recurrent_kernel", specs.recurrent, recurrentInitializer] as const),
          isAsked("recurrentInitializer"),
        ),
        bias: useBias
          ? param("bias", specs.bias, biasInitializer, isAsked("biasInitializer"))
          : undefined,
      };
    },
  };
}

function layerOf(
  { kind, name, config }: Base,
  reversed: () => RecurrentLayer,
  extra: LayerConfig,
  build: (tape: Tape, x: Tensor, path: string) => Tensor,
): RecurrentLayer {
  return {
    kind,
    ...(name === undefined ? {} : { name }),
    config: { ...config, ...extra },
    reversed,
    build: (tape, x, path) => withMaskOf(x, build(tape, x, path)),
  };
}

/** A sequence of which some positions are not there: `[batch, time]`, 0 for those. */
interface Masked extends Tensor {
  readonly mask?: Tensor;
}

function maskOf(x: Masked): Tensor | undefined {
  return x.mask;
}

/** `y` with the mask of `x`, if it still has the positions that the mask speaks of. */
export function withMaskOf(x: Masked, y: Tensor): Tensor {
  const { mask } = x;
  const masked: Masked = mask === undefined || y.shape.length !== 3 ? y : { ...y, mask };
  return masked;
}

const SLOPE_FROM_OUTPUT: readonly string[] = [
  ...["linear", "relu", "leaky_relu", "relu6", "elu", "selu", "tanh", "sigmoid", "hard_sigmoid"],
  "hard_tanh",
];

/** Backpropagation keeps the gates and not what went into them. */
function slopeFromOutput(kind: string, like: ActivationLike): ActivationSpec {
  const spec = activationSpec(like);
  if (!SLOPE_FROM_OUTPUT.includes(spec.name)) {
    throw new RangeError(
      `${kind}: expected an activation whose slope follows from its output (${SLOPE_FROM_OUTPUT.join(", ")}), got ${spec.name}`,
    );
  }
  return spec;
}
