import { F32x4 } from "../simd";
import { Slice } from "../thread";
import { copyFloats, zeroFloats } from "./window";

/**
 * `y[i, j] = x[i / factorH, j / factorW]`, or with `bilinear` the mean of the four nearest, pixel centres at (i + 1/2) / factor - 1/2 and
 * the edge repeated (PyTorch's align_corners=False). x is [batch, height, width, channels]. Sliced by rows of y.
 */
// biome-ignore format: one line an operand
export function upSample(
  y: usize, x: usize, batch: i32, height: i32, width: i32, channels: i32, factorH: i32, factorW: i32, bilinear: i32,
  thread: i32, threads: i32,
): void {
  const rows = height * factorH;
  const columns = width * factorW;
  const pixel = <usize>channels << 2;
  const line = <usize>width * pixel;
  const last = Slice.end(batch * rows, 1, thread, threads);
  for (let u = Slice.begin(batch * rows, 1, thread, threads); u < last; u++) {
    const b = u / rows;
    const i = u - b * rows;
    const image = x + <usize>(b * height) * line;
    let to = y + <usize>(u * columns) * pixel;
    for (let j = 0; j < columns; j++) {
      if (!bilinear) {
        copyFloats(to, image + <usize>(i / factorH) * line + <usize>(j / factorW) * pixel, channels);
      } else {
        const top = Source.before(i, factorH);
        const left = Source.before(j, factorW);
        const a = f32x4.splat(Source.share(i, factorH));
        const e = f32x4.splat(Source.share(j, factorW));
        const r0 = image + <usize>max(top, 0) * line;
        const r1 = image + <usize>min(top + 1, height - 1) * line;
        const c0 = <usize>max(left, 0) * pixel;
        const c1 = <usize>min(left + 1, width - 1) * pixel;
        for (let c = 0; c < channels; c += 4) {
          const at = <usize>c << 2;
          const some = channels - c;
          const upper = Source.mix(F32x4.loadPart(r0 + c0 + at, some), F32x4.loadPart(r0 + c1 + at, some), e);
          const lower = Source.mix(F32x4.loadPart(r1 + c0 + at, some), F32x4.loadPart(r1 + c1 + at, some), e);
          F32x4.storePart(to + at, Source.mix(upper, lower, a), some);
        }
      }
      to += pixel;
    }
  }
}

/** `dx`, the adjoint of `upSample`, `+ beta dx`; sizes are those of the forward call. Sliced by image. */
// biome-ignore format: one line an operand
export function upSampleBackward(
  dx: usize, dy: usize, batch: i32, height: i32, width: i32, channels: i32, factorH: i32, factorW: i32, bilinear: i32,
  beta: i32, thread: i32, threads: i32,
): void {
  const rows = height * factorH;
  const columns = width * factorW;
  const pixel = <usize>channels << 2;
  const line = <usize>width * pixel;
  const one = f32x4.splat(1);
  const last = Slice.end(batch, 1, thread, threads);
  for (let b = Slice.begin(batch, 1, thread, threads); b < last; b++) {
    const image = dx + <usize>(b * height) * line;
    if (!beta) zeroFloats(image, height * width * channels);
    let from = dy + <usize>(b * rows * columns) * pixel;
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        if (!bilinear) {
          const to = image + <usize>(i / factorH) * line + <usize>(j / factorW) * pixel;
          for (let c = 0; c < channels; c += 4) addTo(to + (<usize>c << 2), from + (<usize>c << 2), one, channels - c);
        } else {
          const top = Source.before(i, factorH);
          const left = Source.before(j, factorW);
          const a = Source.share(i, factorH);
          const e = Source.share(j, factorW);
          const r0 = image + <usize>max(top, 0) * line;
          const r1 = image + <usize>min(top + 1, height - 1) * line;
          const c0 = <usize>max(left, 0) * pixel;
          const c1 = <usize>min(left + 1, width - 1) * pixel;
          const w00 = f32x4.splat((1 - a) * (1 - e));
          const w01 = f32x4.splat((1 - a) * e);
          const w10 = f32x4.splat(a * (1 - e));
          const w11 = f32x4.splat(a * e);
          for (let c = 0; c < channels; c += 4) {
            const at = <usize>c << 2;
            const some = channels - c;
            addTo(r0 + c0 + at, from + at, w00, some);
            addTo(r0 + c1 + at, from + at, w01, some);
            addTo(r1 + c0 + at, from + at, w10, some);
            addTo(r1 + c1 + at, from + at, w11, some);
          }
        }
        from += pixel;
      }
    }
  }
}

function addTo(to: usize, from: usize, weight: v128, some: i32): void {
  F32x4.storePart(
    to,
    f32x4.add(F32x4.loadPart(to, some), f32x4.mul(weight, F32x4.loadPart(from, some))),
    some,
  );
}

/** Where an output of an interpolation lies between inputs. */
class Source {
  /** The input before the output's centre: -1 left of the first. */
  @inline static before(i: i32, factor: i32): i32 {
    return (2 * i + 1 + factor) / (2 * factor) - 1;
  }

  /** The share of the input behind it. */
  @inline static share(i: i32, factor: i32): f32 {
    const span: i32 = 2 * factor;
    const rest: i32 = (2 * i + 1 + factor) % span;
    return <f32>rest / <f32>span;
  }

  /** `x + share (y - x)` */
  @inline static mix(x: v128, y: v128, share: v128): v128 {
    return f32x4.add(f32x4.mul(f32x4.sub(f32x4.splat(1), share), x), f32x4.mul(share, y));
  }
}

/**
 * `y[i factor + r, j factor + s, c] = x[i, j, (r factor + s) channels + c]` (TensorFlow's depth_to_space): x is [batch, height, width,
 * factor^2 channels]. With `inverse`, y and x change places: the adjoint. Adds beta y. Sliced by rows of the coarse image.
 */
// biome-ignore format: one line an operand
export function pixelShuffle(
  y: usize, x: usize, batch: i32, height: i32, width: i32, channels: i32, factor: i32, inverse: i32, beta: i32,
  thread: i32, threads: i32,
): void {
  const piece = factor * channels;
  const bytes = <usize>piece << 2;
  const one = f32x4.splat(1);
  const last = Slice.end(batch * height, 1, thread, threads);
  for (let u = Slice.begin(batch * height, 1, thread, threads); u < last; u++) {
    for (let r = 0; r < factor; r++) {
      for (let j = 0; j < width; j++) {
        const fine = <usize>((u * factor + r) * width + j) * bytes;
        const coarse = <usize>((u * width + j) * factor + r) * bytes;
        const to = y + (inverse ? coarse : fine);
        const from = x + (inverse ? fine : coarse);
        if (beta) {
          for (let c = 0; c < piece; c += 4) addTo(to + (<usize>c << 2), from + (<usize>c << 2), one, piece - c);
        } else {
          copyFloats(to, from, piece);
        }
      }
    }
  }
}
