import { expect } from "vitest";
import type { Ptr } from "../../src/core/arena.ts";
import type { Bench } from "./kernels.ts";

/** The unit roundoff of f32: one rounding errs by at most `EPS |result|`, half a ULP. */
export const EPS: number = 2 ** -24;

/** The least normal f32: below it results may be flushed. */
export const TINY: number = 2 ** -126;

/** How kernels are divided in tests. */
export const THREADS: readonly number[] = [1, 2, 3, 5];

/** Calls every slice of a kernel, one after the other. */
export function inSlices(threads: number, run: (thread: number, threads: number) => void): void {
  for (let thread = 0; thread < threads; thread++) run(thread, threads);
}

/** `n` f32 numbers, uniform between two bounds: mulberry32. */
export function draws(n: number, seed: number, low = -1, high = 1): Float32Array {
  let a = seed >>> 0;
  return Float32Array.from({ length: n }, () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return low + (high - low) * (((t ^ (t >>> 14)) >>> 0) / 2 ** 32);
  });
}

/** Whole numbers from -8 to 8, whose sums and products are exact. */
export function wholes(n: number, seed: number): Float32Array {
  return draws(n, seed, -8.49, 8.49)
    .map(Math.round)
    .map((x) => x + 0);
}

const GUARD = 12_345.678;
const GUARDS = 8;

/** Memory for `count` NaNs between guards; `read` copies it and fails when a guard has changed. */
export function guarded(bench: Bench, count: number): { at: Ptr; read(): Float32Array } {
  const whole = bench.floats(new Float32Array(count + 2 * GUARDS).fill(GUARD));
  const at = (whole + 4 * GUARDS) as Ptr;
  bench.arena.f32(at, count).fill(Number.NaN);
  return {
    at,
    read() {
      const guards = Array<number>(GUARDS).fill(Math.fround(GUARD));
      expect([...bench.read(whole, GUARDS)], "words before the output").toEqual(guards);
      const after = (at + 4 * count) as Ptr;
      expect([...bench.read(after, GUARDS)], "words after the output").toEqual(guards);
      return bench.read(at, count);
    },
  };
}

type Operand = Float32Array | Int32Array | Float64Array;

/**
 * Runs a kernel once for each operand, with that operand ending at the last byte of the memory: an access beyond it traps, and so
 * fails the test.
 */
export function atTheEdge(
  bench: Bench,
  operands: readonly Operand[],
  run: (...at: Ptr[]) => void,
): void {
  const { arena } = bench;
  const memory = arena.memory;
  const elsewhere = operands.map((x) => arena.allocate(x.byteLength + 64));
  const largest = Math.max(...operands.map((x) => x.byteLength));
  const free = () => memory.buffer.byteLength - arena.used;
  while (free() < largest) memory.grow(1);
  for (const chosen of operands.keys()) {
    const at = operands.map((x, i) => {
      const p = i === chosen ? memory.buffer.byteLength - x.byteLength : elsewhere[i]!;
      new Uint8Array(memory.buffer, p, x.byteLength).set(
        new Uint8Array(x.buffer, x.byteOffset, x.byteLength),
      );
      return p as Ptr;
    });
    run(...at);
  }
}

/** A state block with the named fields set, each of its type. */
export function stateBlock(
  bench: Bench,
  fields: Readonly<Record<string, number>> = {},
): StateBlock {
  const state = new StateBlock(bench, bench.arena.allocate(bench.enums.State!.size!));
  state.set({ gradientScale: 1, ...fields });
  return state;
}

const DOUBLES = ["lossSum", "correctSum", "rowsSeen"];
const FLOATS = [
  ...["learningRate", "baseRate", "gradientScale", "gradientNorm", "loss", "scheduleFactor"],
];

export class StateBlock {
  readonly at: Ptr;
  readonly #bench: Bench;

  constructor(bench: Bench, at: Ptr) {
    this.#bench = bench;
    this.at = at;
  }

  get(name: string): number {
    const [view, at] = this.#locate(name);
    if (DOUBLES.includes(name)) return view.getFloat64(at, true);
    return FLOATS.includes(name) ? view.getFloat32(at, true) : view.getInt32(at, true);
  }

  set(fields: Readonly<Record<string, number>>): void {
    for (const [name, value] of Object.entries(fields)) {
      const [view, at] = this.#locate(name);
      if (DOUBLES.includes(name)) view.setFloat64(at, value, true);
      else if (FLOATS.includes(name)) view.setFloat32(at, value, true);
      else view.setInt32(at, value, true);
    }
  }

  #locate(name: string): [DataView, number] {
    const offset = this.#bench.enums.State![name];
    if (offset === undefined) throw new RangeError(`StateBlock: no field ${name}`);
    return [new DataView(this.#bench.arena.memory.buffer), this.at + offset];
  }
}

/** Whether two arrays hold the same bits; `toEqual` says where they differ, but takes its time on long ones. */
export function sameBits(a: Float32Array, b: Float32Array): boolean {
  const bytes = (x: Float32Array) => Buffer.from(x.buffer, x.byteOffset, x.byteLength);
  return bytes(a).equals(bytes(b));
}

/** Fails with the index and both values where `|got - want| <= bound` does not hold (NaN matches NaN alone). */
export function expectClose(
  got: ArrayLike<number>,
  want: ArrayLike<number>,
  bound: (i: number) => number,
  what: string,
): void {
  expect(got.length, what).toBe(want.length);
  for (let i = 0; i < got.length; i++) {
    const [g, w] = [got[i]!, want[i]!];
    if (Object.is(g, w) || Math.abs(g - w) <= bound(i)) continue;
    expect.fail(`${what}[${i}]: got ${g}, want ${w}, off by ${Math.abs(g - w)} > ${bound(i)}`);
  }
}
