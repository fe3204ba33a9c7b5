import { initializer } from "../init/initializer.ts";
import type { ParamSpec } from "../init/types.ts";
import type { ActivationLike } from "../ops/activation.ts";
import { activation as activationOp, activationSpec } from "../ops/activation.ts";
import { prelu as preluOp } from "../ops/prelu.ts";
import type { Layer } from "./layer.ts";
import { checkName } from "./layer.ts";

export interface NamedOptions {
  readonly name?: string;
}

/** `y = f(x)`, elementwise. */
export function activation(like: ActivationLike, { name }: NamedOptions = {}): Layer {
  checkName("activation", name);
  const spec = activationSpec(like);
  return {
    kind: "activation",
    ...(name === undefined ? {} : { name }),
    config: { activation: { ...spec } },
    build(tape, x, path) {
      tape.meet(spec);
      return activationOp(tape, path, x, spec);
    },
  };
}

export interface PReluOptions extends NamedOptions {
  /** Initial slope; He et al. 2015 and PyTorch: 0.25. */
  readonly slope?: number;
  /** One slope for all (`false`, PyTorch's default) or one for each channel of the last axis. */
  readonly perChannel?: boolean;
}

/** `y = x > 0 ? x : slope x` with a learnt slope (He et al. 2015, section 2.1). */
export function prelu(options: PReluOptions = {}): Layer {
  const { name, slope = 0.25, perChannel = false } = options;
  checkName("prelu", name);
  const isAsked = options.slope !== undefined;
  const slopeInitializer = initializer("constant", { value: slope });
  return {
    kind: "prelu",
    ...(name === undefined ? {} : { name }),
    config: { slope, perChannel },
    build(tape, x, path) {
      const channels = perChannel ? (x.shape.at(-1) ?? 1) : 1;
      const spec: ParamSpec = {
        layer: "prelu",
        role: "slope",
        shape: [channels],
        fanIn: 1,
        fanOut: 1,
        maps: [],
        activation: { name: "linear", alpha: 0 },
      };
      tape.meet({ name: "prelu", alpha: slope });
      return preluOp(tape, path, x, tape.param(`${path}/slope`, spec, slopeInitializer, isAsked));
    },
  };
}
