import { describe, expect, test } from "vitest";
import type { Ptr } from "../../src/core/arena.ts";
import type { Access } from "../../src/graph/effects.ts";
import { bytesOf, effectsOf } from "../../src/graph/effects.ts";
import { CONV_CALLS } from "../support/conv-calls.ts";
import { variants } from "../support/kernels.ts";
import { random } from "../support/random.ts";
import { partOf } from "../support/shares.ts";

const ROWS_RESIDENT = 9;
const HISTORY = 4;
const WORDS = 1 << 14;

/** A region of memory in which every instruction of the list finds its operands. */
interface Place {
  /** `count` words of plausible floats, or of labels. */
  floats(count: number): number;
  labels(count: number, classes: number): number;
  /** Scratch of a product, which no row of the table speaks of. */
  workspace(bytes: number): number;
}

type Make = (place: Place) => number[];

const bits = (x: number) => new Int32Array(Float32Array.of(x).buffer)[0]!;
const half = bits(0.5);
const RELU = 1;
const TANH = 12;
const SIGMOID = 13;

/** Operands of every opcode, in the shapes that its row tells apart. */
const CALLS: Readonly<Record<string, readonly Make[]>> = {
  gemm: [
    (p) => product(p, 13, 21, 7, { bias: true, activation: RELU }),
    (p) => product(p, 9, 33, 19, { beta: 1 }),
    (p) => product(p, 17, 12, 5, { transposed: "a" }),
    (p) => product(p, 5, 19, 8, { transposed: "b" }),
  ],
  activationForward: [(p) => [p.floats(67), p.floats(67), 67, RELU, half]],
  activationBackward: [0, 1].map((beta) => (p: Place) => {
    return [p.floats(67), p.floats(67), p.floats(67), 67, RELU, half, beta];
  }),
  activationBackwardBias: [
    [7, 50, 0],
    [7, 50, 1],
    [6, 10, 0],
    [6, 10, 1],
    [7, 16, 0],
    [7, 16, 1],
  ].map(([rows, cols, beta]) => (p: Place) => {
    const n = rows! * cols!;
    const at = [p.floats(n), p.floats(cols!), p.floats(n), p.floats(n)];
    return [...at, rows!, cols!, RELU, half, beta!];
  }),
  preluForward: [1, 20].map((channels) => (p: Place) => {
    return [p.floats(140), p.floats(140), p.floats(channels), 7, 20, channels];
  }),
  preluBackward: channelCalls((p) => p.floats(140)),
  scaleBy: [1, 20].map((channels) => (p: Place) => {
    return [p.floats(140), p.floats(140), p.floats(channels), 7, 20, channels];
  }),
  scaleByBackward: [...channelCalls((p) => p.floats(140)), ...channelCalls(() => 0)],
  add: [0, 1].map((beta) => (p: Place) => [p.floats(67), p.floats(67), p.floats(67), 67, beta]),
  scale: [0, 1].map((beta) => (p: Place) => [p.floats(67), p.floats(67), half, 67, beta]),
  dropout: [0, 1].map((beta) => (p: Place) => [p.floats(67), p.floats(67), 67, half, 3, 4, beta]),
  softmaxCrossEntropy: [true, false].map((wantsGradient) => (p: Place) => {
    const gradient = wantsGradient ? p.floats(77) : 0;
    const results = [p.floats(7), p.floats(7), gradient, p.floats(77)];
    return [...results, p.labels(7, 11), 7, 11, bits(0.1), half];
  }),
  bceWithLogits: elementLosses(),
  meanSquaredError: elementLosses(),
  meanAbsoluteError: elementLosses(),
  huber: elementLosses(half),
  recordLoss: [(p) => [p.floats(7), p.floats(7), 7]],
  sumSquares: [(p) => [p.floats(6), p.floats(9000), 9000]],
  clipByGlobalNorm: [(p) => [p.floats(6), 3, half]],
  schedule: [() => []],
  sgd: [(p) => [p.floats(67), p.floats(67), 67, half]],
  momentum: [(p) => [p.floats(67), p.floats(67), p.floats(67), 67, half, 1, half]],
  rmsprop: [(p) => [p.floats(67), p.floats(67), p.floats(67), 67, half, half, half]],
  adam: [
    (p) => {
      const blocks = [p.floats(67), p.floats(67), p.floats(67), p.floats(67)];
      return [...blocks, 67, half, half, half, half, 1];
    },
  ],
  advance: [() => []],
  shuffle: [() => []],
  gatherBatch: [(p) => [p.floats(12), p.floats(4), 4, 3, 1]],
  scaleRate: [() => [half]],
  columnStatistics: [20, 131].map((cols) => (p: Place) => {
    return [p.floats(8 * 2 * cols), p.floats(3 * cols), 1, 3, cols, 1];
  }),
  columnMerge: [(p) => [p.floats(40), p.floats(40), p.floats(160), 2, 3, 20]],
  columnNorm: [0, 1].map((has) => (p: Place) => {
    const of = (n: number) => (has ? p.floats(n) : 0);
    const at = [p.floats(120), p.floats(120), p.floats(40), p.floats(40), of(20), of(20)];
    return [...at, 2, 3, 20, half, half];
  }),
  columnNormSums: [(p) => [p.floats(160), p.floats(120), p.floats(120), p.floats(40), 2, 3, 20]],
  columnNormMerge: [0, 1].map((has) => (p: Place) => {
    const of = (n: number) => (has ? p.floats(n) : 0);
    const at = [p.floats(80), of(20), of(20), p.floats(160), p.floats(40)];
    return [...at, 2, 3, 20, half, half, 1, has, has];
  }),
  columnNormBackward: [0, 1].map((beta) => (p: Place) => {
    const at = [p.floats(120), p.floats(120), p.floats(120), p.floats(40), p.floats(40)];
    return [...at, beta ? p.floats(20) : 0, p.floats(80), 2, 3, 20, half, half, beta];
  }),
  groupNorm: [0, 1].map((has) => (p: Place) => {
    const of = (n: number) => (has ? p.floats(n) : 0);
    return [p.floats(120), p.floats(8), p.floats(120), of(20), of(20), 2, 3, 20, 2, half, has];
  }),
  groupNormBackward: [0, 1].map((beta) => (p: Place) => {
    const at = [p.floats(120), p.floats(120), p.floats(120), p.floats(8)];
    return [...at, beta ? p.floats(20) : 0, 2, 3, 20, 2, 1, beta];
  }),
  groupNormParameters: [0, 1].map((has) => (p: Place) => {
    const of = (n: number) => (has ? p.floats(n) : 0);
    return [p.floats(20), of(20), p.floats(120), p.floats(120), p.floats(8), 2, 3, 20, 2, has, has];
  }),
  line: [(p) => [p.floats(67), p.floats(67), half, half, 67]],
  addScalar: [(p) => [p.floats(67), p.floats(67), p.floats(1), 67]],
  maskChannels: [0, 1].map((beta) => (p: Place) => {
    return [p.floats(120), p.floats(120), p.floats(40), half, 2, 3, 20, beta];
  }),
  mul: [0, 1].map((beta) => (p: Place) => [p.floats(67), p.floats(67), p.floats(67), 67, beta]),
  randomBernoulli: [(p) => [p.floats(67), 67, half, 3, 4]],
  randomNormal: [(p) => [p.floats(67), 67, 0, half, 3, 4]],
  lion: [(p) => [p.floats(67), p.floats(67), p.floats(67), 67, half, half, half]],
  follow: [(p) => [p.floats(67), p.floats(67), half, half, 67]],
  ...recurrentCalls(),
  ...CONV_CALLS,
  ...attentionCalls(),
  augment: [(p) => [p.floats(7 * 24), p.floats(7 * 24), 7, 3, 4, 2, 1, 1, 3, 4]],
  weightRows: [
    (p) => [p.floats(7), p.floats(35), p.labels(7, 5), p.floats(5), 7, 5, 0],
    (p) => [p.floats(7), 0, p.labels(7, 5), p.floats(5), 7, 5, 0],
    (p) => [p.floats(7), p.floats(7), p.floats(7), p.floats(2), 7, 1, 1],
  ],
};

