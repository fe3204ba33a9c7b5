import type { Arena, Ptr } from "./arena.ts";
import type { Instance } from "./instantiate.ts";
import type { Mode } from "./pace.ts";
import { Pace } from "./pace.ts";
import { pool } from "./pool.ts";
import type { Kernels, TeamKernels } from "./wasm/kernels.ts";
import type { Helper } from "./workers.ts";
import { availableCores } from "./workers.ts";

/** Instructions in memory, compiled for any number of threads up to `width`. */
export interface Program {
  readonly at: Ptr;
  readonly end: Ptr;
  /** Most threads that an instruction of it uses; with 1 nobody is woken. */
  readonly width: number;
  /** Bytes of workspace of each thread. */
  readonly workspace: number;
}

/** A thread did not come back. What it was at, for those who can name the instructions. */
export class LostThread extends Error {
  override readonly name = "LostThread";
  /** Where the others waited for it: the address of an instruction, or the end of the program. */
  readonly waitedAt: number;
  /** Where it was seen last. */
  readonly seenAt: number;
  readonly thread: number;
  readonly threads: number;

  constructor(what: Pick<LostThread, "thread" | "threads" | "waitedAt" | "seenAt">) {
    super(`thread ${what.thread} of ${what.threads} did not come back`);
    this.thread = what.thread;
    this.threads = what.threads;
    this.waitedAt = what.waitedAt;
    this.seenAt = what.seenAt;
  }
}

/** Milliseconds that threads wait for each other: far above any time slice, far below what a person waits. */
const PATIENCE = 10_000;

/** Looks before sleeping, some tens of microseconds: waking a thread costs as much. */
const SPINS = 20_000;

/** With more threads than cores, spinning only keeps another from working. */
const SPINS_CROWDED = 50;

/** Milliseconds a helper stays for the next order. */
const IDLE = 10;

/** Looks at a helper that is on its way out of the last run. */
const LEAVING = 2000;

export interface TeamOptions {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly arena: Arena;
  readonly instance: Instance;
  /** This thread and its helpers. */
  readonly count: number;
}

/**
 * The threads of one network: the caller and helpers of the pool, which meet in a block of the network's memory.
 *
 * A run goes with the helpers that are there, and those that are not are sent for: nobody waits for a worker that is starting, or
 * that works for another network. The bits do not depend on how many came.
 */
export class Team {
  /** Most threads of a run. A lost one is not replaced. */
  count: number;
  /** Milliseconds before a thread that does not come is given up; tests shorten it. */
  patience: number = PATIENCE;
  readonly #options: TeamOptions;
  readonly #kernels: TeamKernels;
  readonly #field: Readonly<Record<string, number>>;
  readonly #slot: Readonly<Record<string, number>>;
  readonly #duty: Readonly<Record<string, number>>;
  readonly #invited: (Helper | undefined)[] = [];
  readonly #paces = new Map<Ptr, Pace>();
  readonly #id = pool.nextId();
  #block: Ptr;
  #cached: Int32Array | undefined;

  constructor(options: TeamOptions) {
    this.#options = options;
    this.#kernels = options.instance.kernels as Kernels as TeamKernels;
    const { Team = {}, Slot = {}, Duty = {} } = options.instance.enums;
    this.#field = Team;
    this.#slot = Slot;
    this.#duty = Duty;
    this.count = options.count;
    this.#block = this.#found();
    this.gather();
  }

  /** Members that are here and wait for an order. */
  get present(): number {
    const members = Array.from({ length: this.count - 1 }, (_, i) => i + 1);
    const { ready } = this.#duty;
    return members.filter((m) => this.#isAlive(m) && this.#dutyOf(m) === ready).length;
  }

  /** Sends for the members that are away. */
  gather(): void {
    for (let member = 1; member < this.count; member++) this.#invite(member);
  }

  /** For tests: the member's helper ends without a word, as one that crashes does. */
  abandon(member: number): void {
    this.#invited[member]?.terminate();
  }

  /**
   * Runs a program with up to its width of threads, or alone while that is faster. Throws a `LostThread` when one does not come
   * back; the team goes on with fewer.
   */
  run(program: Program, state: Ptr, steps: number): number {
    const words = this.#words(); // of this block, should a loss found another
    const busy = this.#field.busy! >> 2;
    Atomics.store(words, busy, 1);
    try {
      if (program.width === 1) return this.#runAlone(program, state, steps);
      const pace = this.#paceOf(program);
      const trial = Math.min(steps, pace.toTry(steps, performance.now()));
      const tried = trial === 0 ? 0 : this.#timed(pace, pace.other, program, state, trial);
      if (tried < trial || tried === steps) return tried;
      return tried + this.#timed(pace, pace.preferred, program, state, steps - tried);
    } finally {
      Atomics.store(words, busy, 0);
    }
  }

  #paceOf({ at }: Program): Pace {
    const pace = this.#paces.get(at) ?? new Pace();
    this.#paces.set(at, pace);
    return pace;
  }

