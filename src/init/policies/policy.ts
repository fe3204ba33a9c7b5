import type { Options } from "../schemes/scheme.ts";
import type { ActivationSpec, Initializer, ParamSpec } from "../types.ts";

/** What a policy sees of a parameter, and replaces the initializer of. */
export interface PolicyParam {
  readonly name: string;
  readonly spec: ParamSpec;
  readonly initializer: Initializer;
  /** The first activation that the layer's output meets as a layer of its own in its branch. */
  readonly meets?: ActivationSpec;
}

/** A rule over all parameters of a network: its names, its options with defaults, and the initializers it gives. */
export interface PolicyRow {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly defaults: Options;
  readonly formula: string;
  readonly use: string;
  readonly source: string;
  /** The property that `tests/init/policies.test.ts` holds it to. */
  readonly property: string;
  /** The initializer of each parameter, in order; undefined leaves the parameter's own. */
  readonly apply: (options: Options, network: Residuals) => readonly (Initializer | undefined)[];
}

/** The branch of one residual block: the layers that lie in it and in no inner block, in order. */
export interface Branch {
  readonly path: string;
  readonly layers: readonly ParamLayer[];
  /** Those with a kernel. */
  readonly kernels: readonly ParamLayer[];
}

/** A layer by its parameters: those whose names differ in the last part only. */
export interface ParamLayer {
  readonly path: string;
  readonly params: readonly PolicyParam[];
}

/** A network as policies see it. */
export interface Residuals {
  readonly params: readonly PolicyParam[];
  readonly layers: readonly ParamLayer[];
  /** Blocks with parameters of their own, in order. */
  readonly branches: readonly Branch[];
}

/** Groups the parameters by layer and by residual block. */
export function residualsOf(params: readonly PolicyParam[]): Residuals {
  const layers = [...groups(params, ({ name }) => name.slice(0, name.lastIndexOf("/")))].map(
    ([path, members]) => ({ path, params: members }),
  );
  const inside = layers.filter((layer) => layer.params[0]?.spec.residual !== undefined);
  const blocks = groups(inside, (layer) => layer.params[0]?.spec.residual ?? "");
  const branches = [...blocks].map(([path, members]) => ({
    ...{ path, layers: members },
    kernels: members.filter((layer) => layer.params.some(isKernel)),
  }));
  return { params, layers, branches };
}

export function isKernel({ spec: { role } }: PolicyParam): boolean {
  return role === "kernel" || role === "recurrent";
}

/** The initializers that `choose` gives, in the order of the parameters. */
export function rewrite(
  { params }: Residuals,
  choose: (param: PolicyParam) => Initializer | undefined,
): readonly (Initializer | undefined)[] {
  return params.map(choose);
}

export const ZEROS: Initializer = { scheme: "zeros", options: {} };
export const ONES: Initializer = { scheme: "ones", options: {} };

function groups<T>(items: readonly T[], keyOf: (item: T) => string): ReadonlyMap<string, T[]> {
  const map = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = map.get(key);
    if (group === undefined) map.set(key, [item]);
    else group.push(item);
  }
  return map;
}
