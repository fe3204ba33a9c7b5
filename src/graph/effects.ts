import { ATTENTION_EFFECTS } from "./effects-attention.ts";
import { CONV_EFFECTS } from "./effects-conv.ts";
import { DATA_EFFECTS } from "./effects-data.ts";
import { NOISE_EFFECTS, NORM_EFFECTS } from "./effects-norm.ts";
import { RECURRENT_EFFECTS } from "./effects-recurrent.ts";

/**
 * Whose part of an access is whose: what thread t of T may touch.
 *
 * - `every`: any thread any byte; a write is still no two threads' business at one byte.
 * - `first`: thread 0 alone.
 * - `items`: `Slice(count, grain)` of items of `unit` bytes, one behind the other.
 * - `columns`: `Slice(cols, 16)` of the columns of row-major `[rows, cols]` floats.
 */
export type Share =
  | { readonly of: "every" | "first" }
  | { readonly of: "items"; readonly count: number; readonly grain: number; readonly unit: number }
  | { readonly of: "columns"; readonly rows: number; readonly cols: number };

/**
 * A range of bytes. `memory` is addressed absolutely; `state` from the start of the state block of the run; the others lie where
 * the state says, and instructions reach them in no other way.
 */
export interface Access {
  readonly base: "memory" | "state" | "permutation" | "examples" | "history";
  readonly at: number;
  readonly bytes: number;
  readonly share: Share;
}

/** What an instruction does to memory, and what it costs. A product's workspace is left out: each thread has its own. */
export interface Effects {
  readonly reads: readonly Access[];
  /** All that it may write: a kernel may leave some of it as it was. */
  readonly writes: readonly Access[];
  /** Additions and multiplications of its formula, the activation's own left out; 0 for copies. */
  readonly flops: number;
  /** Elements it goes through: outputs of an elementwise kernel, cells of a product. */
  readonly elements: number;
  /** Most threads that find something to do: 1 for thread 0 alone. */
  readonly parts: number;
  /** It may set the status, which ends the run. */
  readonly stops: boolean;
}

/** The i32 words of an instruction's operands, and the offsets of the state's fields. */
export interface Call {
  readonly words: readonly number[];
  readonly state: Readonly<Record<string, number>>;
}

/** Bytes moved in one execution: every read and every write counted once. */
export function bytesOf({ reads, writes }: Effects): number {
  const finite = [...reads, ...writes].filter(({ bytes }) => Number.isFinite(bytes));
  return finite.reduce((sum, { bytes }) => sum + bytes, 0);
}

/**
 * The row of an instruction in the table of effects, from its name, its operands as words (addresses in place) and the state's
 * offsets; undefined for an instruction without a row, of which anything must be expected.
 */
export function effectsOf(
  op: string,
  words: readonly number[],
  state: Readonly<Record<string, number>>,
): Effects | undefined {
  return TABLE[op]?.({ words, state });
}

/** A cache line of floats: what elementwise kernels are cut by. */
const LINE = 16;
/** Gradients of one partial sum of squares. */
const CHUNK = 4096;

const EVERY: Share = { of: "every" };
const FIRST: Share = { of: "first" };

