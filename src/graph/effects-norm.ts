import type { Access, Effects, Share } from "./effects.ts";

type Row = (call: {
  readonly words: readonly number[];
  readonly state: Readonly<Record<string, number>>;
}) => Effects;

const LINE = 16;
const EVERY: Share = { of: "every" };

/** What the instructions of assembly/kernels/norm.ts do to memory. */
export const NORM_EFFECTS: Readonly<Record<string, Row>> = {
  columnStatistics: ({ words: [partials, x, items, rows, cols] }) =>
    row({
      reads: all(x!, items! * rows! * cols!),
      writes: chunkwise(partials!, items!, rows!, cols!),
      ...work(items!, rows!, cols!, 5),
    }),
  columnMerge: ({ words: [mean, variance, partials, items, rows, cols] }) =>
    row({
      reads: all(partials!, 4 * chunksOf(items!, rows!, cols!) * cols!),
      writes: [mean!, variance!].flatMap((at) => all(at, items! * cols!)),
      ...merge(items!, rows!, cols!),
    }),
  columnNorm: ({ words: [y, x, mean, variance, gain, bias, items, rows, cols] }) =>
    row({
      reads: [
        ...all(x!, items! * rows! * cols!),
        ...[mean!, variance!].flatMap((at) => all(at, items! * cols!)),
        ...[gain!, bias!].flatMap((at) => optional(at, cols!)),
      ],
      writes: all(y!, items! * rows! * cols!),
      ...work(items!, rows!, cols!, 3),
    }),
  columnNormSums: ({ words: [partials, x, dy, mean, items, rows, cols] }) =>
    row({
      reads: [
        ...[x!, dy!].flatMap((at) => all(at, items! * rows! * cols!)),
        ...all(mean!, items! * cols!),
      ],
      writes: chunkwise(partials!, items!, rows!, cols!),
      ...work(items!, rows!, cols!, 4),
    }),
  columnNormMerge: ({ words }) => {
    const [sums, dgain, dbias, partials, variance, items, rows, cols] = words as Eight;
    const [gainBeta, biasBeta] = words.slice(11);
    return row({
      reads: [
        ...all(partials, 4 * chunksOf(items, rows, cols) * cols),
        ...all(variance, items * cols),
        ...(gainBeta ? byColumn(dgain, cols) : []),
        ...(biasBeta ? byColumn(dbias, cols) : []),
      ],
      writes: [...all(sums, 2 * items * cols), ...byColumn(dgain, cols), ...byColumn(dbias, cols)],
      ...merge(items, rows, cols),
    });
  },
  columnNormBackward: ({ words }) => {
    const [dx, x, dy, mean, variance, gain, sums, items] = words as Eight;
    const [rows, cols, , , beta] = words.slice(8) as Eight;
    const n = items * rows * cols;
    return row({
      reads: [
        ...[x, dy, ...(beta ? [dx] : [])].flatMap((at) => all(at, n)),
        ...[mean, variance].flatMap((at) => all(at, items * cols)),
        ...optional(gain, cols),
        ...all(sums, 2 * items * cols),
      ],
      writes: all(dx, n),
      ...work(items, rows, cols, 5),
    });
  },
  groupNorm: ({ words }) => {
    const [y, stats, x, gain, bias, items, positions, channels] = words as Eight;
    const groups = words[8]!;
    return row({
      reads: [
        ...byItem(x, items, positions * channels),
        ...[gain, bias].flatMap((at) => optional(at, channels)),
      ],
      writes: [...byItem(y, items, positions * channels), ...byItem(stats, items, 2 * groups)],
      ...itemwork(items, positions * channels, 9),
    });
  },
  groupNormBackward: ({ words }) => {
    const [dx, x, dy, stats, gain, items, positions, channels] = words as Eight;
    const [groups, , beta] = words.slice(8) as Eight;
    const size = positions * channels;
    return row({
      reads: [
        ...[x, dy, ...(beta ? [dx] : [])].flatMap((at) => byItem(at, items, size)),
        ...byItem(stats, items, 2 * groups),
        ...optional(gain, channels),
      ],
      writes: byItem(dx, items, size),
      ...itemwork(items, size, 11),
    });
  },
  groupNormParameters: ({ words }) => {
    const [dgain, dbias, x, dy, stats, items, positions, channels] = words as Eight;
    const [groups, gainBeta, biasBeta] = words.slice(8) as Eight;
    const columns: Share = { of: "columns", rows: items * positions, cols: channels };
    return row({
      reads: [
        ...[x, dy].flatMap((at) => span(at, items * positions * channels, columns)),
        ...all(stats, 2 * items * groups),
        ...(gainBeta ? byColumn(dgain, channels) : []),
        ...(biasBeta ? byColumn(dbias, channels) : []),
      ],
      writes: [...byColumn(dgain, channels), ...byColumn(dbias, channels)],
      flops: 5 * items * positions * channels,
      elements: items * positions * channels,
      parts: Math.ceil(channels / LINE),
    });
  },
  follow: ({ words: [y, x, , , n] }) =>
    row({
      reads: [y!, x!].flatMap((at) => byColumn(at, n!)),
      writes: byColumn(y!, n!),
      flops: 4 * n!,
      elements: n!,
      parts: Math.ceil(n! / LINE),
    }),
};

