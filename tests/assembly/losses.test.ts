import { describe, expect, test } from "vitest";
import type { Ptr } from "../../src/core/arena.ts";
import {
  atTheEdge,
  draws,
  EPS,
  expectClose,
  guarded,
  inSlices,
  sameBits,
  stateBlock,
  THREADS,
  TINY,
} from "../support/checks.ts";
import { variants } from "../support/kernels.ts";

const WIDTHS = [...Array(20).keys()].map((i) => i + 1).concat([100, 1003]);
const SCALE = Math.fround(1 / 7);
const BAD = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];

const sum = (x: Iterable<number>) => [...x].reduce((a, b) => a + b, 0);

const rowOf = (x: Float32Array | number[], r: number, cols: number): number[] => [
  ...x.slice(r * cols, (r + 1) * cols),
];

// The references, in f64 and with nothing that cancels.

function softmaxOf(x: readonly number[]): number[] {
  const top = Math.max(...x);
  const e = x.map((v) => Math.exp(v - top));
  const total = sum(e);
  return e.map((v) => v / total);
}

function crossEntropyOf(x: readonly number[], label: number, smoothing: number): number {
  const best = x.indexOf(Math.max(...x));
  const gaps = x.map((v) => x[best]! - v);
  const rest = sum(gaps.map((d, c) => (c === best ? 0 : Math.exp(-d))));
  return Math.log1p(rest) + (1 - smoothing) * gaps[label]! + (smoothing * sum(gaps)) / x.length;
}

function targetsOf(classes: number, label: number, smoothing: number): number[] {
  return Array.from(
    { length: classes },
    (_, c) => smoothing / classes + (c === label ? 1 - smoothing : 0),
  );
}

