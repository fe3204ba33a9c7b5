import * as fs from "node:fs/promises";
import * as path from "node:path";

import { Network, SafetensorsError } from "../index.ts";
import type { Context } from "./context.ts";
import { FileError, UsageError } from "./exit.ts";
import type { Preprocessing } from "./preprocessing.ts";
import { parsePreprocessing } from "./preprocessing.ts";
import { printable } from "./text.ts";

/** The metadata key of the data's description. */
export const KEY = "headstart.data";

const HINT = "name a file that headstart train --save wrote";

/** Largest file that is read as a model: no network of this package is larger. */
const MAX_BYTES = 2 ** 32;

/** Refuses a place that cannot be written to, before anything is trained for it. */
export async function checkWritable(file: string): Promise<void> {
  if (file.trim() === "") throw new UsageError("--save: expected the name of a file, got none");
  const folder = path.dirname(path.resolve(file));
  const isFolder = (place: string) =>
    fs.stat(place).then(
      (s) => s.isDirectory(),
      () => false,
    );
  if (!(await isFolder(folder))) {
    throw new UsageError(
      `--save: there is no folder ${printable(folder)}; make it, or name another`,
    );
  }
  if (await isFolder(file)) {
    throw new UsageError(
      `--save: ${printable(file)} is a folder; name a file such as model.safetensors`,
    );
  }
  const isOther = await fs.lstat(file).then(
    (s) => !s.isFile(),
    () => false,
  );
  if (isOther) {
    throw new UsageError(
      `--save: ${printable(file)} is no ordinary file, and would be replaced; name another`,
    );
  }
  await fs.access(folder, fs.constants.W_OK).catch((cause) => {
    const message = `--save: the folder ${printable(folder)} cannot be written to; name another`;
    throw new UsageError(message, { cause });
  });
}

/** Writes a network with what was done to its data. The file is complete or absent: it is renamed into place. */
export async function writeModel(
  file: string,
  network: Network,
  preprocessing: Preprocessing,
): Promise<void> {
  const bytes = network.save({ metadata: { [KEY]: JSON.stringify(preprocessing) } });
  const partial = `${file}.${process.pid}.partial`;
  try {
    await fs.writeFile(partial, bytes);
    await fs.rename(partial, file);
  } catch (error) {
    await fs.rm(partial, { force: true });
    throw error;
  }
}

export interface Model {
  readonly network: Network;
  readonly preprocessing: Preprocessing | undefined;
}

/** A network from a file; without `preprocessing` when the file does not say how its data were prepared. Throws a `FileError`. */
export async function readModel(
  file: string,
  { variant, threads }: Pick<Context, "variant" | "threads">,
): Promise<Model> {
  const source = printable(file);
  const bytes = await readBytes(file);
  const options = { source, threads, ...(variant === undefined ? {} : { variant }) };
  const network = await Network.load(bytes, options).catch((cause: unknown) => {
    // Whatever the reader dislikes, the file is at fault; a missing engine feature is a plain Error and is not.
    const isFile = [SafetensorsError, RangeError, TypeError].some((kind) => cause instanceof kind);
    if (!isFile || !(cause instanceof Error)) throw cause;
    const what = cause.message.startsWith(source) ? cause.message : `${source}: ${cause.message}`;
    throw new FileError(what.includes("; ") ? what : `${what}; ${HINT}`, { cause });
  });
  const text = network.metadata.get(KEY);
  if (text === undefined) return { network, preprocessing: undefined };
  const preprocessing = parsePreprocessing(text, source);
  checkSizes(network, preprocessing, source);
  return { network, preprocessing };
}

async function readBytes(file: string): Promise<Uint8Array> {
  const source = printable(file);
  const fail = (got: string, hint: string, cause?: unknown): never => {
    throw new FileError(`${source}: expected a model that can be read, got ${got}; ${hint}`, {
      cause,
    });
  };
  try {
    const stat = await fs.stat(file);
    if (stat.isDirectory()) fail("a folder", HINT);
    if (!stat.isFile()) fail("a device, pipe or socket", HINT);
    if (stat.size > MAX_BYTES) fail(`${stat.size} bytes`, HINT);
    return await fs.readFile(file);
  } catch (error) {
    if (error instanceof FileError) throw error;
    const code = (error as { code?: string }).code;
    if (code === "ENOENT") return fail("no such file", "check the path", error);
    if (code === "EACCES") return fail("no permission to read it", "change its permissions", error);
    return fail(String((error as Error).message), "check the path and the disk", error);
  }
}

/** The description and the network come from one file, but nothing says that they belong together. */
function checkSizes(
  network: Network,
  { shape, classNames, targets }: Preprocessing,
  source: string,
): void {
  const product = (sizes: readonly number[]) => sizes.reduce((a, b) => a * b, 1);
  const outputs = product(network.outputShape);
  const inputs = product(network.recipe.input);
  const fail = (what: string): never => {
    throw new FileError(`${source}: ${what}; save the model again with headstart train --save`);
  };
  if (product(shape) !== inputs) {
    fail(`its data have ${product(shape)} features but its network takes ${inputs}`);
  }
  const expected = network.recipe.loss.kind === "binary_cross_entropy" ? 2 : outputs;
  if (classNames !== null && classNames.length !== expected) {
    fail(`its data have ${classNames.length} classes but its network has ${outputs} outputs`);
  }
  if (targets !== null && targets.mean.length !== outputs) {
    fail(`its data have ${targets.mean.length} targets but its network has ${outputs} outputs`);
  }
}
