import type { Network } from "./network.ts";
import type { NetworkPlan } from "./plans.ts";

/** Layers with output shapes, parameters with their schemes, and the memory of a training step. */
export function summarise(network: Network, plan: NetworkPlan): string {
  const rows = [["parameter", "shape", "count", "initializer"]];
  for (const { name, shape, scheme } of network.explain()) {
    const count = shape.reduce((a, b) => a * b, 1);
    rows.push([name, shape.join(" x "), count.toLocaleString("en"), scheme]);
  }
  const outputs = [["tensor", "shape"]];
  for (const { layer, role, tensor } of plan.traced) {
    outputs.push([`${layer}/${role}`, `batch x ${tensor.shape.slice(1).join(" x ")}`]);
  }
  const kib = (bytes: number) => `${(bytes / 1024).toFixed(1)} KiB`;
  return [
    ...align(outputs),
    "",
    ...align(rows),
    "",
    `${network.parameterCount.toLocaleString("en")} parameters, ${network.recipe.loss.kind}, ` +
      `${network.recipe.optimizer.kind}, core ${network.core.variant}`,
    `a training step of ${plan.batch} rows: ${plan.instructions} instructions, ` +
      `${kib(plan.bytes)} of activations and scratch (${kib(plan.bytesUnshared)} before sharing)`,
  ].join("\n");
}

function align(rows: readonly string[][]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join("  ")
      .trimEnd(),
  );
}
