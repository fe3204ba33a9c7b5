import { Writable } from "node:stream";
import type { Streams } from "../../src/cli/output.ts";

/** Collects what is written; a terminal if `columns` are given. */
export class Capture extends Writable {
  readonly isTTY: boolean;
  readonly columns: number | undefined;
  text = "";

  constructor(columns?: number) {
    super();
    this.isTTY = columns !== undefined;
    this.columns = columns;
  }

  override _write(chunk: Buffer | string, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

export interface CapturedStreams extends Streams {
  readonly out: Capture;
  readonly err: Capture;
}

/** Streams for a command run in this process: pipes, or terminals of `columns`. */
export function capture(env: Streams["env"] = {}, columns?: number): CapturedStreams {
  const out = new Capture(columns);
  const err = new Capture(columns);
  return {
    out,
    err,
    stdout: out as unknown as NodeJS.WriteStream,
    stderr: err as unknown as NodeJS.WriteStream,
    env,
  };
}
