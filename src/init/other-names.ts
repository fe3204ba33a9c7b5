import { PRETRAINED, PROCEDURES } from "./beyond.ts";
import { canonical } from "./canonical.ts";
import { DEPTH_POLICIES } from "./policies/depth.ts";
import { ZERO_POLICIES } from "./policies/zero.ts";

/** How to use what is known by a name that is no scheme's: a policy, a procedure, a function of timm over a whole model. */
export function otherThanScheme(name: string): string | undefined {
  const key = canonical(name);
  const isCalled = (row: { readonly name: string; readonly aliases?: readonly string[] }) =>
    [row.name, ...(row.aliases ?? [])].some((known) => canonical(known) === key);
  const policy = [...ZERO_POLICIES, ...DEPTH_POLICIES].find(isCalled);
  if (policy !== undefined) {
    return `"${policy.name}" is a policy, a rule over all parameters, no scheme for one: Network.create({ policy: "${policy.name}", … })`;
  }
  const procedure = PROCEDURES.find(isCalled);
  if (procedure !== undefined) {
    return `"${procedure.name}" is a procedure over a network that exists, no scheme: ${procedure.name}(network, …) of "headstart"`;
  }
  const pretrained = PRETRAINED.find(isCalled);
  if (pretrained !== undefined) {
    return `"${pretrained.name}" takes weights from elsewhere and is no scheme: ${pretrained.name}(network, …) of "headstart"`;
  }
  if (key === "init_weights_vit_jax" || key === "init_weight_jax") {
    return `timm's ${key} is several schemes: glorot_uniform for dense kernels, lecun_normal:distribution=truncated_normal for convolutions, normal:std=1e-6 for the biases of MLPs, zeros for the head and other biases`;
  }
  return undefined;
}