const TABLE: Readonly<Record<string, (call: Call) => Effects>> = {
  ...DATA_EFFECTS,
  // f(A B + bias + beta C)
  gemm: ({ words: w }) => {
    const [c, rsc, csc, a, rsa, csa, b, rsb, csb, bias, , m, n, k, beta] = w;
    const out = matrix(c!, rsc!, csc!, m!, n!);
    return effects({
      reads: [
        ...matrix(a!, rsa!, csa!, m!, k!),
        ...matrix(b!, rsb!, csb!, k!, n!),
        ...(bias === 0 ? [] : span(bias!, n!, EVERY)),
        ...(beta === 0 ? [] : out),
      ],
      writes: out,
      flops: 2 * m! * n! * k!,
      elements: m! * n!,
      parts: Math.ceil(Math.max(m!, n!) / LINE),
    });
  },
  activationForward: ({ words: [y, x, n] }) => elementwise(n!, [x!], [y!], 0),
  activationBackward: ({ words: [dx, s, dy, n, , , beta] }) =>
    elementwise(n!, [s!, dy!, ...(beta ? [dx!] : [])], [dx!], beta ? 2 : 1),
  activationBackwardBias: ({ words: [dz, db, s, dy, rows, cols, , , beta] }) => {
    const isNarrow = cols! < LINE;
    const all = (at: number) =>
      isNarrow ? span(at, rows! * cols!, FIRST) : columns(at, rows!, cols!);
    const sums = isNarrow ? span(db!, cols!, FIRST) : items(db!, cols!, LINE);
    return effects({
      reads: [...all(s!), ...all(dy!), ...sums],
      writes: [...all(dz!), ...sums],
      flops: 2 * rows! * cols! + (beta ? cols! : 0),
      elements: rows! * cols!,
      parts: isNarrow ? 1 : Math.ceil(cols! / LINE),
    });
  },
  preluForward: ({ words: [y, x, slope, rows, cols, channels] }) =>
    byChannel(rows!, cols!, channels!, (of) => ({
      reads: [...of(x!), ...span(slope!, channels!, EVERY)],
      writes: of(y!),
      flops: rows! * cols!,
    })),
  preluBackward: ({ words }) => channelBackward(words),
  add: ({ words: [y, a, b, n, beta] }) =>
    elementwise(n!, [a!, b!, ...(beta ? [y!] : [])], [y!], beta ? 2 : 1),
  scale: ({ words: [y, x, , n, beta] }) =>
    elementwise(n!, [x!, ...(beta ? [y!] : [])], [y!], beta ? 2 : 1),
  dropout: ({ words: [y, x, n, , , , beta], state }) => {
    const row = elementwise(n!, [x!, ...(beta ? [y!] : [])], [y!], beta ? 2 : 1);
    return { ...row, reads: [...row.reads, ...fields(state, EVERY, "step")] };
  },
  softmaxCrossEntropy: ({ words: [loss, hits, dy, y, labels, rows, cols] }) =>
    rowLoss(loss!, hits!, dy!, y!, labels!, rows!, cols!, 1, 4),
  bceWithLogits: ({ words: [loss, hits, dy, y, targets, rows, cols] }) =>
    rowLoss(loss!, hits!, dy!, y!, targets!, rows!, cols!, cols!, 8),
  meanSquaredError: ({ words: [loss, hits, dy, y, targets, rows, cols] }) =>
    rowLoss(loss!, hits!, dy!, y!, targets!, rows!, cols!, cols!, 5),
  meanAbsoluteError: ({ words: [loss, hits, dy, y, targets, rows, cols] }) =>
    rowLoss(loss!, hits!, dy!, y!, targets!, rows!, cols!, cols!, 3),
  huber: ({ words: [loss, hits, dy, y, targets, rows, cols] }) =>
    rowLoss(loss!, hits!, dy!, y!, targets!, rows!, cols!, cols!, 6),
  recordLoss: ({ words: [losses, hits, rows], state }) =>
    effects({
      reads: [
        ...span(losses!, rows!, FIRST),
        ...span(hits!, rows!, FIRST),
        ...fields(state, FIRST, "step", "history", "historyLength"),
        ...fields(state, FIRST, ...SUMS),
      ],
      writes: [
        ...fields(state, FIRST, "loss", "status", ...SUMS),
        { base: "history", at: 0, bytes: Number.POSITIVE_INFINITY, share: FIRST },
      ],
      flops: 2 * rows!,
      elements: rows!,
      parts: 1,
      stops: true,
    }),
  sumSquares: ({ words: [partials, g, n] }) => {
    const count = Math.ceil((n! >>> 0) / CHUNK);
    const share: Share = { of: "items", count, grain: 1, unit: 8 };
    return effects({
      reads: items(g!, n!, CHUNK),
      writes: [{ base: "memory", at: partials! >>> 0, bytes: 8 * count, share }],
      flops: 2 * n!,
      elements: n!,
      parts: count,
    });
  },
  clipByGlobalNorm: ({ words: [partials, count], state }) =>
    effects({
      reads: span(partials!, 2 * count!, FIRST),
      writes: fields(state, FIRST, "gradientNorm", "gradientScale"),
      flops: count!,
      elements: count!,
      parts: 1,
    }),
  schedule: ({ state }) =>
    effects({
      reads: fields(state, FIRST, "step", "baseRate", ...SCHEDULE),
      writes: fields(state, FIRST, "learningRate"),
      flops: 0,
      elements: 1,
      parts: 1,
    }),
  sgd: ({ words: [p, g, n], state }) => update(state, n!, [p!, g!], [p!], 4),
  momentum: ({ words: [p, g, m, n], state }) => update(state, n!, [p!, g!, m!], [p!, m!], 7),
  rmsprop: ({ words: [p, g, v, n], state }) => update(state, n!, [p!, g!, v!], [p!, v!], 11),
  adam: ({ words: [p, g, m, v, n], state }) => {
    const row = update(state, n!, [p!, g!, m!, v!], [p!, m!, v!], 15);
    return { ...row, reads: [...row.reads, ...fields(state, EVERY, "step")] };
  },
  advance: ({ state }) =>
    effects({
      reads: fields(state, FIRST, "step"),
      writes: fields(state, FIRST, "step"),
      flops: 0,
      elements: 1,
      parts: 1,
    }),
  shuffle: ({ state }) =>
    effects({
      reads: [
        ...fields(state, FIRST, ...EPOCH, "shuffleKey", "permutation", "permutationEpoch"),
        { base: "permutation", at: 0, bytes: Number.POSITIVE_INFINITY, share: FIRST },
      ],
      writes: [
        ...fields(state, FIRST, "permutationEpoch"),
        { base: "permutation", at: 0, bytes: Number.POSITIVE_INFINITY, share: FIRST },
      ],
      flops: 0,
      elements: 0, // one epoch in many steps; how many rows the state alone knows
      parts: 1,
    }),
  gatherBatch: ({ words: [inputs, targets, rows, inputWidth, targetWidth], state }) =>
    effects({
      reads: [
        ...fields(state, EVERY, ...EPOCH, "permutation", "inputs", "targets"),
        { base: "permutation", at: 0, bytes: Number.POSITIVE_INFINITY, share: EVERY },
        { base: "examples", at: 0, bytes: Number.POSITIVE_INFINITY, share: EVERY },
      ],
      writes: [...byRow(inputs!, rows!, inputWidth!), ...byRow(targets!, rows!, targetWidth!)],
      flops: 0,
      elements: rows! * (inputWidth! + targetWidth!),
      parts: rows!,
    }),
  scaleBy: ({ words: [y, x, s, rows, cols, channels] }) =>
    byChannel(rows!, cols!, channels!, (of) => ({
      reads: [...of(x!), ...span(s!, channels!, EVERY)],
      writes: of(y!),
      flops: rows! * cols!,
    })),
  scaleByBackward: ({ words }) => channelBackward(words),
  scaleRate: ({ state }) =>
    effects({
      reads: fields(state, FIRST, "learningRate"),
      writes: fields(state, FIRST, "learningRate"),
      flops: 1,
      elements: 1,
      parts: 1,
    }),
  ...NORM_EFFECTS,
  ...RECURRENT_EFFECTS,
  ...CONV_EFFECTS,
  ...ATTENTION_EFFECTS,
  ...NOISE_EFFECTS,
};

