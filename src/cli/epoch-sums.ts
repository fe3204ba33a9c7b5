/** Rows seen, and over them the sums of losses and of hits. */
export type EpochState = readonly [number, number, number];

/** Means over the rows of an epoch, from the means of its batches; the last batch may be smaller. */
export class EpochSums {
  readonly #rows: number;
  readonly #batch: number;
  #seen = 0;
  #loss = 0;
  #hits = 0;

  /** An epoch has `rows` rows, in batches of `batch`; `from` is the `state` of sums to go on with. */
  constructor(rows: number, batch: number, from: EpochState = [0, 0, 0]) {
    this.#rows = rows;
    this.#batch = batch;
    [this.#seen, this.#loss, this.#hits] = from;
  }

  get state(): EpochState {
    return [this.#seen, this.#loss, this.#hits];
  }

  /** Rows since the last `take`. */
  get rows(): number {
    return this.#seen;
  }

  add(loss: number, accuracy: number): void {
    const rows = Math.min(this.#batch, this.#rows - this.#seen);
    this.#loss += loss * rows;
    this.#hits += accuracy * rows;
    this.#seen += rows;
  }

  take(): { readonly loss: number; readonly accuracy: number } {
    const means = { loss: this.#loss / this.#seen, accuracy: this.#hits / this.#seen };
    this.#seen = 0;
    this.#loss = 0;
    this.#hits = 0;
    return means;
  }
}
