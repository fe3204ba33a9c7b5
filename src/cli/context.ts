import type { Variant } from "../index.ts";
import type { Turbo } from "../node.ts";
import type { Output } from "./output.ts";

/** What the options of every command say. */
export interface GlobalOptions {
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  readonly color?: boolean;
  readonly seed: number;
  readonly variant?: Variant;
  readonly turbo?: boolean;
  readonly threads: number | "auto";
}

/** What every command is given. */
export interface Context {
  readonly output: Output;
  readonly seed: number;
  /** Undefined: the fastest that the engine accepts. */
  readonly variant: Variant | undefined;
  /** What turbo did; undefined when nobody asked for it. */
  readonly turbo: Turbo | undefined;
  /** Threads of a network; `auto`: the machine's cores. */
  readonly threads: number | "auto";
}
