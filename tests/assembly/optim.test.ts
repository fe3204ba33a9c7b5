import { describe, expect, test } from "vitest";
import type { Ptr } from "../../src/core/arena.ts";
import {
  atTheEdge,
  draws,
  EPS,
  expectClose,
  guarded,
  inSlices,
  stateBlock,
  THREADS,
  wholes,
} from "../support/checks.ts";
import { variants } from "../support/kernels.ts";

const f = Math.fround;
const CHUNK = 4096;
const LENGTHS = [...Array(40).keys()].map((i) => i + 1).concat([1003]);
const [MU, RHO, BETA1, BETA2] = [f(0.9), f(0.95), f(0.9), f(0.999)];
const RATE = f(0.05);
const DECAY = f(0.1);
/** As a user would have it, and as large as the step itself. */
const EPSILONS = [f(1e-8), f(0.1)];

/** One parameter and its moments, in f64. */
interface Cell {
  p: number;
  m: number;
  v: number;
}

interface Rule {
  readonly name: string;
  run(
    at: { p: Ptr; g: Ptr; m: Ptr; v: Ptr; state: Ptr },
    n: number,
    epsilon: number,
    decay: number,
    thread: number,
    threads: number,
  ): void;
  /** PyTorch's formula: updates the cell and gives the size that the step would have if no gradient cancelled another. */
  step(cell: Cell, g: number, t: number, epsilon: number, decay: number): number;
}

