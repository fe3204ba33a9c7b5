/** Why a checkpoint cannot be used: the file, the network, the data or the options of `fit` are not what they were. */
export type CheckpointCode = "damaged" | "format" | "network" | "data" | "options" | "none";

/** Training cannot be resumed. The message is `where: expected …, got …; how to mend it`. */
export class CheckpointError extends Error {
  override readonly name = "CheckpointError";
  readonly code: CheckpointCode;

  constructor(code: CheckpointCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}
