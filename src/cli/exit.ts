import { CommanderError } from "commander";
import { DataError } from "../data/errors.ts";
import { CheckpointError } from "../network/checkpoint-error.ts";
import { printable } from "./text.ts";

/** What the process tells the shell. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  diverged: 3,
  data: 4,
  interrupted: 130,
  terminated: 143,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** A request that cannot be carried out as it was written; the message says how to mend it. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** A file that is not what it should be: a model, or data that do not suit the model. */
export class FileError extends Error {
  override readonly name = "FileError";
}

/** An error as it is told to people and to programs. */
export interface Failure {
  readonly exitCode: ExitCode;
  readonly kind: "usage" | "data" | "failed";
  /** One sentence. */
  readonly message: string;
}

/**
 * Runs what turns options into a network. The library says `RangeError` or `TypeError` of a wrong option, and `OutOfMemoryError` (a
 * `RangeError`) of sizes that do not fit; anywhere else such an error would be a defect, so only here it counts as usage.
 */
export async function asUsage<T>(make: () => T | Promise<T>): Promise<T> {
  try {
    return await make();
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError) {
      throw new UsageError(error.message, { cause: error });
    }
    throw error;
  }
}

/** What an error means to the user; `help` is the command line that shows how it is done. */
export function failureOf(error: unknown, help = "headstart --help"): Failure {
  if (error instanceof CommanderError) {
    const message = withoutPrefix(error.message);
    const mended = message.includes("; ") ? message : `${message}; see ${help}`;
    return { exitCode: EXIT.usage, kind: "usage", message: sentence(mended) };
  }
  if (error instanceof UsageError) {
    return { exitCode: EXIT.usage, kind: "usage", message: sentence(error.message) };
  }
  if (error instanceof DataError) {
    return { exitCode: EXIT.data, kind: "data", message: sentence(inOptions(error.message)) };
  }
  if (error instanceof FileError || error instanceof CheckpointError) {
    return { exitCode: EXIT.data, kind: "data", message: sentence(error.message) };
  }
  return { exitCode: EXIT.failed, kind: "failed", message: sentence(explain(error)) };
}

/** Commander begins with `error: `, ends with a point, and puts its suggestion on a second line. */
function withoutPrefix(message: string): string {
  return message
    .replace(/^error: /, "")
    .replace(/\n\((D.*)\)$/, (_, tip: string) => `; d${tip.slice(1)}`)
    .replace(/\.$/, "");
}

/** The library's hints name options as its readers take them; here they are written as on the command line. */
const SPELLINGS: readonly (readonly [RegExp, string])[] = [
  [/missing: "drop"/, "--missing drop"],
  [/header: true/, "--header"],
  [/task: "regression"/, "--task regression"],
  [/name the delimiter if it is another one/, "name it with --delimiter if it is another one"],
  [/name the label column/, "name the label column with --label"],
  [/name the column of classes with label/, "name the column of classes with --label"],
  [/raise max\w+, or /, ""],
];

function inOptions(message: string): string {
  return SPELLINGS.reduce((text, [api, option]) => text.replace(api, option), message);
}

/** One printable line. */
function sentence(message: string): string {
  return printable(message.replace(/\s*\n\s*/g, " ").trim(), 1000);
}

function explain(error: unknown): string {
  if (!(error instanceof Error)) return `something that is no error was thrown: ${String(error)}`;
  if (error.name === "OutOfMemoryError" || "code" in error) return error.message;
  if (error instanceof TypeError || error instanceof ReferenceError) {
    return `this should not have happened (${error.message}); run it again with --verbose and report what it prints`;
  }
  return error.message === "" ? error.name : error.message;
}
