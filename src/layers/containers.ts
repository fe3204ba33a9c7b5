import type { ActivationLike } from "../ops/activation.ts";
import { activation as activationOp, activationSpec } from "../ops/activation.ts";
import { add } from "../ops/add.ts";
import type { NamedOptions } from "./activation.ts";
import type { Layer, LayerConfig } from "./layer.ts";
import { buildAll, checkName, Scope } from "./layer.ts";
import { scale } from "./scale.ts";
import { layerConfig } from "./serialise.ts";

/** The layers one after the other. It adds nothing to their paths. */
export function sequential(...layers: readonly Layer[]): Layer {
  return {
    kind: "sequential",
    config: { layers: layers.map(layerConfig) },
    build: (tape, x, _path, scope) => buildAll(tape, x, layers, scope),
  };
}

/** A learnt factor at the end of a branch. */
export interface BranchGain {
  /** Its initial value. */
  readonly initial: number;
  /** One for all (`false`), or one for each channel of the last axis. */
  readonly perChannel: boolean;
}

/**
 * `rezero` (Bachlechner et al. 2020) and `skip_init` (De & Smith 2020): one factor, 0 at first. `layer_scale` (Touvron et al. 2021): one a
 * channel, 1e-5 at first.
 */
export type BranchGainLike = "rezero" | "skip_init" | "layer_scale" | Partial<BranchGain>;

export interface ResidualOptions extends NamedOptions {
  /** What x goes through on its way past the body, where the body changes its shape: `dense(64)`. Default: nothing. */
  readonly shortcut?: Layer;
  /** After the sum, as in the first residual networks (He et al. 2015). Default: none. */
  readonly activation?: ActivationLike;
  /** Multiplies what the body gives; the parameter is the block's `gain/scale`. Default: none. */
  readonly gain?: BranchGainLike;
}

/** `y = f(shortcut(x) + gain body(x))`; without a shortcut the body keeps the shape. */
export function residual(body: Layer, options: ResidualOptions = {}): Layer {
  const { name, shortcut } = options;
  checkName("residual", name);
  const activation =
    options.activation === undefined ? undefined : activationSpec(options.activation);
  const gain = options.gain === undefined ? undefined : gainOf(options.gain);
  const branch = gain === undefined ? [body] : [body, scale({ ...gain, name: GAIN })];
  return {
    kind: "residual",
    ...(name === undefined ? {} : { name }),
    config: {
      body: layerConfig(body),
      ...(shortcut === undefined ? {} : { shortcut: layerConfig(shortcut) }),
      ...(activation === undefined ? {} : { activation: { ...activation } }),
      ...(gain === undefined ? {} : { gain: { ...gain } }),
    },
    build(tape, x, path) {
      const past =
        shortcut === undefined
          ? x
          : buildAll(tape, x, [shortcut], new Scope(`${path}/${SHORTCUT}/`));
      const inner = new Scope(`${path}/`);
      const y = tape.branch(path, () => buildAll(tape, x, branch, inner));
      const sum = add(tape, path, past, y);
      if (activation === undefined) return sum;
      return activationOp(tape, `${path}/activation`, sum, activation);
    },
  };
}

/** The name of the scale layer that `gain` puts behind the body. */
export const GAIN = "gain";
/** The last part of the path under which the shortcut's layers lie. */
export const SHORTCUT = "shortcut";

/** The gain of a residual block's description as the description of a layer. */
export function gainConfig(config: LayerConfig): LayerConfig | undefined {
  return config.gain === undefined
    ? undefined
    : { kind: "scale", name: GAIN, ...(config.gain as LayerConfig) };
}

function gainOf(like: BranchGainLike): BranchGain {
  if (typeof like === "string") {
    const known = GAINS[like] as BranchGain | undefined;
    if (known !== undefined) return known;
    throw new RangeError(
      `residual: there is no gain "${like}"; there are ${Object.keys(GAINS).join(", ")}, { initial, perChannel }`,
    );
  }
  const { initial = 0, perChannel = false } = like;
  return { initial, perChannel };
}

const GAINS = {
  rezero: { initial: 0, perChannel: false },
  skip_init: { initial: 0, perChannel: false },
  layer_scale: { initial: 1e-5, perChannel: true },
} as const;