/** Attention, embeddings, functional graphs. */
function attentionCalls(): Record<string, Make[]> {
  return {
    dropRows: [true, false].flatMap((wantsGradient) => [
      (p) => dropped(p, wantsGradient ? p.floats(77) : 0, 0),
      (p) => dropped(p, wantsGradient ? p.floats(77) : 0, p.labels(7, 2)),
    ]),
    // Tokens are floats: the bits of whole numbers as integers are denormals, token 0 all of them.
    embed: [(p) => [p.floats(7 * 20), p.labels(7, 5), p.floats(5 * 20), 7, 5, 20]],
    embedBackward: [0, 1].map((beta) => (p: Place) => {
      return [p.floats(5 * 50), p.labels(7, 5), p.floats(7 * 50), 7, 5, 50, 0, beta];
    }),
    maskOfTokens: [(p) => [p.floats(67), p.labels(67, 3), 67]],
    attention: [
      (p) => attentionCall(p, { keeps: 1, rate: half }),
      (p) => attentionCall(p, { keeps: 0, rate: 0 }),
      (p) => attentionCall(p, { isMasked: true }),
    ],
    attentionBackward: [
      (p) => attentionBackwardCall(p, { keeps: 1, rate: half }),
      (p) => attentionBackwardCall(p, { keeps: 0, rate: 0 }),
      (p) => attentionBackwardCall(p, { keeps: 1, rate: 0, isMasked: true, beta: 1 }),
    ],
    copyColumns: [0, 1].map((beta) => (p: Place) => [
      p.floats(70),
      10,
      p.floats(49),
      7,
      7,
      5,
      beta,
    ]),
    fillConstant: [(p) => [p.floats(67), 67, half]],
    addBias: [(p) => [p.floats(77), p.floats(77), p.floats(11), 7, 11]],
    mul: [0, 1].map((beta) => (p: Place) => [p.floats(67), p.floats(67), p.floats(67), 67, beta]),
  };
}

