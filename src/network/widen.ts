import type { Layer, LayerConfig } from "../layers/index.ts";
import { layerConfig } from "../layers/index.ts";
import { gather } from "./gather.ts";
import type { Network, Parameter } from "./network.ts";

/**
 * Net2WiderNet (Chen, Goodfellow & Shlens 2016, arXiv:1511.05641): the weights of a narrower network with the same layers, so that the
 * wider one computes the same function. Unit j of a widened layer copies unit j mod n; what reads it is divided by the number
 * of copies. Each layer may be widened by a factor of its own; inputs, outputs and activations must be the same.
 *
 * Copies learn alike until something tells them apart: dropout, or noise added with `setWeights`.
 * Throws a `RangeError`, and changes nothing, where layers, inputs, outputs or activations differ, or a layer shrinks.
 */
export function widenFrom(network: Network, narrower: Network): void {
  const [wide, narrow] = [network.parameters, narrower.parameters];
  const names = (parameters: readonly Parameter[]) => parameters.map(({ name }) => name).join(", ");
  if (names(wide) !== names(narrow)) {
    throw new RangeError(
      `widenFrom: expected the same parameters, got ${names(wide)} from ${names(narrow)}`,
    );
  }
  const [input, expected] = [network.recipe.input, narrower.recipe.input];
  if (input.join() !== expected.join()) {
    throw new RangeError(`widenFrom: expected inputs of shape [${expected}], got [${input}]`);
  }
  const walk: Walk = { narrow, next: 0, jobs: [] };
  const start = {
    positions: input.slice(0, -1).reduce((a, b) => a * b, 1),
    units: input.at(-1) ?? 1,
  };
  const end = follow(
    walk,
    { ...start, copies: identity(start.units) },
    bodyOf(network),
    bodyOf(narrower),
  );
  if (end.copies.length !== end.units) {
    throw new RangeError(`widenFrom: expected ${end.units} outputs, got ${end.copies.length}`);
  }
  const values = walk.jobs.map(({ name, shape, indices, divisors }) => {
    const found = gather(narrower.weights(name), shape, indices);
    if (divisors === undefined) return found;
    const columns = indices[1]!.length;
    return found.map((w, i) => w / divisors[Math.floor(i / columns)]!);
  });
  walk.jobs.forEach(({ name }, k) => {
    network.setWeights(name, values[k]!);
  });
}

/** What flows between layers: of `units` on the last axis of the narrow network, the one that each unit of the wide one copies. */
interface Signal {
  /** Product of the axes before the last. */
  readonly positions: number;
  readonly units: number;
  readonly copies: readonly number[];
}

/** Where in the parameters, which are in the order of the layers, the walk is; and what is to be set. */
interface Walk {
  readonly narrow: readonly Parameter[];
  next: number;
  readonly jobs: Job[];
}

interface Job {
  readonly name: string;
  /** In the narrow network. */
  readonly shape: readonly number[];
  /** Of the narrow parameter, along each axis. */
  readonly indices: readonly (readonly number[])[];
  /** Of a kernel's rows. */
  readonly divisors?: readonly number[];
}

/** Follows one layer of both networks, and its contents. */
function follow(walk: Walk, x: Signal, wide: LayerConfig, narrow: LayerConfig): Signal {
  if (wide.kind !== narrow.kind) {
    throw new RangeError(
      `widenFrom: expected the same layers, got ${wide.kind} where the narrower network has ${narrow.kind}`,
    );
  }
  switch (wide.kind) {
    case "sequential": {
      const [layers, others] = [wide.layers, narrow.layers] as (readonly LayerConfig[])[];
      if (layers!.length !== others!.length) {
        throw new RangeError(
          `widenFrom: expected the same layers, got ${layers!.length} where the narrower network has ${others!.length}`,
        );
      }
      return layers!.reduce((y, layer, k) => follow(walk, y, layer, others![k]!), x);
    }
    case "residual": {
      if ([wide, narrow].some((c) => c.shortcut !== undefined || c.gain !== undefined)) {
        throw new RangeError("widenFrom: a residual block with a shortcut or a gain is not known");
      }
      const y = follow(walk, x, wide.body as LayerConfig, narrow.body as LayerConfig);
      if (y.copies.join() === x.copies.join()) return y;
      throw new RangeError("widenFrom: the two sides of a residual sum copy different units");
    }
    case "dense":
      return followDense(walk, x, wide, narrow);
    case "activation":
      checkActivation("activation", wide, narrow);
      return x;
    case "prelu":
    case "scale": {
      const { name, small } = take(walk);
      // A single slope or scale is shared by all units.
      if (wide.perChannel !== narrow.perChannel) {
        throw new RangeError(
          `widenFrom: ${name}: expected perChannel ${String(narrow.perChannel)}`,
        );
      }
      const indices = [wide.perChannel === true ? x.copies : [0]];
      walk.jobs.push({ name, shape: small, indices });
      return x;
    }
    case "flatten": {
      const { positions, units, copies } = x;
      const all = Array.from({ length: positions }, (_, p) =>
        copies.map((unit) => p * units + unit),
      );
      return { positions: 1, units: positions * units, copies: all.flat() };
    }
    case "input":
    case "dropout":
      return x;
    default:
      throw new RangeError(`widenFrom: nothing is known of a ${String(wide.kind)} layer`);
  }
}

function followDense(walk: Walk, x: Signal, wide: LayerConfig, narrow: LayerConfig): Signal {
  const { name: kernel, small } = take(walk);
  const path = kernel.replace(/\/kernel$/, "");
  checkActivation(path, wide, narrow);
  const [units, many] = [narrow.units as number, wide.units as number];
  if (many < units) {
    throw new RangeError(
      `widenFrom: ${path} has ${many} units and had ${units}: widening shrinks nothing`,
    );
  }
  const copies = Array.from({ length: many }, (_, j) => j % units);
  const counts = Array.from({ length: x.units }, () => 0);
  for (const unit of x.copies) counts[unit]!++;
  const divisors = x.copies.map((unit) => counts[unit]!);
  walk.jobs.push({ name: kernel, shape: small, indices: [x.copies, copies], divisors });
  if (wide.useBias !== false) {
    const bias = take(walk);
    walk.jobs.push({ name: bias.name, shape: bias.small, indices: [copies] });
  }
  return { positions: x.positions, units, copies };
}

/** The next parameter of both. */
function take(walk: Walk): { readonly name: string; readonly small: readonly number[] } {
  const { name, shape } = walk.narrow[walk.next++]!;
  return { name, small: shape };
}

function checkActivation(where: string, wide: LayerConfig, narrow: LayerConfig): void {
  const text = ({ activation }: LayerConfig) => JSON.stringify(activation);
  if (text(wide) === text(narrow)) return;
  const show = ({ activation }: LayerConfig) => {
    const { name, alpha } = activation as LayerConfig;
    return alpha === 0 ? String(name) : `${name}:${alpha}`;
  };
  throw new RangeError(
    `widenFrom: ${where}: expected activation ${show(narrow)}, got ${show(wide)}`,
  );
}

function bodyOf({ recipe }: Network): LayerConfig {
  return layerConfig(recipe.body as Layer);
}

function identity(n: number): readonly number[] {
  return Array.from({ length: n }, (_, i) => i);
}
