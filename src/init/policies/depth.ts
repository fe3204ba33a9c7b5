import { scaled } from "../scaled.ts";
import type { Options } from "../schemes/scheme.ts";
import { nonNegative, number, word } from "../schemes/scheme.ts";
import type { Initializer } from "../types.ts";
import type { PolicyParam, PolicyRow, Residuals } from "./policy.ts";
import { isKernel, ONES, rewrite, ZEROS } from "./policy.ts";

/** Policies that scale weights with the number of residual blocks. */
export const DEPTH_POLICIES: readonly PolicyRow[] = [
  {
    name: "fixup",
    aliases: ["fix_up"],
    defaults: { mode: "fan_in" },
    formula:
      "L blocks of m kernels: He x L^(-1/(2m - 2)); 0 for the last kernel of each branch and for the head; biases 0, scales 1",
    use: "deep residual networks without normalisation",
    source:
      "Zhang, Dauphin & Ma 2019, arXiv:1901.09321; their code takes mode=fan_out and also learns scalar biases, which are layers",
    property: "inner std is He's times L^(-1/(2m - 2)); each block is the identity at the start",
    apply: (options, network) => {
      const mode = word(options, "mode", ["fan_in", "fan_out"]);
      const blocks = network.branches.filter(({ kernels }) => kernels.length > 0);
      const factors = new Map<PolicyParam, number>();
      for (const { kernels } of blocks) {
        kernels.forEach(({ params }, i) => {
          const isLast = i === kernels.length - 1;
          const factor = isLast ? 0 : blocks.length ** (-1 / (2 * kernels.length - 2));
          for (const param of params) factors.set(param, factor);
        });
      }
      const head = network.layers.filter(({ params }) => params.some(isKernel)).at(-1);
      for (const param of head?.params ?? []) factors.set(param, 0);
      return rewrite(network, (param) => {
        const { role, activation, layer, residual } = param.spec;
        const factor = factors.get(param);
        if (factor === 0 && (isKernel(param) || role === "bias")) return ZEROS;
        if (residual === undefined) return undefined;
        if (layer === "scale") return ONES;
        if (role === "bias") return ZEROS;
        if (factor === undefined || !isKernel(param)) return undefined;
        const slope = activation.name === "leaky_relu" ? { slope: activation.alpha } : {};
        return scaled({ scheme: "he_normal", options: { mode, ...slope } }, factor);
      });
    },
  },
  {
    name: "branch_sqrt_depth",
    aliases: ["stable_resnet", "inverse_sqrt_depth"],
    defaults: { power: 0.5 },
    formula: "the last kernel of each of L branches, and its bias, x L^-power",
    use: "residual networks of any kind; power=1 for the 1/L limit",
    source: "Hayou et al. 2021; Taki 2017",
    property: "q_L / q_0 = (1 + 1/L)^L < e when the branches preserve q",
    apply: (options, network) => {
      const power = nonNegative(options, "power");
      const blocks = network.branches.filter(({ kernels }) => kernels.length > 0);
      const last = new Set(blocks.flatMap(({ kernels }) => kernels.at(-1)?.params ?? []));
      const factor = blocks.length ** -power;
      return rewrite(network, (param) =>
        last.has(param) ? scaled(param.initializer, factor) : undefined,
      );
    },
  },
  {
    name: "gpt2",
    aliases: ["gpt_2"],
    defaults: { std: 0.02 },
    formula:
      "N(0, std^2) for kernels and embeddings; the last kernel of each of N branches x 1/sqrt(N); biases 0",
    use: "decoder transformers: N = 2L for L layers of two branches, hence the paper's 0.02 / sqrt(2L)",
    source: "Radford et al. 2019, section 2.3",
    property: "std of the residual projections is std / sqrt(N)",
    apply: (options, network) => {
      const normal: Initializer = {
        scheme: "normal",
        options: { std: nonNegative(options, "std") },
      };
      const factor = network.branches.length ** -0.5;
      const last = new Set(network.branches.flatMap(({ kernels }) => kernels.at(-1)?.params ?? []));
      return rewrite(network, (param) => {
        if (param.spec.role === "bias") return ZEROS;
        if (param.spec.role === "embedding") return normal;
        if (!isKernel(param)) return undefined;
        return last.has(param) ? scaled(normal, factor) : normal;
      });
    },
  },
  {
    name: "t_fixup",
    aliases: ["tfixup"],
    defaults: { part: "encoder", layers: "auto" },
    formula:
      "Glorot uniform; value, output and feed-forward kernels x 0.67 N^(-1/4) (encoder) or (9N)^(-1/4) (decoder); embeddings N(0, 1/d) x (9N)^(-1/4)",
    use: "transformers without layer normalisation and warm-up",
    source: "Huang et al. 2020; the factors as in their code",
    property: "std is Glorot's times the factor",
    apply: (options, network) => {
      const n = layersOf(options, network);
      const decoder = (9 * n) ** -0.25;
      const part = word(options, "part", ["encoder", "decoder"]);
      const factor = part === "encoder" ? 0.67 * n ** -0.25 : decoder;
      const glorot: Initializer = { scheme: "glorot_uniform", options: {} };
      return rewrite(network, (param) => {
        const { role, fanOut, residual } = param.spec;
        if (role === "embedding") {
          return scaled({ scheme: "normal", options: { std: fanOut ** -0.5 } }, decoder);
        }
        if (!isKernel(param)) return undefined;
        return residual !== undefined && isScaledPart("t_fixup", param)
          ? scaled(glorot, factor)
          : glorot;
      });
    },
  },
  {
    name: "deep_norm",
    aliases: ["deepnorm", "deep_net"],
    defaults: { part: "encoder", layers: "auto" },
    formula:
      "Glorot normal in branches; value, output and feed-forward kernels / (8L)^(1/4), or / (12L)^(1/4) in a decoder with cross-attention",
    use: "post-norm transformers of up to 1000 layers; the block itself must multiply its input by (2L)^(1/4)",
    source: "Wang et al. 2022 (DeepNet); the factors as in torchscale",
    property: "std is Glorot's divided by (8L)^(1/4)",
    apply: (options, network) => {
      const part = word(options, "part", ["encoder", "decoder"]);
      const factor = ((part === "encoder" ? 8 : 12) * layersOf(options, network)) ** -0.25;
      const glorot: Initializer = { scheme: "glorot_normal", options: {} };
      return rewrite(network, (param) => {
        if (param.spec.residual === undefined || !isKernel(param)) return undefined;
        return isScaledPart("deep_norm", param) ? scaled(glorot, factor) : glorot;
      });
    },
  },
  {
    name: "sub_ln",
    aliases: ["magneto"],
    defaults: { part: "encoder", layers: "auto" },
    formula:
      "Glorot normal in branches; value, output and feed-forward kernels x sqrt(log 2L), or sqrt(log 3L) in a decoder with cross-attention",
    use: "transformers with a norm inside each branch too (Sub-LN), of any depth",
    source: "Wang et al. 2022 (Magneto); the factors as in torchscale",
    property: "std is Glorot's times sqrt(log 2L)",
    apply: (options, network) => {
      const part = word(options, "part", ["encoder", "decoder"]);
      const layers = layersOf(options, network);
      const factor = Math.sqrt(Math.log((part === "encoder" ? 2 : 3) * layers));
      const glorot: Initializer = { scheme: "glorot_normal", options: {} };
      return rewrite(network, (param) => {
        if (param.spec.residual === undefined || !isKernel(param)) return undefined;
        return isScaledPart("sub_ln", param) ? scaled(glorot, factor) : glorot;
      });
    },
  },
  {
    name: "fix_init",
    aliases: ["beit", "fix_init_weight"],
    defaults: {},
    formula:
      "the last kernel of each branch of transformer layer i = 1, 2, … divided by sqrt(2 i); two branches a layer",
    use: "vision transformers, over the scheme their layers have (0.02, truncated)",
    source: "BEiT, timm fix_init_weight: attn.proj and mlp.fc2",
    property: "std of the projections of layer i is the scheme's divided by sqrt(2 i); biases stay",
    apply: (_, network) => {
      const factors = new Map<PolicyParam, number>();
      network.branches.forEach(({ kernels }, branch) => {
        const layer = Math.floor(branch / 2) + 1;
        for (const param of kernels.at(-1)?.params ?? []) {
          if (isKernel(param)) factors.set(param, (2 * layer) ** -0.5);
        }
      });
      return rewrite(network, (param) => {
        const factor = factors.get(param);
        return factor === undefined ? undefined : scaled(param.initializer, factor);
      });
    },
  },
];

/**
 * Transformer layers: `layers`, or by itself the number of branches with attention, each of which has a feed-forward branch after it;
 * without attention every branch counts as a layer.
 */
function layersOf(options: Options, { branches }: Residuals): number {
  if (options.layers !== "auto") {
    const layers = number(options, "layers");
    if (layers > 0) return layers;
    throw new RangeError(`layers: expected a positive number or "auto", got ${layers}`);
  }
  const withAttention = branches.filter(({ layers }) =>
    layers.some(({ params }) => params.some(({ spec }) => spec.layer.includes("attention"))),
  );
  return withAttention.length || branches.length;
}

/** Whether a kernel is none of query and key. Throws where one parameter holds both kinds: one factor cannot be right. */
function isScaledPart(policy: string, { name, spec: { parts = [] } }: PolicyParam): boolean {
  const plain = parts.filter((part) => part === "query" || part === "key");
  if (plain.length > 0 && plain.length < parts.length) {
    throw new RangeError(
      `${policy}: ${name} holds ${parts.join(", ")} in one kernel, but query and key take another factor; use separate kernels`,
    );
  }
  return plain.length === 0;
}
