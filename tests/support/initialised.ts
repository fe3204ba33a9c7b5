/** Parameters filled by a scheme, and specs of layers written out by hand. */
import type { Ptr } from "../../src/core/arena.ts";
import { loadCore } from "../../src/core/core.ts";
import { streamKey } from "../../src/core/rng.ts";
import { fill } from "../../src/init/fill.ts";
import { initializer, resolve } from "../../src/init/initializer.ts";
import { matrix } from "../../src/init/specs.ts";
import type { ActivationSpec, ParamSpec } from "../../src/init/types.ts";

const LINEAR: ActivationSpec = { name: "linear", alpha: 0 };

const core = await loadCore({ variant: "simd" });

export function initialised(text: string, spec: ParamSpec, seed = 1): Float32Array {
  const n = spec.shape.reduce((a, b) => a * b, 1);
  const at = core.arena.allocate(n * 4 + 16);
  const scratch = (bytes: number): Ptr => core.arena.allocate(bytes);
  fill(core, at, spec, initializer(text), streamKey(seed, "test"), scratch);
  return core.arena.f32(at, n).slice();
}

export function theory(text: string, spec: ParamSpec) {
  return resolve(initializer(text), spec).theory;
}

/** Kernel [window…, inputs / groups, outputs], one map a group. */
export function conv(
  size: readonly number[],
  inputs: number,
  outputs: number,
  options: {
    readonly groups?: number;
    readonly stride?: readonly number[];
    readonly layer?: string;
    readonly activation?: ActivationSpec;
  } = {},
): ParamSpec {
  const { groups = 1, stride = size.map(() => 1), layer = "conv", activation = LINEAR } = options;
  const taps = size.reduce((a, b) => a * b, 1);
  const [rows, columns] = [inputs / groups, outputs / groups];
  const maps = Array.from({ length: groups }, (_, g) =>
    matrix(taps * rows, columns, g * columns, outputs),
  );
  return {
    ...{ layer, role: "kernel", shape: [...size, rows, outputs], activation, maps },
    ...{ fanIn: taps * rows, fanOut: taps * columns, window: { size, stride } },
  };
}

/** Kernel [inputs, parts.length units], one map a part. */
export function parted(
  parts: readonly string[],
  inputs: number,
  units: number,
  { role = "recurrent", layer = "lstm" }: { role?: "kernel" | "recurrent"; layer?: string } = {},
): ParamSpec {
  const columns = parts.length * units;
  return {
    ...{ layer, role, shape: [inputs, columns], fanIn: inputs, fanOut: units, activation: LINEAR },
    ...{ maps: parts.map((_, i) => matrix(inputs, units, i * units, columns)), parts },
  };
}

export function bias(units: number, parts: readonly string[] = ["all"], layer = "lstm"): ParamSpec {
  return {
    ...{ layer, role: "bias", shape: [parts.length * units], fanIn: units, fanOut: units },
    ...{ activation: LINEAR, maps: [], parts },
  };
}

export const LSTM = ["input", "forget", "cell", "output"] as const;
export const GRU = ["reset", "update", "candidate"] as const;
