import { checkNames } from "../core/options.ts";
import type { Ref } from "../graph/buffer.ts";
import { float } from "../graph/buffer.ts";
import type { Tape } from "../graph/tape.ts";
import type { Schedule } from "./schedule.ts";
import { scheduleFromConfig } from "./schedule.ts";

/** The flat blocks an optimiser step runs over. */
export interface Blocks {
  readonly parameters: Ref;
  readonly gradients: Ref;
  /** One block a moment, as many as the optimiser asked for. */
  readonly moments: readonly Ref[];
  /** Floats of each block. */
  readonly size: number;
  /** Whether weight decay acts on them. Default true. */
  readonly decays?: boolean;
}

/** An optimiser is a description: how many moments it keeps, and the one kernel that steps the whole parameter block. */
export interface Optimizer {
  readonly kind: string;
  readonly learningRate: number;
  readonly schedule: Schedule | undefined;
  /** Gradients are scaled down to this global norm when they exceed it (Pascanu et al. 2013). */
  readonly clipNorm: number | undefined;
  readonly moments: number;
  /** Whether weight decay acts on biases, gains and slopes too. */
  readonly decayBiases: boolean;
  readonly config: { readonly [option: string]: number | boolean };
  readonly emit: (tape: Tape, blocks: Blocks) => void;
}

/** What every optimiser takes. */
export interface CommonOptions {
  readonly learningRate?: number;
  readonly schedule?: Schedule;
  readonly clipNorm?: number;
  /** L2 penalty added to the gradient; in `adamw` the decoupled decay. Default 0 (`adamw` 0.01). */
  readonly weightDecay?: number;
  /**
   * Whether biases, the gains of norms and slopes decay as kernels do. Default true: the formulas are PyTorch's, whose optimisers decay
   * whatever they are given, and one instruction then steps all parameters; `false` cuts it where kernels end.
   */
  readonly decayBiases?: boolean;
}

/** `p -= lr g` */
export function sgd(options: CommonOptions = {}): Optimizer {
  const decay = nonNegative("sgd: weightDecay", options.weightDecay ?? 0);
  return describe("sgd", options, 0.01, 0, { weightDecay: decay }, (tape, b) => {
    tape.emit("sgd", b.parameters, b.gradients, b.size, decayOf(b, decay));
  });
}

export interface MomentumOptions extends CommonOptions {
  /** Default 0.9. */
  readonly momentum?: number;
}

/** `m = mu m + g; p -= lr m` (Polyak 1964, in PyTorch's form) */
export function momentum(options: MomentumOptions = {}): Optimizer {
  return heavyBall("momentum", options, false);
}

/** `m = mu m + g; p -= lr (g + mu m)` (Nesterov 1983; Sutskever et al. 2013, in PyTorch's form) */
export function nesterov(options: MomentumOptions = {}): Optimizer {
  return heavyBall("nesterov", options, true);
}

function heavyBall(kind: string, options: MomentumOptions, isNesterov: boolean): Optimizer {
  const mu = fraction(`${kind}: momentum`, options.momentum ?? 0.9);
  const decay = nonNegative(`${kind}: weightDecay`, options.weightDecay ?? 0);
  return describe(kind, options, 0.01, 1, { momentum: mu, weightDecay: decay }, (tape, b) => {
    const [m] = b.moments as [Ref];
    const flags = [float(mu), isNesterov ? 1 : 0, decayOf(b, decay)] as const;
    tape.emit("momentum", b.parameters, b.gradients, m, b.size, ...flags);
  });
}

export interface RmspropOptions extends CommonOptions {
  /** Default 0.99, as in PyTorch. */
  readonly rho?: number;
  /** Default 1e-8. */
  readonly epsilon?: number;
}

/** `v = rho v + (1 - rho) g^2; p -= lr g / (sqrt(v) + eps)` (Tieleman & Hinton 2012) */
export function rmsprop(options: RmspropOptions = {}): Optimizer {
  const rho = fraction("rmsprop: rho", options.rho ?? 0.99);
  const epsilon = nonNegative("rmsprop: epsilon", options.epsilon ?? 1e-8);
  const decay = nonNegative("rmsprop: weightDecay", options.weightDecay ?? 0);
  const config = { rho, epsilon, weightDecay: decay };
  return describe("rmsprop", options, 0.01, 1, config, (tape, b) => {
    const [v] = b.moments as [Ref];
    const constants = [float(rho), float(epsilon), decayOf(b, decay)] as const;
    tape.emit("rmsprop", b.parameters, b.gradients, v, b.size, ...constants);
  });
}

export interface AdamOptions extends CommonOptions {
  /** Default 0.9. */
  readonly beta1?: number;
  /** Default 0.999. */
  readonly beta2?: number;
  /** Default 1e-8. */
  readonly epsilon?: number;
}

