import type { Dtype, Safetensors, SafetensorsCode, StoredTensor } from "./safetensors-format.ts";
import {
  BITS,
  byteLength,
  LENGTH_BYTES,
  MAX_HEADER,
  MAX_METADATA,
  MAX_RANK,
  MAX_TENSORS,
  METADATA,
  SafetensorsError,
} from "./safetensors-format.ts";
import type { JsonPath } from "./strict-json.ts";
import { JsonScanner, quote } from "./strict-json.ts";

/** The tensors and the metadata of a file. Nothing is copied: the tensors are views of `bytes`. `source` names the file in errors. */
export function readSafetensors(bytes: Uint8Array, source = "safetensors"): Safetensors {
  const { header, data } = split(bytes, source);
  const { entries, metadata } = readHeader(header, source);
  checkLayout(entries, data.length, source);
  const tensors = new Map<string, StoredTensor>();
  for (const { name, dtype, shape, begin, end } of entries) {
    tensors.set(name, { dtype, shape, bytes: data.subarray(begin, end) });
  }
  return { tensors, metadata };
}

interface Entry {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

type Scanner = JsonScanner<SafetensorsCode>;

function split(bytes: Uint8Array, source: string): { header: string; data: Uint8Array } {
  if (!(bytes instanceof Uint8Array)) {
    throw new TypeError(`readSafetensors: expected a Uint8Array, got ${typeof bytes}`);
  }
  const refuse = (code: SafetensorsCode, expected: string, got: string) =>
    new SafetensorsError(code, source, expected, got);
  if (bytes.length < LENGTH_BYTES) {
    throw refuse("file-too-short", `at least ${LENGTH_BYTES} bytes`, `${bytes.length}`);
  }
  const declared = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  if (declared > MAX_HEADER) {
    throw refuse("header-too-large", `a header of at most ${MAX_HEADER} bytes`, `${declared}`);
  }
  const length = Number(declared);
  const rest = bytes.length - LENGTH_BYTES;
  if (length > rest) throw refuse("header-truncated", `${length} bytes of header`, `${rest}`);
  // A copy, because browsers refuse to decode shared memory.
  const header = new Uint8Array(bytes.subarray(LENGTH_BYTES, LENGTH_BYTES + length));
  if (header[0] !== 0x7b) {
    const got = length === 0 ? "an empty header" : `byte ${header[0]}`;
    throw refuse("header-start", 'a header that starts with "{"', got);
  }
  // A view of its own: a Node Buffer's `slice` would share memory with the file.
  const data = new Uint8Array(
    bytes.buffer,
    bytes.byteOffset + LENGTH_BYTES + length,
    rest - length,
  );
  return { header: decoded(header, refuse), data };
}

function decoded(
  header: Uint8Array,
  refuse: (code: SafetensorsCode, expected: string, got: string) => Error,
): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(header);
  } catch {
    throw refuse("utf8", "a header in UTF-8", "bytes that are not");
  }
}

function readHeader(
  text: string,
  source: string,
): { entries: readonly Entry[]; metadata: ReadonlyMap<string, string> } {
  const json: Scanner = new JsonScanner(
    text,
    (code, path, expected, got) => new SafetensorsError(code, place(source, path), expected, got),
  );
  const entries: Entry[] = [];
  let metadata: ReadonlyMap<string, string> = new Map();
  json.object((name) => {
    if (name === METADATA) {
      metadata = readMetadata(json);
      return;
    }
    if (entries.length === MAX_TENSORS) {
      throw json.error("too-many-tensors", `at most ${MAX_TENSORS} tensors`, "one more");
    }
    entries.push(readEntry(json, withoutNull(json, name)));
  });
  json.end();
  return { entries, metadata };
}

function place(source: string, [first, ...rest]: JsonPath): string {
  if (first === undefined) return `${source}: header`;
  const name = first === METADATA ? METADATA : `tensor ${quote(`${first}`)}`;
  const steps = rest.map((step) => {
    if (typeof step === "number") return `[${step}]`;
    return FIELDS.includes(step) ? `.${step}` : `[${quote(step)}]`;
  });
  return `${source}: ${name}${steps.join("")}`;
}

const FIELDS: readonly string[] = ["dtype", "shape", "data_offsets"];

function readMetadata(json: Scanner): ReadonlyMap<string, string> {
  const expected = "texts by name";
  const metadata = new Map<string, string>();
  if (json.next() !== "object") throw json.error("metadata", expected, json.next());
  json.object((key) => {
    if (metadata.size === MAX_METADATA) {
      throw json.error("too-many-metadata", `at most ${MAX_METADATA} texts`, "one more");
    }
    if (json.next() !== "string") throw json.error("metadata", expected, json.next());
    metadata.set(withoutNull(json, key), withoutNull(json, json.string()));
  });
  return metadata;
}

