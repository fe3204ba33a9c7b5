import { KC, MR, NR } from "../blocking";
import { F32x4 } from "../simd";
import { Slice } from "../thread";
import { Activation, activationForward } from "./activations";
import { columns8, columns16, rows8, rows16 } from "./microkernels";
import { packB } from "./pack";
import { Axis, copyBand, Window, WindowFlag, zeroFloats } from "./window";

// Convolutions by implicit gemm. A band of input rows is copied with its padding, so that no border is a special case; in it the patches
// of neighbouring outputs lie a fixed distance apart and are A for gemm's micro-kernels as they lie, or, when a patch is
// made of short pieces, packed for one sliver at a time.

/** Bytes of a tile's cells beside C. */
const EDGE: usize = 384;
const ROW_EDGE: usize = 64;
/** Where the two axes of the phase lie in the workspace, and what follows them. */
const AXES: usize = EDGE;
const AFTER_AXES: usize = EDGE + 128;
/** Floats of a band, unless one row of outputs needs more: half an L1. */
const BAND: i32 = 8192;
/** Pieces of a patch from this length are read where they lie: a piece costs a pass over the tile. */
const DIRECT_FROM: i32 = 12;

/**
 * Bytes of workspace a thread needs for any kernel of this file: `taps` of the window, `lines` input rows that one row of outputs meets and
 * `reach` input columns, of `inC` channels.
 */
export function convolveWorkspace(
  taps: i32,
  lines: i32,
  reach: i32,
  inC: i32,
  outC: i32,
  groups: i32,
): usize {
  const k = <usize>taps * <usize>(inC / groups);
  const columns = <usize>(groups * paddedColumns(outC / groups));
  const band = <usize>max<i32>(BAND, lines * reach * inC);
  const patches = <usize>max<i32>(KC, reach);
  return AFTER_AXES + (<usize>MR * k + columns * (k + patches) + band + 2 * NR) * sizeof<f32>();
}

/** Columns of slivers that are 16 wide, the last one 8 when that is enough. */
function paddedColumns(n: i32): i32 {
  const rest = n % NR;
  return n - rest + (rest == 0 ? 0 : rest > 8 ? 16 : 8);
}

/**
 * `y = f(conv(x, w) + bias + beta y)`, NHWC images, w [kernelH, kernelW, channels / groups, channels]. See `Window` for what the flags
 * make of it: the input's gradient and the transposed convolution are the same sums.
 *
 * A cell's products are added tap by tap, channels within: the bits do not depend on the division, whose units are rows of outputs.
 */
// biome-ignore format: one line an operand
export function convolve(
  y: usize, x: usize, w: usize, bias: usize, ws: usize,
  beta: i32, activation: i32, alpha: f32, tile: i32, window: usize,
  thread: i32, threads: i32,
): void {
  assert(!bias || beta == 0, "convolve: a bias needs beta 0");
  assert(tile == 8 || tile == 16, "convolve: the tile is 8 or 16");
  const s = changetype<Window>(window);
  const h = changetype<Axis>(ws + AXES);
  const v = changetype<Axis>(ws + AXES + 64);
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
      if (h.count > 0 && v.count > 0) phase(y, x, w, bias, ws, beta, tile, s, h, v, rows, first, last);
    }
  }
  activateUnits(y, s, rows, everyH, first, last, activation, alpha);
}

/** Applies the activation to the output rows of units [first, last), `rows` of them an image, `every` rows each. */
export function activateUnits(
  y: usize,
  s: Window,
  rows: i32,
  every: i32,
  first: i32,
  last: i32,
  activation: i32,
  alpha: f32,
): void {
  if (activation == Activation.linear) return;
  const line = s.outW * s.outC;
  const begin = rowOf(first, rows, s.outH, every);
  const n = (rowOf(last, rows, s.outH, every) - begin) * line;
  const at = y + ((<usize>begin * <usize>line) << 2);
  activationForward(at, at, n, activation, alpha, 0, 1);
}

/** The row of outputs, all images counted, that unit `u` begins with. */
function rowOf(u: i32, rows: i32, outH: i32, every: i32): i32 {
  return (u / rows) * outH + (u % rows) * every;
}

