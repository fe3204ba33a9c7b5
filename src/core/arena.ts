/** The address of a block in the core's memory, in bytes; a size cannot be passed for one. */
export type Ptr = number & { readonly __ptr: unique symbol };

/** Blocks start and end on 64 bytes: a cache line, and more than any SIMD width. */
export const ALIGNMENT = 64;

/** Bytes of a page of WebAssembly memory. */
export const PAGE = 65_536;

/** V8 reports size 0 in 32 bits for a memory of 65,536 pages, so the last page is never asked for. */
export const MAX_BYTES: number = 65_535 * PAGE;

/** A weight above this makes the engine collect at once anyway. */
const MOST_WEIGHT = 2 ** 28;

/** The memory cannot hold what was asked for. Nothing was allocated, and what there was is untouched. */
export class OutOfMemoryError extends RangeError {
  override readonly name = "OutOfMemoryError";
}

/**
 * A bump allocator over one `WebAssembly.Memory`, upward from `base`. Nothing is ever freed: a network sizes everything up
 * front, and its memory goes with it.
 *
 * Growing detaches every typed array made before, so views are made when needed and not kept across `allocate`.
 */
export class Arena {
  readonly memory: WebAssembly.Memory;
  readonly limit: number;
  /** What the memory holds, always as it is now; for those who outlive the arena. */
  readonly extent: { bytes: number };
  /** @internal What stands for a shared memory with the engine's collector, which does not count it. */
  weight: ArrayBuffer | undefined;
  #top: number;

  constructor(memory: WebAssembly.Memory, base: number, limit: number = MAX_BYTES) {
    this.memory = memory;
    this.limit = Math.min(limit, MAX_BYTES);
    this.extent = { bytes: memory.buffer.byteLength };
    this.#top = alignUp(base);
  }

  /** Bytes in use, constant tables included. */
  get used(): number {
    return this.#top;
  }

  /** `bytes` zeroed bytes on a 64-byte boundary. Throws `OutOfMemoryError` and leaves all as it was when they do not fit. */
  allocate(bytes: number, what = "a block"): Ptr {
    if (!Number.isSafeInteger(bytes) || bytes < 0) {
      throw new RangeError(
        `Arena.allocate: bytes must be a whole number, got ${bytes} for ${what}`,
      );
    }
    const at = this.#top;
    const top = at + alignUp(bytes);
    this.require(bytes, what);
    this.#reserve(top);
    this.#top = top;
    return at as Ptr;
  }

  /** Whether `bytes` more would fit under the limit. */
  fits(bytes: number): boolean {
    return this.#top + alignUp(bytes) <= this.limit;
  }

  /** Throws as `allocate` would if `bytes` more did not fit; allocates nothing. */
  require(bytes: number, what: string): void {
    if (this.fits(bytes)) return;
    throw new OutOfMemoryError(
      `Arena.allocate: ${what} needs ${megabytes(bytes)}, but ${megabytes(this.#top)} of at most ` +
        `${megabytes(this.limit)} are in use; make the network, the batch or the data set smaller`,
    );
  }

  /** `count` floats at `at`, live until the next `allocate`. */
  f32(at: Ptr, count: number): Float32Array<ArrayBuffer> {
    return new Float32Array(this.memory.buffer as ArrayBuffer, at, count);
  }

  i32(at: Ptr, count: number): Int32Array<ArrayBuffer> {
    return new Int32Array(this.memory.buffer as ArrayBuffer, at, count);
  }

  f64(at: Ptr, count: number): Float64Array<ArrayBuffer> {
    return new Float64Array(this.memory.buffer as ArrayBuffer, at, count);
  }

  /**
   * V8 does not count shared memory when it decides whether to collect, so that garbage would pile up for as long as the heap is small.
   * A buffer as large, which nobody touches and which costs no memory therefore, is counted, and goes when the arena goes.
   */
  #weigh(bytes: number): void {
    if (typeof SharedArrayBuffer === "undefined") return;
    if (!((this.memory.buffer as ArrayBufferLike) instanceof SharedArrayBuffer)) return;
    this.weight = new ArrayBuffer(Math.min(bytes, MOST_WEIGHT));
  }

  #reserve(top: number): void {
    const missing = Math.ceil((top - this.memory.buffer.byteLength) / PAGE);
    if (missing <= 0) return;
    try {
      this.#weigh(this.extent.bytes + missing * PAGE);
      this.memory.grow(missing);
      this.extent.bytes += missing * PAGE;
    } catch (cause) {
      throw new OutOfMemoryError(
        `Arena.allocate: the engine could not grow the memory from ` +
          `${megabytes(this.memory.buffer.byteLength)} to ${megabytes(top)}`,
        { cause },
      );
    }
  }
}

/** The least multiple of the alignment that is at least `bytes`. */
export function alignUp(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

function megabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
