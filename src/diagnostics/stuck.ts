import { activationFunction } from "../init/theory/activations.ts";
import type { ActivationSpec } from "../init/types.ts";
import type { BodyNode } from "./body.ts";

/**
 * The weights that no step will ever move, because all that reaches them, forward or back, is exactly 0: those of a kernel that
 * starts at 0 before relu, whose slope at 0 is 0, or of two kernels of zeros one behind the other.
 *
 * Follows what is 0 and what is not through the network, and lets every parameter with a gradient move, until no other does.
 */
export function stuckAtZero(
  nodes: readonly BodyNode[],
  zeros: ReadonlySet<string>,
  names: ReadonlySet<string>,
): readonly string[] {
  const moved = new Set<string>();
  for (let before = -1; before !== moved.size; ) {
    before = moved.size;
    const isLive = (name: string) => names.has(name) && (!zeros.has(name) || moved.has(name));
    const isThere = (name: string) => names.has(name);
    const move = (name: string) => moved.add(name);
    const moveAll = (prefix: string) => {
      for (const name of names) if (name.startsWith(prefix)) move(name);
    };
    const { back } = sequence(nodes, true, { isThere, isLive, move, moveAll });
    back(true);
  }
  return [...names].filter((name) => zeros.has(name) && !moved.has(name));
}

/** Whether a layer's output is anything but 0, and whether the gradient of its input is, given that of its output. */
interface Step {
  readonly output: boolean;
  readonly back: (gradient: boolean) => boolean;
}

interface Weights {
  readonly isThere: (name: string) => boolean;
  /** Whether a parameter is there, and not 0. */
  readonly isLive: (name: string) => boolean;
  readonly move: (name: string) => void;
  /** Moves all whose names begin so. */
  readonly moveAll: (prefix: string) => void;
}

function sequence(nodes: readonly BodyNode[], input: boolean, weights: Weights): Step {
  const steps: Step[] = [];
  for (const node of nodes) steps.push(stepOf(node, steps.at(-1)?.output ?? input, weights));
  return {
    output: steps.at(-1)?.output ?? input,
    back: (gradient) => steps.reduceRight((g, step) => step.back(g), gradient),
  };
}

