import { F32x4, F64x2 } from "../simd";
import { Slice } from "../thread";
import {
  Activation,
  activationForward,
  Elu,
  HardSigmoid,
  HardTanh,
  LeakyRelu,
  Linear,
  Relu,
  Relu6,
  Selu,
  Sigmoid,
  Tanh,
} from "./activations";

// A step of a recurrence over a batch: rows are examples, and threads share out rows. Pre-activations come from products; the kernels
// make gates and states of them, a row at a time, so that all of a row stays in L1 from one pass over it to the next.

/**
 * An LSTM step. A row of `gates` holds the pre-activations of input, forget, cell and output, `units` each, and is overwritten with
 * the gates i, f, g, o:
 *
 *     c = f cBefore + i g      fc = a(c)      h = o fc
 *
 * `cBefore` 0 stands for zeros. `peephole` (input, forget, output; or 0) adds `p cBefore` to the first two and `p c` to the last
 * before they are activated. Where `mask` (or 0; its rows `maskStride` floats apart) is 0, the state is carried: h = hBefore, c = cBefore, and
 * gates and fc are not touched. c may be cBefore, and fc may be h.
 */
// biome-ignore format: one line a kind of operand
export function lstmForward(
  h: usize, c: usize, fc: usize, gates: usize,
  cBefore: usize, hBefore: usize, peephole: usize, mask: usize,
  rows: i32, units: i32, maskStride: i32,
  gate: i32, gateAlpha: f32, activation: i32, alpha: f32,
  thread: i32, threads: i32,
): void {
  const width = (<usize>units) << 2;
  const end = Slice.end(rows, 1, thread, threads);
  for (let row = Slice.begin(rows, 1, thread, threads); row < end; row++) {
    const at = <usize>row * width;
    const state = c + at;
    const before = cBefore ? cBefore + at : 0;
    if (Mask.hides(mask, row, maskStride)) {
      Row.carry(h + at, hBefore ? hBefore + at : 0, units);
      Row.carry(state, before, units);
      continue;
    }
    const i = gates + 4 * at;
    const f = i + width;
    const g = f + width;
    const o = g + width;
    if (peephole && before) {
      Row.addProduct(i, peephole, before, units);
      Row.addProduct(f, peephole + width, before, units);
    }
    activationForward(i, i, 2 * units, gate, gateAlpha, 0, 1);
    activationForward(g, g, units, activation, alpha, 0, 1);
    for (let left = units, p: usize = 0; left > 0; left -= 4, p += 16) {
      let x = f32x4.mul(F32x4.loadPart(i + p, left), F32x4.loadPart(g + p, left));
      if (before) x = F32x4.madd(F32x4.loadPart(f + p, left), F32x4.loadPart(before + p, left), x);
      F32x4.storePart(state + p, x, left);
    }
    if (peephole) Row.addProduct(o, peephole + 2 * width, state, units);
    activationForward(o, o, units, gate, gateAlpha, 0, 1);
    const squashed = fc + at;
    const out = h + at;
    activationForward(squashed, state, units, activation, alpha, 0, 1);
    for (let left = units, p: usize = 0; left > 0; left -= 4, p += 16) {
      const x = f32x4.mul(F32x4.loadPart(o + p, left), F32x4.loadPart(squashed + p, left));
      F32x4.storePart(out + p, x, left);
    }
  }
}

/**
 * The backward of `lstmForward`: gates are overwritten with the gradients of their pre-activations,
 *
 *     do = dh fc      dc += dh o a'(c)      di = dc g      df = dc cBefore      dg = dc i      dc = dc f
 *
 * each gate's times its slope. `dc` comes in as the gradient of c (nothing came in with `beta` 0: it is not read) and leaves as that of
 * cBefore. With a mask, `dhBefore` takes dh where the step was hidden and 0 elsewhere, added with `carryBeta` 1; it may be dh. Without one it
 * is not touched. `dhBefore` 0: not wanted.
 */
