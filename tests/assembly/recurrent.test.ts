import { describe, expect, test } from "vitest";
import type { Ptr } from "../../src/core/arena.ts";
import { atTheEdge, draws, guarded, inSlices, THREADS } from "../support/checks.ts";
import type { Bench } from "../support/kernels.ts";
import { variants } from "../support/kernels.ts";

// What the kernels compute is held to formulas through networks (tests/network/recurrent.test.ts) and to PyTorch; here is how they treat memory.

type Kernel = (bench: Bench, at: readonly Ptr[], thread: number, threads: number) => void;

interface Call {
  readonly name: string;
  /** Floats of each operand in memory. */
  readonly lengths: readonly number[];
  readonly run: Kernel;
}

const [TANH, SIGMOID] = [12, 13];
const MASK_STRIDE = 3;

function callsOf(rows: number, units: number): Call[] {
  const n = rows * units;
  const mask = rows === 0 ? 0 : (rows - 1) * MASK_STRIDE + 1;
  const sizes = [rows, units, MASK_STRIDE] as const;
  const gate = [SIGMOID, 0] as const;
  const state = [TANH, 0] as const;
  return [
    {
      name: "lstmForward",
      lengths: [n, n, n, 4 * n, n, n, 3 * units, mask],
      run: ({ kernels: k }, [h, c, fc, g, c0, h0, p, m], ...share) =>
        k.lstmForward(h!, c!, fc!, g!, c0!, h0!, p!, m!, ...sizes, ...gate, ...state, ...share),
    },
    ...[0, 1].map(
      (beta): Call => ({
        name: `lstmBackward, beta ${beta}`,
        lengths: [4 * n, n, n, n, n, n, 3 * units, mask],
        run: ({ kernels: k }, [g, dc, back, dh, fc, c0, p, m], ...share) => {
          const at = [g!, dc!, back!, dh!, fc!, c0!, p!, m!] as const;
          k.lstmBackward(...at, ...sizes, ...gate, ...state, beta, beta, ...share);
        },
      }),
    ),
    {
      name: "lstmBackward of other kinds",
      lengths: [4 * n, n, n, n, n],
      run: ({ kernels: k }, [g, dc, dh, fc, c0], ...share) => {
        const at = [g!, dc!, 0, dh!, fc!, c0!, 0, 0] as const;
        k.lstmBackward(...at, ...sizes, TANH, 0, 1, 0, 1, 0, ...share);
      },
    },
    {
      name: "gruForward",
      lengths: [n, 3 * n, 3 * n, n, mask],
      run: ({ kernels: k }, [h, s, u, h0, m], ...share) =>
        k.gruForward(h!, s!, u!, h0!, m!, ...sizes, ...gate, ...state, ...share),
    },
    ...[0, 1].map(
      (beta): Call => ({
        name: `gruBackward, beta ${beta}`,
        lengths: [3 * n, 3 * n, n, n, n, mask],
        run: ({ kernels: k }, [s, u, back, dh, h0, m], ...share) => {
          const at = [s!, u!, back!, dh!, h0!, m!] as const;
          k.gruBackward(...at, ...sizes, ...gate, ...state, beta, ...share);
        },
      }),
    ),
    {
      name: "gruGates",
      lengths: [n, 3 * n, n, mask],
      run: ({ kernels: k }, [r, s, h0, m], ...share) =>
        k.gruGates(r!, s!, h0!, m!, ...sizes, ...gate, ...share),
    },
    {
      name: "gruCandidate",
      lengths: [n, 3 * n, n, mask],
      run: ({ kernels: k }, [h, s, h0, m], ...share) =>
        k.gruCandidate(h!, s!, h0!, m!, ...sizes, ...state, ...share),
    },
    ...[0, 1].map(
      (beta): Call => ({
        name: `gruCandidateBackward, beta ${beta}`,
        lengths: [3 * n, n, n, n, mask],
        run: ({ kernels: k }, [s, back, dh, h0, m], ...share) => {
          const at = [s!, back!, dh!, h0!, m!] as const;
          k.gruCandidateBackward(...at, ...sizes, ...gate, ...state, beta, ...share);
        },
      }),
    ),
    {
      name: "gruGatesBackward",
      lengths: [3 * n, n, n, n],
      run: ({ kernels: k }, [s, back, dr, h0], ...share) =>
        k.gruGatesBackward(s!, back!, dr!, h0!, rows, units, ...gate, ...share),
    },
    {
      name: "carryRows",
      lengths: [n, n, mask],
      run: ({ kernels: k }, [h, h0, m], ...share) => k.carryRows(h!, h0!, m!, ...sizes, ...share),
    },
    ...[0, 1].map(
      (beta): Call => ({
        name: `carryRowsBackward, beta ${beta}`,
        lengths: [n, n, mask],
        run: ({ kernels: k }, [back, dh, m], ...share) =>
          k.carryRowsBackward(back!, dh!, m!, ...sizes, beta, ...share),
      }),
    ),
    ...[0, 1].map(
      (beta): Call => ({
        name: `columnDots, beta ${beta}`,
        lengths: [units, n, n],
        run: ({ kernels: k }, [out, a, b], ...share) =>
          k.columnDots(out!, a!, units, b!, units, rows, units, beta, ...share),
      }),
    ),
    {
      name: "moveRows, turned round",
      lengths: [n * 2, n * 2],
      run: ({ kernels: k }, [y, x], ...share) => {
        // Two blocks of rows change places with the rows.
        const last = (x! + n * 4) as Ptr;
        k.moveRows(y!, units, 2 * units, last, -n, units, 2, rows, units, 0, ...share);
      },
    },
  ];
}

