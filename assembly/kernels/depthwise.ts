import { F32x4 } from "../simd";
import { Slice } from "../thread";
import { activateUnits } from "./conv";
import { Axis, copyBand, Window, WindowFlag } from "./window";

// Convolution of each channel with a kernel of its own, [kernelH, kernelW, channels]: vectors go along the channels.

const AXES: usize = 128;
/** Floats of a band, unless one row of outputs needs more. */
const BAND: i32 = 8192;
/** A cache line of channels, so that no two threads write the same one. */
const GRAIN: i32 = 16;

/**
 * `y[p, c] = f(sum_k x[p stride + k dilation - before, c] w[k, c] + bias[c] + beta y[p, c])`; with `fractional` its adjoint. `ws` has
 * `convolveWorkspace` bytes.
 */
// biome-ignore format: one line an operand
export function depthwise(
  y: usize, x: usize, w: usize, bias: usize, ws: usize, beta: i32, activation: i32, alpha: f32, window: usize,
  thread: i32, threads: i32,
): void {
  assert(!bias || beta == 0, "depthwise: a bias needs beta 0");
  const s = changetype<Window>(window);
  const h = changetype<Axis>(ws);
  const v = changetype<Axis>(ws + 64);
  const isFractional = s.has(WindowFlag.fractional);
  const everyH = isFractional ? s.strideH : 1;
  const everyW = isFractional ? s.strideW : 1;
  const rows = (s.outH + everyH - 1) / everyH;
  const first = Slice.begin(s.batch * rows, 1, thread, threads);
  const last = Slice.end(s.batch * rows, 1, thread, threads);
  if (first >= last) return;
  for (let i = 0; i < everyH; i++) {
    h.set(i, s.outH, s.kernelH, s.strideH, s.dilationH, s.top, isFractional);
    for (let j = 0; j < everyW; j++) {
      v.set(j, s.outW, s.kernelW, s.strideW, s.dilationW, s.left, isFractional);
      if (h.count > 0 && v.count > 0) phase(y, x, w, bias, ws + AXES, beta, s, h, v, rows, first, last);
    }
  }
  activateUnits(y, s, rows, everyH, first, last, activation, alpha);
}

// biome-ignore format: one line an operand
function phase(
  y: usize, x: usize, w: usize, bias: usize, band: usize, beta: i32, s: Window, h: Axis, v: Axis,
  rows: i32, first: i32, last: i32,
): void {
  const channels = s.inC;
  const pitch = <usize>(v.reach * channels) << 2;
  const image = <usize>(s.inH * s.inW * channels) << 2;
  const most = max(1, (BAND / (v.reach * channels) - h.reachOf(1)) / h.step + 1);
  const stepX = <usize>(v.step * channels) << 2;
  const stepY = <usize>(v.every * channels) << 2;
  for (let u = first; u < last; ) {
    const b = u / rows;
    const q0 = u - b * rows;
    const units = min(rows - q0, last - u);
    const q1 = min(q0 + units, h.count);
    for (let q = q0; q < q1; q += most) {
      const n = min(most, q1 - q);
      copyBand(band, x + <usize>b * image, s.inH, s.inW, channels, h, v, q, n, s.has(WindowFlag.circular));
      for (let i = 0; i < n; i++) {
        const line = b * s.outH + h.first + (q + i) * h.every;
        const row = y + (<usize>((line * s.outW + v.first) * channels) << 2);
        const source = band + <usize>(i * h.step) * pitch;
        let p = 0;
        for (; p + 4 <= v.count; p += 4) {
          fourOutputs(row + <usize>p * stepY, stepY, source + <usize>p * stepX, stepX, w, bias, beta, pitch, channels, s.kernelW, h, v);
        }
        for (; p < v.count; p++) {
          oneOutput(row + <usize>p * stepY, source + <usize>p * stepX, w, bias, beta, pitch, channels, s.kernelW, h, v);
        }
      }
    }
    u += units;
  }
}

/** Four neighbouring outputs, so that a tap is loaded once for all. */
// biome-ignore format: one line an operand
function fourOutputs(
  y: usize, stepY: usize, x: usize, stepX: usize, w: usize, bias: usize, beta: i32, pitch: usize, channels: i32,
  kernelW: i32, h: Axis, v: Axis,
): void {
  const tap = <usize>channels << 2;
  const column = <usize>v.apart * tap;
  const zero = f32x4.splat(0);
  for (let c = 0; c < channels; c += 4) {
    const at = <usize>c << 2;
    const left = channels - c;
    let y0 = zero;
    let y1 = zero;
    let y2 = zero;
    let y3 = zero;
    for (let ty = 0; ty < h.taps; ty++) {
      let from = x + <usize>(ty * h.apart) * pitch + at;
      for (let tx = 0; tx < v.taps; tx++) {
        const place = (h.tap + ty * h.tapStep) * kernelW + v.tap + tx * v.tapStep;
        const weight = F32x4.loadPart(w + <usize>place * tap + at, left);
        // The band is followed by a line of workspace: what lies beyond the channels is read, and left out of the store.
        y0 = F32x4.madd(weight, v128.load(from), y0);
        y1 = F32x4.madd(weight, v128.load(from + stepX), y1);
        y2 = F32x4.madd(weight, v128.load(from + 2 * stepX), y2);
        y3 = F32x4.madd(weight, v128.load(from + 3 * stepX), y3);
        from += column;
      }
    }
    const add = bias ? F32x4.loadPart(bias + at, left) : zero;
    put(y + at, y0, add, beta, bias, left);
    put(y + stepY + at, y1, add, beta, bias, left);
    put(y + 2 * stepY + at, y2, add, beta, bias, left);
    put(y + 3 * stepY + at, y3, add, beta, bias, left);
  }
}