// biome-ignore format: one line a kind of operand
export function lstmBackward(
  gates: usize, dc: usize, dhBefore: usize,
  dh: usize, fc: usize, cBefore: usize, peephole: usize, mask: usize,
  rows: i32, units: i32, maskStride: i32,
  gate: i32, gateAlpha: f32, activation: i32, alpha: f32,
  beta: i32, carryBeta: i32, thread: i32, threads: i32,
): void {
  assert((beta | carryBeta | 1) == 1, "lstmBackward: beta and carryBeta must be 0 or 1");
  if (gate == Activation.sigmoid && activation == Activation.tanh) {
    lstmRows<UsualSlopes>(gates, dc, dhBefore, dh, fc, cBefore, peephole, mask, rows, units, maskStride,
      gate, gateAlpha, activation, alpha, beta, carryBeta, thread, threads);
  } else {
    lstmRows<ChosenSlopes>(gates, dc, dhBefore, dh, fc, cBefore, peephole, mask, rows, units, maskStride,
      gate, gateAlpha, activation, alpha, beta, carryBeta, thread, threads);
  }
}

// biome-ignore format: one line a kind of operand
function lstmRows<T extends Slopes>(
  gates: usize, dc: usize, dhBefore: usize,
  dh: usize, fc: usize, cBefore: usize, peephole: usize, mask: usize,
  rows: i32, units: i32, maskStride: i32,
  gate: i32, gateAlpha: f32, activation: i32, alpha: f32,
  beta: i32, carryBeta: i32, thread: i32, threads: i32,
): void {
  const slopes = changetype<T>(0);
  const ga = f32x4.splat(gateAlpha);
  const aa = f32x4.splat(alpha);
  const width = (<usize>units) << 2;
  const end = Slice.end(rows, 1, thread, threads);
  for (let row = Slice.begin(rows, 1, thread, threads); row < end; row++) {
    const at = <usize>row * width;
    const i = gates + 4 * at;
    if (Mask.hides(mask, row, maskStride)) {
      memory.fill(i, 0, 4 * width);
      if (!beta) memory.fill(dc + at, 0, width);
      if (dhBefore) Row.pass(dhBefore + at, dh + at, units, carryBeta);
      continue;
    }
    const f = i + width;
    const g = f + width;
    const o = g + width;
    const toC = dc + at;
    const toH = dh + at;
    const squashed = fc + at;
    const before = cBefore ? cBefore + at : 0;
    for (let left = units, p: usize = 0; left > 0; left -= 4, p += 16) {
      const is = F32x4.loadPart(i + p, left);
      const fs = F32x4.loadPart(f + p, left);
      const gs = F32x4.loadPart(g + p, left);
      const os = F32x4.loadPart(o + p, left);
      const a = F32x4.loadPart(squashed + p, left);
      const d = F32x4.loadPart(toH + p, left);
      const dOut = f32x4.mul(f32x4.mul(d, a), slopes.gate(os, gate, ga));
      let dState = f32x4.mul(f32x4.mul(d, os), slopes.state(a, activation, aa));
      if (beta) dState = f32x4.add(dState, F32x4.loadPart(toC + p, left));
      if (peephole) {
        dState = F32x4.madd(F32x4.loadPart(peephole + 2 * width + p, left), dOut, dState);
      }
      const dIn = f32x4.mul(f32x4.mul(dState, gs), slopes.gate(is, gate, ga));
      const dCell = f32x4.mul(f32x4.mul(dState, is), slopes.state(gs, activation, aa));
      let dForget = f32x4.splat(0);
      if (before) {
        const cs = F32x4.loadPart(before + p, left);
        dForget = f32x4.mul(f32x4.mul(dState, cs), slopes.gate(fs, gate, ga));
      }
      dState = f32x4.mul(dState, fs);
      if (peephole) {
        dState = F32x4.madd(F32x4.loadPart(peephole + p, left), dIn, dState);
        dState = F32x4.madd(F32x4.loadPart(peephole + width + p, left), dForget, dState);
      }
      F32x4.storePart(o + p, dOut, left);
      F32x4.storePart(g + p, dCell, left);
      F32x4.storePart(f + p, dForget, left);
      F32x4.storePart(i + p, dIn, left);
      F32x4.storePart(toC + p, dState, left);
    }
    if (mask && dhBefore && !carryBeta) memory.fill(dhBefore + at, 0, width);
  }
}

