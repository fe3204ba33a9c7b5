import type { Ptr } from "./arena.ts";
import type { Tile } from "./engine.ts";
import type { Instance } from "./instantiate.ts";
import { instantiate } from "./instantiate.ts";

/** GFLOP/s of gemm: without the mode, and in it with either tile. */
export interface Rates {
  readonly plain?: number;
  readonly tile8?: number;
  readonly tile16?: number;
}

/** Kernels compiled for being looked at, and a memory of theirs. */
export interface Probe extends Instance {
  readonly memory: WebAssembly.Memory;
}

/** A kernel's output on random operands, as bits. */
interface Result {
  readonly kernel: string;
  readonly bits: Int32Array;
}

// Four regions of the probe's memory, in bytes.
const BASE = 1 << 16;
const REGION = 1 << 16;
const [A, B, C, WORK] = [0, 1, 2, 3].map((i) => BASE + i * REGION) as [Ptr, Ptr, Ptr, Ptr];
const LINEAR = 0;

/** Instantiates a binary with a section that says nothing but `tag`: to V8 it is another module, with code of its own. */
export async function load(bytes: Uint8Array<ArrayBuffer>, tag: number): Promise<Probe> {
  const name = new TextEncoder().encode(`probe${tag}`);
  const tagged = new Uint8Array(bytes.length + name.length + 3);
  tagged.set(bytes);
  tagged.set([0, name.length + 1, name.length, ...name], bytes.length);
  const module = await WebAssembly.compile(tagged);
  const memory = new WebAssembly.Memory({ initial: 8 });
  return { ...(await instantiate(module, memory)), memory };
}

/** What the kernels make of the same random operands: gemm in every height and layout of its micro-kernels, then families of loops. */
export function results(probe: Probe, tile: Tile): readonly Result[] {
  const { kernels: k, enums, memory } = probe;
  const found: Result[] = [];
  const take = (kernel: string, count: number) =>
    found.push({ kernel, bits: new Int32Array(memory.buffer, C, count).slice() });
  fill(memory, A, (2 * REGION) / 4, uniform(1));
  for (let m = 1; m <= 6; m++) {
    for (const [rsa, csa] of [
      ["k", 1],
      [1, "m"],
    ] as const) {
      for (const [n, depth] of [
        [40, 7],
        [21, 33],
      ] as const) {
        const [row, column] = [rsa === "k" ? depth : 1, csa === "m" ? m : 1];
        for (const beta of [0, 1]) {
          const right = [B, n, 1, 0, WORK, m, n, depth, beta, LINEAR, 0, tile, 0, 1] as const;
          k.gemm(C, n, 1, A, row, column, ...right);
        }
        take("gemm", m * n);
        k.gemm(
          C,
          n,
          1,
          A,
          row,
          column,
          B,
          1,
          depth,
          0,
          WORK,
          m,
          n,
          depth,
          0,
          LINEAR,
          0,
          tile,
          0,
          1,
        );
        take("gemm with B transposed", m * n);
      }
    }
  }
  const n = 77;
  for (const [name, kind] of Object.entries(enums.Activation ?? {})) {
    k.activationForward(C, A, n, kind, 0.1, 0, 1);
    take(name, n);
  }
  k.add(C, A, B, n, 0, 0, 1);
  take("add", n);
  return found;
}

/** The first kernel whose bits are not the expected ones. */
export function differingKernel(
  expected: readonly Result[],
  got: readonly Result[],
): string | undefined {
  const isSame = (a: Int32Array, b: Int32Array | undefined) => a.every((x, i) => x === b?.[i]);
  return expected.find(({ bits }, i) => !isSame(bits, got[i]?.bits))?.kernel;
}

/** The best of what gemm does at 96 x 96 x 96 in some milliseconds, in GFLOP/s. */
export function gemmRate({ kernels }: Probe, tile: Tile, milliseconds: number): number {
  const n = 96;
  let best = Number.POSITIVE_INFINITY;
  const end = performance.now() + milliseconds;
  do {
    const start = performance.now();
    for (let i = 0; i < 4; i++) {
      kernels.gemm(C, n, 1, A, n, 1, B, n, 1, 0, WORK, n, n, n, 0, LINEAR, 0, tile, 0, 1);
    }
    best = Math.min(best, (performance.now() - start) / 4);
  } while (performance.now() < end);
  return (2 * n ** 3) / best / 1e6;
}

/**
 * Whether gemm rounds once a multiply-add. On whole numbers below 2^15 a double holds every `sum + a b` exactly, so that one
 * rounding to f32 is what a fused multiply-add gives.
 */
export function isFused({ kernels, memory }: Probe): boolean {
  const [m, n, k] = [13, 29, 31];
  const draw = uniform(2);
  fill(memory, A, m * k, () => Math.round(draw() * 2 ** 15));
  fill(memory, B, k * n, () => Math.round(draw() * 2 ** 15));
  kernels.gemm(C, n, 1, A, k, 1, B, n, 1, 0, WORK, m, n, k, 0, LINEAR, 0, 8, 0, 1);
  const [a, b, c] = [A, B, C].map((at) => new Float32Array(memory.buffer, at, REGION / 4)) as [
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let p = 0; p < k; p++) sum = Math.fround(sum + a[i * k + p]! * b[p * n + j]!);
      if (c[i * n + j] !== sum) return false;
    }
  }
  return true;
}

function fill(memory: WebAssembly.Memory, at: Ptr, count: number, draw: () => number): void {
  const view = new Float32Array(memory.buffer, at, count);
  for (let i = 0; i < count; i++) view[i] = draw();
}

/** Uniform in [-1, 1), from a linear congruence: the kernels' own generator is one of those being looked at. */
function uniform(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
}
