import type { JsonFault } from "./strict-json.ts";

/**
 * The format (https://github.com/huggingface/safetensors#format): `n` as u64, `n` bytes of JSON, then the data; all of it
 * little-endian, tensors row-major.
 *
 * `{"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [begin, end]}, …, "__metadata__": {"key": "text", …}}`
 *
 * Offsets count bytes of the data, which the tensors cover without hole or overlap. The reader refuses what the reference reader
 * refuses, and also duplicate and unknown keys, keys that JavaScript gives a meaning, NUL characters, and headers that cost
 * more than they can be worth.
 */
export interface Safetensors {
  /** In the order of the header. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly metadata: ReadonlyMap<string, string>;
}

export interface StoredTensor {
  readonly dtype: Dtype;
  /** Row-major; `[]` is a scalar, and a size of 0 is allowed. */
  readonly shape: readonly number[];
  /** A view of the file's bytes, little-endian and not aligned. */
  readonly bytes: Uint8Array;
}

export interface FloatTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

export type Dtype = keyof typeof BITS;

/** One for each class of files that is refused. */
export type SafetensorsCode =
  | JsonFault
  | "file-too-short"
  | "header-too-large"
  | "header-truncated"
  | "header-start"
  | "utf8"
  | "null-character"
  | "nesting"
  | "metadata"
  | "too-many-metadata"
  | "too-many-tensors"
  | "entry"
  | "missing-field"
  | "extra-field"
  | "dtype"
  | "shape"
  | "rank"
  | "overflow"
  | "offsets"
  | "offsets-reversed"
  | "out-of-range"
  | "size-mismatch"
  | "partial-byte"
  | "overlap"
  | "empty-inside"
  | "hole"
  | "trailing-bytes";

/** A file that is not what it should be. The message is `where: expected …, got …`. */
export class SafetensorsError extends Error {
  override readonly name = "SafetensorsError";
  readonly code: SafetensorsCode;
  /** The file and the place in it: `model.safetensors: tensor "a".shape[0]`. */
  readonly where: string;

  constructor(code: SafetensorsCode, where: string, expected: string, got: string) {
    super(`${where}: expected ${expected}, got ${got}`);
    this.code = code;
    this.where = where;
  }
}

/** `bits * product(shape) / 8`, a fraction if elements share bytes; NaN if a product on the way is not exact in a double. */
export function byteLength(dtype: Dtype, shape: readonly number[]): number {
  let bits: number = BITS[dtype];
  for (const size of shape) {
    bits *= size;
    if (!Number.isSafeInteger(bits)) return Number.NaN;
  }
  return bits / 8;
}

/** Bits of an element: the reference's list. */
export const BITS = {
  F64: 64,
  F32: 32,
  F16: 16,
  BF16: 16,
  I64: 64,
  I32: 32,
  I16: 16,
  I8: 8,
  U64: 64,
  U32: 32,
  U16: 16,
  U8: 8,
  BOOL: 8,
  C64: 64,
  F8_E5M2: 8,
  F8_E4M3: 8,
  F8_E8M0: 8,
  F8_E4M3FNUZ: 8,
  F8_E5M2FNUZ: 8,
  F6_E2M3: 6,
  F6_E3M2: 6,
  F4: 4,
} as const;

/** The one key of a header that is not a tensor. */
export const METADATA = "__metadata__";
/** What the length of the header takes. */
export const LENGTH_BYTES = 8;
/** The reference's cap. */
export const MAX_HEADER = 100_000_000;
/** Ours: a header of many empty tensors or short texts costs far more to hold than to send. */
export const MAX_TENSORS = 100_000;
export const MAX_METADATA = 100_000;
/** What NumPy and PyTorch can hold. */
export const MAX_RANK = 64;