/**
 * A GRU step that resets after the recurrent product (cuDNN, PyTorch). A row of `sums` holds the inputs' share of the pre-activations of
 * reset, update and candidate, a row of `recurrent` the state's, and sums are overwritten with the gates:
 *
 *     r = s(sums_r + recurrent_r)      z = s(sums_z + recurrent_z)      n = a(sums_n + r recurrent_n)      h = n + z (hBefore - n)
 *
 * `hBefore` 0 stands for zeros; the mask is `lstmForward`'s.
 */
// biome-ignore format: one line a kind of operand
export function gruForward(
  h: usize, sums: usize, recurrent: usize, hBefore: usize, mask: usize,
  rows: i32, units: i32, maskStride: i32,
  gate: i32, gateAlpha: f32, activation: i32, alpha: f32,
  thread: i32, threads: i32,
): void {
  const width = (<usize>units) << 2;
  const end = Slice.end(rows, 1, thread, threads);
  for (let row = Slice.begin(rows, 1, thread, threads); row < end; row++) {
    const at = <usize>row * width;
    const before = hBefore ? hBefore + at : 0;
    if (Mask.hides(mask, row, maskStride)) {
      Row.carry(h + at, before, units);
      continue;
    }
    const r = sums + 3 * at;
    const n = r + 2 * width;
    const u = recurrent + 3 * at;
    for (let left = 2 * units, p: usize = 0; left > 0; left -= 4, p += 16) {
      F32x4.storePart(r + p, f32x4.add(F32x4.loadPart(r + p, left), F32x4.loadPart(u + p, left)), left);
    }
    activationForward(r, r, 2 * units, gate, gateAlpha, 0, 1);
    Row.addProduct(n, r, u + 2 * width, units);
    activationForward(n, n, units, activation, alpha, 0, 1);
    Row.interpolate(h + at, n, r + width, before, units);
  }
}

/**
 * The backward of `gruForward`: a row of sums is overwritten with the gradients of the pre-activations, a row of recurrent with
 * those of its own terms, and `dhBefore` takes the part of hBefore's that passes no product, added with `carryBeta` 1; it may be dh.
 *
 *     dn = dh (1 - z) a'      dz = dh (hBefore - n) s'      dr = dn recurrent_n s'      drecurrent_n = r dn      dhBefore = z dh
 */
// biome-ignore format: one line a kind of operand
export function gruBackward(
  sums: usize, recurrent: usize, dhBefore: usize,
  dh: usize, hBefore: usize, mask: usize,
  rows: i32, units: i32, maskStride: i32,
  gate: i32, gateAlpha: f32, activation: i32, alpha: f32,
  carryBeta: i32, thread: i32, threads: i32,
): void {
  assert((carryBeta | 1) == 1, "gruBackward: carryBeta must be 0 or 1");
  const slopes = changetype<ChosenSlopes>(0);
  const ga = f32x4.splat(gateAlpha);
  const aa = f32x4.splat(alpha);
  const one = f32x4.splat(1);
  const width = (<usize>units) << 2;
  const end = Slice.end(rows, 1, thread, threads);
  for (let row = Slice.begin(rows, 1, thread, threads); row < end; row++) {
    const at = <usize>row * width;
    const r = sums + 3 * at;
    const u = recurrent + 3 * at;
    if (Mask.hides(mask, row, maskStride)) {
      memory.fill(r, 0, 3 * width);
      memory.fill(u, 0, 3 * width);
      if (dhBefore) Row.pass(dhBefore + at, dh + at, units, carryBeta);
      continue;
    }
    const z = r + width;
    const n = z + width;
    const toH = dh + at;
    const before = hBefore ? hBefore + at : 0;
    const back = dhBefore ? dhBefore + at : 0;
    for (let left = units, p: usize = 0; left > 0; left -= 4, p += 16) {
      const rs = F32x4.loadPart(r + p, left);
      const zs = F32x4.loadPart(z + p, left);
      const ns = F32x4.loadPart(n + p, left);
      const un = F32x4.loadPart(u + 2 * width + p, left);
      const d = F32x4.loadPart(toH + p, left);
      const hs = before ? F32x4.loadPart(before + p, left) : f32x4.splat(0);
      const dn = f32x4.mul(f32x4.mul(d, f32x4.sub(one, zs)), slopes.state(ns, activation, aa));
      const dz = f32x4.mul(f32x4.mul(d, f32x4.sub(hs, ns)), slopes.gate(zs, gate, ga));
      const dr = f32x4.mul(f32x4.mul(dn, un), slopes.gate(rs, gate, ga));
      if (back) {
        let x = f32x4.mul(zs, d);
        if (carryBeta) x = f32x4.add(x, F32x4.loadPart(back + p, left));
        F32x4.storePart(back + p, x, left);
      }
      F32x4.storePart(n + p, dn, left);
      F32x4.storePart(z + p, dz, left);
      F32x4.storePart(r + p, dr, left);
      F32x4.storePart(u + 2 * width + p, f32x4.mul(rs, dn), left);
      F32x4.storePart(u + width + p, dz, left);
      F32x4.storePart(u + p, dr, left);
    }
  }
}

