/** Which part of a layer a parameter is. */
export type Role = "kernel" | "bias" | "slope";

/** What follows a layer's affine map, with its parameter. */
export interface ActivationSpec {
  readonly name: string;
  /** Slope of leaky_relu, scale of elu; ignored by the others. */
  readonly alpha: number;
}

/**
 * What an initializer may know of a parameter. The layer states its fans: nothing guesses them from the shape.
 */
export interface ParamSpec {
  /** The kind of layer: `dense`. */
  readonly layer: string;
  readonly role: Role;
  readonly shape: readonly number[];
  /** Terms summed into one output. */
  readonly fanIn: number;
  /** Outputs that one input feeds. */
  readonly fanOut: number;
  /** The activation that follows. */
  readonly activation: ActivationSpec;
}

/** A description of initial values: plain, printable, serialisable. */
export interface Initializer {
  /** The canonical name: `he_normal`. */
  readonly scheme: string;
  /** The options that differ from the scheme's defaults. */
  readonly options: Readonly<Record<string, number | string>>;
}