/** What the instructions of assembly/kernels/noise.ts, random.ts and lion.ts do. */
export const NOISE_EFFECTS: Readonly<Record<string, Row>> = {
  line: ({ words: [y, x, , , n] }) => elementwise(n!, [x!], y!, 2),
  addScalar: ({ words: [y, x, b, n] }) => {
    const effects = elementwise(n!, [x!], y!, 1);
    return { ...effects, reads: [...effects.reads, ...all(b!, 1)] };
  },
  maskChannels: ({ words }) => {
    const [y, x, mask, , items, positions, channels, beta] = words as Eight;
    const size = positions * channels;
    return row({
      reads: [
        ...[x, ...(beta ? [y] : [])].flatMap((at) => byItem(at, items, size)),
        ...byItem(mask, items, channels),
      ],
      writes: byItem(y, items, size),
      ...itemwork(items, size, 2),
    });
  },
  mul: ({ words: [y, a, b, n, beta] }) => elementwise(n!, [a!, b!, ...(beta ? [y!] : [])], y!, 2),
  // A draw is some 40 operations on whole numbers.
  randomBernoulli: ({ words: [out, n], state }) => drawn(elementwise(n!, [], out!, 40), state),
  randomNormal: ({ words: [out, n], state }) => drawn(elementwise(n!, [], out!, 80), state),
  lion: ({ words: [p, g, m, n], state }) => {
    const effects = elementwise(n!, [p!, g!, m!], p!, 10);
    return {
      ...effects,
      reads: [...effects.reads, ...fields(state, "learningRate", "gradientScale")],
      writes: [...effects.writes, ...byColumn(m!, n!), ...fields(state, "status")],
      stops: true,
    };
  },
};

function elementwise(n: number, inputs: readonly number[], y: number, flopsEach: number): Effects {
  return row({
    reads: inputs.flatMap((at) => byColumn(at, n)),
    writes: byColumn(y, n),
    flops: flopsEach * n,
    elements: n,
    parts: Math.ceil(n / LINE),
  });
}

function drawn(effects: Effects, state: Readonly<Record<string, number>>): Effects {
  return { ...effects, reads: fields(state, "step") };
}

function fields(
  state: Readonly<Record<string, number>>,
  ...names: readonly string[]
): readonly Access[] {
  return names.map((name) => ({ base: "state", at: state[name]!, bytes: 4, share: EVERY }));
}

type Eight = [number, number, number, number, number, number, number, number];

function row(effects: Omit<Effects, "stops">): Effects {
  return { ...effects, stops: false };
}

/** Chunks of the column kernels: as `chunkRows` of assembly/kernels/norm.ts. */
function chunksOf(items: number, rows: number, cols: number): number {
  return items * Math.ceil(rows / Math.max(64, Math.floor(16384 / Math.max(1, cols))));
}

function work(items: number, rows: number, cols: number, flopsEach: number) {
  const n = items * rows * cols;
  return { flops: flopsEach * n, elements: n, parts: chunksOf(items, rows, cols) };
}

function merge(items: number, rows: number, cols: number) {
  const n = chunksOf(items, rows, cols) * cols;
  return { flops: 8 * n, elements: n, parts: Math.ceil(cols / LINE) };
}

function itemwork(items: number, size: number, flopsEach: number) {
  return { flops: flopsEach * items * size, elements: items * size, parts: items };
}

/** Two f64 a chunk and column. */
function chunkwise(at: number, items: number, rows: number, cols: number): readonly Access[] {
  const count = chunksOf(items, rows, cols);
  return span(at, 4 * count * cols, { of: "items", count, grain: 1, unit: 16 * cols });
}

function span(at: number, count: number, share: Share): readonly Access[] {
  return count === 0 ? [] : [{ base: "memory", at: at >>> 0, bytes: 4 * count, share }];
}

function all(at: number, count: number): readonly Access[] {
  return span(at, count, EVERY);
}

function optional(at: number, count: number): readonly Access[] {
  return at === 0 ? [] : all(at, count);
}

function byColumn(at: number, cols: number): readonly Access[] {
  return at === 0 ? [] : span(at, cols, { of: "items", count: cols, grain: LINE, unit: 4 });
}

function byItem(at: number, items: number, size: number): readonly Access[] {
  return span(at, items * size, { of: "items", count: items, grain: 1, unit: 4 * size });
}
