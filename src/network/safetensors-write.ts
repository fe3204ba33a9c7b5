import type { FloatTensor } from "./safetensors-format.ts";
import {
  byteLength,
  LENGTH_BYTES,
  MAX_HEADER,
  MAX_METADATA,
  MAX_RANK,
  MAX_TENSORS,
  METADATA,
} from "./safetensors-format.ts";
import { isForbiddenKey, isWellFormed, quote } from "./strict-json.ts";

/**
 * A file of F32 tensors, laid out one after the other in the order given, the header padded with spaces to a multiple of 8 bytes.
 * Equal input gives equal bytes. Names are unique, not `__metadata__` and, like the metadata, text that `readSafetensors` accepts.
 */
export function writeSafetensors(
  tensors: Iterable<readonly [string, FloatTensor]>,
  metadata: ReadonlyMap<string, string> = new Map(),
): Uint8Array<ArrayBuffer> {
  if (!(metadata instanceof Map)) {
    throw new TypeError(`writeSafetensors: expected metadata in a Map, got ${typeof metadata}`);
  }
  const names = new Set<string>();
  const blocks: Float32Array[] = [];
  const members = metadata.size === 0 ? [] : [`"${METADATA}":${metadataJson(metadata)}`];
  let size = 0;
  for (const [name, { shape, data }] of tensors) {
    checkName(name, names);
    checkTensor(name, shape, data);
    const end = size + data.length * Float32Array.BYTES_PER_ELEMENT;
    members.push(
      `${JSON.stringify(name)}:{"dtype":"F32","shape":[${shape}],"data_offsets":[${size},${end}]}`,
    );
    blocks.push(data);
    size = end;
  }
  return assemble(new TextEncoder().encode(`{${members.join(",")}}`), blocks, size);
}

function checkName(name: string, names: Set<string>): void {
  const where = `writeSafetensors: tensor ${quote(`${name}`)}`;
  checkText(where, name);
  if (name === METADATA || isForbiddenKey(name)) {
    throw new RangeError(`${where}: expected a name that is not reserved`);
  }
  if (names.has(name)) throw new RangeError(`${where}: expected each name once, got it twice`);
  if (names.size === MAX_TENSORS) {
    throw new RangeError(`${where}: expected at most ${MAX_TENSORS} tensors, got one more`);
  }
  names.add(name);
}

function checkText(where: string, text: string): void {
  if (typeof text !== "string") throw new TypeError(`${where}: expected text, got ${typeof text}`);
  if (text.includes("\0")) throw new RangeError(`${where}: expected text without U+0000`);
  if (!isWellFormed(text)) throw new RangeError(`${where}: expected text without lone surrogates`);
}

function checkTensor(name: string, shape: readonly number[], data: Float32Array): void {
  const where = `writeSafetensors: tensor ${quote(name)}`;
  if (!(data instanceof Float32Array)) {
    throw new TypeError(`${where}: expected data in a Float32Array, got ${typeof data}`);
  }
  if (!Array.isArray(shape)) throw new TypeError(`${where}: expected a shape, got ${typeof shape}`);
  if (shape.length > MAX_RANK) {
    throw new RangeError(`${where}: expected at most ${MAX_RANK} dimensions, got ${shape.length}`);
  }
  if (!shape.every((size) => Number.isSafeInteger(size) && size >= 0)) {
    throw new RangeError(
      `${where}: expected sizes that are non-negative whole numbers, got [${shape}]`,
    );
  }
  if (byteLength("F32", shape) !== data.byteLength) {
    throw new RangeError(
      `${where}: expected data for shape [${shape}], got ${data.length} numbers`,
    );
  }
}

/** Written by hand, because an object would put keys that look like numbers first. */
function metadataJson(metadata: ReadonlyMap<string, string>): string {
  if (metadata.size > MAX_METADATA) {
    throw new RangeError(
      `writeSafetensors: expected at most ${MAX_METADATA} texts of metadata, got ${metadata.size}`,
    );
  }
  const members = Array.from(metadata, ([key, text]) => {
    const where = `writeSafetensors: metadata ${quote(`${key}`)}`;
    checkText(where, key);
    checkText(where, text);
    if (isForbiddenKey(key)) throw new RangeError(`${where}: expected a key that is not reserved`);
    return `${JSON.stringify(key)}:${JSON.stringify(text)}`;
  });
  return `{${members.join(",")}}`;
}

function assemble(
  header: Uint8Array,
  blocks: readonly Float32Array[],
  size: number,
): Uint8Array<ArrayBuffer> {
  const padded = Math.ceil(header.length / 8) * 8;
  if (padded > MAX_HEADER) {
    throw new RangeError(
      `writeSafetensors: expected names and metadata in ${MAX_HEADER} bytes, got ${padded}`,
    );
  }
  const out = new Uint8Array(LENGTH_BYTES + padded + size);
  new DataView(out.buffer).setBigUint64(0, BigInt(padded), true);
  out.set(header, LENGTH_BYTES);
  out.fill(0x20, LENGTH_BYTES + header.length, LENGTH_BYTES + padded);
  let at = LENGTH_BYTES + padded;
  for (const block of blocks) {
    encode(block, new DataView(out.buffer, at, block.byteLength));
    at += block.byteLength;
  }
  return out;
}

/** As bits: a NaN that passes through a double may lose its payload. */
function encode(block: Float32Array, view: DataView): void {
  const bits = new Uint32Array(block.buffer, block.byteOffset, block.length);
  for (let i = 0; i < bits.length; i++) view.setUint32(4 * i, bits[i]!, true);
}