// biome-ignore format: one line an operand
function phase(
  y: usize, x: usize, w: usize, bias: usize, ws: usize, beta: i32, tile: i32,
  s: Window, h: Axis, v: Axis, rows: i32, first: i32, last: i32,
): void {
  const inG = s.inC / s.groups;
  const outG = s.outC / s.groups;
  const k = h.taps * v.taps * inG;
  const columns = paddedColumns(outG);
  const packedA = ws + AFTER_AXES;
  const packedW = packedA + (<usize>(MR * k + NR) << 2);
  const band = packedW + ((<usize>k * <usize>(s.groups * columns)) << 2);
  packWeights(packedW, w, s, h, v);

  // Pieces of a patch that lie in one stretch.
  const isMerged = v.apart == 1 && s.groups == 1;
  const piece = isMerged ? v.taps * inG : inG;
  const across = isMerged ? 1 : v.taps;
  const isDirect = piece >= DIRECT_FROM;
  const pitch = <usize>(v.reach * s.inC) << 2;
  const rowA = <usize>(v.step * s.inC) << 2;
  const rowC = <usize>(v.every * s.outC) << 2;
  const slivers = (v.count + MR - 1) / MR;
  const height = v.count / slivers;
  const taller = v.count - height * slivers;
  const most = bandRows(h, v, s.inC);
  const image = <usize>(s.inH * s.inW * s.inC) << 2;

  for (let u = first; u < last; ) {
    const b = u / rows;
    const q0 = u - b * rows;
    const units = min(rows - q0, last - u);
    const q1 = min(q0 + units, h.count);
    for (let q = q0; q < q1; q += most) {
      const n = min(most, q1 - q);
      copyBand(band, x + <usize>b * image, s.inH, s.inW, s.inC, h, v, q, n, s.has(WindowFlag.circular));
      for (let i = 0; i < n; i++) {
        const line = b * s.outH + h.first + (q + i) * h.every;
        let row = y + (<usize>((line * s.outW + v.first) * s.outC) << 2);
        let source = band + <usize>(i * h.step) * pitch;
        for (let t = 0; t < slivers; t++) {
          const mr = height + i32(t < taller);
          for (let g = 0; g < s.groups; g++) {
            const patch = source + (<usize>(g * inG) << 2);
            if (!isDirect) packPatches(packedA, patch, rowA, mr, inG, s.inC, pitch, h, v);
            const weights = packedW + ((<usize>k * <usize>(g * columns)) << 2);
            for (let j = 0; j < outG; j += NR) {
              const cols = min(NR, outG - j);
              const strideB: usize = cols > 8 ? 64 : 32;
              const width = cols > 8 ? tile : 8;
              const sliverB = weights + (<usize>(k * j) << 2);
              for (let part = 0; part < cols; part += width) {
                const some = min(width, cols - part);
                const channel = <usize>(g * outG + j + part) << 2;
                const cell = row + channel;
                const init: usize = beta ? cell : bias ? bias + channel : 0;
                const rowInit: usize = beta ? rowC : 0;
                const isWhole = some == width;
                const to = isWhole ? cell : ws;
                const rowTo: usize = isWhole ? rowC : ROW_EDGE;
                let add: usize = isWhole ? init : 0;
                let rowAdd = rowInit;
                let halfB = sliverB + (<usize>part << 2);
                if (!isDirect || k == 0) {
                  const stepA = <usize>mr << 2;
                  if (width == 8) columns8(mr, k, packedA, stepA, halfB, strideB, to, rowTo, add, rowAdd);
                  else columns16(mr, k, packedA, stepA, halfB, strideB, to, rowTo, add, rowAdd);
                } else {
                  for (let ty = 0; ty < h.taps; ty++) {
                    let from = patch + <usize>(ty * h.apart) * pitch;
                    for (let tx = 0; tx < across; tx++) {
                      if (width == 8) rows8(mr, piece, from, rowA, 4, halfB, strideB, to, rowTo, add, rowAdd);
                      else rows16(mr, piece, from, rowA, 4, halfB, strideB, to, rowTo, add, rowAdd);
                      add = to;
                      rowAdd = rowTo;
                      halfB += <usize>piece * strideB;
                      from += <usize>(v.apart * s.inC) << 2;
                    }
                  }
                }
                if (!isWhole) storeCells(cell, rowC, ws, mr, some, init, rowInit);
              }
            }
          }
          row += <usize>mr * rowC;
          source += <usize>mr * rowA;
        }
      }
    }
    u += units;
  }
}

/** Rows of outputs whose inputs fit in a band. */
function bandRows(h: Axis, v: Axis, channels: i32): i32 {
  const lines = BAND / (v.reach * channels);
  return max(1, (lines - h.reachOf(1)) / h.step + 1);
}

