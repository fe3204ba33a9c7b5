import type { Layer, LayerConfig } from "../layers/index.ts";
import { Scope } from "../layers/index.ts";

/** A layer that is no sequence, with the path that building gives it. */
export interface BodyNode {
  readonly path: string;
  readonly kind: string;
  readonly config: LayerConfig;
  /** What lies inside; empty for all but residual blocks. */
  readonly branch: readonly BodyNode[];
}

/** The layers of a body in the order of computation, sequences dissolved. */
export function nodesOf(body: Layer): readonly BodyNode[] {
  const visit = (config: LayerConfig, scope: Scope): readonly BodyNode[] => {
    const kind = String(config.kind);
    const name = config.name === undefined ? {} : { name: config.name };
    const path = scope.path({ kind, ...name } as Layer);
    if (Array.isArray(config.layers)) {
      return config.layers.flatMap((layer) => visit(layer as LayerConfig, scope));
    }
    const branch =
      config.body === undefined ? [] : visit(config.body as LayerConfig, new Scope(`${path}/`));
    return [{ path, kind, config, branch }];
  };
  const { kind, name, config } = body;
  return visit({ kind, ...(name === undefined ? {} : { name }), ...config }, new Scope());
}

/** The layers that are no containers, with the innermost residual block of each. */
export function leavesOf(
  nodes: readonly BodyNode[],
  residual?: string,
): readonly (BodyNode & { readonly residual: string | undefined })[] {
  return nodes.flatMap((node) =>
    node.kind === "residual" ? leavesOf(node.branch, node.path) : [{ ...node, residual }],
  );
}