describe.each(await variants())("losses on $name", (bench) => {
  const { kernels: k } = bench;

  /** What is at address 0, where a gradient that was not asked for would go. */
  const NULL_PAGE = 64;
  const atNull = bench.read(0 as Ptr, NULL_PAGE);

  /** Runs the loss on fresh memory, with a gradient beside, over the logits, or none. */
  function crossEntropy(
    logits: Float32Array,
    labels: readonly number[],
    options: {
      smoothing?: number;
      gradient?: "beside" | "inPlace" | "none";
      threads?: number;
    } = {},
  ) {
    const { smoothing = 0, gradient = "beside", threads = 1 } = options;
    const rows = labels.length;
    const classes = logits.length / rows;
    const [loss, hits, beside] = [
      guarded(bench, rows),
      guarded(bench, rows),
      guarded(bench, logits.length),
    ];
    const x = bench.floats(logits);
    const dx = gradient === "none" ? 0 : gradient === "inPlace" ? x : beside.at;
    const t = bench.ints(labels);
    inSlices(threads, (thread, of) =>
      k.softmaxCrossEntropy(
        loss.at,
        hits.at,
        dx,
        x,
        t,
        rows,
        classes,
        smoothing,
        SCALE,
        thread,
        of,
      ),
    );
    if (gradient !== "inPlace") {
      expect(sameBits(bench.read(x, logits.length), logits), "logits are not written").toBe(true);
    }
    expect(bench.read(0 as Ptr, NULL_PAGE)).toEqual(atNull);
    return {
      loss: loss.read(),
      hits: hits.read(),
      gradient: gradient === "inPlace" ? bench.read(x, logits.length) : beside.read(),
    };
  }

  describe("softmax", () => {
    test("errs by at most 6 EPS of each probability, at every width, in place too", () => {
      for (const cols of WIDTHS) {
        const rows = 3;
        const x = draws(rows * cols, cols, -20, 20);
        const y = guarded(bench, rows * cols);
        const px = bench.floats(x);
        k.softmax(y.at, px, rows, cols, 0, 1);
        k.softmax(px, px, rows, cols, 0, 1);
        const got = y.read();
        expect(bench.read(px, rows * cols)).toEqual(got);
        const want = [0, 1, 2].flatMap((r) => softmaxOf(rowOf(x, r, cols)));
        // exp: 2 ULP, 4 EPS; 1 / sum and the product: one rounding each.
        expectClose(got, want, (i) => 6 * EPS * want[i]! + TINY, `${cols} columns`);
      }
    });

    test("is exact for equal values, however large, and for far ones", () => {
      const y = bench.output(8);
      k.softmax(y, bench.floats(new Float32Array(8).fill(3e38)), 2, 4, 0, 1);
      expect(bench.read(y, 8)).toEqual(new Float32Array(8).fill(0.25));
      k.softmax(y, bench.floats([-1e4, 0, -104, -1e30]), 1, 4, 0, 1);
      expect([...bench.read(y, 4)]).toEqual([0, 1, 0, 0]);
    });

    test("gives the same bits however it is divided, and touches nothing beyond its operands", () => {
      const [rows, cols] = [17, 11];
      const x = bench.floats(draws(rows * cols, 2, -5, 5));
      const results = THREADS.map((threads) => {
        const y = bench.output(rows * cols);
        inSlices(threads, (t, of) => k.softmax(y, x, rows, cols, t, of));
        return bench.read(y, rows * cols);
      });
      for (const result of results) expect(result).toEqual(results[0]);
      for (let n = 1; n <= 20; n++) {
        const v = draws(2 * n, n);
        atTheEdge(bench, [v, v], (y, p) => k.softmax(y, p, 2, n, 0, 1));
      }
    });
  });

  describe("softmaxCrossEntropy", () => {
    // exp errs by 2 ULP (4 EPS), log by 1 (2 EPS), and the sum is rounded once; no term is negative.
    const LOSS_BOUND = 7 * EPS;

    test("keeps 7 EPS on sure and on lost rows: two classes, every difference up to 87", () => {
      const n = 40_000;
      const d = Float32Array.from({ length: n }, (_, i) => (87 * (i + 1)) / n);
      const top = draws(n, 4, -30, 30);
      const x = Float32Array.from({ length: 2 * n }, (_, i) =>
        i % 2 === 0 ? top[i >> 1]! : top[i >> 1]! - d[i >> 1]!,
      );
      for (const label of [0, 1]) {
        const labels = Array<number>(n).fill(label);
        const { loss, hits, gradient } = crossEntropy(x, labels);
        const want = labels.map((_, r) => crossEntropyOf(rowOf(x, r, 2), label, 0));
        expectClose(loss, want, (r) => LOSS_BOUND * want[r]! + TINY, `loss, label ${label}`);
        // Both columns hold ± the probability of the other class: relative accuracy, also when p is 1 - 1e-30.
        const error = labels.map((_, r) => softmaxOf(rowOf(x, r, 2))[1 - label]!);
        const slope = error.flatMap((p) => (label === 0 ? [-p, p] : [p, -p])).map((p) => p * SCALE);
        const bound = (i: number) => 8 * EPS * Math.abs(slope[i]!) + TINY;
        expectClose(gradient, slope, bound, `gradient, label ${label}`);
        expect([...new Set(hits)]).toEqual([1 - label]);
      }
    });

    test.each([0, 0.1, 1])("equals PyTorch's definition with smoothing %d, at every width", (s) => {
      const smoothing = Math.fround(s);
      for (const classes of WIDTHS) {
        const rows = 5;
        const x = draws(rows * classes, classes, -12, 12);
        const labels = [...Array(rows).keys()].map((r) => (r * 7 + 3) % classes);
        const { loss, hits, gradient } = crossEntropy(x, labels, { smoothing });
        const want = labels.map((t, r) => crossEntropyOf(rowOf(x, r, classes), t, smoothing));
        // By its definition, -sum q ln p: a second way to the same number.
        for (const [r, t] of labels.entries()) {
          const p = softmaxOf(rowOf(x, r, classes));
          const q = targetsOf(classes, t, smoothing);
          expect(want[r]).toBeCloseTo(-sum(p.map((v, c) => q[c]! && q[c]! * Math.log(v))), 10);
        }
        expectClose(loss, want, (r) => LOSS_BOUND * want[r]!, `loss, ${classes} classes`);
        const p = labels.flatMap((_, r) => softmaxOf(rowOf(x, r, classes)));
        const q = labels.flatMap((t) => targetsOf(classes, t, smoothing));
        const slope = p.map((v, i) => (v - q[i]!) * SCALE);
        const bound = (i: number) => SCALE * EPS * (8 * p[i]! + 3 * q[i]!) + TINY;
        expectClose(gradient, slope, bound, `gradient, ${classes} classes`);
        const best = labels.map((_, r) => {
          const row = rowOf(x, r, classes);
          return row.indexOf(Math.max(...row));
        });
        expect([...hits]).toEqual(labels.map((t, r) => Number(best[r] === t)));
      }
    });

    test("has the central differences of its loss for gradient", () => {
      const h = 1e-4;
      for (const classes of [1, 2, 5, 10]) {
        const x = draws(classes, 40 + classes, -3, 3);
        const label = classes >> 1;
        const smoothing = Math.fround(0.2);
        const { gradient } = crossEntropy(x, [label], { smoothing });
        const at = (c: number, step: number) =>
          crossEntropyOf(
            [...x].map((v, i) => (i === c ? v + step : v)),
            label,
            smoothing,
          );
        const want = [...x.keys()].map((c) => ((at(c, h) - at(c, -h)) / (2 * h)) * SCALE);
        // Third derivatives are below 1: h^2 / 6, the reference's own rounding over h, and the kernel's.
        const bound = SCALE * (h * h + (8 * 2 ** -53 * 10) / h + 12 * EPS);
        expectClose(gradient, want, () => bound, `${classes} classes`);
      }
    });

    test("counts the first largest logit as the prediction", () => {
      for (let classes = 2; classes <= 20; classes++) {
        for (let first = 0; first < classes; first++) {
          const x = new Float32Array(classes).fill(-1);
          x[first] = 2;
          x[classes - 1] = 2;
          for (const label of [first, classes - 1]) {
            const { hits } = crossEntropy(x, [label]);
            expect(hits[0], `${classes} classes, ${first}, ${label}`).toBe(Number(label === first));
          }
        }
      }
    });

    test("gives a row with a value that is not finite a loss of NaN and no hit, and leaves the others alone", () => {
      for (let classes = 1; classes <= 9; classes++) {
        const x = draws(3 * classes, classes, -3, 3);
        const labels = [0, classes - 1, classes >> 1];
        const clean = crossEntropy(x, labels);
        for (const bad of BAD) {
          for (let c = 0; c < classes; c++) {
            const dirty = x.slice();
            dirty[classes + c] = bad;
            const { loss, hits, gradient } = crossEntropy(dirty, labels);
            expect(loss[1], `${bad} in ${c} of ${classes}`).toBeNaN();
            expect(hits[1]).toBe(0);
            for (const r of [0, 2]) {
              expect(loss[r]).toBe(clean.loss[r]);
              expect(rowOf(gradient, r, classes)).toEqual(rowOf(clean.gradient, r, classes));
            }
          }
          const all = new Float32Array(classes).fill(bad);
          expect(crossEntropy(all, [0]).loss[0], `all ${bad}`).toBeNaN();
        }
      }
    });

    test("gives the same bits in place, and the same loss without a gradient", () => {
      for (const classes of WIDTHS) {
        const x = draws(4 * classes, classes, -8, 8);
        const labels = [0, 1, 2, 3].map((r) => r % classes);
        const smoothing = 0.1;
        const beside = crossEntropy(x, labels, { smoothing });
        expect(crossEntropy(x, labels, { smoothing, gradient: "inPlace" })).toEqual(beside);
        const none = crossEntropy(x, labels, { smoothing, gradient: "none" });
        expect(none.loss).toEqual(beside.loss);
        expect(none.hits).toEqual(beside.hits);
        expect(none.gradient.every(Number.isNaN)).toBe(true);
      }
    });

    test("gives the same bits however it is divided", () => {
      const x = draws(23 * 10, 6, -8, 8);
      const labels = [...Array(23).keys()].map((r) => r % 10);
      const results = THREADS.map((threads) => crossEntropy(x, labels, { threads }));
      for (const result of results) expect(result).toEqual(results[0]);
    });

    test("touches nothing beyond its operands", () => {
      for (let n = 1; n <= 20; n++) {
        const x = draws(2 * n, n);
        const rows = new Float32Array(2);
        const labels = Int32Array.of(0, n - 1);
        atTheEdge(bench, [rows, rows, x, x, labels], (l, h, dx, p, t) =>
          k.softmaxCrossEntropy(l, h, dx, p, t, 2, n, 0.1, 1, 0, 1),
        );
      }
    });

    test.runIf(bench.name === "debug")("asserts that labels are classes", () => {
      for (const label of [-2, 3]) {
        expect(() => crossEntropy(draws(3, 1), [label])).toThrow(
          /softmaxCrossEntropy: label out of range/,
        );
      }
    });
  });

  // Losses of single elements.

  const DELTA = Math.fround(0.7);
  type Run = (
    loss: Ptr,
    hits: Ptr,
    dy: Ptr | 0,
    y: Ptr,
    t: Ptr,
    rows: number,
    cols: number,
    scale: number,
    thread: number,
    threads: number,
  ) => void;
  interface Definition {
    readonly name: string;
    readonly run: Run;
    readonly loss: (y: number, t: number) => number;
    readonly slope: (y: number, t: number) => number;
    /** Roundings of a loss, relative to it. */
    readonly roundings: number;
    /** Error of a slope, in EPS. */
    readonly slopeError: (y: number, t: number) => number;
    readonly hit: (y: number, t: number) => boolean;
    readonly targets: (n: number, seed: number) => Float32Array;
    readonly range: number;
  }

  const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
  const clamp = (d: number, limit: number) => Math.max(-limit, Math.min(limit, d));
  const real = { hit: () => false, targets: draws, range: 2 };
  const definitions: Definition[] = [
    {
      name: "bceWithLogits",
      run: k.bceWithLogits,
      loss: (x, t) => Math.abs(x) * (x > 0 ? 1 - t : t) + Math.log1p(Math.exp(-Math.abs(x))),
      slope: (x, t) => (x > 0 ? 1 - t - sigmoid(-x) : sigmoid(x) - t),
      // exp 4, 1 + z and its remainder 3, log 2, the weight and the product 2, the sum and the result 2.
      roundings: 13,
      slopeError: (x, t) => 8 * sigmoid(-Math.abs(x)) + 3 * (x > 0 ? 1 - t : t),
      hit: (x, t) => x > 0 === t > 0.5,
      targets: (n, seed) => draws(n, seed, 0, 1).map((v, i) => (i % 3 === 2 ? v : Math.round(v))),
      range: 12,
    },
    {
      name: "meanSquaredError",
      run: k.meanSquaredError,
      loss: (y, t) => (y - t) ** 2,
      slope: (y, t) => 2 * (y - t),
      roundings: 4,
      slopeError: (y, t) => 2 * Math.abs(2 * (y - t)),
      ...real,
    },
    {
      name: "meanAbsoluteError",
      run: k.meanAbsoluteError,
      loss: (y, t) => Math.abs(y - t),
      slope: (y, t) => Math.sign(y - t),
      roundings: 2,
      slopeError: () => 1,
      ...real,
    },
    {
      name: "huber",
      run: (l, h, dy, y, t, rows, cols, scale, thread, threads) =>
        k.huber(l, h, dy, y, t, rows, cols, DELTA, scale, thread, threads),
      loss: (y, t) => {
        const d = Math.abs(y - t);
        return d <= DELTA ? d ** 2 / 2 : DELTA * (d - DELTA / 2);
      },
      slope: (y, t) => clamp(y - t, DELTA),
      // The error is rounded once and enters at most squared; |d| - c / 2 is at least |d| / 2, so its rounding counts twice.
      roundings: 8,
      slopeError: (y, t) => 3 * Math.abs(y - t),
      ...real,
    },
  ];

  describe.each(definitions)("$name", (definition) => {
    const { run, loss, slope, roundings, slopeError, hit, targets, range } = definition;

    function measure(
      y: Float32Array,
      t: Float32Array,
      rows: number,
      gradient: "beside" | "inPlace" | "none" = "beside",
      threads = 1,
    ) {
      const [l, h, beside] = [guarded(bench, rows), guarded(bench, rows), guarded(bench, y.length)];
      const [py, pt] = [bench.floats(y), bench.floats(t)];
      const dy = gradient === "none" ? 0 : gradient === "inPlace" ? py : beside.at;
      inSlices(threads, (thread, of) =>
        run(l.at, h.at, dy, py, pt, rows, y.length / rows, SCALE, thread, of),
      );
      if (gradient !== "inPlace") {
        expect(sameBits(bench.read(py, y.length), y), "outputs are not written").toBe(true);
      }
      expect(bench.read(0 as Ptr, NULL_PAGE)).toEqual(atNull);
      const dx = gradient === "inPlace" ? bench.read(py, y.length) : beside.read();
      return { loss: l.read(), hits: h.read(), gradient: dx };
    }

    test("equals its definition at every width", () => {
      for (const cols of WIDTHS) {
        const rows = 4;
        const y = draws(rows * cols, cols, -range, range);
        const t = targets(rows * cols, cols + 1);
        const got = measure(y, t, rows);
        const each = [...y].map((v, i) => loss(v, t[i]!));
        const want = [0, 1, 2, 3].map((r) => sum(rowOf(each, r, cols)) / cols);
        expectClose(got.loss, want, (r) => roundings * EPS * want[r]!, `loss, ${cols} columns`);
        const slopes = [...y].map((v, i) => slope(v, t[i]!) * SCALE);
        const bound = (i: number) => (slopeError(y[i]!, t[i]!) + 1) * SCALE * EPS + TINY;
        expectClose(got.gradient, slopes, bound, `gradient, ${cols} columns`);
        const right = [...y].map((v, i) => Number(hit(v, t[i]!)));
        expect([...got.hits]).toEqual(
          [0, 1, 2, 3].map((r) => Math.fround(sum(rowOf(right, r, cols)) / cols)),
        );
      }
    });

    test("has the central differences of its loss for gradient", () => {
      const h = 1e-5;
      const y = draws(200, 12, -range, range);
      const t = targets(200, 13);
      const { gradient } = measure(y, t, 1);
      // Not across the kink of the absolute error. Second derivatives jump by at most 2, hence the h of the bound.
      const smooth = [...y.keys()].filter((i) => Math.abs(y[i]! - t[i]!) > 2 * h);
      expect(smooth.length).toBeGreaterThan(190);
      const want = smooth.map((i) => {
        const [v, u] = [y[i]!, t[i]!];
        return ((loss(v + h, u) - loss(v - h, u)) / (2 * h)) * SCALE;
      });
      const bound = (j: number) => {
        const i = smooth[j]!;
        return SCALE * (h + (100 * 2 ** -53) / h + (slopeError(y[i]!, t[i]!) + 1) * EPS);
      };
      expectClose(
        smooth.map((i) => gradient[i]!),
        want,
        bound,
        "gradient",
      );
    });

    test("is 0 with a gradient of 0 where the output is the target", () => {
      if (definition.name === "bceWithLogits") return;
      const y = draws(10, 1);
      const got = measure(y, y, 2);
      expect([...got.loss]).toEqual([0, 0]);
      expect([...got.gradient].map(Math.abs)).toEqual(Array<number>(10).fill(0));
    });

    test("gives a row with a value that is not finite a loss that is not, and leaves the others alone", () => {
      for (let cols = 1; cols <= 9; cols++) {
        const y = draws(3 * cols, cols);
        const t = targets(3 * cols, 5);
        const clean = measure(y, t, 3);
        for (const bad of BAD) {
          for (let c = 0; c < cols; c++) {
            const dirty = y.slice();
            dirty[cols + c] = bad;
            const got = measure(dirty, t, 3);
            expect(Number.isFinite(got.loss[1]), `${bad} in ${c} of ${cols}`).toBe(false);
            expect([got.loss[0], got.loss[2]]).toEqual([clean.loss[0], clean.loss[2]]);
          }
        }
      }
    });

    test("gives the same bits in place, without a gradient and however it is divided", () => {
      const [rows, cols] = [13, 6];
      const y = draws(rows * cols, 1, -range, range);
      const t = targets(rows * cols, 2);
      const want = measure(y, t, rows);
      expect(measure(y, t, rows, "inPlace")).toEqual(want);
      const none = measure(y, t, rows, "none");
      expect([none.loss, none.hits]).toEqual([want.loss, want.hits]);
      expect(none.gradient.every(Number.isNaN)).toBe(true);
      for (const threads of THREADS) {
        expect(measure(y, t, rows, "beside", threads)).toEqual(want);
      }
    });

    test("touches nothing beyond its operands", () => {
      for (let n = 1; n <= 20; n++) {
        const [y, t, rows] = [draws(2 * n, n), targets(2 * n, n), new Float32Array(2)];
        atTheEdge(bench, [rows, rows, y, y, t], (l, h, dy, py, pt) =>
          run(l, h, dy, py, pt, 2, n, 1, 0, 1),
        );
      }
    });
  });

  test("bceWithLogits keeps its relative accuracy on sure and on lost logits, up to 87", () => {
    const n = 40_000;
    const x = Float32Array.from({ length: n }, (_, i) => (174 * (i + 0.5)) / n - 87);
    for (const target of [0, 1]) {
      const [loss, hits, dx] = [bench.output(n), bench.output(n), bench.output(n)];
      const t = bench.floats(new Float32Array(n).fill(target));
      k.bceWithLogits(loss, hits, dx, bench.floats(x), t, n, 1, SCALE, 0, 1);
      const want = [...x].map((v) => definitions[0]!.loss(v, target));
      expectClose(bench.read(loss, n), want, (i) => 13 * EPS * want[i]! + TINY, `loss, ${target}`);
      // sigmoid(x) - 1 = -sigmoid(-x)
      const slopes = [...x].map((v) => (target ? -sigmoid(-v) : sigmoid(v)) * SCALE);
      const bound = (i: number) => 12 * EPS * Math.abs(slopes[i]!) + TINY;
      expectClose(bench.read(dx, n), slopes, bound, `gradient, ${target}`);
    }
  });

  test("huber is half the squared error for a large delta, and delta times the absolute error far out", () => {
    const y = draws(50, 1, -3, 3);
    const t = new Float32Array(50);
    const [loss, hits, dy] = [bench.output(50), bench.output(50), bench.output(50)];
    const [py, pt] = [bench.floats(y), bench.floats(t)];
    k.huber(loss, hits, dy, py, pt, 50, 1, 100, 1, 0, 1);
    const half = [...y].map((v) => (v * v) / 2);
    expectClose(bench.read(loss, 50), half, (i) => 4 * EPS * half[i]!, "large delta");
    expect(bench.read(dy, 50)).toEqual(y);
    k.huber(loss, hits, dy, py, pt, 50, 1, 2 ** -20, 1, 0, 1);
    const far = [...y].map((v) => 2 ** -20 * (Math.abs(v) - 2 ** -21));
    expectClose(bench.read(loss, 50), far, (i) => 4 * EPS * far[i]!, "small delta");
    expect([...bench.read(dy, 50)]).toEqual([...y].map((v) => Math.sign(v) * 2 ** -20));
  });

  describe("rows that do not count", () => {
    const LABELS = [2, -1, 0, 4, -1, 1, 3];
    const MASK = [1, 1, 0, 1, 1, 1, 0];
    const KEPT = [0, 3, 5];
    const classes = 5;

    const run = (logits: Float32Array, threads: number, gradient = true, mask = MASK) => {
      const rows = mask.length;
      const out = [guarded(bench, rows), guarded(bench, rows), guarded(bench, logits.length)];
      const [loss, hits, d] = out.map(({ at }) => at);
      const dx = gradient ? d! : 0;
      const [x, t, m] = [
        bench.floats(logits),
        bench.ints(LABELS.slice(0, rows)),
        bench.floats(mask),
      ];
      inSlices(threads, (thread, of) =>
        k.softmaxCrossEntropy(loss!, hits!, dx, x, t, rows, classes, 0.1, 1 / rows, thread, of),
      );
      inSlices(threads, (thread, of) => k.dropRows(loss!, hits!, dx, m, rows, classes, thread, of));
      return out.map((block) => block.read());
    };

    test("have loss 0, hit -1 and gradient 0, and the others the gradient of their own mean", () => {
      const logits = draws(35, 4, -3, 3);
      const [loss, hits, gradient] = run(logits, 1);
      for (let r = 0; r < 7; r++) {
        const row = rowOf(gradient!, r, classes);
        if (!KEPT.includes(r)) {
          expect([loss![r], hits![r], ...row]).toEqual([0, -1, 0, 0, 0, 0, 0]);
          continue;
        }
        const x = rowOf(logits, r, classes);
        const want = crossEntropyOf(x, LABELS[r]!, 0.1);
        expectClose([loss![r]!], [want], () => 8 * EPS * want, `loss ${r}`);
        const p = softmaxOf(x);
        const q = targetsOf(classes, LABELS[r]!, 0.1);
        // As of one row of three: to the kernel's own 8 EPS come the two factors' roundings.
        const slope = p.map((v, c) => (v - q[c]!) / 3);
        expectClose(row, slope, () => 10 * EPS, `gradient ${r}`);
      }
    });

    test("have the same bits for every number of threads, and with a gradient nobody wants", () => {
      const logits = draws(35, 4, -3, 3);
      const one = run(logits, 1);
      for (const threads of THREADS) {
        const many = run(logits, threads);
        for (const i of [0, 1, 2]) expect(sameBits(one[i]!, many[i]!)).toBe(true);
      }
      const none = run(logits, 1, false);
      for (const i of [0, 1]) expect(sameBits(one[i]!, none[i]!)).toBe(true);
    });

    test("change nothing where all count, and leave a gradient of 0 where none does", () => {
      const logits = draws(5, 4, -3, 3);
      const [loss, hits, gradient] = run(logits, 1, true, [1]);
      const plain = crossEntropy(logits, [2], { smoothing: 0.1 });
      expect([loss, hits]).toEqual([plain.loss, plain.hits]);
      const factor = 1 / SCALE;
      expectClose(
        gradient!,
        plain.gradient.map((g) => g * factor),
        () => 6 * EPS,
        "gradient",
      );
      const none = run(logits, 1, true, [0]);
      expect(none.map((x) => [...x])).toEqual([[0], [-1], [0, 0, 0, 0, 0]]);
    });

    test("are no part of the mean, the share of hits and the count that are recorded", () => {
      const history = guarded(bench, 2);
      const state = stateBlock(bench, { history: history.at, historyLength: 1 });
      const [losses, hits] = [bench.floats([3, 0, 6, 0]), bench.floats([1, -1, 0, -1])];
      k.recordLoss(state.at, losses, hits, 4);
      expect([...history.read()]).toEqual([4.5, 0.5]);
      expect(["lossSum", "correctSum", "rowsSeen"].map((name) => state.get(name))).toEqual([
        9, 1, 2,
      ]);
      const none = stateBlock(bench);
      k.recordLoss(none.at, bench.floats([0]), bench.floats([-1]), 1);
      expect([none.get("loss"), none.get("rowsSeen")]).toEqual([0, 0]);
      expect(none.get("status")).toBe(bench.enums.Status!.running);
    });
  });

  describe("recordLoss", () => {
    const record = (state: Ptr, losses: number[], hits: number[]) =>
      k.recordLoss(state, bench.floats(losses), bench.floats(hits), losses.length);

    test("writes the f64 mean and adds to the sums", () => {
      const state = stateBlock(bench, { lossSum: 10, correctSum: 2, rowsSeen: 5, step: 3 });
      const losses = draws(999, 3, 0, 5);
      record(
        state.at,
        [...losses],
        [...losses.keys()].map((r) => r % 2),
      );
      const total = sum(losses);
      expect(state.get("loss")).toBe(Math.fround(total / 999));
      expect(state.get("lossSum")).toBe(10 + total);
      expect(state.get("correctSum")).toBe(2 + 499);
      expect(state.get("rowsSeen")).toBe(5 + 999);
      expect(state.get("status")).toBe(bench.enums.Status!.running);
      expect(state.get("step")).toBe(3);
    });

    test("writes each step's loss, and behind them its share of hits, at their places in the rings", () => {
      const history = guarded(bench, 16);
      const state = stateBlock(bench, { history: history.at, historyLength: 8 });
      for (let step = 0; step < 20; step++) {
        state.set({ step });
        record(state.at, [step, step + 1], [step % 2, 1]);
      }
      const steps = [16, 17, 18, 19, 12, 13, 14, 15];
      const shares = steps.map((s) => ((s % 2) + 1) / 2);
      expect([...history.read()]).toEqual([...steps.map((s) => s + 0.5), ...shares]);
    });

    test("writes no history when there is none", () => {
      const state = stateBlock(bench, { historyLength: 8 });
      const before = bench.read(0 as Ptr, 16);
      record(state.at, [5], [1]);
      expect(bench.read(0 as Ptr, 16)).toEqual(before);
    });

    test.each(BAD)("sets the status and adds nothing when a row's loss is %d", (bad) => {
      const history = guarded(bench, 8);
      const state = stateBlock(bench, { lossSum: 1, history: history.at, historyLength: 4 });
      record(state.at, [1, bad, 2], [1, 1, 1]);
      expect(state.get("status")).toBe(bench.enums.Status!.lossNotFinite);
      expect(["lossSum", "correctSum", "rowsSeen"].map((name) => state.get(name))).toEqual([
        1, 0, 0,
      ]);
      expect(state.get("loss")).toBe(bad);
      expect(history.read()[0]).toBe(bad);
    });
  });
});
