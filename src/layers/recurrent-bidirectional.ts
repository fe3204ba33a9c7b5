import { add } from "../ops/add.ts";
import { concatFeatures } from "../ops/recurrent-concat.ts";
import type { Layer } from "./layer.ts";
import { checkName } from "./layer.ts";
import { isRecurrent, withMaskOf } from "./recurrent.ts";
import { layerConfig } from "./serialise.ts";

export interface BidirectionalOptions {
  readonly name?: string;
  /** How the two directions' features are put together: side by side, the forward ones first, or added. Default `concat`. */
  readonly merge?: "concat" | "sum";
}

const MERGES = ["concat", "sum"];

/**
 * A recurrent layer beside another like it that reads the sequence from its end, with weights of its own: parameters `forward/…` and
 * `backward/…`. Without `returnSequences` each direction gives the state after its last step. Schuster & Paliwal 1997.
 */
export function bidirectional(layer: Layer, options: BidirectionalOptions = {}): Layer {
  const { name, merge = "concat" } = options;
  checkName("bidirectional", name);
  if (!MERGES.includes(merge)) {
    throw new RangeError(`bidirectional: merge must be concat or sum, got ${String(merge)}`);
  }
  if (!isRecurrent(layer)) {
    const got = (layer as Layer | undefined)?.kind;
    throw new TypeError(`bidirectional: expected simpleRnn, gru or lstm, got ${String(got)}`);
  }
  const directions = { forward: layer, backward: layer.reversed() };
  return {
    kind: "bidirectional",
    ...(name === undefined ? {} : { name }),
    config: { layer: layerConfig(layer), merge },
    build(tape, x, path, scope) {
      const [forth, back] = Object.entries(directions).map(([direction, one]) =>
        one.build(tape, x, `${path}/${direction}`, scope),
      );
      const put = merge === "sum" ? add : concatFeatures;
      return withMaskOf(x, put(tape, path, forth!, back!));
    },
  };
}
