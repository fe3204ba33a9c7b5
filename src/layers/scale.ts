import { initializer } from "../init/initializer.ts";
import type { ParamSpec } from "../init/types.ts";
import { scaleBy } from "../ops/scale-by.ts";
import type { NamedOptions } from "./activation.ts";
import type { Layer } from "./layer.ts";
import { checkName } from "./layer.ts";

export interface ScaleOptions extends NamedOptions {
  /** Initial value. Default 1; 0 at the end of a residual branch is SkipInit and ReZero. */
  readonly initial?: number;
  /** One learnt factor for all (`false`), or one for each channel of the last axis (LayerScale). */
  readonly perChannel?: boolean;
}

/** `y = s x`, s learnt. */
export function scale({ name, initial = 1, perChannel = false }: ScaleOptions = {}): Layer {
  checkName("scale", name);
  if (!Number.isFinite(initial))
    throw new RangeError(`scale: initial must be finite, got ${initial}`);
  const scaleInitializer = initializer("constant", { value: initial });
  return {
    kind: "scale",
    ...(name === undefined ? {} : { name }),
    config: { initial, perChannel },
    build(tape, x, path) {
      const channels = perChannel ? (x.shape.at(-1) ?? 1) : 1;
      const spec: ParamSpec = {
        ...{ layer: "scale", role: "gain", shape: [channels], fanIn: 1, fanOut: 1, maps: [] },
        activation: { name: "linear", alpha: 0 },
      };
      return scaleBy(tape, path, x, tape.param(`${path}/scale`, spec, scaleInitializer, true));
    },
  };
}