/**
 * The first half of a GRU step that resets before the recurrent product (Cho et al. 2014): r and z of a row of sums are activated, and
 * `reset = r hBefore` is what the candidate's product takes; 0 where the mask hides the step.
 */
// biome-ignore format: one line a kind of operand
export function gruGates(
  reset: usize, sums: usize, hBefore: usize, mask: usize,
  rows: i32, units: i32, maskStride: i32,
  gate: i32, gateAlpha: f32, thread: i32, threads: i32,
): void {
  const width = (<usize>units) << 2;
  const end = Slice.end(rows, 1, thread, threads);
  for (let row = Slice.begin(rows, 1, thread, threads); row < end; row++) {
    const at = <usize>row * width;
    if (!hBefore || Mask.hides(mask, row, maskStride)) memory.fill(reset + at, 0, width);
    if (Mask.hides(mask, row, maskStride)) continue;
    const r = sums + 3 * at;
    activationForward(r, r, 2 * units, gate, gateAlpha, 0, 1);
    if (!hBefore) continue;
    for (let left = units, p: usize = 0; left > 0; left -= 4, p += 16) {
      const x = f32x4.mul(F32x4.loadPart(r + p, left), F32x4.loadPart(hBefore + at + p, left));
      F32x4.storePart(reset + at + p, x, left);
    }
  }
}

/** The second half: `n = a(sums_n)`, `h = n + z (hBefore - n)`; the mask is `lstmForward`'s. */
// biome-ignore format: one line a kind of operand
export function gruCandidate(
  h: usize, sums: usize, hBefore: usize, mask: usize,
  rows: i32, units: i32, maskStride: i32,
  activation: i32, alpha: f32, thread: i32, threads: i32,
): void {
  const width = (<usize>units) << 2;
  const end = Slice.end(rows, 1, thread, threads);
  for (let row = Slice.begin(rows, 1, thread, threads); row < end; row++) {
    const at = <usize>row * width;
    const before = hBefore ? hBefore + at : 0;
    if (Mask.hides(mask, row, maskStride)) {
      Row.carry(h + at, before, units);
      continue;
    }
    const z = sums + 3 * at + width;
    activationForward(z + width, z + width, units, activation, alpha, 0, 1);
    Row.interpolate(h + at, z + width, z, before, units);
  }
}

/**
 * The backward of `gruCandidate`: z and n of a row of sums are overwritten with the gradients of their pre-activations, `dhBefore` takes
 * `z dh` as in `gruBackward`. Where the mask hides the step the row is 0, r included.
 */
