import { nonNegative, number } from "../schemes/scheme.ts";
import type { Initializer } from "../types.ts";
import type { ParamLayer, PolicyParam, PolicyRow, Residuals } from "./policy.ts";
import { isKernel, rewrite, ZEROS } from "./policy.ts";

/** Policies that begin with blocks that do nothing, or next to nothing. */
export const ZERO_POLICIES: readonly PolicyRow[] = [
  {
    name: "zero_last",
    aliases: ["zero_gamma", "zero_init_residual"],
    defaults: {},
    formula: "0 for every parameter of the last kernel, gain or norm layer of each branch",
    use: "residual networks of any depth; what follows the layer in the branch must give 0 at 0",
    source: "Goyal et al. 2017, section 5.1; torchvision zero_init_residual",
    property: "each block is the identity at the start",
    apply: (_, network) => {
      const last = new Set(
        network.branches.flatMap(({ layers }) => layers.filter(isWeighted).slice(-1)),
      );
      const zeroed = new Set([...last].flatMap(silencing));
      return rewrite(network, (param) => (zeroed.has(param) ? ZEROS : undefined));
    },
  },
  {
    name: "skip_init",
    aliases: ["skipinit"],
    defaults: { value: 0 },
    formula:
      'value in the scalar scale() layer of each branch: 0, or "inverse_sqrt_depth": 1/sqrt(L)',
    use: "residual networks without normalisation",
    source: "De & Smith 2020, arXiv:2002.10444",
    property: "each block is the identity at the start",
    apply: (options, network) => {
      const { length } = network.branches;
      const depth = options.value === "inverse_sqrt_depth";
      const value = depth ? 1 / Math.sqrt(length) : number(options, "value");
      return setScales("skip_init", network, false, value);
    },
  },
  {
    name: "rezero",
    aliases: ["re_zero"],
    defaults: {},
    formula: "0 in the scalar scale() layer of each branch",
    use: "residual networks and transformers without warm-up",
    source: "Bachlechner et al. 2020; resweight = zeros in its code",
    property: "the Jacobian of the residual part is I at the start",
    apply: (_, network) => setScales("rezero", network, false, 0),
  },
  {
    name: "layer_scale",
    aliases: [],
    defaults: { value: 1e-5 },
    formula: "value in the scale({ perChannel: true }) layer of each branch",
    use: "deep transformers; CaiT takes 1e-4 to 1e-6, the smaller the deeper",
    source: "Touvron et al. 2021 (CaiT); timm init_values 1e-5",
    property: "each channel of a branch is value times what it was",
    apply: (options, network) =>
      setScales("layer_scale", network, true, nonNegative(options, "value")),
  },
];

/** What is 0 in a silent layer: all of it, but not a kernel that a gain beside it is for (kernelNorm divides by its length). */
function silencing({ params }: ParamLayer): readonly PolicyParam[] {
  const hasGain = params.some(({ spec }) => spec.role === "gain");
  return hasGain ? params.filter((param) => !isKernel(param)) : params;
}

/** Layers that can silence a branch. */
function isWeighted({ params }: ParamLayer): boolean {
  return params.some((param) => isKernel(param) || param.spec.role === "gain");
}

/** Sets the last scale layer of each branch. Throws a `RangeError` that names the first branch without one. */
function setScales(
  policy: string,
  network: Residuals,
  perChannel: boolean,
  value: number,
): readonly (Initializer | undefined)[] {
  const chosen = network.branches.map(({ path, layers }) => {
    const gains = layers.flatMap(({ params }) =>
      params.filter(({ spec }) => spec.layer === "scale"),
    );
    const gain = gains.filter(({ spec }) => perChannel || spec.shape.join() === "1").at(-1);
    if (gain !== undefined) return gain;
    throw new RangeError(
      `${policy}: expected ${perChannel ? "scale({ perChannel: true })" : "scale()"} in the branch of ${path}, ` +
        `got ${layers.map((layer) => layer.path).join(", ")}`,
    );
  });
  const initializer: Initializer = value === 0 ? ZEROS : { scheme: "constant", options: { value } };
  return rewrite(network, (param) => (chosen.includes(param) ? initializer : undefined));
}
