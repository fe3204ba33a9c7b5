import type { Arena } from "./arena.ts";
import type { Helper, HelperEvents } from "./workers.ts";
import { startHelper } from "./workers.ts";

/** Starts in a row that may fail: a machine may be out of memory or of processes for a moment. */
const ATTEMPTS = 3;

/** Bytes of networks that are gone and that helpers may still hold; above it they are replaced. */
const MOST_FORGOTTEN = 2 ** 27;

/**
 * Helpers that networks share: member m of every team is helper m - 1. Each is started when it is first asked for; one that has ended
 * is replaced when it is asked for again, unless several in a row ended before their script ran: then there will be none.
 *
 * A helper's isolate has so little to do for the collector that it may never run, and with it stay the memories it has served. So the
 * pool counts the memories that are gone here, and has the helpers replaced once these make up too much.
 */
export class Pool {
  readonly #helpers: (Helper | undefined)[] = [];
  readonly #leaving = new Set<Helper>();
  readonly #gone = new FinalizationRegistry<{ readonly bytes: number }>(({ bytes }) =>
    this.#forget(bytes),
  );
  readonly #startHelper: (events: HelperEvents) => Helper;
  #forgotten = 0;
  #failure: string | undefined;
  #failures = 0;
  #ids = 0;

  constructor(start: (events: HelperEvents) => Helper = startHelper) {
    this.#startHelper = start;
  }

  /** Why no helper can be had, once that is known. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** The helper of a member; undefined while there is none: it could not be started, or is on its way out. */
  helper(member: number): Helper | undefined {
    const at = member - 1;
    if (this.#helpers[at] === undefined && this.#failure === undefined) {
      try {
        this.#helpers[at] = this.#start(at);
      } catch (error) {
        this.#fail((error as Error).message);
      }
    }
    const helper = this.#helpers[at];
    return helper === undefined || this.#leaving.has(helper) ? undefined : helper;
  }

  /** Whether a helper can be counted on. */
  isAlive(helper: Helper | undefined): boolean {
    return helper !== undefined && this.#helpers.includes(helper) && !this.#leaving.has(helper);
  }

  /** Watches a memory that helpers are going to be given, by its arena: engines keep the memory object itself for longer. */
  watch(arena: Arena): void {
    this.#gone.register(arena, arena.extent);
  }

  /** A number for a team, by which helpers know its memory again. */
  nextId(): number {
    return ++this.#ids;
  }

  /** Ends a helper that does not answer. */
  discard(helper: Helper): void {
    const at = this.#helpers.indexOf(helper);
    if (at >= 0) this.#helpers[at] = undefined;
    helper.terminate();
  }

  #start(at: number): Helper {
    let isUp = false;
    const helper = this.#startHelper({
      onUp: () => {
        isUp = true;
        this.#failures = 0;
      },
      onEnd: (why) => {
        this.#leaving.delete(helper);
        if (this.#helpers[at] !== helper) return;
        this.#helpers[at] = undefined;
        if (!isUp) this.#fail(why);
      },
    });
    return helper;
  }

  #fail(why: string): void {
    if (++this.#failures >= ATTEMPTS) this.#failure = `a worker could not be started: ${why}`;
  }

  /**
   * Ends the helpers. None is in a run, since a run keeps this thread and this is told of between two; nor are there others in their
   * place before they have ended: what one on its way out still writes into its slot is not taken for a newcomer's word.
   */
  #forget(bytes: number): void {
    this.#forgotten += bytes;
    if (this.#forgotten < MOST_FORGOTTEN) return;
    this.#forgotten = 0;
    for (const helper of this.#helpers) {
      if (helper === undefined || this.#leaving.has(helper)) continue;
      this.#leaving.add(helper);
      helper.terminate();
    }
  }
}

/** The one of this process: workers cost milliseconds to start and memory to keep. */
export const pool: Pool = new Pool();