function stepOf(node: BodyNode, input: boolean, weights: Weights): Step {
  const { path, kind, config, branch, shortcut = [] } = node;
  const { isThere, isLive, move, moveAll } = weights;
  if (kind === "bidirectional") {
    const layer = config.layer as unknown as BodyNode["config"];
    const directions = ["forward", "backward"].map((direction) =>
      recurrence(`${path}/${direction}`, layer, input, weights),
    );
    return {
      output: directions.some(({ output }) => output),
      back: (gradient) => directions.map(({ back }) => back(gradient)).some(Boolean),
    };
  }
  if (isThere(`${path}/recurrent_kernel`)) return recurrence(path, config, input, weights);
  if (isThere(`${path}/kernel`)) {
    // With a kernelNorm, the kernel is a direction and the gain its length.
    const hasGain = isThere(`${path}/gain`);
    const gain = !hasGain || isLive(`${path}/gain`);
    const direction = isLive(`${path}/kernel`);
    const kernel = direction && gain;
    const z = (input && kernel) || isLive(`${path}/bias`);
    const own = (config.activation ?? { name: "linear", alpha: 0 }) as unknown as ActivationSpec;
    const activated = activate(own, z);
    return {
      output: activated.output,
      back(gradient) {
        const dz = activated.back(gradient);
        if (dz) move(`${path}/bias`);
        if (dz && input && gain) move(`${path}/kernel`);
        if (dz && input && direction && hasGain) move(`${path}/gain`);
        return dz && kernel;
      },
    };
  }
  switch (kind) {
    case "separableConv2d": {
      const depthwise = isLive(`${path}/depthwise_kernel`);
      const pointwise = isLive(`${path}/pointwise_kernel`);
      const between = input && depthwise;
      const z = (between && pointwise) || isLive(`${path}/bias`);
      const activated = activate(config.activation as unknown as ActivationSpec, z);
      return {
        output: activated.output,
        back(gradient) {
          const dz = activated.back(gradient);
          if (dz) move(`${path}/bias`);
          if (dz && between) move(`${path}/pointwise_kernel`);
          if (dz && pointwise && input) move(`${path}/depthwise_kernel`);
          return dz && pointwise && depthwise;
        },
      };
    }
    case "batch_norm":
    case "layer_norm":
    case "rms_norm":
    case "group_norm": {
      const hasGain = isThere(`${path}/gain`);
      const gain = !hasGain || isLive(`${path}/gain`);
      return {
        output: (input && gain) || isLive(`${path}/bias`),
        back(gradient) {
          if (gradient && input && hasGain) move(`${path}/gain`);
          if (gradient && isThere(`${path}/bias`)) move(`${path}/bias`);
          return gradient && gain;
        },
      };
    }
    case "bias":
      return {
        output: input || isLive(`${path}/bias`),
        back(gradient) {
          if (gradient) move(`${path}/bias`);
          return gradient;
        },
      };
    case "scale": {
      const scale = isLive(`${path}/scale`);
      return {
        output: input && scale,
        back(gradient) {
          if (gradient && input) move(`${path}/scale`);
          return gradient && scale;
        },
      };
    }
    case "residual": {
      const inner = sequence(branch, input, weights);
      const past = sequence(shortcut, input, weights);
      const own = (config.activation ?? { name: "linear", alpha: 0 }) as unknown as ActivationSpec;
      const activated = activate(own, past.output || inner.output);
      return {
        output: activated.output,
        back(gradient) {
          const sum = activated.back(gradient);
          const through = inner.back(sum);
          return past.back(sum) || through;
        },
      };
    }
    case "activation":
      return activate(config.activation as unknown as ActivationSpec, input);
    case "prelu": {
      const slope = isLive(`${path}/slope`);
      return {
        output: input,
        back(gradient) {
          if (gradient && input) move(`${path}/slope`);
          return gradient && (input || slope);
        },
      };
    }
    // What is not one map of its input: all of its parameters move with a gradient, and it passes both on.
    case "embedding":
    case "positional_embedding":
    case "tied_dense":
    case "multi_head_attention":
    case "transformer_encoder_block":
    case "transformer_decoder_block":
    case "graph":
      return {
        output: true,
        back(gradient) {
          if (gradient) moveAll(`${path}/`);
          return gradient;
        },
      };
    default:
      return { output: input, back: (gradient) => gradient };
  }
}

/** A state that starts at 0 stays there while its candidate does; the gates only scale it, and none that an activation gives is 0. */
function recurrence(
  path: string,
  config: BodyNode["config"],
  input: boolean,
  { isLive, move }: Weights,
): Step {
  const kernel = isLive(`${path}/kernel`);
  const z = (input && kernel) || isLive(`${path}/bias`);
  const candidate = activate(config.activation as unknown as ActivationSpec, z);
  return {
    output: candidate.output,
    back(gradient) {
      const dz = candidate.back(gradient);
      if (!dz) return false;
      for (const part of ["bias", "recurrent_bias"]) move(`${path}/${part}`);
      if (input) move(`${path}/kernel`);
      if (candidate.output)
        for (const part of ["recurrent_kernel", "peephole"]) move(`${path}/${part}`);
      return kernel;
    },
  };
}

/** f(z): at z = 0 its value and slope there decide; elsewhere some of a layer's units have a value and a slope. */
function activate(activation: ActivationSpec, z: boolean): Step {
  const { f, df } = activationFunction(activation);
  return {
    output: z || f(0) !== 0,
    back: (gradient) => gradient && (z || df(0) !== 0),
  };
}