// biome-ignore format: one line a kind of operand
export function gruCandidateBackward(
  sums: usize, dhBefore: usize,
  dh: usize, hBefore: usize, mask: usize,
  rows: i32, units: i32, maskStride: i32,
  gate: i32, gateAlpha: f32, activation: i32, alpha: f32,
  carryBeta: i32, thread: i32, threads: i32,
): void {
  assert((carryBeta | 1) == 1, "gruCandidateBackward: carryBeta must be 0 or 1");
  const slopes = changetype<ChosenSlopes>(0);
  const ga = f32x4.splat(gateAlpha);
  const aa = f32x4.splat(alpha);
  const one = f32x4.splat(1);
  const width = (<usize>units) << 2;
  const end = Slice.end(rows, 1, thread, threads);
  for (let row = Slice.begin(rows, 1, thread, threads); row < end; row++) {
    const at = <usize>row * width;
    const r = sums + 3 * at;
    if (Mask.hides(mask, row, maskStride)) {
      memory.fill(r, 0, 3 * width);
      if (dhBefore) Row.pass(dhBefore + at, dh + at, units, carryBeta);
      continue;
    }
    const z = r + width;
    const n = z + width;
    const back = dhBefore ? dhBefore + at : 0;
    for (let left = units, p: usize = 0; left > 0; left -= 4, p += 16) {
      const zs = F32x4.loadPart(z + p, left);
      const ns = F32x4.loadPart(n + p, left);
      const d = F32x4.loadPart(dh + at + p, left);
      const hs = hBefore ? F32x4.loadPart(hBefore + at + p, left) : f32x4.splat(0);
      if (back) {
        let x = f32x4.mul(zs, d);
        if (carryBeta) x = f32x4.add(x, F32x4.loadPart(back + p, left));
        F32x4.storePart(back + p, x, left);
      }
      const dn = f32x4.mul(f32x4.mul(d, f32x4.sub(one, zs)), slopes.state(ns, activation, aa));
      const dz = f32x4.mul(f32x4.mul(d, f32x4.sub(hs, ns)), slopes.gate(zs, gate, ga));
      F32x4.storePart(n + p, dn, left);
      F32x4.storePart(z + p, dz, left);
    }
  }
}

/**
 * The backward of `gruGates`: `dr = dreset hBefore s'` takes r's place in a row of sums, and `dhBefore += r dreset`. `hBefore` 0: dr
 * is 0, and dreset is not read. `dhBefore` 0: not wanted.
 */
// biome-ignore format: one line a kind of operand
export function gruGatesBackward(
  sums: usize, dhBefore: usize, dreset: usize, hBefore: usize,
  rows: i32, units: i32,
  gate: i32, gateAlpha: f32, thread: i32, threads: i32,
): void {
  const slopes = changetype<ChosenSlopes>(0);
  const ga = f32x4.splat(gateAlpha);
  const width = (<usize>units) << 2;
  const end = Slice.end(rows, 1, thread, threads);
  for (let row = Slice.begin(rows, 1, thread, threads); row < end; row++) {
    const at = <usize>row * width;
    const r = sums + 3 * at;
    if (!hBefore) {
      memory.fill(r, 0, width);
      continue;
    }
    for (let left = units, p: usize = 0; left > 0; left -= 4, p += 16) {
      const rs = F32x4.loadPart(r + p, left);
      const d = F32x4.loadPart(dreset + at + p, left);
      const hs = F32x4.loadPart(hBefore + at + p, left);
      const dr = f32x4.mul(f32x4.mul(d, hs), slopes.gate(rs, gate, ga));
      if (dhBefore) {
        const back = dhBefore + at + p;
        F32x4.storePart(back, F32x4.madd(rs, d, F32x4.loadPart(back, left)), left);
      }
      F32x4.storePart(r + p, dr, left);
    }
  }
}

/** `h = hBefore` in the rows that the mask hides; `hBefore` 0 stands for zeros. */
// biome-ignore format: one line a kind of operand
export function carryRows(
  h: usize, hBefore: usize, mask: usize, rows: i32, units: i32, maskStride: i32,
  thread: i32, threads: i32,
): void {
  const width = (<usize>units) << 2;
  const end = Slice.end(rows, 1, thread, threads);
  for (let row = Slice.begin(rows, 1, thread, threads); row < end; row++) {
    if (!Mask.hides(mask, row, maskStride)) continue;
    const at = <usize>row * width;
    Row.carry(h + at, hBefore ? hBefore + at : 0, units);
  }
}

