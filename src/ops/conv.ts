import type { Ref } from "../graph/buffer.ts";
import { float } from "../graph/buffer.ts";
import type { Param } from "../graph/param-store.ts";
import type { GradSlot, Tape } from "../graph/tape.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { ActivationSpec } from "../init/types.ts";
import { activation, kindOf, readsOutput } from "./activation.ts";
import type { WindowOptions, WindowWords } from "./window.ts";
import { placeWindow, windowWords, windowWorkspace } from "./window.ts";

export interface ConvOptions extends WindowOptions {
  readonly kernel: Param;
  readonly bias: Param | undefined;
  readonly activation: ActivationSpec;
  readonly groups: number;
}

/** The kernel that computes a convolution and its input's gradient, and the one of its filter's gradient. */
interface Kernels {
  readonly sums: "convolve" | "depthwise";
  readonly filter: "convolveFilter" | "depthwiseFilter";
}

const DEPTHWISE: Kernels = { sums: "depthwise", filter: "depthwiseFilter" };
const GENERAL: Kernels = { sums: "convolve", filter: "convolveFilter" };

/**
 * `y[p] = f(sum_k x[p stride + k dilation - before] w[k] + b)`: x [batch, height, width, inputs], w [rows, columns, inputs / groups,
 * outputs].
 */
export function conv(tape: Tape, layer: string, x: Tensor, options: ConvOptions): Tensor {
  const [height, width, inputs] = imageOf(layer, x);
  const { groups } = options;
  const { outputs, before } = placeWindow(layer, [height, width], options);
  const filters = options.kernel.spec.shape.at(-1) ?? 1;
  const circular = circularFlag(tape, options);
  const forward: WindowWords = {
    ...{ batch: tape.batch, options, before, groups, flags: circular },
    ...{ out: [...outputs, filters], in: [height, width, inputs] },
  };
  const { fractional, swapped } = flagsOf(tape);
  // One output a channel has kernels of its own, whose vectors go along the channels.
  const kernels = groups === inputs && filters === inputs && inputs > 1 ? DEPTHWISE : GENERAL;
  return windowed(tape, layer, x, options, kernels, {
    forward,
    back: { ...forward, out: forward.in, in: forward.out, flags: circular | fractional | swapped },
    filter: forward,
    isSwapped: false,
  });
}

/**
 * `y[p stride + k dilation - before] += x[p] w[k]`, then bias and activation: w [rows, columns, inputs / groups, outputs]. The adjoint of
 * `conv` in x.
 */
export function convTranspose(
  tape: Tape,
  layer: string,
  x: Tensor,
  options: ConvOptions & {
    readonly outputs: readonly [number, number];
    readonly before: readonly [number, number];
  },
): Tensor {
  const image = imageOf(layer, x);
  const { groups, outputs, before } = options;
  const filters = options.kernel.spec.shape.at(-1) ?? 1;
  const { fractional, swapped } = flagsOf(tape);
  const common = { batch: tape.batch, options, before, groups };
  const out = [...outputs, filters] as const;
  return windowed(tape, layer, x, options, GENERAL, {
    forward: { ...common, out, in: image, flags: fractional },
    back: { ...common, out: image, in: out, flags: swapped },
    filter: { ...common, out: image, in: out, flags: swapped },
    isSwapped: true,
  });
}

interface Passes {
  readonly forward: WindowWords;
  /** The gradient of x from that of y. */
  readonly back: WindowWords;
  readonly filter: WindowWords;
  /** In the filter's gradient the window goes over y instead of x. */
  readonly isSwapped: boolean;
}

function windowed(
  tape: Tape,
  layer: string,
  x: Tensor,
  { kernel, bias, activation: f }: Pick<ConvOptions, "kernel" | "bias" | "activation">,
  { sums, filter }: Kernels,
  passes: Passes,
): Tensor {
  const isFused =
    !tape.training || f.name === "linear" || (readsOutput(tape.core, f) && !tape.keep);
  const kind = kindOf(tape.core, f);
  const linear = kindOf(tape.core, { name: "linear", alpha: 0 });
  const alpha = float(f.alpha);
  const { tile } = tape.core;
  const w = tape.params.values(kernel);
  const tiles = sums === "convolve" ? [tile] : [];

  const y = tape.tensor(passes.forward.out, layer, isFused ? "output" : "preactivation");
  tape.emit(
    ...([sums, y.data, x.data, w, bias ? tape.params.values(bias) : 0] as const),
    ...([windowWorkspace(tape, passes.forward), 0, isFused ? kind : linear, alpha] as const),
    ...[...tiles, ...windowWords(passes.forward)],
  );

  tape.onBackward(() => {
    const dy = tape.grad(y);
    if (dy === undefined) return;
    const filters = passes.forward.out[2];
    // dz = f'(y) dy in the place of dy, db = column sums of dz
    preActivation(tape, y, dy, isFused ? f : undefined, { bias, filters });
    const dw = tape.addParamGrad(kernel);
    const [over, steps] = passes.isSwapped ? [dy, x.data] : [x.data, dy];
    tape.emit(
      ...([filter, dw.at, over, steps, windowWorkspace(tape, passes.filter), dw.beta] as const),
      ...[...tiles, ...windowWords(passes.filter)],
    );
    const dx = tape.addGrad(x);
    if (dx === undefined) return;
    tape.emit(
      ...([sums, dx.at, dy, w, 0, windowWorkspace(tape, passes.back)] as const),
      ...([dx.beta, linear, float(0), ...tiles] as const),
      ...windowWords(passes.back),
    );
  });
  return isFused ? y : activation(tape, layer, y, f);
}

/** Turns dy into the gradient before a fused activation, and gives the bias its own. */
function preActivation(
  tape: Tape,
  y: Tensor,
  dy: Ref,
  fused: ActivationSpec | undefined,
  { bias, filters }: { readonly bias: Param | undefined; readonly filters: number },
): void {
  const f = fused ?? { name: "linear", alpha: 0 };
  const kind = kindOf(tape.core, f);
  const alpha = float(f.alpha);
  if (bias !== undefined) {
    const db: GradSlot = tape.addParamGrad(bias);
    const sizes = [y.size / filters, filters] as const;
    tape.emit(
      ...(["activationBackwardBias", dy, db.at, y.data, dy, ...sizes, kind] as const),
      ...([alpha, db.beta] as const),
    );
  } else if (f.name !== "linear") {
    tape.emit("activationBackward", dy, y.data, dy, y.size, kind, alpha, 0);
  }
}

/** Height, width and channels of an image. */
export function imageOf(layer: string, x: Tensor): readonly [number, number, number] {
  const [height, width, channels, ...more] = x.shape.slice(1);
  if (height === undefined || width === undefined || channels === undefined || more.length > 0) {
    throw new RangeError(
      `${layer}: expected images of shape [height, width, channels], got [${x.shape.slice(1)}]; ` +
        `put input([height, width, channels]) before it`,
    );
  }
  return [height, width, channels];
}

function flagsOf({ core }: Tape): { readonly [flag: string]: number } & {
  readonly fractional: number;
  readonly swapped: number;
  readonly circular: number;
} {
  const { fractional, swapped, circular } = core.enums.WindowFlag ?? {};
  if (fractional === undefined || swapped === undefined || circular === undefined) {
    throw new Error("conv: the core has no WindowFlag");
  }
  return { fractional, swapped, circular };
}

function circularFlag(tape: Tape, { padding }: WindowOptions): number {
  return padding === "circular" ? flagsOf(tape).circular : 0;
}
