import type { Layer, LayerConfig } from "../layers/index.ts";
import { gainConfig, Scope, SHORTCUT } from "../layers/index.ts";

/** A layer that is no sequence, with the path that building gives it. */
export interface BodyNode {
  readonly path: string;
  readonly kind: string;
  readonly config: LayerConfig;
  /** What lies inside; empty for all but residual blocks. */
  readonly branch: readonly BodyNode[];
  /** What goes past the branch, where it goes through layers. */
  readonly shortcut?: readonly BodyNode[];
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
    const visitAll = (configs: readonly (unknown | undefined)[], inner: Scope) =>
      configs.flatMap((c) => (c === undefined ? [] : visit(c as LayerConfig, inner)));
    const branch = visitAll([config.body, gainConfig(config)], new Scope(`${path}/`));
    const shortcut = visitAll([config.shortcut], new Scope(`${path}/${SHORTCUT}/`));
    return [{ path, kind, config, branch, ...(shortcut.length === 0 ? {} : { shortcut }) }];
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
    node.kind === "residual"
      ? [...leavesOf(node.shortcut ?? [], residual), ...leavesOf(node.branch, node.path)]
      : [{ ...node, residual }],
  );
}