/** In the rows that the mask hides `dhBefore` takes dh, which becomes 0; elsewhere it takes 0. It adds with `beta` 1. `dhBefore` 0: not wanted. */
// biome-ignore format: one line a kind of operand
export function carryRowsBackward(
  dhBefore: usize, dh: usize, mask: usize, rows: i32, units: i32, maskStride: i32,
  beta: i32, thread: i32, threads: i32,
): void {
  assert((beta | 1) == 1, "carryRowsBackward: beta must be 0 or 1");
  assert(dhBefore != dh, "carryRowsBackward: dhBefore must not be dh");
  const width = (<usize>units) << 2;
  const end = Slice.end(rows, 1, thread, threads);
  for (let row = Slice.begin(rows, 1, thread, threads); row < end; row++) {
    const at = <usize>row * width;
    if (Mask.hides(mask, row, maskStride)) {
      if (dhBefore) Row.pass(dhBefore + at, dh + at, units, beta);
      memory.fill(dh + at, 0, width);
    } else if (dhBefore && !beta) {
      memory.fill(dhBefore + at, 0, width);
    }
  }
}

/**
 * `y[i, j, :] = x[i, j, :] + beta y[i, j, :]` for rows of `width` floats; i has `outer` values and j `inner`, and each side says how many floats apart
 * they are: that transposes, reverses (negative strides, the address being that of [0, 0]) and puts things side by side.
 */
// biome-ignore format: one line a kind of operand
export function moveRows(
  y: usize, outerY: i32, innerY: i32,
  x: usize, outerX: i32, innerX: i32,
  outer: i32, inner: i32, width: i32, beta: i32,
  thread: i32, threads: i32,
): void {
  const end = Slice.end(outer * inner, 1, thread, threads);
  const begin = Slice.begin(outer * inner, 1, thread, threads);
  let i = begin / max(1, inner);
  let j = begin - i * inner;
  for (let row = begin; row < end; row++) {
    const to = y + ((<usize>(i * outerY + j * innerY)) << 2);
    const from = x + ((<usize>(i * outerX + j * innerX)) << 2);
    for (let left = width, p: usize = 0; left > 0; left -= 4, p += 16) {
      let v = F32x4.loadPart(from + p, left);
      if (beta) v = f32x4.add(v, F32x4.loadPart(to + p, left));
      F32x4.storePart(to + p, v, left);
    }
    if (++j == inner) {
      j = 0;
      i++;
    }
  }
}

/** `out[c] = sum_r a[r, c] b[r, c] + beta out[c]`, the sum in f64; rows are `strideA` and `strideB` floats apart. Threads share out columns. */
// biome-ignore format: one line a kind of operand
export function columnDots(
  out: usize, a: usize, strideA: i32, b: usize, strideB: i32,
  rows: i32, cols: i32, beta: i32, thread: i32, threads: i32,
): void {
  const end = Slice.end(cols, 16, thread, threads);
  for (let c = Slice.begin(cols, 16, thread, threads); c < end; c += 4) {
    const left = end - c;
    const at = (<usize>c) << 2;
    let low = f64x2.splat(0);
    let high = f64x2.splat(0);
    if (beta) {
      const before = F32x4.loadPart(out + at, left);
      low = F64x2.low(before);
      high = F64x2.high(before);
    }
    let x = a + at;
    let y = b + at;
    for (let row = 0; row < rows; row++) {
      const xs = F32x4.loadPart(x, left);
      const ys = F32x4.loadPart(y, left);
      low = f64x2.add(low, f64x2.mul(F64x2.low(xs), F64x2.low(ys)));
      high = f64x2.add(high, f64x2.mul(F64x2.high(xs), F64x2.high(ys)));
      x += (<usize>strideA) << 2;
      y += (<usize>strideB) << 2;
    }
    const l = f32x4.demote_f64x2_zero(low);
    const h = f32x4.demote_f64x2_zero(high);
    F32x4.storePart(out + at, v128.shuffle<f32>(l, h, 0, 1, 4, 5), left);
  }
}

