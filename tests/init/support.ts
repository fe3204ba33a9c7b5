import type { Ptr } from "../../src/core/arena.ts";
import { loadCore } from "../../src/core/core.ts";
import { streamKey } from "../../src/core/rng.ts";
import { fill } from "../../src/init/fill.ts";
import { initializer } from "../../src/init/initializer.ts";
import { matrix } from "../../src/init/specs.ts";
import type { ActivationSpec, LinearMap, ParamSpec } from "../../src/init/types.ts";

const core = await loadCore({ variant: "simd" });

const LINEAR: ActivationSpec = { name: "linear", alpha: 0 };

/** The values of a parameter as a network would get them. */
export function draw(text: string, of: ParamSpec, seed = 1): Float32Array {
  const n = of.shape.reduce((a, b) => a * b, 1);
  const at = core.arena.allocate(n * 4 + 16);
  const scratch = (bytes: number): Ptr => core.arena.allocate(bytes);
  fill(core, at, of, initializer(text), streamKey(seed, "test"), scratch);
  return core.arena.f32(at, n).slice();
}

/** A convolution's kernel [k…, inputs / groups, outputs], one map a group. */
export function convKernel(
  size: readonly number[],
  inputs: number,
  outputs: number,
  groups = 1,
  activation: ActivationSpec = LINEAR,
): ParamSpec {
  const positions = size.reduce((a, b) => a * b, 1);
  const fanIn = (positions * inputs) / groups;
  const maps = Array.from({ length: groups }, (_, g) => {
    return { ...matrix(fanIn, outputs / groups, (g * outputs) / groups, outputs) };
  });
  return {
    ...{ layer: "conv", role: "kernel", shape: [...size, inputs / groups, outputs], activation },
    ...{ fanIn, fanOut: (positions * outputs) / groups, maps },
    window: { size, stride: size.map(() => 1) },
  };
}

/** The fused kernel of `gates` maps side by side, as an LSTM's. */
export function gatedKernel(inputs: number, units: number, gates: number): ParamSpec {
  const cols = gates * units;
  const maps = Array.from({ length: gates }, (_, g) => matrix(inputs, units, g * units, cols));
  return {
    ...{ layer: "lstm", role: "kernel", shape: [inputs, cols], activation: LINEAR },
    ...{ fanIn: inputs, fanOut: units, maps },
  };
}

/** One linear map of a parameter's values, row-major [inputs, outputs]. */
export function mapOf(values: Float32Array, map: LinearMap): Float32Array {
  const { offset, inputs, outputs, inputStride, outputStride } = map;
  return Float32Array.from({ length: inputs * outputs }, (_, at) => {
    const [i, o] = [Math.floor(at / outputs), at % outputs];
    return values[offset + i * inputStride + o * outputStride]!;
  });
}

/** The greatest deviation of the shorter side's Gram matrix from gain^2 I. */
export function orthonormalError(
  w: ArrayLike<number>,
  rows: number,
  cols: number,
  gain = 1,
): number {
  const [short, long] = [Math.min(rows, cols), Math.max(rows, cols)];
  const at = (i: number, k: number) => (rows <= cols ? w[i * cols + k]! : w[k * cols + i]!);
  let worst = 0;
  for (let i = 0; i < short; i++) {
    for (let j = 0; j <= i; j++) {
      let dot = 0;
      for (let k = 0; k < long; k++) dot += at(i, k) * at(j, k);
      worst = Math.max(worst, Math.abs(dot - (i === j ? gain * gain : 0)));
    }
  }
  return worst;
}

/** Rank by Gauss elimination with full pivoting; a pivot below `tolerance` times the first is 0. */
export function rankOf(w: ArrayLike<number>, rows: number, cols: number, tolerance = 1e-5): number {
  const a = Array.from({ length: rows }, (_, i) =>
    Float64Array.from({ length: cols }, (_, j) => w[i * cols + j]!),
  );
  let first = 0;
  for (let rank = 0; rank < Math.min(rows, cols); rank++) {
    let [pi, pj] = [rank, rank];
    for (let i = rank; i < rows; i++) {
      for (let j = rank; j < cols; j++) {
        if (Math.abs(a[i]![j]!) > Math.abs(a[pi]![pj]!)) [pi, pj] = [i, j];
      }
    }
    const pivot = Math.abs(a[pi]![pj]!);
    if (rank === 0) first = pivot;
    if (pivot === 0 || pivot < tolerance * first) return rank;
    [a[rank], a[pi]] = [a[pi]!, a[rank]!];
    for (const row of a) [row[rank], row[pj]] = [row[pj]!, row[rank]!];
    for (let i = rank + 1; i < rows; i++) {
      const factor = a[i]![rank]! / a[rank]![rank]!;
      for (let j = rank; j < cols; j++) a[i]![j]! -= factor * a[rank]![j]!;
    }
  }
  return Math.min(rows, cols);
}

/** `y = x W` for one vector. */
export function apply(x: ArrayLike<number>, w: ArrayLike<number>, outputs: number): Float64Array {
  const y = new Float64Array(outputs);
  for (let i = 0; i < x.length; i++) {
    for (let o = 0; o < outputs; o++) y[o]! += x[i]! * w[i * outputs + o]!;
  }
  return y;
}

/** A 2-D convolution [height, width, channels] with SAME zero padding, (k - 1) / 2 rounded down before. */
export function convolve(
  x: ArrayLike<number>,
  [height, width]: readonly [number, number],
  kernel: Float32Array,
  spec: ParamSpec,
): Float64Array {
  const [kh = 1, kw = 1] = spec.window!.size;
  const groups = spec.maps.length;
  const outputs = spec.shape[3]!;
  const each = spec.shape[2]!;
  const inputs = each * groups;
  const y = new Float64Array(height * width * outputs);
  const [top, left] = [Math.floor((kh - 1) / 2), Math.floor((kw - 1) / 2)];
  for (let r = 0; r < height; r++) {
    for (let c = 0; c < width; c++) {
      for (let o = 0; o < outputs; o++) {
        const group = Math.floor(o / (outputs / groups));
        let sum = 0;
        for (let i = 0; i < kh; i++) {
          for (let j = 0; j < kw; j++) {
            const [row, col] = [r + i - top, c + j - left];
            if (row < 0 || row >= height || col < 0 || col >= width) continue;
            for (let k = 0; k < each; k++) {
              const value = x[(row * width + col) * inputs + group * each + k]!;
              sum += value * kernel[((i * kw + j) * each + k) * outputs + o]!;
            }
          }
        }
        y[(r * width + c) * outputs + o] = sum;
      }
    }
  }
  return y;
}