const SUMS = ["lossSum", "correctSum", "rowsSeen"] as const;
const SCHEDULE = ["scheduleKind", "scheduleWarmup", "scheduleLength", "scheduleFactor"] as const;
const EPOCH = ["step", "firstStep", "rows", "batchSize"] as const;
/** Fields of the state that are no 4 bytes. */
const WIDE: Readonly<Record<string, number>> = {
  lossSum: 8,
  correctSum: 8,
  rowsSeen: 8,
  shuffleKey: 8,
};

function effects(row: Omit<Effects, "stops"> & { readonly stops?: boolean }): Effects {
  return { stops: false, ...row };
}

/** `outputs = f(inputs)` over n floats, cut by cache lines. */
function elementwise(
  n: number,
  inputs: readonly number[],
  outputs: readonly number[],
  flopsEach: number,
): Effects {
  return effects({
    reads: inputs.flatMap((at) => items(at, n, LINE)),
    writes: outputs.flatMap((at) => items(at, n, LINE)),
    flops: flopsEach * n,
    elements: n,
    parts: Math.ceil(n / LINE),
  });
}

/** An optimiser: threads that find a parameter not finite all write the same status. */
function update(
  state: Call["state"],
  n: number,
  inputs: readonly number[],
  outputs: readonly number[],
  flopsEach: number,
): Effects {
  const row = elementwise(n, inputs, outputs, flopsEach);
  return {
    ...row,
    reads: [...row.reads, ...fields(state, EVERY, "learningRate", "gradientScale")],
    writes: [...row.writes, ...fields(state, EVERY, "status")],
    stops: true,
  };
}

