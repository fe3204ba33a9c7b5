import pc from "picocolors";
import { wrap } from "./text.ts";

export type Colors = ReturnType<typeof pc.createColors>;

/** Where a command writes; in the program, `process`. */
export interface Streams {
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface OutputOptions {
  /** One JSON document on stdout, everything for people on stderr. */
  readonly json?: boolean;
  /** Only results and errors. */
  readonly quiet?: boolean;
  /** Stack traces. */
  readonly verbose?: boolean;
  /** False switches colour off; otherwise the streams and the environment decide. */
  readonly color?: boolean;
}

/** Sorts what a command has to say: results to stdout, everything else to stderr, and with `json` one document to stdout. */
export class Output {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  /** For what goes to `print`. */
  readonly colors: Colors;
  readonly errorColors: Colors;
  readonly stderr: NodeJS.WriteStream;
  readonly #streams: Streams;
  readonly #results: NodeJS.WriteStream;

  constructor(streams: Streams, options: OutputOptions = {}) {
    const { json = false, quiet = false, verbose = false, color } = options;
    this.json = json;
    this.quiet = quiet;
    this.verbose = verbose;
    this.#streams = streams;
    this.stderr = streams.stderr;
    this.#results = json ? streams.stderr : streams.stdout;
    this.colors = colorsFor(this.#results, streams.env, color);
    this.errorColors = colorsFor(streams.stderr, streams.env, color);
  }

  /** Width of lines for people. */
  get columns(): number {
    return Math.max(40, this.#results.columns ?? 100);
  }

  /** Width of tables: on a terminal that of lines, in a pipe none, since a program may read it. */
  get tableWidth(): number {
    return this.#results.isTTY === true ? this.columns : Infinity;
  }

  /** A result for people. With `json` and `quiet` there is no one to read it. */
  print(text = ""): void {
    if (!(this.json && this.quiet)) this.#results.write(`${text}\n`);
  }

  /** A result in words: broken at spaces where the terminal ends. */
  say(text: string): void {
    this.print(wrap(text, this.columns, "  "));
  }

  /** Something about the work, not its result. */
  note(text: string): void {
    const { isTTY, columns } = this.stderr;
    const shown = isTTY && columns > 0 ? wrap(text, columns, "  ") : text;
    if (!this.quiet) this.stderr.write(`${shown}\n`);
  }

  /** What should not be overlooked, even when quiet. */
  warn(text: string): void {
    this.stderr.write(`headstart: ${text}\n`);
  }

  /** The document, with `json`; numbers that are not finite become text, since JSON has none. */
  document(value: unknown): void {
    if (this.json) this.#streams.stdout.write(`${toJson(value)}\n`);
  }

  /** Text for stdout as it is, whatever reads it: CSV. */
  raw(text: string): void {
    this.#streams.stdout.write(text);
  }
}

/** JSON in which NaN and the infinities are text and typed arrays are arrays. */
export function toJson(value: unknown): string {
  return JSON.stringify(
    value,
    (_key, x: unknown) => {
      if (typeof x === "number" && !Number.isFinite(x)) return String(x);
      if (ArrayBuffer.isView(x)) return Array.from(x as Float32Array);
      return x;
    },
    2,
  );
}

/** NO_COLOR (https://no-color.org) and `--no-color` win over FORCE_COLOR, and that over what the stream is. */
export function colorsFor(
  stream: { readonly isTTY?: boolean },
  env: Streams["env"],
  color: boolean | undefined,
): Colors {
  const isForced = (env.FORCE_COLOR ?? "") !== "" && env.FORCE_COLOR !== "0";
  const isForbidden = color === false || (env.NO_COLOR ?? "") !== "" || env.FORCE_COLOR === "0";
  const isTerminal = stream.isTTY === true && env.TERM !== "dumb";
  return pc.createColors(!isForbidden && (isForced || isTerminal));
}
