import type { Ref } from "../graph/buffer.ts";
import { float, ref } from "../graph/buffer.ts";
import type { Param } from "../graph/param-store.ts";
import type { GradSlot, Tape } from "../graph/tape.ts";
import type { Tensor } from "../graph/tensor.ts";

/** What is multiplied and added after normalising, where it is wanted. */
export interface GainAndBias {
  readonly gain: Param | undefined;
  readonly bias: Param | undefined;
}

export interface BatchNormOptions extends GainAndBias {
  readonly mean: Param;
  readonly variance: Param;
  /** Share of a new batch in the running statistics. */
  readonly momentum: number;
  readonly epsilon: number;
  /** Whether the running variance takes the batch's unbiased one. */
  readonly isUnbiased: boolean;
}

/**
 * `y = (x - mean) / sqrt(variance + epsilon) gain + bias` over the last axis, channel by channel: while training the batch's mean and
 * biased variance, which the running ones then follow; otherwise the running ones.
 *
 * Throws a `RangeError` while training when a channel has one value, whose variance says nothing.
 */
export function batchNorm(tape: Tape, layer: string, x: Tensor, options: BatchNormOptions): Tensor {
  const { mean, variance, momentum, epsilon, isUnbiased } = options;
  const cols = x.shape.at(-1) ?? 1;
  const rows = x.size / cols;
  const sizes = { items: 1, rows, cols, epsilon, factor: 1, isCentred: true };
  if (!tape.training) {
    const running = { mean: tape.params.values(mean), variance: tape.params.values(variance) };
    const y = tape.tensor(x.shape.slice(1), layer);
    emitColumnNorm(tape, y.data, x.data, { ...running, ...sizes, ...refsOf(tape, options) });
    return y;
  }
  if (rows < 2) {
    throw new RangeError(
      `${layer}: batchNorm wants at least 2 values a channel to train on, got a batch of 1; ` +
        "choose a batch size that leaves no batch of one row, or take layerNorm() or groupNorm()",
    );
  }
  const { y, ...batch } = normaliseColumns(tape, layer, x, sizes, options);
  tape.onUpdate(() => {
    const correction = isUnbiased ? rows / (rows - 1) : 1;
    const follow = (running: Param, value: Ref, factor: number) =>
      tape.emit(
        ...(["follow", tape.params.values(running), value] as const),
        ...([float(momentum), float(factor), cols] as const),
      );
    follow(mean, batch.mean, 1);
    follow(variance, batch.variance, correction);
  });
  return y;
}

export interface GroupNormOptions extends GainAndBias {
  /** Equal runs of channels that are normalised together, over all positions of an example. */
  readonly groups: number;
  readonly epsilon: number;
}

/** Group norm over `[batch, .., channels]`, statistics of an example's own (Wu & He 2018); one channel a group is instance norm. */
export function groupNorm(
  tape: Tape,
  layer: string,
  x: Tensor,
  { groups, epsilon, ...learnt }: GroupNormOptions,
): Tensor {
  const channels = x.shape.at(-1) ?? 1;
  const positions = x.size / tape.batch / channels;
  if (groups === channels) {
    const sizes = { items: tape.batch, rows: positions, cols: channels, epsilon };
    return normaliseColumns(tape, layer, x, { ...sizes, factor: 1, isCentred: true }, learnt).y;
  }
  const sizes = { items: tape.batch, positions, channels, groups, epsilon, isCentred: true };
  return normaliseItems(tape, layer, x, sizes, learnt);
}

/** Over the last axis: layer norm (Ba et al. 2016), or without the mean, rms norm (Zhang & Sennrich 2019). */
export function layerNorm(
  tape: Tape,
  layer: string,
  x: Tensor,
  options: GainAndBias & { readonly epsilon: number; readonly isCentred: boolean },
): Tensor {
  const { epsilon, isCentred } = options;
  const channels = x.shape.at(-1) ?? 1;
  const items = x.size / channels;
  const sizes = { items, positions: 1, channels, groups: 1, epsilon, isCentred };
  return normaliseItems(tape, layer, x, sizes, options);
}