/** The kernel as slivers of 16 columns, [taps, channels, 16] each, group by group, taps in the order of the phase. */
function packWeights(to: usize, w: usize, s: Window, h: Axis, v: Axis): void {
  const inG = s.inC / s.groups;
  const outG = s.outC / s.groups;
  const isSwapped = s.has(WindowFlag.swapped);
  const across = isSwapped ? s.inC : s.outC;
  const stepB: usize = isSwapped ? 4 : (<usize>across) << 2;
  const columnB: usize = isSwapped ? (<usize>across) << 2 : 4;
  const tap = (<usize>((isSwapped ? outG : inG) * across)) << 2;
  for (let g = 0; g < s.groups; g++) {
    const group = w + ((<usize>(g * (isSwapped ? inG : outG))) << 2);
    for (let j = 0; j < outG; j += NR) {
      const cols = min(NR, outG - j);
      const width = cols > 8 ? 16 : 8;
      for (let ty = 0; ty < h.taps; ty++) {
        for (let tx = 0; tx < v.taps; tx++) {
          const place = (h.tap + ty * h.tapStep) * s.kernelW + v.tap + tx * v.tapStep;
          const from = group + <usize>place * tap + <usize>j * columnB;
          packB(to, from, stepB, columnB, inG, cols, width);
          to += (<usize>(inG * width)) << 2;
        }
      }
    }
  }
}

/** Patches of `mr` neighbouring outputs for the `columns` kernels: `to[k][i]`, dense. */
// biome-ignore format: one line an operand
function packPatches(
  to: usize, patch: usize, rowA: usize, mr: i32, channels: i32, inC: i32, pitch: usize, h: Axis, v: Axis,
): void {
  const column = <usize>(v.apart * inC) << 2;
  for (let ty = 0; ty < h.taps; ty++) {
    let from = patch + <usize>(ty * h.apart) * pitch;
    for (let tx = 0; tx < v.taps; tx++) {
      if (rowA == 4 && mr >= 4) {
        // One channel. Six floats each time: what is too many is overwritten by the next, and the last has slack behind it.
        v128.store(to, v128.load(from));
        store<u64>(to, load<u64>(from, 16), 16);
        to += <usize>mr << 2;
      } else {
        for (let c = 0; c < channels; c++) {
          let cell = from + (<usize>c << 2);
          for (let i = 0; i < mr; i++) {
            store<u32>(to, load<u32>(cell));
            cell += rowA;
            to += 4;
          }
        }
      }
      from += column;
    }
  }
}

/** `C = edge + init` for the `mr` x `cols` cells that exist. */
// biome-ignore format: one line an operand
function storeCells(c: usize, rowC: usize, edge: usize, mr: i32, cols: i32, init: usize, rowInit: usize): void {
  for (let i = 0; i < mr; i++) {
    for (let j = 0; j < cols; j += 4) {
      const at = <usize>j << 2;
      const left = cols - j;
      let x = v128.load(edge + at);
      if (init) x = f32x4.add(x, F32x4.loadPart(init + at, left));
      F32x4.storePart(c + at, x, left);
    }
    edge += ROW_EDGE;
    c += rowC;
    init += rowInit;
  }
}

/**
 * `dw = sum over images and outputs of patch' dy + beta dw`: x is what the window goes over, dy lies at its steps. When `swapped` is set, the
 * kernel's third axis is dy's and its last one x's.
 *
 * Threads share out rows of dw. Outputs are added up in bands of at most about KC, band after band: the order depends on sizes alone.
 */
