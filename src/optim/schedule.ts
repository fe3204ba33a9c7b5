/**
 * How the learning rate changes with the step t: `base * warmup(t) * shape(t)`, computed in the core, so that it too has the
 * same bits everywhere. Linear warm-up: `(t + 1) / warmup` for t < warmup; the shape's clock starts after it.
 */
export interface Schedule {
  /** `constant`: 1. `step`: factor^floor(t / length). `cosine`: from 1 to factor over length steps, then factor. */
  readonly kind: "constant" | "step" | "cosine";
  /** Steps of linear warm-up. */
  readonly warmup: number;
  readonly length: number;
  readonly factor: number;
}

export interface WarmupOption {
  /** Steps of linear warm-up before the schedule proper. Default 0. */
  readonly warmup?: number;
}

/** The base rate, after an optional linear warm-up. */
export function constantRate({ warmup = 0 }: WarmupOption = {}): Schedule {
  return check({ kind: "constant", warmup, length: 1, factor: 1 });
}

/** Times `factor` (default 0.1) every `every` steps. */
export function stepDecay(
  every: number,
  options: WarmupOption & { factor?: number } = {},
): Schedule {
  const { warmup = 0, factor = 0.1 } = options;
  return check({ kind: "step", warmup, length: every, factor });
}

/** `floor + (1 - floor) (1 + cos(pi t / steps)) / 2` (Loshchilov & Hutter 2017, eq. (5)) */
export function cosineDecay(
  steps: number,
  options: WarmupOption & { floor?: number } = {},
): Schedule {
  const { warmup = 0, floor = 0 } = options;
  return check({ kind: "cosine", warmup, length: steps, factor: floor });
}

/** The schedule that plain data describe. Throws a `TypeError` or `RangeError` where they describe none. */
export function scheduleFromConfig(config: unknown): Schedule {
  const { kind, warmup, length, factor } = (config ?? {}) as Partial<Schedule>;
  if (kind !== "constant" && kind !== "step" && kind !== "cosine") {
    throw new TypeError(
      `schedule: expected constant, step or cosine, got ${JSON.stringify(config)}`,
    );
  }
  return check({ kind, warmup: Number(warmup), length: Number(length), factor: Number(factor) });
}

function check(schedule: Schedule): Schedule {
  const { kind, warmup, length, factor } = schedule;
  if (!Number.isSafeInteger(warmup) || warmup < 0 || warmup > 2 ** 31 - 1) {
    throw new RangeError(`schedule: warmup must be a whole number of steps, got ${warmup}`);
  }
  if (!Number.isSafeInteger(length) || length < 1 || length > 2 ** 31 - 1) {
    throw new RangeError(
      `schedule ${kind}: steps must be a whole number of at least 1, got ${length}`,
    );
  }
  if (!(factor >= 0 && factor <= 1)) {
    throw new RangeError(`schedule ${kind}: factor must be between 0 and 1, got ${factor}`);
  }
  return schedule;
}