interface AttentionCall {
  readonly keeps?: 0 | 1;
  readonly rate?: number;
  readonly isMasked?: boolean;
  readonly beta?: 0 | 1;
}

/** 2 examples, 3 heads of 4, 5 queries, 6 keys and values side by side. */
const ATTENTION = [2, 3, 5, 6, 4, 0, half] as const;

function attentionCall(p: Place, { keeps, rate = 0, isMasked = false }: AttentionCall): number[] {
  const saved = keeps === undefined ? 0 : p.floats(2 * 3 * 5 * (keeps ? 6 : 2));
  const [o, q, kv] = [p.floats(10 * 12), p.floats(10 * 13), p.floats(12 * 24)];
  const mask = isMasked ? p.labels(12, 2) : 0;
  const at = [o, q, 13, kv, kv + 48, 24, mask, saved, keeps ?? 0, p.workspace(1 << 20)];
  return [...at, ...ATTENTION, rate, 3, 4, 8];
}

function attentionBackwardCall(p: Place, call: AttentionCall): number[] {
  const [, ...operands] = attentionCall(p, call);
  const [dq, dkv] = [p.floats(10 * 13), p.floats(12 * 24)];
  const beta = call.beta ?? 0;
  return [dq, 13, dkv, dkv + 48, 24, p.floats(10 * 12), ...operands, beta, beta];
}

/** Hits are any bits, so half of them are negative; a mask of whole numbers is 0 or, as a float, denormal. */
function dropped(p: Place, gradient: number, mask: number): number[] {
  return [p.floats(7), p.labels(7, 2 ** 32), gradient, mask, 7, 11];
}

