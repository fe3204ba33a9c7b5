import { allocate } from "./allocate.ts";
import type { Dataset } from "./dataset.ts";
import { createDataset, MAX_VALUES, product } from "./dataset.ts";
import { count, DataError } from "./errors.ts";
import type { GunzipLimits } from "./gunzip.ts";
import { gunzip, isGzip, MAX_BYTES, MAX_RATIO, sizeError } from "./gunzip.ts";

export type IdxType = "u8" | "i8" | "i16" | "i32" | "f32" | "f64";

export type IdxData =
  | Uint8Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Float32Array
  | Float64Array;

/** A tensor in LeCun's IDX format. */
export interface Idx {
  readonly dims: readonly number[];
  readonly type: IdxType;
  /** Row-major. For bytes that were not compressed, a view on them. */
  readonly data: IdxData;
}

export interface IdxOptions {
  /** What messages call the file; default "idx". */
  readonly name?: string;
  /** Most bytes of data, as the header declares them; default 1 GiB. */
  readonly maxBytes?: number;
  /** Most bytes out for each byte of gzip in, from 16 MiB on; default 200. */
  readonly maxRatio?: number;
}

interface Header {
  readonly type: IdxType;
  readonly dims: readonly number[];
  /** Of the header, and of the data after it. */
  readonly headerBytes: number;
  readonly dataBytes: number;
}

/**
 * Reads an IDX file, plain or gzipped: `0 0 type rank`, then `rank` sizes of 32 bits, then the data, all big-endian.
 *
 * The declared size is checked against the limits before anything is allocated, and the data must have exactly that size. Decompression stops
 * at the first byte too many. Throws a `DataError`.
 */
export function parseIdx(bytes: Uint8Array, options: IdxOptions = {}): Idx {
  const { name = "idx", maxBytes = MAX_BYTES, maxRatio = MAX_RATIO } = options;
  const limits = { maxBytes, maxRatio };
  const { header, data } = isGzip(bytes)
    ? inflate(name, bytes, limits)
    : separate(name, bytes, limits);
  return { dims: header.dims, type: header.type, data: decode(header.type, data) };
}

export interface IdxDatasetOptions extends IdxOptions {
  /** Each value is multiplied by it; default 1/255 for unsigned bytes and 1 for other types. */
  readonly scale?: number;
  /** Default: the largest label plus 1. */
  readonly classes?: number;
  readonly classNames?: readonly string[];
}

/** Images (or any tensors whose first axis counts examples) with one label each, from two IDX files. Throws a `DataError`. */
export function idxDataset(
  images: Uint8Array,
  labels: Uint8Array,
  options: IdxDatasetOptions = {},
): Dataset {
  const { name = "idx" } = options;
  return joinIdx(
    parseIdx(images, { ...options, name: `${name} images` }),
    parseIdx(labels, { ...options, name: `${name} labels` }),
    options,
  );
}

/** What `idxDataset` does once the files are read. */
export function joinIdx(images: Idx, labels: Idx, options: IdxDatasetOptions = {}): Dataset {
  const { name = "idx", scale = images.type === "u8" ? 1 / 255 : 1, classNames } = options;
  const [rows = 0, ...rest] = images.dims;
  const shape = rest.length === 0 ? [1] : rest;
  checkLabels(name, labels, rows);
  if (images.data.length > MAX_VALUES) {
    throw new DataError({
      source: `${name} images`,
      expected: `at most ${MAX_VALUES} values`,
      got: `${images.data.length}`,
      hint: "take fewer or smaller examples",
    });
  }
  const targets = Int32Array.from(labels.data);
  const classes = options.classes ?? classNames?.length ?? classesOf(labels);
  const inputs = allocate(name, Float32Array, images.data.length);
  for (let i = 0; i < inputs.length; i++) inputs[i] = images.data[i]! * scale;
  return createDataset({
    name,
    rows,
    shape,
    inputs,
    targets,
    classes,
    ...(classNames && { classNames }),
  });
}

/** Labels beyond this are no class indices; a network with as many outputs would be a mistake. */
const MAX_CLASSES = 65_536;

