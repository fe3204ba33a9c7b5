import type { Sampling } from "./bench-timer.ts";
import { race } from "./bench-timer.ts";

// What this machine and engine can do at most, measured: the figures that the suites' percentages are of.

/**
 * Flops a second on one thread of a loop that does nothing but `acc = acc a + b` in registers: by multiplication and addition, or
 * fused. The better of 12 and 24 accumulators, since 24 need registers twice as wide as fixed-width SIMD's.
 */
export async function peakFlops(fused: boolean, sampling: Sampling): Promise<number> {
  const iterations = 20_000;
  const loops = [12, 24].map((accumulators) => {
    const module = new WebAssembly.Module(loopOf(accumulators, fused));
    const run = new WebAssembly.Instance(module).exports.run as (n: number) => void;
    return { amount: iterations * accumulators * 4 * 2, run: () => run(iterations) };
  });
  return Math.max(...(await race(loops, sampling)).map(({ high }) => high));
}

/** Bytes a second, read and written together, of the engine's own copy from one half of `bytes` bytes to the other. */
export async function peakCopy(bytes: number, sampling: Sampling): Promise<number> {
  const half = bytes >> 1;
  const block = new Uint8Array(2 * half).fill(1);
  const [from, to] = [block.subarray(0, half), block.subarray(half)];
  const [rate] = await race([{ amount: 2 * half, run: () => to.set(from) }], sampling);
  return rate!.high;
}

const OP = {
  end: [0x0b],
  loop: [0x03, 0x40],
  brIf: [0x0d],
  get: [0x20],
  set: [0x21],
  tee: [0x22],
  i32Const: [0x41],
  i32Sub: [0x6b],
  load: [0xfd, 0x00],
  splat: [0xfd, 0x09],
  store: [0xfd, 0x0b],
  add: [0xfd, 0xe4, 0x01],
  mul: [0xfd, 0xe6, 0x01],
  relaxedMadd: [0xfd, 0x85, 0x02],
} as const;

const [I32, V128] = [0x7f, 0x7b];

/** A module whose `run(n)` goes n times through the loop. It ends with pairs of adjacent stores, which a revectorising engine wants. */
function loopOf(accumulators: number, fused: boolean): Uint8Array<ArrayBuffer> {
  const [n, a, b, first] = [0, 1, 2, 3];
  const each = Array.from({ length: accumulators }, (_, i) => i);
  const at = (i: number) => leb(64 + 16 * i);
  const step = (i: number) => [
    ...[...OP.get, first + i, ...OP.get, a],
    ...(fused ? [...OP.get, b, ...OP.relaxedMadd] : [...OP.mul, ...OP.get, b, ...OP.add]),
    ...[...OP.set, first + i],
  ];
  const body = [
    ...[1, ...leb(2 + accumulators), V128],
    ...[...OP.i32Const, 0, ...OP.splat, 2, 0, ...OP.set, a],
    ...[...OP.i32Const, 0, ...OP.splat, 2, 4, ...OP.set, b],
    ...each.flatMap((i) => [...OP.i32Const, 0, ...OP.load, 4, ...at(i), ...OP.set, first + i]),
    ...[...OP.loop, ...each.flatMap(step)],
    ...[...OP.get, n, ...OP.i32Const, 1, ...OP.i32Sub, ...OP.tee, n, ...OP.brIf, 0, ...OP.end],
    ...each
      .reverse()
      .flatMap((i) => [...OP.i32Const, 0, ...OP.get, first + i, ...OP.store, 4, ...at(i)]),
    ...OP.end,
  ];
  // a = 0.5, b = 1: every accumulator stays between 0 and 2, and no number is denormal.
  const data = [0, 0, 0, 0x3f, 0, 0, 0x80, 0x3f];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 1, I32, 0]),
    ...section(3, [1, 0]),
    ...section(5, [1, 0, 1]),
    ...section(7, [1, 3, ...ascii("run"), 0, 0]),
    ...section(10, [1, ...leb(body.length), ...body]),
    ...section(11, [1, 0, ...OP.i32Const, 0, ...OP.end, data.length, ...data]),
  ]);
}

const section = (id: number, content: readonly number[]) => [
  id,
  ...leb(content.length),
  ...content,
];

const ascii = (text: string) => [...text].map((c) => c.charCodeAt(0));

/** An unsigned number in LEB128. */
function leb(value: number): readonly number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...leb(value >>> 7)];
}
