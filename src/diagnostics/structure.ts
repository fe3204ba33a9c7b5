import type { ActivationSpec } from "../init/types.ts";
import type { Layer, LayerConfig } from "../layers/index.ts";
import { Scope } from "../layers/index.ts";
import type { Network, Parameter } from "../network/network.ts";

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
}

export function structureOf(network: Network): Structure {
  const leaves = leavesOf(network.recipe.body);
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
    const place: Place = {
      layer: path,
      residual,
      activation: activationAfter(parameter, residual, between),
      endsBranch: residual !== undefined && leaves[next]?.residual !== residual,
      isNormalised: between.some(({ kind }) => /norm/.test(kind)),
      isOutput: next < 0,
    };
    return { ...parameter, place };
  });
  const kernels = parameters.filter(({ spec }) => spec.role === "kernel");
  const blocks = new Set(kernels.flatMap(({ place }) => place.residual ?? []));
  return { depth: kernels.length, blocks: blocks.size, parameters };
}

/** The layer's own activation; if it is linear, the one that follows before the branch ends. */
function activationAfter(
  { spec }: Parameter,
  residual: string | undefined,
  between: readonly Leaf[],
): ActivationSpec {
  if (spec.activation.name !== "linear") return spec.activation;
  for (const { kind, config, ...leaf } of between) {
    if (leaf.residual !== residual) break;
    if (kind === "prelu") return { name: "prelu", alpha: Number(config.slope ?? 0.25) };
    if (kind === "activation") {
      const { name, alpha } = config.activation as { name: string; alpha?: number };
      return { name, alpha: alpha ?? 0 };
    }
  }
  return spec.activation;
}

interface Leaf {
  readonly path: string;
  readonly kind: string;
  readonly config: LayerConfig;
  readonly residual: string | undefined;
}

/** The layers that are no containers, in order, with the paths that building gives them. */
function leavesOf(body: Layer): readonly Leaf[] {
  const leaves: Leaf[] = [];
  const visit = (config: LayerConfig, scope: Scope, residual: string | undefined): void => {
    const kind = String(config.kind);
    const path = scope.path({
      kind,
      ...(config.name === undefined ? {} : { name: config.name }),
    } as Layer);
    if (Array.isArray(config.layers)) {
      for (const layer of config.layers) visit(layer as LayerConfig, scope, residual);
    } else if (config.body !== undefined) {
      visit(config.body as LayerConfig, new Scope(`${path}/`), path);
    } else {
      leaves.push({ path, kind, config, residual });
    }
  };
  visit(
    { kind: body.kind, ...(body.name === undefined ? {} : { name: body.name }), ...body.config },
    new Scope(),
    undefined,
  );
  return leaves;
}