// biome-ignore format: one line an operand
export function convolveFilter(
  dw: usize, x: usize, dy: usize, ws: usize, beta: i32, tile: i32, window: usize, thread: i32, threads: i32,
): void {
  const s = changetype<Window>(window);
  const h = changetype<Axis>(ws + AXES);
  const v = changetype<Axis>(ws + AXES + 64);
  h.set(0, s.outH, s.kernelH, s.strideH, s.dilationH, s.top, false);
  v.set(0, s.outW, s.kernelW, s.strideW, s.dilationW, s.left, false);
  const isSwapped = s.has(WindowFlag.swapped);
  const inG = s.inC / s.groups;
  const outG = s.outC / s.groups;
  const isMerged = !isSwapped && s.dilationW == 1 && s.groups == 1;
  // Rows of dw whose patches lie in one stretch, and their columns.
  const piece = isSwapped ? outG : isMerged ? s.kernelW * inG : inG;
  const across = isMerged ? 1 : s.kernelW;
  const pieces = s.kernelH * across;
  const n = isSwapped ? inG : outG;
  const rowC = <usize>(isSwapped ? s.inC : s.outC) << 2;
  const slivers = (piece + MR - 1) / MR;
  const height = piece / slivers;
  const taller = piece - height * slivers;
  const all = s.groups * pieces * slivers;
  const first = Slice.begin(all, 1, thread, threads);
  const last = Slice.end(all, 1, thread, threads);
  if (first >= last) return;

  // With a stride of 1, rows of dy are laid as far apart as those of the band, zeros between, and a band is one sum.
  const isJoined = !isSwapped && s.strideH == 1 && s.strideW == 1;
  const apart = isJoined ? v.reach : s.outW;
  const columns = paddedColumns(outG);
  const fitting = max(1, min(bandRows(h, v, s.inC), KC / apart));
  const bands = (s.outH + fitting - 1) / fitting;
  const packed = ws + AFTER_AXES;
  const band = packed + (<usize>(s.groups * columns * max(KC, v.reach)) << 2);
  const pitch = <usize>(v.reach * s.inC) << 2;
  const image = <usize>(s.inH * s.inW * s.inC) << 2;
  const stepA = <usize>(isSwapped ? s.outC : s.strideW * s.inC) << 2;
  let isFirst = beta == 0;

  for (let b = 0; b < s.batch; b++) {
    let q = 0;
    for (let part = 0; part < bands; part++) {
      const rows = (s.outH - q + (bands - part) - 1) / (bands - part);
      const count = isJoined ? (rows - 1) * apart + s.outW : s.outW;
      const sums = isJoined ? 1 : rows;
      const dense = (rows - 1) * apart + s.outW;
      const from = dy + (<usize>((b * s.outH + q) * s.outW * s.outC) << 2);
      copyBand(band, x + <usize>b * image, s.inH, s.inW, s.inC, h, v, q, rows, s.has(WindowFlag.circular));
      if (!isSwapped) packGradient(packed, from, rows, apart, s);

      for (let unit = first; unit < last; unit++) {
        const t = unit % slivers;
        const place = (unit / slivers) % pieces;
        const g = unit / (slivers * pieces);
        const mr = height + i32(t < taller);
        const row = t * height + min(t, taller);
        const ty = place / across;
        const tx = place % across;
        const tap = <usize>(ty * s.dilationH) * pitch + (<usize>(tx * s.dilationW * s.inC) << 2);
        const group = <usize>(g * n) << 2;
        const target = dw + <usize>(place * piece + row) * rowC + group;
        for (let j = 0; j < n; j += NR) {
          const cols = min(NR, n - j);
          const width = cols > 8 ? tile : 8;
          const strideB: usize = isSwapped ? <usize>(s.strideW * s.inC) << 2 : cols > 8 ? 64 : 32;
          for (let half = 0; half < cols; half += width) {
            const some = min(width, cols - half);
            const cell = target + (<usize>(j + half) << 2);
            let a: usize;
            let sliverB: usize;
            let lineA: usize;
            let lineB: usize;
            if (isSwapped) {
              a = from + (<usize>(g * outG + row) << 2);
              lineA = <usize>(s.outW * s.outC) << 2;
              sliverB = band + tap + group + (<usize>(j + half) << 2);
              lineB = <usize>s.strideH * pitch;
            } else {
              a = band + tap + (<usize>(g * inG + row) << 2);
              lineA = <usize>s.strideH * pitch;
              sliverB = packed + (<usize>((g * columns + j) * dense + half) << 2);
              lineB = <usize>apart * strideB;
            }
            for (let i = 0; i < sums; i++) {
              const init: usize = isFirst && i == 0 ? 0 : cell;
              const isWhole = some == width;
              const to = isWhole ? cell : ws;
              const rowTo: usize = isWhole ? rowC : ROW_EDGE;
              const add: usize = isWhole ? init : 0;
              if (width == 8) columns8(mr, count, a, stepA, sliverB, strideB, to, rowTo, add, rowC);
              else columns16(mr, count, a, stepA, sliverB, strideB, to, rowTo, add, rowC);
              if (!isWhole) storeCells(cell, rowC, ws, mr, some, init, rowC);
              a += lineA;
              sliverB += lineB;
            }
          }
        }
      }
      isFirst = false;
      q += rows;
    }
  }
}

/** `rows` rows of outputs as slivers of 16 columns, group by group, rows `apart` positions apart with zeros between them. */
function packGradient(to: usize, from: usize, rows: i32, apart: i32, s: Window): void {
  const outG = s.outC / s.groups;
  const stepB = (<usize>s.outC) << 2;
  const line = <usize>s.outW * stepB;
  const gap = apart - s.outW;
  for (let g = 0; g < s.groups; g++) {
    for (let j = 0; j < outG; j += NR) {
      const cols = min(NR, outG - j);
      const width = cols > 8 ? 16 : 8;
      let row = from + ((<usize>(g * outG + j)) << 2);
      for (let i = 0; i < rows; i++) {
        packB(to, row, stepB, 4, s.outW, cols, width);
        to += (<usize>(s.outW * width)) << 2;
        if (i < rows - 1) {
          zeroFloats(to, gap * width);
          to += (<usize>(gap * width)) << 2;
        }
        row += line;
      }
    }
  }
}