class Mask {
  /** Whether the mask, if there is one, is 0 in a row. */
  @inline static hides(mask: usize, row: i32, stride: i32): bool {
    return mask != 0 && load<f32>(mask + ((<usize>row * <usize>stride) << 2)) == 0;
  }
}

/** What is done to a row of `n` floats. */
class Row {
  /** `y = x`, or zeros for no x. y may be x. */
  @inline static carry(y: usize, x: usize, n: i32): void {
    if (x) memory.copy(y, x, (<usize>n) << 2);
    else memory.fill(y, 0, (<usize>n) << 2);
  }

  /** `y = x + beta y`; with beta 0, y may be x. */
  @inline static pass(y: usize, x: usize, n: i32, beta: i32): void {
    for (let left = n, p: usize = 0; left > 0; left -= 4, p += 16) {
      let v = F32x4.loadPart(x + p, left);
      if (beta) v = f32x4.add(v, F32x4.loadPart(y + p, left));
      F32x4.storePart(y + p, v, left);
    }
  }

  /** `y += a b` */
  @inline static addProduct(y: usize, a: usize, b: usize, n: i32): void {
    for (let left = n, p: usize = 0; left > 0; left -= 4, p += 16) {
      const v = F32x4.madd(
        F32x4.loadPart(a + p, left),
        F32x4.loadPart(b + p, left),
        F32x4.loadPart(y + p, left),
      );
      F32x4.storePart(y + p, v, left);
    }
  }

  /** `y = n + z (x - n)`, x zeros when there is none. */
  @inline static interpolate(y: usize, n: usize, z: usize, x: usize, units: i32): void {
    for (let left = units, p: usize = 0; left > 0; left -= 4, p += 16) {
      const ns = F32x4.loadPart(n + p, left);
      const xs = x ? F32x4.loadPart(x + p, left) : f32x4.splat(0);
      const v = F32x4.madd(F32x4.loadPart(z + p, left), f32x4.sub(xs, ns), ns);
      F32x4.storePart(y + p, v, left);
    }
  }
}

/** The slopes of the gates' activation and of the state's, from their outputs. A subclass is a compile-time argument: it costs nothing. */
@unmanaged
abstract class Slopes {
  abstract gate(y: v128, kind: i32, alpha: v128): v128;
  abstract state(y: v128, kind: i32, alpha: v128): v128;
}

/** sigmoid and tanh. */
@final
@unmanaged
class UsualSlopes extends Slopes {
  @inline gate(y: v128, _kind: i32, alpha: v128): v128 {
    return changetype<Sigmoid>(0).slope(y, alpha);
  }
  @inline state(y: v128, _kind: i32, alpha: v128): v128 {
    return changetype<Tanh>(0).slope(y, alpha);
  }
}

@final
@unmanaged
class ChosenSlopes extends Slopes {
  @inline gate(y: v128, kind: i32, alpha: v128): v128 {
    return slopeOf(y, kind, alpha);
  }
  @inline state(y: v128, kind: i32, alpha: v128): v128 {
    return slopeOf(y, kind, alpha);
  }
}

/** f' of any activation whose slope is had from its output. */
function slopeOf(y: v128, kind: i32, alpha: v128): v128 {
  switch (kind) {
    case Activation.linear:
      return changetype<Linear>(0).slope(y, alpha);
    case Activation.relu:
      return changetype<Relu>(0).slope(y, alpha);
    case Activation.leakyRelu:
      return changetype<LeakyRelu>(0).slope(y, alpha);
    case Activation.relu6:
      return changetype<Relu6>(0).slope(y, alpha);
    case Activation.elu:
      return changetype<Elu>(0).slope(y, alpha);
    case Activation.selu:
      return changetype<Selu>(0).slope(y, alpha);
    case Activation.tanh:
      return changetype<Tanh>(0).slope(y, alpha);
    case Activation.sigmoid:
      return changetype<Sigmoid>(0).slope(y, alpha);
    case Activation.hardSigmoid:
      return changetype<HardSigmoid>(0).slope(y, alpha);
    case Activation.hardTanh:
      return changetype<HardTanh>(0).slope(y, alpha);
    default:
      assert(false, "recurrent: the activation's slope is not had from its output");
      return y;
  }
}
