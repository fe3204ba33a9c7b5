import { imageOf } from "../ops/conv.ts";
import { pool } from "../ops/pool.ts";
import type { Padding, Pair } from "../ops/window.ts";
import type { NamedOptions } from "./activation.ts";
import { asImage } from "./conv.ts";
import type { Layer } from "./layer.ts";
import { checkName } from "./layer.ts";
import { short, windowConfig, windowOf } from "./window.ts";

export interface Pool2dOptions extends NamedOptions {
  /** Taps of the window: one number, or `[rows, columns]`. Default 2. */
  readonly poolSize?: Pair;
  /** Default: `poolSize`. */
  readonly strides?: Pair;
  /** As of `conv2d`, but not circular; what is padded takes no part in a maximum or a mean. Default `valid`. */
  readonly padding?: Padding;
}

export interface Pool1dOptions extends Pool2dOptions {
  readonly poolSize?: number;
  readonly strides?: number;
}

/** The greatest value of each window over images [height, width, channels], channel by channel. */
export function maxPool2d(options: Pool2dOptions = {}): Layer {
  return pooling("maxPool2d", options, "max", 2);
}

/** `maxPool2d` over sequences [time, channels]. */
export function maxPool1d(options: Pool1dOptions = {}): Layer {
  return pooling("maxPool1d", options, "max", 1);
}

/** The mean of each window over images [height, width, channels], channel by channel. */
export function averagePool2d(options: Pool2dOptions = {}): Layer {
  return pooling("averagePool2d", options, "average", 2);
}

/** `averagePool2d` over sequences [time, channels]. */
export function averagePool1d(options: Pool1dOptions = {}): Layer {
  return pooling("averagePool1d", options, "average", 1);
}

/** The mean of an image [height, width, channels] for each channel: [channels]. */
export function globalAveragePool2d(options: NamedOptions = {}): Layer {
  return globalPooling("globalAveragePool2d", options, "average", 2);
}

/** The mean of a sequence [time, channels] for each channel: [channels]. */
export function globalAveragePool1d(options: NamedOptions = {}): Layer {
  return globalPooling("globalAveragePool1d", options, "average", 1);
}

/** The greatest value of an image [height, width, channels] for each channel: [channels]. */
export function globalMaxPool2d(options: NamedOptions = {}): Layer {
  return globalPooling("globalMaxPool2d", options, "max", 2);
}

/** The greatest value of a sequence [time, channels] for each channel: [channels]. */
export function globalMaxPool1d(options: NamedOptions = {}): Layer {
  return globalPooling("globalMaxPool1d", options, "max", 1);
}

function pooling(
  where: string,
  { name, poolSize = 2, strides = poolSize, padding = "valid" }: Pool2dOptions,
  kind: "max" | "average",
  axes: 1 | 2,
): Layer {
  checkName(where, name);
  if (padding === "circular") {
    throw new RangeError(`${where}: padding must be "same", "valid", a number or [rows, columns]`);
  }
  const window = windowOf(where, poolSize, { strides, padding }, axes);
  const { padding: zeros } = window;
  if (typeof zeros === "object" && (zeros[0] >= window.size[0] || zeros[1] >= window.size[1])) {
    throw new RangeError(
      `${where}: padding must be below poolSize, or a window would hold nothing; got [${zeros}] for [${window.size}]`,
    );
  }
  const { dilation: _, ...config } = windowConfig(window, axes);
  return {
    kind: where,
    ...(name === undefined ? {} : { name }),
    config: { poolSize: short(window.size, axes), ...config },
    build(tape, x, path) {
      const y = pool(tape, path, axes === 1 ? asImage(tape, path, x) : x, { kind, ...window });
      return axes === 1 ? tape.view(y, y.shape.slice(2)) : y;
    },
  };
}

function globalPooling(
  where: string,
  { name }: NamedOptions,
  kind: "max" | "average",
  axes: 1 | 2,
): Layer {
  checkName(where, name);
  return {
    kind: where,
    ...(name === undefined ? {} : { name }),
    config: {},
    build(tape, x, path) {
      const image = axes === 1 ? asImage(tape, path, x) : x;
      const [height, width, channels] = imageOf(path, image);
      const size = [height, width] as const;
      const window = { size, strides: size, dilation: [1, 1], padding: "valid" } as const;
      return tape.view(pool(tape, path, image, { kind, ...window }), [channels]);
    },
  };
}