/** Kingma & Ba 2015, algorithm 1: `p -= lr mhat / (sqrt(vhat) + eps)` */
export function adam(options: AdamOptions = {}): Optimizer {
  return adaptive("adam", options, 0, false);
}

/** Adam with decoupled weight decay: first `p -= lr decay p` (Loshchilov & Hutter 2019) */
export function adamw(options: AdamOptions = {}): Optimizer {
  return adaptive("adamw", options, 0.01, true);
}

function adaptive(
  kind: string,
  options: AdamOptions,
  defaultDecay: number,
  isDecoupled: boolean,
): Optimizer {
  const beta1 = fraction(`${kind}: beta1`, options.beta1 ?? 0.9);
  const beta2 = fraction(`${kind}: beta2`, options.beta2 ?? 0.999);
  const epsilon = nonNegative(`${kind}: epsilon`, options.epsilon ?? 1e-8);
  const decay = nonNegative(`${kind}: weightDecay`, options.weightDecay ?? defaultDecay);
  const config = { beta1, beta2, epsilon, weightDecay: decay };
  return describe(kind, options, 0.001, 2, config, (tape, b) => {
    const [m, v] = b.moments as [Ref, Ref];
    const constants = [float(beta1), float(beta2), float(epsilon), decayOf(b, decay)] as const;
    const flag = isDecoupled ? 1 : 0;
    tape.emit("adam", b.parameters, b.gradients, m, v, b.size, ...constants, flag);
  });
}

export interface LionOptions extends CommonOptions {
  /** Of the average whose sign is the step. Default 0.9. */
  readonly beta1?: number;
  /** Of the average that is kept. Default 0.99. */
  readonly beta2?: number;
}

/**
 * `u = beta1 m + (1 - beta1) g; p -= lr (sign(u) + decay p); m = beta2 m + (1 - beta2) g` (Chen et al. 2023). Each weight moves by
 * the rate itself: a third to a tenth of adam's, and a decay as many times greater. Default rate 1e-4.
 */
export function lion(options: LionOptions = {}): Optimizer {
  const beta1 = fraction("lion: beta1", options.beta1 ?? 0.9);
  const beta2 = fraction("lion: beta2", options.beta2 ?? 0.99);
  const decay = nonNegative("lion: weightDecay", options.weightDecay ?? 0);
  return describe("lion", options, 1e-4, 1, { beta1, beta2, weightDecay: decay }, (tape, b) => {
    const [m] = b.moments as [Ref];
    const constants = [float(beta1), float(beta2), decayOf(b, decay)] as const;
    tape.emit("lion", b.parameters, b.gradients, m, b.size, ...constants);
  });
}

const MAKERS = { sgd, momentum, nesterov, rmsprop, adam, adamw, lion };

function decayOf({ decays = true }: Blocks, decay: number) {
  return float(decays ? decay : 0);
}

/** The optimiser that `{ kind, ...options }` described. Throws a `TypeError` for a kind there is none of. */
export function optimizerFromConfig({
  kind,
  ...options
}: {
  readonly kind: string;
  readonly [option: string]: unknown;
}): Optimizer {
  if (!Object.hasOwn(MAKERS, kind)) {
    throw new TypeError(
      `optimizer: there is no "${kind}"; there are ${Object.keys(MAKERS).join(", ")}`,
    );
  }
  const { schedule, ...rest } = options;
  return MAKERS[kind as keyof typeof MAKERS]({
    ...rest,
    ...(schedule === undefined ? {} : { schedule: scheduleFromConfig(schedule) }),
  });
}

function describe(
  kind: string,
  options: CommonOptions,
  defaultRate: number,
  moments: number,
  config: Readonly<Record<string, number>>,
  emit: Optimizer["emit"],
): Optimizer {
  const common = ["learningRate", "schedule", "clipNorm"];
  checkNames(kind, options, [...common, ...Object.keys(config), "decayBiases"]);
  const learningRate = nonNegative(`${kind}: learningRate`, options.learningRate ?? defaultRate);
  const { clipNorm, schedule } = options;
  if (clipNorm !== undefined && !(clipNorm > 0)) {
    throw new RangeError(`${kind}: clipNorm must be positive, got ${clipNorm}`);
  }
  const { decayBiases = true } = options;
  const all = decayBiases ? config : { ...config, decayBiases };
  return { kind, learningRate, schedule, clipNorm, moments, decayBiases, config: all, emit };
}

function nonNegative(where: string, value: number): number {
  if (!(Number.isFinite(value) && value >= 0)) {
    throw new RangeError(`${where} must be finite and not negative, got ${value}`);
  }
  return value;
}

function fraction(where: string, value: number): number {
  if (!(Number.isFinite(value) && value >= 0 && value < 1)) {
    throw new RangeError(`${where} must be at least 0 and below 1, got ${value}`);
  }
  return value;
}
