import type { Core } from "../core/core.ts";
import type { Ref } from "../graph/buffer.ts";
import type { ParamStore } from "../graph/param-store.ts";
import type { NetworkPlan } from "./plans.ts";

/** The first number that was not finite: where, when, and what. */
export interface Divergence {
  /** The optimiser step, counted from 0. */
  readonly step: number;
  /** The layer's path: `dense_3`. */
  readonly layer: string;
  /** `output`, `preactivation`, `kernel`, `kernel gradient`, `loss` ... */
  readonly tensor: string;
  /** NaN, Infinity or -Infinity. */
  readonly value: number;
}

/**
 * After a loss that was not finite: `plan` has run the same batch again with every tensor kept, so the first of them, in the
 * order of computation, that holds such a number is where it began.
 */
export function locateInForward(
  core: Core,
  store: ParamStore,
  plan: NetworkPlan,
  step: number,
): Divergence | undefined {
  for (const param of [...store.params, ...store.statistics]) {
    const value = firstNonFinite(core, store.values(param), param.size);
    if (value !== undefined) return { step, ...splitName(param.name), value };
  }
  for (const { layer, role, tensor } of plan.traced) {
    const value = firstNonFinite(core, tensor.data, tensor.size);
    if (value !== undefined) return { step, layer, tensor: role, value };
  }
  return undefined; // the loss itself
}

/** After an update that was not finite: the gradient where backpropagation first met one, else the parameter that overflowed. */
export function locateInUpdate(core: Core, store: ParamStore, step: number): Divergence {
  for (const param of [...store.params].reverse()) {
    const value = firstNonFinite(core, store.grads(param), param.size);
    if (value !== undefined) {
      const { layer, tensor } = splitName(param.name);
      return { step, layer, tensor: `${tensor} gradient`, value };
    }
  }
  for (const param of store.params) {
    const value = firstNonFinite(core, store.values(param), param.size);
    if (value !== undefined) return { step, ...splitName(param.name), value };
  }
  return { step, layer: "optimizer", tensor: "moments", value: Number.NaN };
}

/** One sentence for people. */
export function describeDivergence({ step, layer, tensor, value }: Divergence): string {
  return `step ${step}: the ${tensor} of ${layer} became ${value}`;
}

function firstNonFinite(core: Core, { buffer, offset }: Ref, count: number): number | undefined {
  const at = ((buffer.at ?? 0) + offset) as Parameters<typeof core.arena.f32>[0];
  return core.arena.f32(at, count).find((x) => !Number.isFinite(x));
}

function splitName(name: string): { layer: string; tensor: string } {
  const at = name.lastIndexOf("/");
  return { layer: name.slice(0, at), tensor: name.slice(at + 1) };
}