function product(
  place: Place,
  m: number,
  n: number,
  k: number,
  options: { bias?: boolean; activation?: number; beta?: number; transposed?: "a" | "b" },
): number[] {
  const { bias = false, activation = 0, beta = 0, transposed } = options;
  const strides = (is: boolean, rows: number, cols: number) => (is ? [1, rows] : [cols, 1]);
  return [
    ...[place.floats(m * n), n, 1],
    ...[place.floats(m * k), ...strides(transposed === "a", m, k)],
    ...[place.floats(k * n), ...strides(transposed === "b", k, n)],
    ...[bias ? place.floats(n) : 0, place.workspace(1 << 20)],
    ...[m, n, k, beta, activation, half, 8],
  ];
}

/** Steps of recurrences over 7 rows of 6 units, with and without states before them, peepholes and masks. */
function recurrentCalls(): Record<string, Make[]> {
  const [rows, units] = [7, 6];
  const kinds = [SIGMOID, half, TANH, half];
  const some = (p: Place, is: boolean, count: number) => (is ? p.floats(count) : 0);
  const one = (p: Place) => p.floats(rows * units);
  const many = (p: Place, gates: number) => p.floats(rows * gates * units);
  // As floats, the whole numbers 0 and 1 are 0 and something else.
  const mask = (p: Place, is: boolean) => (is ? p.labels(rows * 3, 2) : 0);
  const both = (make: (p: Place, is: boolean) => number[]): Make[] =>
    [true, false].map((is) => (p: Place) => make(p, is));
  const sizes = [rows, units, 3];
  return {
    lstmForward: both((p, is) => {
      const outputs = [one(p), one(p), one(p), many(p, 4)];
      const states = [some(p, is, rows * units), some(p, is, rows * units)];
      return [...outputs, ...states, some(p, is, 3 * units), mask(p, is), ...sizes, ...kinds];
    }),
    lstmBackward: both((p, is) => {
      const outputs = [many(p, 4), one(p), some(p, is, rows * units)];
      const inputs = [one(p), one(p), some(p, is, rows * units), some(p, is, 3 * units)];
      return [...outputs, ...inputs, mask(p, is), ...sizes, ...kinds, +is, +is];
    }),
    gruForward: both((p, is) => {
      const at = [one(p), many(p, 3), many(p, 3), some(p, is, rows * units), mask(p, is)];
      return [...at, ...sizes, ...kinds];
    }),
    gruBackward: both((p, is) => {
      const outputs = [many(p, 3), many(p, 3), some(p, is, rows * units)];
      const inputs = [one(p), some(p, is, rows * units), mask(p, is)];
      return [...outputs, ...inputs, ...sizes, ...kinds, +is];
    }),
    gruGates: both((p, is) => {
      const at = [one(p), many(p, 3), some(p, is, rows * units), mask(p, is)];
      return [...at, ...sizes, SIGMOID, half];
    }),
    gruCandidate: both((p, is) => {
      const at = [one(p), many(p, 3), some(p, is, rows * units), mask(p, is)];
      return [...at, ...sizes, TANH, half];
    }),
    gruCandidateBackward: both((p, is) => {
      const outputs = [many(p, 3), some(p, is, rows * units)];
      const inputs = [one(p), some(p, is, rows * units), mask(p, is)];
      return [...outputs, ...inputs, ...sizes, ...kinds, +is];
    }),
    gruGatesBackward: both((p, is) => {
      const outputs = [many(p, 3), some(p, is, rows * units)];
      return [...outputs, one(p), some(p, is, rows * units), rows, units, SIGMOID, half];
    }),
    carryRows: both((p, is) => [one(p), some(p, is, rows * units), mask(p, true), ...sizes]),
    carryRowsBackward: both((p, is) => {
      return [some(p, is, rows * units), one(p), mask(p, true), ...sizes, +is];
    }),
    moveRows: [
      (p) => [p.floats(60), 15, 5, p.floats(60), 5, 20, 4, 3, 5, 0],
      (p) => [p.floats(60), 15, 5, p.floats(60) + 45 * 4, -15, 5, 4, 3, 5, 1],
      (p) => [p.floats(72), 24, 6, p.floats(60), 20, 5, 3, 4, 5, 0],
    ],
    columnDots: [0, 1].map((beta) => (p: Place) => {
      return [p.floats(50), p.floats(7 * 60), 60, p.floats(7 * 50), 50, 7, 50, beta];
    }),
  };
}