// biome-ignore format: one line an operand
function oneOutput(
  y: usize, x: usize, w: usize, bias: usize, beta: i32, pitch: usize, channels: i32, kernelW: i32, h: Axis, v: Axis,
): void {
  const tap = <usize>channels << 2;
  const column = <usize>v.apart * tap;
  const zero = f32x4.splat(0);
  for (let c = 0; c < channels; c += 4) {
    const at = <usize>c << 2;
    const left = channels - c;
    let sum = zero;
    for (let ty = 0; ty < h.taps; ty++) {
      let from = x + <usize>(ty * h.apart) * pitch + at;
      for (let tx = 0; tx < v.taps; tx++) {
        const place = (h.tap + ty * h.tapStep) * kernelW + v.tap + tx * v.tapStep;
        sum = F32x4.madd(F32x4.loadPart(w + <usize>place * tap + at, left), v128.load(from), sum);
        from += column;
      }
    }
    put(y + at, sum, bias ? F32x4.loadPart(bias + at, left) : zero, beta, bias, left);
  }
}

function put(y: usize, sum: v128, add: v128, beta: i32, bias: usize, left: i32): void {
  if (bias) sum = f32x4.add(sum, add);
  else if (beta) sum = f32x4.add(sum, F32x4.loadPart(y, left));
  F32x4.storePart(y, sum, left);
}

/** `dw[k, c] = sum over images and steps of x[p stride + k dilation - before, c] dy[p, c] + beta dw[k, c]`. Threads share out channels. */
// biome-ignore format: one line an operand
export function depthwiseFilter(
  dw: usize, x: usize, dy: usize, ws: usize, beta: i32, window: usize, thread: i32, threads: i32,
): void {
  const s = changetype<Window>(window);
  const h = changetype<Axis>(ws);
  const v = changetype<Axis>(ws + 64);
  const band = ws + AXES;
  h.set(0, s.outH, s.kernelH, s.strideH, s.dilationH, s.top, false);
  v.set(0, s.outW, s.kernelW, s.strideW, s.dilationW, s.left, false);
  const channels = s.inC;
  const begin = Slice.begin(channels, GRAIN, thread, threads);
  const end = Slice.end(channels, GRAIN, thread, threads);
  if (begin >= end) return;
  const pixel = <usize>channels << 2;
  const pitch = <usize>v.reach * pixel;
  const stepX = <usize>v.step * pixel;
  const image = <usize>(s.inH * s.inW) * pixel;
  const most = max(1, (BAND / (v.reach * channels) - h.reachOf(1)) / h.step + 1);
  let isFirst = beta == 0;
  for (let b = 0; b < s.batch; b++) {
    for (let q = 0; q < s.outH; q += most) {
      const n = min(most, s.outH - q);
      copyBand(band, x + <usize>b * image, s.inH, s.inW, channels, h, v, q, n, s.has(WindowFlag.circular));
      const from = dy + <usize>((b * s.outH + q) * s.outW) * pixel;
      for (let c = begin; c < end; c += 4) {
        const at = <usize>c << 2;
        const left = end - c;
        for (let place = 0; place < s.kernelH * s.kernelW; place++) {
          const ty = place / s.kernelW;
          const tx = place - ty * s.kernelW;
          const tap = band + <usize>(ty * h.apart) * pitch + <usize>(tx * v.apart) * pixel + at;
          let s0 = f32x4.splat(0);
          let s1 = s0;
          for (let i = 0; i < n; i++) {
            let px = tap + <usize>(i * h.step) * pitch;
            let py = from + <usize>(i * s.outW) * pixel + at;
            let p = s.outW;
            for (; p >= 2; p -= 2) {
              s0 = F32x4.madd(v128.load(px), F32x4.loadPart(py, left), s0);
              s1 = F32x4.madd(v128.load(px + stepX), F32x4.loadPart(py + pixel, left), s1);
              px += 2 * stepX;
              py += 2 * pixel;
            }
            if (p > 0) s0 = F32x4.madd(v128.load(px), F32x4.loadPart(py, left), s0);
          }
          const cell = dw + <usize>place * pixel + at;
          let sum = f32x4.add(s0, s1);
          if (!isFirst) sum = f32x4.add(sum, F32x4.loadPart(cell, left));
          F32x4.storePart(cell, sum, left);
        }
      }
      isFirst = false;
    }
  }
}