function checkLabels(name: string, labels: Idx, rows: number): void {
  const source = `${name} labels`;
  if (labels.dims.length !== 1 || labels.type === "f32" || labels.type === "f64") {
    throw new DataError({
      source,
      expected: "whole numbers along one axis",
      got: `${labels.type} of [${labels.dims}]`,
      hint: "give the images first and the labels second",
    });
  }
  if (labels.data.length !== rows) {
    throw new DataError({
      source,
      expected: `${count(rows, "label")}, one for each image`,
      got: `${labels.data.length}`,
      hint: "the two files are not of the same set; pair train with train and t10k with t10k",
    });
  }
  for (let i = 0; i < rows; i++) {
    const label = labels.data[i]!;
    if (label >= 0 && label < MAX_CLASSES) continue;
    throw new DataError({
      source,
      where: { row: i + 1 },
      expected: `a class index from 0 to ${MAX_CLASSES - 1}`,
      got: `${label}`,
      hint: "count the classes from 0",
    });
  }
}

/** The largest label plus 1. */
export function classesOf({ data }: Idx): number {
  let most = 0;
  for (let i = 0; i < data.length; i++) most = Math.max(most, data[i]!);
  return most + 1;
}

const TYPES: ReadonlyMap<number, readonly [IdxType, number]> = new Map([
  [0x08, ["u8", 1]],
  [0x09, ["i8", 1]],
  [0x0b, ["i16", 2]],
  [0x0c, ["i32", 4]],
  [0x0d, ["f32", 4]],
  [0x0e, ["f64", 8]],
]);

/** The format allows 255 axes; no data set has more than a few, and noise read as a header usually does. */
const MAX_RANK = 8;

/** Bytes that the header has, as far as `prefix` tells: 4 until the rank is known. */
function headerBytesOf(prefix: Uint8Array): number {
  return prefix.length < 4 ? 4 : 4 + 4 * Math.min(prefix[3]!, MAX_RANK);
}

/** Reads and checks a header; `prefix` holds at least the header, or the whole file when that is shorter. */
function readHeader(source: string, prefix: Uint8Array, maxBytes: number): Header {
  const typeAndSize = TYPES.get(prefix[2] ?? -1);
  const rank = prefix[3] ?? 0;
  const isMagic =
    prefix.length >= 4 && prefix[0] === 0 && prefix[1] === 0 && typeAndSize !== undefined;
  if (!isMagic || rank < 1 || rank > MAX_RANK) {
    throw new DataError({
      source,
      where: { offset: 0 },
      expected: `an IDX header (00 00, a type from 08 to 0e, a rank from 1 to ${MAX_RANK})`,
      got: prefix.length === 0 ? "an empty file" : hex(prefix.subarray(0, 4)),
      hint: isGzip(prefix)
        ? "the file is compressed twice; decompress it once"
        : "MNIST's files start with 00 00 08 03 (images) and 00 00 08 01 (labels)",
    });
  }
  const headerBytes = headerBytesOf(prefix);
  if (prefix.length < headerBytes) {
    throw truncated(source, `a header of ${headerBytes} bytes`, prefix.length);
  }
  const view = new DataView(prefix.buffer, prefix.byteOffset, prefix.byteLength);
  const dims = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  const empty = dims.indexOf(0);
  if (empty >= 0) {
    throw new DataError({
      source,
      where: { offset: 4 + 4 * empty },
      expected: "positive sizes",
      got: `[${dims}]`,
      hint: "the file holds no data; fetch or write it again",
    });
  }
  const [type, size] = typeAndSize;
  const dataBytes = product(dims) * size;
  if (!Number.isSafeInteger(dataBytes) || dataBytes > maxBytes) {
    throw new DataError({
      source,
      where: { offset: 4 },
      expected: `at most ${maxBytes} bytes of data`,
      got: `sizes [${dims}], which make ${dataBytes}`,
      hint: "the header is damaged, or raise maxBytes",
    });
  }
  return { type, dims, headerBytes, dataBytes };
}

