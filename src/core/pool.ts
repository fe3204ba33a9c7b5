import type { Helper } from "./workers.ts";
import { startHelper } from "./workers.ts";

/**
 * Helpers that networks share: member m of every team is helper m - 1. Each is started when it is first asked for; one that has ended
 * is replaced when it is asked for again, unless it ended before its script ran: then there will be none.
 */
export class Pool {
  readonly #helpers: (Helper | undefined)[] = [];
  #failure: string | undefined;
  #ids = 0;

  /** Why no helper can be had, once that is known. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** The helper of a member; undefined when there can be none. */
  helper(member: number): Helper | undefined {
    const at = member - 1;
    if (this.#helpers[at] === undefined && this.#failure === undefined) {
      try {
        this.#helpers[at] = this.#start(at);
      } catch (error) {
        this.#failure = `a worker could not be started: ${(error as Error).message}`;
      }
    }
    return this.#helpers[at];
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
    const helper = startHelper({
      onUp: () => {
        isUp = true;
      },
      onEnd: (why) => {
        if (this.#helpers[at] !== helper) return;
        this.#helpers[at] = undefined;
        if (!isUp) this.#failure = `a worker could not be started: ${why}`;
      },
    });
    return helper;
  }
}

/** The one of this process: workers cost milliseconds to start and memory to keep. */
export const pool: Pool = new Pool();
