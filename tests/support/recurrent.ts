import { activationFunction } from "../../src/init/theory/activations.ts";
import type { ActivationSpec } from "../../src/init/types.ts";

/** A recurrence as its formulas state it, in f64, an example and a step at a time. */
export interface Recurrence {
  readonly cell: "simple_rnn" | "gru" | "lstm";
  readonly units: number;
  readonly activation?: ActivationSpec;
  readonly recurrentActivation?: ActivationSpec;
  readonly resetAfter?: boolean;
  readonly reverse?: boolean;
  readonly sequences?: boolean;
}

export interface Weights {
  readonly kernel: ArrayLike<number>;
  readonly recurrent: ArrayLike<number>;
  readonly bias?: ArrayLike<number> | undefined;
  readonly recurrentBias?: ArrayLike<number> | undefined;
  readonly peephole?: ArrayLike<number> | undefined;
}

export interface State {
  readonly h: number[];
  readonly c: number[];
}

const GATES = { simple_rnn: 1, gru: 3, lstm: 4 };

/** The outputs of one example `x`, rows of `inputs` numbers, and the state at the end. */
export function recur(
  about: Recurrence,
  weights: Weights,
  x: readonly (readonly number[])[],
  mask: readonly number[] = x.map(() => 1),
  start?: State,
): { readonly outputs: number[]; readonly end: State } {
  const { units } = about;
  const zeros = Array<number>(units).fill(0);
  let state: State = start ?? { h: zeros, c: zeros };
  const outputs: number[][] = x.map(() => []);
  const order = x.map((_, t) => (about.reverse ? x.length - 1 - t : t));
  for (const t of order) {
    if (mask[t] !== 0) state = step(about, weights, x[t]!, state);
    outputs[t] = state.h;
  }
  return { outputs: about.sequences ? outputs.flat() : state.h, end: state };
}

function step(about: Recurrence, w: Weights, x: readonly number[], { h, c }: State): State {
  const { cell, units, resetAfter = true } = about;
  const width = GATES[cell] * units;
  const s = activationFunction(about.recurrentActivation ?? { name: "sigmoid", alpha: 0 }).f;
  const a = activationFunction(about.activation ?? { name: "tanh", alpha: 0 }).f;
  const sum = (v: readonly number[], m: ArrayLike<number>, column: number) =>
    v.reduce((total, value, i) => total + value * m[i * width + column]!, 0);
  const input = (column: number) => sum(x, w.kernel, column) + (w.bias?.[column] ?? 0);
  const state = (column: number) => sum(h, w.recurrent, column) + (w.recurrentBias?.[column] ?? 0);
  const indices = h.map((_, i) => i);
  const peep = (part: number, i: number) => w.peephole?.[part * units + i] ?? 0;
  switch (cell) {
    case "simple_rnn":
      return { h: indices.map((i) => a(input(i) + state(i))), c };
    case "gru": {
      const r = indices.map((i) => s(input(i) + state(i)));
      const z = indices.map((i) => s(input(units + i) + state(units + i)));
      const reset = h.map((value, i) => r[i]! * value);
      const n = indices.map((i) => {
        const column = 2 * units + i;
        const after = r[i]! * state(column);
        return a(input(column) + (resetAfter ? after : sum(reset, w.recurrent, column)));
      });
      return { h: indices.map((i) => (1 - z[i]!) * n[i]! + z[i]! * h[i]!), c };
    }
    case "lstm": {
      const z = (gate: number, i: number) => input(gate * units + i) + state(gate * units + i);
      const cell = indices.map((i) => {
        const [before, g] = [c[i]!, a(z(2, i))];
        return s(z(1, i) + peep(1, i) * before) * before + s(z(0, i) + peep(0, i) * before) * g;
      });
      return { h: indices.map((i) => s(z(3, i) + peep(2, i) * cell[i]!) * a(cell[i]!)), c: cell };
    }
  }
}