interface ItemSizes {
  readonly items: number;
  readonly positions: number;
  readonly channels: number;
  readonly groups: number;
  readonly epsilon: number;
  readonly isCentred: boolean;
}

function normaliseItems(
  tape: Tape,
  layer: string,
  x: Tensor,
  { items, positions, channels, groups, epsilon, isCentred }: ItemSizes,
  learnt: GainAndBias,
): Tensor {
  const { gain, bias } = refsOf(tape, learnt);
  const centred = isCentred ? 1 : 0;
  const sizes = [items, positions, channels, groups] as const;
  const stats = ref(tape.buffer(`${layer}/statistics`, items * groups * 8));
  const y = tape.tensor(x.shape.slice(1), layer);
  tape.emit("groupNorm", y.data, stats, x.data, gain, bias, ...sizes, float(epsilon), centred);
  tape.onBackward(() => {
    const dy = tape.grad(y);
    if (dy === undefined) return;
    const { dgain, dbias, betas, isWanted } = slotsOf(tape, learnt);
    if (isWanted) {
      tape.emit("groupNormParameters", dgain, dbias, x.data, dy, stats, ...sizes, ...betas);
    }
    const dx = tape.addGrad(x);
    if (dx === undefined) return;
    const inputs = [x.data, dy, stats, gain] as const;
    tape.emit("groupNormBackward", dx.at, ...inputs, ...sizes, centred, dx.beta);
  });
  return y;
}

interface ColumnSizes {
  readonly items: number;
  readonly rows: number;
  readonly cols: number;
  readonly epsilon: number;
  readonly factor: number;
  readonly isCentred: boolean;
}

/** `y = factor gain (x - mean) / sqrt(variance + epsilon) + bias` with the statistics of each item's columns. */
function normaliseColumns(
  tape: Tape,
  layer: string,
  x: Tensor,
  sizes: ColumnSizes,
  learnt: GainAndBias,
): { readonly y: Tensor; readonly mean: Ref; readonly variance: Ref } {
  const y = tape.tensor(x.shape.slice(1), layer);
  const forward = columnForward(tape, layer, y.data, x.data, sizes, learnt);
  tape.onBackward(() => {
    const dy = tape.grad(y);
    if (dy === undefined) return;
    forward.back(dy, () => tape.addGrad(x));
  });
  return { y, ...forward };
}

/** The statistics and what they give; `back` emits the gradients, that of x where `dx` says. */
function columnForward(
  tape: Tape,
  layer: string,
  y: Ref,
  x: Ref,
  sizes: ColumnSizes,
  learnt: GainAndBias,
) {
  const { items, rows, cols, epsilon, factor, isCentred } = sizes;
  const { gain, bias } = refsOf(tape, learnt);
  const shape = [items, rows, cols] as const;
  const centred = isCentred ? 1 : 0;
  const make = (name: string, bytes: number) => ref(tape.buffer(`${layer}/${name}`, bytes));
  const sumBytes = tape.core.kernels.columnPartials(items, rows, cols) * 8;
  const partials = make("partial sums", sumBytes);
  const mean = make("mean", items * cols * 4);
  const variance = make("variance", items * cols * 4);
  tape.emit("columnStatistics", partials, x, ...shape, centred);
  tape.emit("columnMerge", mean, variance, partials, ...shape);
  emitColumnNorm(tape, y, x, { ...sizes, mean, variance, gain, bias });
  const back = (dy: Ref, slot: () => GradSlot | undefined): void => {
    const { dgain, dbias, betas, isWanted } = slotsOf(tape, learnt);
    const dx = slot();
    if (dx === undefined && !isWanted) return;
    const products = make("partial gradients", sumBytes);
    const sums = make("gradient means", 2 * items * cols * 4);
    const flags = [float(epsilon), float(factor)] as const;
    tape.emit("columnNormSums", products, x, dy, mean, ...shape);
    tape.emit(
      ...(["columnNormMerge", sums, dgain, dbias, products, variance, ...shape] as const),
      ...([...flags, centred, ...betas] as const),
    );
    if (dx === undefined) return;
    tape.emit(
      ...(["columnNormBackward", dx.at, x, dy, mean, variance, gain, sums] as const),
      ...([...shape, ...flags, dx.beta] as const),
    );
  };
  return { mean, variance, back };
}

