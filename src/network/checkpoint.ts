import type { CoreOptions } from "../core/core.ts";
import { layerConfig, layerFromConfig, type LayerConfig } from "../layers/index.ts";
import { lossFromConfig } from "../losses/index.ts";
import { optimizerFromConfig } from "../optim/index.ts";
import { Network } from "./network.ts";
import { floatsOf, readSafetensors, writeSafetensors } from "./safetensors.ts";

/** The metadata key under which the architecture is written. */
const KEY = "headstart";

/** Raised when the file's description is read by a later, incompatible form of itself. */
const FORMAT = 1;

export interface SaveOptions {
  /** Text of your own that travels with the weights. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * A network as a safetensors file: each parameter under its name as F32, [inputs, units] for dense kernels, and the
 * architecture, loss, optimiser and seed in the metadata.
 */
export function saveNetwork(network: Network, { metadata = {} }: SaveOptions = {}): Uint8Array<ArrayBuffer> {
  const { input, body, loss, optimizer, seed } = network.recipe;
  const { kind, learningRate, clipNorm, schedule, config } = optimizer;
  const description = {
    format: FORMAT,
    input,
    body: layerConfig(body),
    loss: { kind: loss.kind, ...loss.config },
    optimizer: { kind, learningRate, clipNorm, schedule, ...config },
    seed,
    step: network.step,
  };
  const tensors = network.parameters.map(
    ({ name, shape }) => [name, { shape, data: network.weights(name) }] as const,
  );
  return writeSafetensors(tensors, new Map([...Object.entries(metadata), [KEY, JSON.stringify(description)]]));
}

/** A network from `saveNetwork`'s bytes, and the metadata that was given to it. */
export async function loadNetwork(
  bytes: Uint8Array,
  options: CoreOptions & { readonly source?: string } = {},
): Promise<{ readonly network: Network; readonly metadata: ReadonlyMap<string, string> }> {
  const source = options.source ?? "model";
  const file = readSafetensors(bytes, source);
  const description = describe(file.metadata.get(KEY), source);
  const network = await Network.create({
    ...options,
    input: description.input,
    body: layerFromConfig(description.body, `${source}: body`),
    loss: lossFromConfig(description.loss),
    optimizer: optimizerFromConfig(description.optimizer),
    seed: description.seed,
  });
  const names = new Set(network.parameters.map(({ name }) => name));
  for (const name of file.tensors.keys()) {
    if (!names.has(name)) throw new RangeError(`${source}: tensor "${name}" belongs to no layer of the network`);
  }
  for (const { name, shape } of network.parameters) {
    const tensor = file.tensors.get(name);
    if (tensor === undefined) throw new RangeError(`${source}: there is no tensor "${name}"`);
    if (tensor.shape.join() !== shape.join()) {
      throw new RangeError(`${source}: "${name}" has shape [${tensor.shape}], the network expects [${shape}]`);
    }
    network.setWeights(name, floatsOf(tensor, name));
  }
  const metadata = new Map([...file.metadata].filter(([key]) => key !== KEY));
  return { network, metadata };
}

interface Description {
  readonly format: number;
  readonly input: readonly number[];
  readonly body: LayerConfig;
  readonly loss: { readonly kind: string };
  readonly optimizer: { readonly kind: string };
  readonly seed: number;
}

function describe(text: string | undefined, source: string): Description {
  if (text === undefined) {
    throw new TypeError(
      `${source}: the file holds no headstart network; read its tensors with readSafetensors and use setWeights`,
    );
  }
  let value: Description;
  try {
    value = JSON.parse(text) as Description;
  } catch (cause) {
    throw new TypeError(`${source}: the metadata "${KEY}" is no JSON`, { cause });
  }
  if (value?.format !== FORMAT) {
    throw new RangeError(`${source}: expected format ${FORMAT}, got ${value?.format}; use a matching headstart`);
  }
  return value;
}
