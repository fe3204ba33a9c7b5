import { add } from "../ops/add.ts";
import type { NamedOptions } from "./activation.ts";
import type { Layer } from "./layer.ts";
import { buildAll, checkName, Scope } from "./layer.ts";
import { layerConfig } from "./serialise.ts";

/** The layers one after the other. It adds nothing to their paths. */
export function sequential(...layers: readonly Layer[]): Layer {
  return {
    kind: "sequential",
    config: { layers: layers.map(layerConfig) },
    build: (tape, x, _path, scope) => buildAll(tape, x, layers, scope),
  };
}

/** `y = x + body(x)`; the body keeps the shape. */
export function residual(body: Layer, { name }: NamedOptions = {}): Layer {
  checkName("residual", name);
  return {
    kind: "residual",
    ...(name === undefined ? {} : { name }),
    config: { body: layerConfig(body) },
    build(tape, x, path) {
      const inner = new Scope(`${path}/`);
      return add(
        tape,
        path,
        x,
        tape.branch(path, () => buildAll(tape, x, [body], inner)),
      );
    },
  };
}
