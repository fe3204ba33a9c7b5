import { F32x4 } from "../simd";

/**
 * The i32 words that say what a convolution or a pooling is: a window of `kernelH` x `kernelW` taps, `dilation` apart, that goes over an
 * image in steps of `stride` and begins `top` rows and `left` columns before it.
 *
 * `out` is what a kernel writes and `in` what it reads. When `fractional` is set, they change places: tap k of input p meets
 * output `p stride + k dilation - top`.
 */
@final
@unmanaged
export class Window {
  batch: i32;
  outH: i32;
  outW: i32;
  outC: i32;
  inH: i32;
  inW: i32;
  inC: i32;
  kernelH: i32;
  kernelW: i32;
  strideH: i32;
  strideW: i32;
  dilationH: i32;
  dilationW: i32;
  top: i32;
  left: i32;
  groups: i32;
  /** A sum of `WindowFlag`s. */
  flags: i32;

  @inline has(flag: i32): bool {
    return (this.flags & flag) != 0;
  }
}

export enum WindowFlag {
  /** Outputs are what the window goes over, and inputs lie at its steps: the adjoint. */
  fractional = 1,
  /** The sum is over the kernel's last axis, and its third is the outputs'. */
  swapped = 2,
  /** Beyond an edge the image begins again; else there are zeros. */
  circular = 4,
}

/**
 * One axis of one phase: output `first + i every` (i < count) is the sum over taps t < taps of the input at
 * `i step + t apart + base` times the window's tap `tap + t tapStep`.
 *
 * A window that goes forward has one phase. Of a fractional one, outputs fall into `stride` phases, each of which meets every so
 * manyth tap, from the last to the first.
 */
@final
@unmanaged
export class Axis {
  first: i32;
  every: i32;
  count: i32;
  step: i32;
  taps: i32;
  apart: i32;
  base: i32;
  tap: i32;
  tapStep: i32;
  /** Positions of the input that a row of `count` outputs meets. */
  reach: i32;

  // biome-ignore format: one line an operand
  set(phase: i32, outputs: i32, kernel: i32, stride: i32, dilation: i32, before: i32, fractional: bool): void {
    if (!fractional) {
      this.first = 0;
      this.every = 1;
      this.count = outputs;
      this.step = stride;
      this.taps = kernel;
      this.apart = dilation;
      this.base = -before;
      this.tap = 0;
      this.tapStep = 1;
    } else {
      let taps = 0;
      let least = 0;
      let most = 0;
      for (let k = 0; k < kernel; k++) {
        if ((phase + before - k * dilation) % stride == 0) {
          if (taps == 0) least = k;
          most = k;
          taps++;
        }
      }
      const between = taps > 1 ? (most - least) / (taps - 1) : 1;
      this.first = phase;
      this.every = stride;
      this.count = phase < outputs ? (outputs - phase + stride - 1) / stride : 0;
      this.step = 1;
      this.taps = taps;
      this.apart = taps > 1 ? (between * dilation) / stride : 1;
      this.base = taps ? (phase + before - most * dilation) / stride : 0;
      this.tap = most;
      this.tapStep = -between;
    }
    this.reach = this.reachOf(this.count);
  }

  @inline reachOf(count: i32): i32 {
    return count == 0 ? 0 : (count - 1) * this.step + max(0, this.taps - 1) * this.apart + 1;
  }
}

/** Copies `count` floats. */
export function copyFloats(to: usize, from: usize, count: i32): void {
  for (; count >= 8; count -= 8) {
    const low = v128.load(from);
    const high = v128.load(from, 16);
    v128.store(to, high, 16);
    v128.store(to, low);
    from += 32;
    to += 32;
  }
  if (count >= 4) {
    v128.store(to, v128.load(from));
    from += 16;
    to += 16;
    count -= 4;
  }
  if (count > 0) F32x4.storeTail(to, F32x4.loadTail(from, count), count);
}

export function zeroFloats(to: usize, count: i32): void {
  const zero = f32x4.splat(0);
  for (; count >= 4; count -= 4) {
    v128.store(to, zero);
    to += 16;
  }
  if (count > 0) F32x4.storeTail(to, zero, count);
}

/** i modulo n, not negative. */
function wrap(i: i32, n: i32): i32 {
  const r = i % n;
  return r < 0 ? r + n : r;
}

/**
 * Copies the rows of one image (`height` x `width` x `channels` at `from`) that `rows` rows of outputs from row `row` meet, with what lies
 * beyond its edges: dense [rows' reach, reach of the other axis, channels].
 */
// biome-ignore format: one line an operand
export function copyBand(
  to: usize, from: usize, height: i32, width: i32, channels: i32, h: Axis, w: Axis, row: i32, rows: i32, circular: bool,
): void {
  const reach = w.reach;
  const pitch = <usize>(reach * channels) << 2;
  const base = w.base;
  // Columns [begin, end) of the band lie in the image.
  const begin = min(reach, max(0, -base));
  const end = max(begin, min(reach, width - base));
  const y0 = row * h.step + h.base;
  const y1 = y0 + h.reachOf(rows);
  for (let y = y0; y < y1; y++) {
    const source = circular ? wrap(y, height) : y;
    if (source < 0 || source >= height) {
      zeroFloats(to, reach * channels);
    } else {
      const line = from + (<usize>(source * width * channels) << 2);
      if (circular) {
        for (let i = 0; i < begin; i++) copyColumn(to, line, i, wrap(i + base, width), channels);
        for (let i = end; i < reach; i++) copyColumn(to, line, i, wrap(i + base, width), channels);
      } else {
        zeroFloats(to, begin * channels);
        zeroFloats(to + (<usize>(end * channels) << 2), (reach - end) * channels);
      }
      if (end > begin) {
        const at = <usize>(begin * channels) << 2;
        copyFloats(to + at, line + (<usize>((begin + base) * channels) << 2), (end - begin) * channels);
      }
    }
    to += pitch;
  }
}

function copyColumn(to: usize, from: usize, i: i32, source: i32, channels: i32): void {
  copyFloats(
    to + ((<usize>(i * channels)) << 2),
    from + ((<usize>(source * channels)) << 2),
    channels,
  );
}
