import type { Access, Effects, Share } from "./effects.ts";

const EVERY: Share = { of: "every" };

/** The fields of the kernels' `Window`, in its order. */
function windowOf(words: readonly number[]) {
  const [batch, outH, outW, outC, inH, inW, inC, kernelH, kernelW] = words as Nine;
  const [strideH, strideW, , , , , groups, flags] = words.slice(9) as Nine;
  const out = batch * outH * outW * outC;
  const taps = kernelH * kernelW;
  return {
    batch,
    outH,
    outC,
    inC,
    taps,
    groups,
    strideH,
    strideW,
    out,
    flags,
    in: batch * inH * inW * inC,
  };
}

type Nine = [number, number, number, number, number, number, number, number, number];
type Row = (call: { readonly words: readonly number[] }) => Effects;

/** `WindowFlag.fractional` of assembly/kernels/window.ts. */
const FRACTIONAL = 1;

function floats(at: number, count: number): readonly Access[] {
  return at === 0 ? [] : [{ base: "memory", at: at >>> 0, bytes: 4 * count, share: EVERY }];
}

function effects(row: Omit<Effects, "stops">): Effects {
  return { ...row, stops: false };
}

/** Rows of the table of effects: convolution, pooling, resampling. Workspaces are left out: each thread has its own. */
export const CONV_EFFECTS: Readonly<Record<string, Row>> = {
  // f(conv(x, w) + bias + beta y)
  convolve: ({ words: [y, x, w, bias, , beta, , , , ...window] }) => {
    const s = windowOf(window);
    const weights = s.taps * (s.inC / s.groups) * s.outC;
    const isFractional = (s.flags & FRACTIONAL) !== 0;
    // Each position of what lies at the window's steps meets all taps.
    const flops = isFractional
      ? (2 * s.in * s.taps * s.outC) / s.groups
      : (2 * s.out * s.taps * s.inC) / s.groups;
    return effects({
      reads: [
        ...floats(x!, s.in),
        ...floats(w!, weights),
        ...floats(bias!, s.outC),
        ...(beta === 0 ? [] : floats(y!, s.out)),
      ],
      writes: floats(y!, s.out),
      flops,
      elements: s.out,
      parts: s.batch * Math.ceil(s.outH / (isFractional ? s.strideH : 1)),
    });
  },
  // patches' dy + beta dw
  convolveFilter: ({ words: [dw, x, dy, , beta, , ...window] }) => {
    const s = windowOf(window);
    const weights = (s.taps * s.inC * s.outC) / s.groups;
    return effects({
      reads: [
        ...floats(x!, s.in),
        ...floats(dy!, s.out),
        ...(beta === 0 ? [] : floats(dw!, weights)),
      ],
      writes: floats(dw!, weights),
      flops: (2 * s.out * s.taps * s.inC) / s.groups,
      elements: weights,
      parts: Math.ceil((s.taps * s.inC) / 6),
    });
  },
  depthwise: ({ words: [y, x, w, bias, , beta, , , ...window] }) => {
    const s = windowOf(window);
    const isFractional = (s.flags & FRACTIONAL) !== 0;
    return effects({
      reads: [
        ...floats(x!, s.in),
        ...floats(w!, s.taps * s.inC),
        ...floats(bias!, s.outC),
        ...(beta === 0 ? [] : floats(y!, s.out)),
      ],
      writes: floats(y!, s.out),
      flops: 2 * s.taps * (isFractional ? s.in : s.out),
      elements: s.out,
      parts: s.batch * Math.ceil(s.outH / (isFractional ? s.strideH : 1)),
    });
  },
  depthwiseFilter: ({ words: [dw, x, dy, , beta, ...window] }) => {
    const s = windowOf(window);
    const weights = s.taps * s.inC;
    return effects({
      reads: [
        ...floats(x!, s.in),
        ...floats(dy!, s.out),
        ...(beta === 0 ? [] : floats(dw!, weights)),
      ],
      writes: floats(dw!, weights),
      flops: 2 * s.taps * s.out,
      elements: weights,
      parts: Math.ceil(s.inC / 16),
    });
  },
  maxPool: ({ words: [y, x, ...window] }) => pooling(y!, x!, window),
  averagePool: ({ words: [y, x, ...window] }) => pooling(y!, x!, window),
  maxPoolBackward: ({ words: [dx, x, y, dy, beta, ...window] }) => {
    const s = windowOf(window);
    return poolingBackward(dx!, beta!, window, [
      ...[...floats(x!, s.in), ...floats(y!, s.out), ...floats(dy!, s.out)],
    ]);
  },
  averagePoolBackward: ({ words: [dx, dy, beta, ...window] }) =>
    poolingBackward(dx!, beta!, window, floats(dy!, windowOf(window).out)),
  upSample: ({ words }) => {
    const [y, x, batch, height, width, channels, factorH, factorW, isBilinear] = words as Nine;
    const n = batch * height * width * channels;
    return effects({
      reads: floats(x, n),
      writes: floats(y, n * factorH * factorW),
      flops: isBilinear ? 9 * n * factorH * factorW : 0,
      elements: n * factorH * factorW,
      parts: batch * height * factorH,
    });
  },
  upSampleBackward: ({ words }) => {
    const [dx, dy, batch, height, width, channels, factorH, factorW, isBilinear] = words as Nine;
    const n = batch * height * width * channels;
    return effects({
      reads: [...floats(dy, n * factorH * factorW), ...(words[9] === 0 ? [] : floats(dx, n))],
      writes: floats(dx, n),
      flops: (isBilinear ? 8 : 1) * n * factorH * factorW,
      elements: n * factorH * factorW,
      parts: batch,
    });
  },
  pixelShuffle: ({ words }) => {
    const [y, x, batch, height, width, channels, factor, , beta] = words as Nine;
    const n = batch * height * width * channels * factor * factor;
    return effects({
      reads: [...floats(x, n), ...(beta === 0 ? [] : floats(y, n))],
      writes: floats(y, n),
      flops: beta === 0 ? 0 : n,
      elements: n,
      parts: batch * height,
    });
  },
};

function pooling(y: number, x: number, window: readonly number[]): Effects {
  const s = windowOf(window);
  return effects({
    reads: floats(x, s.in),
    writes: floats(y, s.out),
    flops: s.taps * s.out,
    elements: s.out,
    parts: s.batch * s.outH,
  });
}

function poolingBackward(
  dx: number,
  beta: number,
  window: readonly number[],
  reads: readonly Access[],
): Effects {
  const s = windowOf(window);
  return effects({
    reads: [...reads, ...(beta === 0 ? [] : floats(dx, s.in))],
    writes: floats(dx, s.in),
    flops: s.taps * s.out,
    elements: s.taps * s.out,
    parts: s.batch,
  });
}
