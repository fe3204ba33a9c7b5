import type { Core } from "../core/core.ts";
import { float } from "../graph/buffer.ts";
import type { Tape } from "../graph/tape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { DEFAULT_ALPHA } from "../init/theory/activations.ts";
import type { ActivationSpec } from "../init/types.ts";

/** An elementwise function by name; `prelu` is a layer, since its slope is learnt. */
export type ActivationName = (typeof ACTIVATIONS)[number];

/** A name, or a name with its parameter: `{ name: "leaky_relu", alpha: 0.2 }`. */
export type ActivationLike =
  | ActivationName
  | { readonly name: ActivationName; readonly alpha?: number };

export const ACTIVATIONS = [
  "linear",
  "relu",
  "leaky_relu",
  "relu6",
  "elu",
  "selu",
  "gelu",
  "gelu_tanh",
  "silu",
  "mish",
  "softplus",
  "softsign",
  "tanh",
  "sigmoid",
  "hard_sigmoid",
  "hard_tanh",
  "hard_swish",
  "sin",
] as const;

/** Checks a name and completes its parameter. Throws a `RangeError` that lists the names. */
export function activationSpec(like: ActivationLike): ActivationSpec {
  const { name, alpha } =
    typeof like === "string" ? { name: like, alpha: undefined } : (like ?? {});
  if (!ACTIVATIONS.includes(name)) {
    throw new RangeError(`activation: there is no "${name}"; there are ${ACTIVATIONS.join(", ")}`);
  }
  const value = alpha ?? DEFAULT_ALPHA[name] ?? 0;
  // A negative slope could not be told from the output, which is all that backpropagation keeps.
  if (!(value >= 0 && Number.isFinite(value))) {
    throw new RangeError(`activation ${name}: alpha must be finite and not negative, got ${alpha}`);
  }
  return { name, alpha: value };
}

/** `y = f(x)` */
export function activation(tape: Tape, layer: string, x: Tensor, spec: ActivationSpec): Tensor {
  if (spec.name === "linear") return x;
  const kind = kindOf(tape.core, spec);
  const alpha = float(spec.alpha);
  const y = tape.tensor(x.shape.slice(1), layer);
  tape.emit("activationForward", y.data, x.data, x.size, kind, alpha);
  tape.onBackward(() => {
    const dy = tape.grad(y);
    const dx = tape.addGrad(x);
    if (dy === undefined || dx === undefined) return;
    const saved = readsOutput(tape.core, spec) ? y.data : x.data;
    tape.emit("activationBackward", dx.at, saved, dy, x.size, kind, alpha, dx.beta); // dx = f' dy
  });
  return y;
}

/** The core's number for a kind: `leaky_relu` is its `leakyRelu`. */
export function kindOf(core: Core, { name }: ActivationSpec): number {
  const key = name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
  const kind = core.enums.Activation?.[key];
  if (kind === undefined) throw new Error(`activation: the core has no "${key}"`);
  return kind;
}

/** Whether the derivative is computed from the output, so that the input need not be kept. */
export function readsOutput(core: Core, spec: ActivationSpec): boolean {
  return core.kernels.activationReadsOutput(kindOf(core, spec)) !== 0;
}
