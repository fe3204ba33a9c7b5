import { defaultInitializer } from "../init/defaults.ts";
import type { InitializerLike } from "../init/initializer.ts";
import { describeInitializer, initializer } from "../init/initializer.ts";
import { denseSpec, vectorSpec } from "../init/specs.ts";
import type { ActivationLike } from "../ops/activation.ts";
import { activationSpec } from "../ops/activation.ts";
import { affine } from "../ops/affine.ts";
import type { KernelNorm } from "./kernel-norm.ts";
import { checkKernelNorm, weightOf } from "./kernel-norm.ts";
import type { Layer } from "./layer.ts";
import { checkCount, checkName } from "./layer.ts";

export interface DenseOptions {
  readonly name?: string;
  /** Default `linear`. */
  readonly activation?: ActivationLike;
  /** Default true. */
  readonly useBias?: boolean;
  /** Default: `he_normal` before relu and its kin, `lecun_normal` before selu, `glorot_uniform` otherwise. */
  readonly kernelInitializer?: InitializerLike;
  /** Default `zeros`. */
  readonly biasInitializer?: InitializerLike;
  /** Makes the kernel over for each unit before it is used. Default: as it is. */
  readonly kernelNorm?: KernelNorm;
}

/** `y = f(x W + b)` over the last axis; W is [inputs, units], fan_in = inputs, fan_out = units. */
export function dense(units: number, options: DenseOptions = {}): Layer {
  checkCount("dense: units", units);
  checkName("dense", options.name);
  const { name, useBias = true, kernelNorm } = options;
  checkKernelNorm("dense", kernelNorm);
  const activation = activationSpec(options.activation ?? "linear");
  const choose = (role: "kernel" | "bias", asked: InitializerLike | undefined) =>
    initializer(asked ?? defaultInitializer(role, activation).initializer);
  const kernelInitializer = choose("kernel", options.kernelInitializer);
  const biasInitializer = choose("bias", options.biasInitializer);
  const isAsked = {
    kernel: options.kernelInitializer !== undefined,
    bias: options.biasInitializer !== undefined,
  };
  return {
    kind: "dense",
    ...(name === undefined ? {} : { name }),
    config: {
      units,
      activation: { ...activation },
      useBias,
      kernelInitializer: describeInitializer(kernelInitializer),
      biasInitializer: describeInitializer(biasInitializer),
      ...(kernelNorm === undefined ? {} : { kernelNorm }),
    },
    build(tape, x, path) {
      const inputs = x.shape.length < 2 ? 1 : (x.shape.at(-1) ?? 1);
      const spec = denseSpec(inputs, units, activation);
      const kernel = tape.param(`${path}/kernel`, spec, kernelInitializer, isAsked.kernel);
      const bias = useBias
        ? tape.param(`${path}/bias`, vectorSpec(spec, "bias", units), biasInitializer, isAsked.bias)
        : undefined;
      const weight = weightOf(tape, path, kernel, kernelNorm);
      return affine(tape, path, x, { kernel: weight, bias, activation });
    },
  };
}
