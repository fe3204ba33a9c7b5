import { EXIT } from "./exit.ts";
import type { Output } from "./output.ts";
import type { Progress } from "./progress.ts";

export interface Interrupt {
  /** Aborted by the first Ctrl-C. */
  readonly signal: AbortSignal;
  /** Gives Ctrl-C back to Node. */
  readonly release: () => void;
}

/** The first Ctrl-C stops the work and keeps what was measured; the second one quits at once. */
export function onInterrupt(output: Output, progress: Progress, whatIsKept: string): Interrupt {
  const controller = new AbortController();
  const listener = () => {
    progress.stop(); // takes its line away and shows the cursor
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
    controller.abort();
    output.note(`stopping: ${whatIsKept}; Ctrl-C again quits at once`);
  };
  process.on("SIGINT", listener);
  return { signal: controller.signal, release: () => process.off("SIGINT", listener) };
}