function emitColumnNorm(
  tape: Tape,
  y: Ref,
  x: Ref,
  options: ColumnSizes & {
    readonly mean: Ref;
    readonly variance: Ref;
    readonly gain: Ref | 0;
    readonly bias: Ref | 0;
  },
): void {
  const { mean, variance, gain, bias, items, rows, cols, epsilon, factor } = options;
  tape.emit(
    ...(["columnNorm", y, x, mean, variance, gain, bias] as const),
    ...([items, rows, cols, float(epsilon), float(factor)] as const),
  );
}

/** How a kernel is made of the parameter that is learnt; see `KernelNorm` of the layers. */
export type KernelNormKind = "weight_norm" | "standardised";

/** A kernel as the products take it: the parameter itself, or what is made of it. */
export interface Weight {
  readonly shape: readonly number[];
  readonly data: Ref;
  /** Where its gradient goes. */
  readonly grad: () => GradSlot;
}

/** The parameter as it is. */
export function plainWeight(tape: Tape, kernel: Param): Weight {
  return {
    shape: kernel.spec.shape,
    data: tape.params.values(kernel),
    grad: () => tape.addParamGrad(kernel),
  };
}

/**
 * A kernel `v` [.., inputs, units] made over for each unit, its last axis:
 *
 * - `weight_norm`: `w = gain v / |v|` (Salimans & Kingma 2016)
 * - `standardised`: `w = gain (v - mean) / sqrt(n variance + epsilon)`, n terms a unit (scaled weight standardisation, Brock et al. 2021)
 */
export function normalisedWeight(
  tape: Tape,
  layer: string,
  kernel: Param,
  { kind, gain }: { readonly kind: KernelNormKind; readonly gain: Param },
): Weight {
  const { shape } = kernel.spec;
  const cols = shape.at(-1) ?? 1;
  const rows = kernel.size / cols;
  const data = ref(tape.buffer(`${layer}/normalised kernel`, kernel.size * 4));
  const sizes = { items: 1, rows, cols, epsilon: KERNEL_EPSILON / rows, factor: rows ** -0.5 };
  const { back } = columnForward(
    ...([tape, layer, data, tape.params.values(kernel)] as const),
    { ...sizes, isCentred: kind === "standardised" },
    { gain, bias: undefined },
  );
  let gradient: Ref | undefined;
  tape.onBackward(() => {
    if (gradient !== undefined) back(gradient, () => tape.addParamGrad(kernel));
  });
  return {
    shape,
    data,
    grad() {
      const beta = gradient === undefined ? 0 : 1;
      gradient ??= ref(tape.buffer(`${layer}/normalised kernel/gradient`, kernel.size * 4));
      return { at: gradient, beta };
    },
  };
}

/** Added to a unit's squared length, so that a kernel of zeros gives zeros and not NaN: nothing beside a length of about 1. */
const KERNEL_EPSILON = 1e-12;

function refsOf(tape: Tape, { gain, bias }: GainAndBias) {
  const valuesOf = (param: Param | undefined) =>
    param === undefined ? (0 as const) : tape.params.values(param);
  return { gain: valuesOf(gain), bias: valuesOf(bias) };
}

function slotsOf(tape: Tape, { gain, bias }: GainAndBias) {
  const g = gain && tape.addParamGrad(gain);
  const b = bias && tape.addParamGrad(bias);
  return {
    dgain: g?.at ?? 0,
    dbias: b?.at ?? 0,
    betas: [g?.beta ?? 0, b?.beta ?? 0] as const,
    isWanted: g !== undefined || b !== undefined,
  };
}
