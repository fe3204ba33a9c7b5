import { F32x4 } from "../simd";
import { Slice } from "../thread";
import { Window, zeroFloats } from "./window";

/** The taps of one axis at one step that lie in the image: [begin, end), from position `at` of the image on. */
class Taps {
  @inline static begin(at: i32, dilation: i32): i32 {
    return at < 0 ? (-at + dilation - 1) / dilation : 0;
  }
  @inline static end(at: i32, taps: i32, dilation: i32, n: i32): i32 {
    return at >= n ? 0 : min(taps, (n - 1 - at) / dilation + 1);
  }
}

/** What a pooling does with the values of a window. */
@unmanaged
abstract class Pooling {
  abstract start(): v128;
  abstract add(sum: v128, x: v128): v128;
  abstract end(sum: v128, count: f32): v128;
}

@final
@unmanaged
class Max extends Pooling {
  @inline start(): v128 {
    return f32x4.splat(f32.NEGATIVE_INFINITY);
  }
  @inline add(sum: v128, x: v128): v128 {
    return f32x4.max(sum, x);
  }
  @inline end(sum: v128, _count: f32): v128 {
    return sum;
  }
}

@final
@unmanaged
class Average extends Pooling {
  @inline start(): v128 {
    return f32x4.splat(0);
  }
  @inline add(sum: v128, x: v128): v128 {
    return f32x4.add(sum, x);
  }
  @inline end(sum: v128, count: f32): v128 {
    return f32x4.div(sum, f32x4.splat(count));
  }
}

/**
 * `y[p, c] = max of x` over the window's taps in the image; a NaN among them gives NaN. Every window must hold part of the image.
 * Sliced by rows of outputs.
 */
export function maxPool(y: usize, x: usize, window: usize, thread: i32, threads: i32): void {
  pool<Max>(y, x, window, thread, threads);
}

/** `y[p, c] = mean of x` over the window's taps in the image: padding does not count. Sliced by rows of outputs. */
export function averagePool(y: usize, x: usize, window: usize, thread: i32, threads: i32): void {
  pool<Average>(y, x, window, thread, threads);
}

function pool<T extends Pooling>(
  y: usize,
  x: usize,
  window: usize,
  thread: i32,
  threads: i32,
): void {
  const op = changetype<T>(0);
  const s = changetype<Window>(window);
  const channels = s.inC;
  const pixel = (<usize>channels) << 2;
  const line = <usize>s.inW * pixel;
  const stepH = <usize>s.dilationH * line;
  const stepW = <usize>s.dilationW * pixel;
  const last = Slice.end(s.batch * s.outH, 1, thread, threads);
  for (let u = Slice.begin(s.batch * s.outH, 1, thread, threads); u < last; u++) {
    const b = u / s.outH;
    const top = (u - b * s.outH) * s.strideH - s.top;
    const ty0 = Taps.begin(top, s.dilationH);
    const ty1 = Taps.end(top, s.kernelH, s.dilationH, s.inH);
    const image = x + <usize>(b * s.inH) * line;
    let to = y + <usize>(u * s.outW) * pixel;
    for (let j = 0; j < s.outW; j++) {
      const left = j * s.strideW - s.left;
      const tx0 = Taps.begin(left, s.dilationW);
      const tx1 = Taps.end(left, s.kernelW, s.dilationW, s.inW);
      const count = <f32>((ty1 - ty0) * (tx1 - tx0));
      const source =
        image + <usize>(top + ty0 * s.dilationH) * line + <usize>(left + tx0 * s.dilationW) * pixel;
      let c = 0;
      for (; c + 8 <= channels; c += 8) {
        const at = (<usize>c) << 2;
        let s0 = op.start();
        let s1 = op.start();
        let row = source + at;
        for (let ty = ty0; ty < ty1; ty++) {
          let from = row;
          for (let tx = tx0; tx < tx1; tx++) {
            s0 = op.add(s0, v128.load(from));
            s1 = op.add(s1, v128.load(from, 16));
            from += stepW;
          }
          row += stepH;
        }
        v128.store(to + at, op.end(s1, count), 16);
        v128.store(to + at, op.end(s0, count));
      }
      for (; c < channels; c += 4) {
        const at = (<usize>c) << 2;
        const some = channels - c;
        let sum = op.start();
        let row = source + at;
        for (let ty = ty0; ty < ty1; ty++) {
          let from = row;
          for (let tx = tx0; tx < tx1; tx++) {
            sum = op.add(sum, F32x4.loadPart(from, some));
            from += stepW;
          }
          row += stepH;
        }
        F32x4.storePart(to + at, op.end(sum, count), some);
      }
      to += pixel;
    }
  }
}

/**
 * `dx = dy at the first of the window's values that equals y, summed over windows, + beta dx`. A window whose greatest value is NaN
 * passes nothing back. Sliced by image.
 */
