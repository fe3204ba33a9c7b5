import { nearest } from "../../core/nearest.ts";
import { canonical } from "../canonical.ts";
import { isFlatAtZero } from "../flat.ts";
import { checkOptions, describeOptions, parseOptions } from "../initializer.ts";
import type { Options } from "../schemes/scheme.ts";
import { inNameOf } from "../schemes/scheme.ts";
import type { Initializer } from "../types.ts";
import { DEPTH_POLICIES } from "./depth.ts";
import type { PolicyParam, PolicyRow } from "./policy.ts";
import { residualsOf } from "./policy.ts";
import { ZERO_POLICIES } from "./zero.ts";

export type { PolicyParam, PolicyRow } from "./policy.ts";

/** A description of how initial values fit the residual structure of a network: plain, printable, serialisable. */
export interface Policy {
  readonly name: string;
  /** The options that differ from the policy's defaults. */
  readonly options: Options;
}

/** A description, or its text: `"fixup"`, `"gpt2:std=0.01"`. */
export type PolicyLike = Policy | string;

/** Every policy. */
export const POLICIES: readonly PolicyRow[] = [...ZERO_POLICIES, ...DEPTH_POLICIES];

/** The description of a policy by any of its names. Throws a `RangeError` that lists the names or the options. */
export function policy(like: PolicyLike, options: Options = {}): Policy {
  if (typeof like !== "string") return policy(like.name, { ...like.options, ...options });
  const [name = "", ...rest] = like.split(":");
  const row = rowOf(name);
  const given = {
    ...(rest.length === 0 ? {} : parseOptions(rest.join(":"), row.name, "policy")),
    ...options,
  };
  checkOptions("policy", row, given);
  return { name: row.name, options: given };
}

/** The text from which `policy` makes the same description. */
export function describePolicy({ name, options }: Policy): string {
  return describeOptions(name, options);
}

/**
 * The initializers of all parameters under a policy, in their order. A pure function of the descriptions: values are drawn later.
 *
 * Throws a `RangeError` when the network has no residual block with parameters, or not what the policy sets, and where it would set
 * weights to 0 before an activation of slope 0 there, such as relu: they would stay 0 for ever.
 */
export function applyPolicy(
  { name, options }: Policy,
  params: readonly PolicyParam[],
): readonly Initializer[] {
  const row = rowOf(name);
  const network = residualsOf(params);
  if (network.branches.length === 0) {
    throw new RangeError(
      `${row.name}: expected residual() blocks with parameters, got none among ${params.length} parameters`,
    );
  }
  const chosen = inNameOf(row.name, () => row.apply({ ...row.defaults, ...options }, network));
  for (const [i, param] of params.entries()) refuseDeadZero(row.name, param, chosen[i]);
  return params.map((param, i) => chosen[i] ?? param.initializer);
}

function refuseDeadZero(
  policy: string,
  { name, spec, meets }: PolicyParam,
  chosen: Initializer | undefined,
): void {
  const isWeight = spec.role === "kernel" || spec.role === "recurrent" || spec.role === "gain";
  if (!isWeight || (chosen?.scheme !== "zeros" && chosen?.factor !== 0)) return;
  const activation = spec.activation.name === "linear" ? meets : spec.activation;
  if (activation === undefined || !isFlatAtZero(activation)) return;
  throw new RangeError(
    `${policy}: expected no ${activation.name} behind ${name}, which the policy sets to 0: its slope at 0 is 0, so that the weights would ` +
      'stay 0 for ever; end the branch in a linear layer, or take "branch_sqrt_depth"',
  );
}

function rowOf(name: string): PolicyRow {
  const key = canonical(name);
  const row = POLICIES.find((known) =>
    [known.name, ...known.aliases].some((spelling) => canonical(spelling) === key),
  );
  if (row !== undefined) return row;
  const names = POLICIES.map((known) => known.name);
  const near = nearest(name, names);
  throw new RangeError(
    `policy: there is no "${name}"; there are ${names.join(", ")}` +
      (near === undefined ? "" : `; did you mean "${near}"?`),
  );
}