function channelCalls(dx: (place: Place) => number): Make[] {
  return [1, 20].flatMap((channels) =>
    [0, 1].map((beta) => (p: Place) => {
      const inputs = [p.floats(140), p.floats(140), p.floats(channels)];
      return [dx(p), p.floats(channels), ...inputs, 7, 20, channels, beta, beta];
    }),
  );
}

function elementLosses(...parameters: number[]): Make[] {
  return [true, false].map((wantsGradient) => (p: Place) => {
    const gradient = wantsGradient ? p.floats(35) : 0;
    const at = [p.floats(7), p.floats(7), gradient, p.floats(35), p.floats(35)];
    return [...at, 7, 5, ...parameters, half];
  });
}

describe.each(await variants())("effects on $name", (bench) => {
  const { arena, kernels, enums } = bench;
  const { Op = {}, State = {} } = enums;
  const start = arena.allocate(WORDS * 4);
  const state = arena.allocate(State.size!);
  const resident = {
    permutation: arena.allocate(ROWS_RESIDENT * 4),
    examples: arena.allocate(ROWS_RESIDENT * 4 * 4),
    history: arena.allocate(2 * HISTORY * 4),
  };
  const sizes = { permutation: ROWS_RESIDENT, examples: ROWS_RESIDENT * 4, history: 2 * HISTORY };
  const workspace = arena.allocate(1 << 20);
  const plan = arena.allocate(256);
  const from = start as number;
  const to = workspace as number;

  const bytes = () => new Uint8Array(arena.memory.buffer, from, to - from);

  /** A state as training has it, and numbers everywhere; another seed gives other numbers of the same kind. */
  function fill(seed: number, labels: readonly [number, number, number][]): void {
    const next = random(seed);
    const all = arena.f32(start, (to - from) / 4);
    for (let i = 0; i < all.length; i++) all[i] = 0.25 + next();
    for (const [at, count, classes] of labels) {
      const ints = arena.i32(at as Ptr, count);
      for (let i = 0; i < count; i++) ints[i] = Math.floor(next() * classes);
    }
    const order = arena.i32(resident.permutation, ROWS_RESIDENT);
    order.set([...order.keys()].map((i) => (i + (seed % ROWS_RESIDENT)) % ROWS_RESIDENT));
    const view = new DataView(arena.memory.buffer, state, State.size!);
    const int = (name: string, value: number) => view.setInt32(State[name]!, value, true);
    for (let at = 0; at < State.size!; at += 4) view.setInt32(at, 0, true);
    int("step", 5 + (seed % 3));
    int("rows", ROWS_RESIDENT);
    int("batchSize", 4);
    int("permutationEpoch", -1);
    int("inputs", resident.examples);
    int("targets", resident.examples + ROWS_RESIDENT * 3 * 4);
    int("permutation", resident.permutation);
    int("shuffleKey", seed);
    int("history", resident.history);
    int("historyLength", HISTORY);
    int("scheduleLength", 10 + seed);
    for (const name of ["learningRate", "baseRate", "gradientScale"]) {
      view.setFloat32(State[name]!, 0.125 + next(), true);
    }
    for (const name of ["lossSum", "correctSum", "rowsSeen"]) {
      view.setFloat64(State[name]!, next(), true);
    }
  }

  /** Marks the bytes that a thread may touch, by where the access really lies. */
  function mark(accesses: readonly Access[], thread: number, threads: number): Uint8Array {
    const marks = new Uint8Array(to - from);
    for (const access of accesses) {
      const base = { memory: 0, state, ...resident }[access.base];
      const size =
        access.base === "memory" || access.base === "state"
          ? access.bytes
          : Math.min(access.bytes, sizes[access.base] * 4);
      for (const [a, b] of partOf({ ...access, bytes: size }, thread, threads)) {
        expect(base + a).toBeGreaterThanOrEqual(from);
        expect(base + b).toBeLessThanOrEqual(to);
        marks.fill(1, base + a - from, base + b - from);
      }
    }
    return marks;
  }

  const calls = Object.entries(CALLS).flatMap(([op, makes]) =>
    makes.map((make, i) => [`${op} ${i}`, op, make] as const),
  );

  test("every opcode has a row, and is tried here", () => {
    expect(Object.keys(CALLS).sort()).toEqual(Object.keys(Op).sort());
  });

  test("an instruction without a row has no effects that could be known", () => {
    expect(effectsOf("teleport", [], State)).toBeUndefined();
  });

  test.each(calls)("%s writes what its row says, and depends on nothing else", (_, op, make) => {
    let top = from;
    const labels: [number, number, number][] = [];
    const take = (count: number) => {
      const at = top;
      top += Math.ceil((count * 4 + 64) / 64) * 64;
      expect(top).toBeLessThanOrEqual(from + WORDS * 4);
      return at;
    };
    const words = make({
      floats: take,
      labels: (count, classes) => {
        const at = take(count);
        labels.push([at, count, classes]);
        return at;
      },
      workspace: () => workspace,
    });
    arena.i32(plan, words.length + 2).set([Op[op]!, words.length + 2, ...words]);
    const row = effectsOf(op, words, State)!;
    const end = (plan + (words.length + 2) * 4) as Ptr;

    for (const threads of [1, 3]) {
      const changed = new Uint8Array(to - from);
      for (let thread = 0; thread < threads; thread++) {
        const reads = mark(row.reads, thread, threads);
        const writes = mark(row.writes, thread, threads);
        // The same reads, everything else different.
        fill(1, labels);
        const before1 = bytes().slice();
        kernels.run(plan, end, state, 1, thread, threads);
        const after1 = bytes().slice();
        fill(2, labels);
        const other = bytes();
        for (let i = 0; i < other.length; i++) if (reads[i]) other[i] = before1[i]!;
        const before2 = bytes().slice();
        kernels.run(plan, end, state, 1, thread, threads);
        const after2 = bytes().slice();
        for (let i = 0; i < after1.length; i++) {
          const isTouched = after1[i] !== before1[i] || after2[i] !== before2[i];
          if (!isTouched) continue;
          changed[i] = 1;
          const where = `thread ${thread} of ${threads}, byte ${i}`;
          expect(writes[i], `${where} is written`).toBe(1);
          expect(after1[i], `${where} depends on undeclared memory`).toBe(after2[i]);
        }
      }
      expect(changed.includes(1), "it does something").toBe(true);
    }
  });

  test("a product costs 2 m n k, an elementwise kernel a flop for each sum and product", () => {
    const gemm = [64, 20, 1, 128, 7, 1, 256, 20, 1, 0, 0, 13, 20, 7, 0, 0, 0];
    expect(effectsOf("gemm", gemm, State)?.flops).toBe(2 * 13 * 20 * 7);
    expect(effectsOf("add", [64, 128, 256, 100, 0], State)?.flops).toBe(100);
    expect(effectsOf("add", [64, 128, 256, 100, 1], State)?.flops).toBe(200);
    expect(effectsOf("scaleBy", [64, 128, 256, 5, 20, 20], State)?.flops).toBe(100);
    expect(effectsOf("gatherBatch", [64, 128, 5, 20, 1], State)?.flops).toBe(0);
  });

  test("bytes are each read and each write once", () => {
    expect(bytesOf(effectsOf("add", [64, 1024, 2048, 100, 0], State)!)).toBe(1200);
    expect(bytesOf(effectsOf("add", [64, 1024, 2048, 100, 1], State)!)).toBe(1600);
  });
});
