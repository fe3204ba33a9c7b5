/** Which part of a layer a parameter is; a `statistic` is measured, not learnt. */
export type Role = "kernel" | "recurrent" | "bias" | "gain" | "slope" | "embedding" | "statistic";

/** What follows a layer's affine map, with its parameter. */
export interface ActivationSpec {
  readonly name: string;
  /** Slope of leaky_relu and prelu, scale of elu; ignored by the others. */
  readonly alpha: number;
}

/**
 * One linear map inside a parameter: `inputs` terms are summed into each of `outputs` outputs. Element (i, o) lies at
 * `offset + i inputStride + o outputStride`, in floats. A dense kernel is one map; a grouped convolution has one for each group, an
 * LSTM kernel one for each gate, a fused query-key-value kernel three.
 */
export interface LinearMap {
  readonly offset: number;
  readonly inputs: number;
  readonly outputs: number;
  readonly inputStride: number;
  readonly outputStride: number;
  /**
   * Where inputs that are not evenly spaced begin, one number an input: element (i, o) then lies at
   * `offset + inputOffsets[i] + o outputStride`. Transposed convolutions only: an output meets every stride-th window position.
   */
  readonly inputOffsets?: readonly number[];
}

/** How a kernel reaches over positions: sizes of its window and steps between outputs, one number a spatial axis. */
export interface Window {
  readonly size: readonly number[];
  readonly stride: readonly number[];
}

/**
 * What an initializer may know of a parameter. The layer states it: nothing guesses a fan from a shape.
 * `src/init/specs.ts` makes one for every kind of layer.
 */
export interface ParamSpec {
  /** The kind of layer: `dense`, `conv`, `lstm`, … */
  readonly layer: string;
  readonly role: Role;
  readonly shape: readonly number[];
  /** Terms summed into one output. */
  readonly fanIn: number;
  /** Outputs that one input feeds. */
  readonly fanOut: number;
  /** The activation that follows. */
  readonly activation: ActivationSpec;
  /** The linear maps the parameter consists of; none for biases and gains. */
  readonly maps: readonly LinearMap[];
  /** Convolutions only. */
  readonly window?: Window;
  /** Names of the maps' gates or projections, in order: `["input", "forget", "cell", "output"]`. */
  readonly parts?: readonly string[];
  /** Attention only: how many heads the columns of a projection, or the rows of the output's, belong to, in equal runs. */
  readonly heads?: number;
  /** Biases, gains and slopes beside a kernel: that kernel. */
  readonly kernel?: ParamSpec;
  /** Path of the innermost residual block the layer lies in. */
  readonly residual?: string;
}

/** A description of initial values: plain, printable, serialisable. */
export interface Initializer {
  /** The canonical name: `he_normal`. */
  readonly scheme: string;
  /** The options that differ from the scheme's defaults. */
  readonly options: Readonly<Record<string, number | string>>;
  /** Multiplies every value that the scheme gives: how a policy scales with depth. Not negative; default 1. */
  readonly factor?: number;
}
