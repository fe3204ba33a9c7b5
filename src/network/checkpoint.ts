import type { Policy } from "../init/policies/index.ts";
import { policy } from "../init/policies/index.ts";
import type { LayerConfig } from "../layers/index.ts";
import { layerConfig, layerFromConfig } from "../layers/index.ts";
import { lossFromConfig } from "../losses/index.ts";
import { optimizerFromConfig } from "../optim/index.ts";
import type { ParameterGroup } from "./groups.ts";
import type { Design, Recipe } from "./plans.ts";
import type { AppliedPreset } from "./preset.ts";
import { appliedPreset } from "./preset.ts";
import { floatsOf, readSafetensors, writeSafetensors } from "./safetensors.ts";

/** The metadata key under which the architecture is written. */
export const KEY = "headstart";

/** What begins with this in a file belongs to a checkpoint of training: metadata and tensors that a model does without. */
export const RESERVED = "headstart.training";

/** Raised when the description takes a form that earlier versions cannot read. */
const FORMAT = 1;

/** A parameter's name, shape and values. */
export interface NamedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/**
 * A network as a safetensors file: each parameter under its name as F32 ([inputs, units] for a dense kernel), and in the metadata
 * the architecture, loss, optimiser and seed, beside text of the user's own.
 */
export function writeModel(
  recipe: Recipe,
  tensors: readonly NamedTensor[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array<ArrayBuffer> {
  checkMetadata("save", metadata);
  const entries = tensors.map(({ name, shape, data }) => [name, { shape, data }] as const);
  const texts = new Map([...Object.entries(metadata), [KEY, describeRecipe(recipe)]]);
  return writeSafetensors(entries, texts);
}

/** Throws a `RangeError` for a key that is ours. */
export function checkMetadata(where: string, metadata: Readonly<Record<string, string>>): void {
  const taken = Object.keys(metadata).find((key) => key === KEY || key.startsWith(RESERVED));
  if (taken === undefined) return;
  throw new RangeError(`${where}: the metadata key "${taken}" is taken; choose another`);
}

/** What `writeModel` wrote. */
export interface Model {
  readonly recipe: Design;
  readonly tensors: readonly NamedTensor[];
  readonly metadata: ReadonlyMap<string, string>;
}

/** Reads a file strictly; `source` names it in errors. */
export function readModel(bytes: Uint8Array, source: string): Model {
  const file = readSafetensors(bytes, source);
  const text = file.metadata.get(KEY);
  const description = parseDescription(text, source);
  const recipe = {
    input: description.input,
    body: layerFromConfig(description.body, `${source}: body`),
    loss: lossFromConfig(description.loss),
    optimizer: optimizerFromConfig(description.optimizer),
    seed: description.seed,
    ...(description.preset === undefined ? {} : { preset: appliedPreset(description.preset) }),
    ...(description.policy === undefined ? {} : { policy: policy(description.policy) }),
    ...(description.groups === undefined ? {} : { groups: description.groups }),
    ...(description.ema === undefined ? {} : { ema: description.ema }),
  };
  // What was read must describe itself in the same words: no unknown or doubled key, no number in quotes passes.
  if (describeRecipe(recipe) !== text) {
    throw new TypeError(
      `${source}: the metadata "${KEY}" is not as headstart writes it; save the model again`,
    );
  }
  return {
    recipe,
    tensors: [...file.tensors]
      .filter(([name]) => !name.startsWith(RESERVED))
      .map(([name, tensor]) => ({ name, shape: tensor.shape, data: floatsOf(tensor, name) })),
    metadata: new Map(
      [...file.metadata].filter(([key]) => key !== KEY && !key.startsWith(RESERVED)),
    ),
  };
}

/** The architecture, loss, optimiser and seed as JSON: equal for recipes that give equal networks. */
export function describeRecipe(recipe: Design): string {
  const { input, body, loss, optimizer, seed, preset, policy, groups, ema } = recipe;
  const { kind, learningRate, clipNorm, schedule, config } = optimizer;
  return JSON.stringify({
    format: FORMAT,
    input,
    body: layerConfig(body),
    loss: { kind: loss.kind, ...loss.config },
    optimizer: { kind, learningRate, clipNorm, schedule, ...config },
    seed,
    // The values themselves are in the file: this is for drawing them again, and for `explain`.
    preset,
    policy,
    groups,
    ema,
  });
}

/** Throws a `RangeError` unless the file holds exactly the parameters of the network, in their shapes. */
export function checkTensors(
  parameters: readonly { readonly name: string; readonly shape: readonly number[] }[],
  tensors: readonly NamedTensor[],
  source: string,
): void {
  const shapes = new Map(tensors.map(({ name, shape }) => [name, shape]));
  for (const { name, shape } of parameters) {
    const got = shapes.get(name);
    if (got === undefined) throw new RangeError(`${source}: there is no tensor "${name}"`);
    if (got.join() !== shape.join()) {
      throw new RangeError(
        `${source}: "${name}" has shape [${got}], the network expects [${shape}]`,
      );
    }
    shapes.delete(name);
  }
  for (const name of shapes.keys()) {
    throw new RangeError(`${source}: tensor "${name}" belongs to no layer of the network`);
  }
}

interface Description {
  readonly format: number;
  readonly input: readonly number[];
  readonly body: LayerConfig;
  readonly loss: { readonly kind: string };
  readonly optimizer: { readonly kind: string };
  readonly seed: number;
  readonly preset?: AppliedPreset;
  readonly policy?: Policy;
  readonly groups?: readonly ParameterGroup[];
  readonly ema?: number;
}

function parseDescription(text: string | undefined, source: string): Description {
  if (text === undefined) {
    throw new TypeError(
      `${source}: the file holds no headstart network; make a network and give it the file's weights with loadWeights`,
    );
  }
  let value: Partial<Description> | null;
  try {
    value = JSON.parse(text) as Partial<Description> | null;
  } catch (cause) {
    throw new TypeError(`${source}: the metadata "${KEY}" is no JSON`, { cause });
  }
  if (value?.format !== FORMAT) {
    throw new RangeError(
      `${source}: expected a model of format ${FORMAT}, got ${value?.format}; use the headstart that wrote it`,
    );
  }
  for (const key of ["input", "body", "loss", "optimizer"] as const) {
    if (typeof value[key] !== "object" || value[key] === null) {
      throw new TypeError(`${source}: the description's "${key}" is missing`);
    }
  }
  const { policy: saved } = value;
  const isPolicy =
    typeof saved?.name === "string" && typeof saved.options === "object" && saved.options !== null;
  if (saved !== undefined && !isPolicy) {
    throw new TypeError(
      `${source}: expected a policy { name, options }, got ${JSON.stringify(saved)}`,
    );
  }
  const { preset: library } = value;
  const isPreset =
    typeof library?.name === "string" &&
    Array.isArray(library.asked) &&
    library.asked.every((name) => typeof name === "string");
  if (library !== undefined && !isPreset) {
    throw new TypeError(
      `${source}: expected a preset { name, bugCompatible, transposeKernel, asked }, got ${JSON.stringify(library)}`,
    );
  }
  const areGroups =
    Array.isArray(value.groups) && value.groups.every((group) => Array.isArray(group?.match));
  if (value.groups !== undefined && !areGroups) {
    throw new TypeError(
      `${source}: expected groups of { match, learningRateScale }, got ${JSON.stringify(value.groups)}`,
    );
  }
  return value as Description;
}
