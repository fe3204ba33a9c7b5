/** How the next steps are done: shared with the helpers that are there, or by the caller alone. */
export type Mode = "together" | "alone";

/** Milliseconds between two looks at what the other mode would take. */
const INTERVAL = 250;

/** The other mode must be faster by so much to be taken: clocks are rough, and going back and forth gains nothing. */
const WORTH = 1.05;

/**
 * Which mode a program's steps take less time in, on this machine as it is now: a core that other programs keep busy makes every
 * barrier wait for a time slice, so that two threads may be slower than one. The cost model of the plan knows nothing of that;
 * a clock does. It decides about time alone: the bits are the same.
 */
export class Pace {
  preferred: Mode = "together";
  readonly #perStep: Partial<Record<Mode, number>> = {};
  #due = Number.NaN;

  get other(): Mode {
    return this.preferred === "together" ? "alone" : "together";
  }

  /** How many of the next `steps` to do in the other mode, first, to see what it takes: 0 unless it is time to look again. */
  toTry(steps: number, now: number): number {
    if (Number.isNaN(this.#due)) this.#due = now + INTERVAL;
    return now < this.#due ? 0 : Math.max(1, Math.floor(steps / 16));
  }

  /** Notes what `steps` took, and prefers the faster mode once both are known. */
  note(mode: Mode, steps: number, milliseconds: number, now: number): void {
    if (steps === 0) return;
    this.#perStep[mode] = milliseconds / steps;
    if (mode === this.preferred) return;
    this.#due = now + INTERVAL;
    const { [mode]: tried, [this.preferred]: known } = this.#perStep;
    if (tried !== undefined && known !== undefined && tried * WORTH < known) this.preferred = mode;
  }
}
