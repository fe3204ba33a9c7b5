import type { Access, Effects } from "./effects.ts";

/** An instruction as the barriers see it: what it touches, undefined for anything, and how many threads take part. */
export interface Step {
  readonly effects: Effects | undefined;
  readonly width: number;
}

/**
 * Before which instructions the threads must wait for each other.
 *
 * An instruction may run while others are still in earlier ones, back to the last barrier, if no thread touches what another writes:
 * their ranges are apart, or every thread has the same part of the same range in both. What may stop the run has a barrier
 * behind it, where all threads look. A program ends with a barrier, so the first instruction needs none. When no instruction is
 * wider than one thread there is nobody to wait for.
 */
export function barriersBefore(steps: readonly Step[]): boolean[] {
  if (steps.every(({ width }) => width === 1)) return steps.map(() => false);
  let open: Step[] = [];
  return steps.map((step) => {
    const waits = open.some((earlier) => mustWait(earlier, step));
    if (waits) open = [];
    open.push(step);
    return waits;
  });
}

function mustWait(earlier: Step, later: Step): boolean {
  const [a, b] = [earlier.effects, later.effects];
  if (a === undefined || b === undefined || a.stops) return true;
  const meets = (xs: readonly Access[], ys: readonly Access[]) =>
    xs.some((x) => ys.some((y) => conflicts(x, earlier.width, y, later.width)));
  return meets(a.writes, b.writes) || meets(a.writes, b.reads) || meets(a.reads, b.writes);
}

function conflicts(x: Access, widthX: number, y: Access, widthY: number): boolean {
  if (x.base !== y.base || x.at >= y.at + y.bytes || y.at >= x.at + x.bytes) return false;
  const isFirstX = widthX === 1 || x.share.of === "first";
  const isFirstY = widthY === 1 || y.share.of === "first";
  if (isFirstX || isFirstY) return !(isFirstX && isFirstY);
  if (x.share.of === "every" || y.share.of === "every") return true;
  return widthX !== widthY || x.at !== y.at || !areEqual(x.share, y.share);
}

/** Shares are flat objects of numbers and words, written by one table in one order. */
function areEqual(a: object, b: object): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
