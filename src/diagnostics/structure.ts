import type { ActivationSpec } from "../init/types.ts";
import type { Loss } from "../losses/index.ts";
import type { Network, Parameter } from "../network/network.ts";
import type { BodyNode } from "./body.ts";
import { leavesOf, nodesOf } from "./body.ts";

/** What stands around a kernel: what decides which initial values suit it. */
export interface Place {
  /** Path of the layer. */
  readonly layer: string;
  /** The activation its output meets first, be it the layer's own or a layer of its own. */
  readonly activation: ActivationSpec;
  /** Path of the innermost residual block. */
  readonly residual: string | undefined;
  /** The last layer with a kernel in its residual branch. */
  readonly endsBranch: boolean;
  /** A normalisation stands between it and the next kernel. */
  readonly isNormalised: boolean;
  /** The network's last layer with a kernel. */
  readonly isOutput: boolean;
}

/** A network's parameters, each with its place. */
export interface Structure {
  /** Weight layers, the output included. */
  readonly depth: number;
  /** Residual blocks with kernels. */
  readonly blocks: number;
  readonly parameters: readonly (Parameter & { readonly place: Place })[];
  /** The layers, sequences dissolved. */
  readonly nodes: readonly BodyNode[];
  /** Shape of one example. */
  readonly input: readonly number[];
  readonly loss: Pick<Loss, "kind" | "targets">;
}

export function structureOf(network: Network): Structure {
  const { body, input, loss } = network.recipe;
  const nodes = nodesOf(body);
  const leaves = leavesOf(nodes);
  const layerOf = (name: string): number =>
    leaves.findIndex(({ path }) => name.startsWith(`${path}/`));
  const weighted = network.parameters
    .filter(({ spec }) => spec.role === "kernel")
    .map(({ name }) => layerOf(name));
  const hasKernel = new Set(weighted);
  const parameters = network.parameters.map((parameter) => {
    const at = layerOf(parameter.name);
    const { path, residual } = leaves[at] ?? { path: parameter.name, residual: undefined };
    const next = leaves.findIndex((_, i) => i > at && hasKernel.has(i));
    const between = leaves.slice(at + 1, next < 0 ? undefined : next);
    const { activation } = parameter.spec;
    const place: Place = {
      layer: path,
      residual,
      activation: activation.name === "linear" ? (parameter.meets ?? activation) : activation,
      endsBranch: residual !== undefined && leaves[next]?.residual !== residual,
      isNormalised: between.some(({ kind }) => /norm/.test(kind)),
      isOutput: next < 0,
    };
    return { ...parameter, place };
  });
  const kernels = parameters.filter(({ spec }) => spec.role === "kernel");
  const blocks = new Set(kernels.flatMap(({ place }) => place.residual ?? []));
  return { depth: kernels.length, blocks: blocks.size, parameters, nodes, input, loss };
}