function readEntry(json: Scanner, name: string): Entry {
  if (json.next() !== "object") throw json.error("entry", "an object", json.next());
  const fields: { dtype?: Dtype; shape?: readonly number[]; offsets?: readonly [number, number] } =
    {};
  json.object((field) => {
    if (field === "dtype") fields.dtype = readDtype(json);
    else if (field === "shape") fields.shape = readShape(json);
    else if (field === "data_offsets") fields.offsets = readOffsets(json);
    else throw json.error("extra-field", `no field but ${FIELDS.join(", ")}`, quote(field));
  });
  const { dtype, shape, offsets } = fields;
  if (dtype === undefined) throw json.error("missing-field", "a dtype", "none");
  if (shape === undefined) throw json.error("missing-field", "a shape", "none");
  if (offsets === undefined) throw json.error("missing-field", "data_offsets", "none");
  checkSize(json, dtype, shape, offsets);
  return { name, dtype, shape, begin: offsets[0], end: offsets[1] };
}

function readDtype(json: Scanner): Dtype {
  expectScalar(json, "string", "dtype", DTYPES);
  const dtype = json.string();
  if (!isDtype(dtype)) throw json.error("dtype", DTYPES, quote(dtype));
  return dtype;
}

const DTYPES = `one of ${Object.keys(BITS).join(", ")}`;

function isDtype(text: string): text is Dtype {
  return Object.hasOwn(BITS, text);
}

function readShape(json: Scanner): readonly number[] {
  const shape: number[] = [];
  if (json.next() !== "array") throw json.error("shape", "a list of sizes", json.next());
  json.array(() => {
    if (shape.length === MAX_RANK) {
      throw json.error("rank", `at most ${MAX_RANK} dimensions`, "one more");
    }
    const size = readCount(json, "shape");
    if (!Number.isSafeInteger(size)) throw json.error("overflow", "a size below 2^53", `${size}`);
    shape.push(size);
  });
  return shape;
}

function readOffsets(json: Scanner): readonly [number, number] {
  const expected = "two offsets, [begin, end]";
  const offsets: number[] = [];
  if (json.next() !== "array") throw json.error("offsets", expected, json.next());
  json.array(() => {
    if (offsets.length === 2) throw json.error("offsets", expected, "a third");
    offsets.push(readCount(json, "offsets"));
  });
  const [begin, end] = offsets;
  if (begin === undefined || end === undefined) {
    throw json.error("offsets", expected, `${offsets.length}`);
  }
  return [begin, end];
}

/** Digits alone: `-0`, `1.0` and `1e3` are numbers that other readers refuse or round. May be beyond 2^53. */
function readCount(json: Scanner, code: SafetensorsCode): number {
  const expected = "a non-negative whole number";
  expectScalar(json, "number", code, expected);
  const written = json.number();
  if (/[-.eE]/.test(written)) throw json.error(code, expected, quote(written));
  return Number(written);
}

function expectScalar(
  json: Scanner,
  kind: "string" | "number",
  code: SafetensorsCode,
  expected: string,
): void {
  const got = json.next();
  if (got === "object" || got === "array") throw json.error("nesting", expected, got);
  if (got !== kind) throw json.error(code, expected, got);
}

/** A reader in C would see the text end there, and so another name. */
function withoutNull(json: Scanner, text: string): string {
  if (text.includes("\0")) {
    throw json.error("null-character", "text without U+0000", quote(text));
  }
  return text;
}

function checkSize(
  json: Scanner,
  dtype: Dtype,
  shape: readonly number[],
  [begin, end]: readonly [number, number],
): void {
  const bytes = byteLength(dtype, shape);
  if (Number.isNaN(bytes)) {
    throw json.error("overflow", "a size below 2^53 bits", `${dtype} [${shape}]`);
  }
  if (!Number.isInteger(bytes)) {
    throw json.error("partial-byte", "whole bytes", `${bytes} bytes for ${dtype} [${shape}]`);
  }
  if (begin > end) throw json.error("offsets-reversed", "begin <= end", `[${begin}, ${end}]`);
  if (end - begin !== bytes) {
    throw json.error(
      "size-mismatch",
      `${bytes} bytes for ${dtype} [${shape}]`,
      `${end - begin} from [${begin}, ${end}]`,
    );
  }
}

/** The tensors cover `[0, size)` in one row. Empty ones may share an offset, but only where one tensor ends and the next begins. */
function checkLayout(entries: readonly Entry[], size: number, source: string): void {
  let covered = 0;
  const inOrder = entries.toSorted((a, b) => a.begin - b.begin || a.end - b.end);
  for (const { name, begin, end } of inOrder) {
    const got = `[${begin}, ${end}]`;
    const refuse = (code: SafetensorsCode, expected: string) =>
      new SafetensorsError(code, place(source, [name]), expected, got);
    if (end > size) throw refuse("out-of-range", `offsets within ${size} bytes of data`);
    if (begin > covered) {
      throw refuse("hole", `to begin at byte ${covered}, where the data before it ends`);
    }
    if (begin < covered && begin === end) {
      throw refuse("empty-inside", "an empty tensor between others");
    }
    if (begin < covered) throw refuse("overlap", `to begin at byte ${covered} or later`);
    covered = end;
  }
  if (covered < size) {
    throw new SafetensorsError("trailing-bytes", source, `${covered} bytes of data`, `${size}`);
  }
}
