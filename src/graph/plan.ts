import type { Arena, Ptr } from "../core/arena.ts";
import { alignUp } from "../core/arena.ts";
import type { Core } from "../core/core.ts";
import type { Program } from "../core/team.ts";
import { barriersBefore } from "./barriers.ts";
import type { Buffer, Operand } from "./buffer.ts";
import { widthOf } from "./cost.ts";
import { effectsOf } from "./effects.ts";
import { place } from "./planner.ts";
import type { Instruction, Tape, Traced } from "./tape.ts";

/** A compiled list of instructions in the core's memory. */
export interface Plan extends Program {
  /** Bytes of activations, gradients and scratch, after sharing. */
  readonly bytes: number;
  /** The sum of their sizes, without sharing. */
  readonly bytesUnshared: number;
  readonly instructions: number;
  /** The instructions as they were recorded, in the order of the words at `at`. */
  readonly listing: readonly Instruction[];
  /** Barriers of one step, the one at its end included; 0 when one thread does it all. */
  readonly barriers: number;
  readonly traced: readonly Traced[];
}

/**
 * Memory that plans use one after the other, never at the same time. A plan that needs more than there is gets new memory, which
 * later plans share.
 */
export class SharedRegion {
  readonly #arena: Arena;
  #at: Ptr | undefined;
  #bytes = 0;

  constructor(arena: Arena) {
    this.#arena = arena;
  }

  /** At least `bytes` bytes; their content is whatever the last plan left. */
  request(bytes: number): Ptr {
    if (this.#at === undefined || bytes > this.#bytes) {
      // What is outgrown is lost: doubling bounds the loss by what is in use.
      const generous = Math.max(bytes, this.#at === undefined ? 0 : 2 * this.#bytes);
      this.#bytes = this.#arena.fits(generous) ? generous : bytes;
      this.#at = this.#arena.allocate(this.#bytes, "activations");
    }
    return this.#at;
  }
}

/** Gives every buffer of a tape its address and writes the instructions as words into memory. */
export function compile(core: Core, tape: Tape, region: SharedRegion): Plan {
  const end = tape.instructions.length;
  const live = tape.buffers.filter((buffer) => buffer.last >= 0);
  const placement = place(
    live.map(({ bytes, first, last }) => ({ bytes, first, last: tape.keep ? end : last })),
  );
  const threads = core.team?.count ?? 1;
  const scratch = tape.workspaceBlock;
  const workspace = alignUp(scratch?.bytes ?? 0);
  const bytes = placement.bytes + threads * workspace;
  const base = region.request(bytes);
  live.forEach((buffer, i) => {
    buffer.at = (base + placement.offsets[i]!) as Ptr;
  });
  if (scratch) scratch.buffer.at = (base + placement.bytes) as Ptr;

  const { words, width, barriers } = encode(core, tape.instructions, threads);
  const at = core.arena.allocate(words.length * 4, "a plan");
  core.arena.i32(at, words.length).set(words);
  return {
    at,
    end: (at + words.length * 4) as Ptr,
    width,
    workspace,
    bytes,
    bytesUnshared: live.reduce((sum, buffer) => sum + buffer.bytes, threads * workspace),
    instructions: tape.instructions.length,
    listing: tape.instructions,
    barriers,
    traced: tape.traced,
  };
}

/** The words of the program: headers say how many threads take part, and where they wait for each other. */
function encode(core: Core, instructions: readonly Instruction[], threads: number) {
  const rows = instructions.map(({ op, operands }) => ({ op, operands: operands.map(wordOf) }));
  const steps = rows.map(({ op, operands }) => {
    const effects = effectsOf(op, operands, core.enums.State ?? {});
    return { effects, width: widthOf(effects, threads) };
  });
  const waits = barriersBefore(steps);
  const words = rows.flatMap(({ op, operands }, i) => {
    const opcode = core.enums.Op?.[op];
    if (opcode === undefined) throw new Error(`Plan: the core has no instruction "${op}"`);
    return [opcode, header(operands.length + 2, steps[i]!.width, waits[i]!), ...operands];
  });
  const width = Math.max(1, ...steps.map((step) => step.width));
  const barriers = width === 1 ? 0 : waits.filter(Boolean).length + 1;
  return { words: Int32Array.from(words), width, barriers };
}

/** An instruction's second word: see `Header` in assembly/run.ts. */
function header(words: number, width: number, waits: boolean): number {
  return words | (width << 16) | (waits ? 1 << 24 : 0);
}

const bits = new DataView(new ArrayBuffer(4));

function wordOf(operand: Operand): number {
  if (typeof operand === "number") {
    if (operand !== (operand | 0)) throw new RangeError(`Plan: operand ${operand} is no i32`);
    return operand;
  }
  if ("f32" in operand) {
    bits.setFloat32(0, operand.f32);
    return bits.getInt32(0);
  }
  return addressOf(operand.buffer) + operand.offset;
}

function addressOf(buffer: Buffer): number {
  if (buffer.at === undefined) throw new Error(`Plan: ${buffer.name} has no address`);
  return buffer.at;
}
