import { EXIT } from "./exit.ts";
import type { Output } from "./output.ts";
import type { Progress } from "./progress.ts";

export interface Interrupt {
  /** Aborted by the first Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal;
  /** What a process that was stopped in this way tells the shell: 128 and the signal's number. */
  readonly exitCode: typeof EXIT.interrupted | typeof EXIT.terminated;
  /** Gives the signals back to Node. */
  readonly release: () => void;
}

/** The first Ctrl-C or SIGTERM stops the work and keeps what was measured; the second one quits at once. */
export function onInterrupt(output: Output, progress: Progress, whatIsKept: string): Interrupt {
  const controller = new AbortController();
  let exitCode: Interrupt["exitCode"] = EXIT.interrupted;
  const listener = (name: NodeJS.Signals) => {
    progress.stop(); // takes its line away and shows the cursor
    if (controller.signal.aborted) process.exit(exitCode);
    if (name === "SIGTERM") exitCode = EXIT.terminated;
    controller.abort();
    const again = name === "SIGTERM" ? "a second signal" : "Ctrl-C again";
    output.note(`stopping: ${whatIsKept}; ${again} quits at once`);
  };
  const names = ["SIGINT", "SIGTERM"] as const;
  for (const name of names) process.on(name, listener);
  return {
    signal: controller.signal,
    get exitCode() {
      return exitCode;
    },
    release: () => {
      for (const name of names) process.off(name, listener);
    },
  };
}
