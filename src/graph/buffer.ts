import type { Ptr } from "../core/arena.ts";

/**
 * A block of memory that instructions name before it has an address.
 *
 * Blocks of the network (parameters, state, staging) are born with one; those of a plan get theirs from the planner, which
 * needs to know the first and the last instruction that touch them.
 */
export class Buffer {
  readonly bytes: number;
  /** What the block holds, for errors and audits: `dense_3/output`. */
  readonly name: string;
  at: Ptr | undefined;
  first: number = Number.POSITIVE_INFINITY;
  last = -1;

  constructor(name: string, bytes: number, at?: Ptr) {
    this.name = name;
    this.bytes = bytes;
    this.at = at;
  }

  /** Instruction `index` reads or writes this block. */
  touch(index: number): void {
    this.first = Math.min(this.first, index);
    this.last = Math.max(this.last, index);
  }
}

/** A place inside a buffer. */
export interface Ref {
  readonly buffer: Buffer;
  /** Bytes from the buffer's start. */
  readonly offset: number;
}

/** An f32 operand of an instruction: plain numbers are i32. */
export interface Float {
  readonly f32: number;
}

export type Operand = number | Ref | Float;

/** The start of a buffer. */
export function ref(buffer: Buffer, offset = 0): Ref {
  return { buffer, offset };
}

export function float(value: number): Float {
  return { f32: value };
}