  #timed(pace: Pace, mode: Mode, program: Program, state: Ptr, steps: number): number {
    const members = mode === "together" ? this.#claim(program.width - 1) : [];
    const isAlone = members.length === 0;
    const start = performance.now();
    const done = isAlone
      ? this.#runAlone(program, state, steps)
      : this.#runWith(members, program, state, steps);
    const now = performance.now();
    pace.note(isAlone ? "alone" : "together", done, now - start, now);
    return done;
  }

  #runAlone({ at, end }: Program, state: Ptr, steps: number): number {
    return this.#kernels.run(at, end, state, steps, 0, 1);
  }

  #runWith(members: readonly number[], program: Program, state: Ptr, steps: number): number {
    const { at, end, workspace } = program;
    const threads = members.length + 1;
    const spins = threads <= availableCores() ? SPINS : SPINS_CROWDED;
    const order = { plan: at, end, state, steps, threads, workspace, spins };
    for (const [name, value] of Object.entries(order)) this.#set(name, value);
    this.#set("patience", this.patience);
    members.forEach((member, i) => {
      const duty = this.#indexOf(member, "duty");
      this.#words()[this.#indexOf(i + 1, "at")] = 0;
      this.#words()[this.#indexOf(i + 1, "turn")] = -1;
      Atomics.store(this.#words(), duty, this.#duty.go! + i + 1);
      Atomics.notify(this.#words(), duty);
    });
    let done: number;
    try {
      done = this.#kernels.runTeam(this.#block, 0);
    } catch (error) {
      this.#kernels.lose(this.#block);
      this.#block = this.#found();
      throw error;
    }
    if (done < 0) throw this.#lost(members);
    return done;
  }

  /** Counts on up to `most` members that are ready, and sends for those that are away. */
  #claim(most: number): number[] {
    const members: number[] = [];
    const { ready, claimed } = this.#duty;
    for (let member = 1; member < this.count && members.length < most; member++) {
      this.#await(member);
      const duty = this.#indexOf(member, "duty");
      const isAlive = this.#isAlive(member);
      if (isAlive && Atomics.compareExchange(this.#words(), duty, ready!, claimed!) === ready) {
        members.push(member);
      } else {
        this.#invite(member);
      }
    }
    return members;
  }

  /** Whether its helper is there still: one that has ended may have left its slot as it was. */
  #isAlive(member: number): boolean {
    return pool.isAlive(this.#invited[member]);
  }

  /** A member may be some instructions away from being ready again. */
  #await(member: number): void {
    for (let left = LEAVING; left > 0 && this.#dutyOf(member) >= this.#duty.go!; left--);
  }

  #invite(member: number): void {
    const helper = pool.helper(member);
    const isExpected = this.#invited[member] === helper && this.#dutyOf(member) !== this.#duty.away;
    if (helper === undefined || isExpected) return;
    const { module, memory } = this.#options;
    this.#invited[member] = helper;
    Atomics.store(this.#words(), this.#indexOf(member, "duty"), this.#duty.invited!);
    helper.invite({ id: this.#id, module, memory, team: this.#block, member, idle: IDLE });
  }

  /** What to say of the thread that did not come to the barrier; it is ended, and the others begin anew. */
  #lost(members: readonly number[]): LostThread {
    const threads = members.length + 1;
    const seen = Array.from({ length: threads }, (_, thread) => ({
      thread,
      at: this.#words()[this.#indexOf(thread, "at")]! >>> 0,
      turn: this.#words()[this.#indexOf(thread, "turn")]!,
    }));
    const furthest = seen.reduce((a, b) => (b.turn > a.turn ? b : a));
    const missing = seen.filter(({ thread, turn }) => thread > 0 && turn < furthest.turn);
    for (const { thread } of missing) {
      const helper = this.#invited[members[thread - 1]!];
      if (helper !== undefined) pool.discard(helper);
    }
    // One that failed before any other waited for it is behind nobody.
    const { thread, at } = missing[0] ?? seen[threads - 1]!;
    const lost = new LostThread({ thread, threads, waitedAt: furthest.at, seenAt: at });
    this.count -= Math.max(1, missing.length);
    this.#block = this.#found();
    return lost;
  }

  /** A new team block, in which nobody is present yet. */
  #found(): Ptr {
    this.#invited.length = 0;
    return this.#options.arena.allocate(this.#bytes, "the team of threads");
  }

  get #bytes(): number {
    return this.#field.slots! + this.count * this.#slot.size!;
  }

  #dutyOf(member: number): number {
    return Atomics.load(this.#words(), this.#indexOf(member, "duty"));
  }

  #indexOf(member: number, field: "duty" | "at" | "turn"): number {
    return (this.#field.slots! + member * this.#slot.size! + this.#slot[field]!) >> 2;
  }

  #set(field: string, value: number): void {
    this.#words()[this.#field[field]! >> 2] = value;
  }

  #words(): Int32Array {
    const { arena, memory } = this.#options;
    if (this.#cached?.byteOffset !== this.#block || this.#cached.buffer !== memory.buffer) {
      this.#cached = arena.i32(this.#block, this.#bytes >> 2);
    }
    return this.#cached;
  }
}