/** A loss, cut by rows; `width` is targets a row. */
function rowLoss(
  losses: number,
  hits: number,
  gradient: number,
  outputs: number,
  targets: number,
  rows: number,
  cols: number,
  width: number,
  flopsEach: number,
): Effects {
  return effects({
    reads: [...byRow(outputs, rows, cols), ...byRow(targets, rows, width)],
    writes: [
      ...byRow(losses, rows, 1),
      ...byRow(hits, rows, 1),
      ...(gradient === 0 ? [] : byRow(gradient, rows, cols)),
    ],
    flops: flopsEach * rows * cols,
    elements: rows * cols,
    parts: rows,
  });
}

/** A factor a channel: cut by rows; one for all: cut as one long vector. */
function byChannel(
  rows: number,
  cols: number,
  channels: number,
  make: (of: (at: number) => readonly Access[]) => Pick<Effects, "reads" | "writes" | "flops">,
): Effects {
  const n = rows * cols;
  const isOne = channels === 1;
  return effects({
    ...make((at) => (isOne ? items(at, n, LINE) : byRow(at, rows, cols))),
    elements: n,
    parts: isOne ? Math.ceil(n / LINE) : rows,
  });
}

type Nine = [number, number, number, number, number, number, number, number, number];

/** The backward of `preluForward` and `scaleBy`: with one factor, thread 0 alone adds up its gradient. */
function channelBackward(words: readonly number[]): Effects {
  const [dx, df, x, dy, f, rows, cols, channels, beta] = words as Nine;
  const n = rows * cols;
  const isOne = channels === 1;
  const read = (at: number) => (isOne ? span(at, n, EVERY) : columns(at, rows, cols));
  const out = dx === 0 ? [] : isOne ? items(dx, n, LINE) : columns(dx, rows, cols);
  const sums = isOne ? span(df, 1, FIRST) : items(df, cols, LINE);
  return effects({
    reads: [
      ...read(x),
      ...read(dy),
      ...(isOne ? span(f, 1, EVERY) : items(f, cols, LINE)),
      ...(beta === 0 ? [] : out),
      ...sums,
    ],
    writes: [...out, ...sums],
    flops: (beta === 0 ? 3 : 4) * n,
    elements: n,
    parts: isOne ? Math.max(1, Math.ceil(n / LINE)) : Math.ceil(cols / LINE),
  });
}

/** `count` words, all under one share. */
function span(at: number, count: number, share: Share): readonly Access[] {
  return count === 0 ? [] : [{ base: "memory", at: at >>> 0, bytes: 4 * count, share }];
}

function items(at: number, count: number, grain: number): readonly Access[] {
  return span(at, count, { of: "items", count, grain, unit: 4 });
}

function byRow(at: number, rows: number, cols: number): readonly Access[] {
  return span(at, rows * cols, { of: "items", count: rows, grain: 1, unit: 4 * cols });
}

function columns(at: number, rows: number, cols: number): readonly Access[] {
  return span(at, rows * cols, { of: "columns", rows, cols });
}

/** From the first to the last cell of a strided matrix. */
function matrix(at: number, rs: number, cs: number, rows: number, cols: number): readonly Access[] {
  const isEmpty = rows === 0 || cols === 0;
  return span(at, isEmpty ? 0 : (rows - 1) * rs + (cols - 1) * cs + 1, EVERY);
}

function fields(
  state: Call["state"],
  share: Share,
  ...names: readonly string[]
): readonly Access[] {
  return names.map((name) => ({
    base: "state",
    at: state[name]!,
    bytes: WIDE[name] ?? 4,
    share,
  }));
}