// biome-ignore format: one line an operand
export function maxPoolBackward(
  dx: usize, x: usize, y: usize, dy: usize, beta: i32, window: usize, thread: i32, threads: i32,
): void {
  poolBackward(dx, x, y, dy, beta, window, thread, threads);
}

/** `dx = sum over windows of dy / (taps in the image) + beta dx`. Sliced by image. */
// biome-ignore format: one line an operand
export function averagePoolBackward(
  dx: usize, dy: usize, beta: i32, window: usize, thread: i32, threads: i32,
): void {
  poolBackward(dx, 0, 0, dy, beta, window, thread, threads);
}

/** Window after window, x 0 for the mean. Where windows cover the image and do not overlap, each cell is written once. */
// biome-ignore format: one line an operand
function poolBackward(
  dx: usize, x: usize, y: usize, dy: usize, beta: i32, window: usize, thread: i32, threads: i32,
): void {
  const s = changetype<Window>(window);
  const channels = s.inC;
  const pixel = <usize>channels << 2;
  const line = <usize>s.inW * pixel;
  const stepH = <usize>s.dilationH * line;
  const stepW = <usize>s.dilationW * pixel;
  const isTiled =
    s.strideH == s.kernelH && s.strideW == s.kernelW && s.dilationH == 1 && s.dilationW == 1 && s.top == 0 &&
    s.left == 0 && s.outH * s.strideH >= s.inH && s.outW * s.strideW >= s.inW;
  const adds = beta != 0 || !isTiled;
  const last = Slice.end(s.batch, 1, thread, threads);
  for (let b = Slice.begin(s.batch, 1, thread, threads); b < last; b++) {
    const image = <usize>(b * s.inH) * line;
    if (!beta && !isTiled) zeroFloats(dx + image, s.inH * s.inW * channels);
    let at = <usize>(b * s.outH * s.outW) * pixel;
    for (let i = 0; i < s.outH; i++) {
      const top = i * s.strideH - s.top;
      const ty0 = Taps.begin(top, s.dilationH);
      const ty1 = Taps.end(top, s.kernelH, s.dilationH, s.inH);
      for (let j = 0; j < s.outW; j++) {
        const left = j * s.strideW - s.left;
        const tx0 = Taps.begin(left, s.dilationW);
        const tx1 = Taps.end(left, s.kernelW, s.dilationW, s.inW);
        const each = f32x4.splat(<f32>((ty1 - ty0) * (tx1 - tx0)));
        const source =
          image + <usize>(top + ty0 * s.dilationH) * line + <usize>(left + tx0 * s.dilationW) * pixel;
        let c = 0;
        if (x && !adds) {
          for (; c + 8 <= channels; c += 8) {
            const o = <usize>c << 2;
            spreadEight(dx, x, y + at + o, dy + at + o, source + o, stepH, stepW, ty1 - ty0, tx1 - tx0);
          }
        }
        for (; c < channels; c += 4) {
          const o = <usize>c << 2;
          const some = channels - c;
          let g = F32x4.loadPart(dy + at + o, some);
          if (!x) g = f32x4.div(g, each);
          const most = x ? F32x4.loadPart(y + at + o, some) : g;
          let row = source + o;
          for (let ty = ty0; ty < ty1; ty++) {
            let cell = row;
            for (let tx = tx0; tx < tx1; tx++) {
              let share = g;
              if (x) {
                const is = f32x4.eq(F32x4.loadPart(x + cell, some), most);
                share = v128.and(g, is);
                g = v128.andnot(g, is);
              }
              const to = dx + cell;
              F32x4.storePart(to, adds ? f32x4.add(F32x4.loadPart(to, some), share) : share, some);
              cell += stepW;
            }
            row += stepH;
          }
        }
        at += pixel;
      }
    }
  }
}

/** dy of eight channels to the first of each window's greatest values, 0 to the others: `source` is the window's offset in x and dx. */
// biome-ignore format: one line an operand
function spreadEight(
  dx: usize, x: usize, y: usize, dy: usize, source: usize, stepH: usize, stepW: usize, rows: i32, columns: i32,
): void {
  let g0 = v128.load(dy);
  let g1 = v128.load(dy, 16);
  const y0 = v128.load(y);
  const y1 = v128.load(y, 16);
  for (let i = 0; i < rows; i++) {
    let cell = source;
    for (let j = 0; j < columns; j++) {
      const is0 = f32x4.eq(v128.load(x + cell), y0);
      const is1 = f32x4.eq(v128.load(x + cell, 16), y1);
      v128.store(dx + cell, v128.and(g1, is1), 16);
      v128.store(dx + cell, v128.and(g0, is0));
      g0 = v128.andnot(g0, is0);
      g1 = v128.andnot(g1, is1);
      cell += stepW;
    }
    source += stepH;
  }
}
