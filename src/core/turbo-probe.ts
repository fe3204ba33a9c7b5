import type { Ptr } from "./arena.ts";
import type { Tile } from "./engine.ts";
import type { Instance } from "./instantiate.ts";
import { instantiate } from "./instantiate.ts";
import type { Binary } from "./variants.ts";
import { bytesOf } from "./variants.ts";

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
export async function load(binary: Binary, tag: number): Promise<Probe> {
  const bytes = await bytesOf(binary);
  const name = new TextEncoder().encode(`probe${tag}`);
  const tagged = new Uint8Array(bytes.length + name.length + 3);
  tagged.set(bytes);
  tagged.set([0, name.length + 1, name.length, ...name], bytes.length);
  const module = await WebAssembly.compile(tagged);
  const shared = binary.endsWith("-threads");
  const memory = new WebAssembly.Memory({ initial: 8, ...(shared && { maximum: 8, shared }) });
  return { ...(await instantiate(module, memory)), memory };
}

/**
 * What the kernels make of the same random operands: gemm in every height and layout of its micro-kernels, every activation both ways,
 * the fused gradient of a bias, sums of squares, cross-entropy, random numbers and the optimisers.
 */
export function results(probe: Probe, tile: Tile): readonly Result[] {
  const { kernels: k, enums, memory } = probe;
  const found: Result[] = [];
  const take = (kernel: string, count: number) =>
    found.push({ kernel, bits: Int32Array.from(new Int32Array(memory.buffer, C, count)) });
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
  const [rows, cols] = [7, 21];
  const size = rows * cols;
  for (const [name, kind] of Object.entries(enums.Activation ?? {})) {
    k.activationBackward(C, A, B, n, kind, 0.1, 0, 0, 1);
    take(`activationBackward of ${name}`, n);
    k.activationBackwardBias(C, at(C, size), A, B, rows, cols, kind, 0.1, 0, 0, 1);
    take(`activationBackwardBias of ${name}`, size + cols);
  }
  k.sumSquares(C, A, 5000, 0, 1);
  take("sumSquares", k.sumSquaresPartials(5000));
  new Int32Array(memory.buffer, WORK, rows).set([0, 3, 20, 7, 7, 19, 1]);
  k.softmaxCrossEntropy(C, at(C, rows), at(C, 2 * rows), A, WORK, rows, cols, 0.1, 0.5, 0, 1);
  take("softmaxCrossEntropy", 2 * rows + size);
  k.randomUniform(C, n, -1, 2, 3, 4, 5, 0, 1);
  take("randomUniform", n);
  k.randomNormal(C, n, 1, 2, 3, 4, 5, 0, 1);
  take("randomNormal", n);
  k.randomTruncatedNormal(C, n, 0, 1, -1, 1.5, 3, 4, 5, 0, 1);
  take("randomTruncatedNormal", n);
  const { State = {} } = enums;
  new Uint8Array(memory.buffer, WORK, State.size!).fill(0);
  new Int32Array(memory.buffer, WORK + State.step!, 1)[0] = 3;
  new Float32Array(memory.buffer, WORK + State.learningRate!, 1)[0] = 0.01;
  new Float32Array(memory.buffer, WORK + State.gradientScale!, 1)[0] = 0.7;
  const [p, m, v] = [C, at(C, n), at(C, 2 * n)];
  const draw = uniform(3);
  const begin = () => fill(memory, C, 3 * n, () => Math.abs(draw()));
  begin();
  k.sgd(p, B, n, 0.01, WORK, 0, 1);
  take("sgd", n);
  for (const nesterov of [0, 1]) {
    begin();
    k.momentum(p, B, m, n, 0.9, nesterov, 0.01, WORK, 0, 1);
    take("momentum", 2 * n);
  }
  begin();
  k.rmsprop(p, B, v, n, 0.9, 1e-8, 0.01, WORK, 0, 1);
  take("rmsprop", 3 * n);
  for (const decoupled of [0, 1]) {
    begin();
    k.adam(p, B, m, v, n, 0.9, 0.999, 1e-8, 0.01, decoupled, WORK, 0, 1);
    take("adam", 3 * n);
  }
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

/** The address `count` floats after a block's. */
function at(block: Ptr, count: number): Ptr {
  return (block + 4 * count) as Ptr;
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