describe.each(await variants())("optimisers on $name", (bench) => {
  const { kernels: k } = bench;
  const { running, updateNotFinite } = bench.enums.Status!;

  const momentum = (nesterov: number): Rule["step"] => {
    // The same recurrence on |g| in v: what m would be without cancellation.
    return (cell, g, _t, _epsilon, decay) => {
      const gradient = g + decay * cell.p;
      cell.m = MU * cell.m + gradient;
      cell.v = MU * cell.v + Math.abs(gradient);
      cell.p -= RATE * (nesterov ? gradient + MU * cell.m : cell.m);
      return RATE * (Math.abs(gradient) + cell.v);
    };
  };

  const adam = (decoupled: number): Rule["step"] => {
    const sizes = new WeakMap<Cell, number>();
    return (cell, g, t, epsilon, decay) => {
      if (decoupled) cell.p *= 1 - RATE * decay;
      const gradient = g + (decoupled ? 0 : decay * cell.p);
      cell.m = BETA1 * cell.m + (1 - BETA1) * gradient;
      cell.v = BETA2 * cell.v + (1 - BETA2) * gradient ** 2;
      const size = BETA1 * (sizes.get(cell) ?? 0) + (1 - BETA1) * Math.abs(gradient);
      sizes.set(cell, size);
      const root = Math.sqrt(cell.v) / Math.sqrt(1 - BETA2 ** t) + epsilon;
      const rate = RATE / (1 - BETA1 ** t);
      cell.p -= (rate * cell.m) / root;
      return (rate * size) / root;
    };
  };

  const rules: Rule[] = [
    {
      name: "sgd",
      run: ({ p, g, state }, n, _, decay, t, of) => k.sgd(p, g, n, decay, state, t, of),
      step: (cell, g, _t, _epsilon, decay) => {
        const gradient = g + decay * cell.p;
        cell.p -= RATE * gradient;
        return RATE * (Math.abs(g) + Math.abs(decay * cell.p));
      },
    },
    {
      name: "momentum",
      run: ({ p, g, m, state }, n, _, decay, t, of) =>
        k.momentum(p, g, m, n, MU, 0, decay, state, t, of),
      step: momentum(0),
    },
    {
      name: "nesterov",
      run: ({ p, g, m, state }, n, _, decay, t, of) =>
        k.momentum(p, g, m, n, MU, 1, decay, state, t, of),
      step: momentum(1),
    },
    {
      name: "rmsprop",
      run: ({ p, g, v, state }, n, epsilon, decay, t, of) =>
        k.rmsprop(p, g, v, n, RHO, epsilon, decay, state, t, of),
      step: (cell, g, _t, epsilon, decay) => {
        const gradient = g + decay * cell.p;
        cell.v = RHO * cell.v + (1 - RHO) * gradient ** 2;
        const step = (RATE * gradient) / (Math.sqrt(cell.v) + epsilon);
        cell.p -= step;
        return Math.abs(step);
      },
    },
    {
      name: "adam",
      run: ({ p, g, m, v, state }, n, epsilon, decay, t, of) =>
        k.adam(p, g, m, v, n, BETA1, BETA2, epsilon, decay, 0, state, t, of),
      step: adam(0),
    },
    {
      name: "adamw",
      run: ({ p, g, m, v, state }, n, epsilon, decay, t, of) =>
        k.adam(p, g, m, v, n, BETA1, BETA2, epsilon, decay, 1, state, t, of),
      step: adam(1),
    },
  ];

  describe.each(rules)("$name", ({ run, step }) => {
    /** Fresh memory: parameters and moments guarded, the state at `RATE`. */
    function place(p: Float32Array, gradientScale = 1, t = 0) {
      const n = p.length;
      const [pp, m, v] = [guarded(bench, n), guarded(bench, n), guarded(bench, n)];
      bench.arena.f32(pp.at, n).set(p);
      bench.arena.f32(m.at, n).fill(0);
      bench.arena.f32(v.at, n).fill(0);
      const g = bench.output(n);
      const state = stateBlock(bench, { learningRate: RATE, gradientScale, step: t });
      const at = { p: pp.at, g, m: m.at, v: v.at, state: state.at };
      const read = () => ({ p: pp.read(), m: m.read(), v: v.read() });
      const feed = (values: Float32Array) => bench.arena.f32(g, n).set(values);
      return { at, state, read, feed };
    }

    test.each(EPSILONS.flatMap((e) => [0, DECAY].map((d) => [e, d] as const)))(
      "follows PyTorch's formula for ten steps, epsilon %d and weight decay %d",
      (epsilon, decay) => {
        const n = 203;
        const scale = f(0.25);
        const initial = draws(n, 1, -2, 2);
        const { at, state, read, feed } = place(initial, scale);
        const cells = [...initial].map((p) => ({ p, m: 0, v: 0 }));
        const bounds = new Float64Array(n);
        for (let t = 1; t <= 10; t++) {
          const g = draws(n, 100 + t, -4, 4);
          feed(g);
          run(at, n, epsilon, decay, 0, 1);
          k.advance(state.at);
          for (const [i, cell] of cells.entries()) {
            const size = step(cell, g[i]! * scale, t, epsilon, decay);
            // The parameter is rounded twice; a step has at most twelve roundings of its own and six for each step before it, on
            // which its moments rest. What the parameter is off by comes back through the decay, less than a tenth of it a step.
            const fed = decay > 0 ? 0.1 * bounds[i]! : 0;
            bounds[i]! += EPS * (2 * Math.abs(cell.p) + (12 + 6 * t) * size) + fed;
          }
          const want = cells.map((cell) => cell.p);
          expectClose(read().p, want, (i) => bounds[i]!, `parameters after step ${t}`);
        }
        // The bound has to be small against the steps that it judges.
        expect(Math.max(...bounds)).toBeLessThan(1e-3 * RATE);
      },
    );

    test("is the same at every length, and touches nothing beyond", () => {
      const whole = place(draws(1003, 2));
      const g = draws(1003, 3);
      whole.feed(g);
      run(whole.at, 1003, EPSILONS[0]!, DECAY, 0, 1);
      const want = whole.read();
      for (const n of LENGTHS) {
        const part = place(draws(1003, 2).slice(0, n));
        part.feed(g.slice(0, n));
        run(part.at, n, EPSILONS[0]!, DECAY, 0, 1);
        const got = part.read();
        for (const name of ["p", "m", "v"] as const) {
          expect(got[name], `${name}, n = ${n}`).toEqual(want[name].slice(0, n));
        }
        if (n > 20) continue;
        const operands = [draws(n, 2), draws(n, 3), new Float32Array(n), new Float32Array(n)];
        atTheEdge(bench, operands, (p, pg, m, v) => {
          run({ p, g: pg, m, v, state: part.at.state }, n, EPSILONS[0]!, 0, 0, 1);
        });
      }
    });

    test("gives the same bits however it is divided", () => {
      const n = 777;
      const results = THREADS.map((threads) => {
        const { at, read, feed } = place(draws(n, 5));
        feed(draws(n, 6));
        inSlices(threads, (t, of) => run(at, n, EPSILONS[0]!, DECAY, t, of));
        return read();
      });
      for (const result of results) expect(result).toEqual(results[0]);
    });

    test("multiplies gradients by the state's scale", () => {
      const n = 37;
      const [p, g] = [draws(n, 5), draws(n, 6)];
      const scaled = place(p, 0.5);
      scaled.feed(g);
      run(scaled.at, n, EPSILONS[0]!, 0, 0, 1);
      const plain = place(p, 1);
      plain.feed(g.map((x) => x * 0.5));
      run(plain.at, n, EPSILONS[0]!, 0, 0, 1);
      expect(scaled.read()).toEqual(plain.read());
    });

    test("leaves the parameters alone at a learning rate of 0", () => {
      const p = draws(21, 5);
      const { at, state, read, feed } = place(p);
      state.set({ learningRate: 0 });
      feed(draws(21, 6));
      run(at, 21, EPSILONS[0]!, DECAY, 0, 1);
      expect(read().p).toEqual(p);
    });

    test("reports a parameter that is not finite, wherever it is, and only then", () => {
      for (let n = 1; n <= 21; n++) {
        for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
          for (const i of [0, n >> 1, n - 1]) {
            const p = draws(n, n, 1, 2);
            const { at, state, feed } = place(p);
            feed(draws(n, 7, 1, 2));
            // An epsilon of 0 must not turn the empty lanes of the tail into 0 / 0.
            run(at, n, 0, 0, 0, 1);
            expect(state.get("status"), `n = ${n}`).toBe(running);
            bench.arena.f32(at.p, n)[i] = bad;
            run(at, n, 0, 0, 0, 1);
            expect(state.get("status"), `n = ${n}, ${bad} at ${i}`).toBe(updateNotFinite);
          }
        }
      }
    });

    test("reports a gradient that is NaN", () => {
      for (const n of [1, 4, 8, 11]) {
        const { at, state, feed } = place(draws(n, 1));
        feed(draws(n, 2).fill(Number.NaN, n - 1));
        run(at, n, EPSILONS[0]!, 0, 0, 1);
        expect(state.get("status"), `n = ${n}`).toBe(updateNotFinite);
      }
    });

    test("reports an overflow of the update itself, in any thread's slice", () => {
      const n = 100;
      for (const i of [0, 50, 99]) {
        const { at, state, feed } = place(new Float32Array(n).fill(1));
        state.set({ learningRate: 3e38 });
        const g = new Float32Array(n);
        g[i] = -100;
        feed(g);
        inSlices(3, (t, of) => run(at, n, 1e-8, 0, t, of));
        expect(state.get("status"), `at ${i}`).toBe(updateNotFinite);
      }
    });
  });

  test("adam corrects its bias by the step in the state, also a million steps in", () => {
    for (const t of [1, 2, 7, 1000, 1_000_000, 2 ** 31 - 1]) {
      const state = stateBlock(bench, { learningRate: RATE, step: t - 1 });
      const [p, g] = [bench.floats([1, 2, 3]), bench.floats([0, 0, 0])];
      const [m, v] = [bench.floats([0.5, -0.25, 1]), bench.floats([0.3, 0.2, 0.1])];
      k.adam(p, g, m, v, 3, BETA1, BETA2, f(1e-8), 0, 0, state.at, 0, 1);
      const want = [1, 2, 3].map((old, i) => {
        const mean = (BETA1 * [0.5, -0.25, 1][i]!) / (1 - BETA1 ** t);
        const square = (BETA2 * f([0.3, 0.2, 0.1][i]!)) / (1 - BETA2 ** t);
        return old - (RATE * mean) / (Math.sqrt(square) + 1e-8);
      });
      // A step of at most 0.5 with ten roundings, and the parameter's two.
      expectClose(bench.read(p, 3), want, (i) => EPS * (2 * want[i]! + 10 * 0.5), `t = ${t}`);
    }
  });

  describe("sumSquares", () => {
    const squaresOf = (g: Float32Array, threads = 1) => {
      const count = Math.ceil(g.length / CHUNK);
      const partials = bench.arena.allocate(8 * (count + 1));
      const x = bench.floats(g);
      bench.arena.f64(partials, count + 1).fill(-1);
      inSlices(threads, (t, of) => k.sumSquares(partials, x, g.length, t, of));
      const all = [...bench.arena.f64(partials, count + 1)];
      expect(all.pop(), "beyond the last partial").toBe(-1);
      return all;
    };
    const reference = (g: Float32Array) =>
      Array.from({ length: Math.ceil(g.length / CHUNK) }, (_, c) =>
        [...g.slice(c * CHUNK, (c + 1) * CHUNK)].reduce((a, x) => a + x * x, 0),
      );

    test("is exact on whole numbers, a partial for every 4096", () => {
      const sizes = [0, ...LENGTHS, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 5];
      for (const n of sizes) {
        const g = wholes(n, n);
        expect(squaresOf(g), `n = ${n}`).toEqual(reference(g));
      }
    });

    test("sums in f64 and gives the same bits however it is divided", () => {
      const g = draws(5 * CHUNK + 77, 3, -1e20, 1e20);
      const got = squaresOf(g);
      const want = reference(g);
      expect(want[0]).toBeGreaterThan(3.5e38);
      expectClose(got, want, (c) => 2 * CHUNK * 2 ** -53 * want[c]!, "partials");
      for (const threads of THREADS) expect(squaresOf(g, threads)).toEqual(got);
    });

    test("touches nothing beyond its operands", () => {
      for (let n = 1; n <= 20; n++) {
        const operands = [new Float64Array(1), draws(n, n)];
        atTheEdge(bench, operands, (out, x) => k.sumSquares(out, x, n, 0, 1));
      }
    });
  });

  describe("clipByGlobalNorm", () => {
    const clip = (partials: number[], maxNorm: number) => {
      const at = bench.arena.allocate(8 * partials.length);
      bench.arena.f64(at, partials.length).set(partials);
      const state = stateBlock(bench);
      k.clipByGlobalNorm(state.at, at, partials.length, maxNorm);
      return [state.get("gradientNorm"), state.get("gradientScale")];
    };

    test("shortens gradients longer than maxNorm to it, as PyTorch does", () => {
      expect(clip([9, 16, 144], 2)).toEqual([13, f(2 / (13 + 1e-6))]);
      expect(clip([1e80], 1)).toEqual([Number.POSITIVE_INFINITY, f(1e-40)]);
    });

    test("leaves shorter ones alone", () => {
      expect(clip([9, 16], 5.1)).toEqual([5, 1]);
      expect(clip([0], 1)).toEqual([0, 1]);
      // PyTorch's 1e-6 shortens a gradient of exactly maxNorm, if only a little.
      expect(clip([25], 5)).toEqual([5, f(5 / (5 + 1e-6))]);
    });

    test("keeps a NaN, and scales by 0 when the norm is infinite", () => {
      expect(clip([1, Number.NaN], 5)).toEqual([Number.NaN, Number.NaN]);
      expect(clip([1, Number.POSITIVE_INFINITY], 5)).toEqual([Number.POSITIVE_INFINITY, 0]);
    });

    test("after sumSquares, leaves an update of length maxNorm times the rate", () => {
      const n = 10_000;
      const g = bench.floats(draws(n, 9));
      const p = bench.floats(new Float32Array(n));
      const partials = bench.arena.allocate(8 * 3);
      const state = stateBlock(bench, { learningRate: 1 });
      k.sumSquares(partials, g, n, 0, 1);
      k.clipByGlobalNorm(state.at, partials, 3, 0.5);
      k.sgd(p, g, n, 0, state.at, 0, 1);
      const length = Math.hypot(...bench.read(p, n));
      // The norm is above 50, so PyTorch's 1e-6 is less than 2e-8 of it; the scale and the products round once each.
      expect(Math.abs(length - 0.5)).toBeLessThan(0.5 * (2e-8 + 3 * EPS));
    });
  });

  describe("schedule", () => {
    const kinds = bench.enums.Schedule!;
    const BASE = f(0.3);
    const FACTOR = f(0.1);
    const LENGTH = 60;
    const shapes: Record<string, (u: number) => number> = {
      constant: () => 1,
      step: (u) => FACTOR ** Math.floor(u / LENGTH),
      cosine: (u) =>
        FACTOR + ((1 - FACTOR) * (1 + Math.cos(Math.PI * Math.min(1, u / LENGTH)))) / 2,
    };
    const rateAt = (fields: Record<string, number>) => {
      const state = stateBlock(bench, { baseRate: BASE, learningRate: Number.NaN, ...fields });
      k.schedule(state.at);
      return state.get("learningRate");
    };

    test("scaleRate multiplies the rate until the next schedule, and nothing else", () => {
      const state = stateBlock(bench, { baseRate: BASE, learningRate: BASE, step: 3 });
      k.scaleRate(state.at, f(0.7));
      expect(state.get("learningRate")).toBe(f(f(0.7) * BASE));
      expect([state.get("baseRate"), state.get("step")]).toEqual([BASE, 3]);
      k.schedule(state.at);
      expect(state.get("learningRate")).toBe(BASE);
    });

    test.each(Object.keys(shapes).flatMap((kind) => [0, 1, 25].map((w) => [kind, w] as const)))(
      "%s with a warm-up of %d is its formula for 200 steps",
      (kind, warmup) => {
        for (let t = 0; t < 200; t++) {
          const warm = t < warmup ? (t + 1) / warmup : 1;
          const want = BASE * warm * shapes[kind]!(Math.max(0, t - warmup));
          const got = rateAt({
            step: t,
            scheduleKind: kinds[kind]!,
            scheduleWarmup: warmup,
            scheduleLength: LENGTH,
            scheduleFactor: FACTOR,
          });
          // One rounding to f32; the f64 arithmetic before it errs by less than 1e-12.
          expectClose([got], [want], () => EPS * want + 1e-12 * BASE, `t = ${t}`);
        }
      },
    );

    test("cosine falls to a floor of 0, and stays there", () => {
      const fields = { scheduleKind: kinds.cosine!, scheduleWarmup: 3, scheduleLength: 40 };
      let last = Number.POSITIVE_INFINITY;
      for (let t = 3; t <= 43; t++) {
        const rate = rateAt({ ...fields, step: t });
        expect(rate, `t = ${t}`).toBeLessThan(last);
        last = rate;
      }
      expect(rateAt({ ...fields, step: 3 })).toBe(BASE);
      for (const t of [43, 44, 2 ** 31 - 1]) {
        expect(Math.abs(rateAt({ ...fields, step: t })), `t = ${t}`).toBeLessThan(1e-12 * BASE);
      }
    });

    test("cosine errs by less than 1e-15: near the floor the rate is so small that f32 shows it", () => {
      const n = 100_000;
      for (let u = n - 300; u < n; u++) {
        const fields = { scheduleKind: kinds.cosine!, scheduleLength: n, step: u, baseRate: 1 };
        const want = Math.sin((Math.PI * (n - u)) / (2 * n)) ** 2;
        expectClose([rateAt(fields)], [want], () => EPS * want + 1e-15, `u = ${u}`);
      }
    });

    test("takes a length of 0 as 1", () => {
      for (const [kind, want] of [
        ["step", FACTOR ** 5],
        ["cosine", FACTOR],
      ] as const) {
        const fields = { scheduleKind: kinds[kind]!, scheduleFactor: FACTOR, step: 5, baseRate: 1 };
        expectClose([rateAt(fields)], [want], () => EPS * want, kind);
      }
    });

    test("reads the state and writes the rate alone", () => {
      const state = stateBlock(bench, { baseRate: BASE, step: 7, scheduleWarmup: 10 });
      const before = bench.read(state.at, 32);
      k.schedule(state.at);
      const after = bench.read(state.at, 32);
      const changed = [...after.keys()].filter((i) => !Object.is(after[i], before[i]));
      expect(changed).toEqual([bench.enums.State!.learningRate! / 4]);
    });
  });

  test("advance counts one step", () => {
    const state = stateBlock(bench, { step: 41 });
    k.advance(state.at);
    expect(state.get("step")).toBe(42);
  });
});