/** Numbers in [-1, 1], of which every third float is 0: those of a mask hide some rows. */
function values(length: number, seed: number): Float32Array {
  return draws(length, seed).map((x, i) => ((i * 7 + seed) % 9 < 3 ? 0 : x));
}

const SHAPES = [1, 2, 3, 4, 5, 7, 8, 9, 16, 18].map((units, i) => [1 + (i % 5), units] as const);

describe.each(await variants())("steps of recurrences on $name", (bench) => {
  const names = callsOf(1, 1).map(({ name }) => name);

  test.each(names)(
    "%s: the division among threads changes no bit, and nothing else is touched",
    (name) => {
      for (const [rows, units] of SHAPES) {
        const call = callsOf(rows, units).find((one) => one.name === name)!;
        const results = THREADS.map((threads) => {
          const operands = call.lengths.map((length, i) => {
            const place = guarded(bench, length);
            bench.arena.f32(place.at, length).set(values(length, i + 1));
            return place;
          });
          const at = operands.map((operand) => operand.at);
          inSlices(threads, (t, of) => call.run(bench, at, t, of));
          return operands.map((operand) => [...operand.read()]);
        });
        for (const result of results) expect(result, `${rows} x ${units}`).toEqual(results[0]);
        const before = call.lengths.map((length, i) => [...values(length, i + 1)]);
        if (rows > 3) expect(results[0]).not.toEqual(before);
      }
    },
  );

  test.each(names)("%s reads nothing beyond its operands", (name) => {
    const call = callsOf(3, 7).find((one) => one.name === name)!;
    const operands = call.lengths.map((length, i) => values(length, i + 1));
    atTheEdge(bench, operands, (...at) => call.run(bench, at, 0, 1));
  });

  test("moveRows transposes, reverses and adds", () => {
    const x = bench.floats(Array.from({ length: 24 }, (_, i) => i));
    const y = bench.floats(new Float32Array(24).fill(100));
    // [2, 3, 4] to [3, 2, 4], the middle axis from its end.
    const last = (x + 2 * 4 * 4) as Ptr;
    bench.kernels.moveRows(y, 8, 4, last, -4, 12, 3, 2, 4, 1, 0, 1);
    const want = [2, 1, 0].flatMap((j) =>
      [0, 1].flatMap((i) => [0, 1, 2, 3].map((c) => 100 + i * 12 + j * 4 + c)),
    );
    expect([...bench.read(y, 24)]).toEqual(want);
  });

  test("a backward with beta 0 does not read what it overwrites", () => {
    for (const name of [
      "lstmBackward, beta 0",
      "gruBackward, beta 0",
      "gruCandidateBackward, beta 0",
    ]) {
      const call = callsOf(5, 7).find((one) => one.name === name)!;
      const first = call.lengths.map((length, i) => bench.floats(values(length, i + 1)));
      const second = call.lengths.map((length, i) => bench.floats(values(length, i + 1)));
      const outputs = { lstm: [1, 2], gru: [2], gruC: [1] }[
        /^(gruC|gru|lstm)/.exec(name)![1] as "gru"
      ];
      for (const i of outputs) bench.arena.f32(second[i]!, call.lengths[i]!).fill(Number.NaN);
      for (const at of [first, second]) call.run(bench, at, 0, 1);
      call.lengths.forEach((length, i) => {
        expect(bench.read(second[i]!, length), `${name}, operand ${i}`).toEqual(
          bench.read(first[i]!, length),
        );
      });
    }
  });
});
