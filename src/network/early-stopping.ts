import { checkNames } from "../core/options.ts";
import type { Metrics, Tick } from "./fit.ts";
import type { Standing } from "./training-file.ts";

/** When to end a fit that gets no better: Prechelt 1998, "Early stopping - but when?", with a patience. */
export interface EarlyStopping {
  /** What of the validation data to watch. Default `loss`. */
  readonly monitor?: "loss" | "accuracy";
  /** Validations without improvement after which the fit ends. Default 5. */
  readonly patience?: number;
  /** An improvement is more than this. Default 0. */
  readonly minDelta?: number;
}

/** Before the first validation. */
export const NOTHING_YET: Standing = { best: null, epoch: 0, step: 0, waited: 0 };

/** Judges one validation after the other. Its state is `standing`, so that a resumed fit goes on judging. */
export class Stopper {
  readonly #sign: 1 | -1;
  readonly #monitor: "loss" | "accuracy";
  readonly #patience: number;
  readonly #minDelta: number;
  #standing: Standing;

  /** Without options nothing ends, but the best is known. */
  constructor(options: EarlyStopping | undefined, standing: Standing) {
    const { monitor = "loss", patience = 5, minDelta = 0 } = options ?? {};
    this.#monitor = monitor;
    this.#sign = monitor === "loss" ? -1 : 1;
    this.#patience = options === undefined ? Number.POSITIVE_INFINITY : patience;
    this.#minDelta = minDelta;
    this.#standing = standing;
  }

  get standing(): Standing {
    return this.#standing;
  }

  get isOver(): boolean {
    return this.#standing.waited >= this.#patience;
  }

  /** For a tick. */
  get best(): Pick<Tick, "best"> {
    const { best, epoch, step } = this.#standing;
    return best === null ? {} : { best: { value: best, epoch, step } };
  }

  /** True when this validation is the best so far; a value that is NaN never is. */
  judge(metrics: Metrics, { epoch, step }: Pick<Tick, "epoch" | "step">): boolean {
    const value = metrics[this.#monitor] ?? Number.NaN;
    const { best } = this.#standing;
    const gain = best === null ? Number.POSITIVE_INFINITY : this.#sign * (value - best);
    const isBetter = Number.isFinite(value) && gain > this.#minDelta;
    this.#standing = isBetter
      ? { best: value, epoch, step, waited: 0 }
      : { ...this.#standing, waited: this.#standing.waited + 1 };
    return isBetter;
  }
}

/** Throws a `RangeError` for options that are none, or do not suit the loss. */
export function checkStopping(options: EarlyStopping, hasAccuracy: boolean): void {
  const { monitor = "loss", patience = 5, minDelta = 0 } = options;
  checkNames("fit: earlyStopping", options, ["monitor", "patience", "minDelta"]);
  const refuse = (what: string, got: unknown): never => {
    throw new RangeError(`fit: earlyStopping.${what}, got ${got}`);
  };
  if (monitor !== "loss" && monitor !== "accuracy")
    refuse("monitor must be loss or accuracy", monitor);
  if (monitor === "accuracy" && !hasAccuracy)
    refuse("monitor must be loss, since this loss has no accuracy", monitor);
  if (!(patience >= 1)) refuse("patience must be at least 1", patience);
  if (!(minDelta >= 0)) refuse("minDelta must not be negative", minDelta);
}
