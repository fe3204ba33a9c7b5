import { initializer } from "./initializer.ts";
import type { ActivationSpec, Initializer, Role } from "./types.ts";

/** An initializer and why it is the one. */
export interface Choice {
  readonly initializer: Initializer;
  readonly reason: string;
}

/** What a layer draws a parameter from when it is not told. */
export function defaultInitializer(role: Role, { name }: ActivationSpec): Choice {
  const choose = (text: string, reason: string) => ({ initializer: initializer(text), reason });
  switch (role) {
    case "bias":
      return choose("zeros", "a bias breaks no symmetry, so it need not be random");
    case "gain":
      return choose("ones", "a gain of 1 changes nothing at first");
    case "slope":
      return choose("constant:value=0.25", "He et al. 2015 start PReLU at 0.25");
    case "statistic":
      return choose("zeros", "what training measures starts where its layer says");
    case "recurrent":
      return choose("orthogonal:gain=1", "a state keeps its length from step to step");
    case "embedding":
      return choose(
        "variance_scaling:mode=fan_out,distribution=normal",
        "a row is looked up, not summed: variance 1 / width gives rows of length 1",
      );
    case "kernel":
      if (name === "selu") {
        return choose("lecun_normal", "selu normalises itself at variance 1 / fan_in");
      }
      if (/relu|elu|silu|mish|swish/.test(name)) {
        return choose(
          "he_normal",
          `${name} passes about half of the second moment, which 2 / fan_in makes good`,
        );
      }
      return choose(
        "glorot_uniform",
        `between what keeps ${name} layers' signals and what keeps their gradients`,
      );
  }
}
