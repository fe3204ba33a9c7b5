import { SingleBar } from "cli-progress";
import type { Output } from "./output.ts";
import { sparkline } from "./plot.ts";
import { formatDuration, visibleLength } from "./text.ts";

/** A piece of a progress line. Those with the highest `rank` go first when the line is too long. */
export interface Piece {
  readonly text: string;
  readonly rank: number;
}

/** As many pieces as `width` holds, in the order given. */
export function fitPieces(pieces: readonly Piece[], width: number): string {
  let kept = pieces.filter(({ text }) => text !== "");
  const joined = () => kept.map(({ text }) => text).join("  ");
  while (kept.length > 1 && visibleLength(joined()) > width) {
    const least = kept.reduce((a, b) => (b.rank >= a.rank ? b : a));
    kept = kept.filter((piece) => piece !== least);
  }
  return joined();
}

/** Seconds left, from the work done so far: `Infinity` before there is any. */
export function secondsLeft(done: number, total: number, elapsed: number): number {
  return done > 0 ? ((total - done) / done) * elapsed : Number.POSITIVE_INFINITY;
}

/** A loss curve of any length in few numbers: when it is full, neighbours are merged. */
export class Curve {
  readonly #capacity: number;
  #stride = 1;
  #means: number[] = [];
  #sum = 0;
  #count = 0;

  /** `capacity`: an even number of points. */
  constructor(capacity = 128) {
    this.#capacity = capacity;
  }

  add(value: number): void {
    this.#sum += value;
    if (++this.#count < this.#stride) return;
    this.#means.push(this.#sum / this.#count);
    this.#sum = 0;
    this.#count = 0;
    if (this.#means.length < this.#capacity) return;
    this.#means = Array.from(
      { length: this.#capacity / 2 },
      (_, i) => (this.#means[2 * i]! + this.#means[2 * i + 1]!) / 2,
    );
    this.#stride *= 2;
  }

  spark(width: number): string {
    return sparkline(this.#means, width);
  }
}

/** Time between two lines where there is no terminal to redraw one on. */
const LINE_SECONDS = 5;

/**
 * One line that is redrawn on a terminal; elsewhere a line every few seconds. With `quiet`, nothing.
 *
 * Only stderr is written to, so results stay apart.
 */
export class Progress {
  readonly #output: Output;
  readonly #bar: SingleBar | undefined;
  readonly #started: number = performance.now();
  #isDrawn = false;
  #lastLine: number = performance.now();

  constructor(output: Output) {
    this.#output = output;
    const isTerminal = output.stderr.isTTY === true && process.env.TERM !== "dumb" && !output.quiet;
    if (!isTerminal) return;
    this.#bar = new SingleBar({
      format: (_options, _params, payload: { line?: () => string }) => payload.line?.() ?? "",
      stream: output.stderr,
      hideCursor: true,
      clearOnComplete: true,
      gracefulExit: false, // Ctrl-C is ours
      forceRedraw: true,
      emptyOnZero: true,
    });
  }

  /** Seconds since the work began. */
  get seconds(): number {
    return (performance.now() - this.#started) / 1000;
  }

  /** Where the work stands; `pieces` are asked for only when they are shown. `isMilestone` asks for a line if the last is over a second old. */
  update(pieces: (bar: (share: number) => string) => readonly Piece[], isMilestone = false): void {
    if (this.#bar !== undefined) {
      const width = Math.max(20, (this.#output.stderr.columns ?? 80) - 1);
      const line = () => fitPieces(pieces(this.#drawBar), width);
      if (this.#isDrawn) this.#bar.update(0, { line });
      else this.#bar.start(1, 0, { line });
      this.#isDrawn = true;
      return;
    }
    const now = performance.now();
    const age = (now - this.#lastLine) / 1000;
    if (age < (isMilestone ? 1 : LINE_SECONDS)) return;
    this.#lastLine = now;
    this.#output.note(
      fitPieces(
        pieces(() => ""),
        200,
      ),
    );
  }

  /** Takes the line away and shows the cursor again; the next `update` begins another. */
  stop(): void {
    if (this.#isDrawn) this.#bar?.stop();
    this.#isDrawn = false;
  }

  #drawBar = (share: number): string => {
    const { cyan, dim } = this.#output.errorColors;
    const width = 16;
    const full = Math.round(Math.min(1, Math.max(0, share)) * width);
    return cyan("━".repeat(full)) + dim("━".repeat(width - full));
  };
}

/** `ETA 12 s`, or nothing while it cannot be told. */
export function eta(done: number, total: number, elapsed: number): string {
  const left = secondsLeft(done, total, elapsed);
  return Number.isFinite(left) && done < total ? `ETA ${formatDuration(left)}` : "";
}