/** Header and data of a plain file. */
function separate(
  source: string,
  bytes: Uint8Array,
  { maxBytes }: GunzipLimits,
): { header: Header; data: Uint8Array } {
  const header = readHeader(source, bytes, maxBytes);
  const data = bytes.subarray(header.headerBytes);
  if (data.length < header.dataBytes) throw truncated(source, describe(header), data.length);
  if (data.length > header.dataBytes) throw overlong(source, header, `${data.length}`);
  return { header, data };
}

/** Header and data of a gzipped file. */
function inflate(
  source: string,
  bytes: Uint8Array,
  limits: GunzipLimits,
): { header: Header; data: Uint8Array } {
  const sink = new InflatedIdx(source, bytes.length, limits);
  // The sink stops at the declared size, which is within maxBytes; the header comes on top of it.
  const maxBytes = limits.maxBytes + 4 + 4 * MAX_RANK;
  gunzip(source, bytes, { ...limits, maxBytes }, (piece) => sink.accept(piece));
  return sink.finish();
}

/** Takes the pieces of an IDX file: reads the header from the first bytes, then puts the data where they stay. */
class InflatedIdx {
  readonly #source: string;
  readonly #compressed: number;
  readonly #limits: GunzipLimits;
  #prefix: Uint8Array = new Uint8Array(0);
  #body: { readonly header: Header; readonly data: Uint8Array } | undefined;
  #filled = 0;

  constructor(source: string, compressed: number, limits: GunzipLimits) {
    this.#source = source;
    this.#compressed = compressed;
    this.#limits = limits;
  }

  accept(piece: Uint8Array): void {
    if (this.#body !== undefined) {
      this.#append(this.#body, piece);
      return;
    }
    this.#prefix = concatenate(this.#prefix, piece);
    if (this.#prefix.length >= headerBytesOf(this.#prefix)) this.#begin();
  }

  finish(): { header: Header; data: Uint8Array } {
    const { header, data } = this.#body ?? this.#begin(); // throws when the file ends within the header
    if (this.#filled < data.length) throw truncated(this.#source, describe(header), this.#filled);
    return { header, data };
  }

  #begin(): { header: Header; data: Uint8Array } {
    const header = readHeader(this.#source, this.#prefix, this.#limits.maxBytes);
    const error = sizeError(this.#source, this.#compressed, header.dataBytes, this.#limits);
    if (error) throw error;
    const body = { header, data: allocate(this.#source, Uint8Array, header.dataBytes) };
    this.#body = body;
    this.#append(body, this.#prefix.subarray(header.headerBytes));
    return body;
  }

  #append({ header, data }: { header: Header; data: Uint8Array }, piece: Uint8Array): void {
    if (this.#filled + piece.length > data.length) throw overlong(this.#source, header, "more");
    data.set(piece, this.#filled);
    this.#filled += piece.length;
  }
}

function describe({ dims, type, dataBytes }: Header): string {
  return `${dataBytes} bytes of data for ${type} of [${dims}]`;
}

function truncated(source: string, expected: string, got: number): DataError {
  return new DataError({
    source,
    expected,
    got: `${got}`,
    hint: "the file is truncated; fetch it again",
  });
}

function overlong(source: string, header: Header, got: string): DataError {
  return new DataError({
    source,
    where: { offset: header.headerBytes + header.dataBytes },
    expected: describe(header),
    got,
    hint: "there are bytes after the end; the file is damaged or of another format",
  });
}

/** The numbers of big-endian bytes. Single bytes are a view, the rest a copy in the host's order. */
function decode(type: IdxType, bytes: Uint8Array): IdxData {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (type) {
    case "u8":
      return bytes;
    case "i8":
      return new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    case "i16":
      return Int16Array.from({ length: bytes.length / 2 }, (_, i) => view.getInt16(2 * i));
    case "i32":
      return Int32Array.from({ length: bytes.length / 4 }, (_, i) => view.getInt32(4 * i));
    case "f32":
      return Float32Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(4 * i));
    case "f64":
      return Float64Array.from({ length: bytes.length / 8 }, (_, i) => view.getFloat64(8 * i));
  }
}

function concatenate(a: Uint8Array, b: Uint8Array): Uint8Array {
  const all = new Uint8Array(a.length + b.length);
  all.set(a);
  all.set(b, a.length);
  return all;
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}
