import * as fs from "node:fs/promises";
import * as path from "node:path";
import { CheckpointError } from "./checkpoint-error.ts";
import { checkSum } from "./training-file.ts";

/** A checkpoint that was read, and those newer ones that could not be. */
export interface StoredCheckpoint {
  readonly file: string;
  readonly bytes: Uint8Array;
  /** Newest first, each with what is wrong with it. */
  readonly damaged: readonly { readonly file: string; readonly reason: string }[];
}

/** The checkpoints of one training in a folder. */
export interface CheckpointFolder {
  readonly folder: string;
  /** Gives the file's name once the bytes are on the disk, under their name. The last two files are kept. */
  save(bytes: Uint8Array): Promise<string>;
  /**
   * The newest one that is whole; undefined when there are none.
   *
   * Throws a `CheckpointError` when there are some and all are damaged.
   */
  latest(): Promise<StoredCheckpoint | undefined>;
}

const KEPT = 2;
const NAME = /^checkpoint-(\d{8,15})\.safetensors$/;
const PARTIAL = /^checkpoint-\d+\.safetensors\.\d+\.partial$/;

/**
 * `checkpoint-00000001.safetensors`, `…2.safetensors` … in a folder, which is made when the first one is saved. One process at a time.
 *
 * A file is written under another name, brought to the disk and renamed, and the folder is brought to the disk too: whenever the
 * process or the machine stops, the files that are there are whole. Each carries a SHA-256 all the same, since disks err.
 */
export function checkpointFolder(folder: string): CheckpointFolder {
  const at = (name: string) => path.join(folder, name);
  const damagedNames = new Set<string>();

  const latest = async (): Promise<StoredCheckpoint | undefined> => {
    const damaged: { file: string; reason: string }[] = [];
    for (const name of (await namesIn(folder)).reverse()) {
      const file = at(name);
      try {
        const bytes = await fs.readFile(file);
        checkSum(bytes, file);
        return { file, bytes, damaged };
      } catch (error) {
        damagedNames.add(name);
        damaged.push({ file, reason: (error as Error).message });
      }
    }
    if (damaged.length === 0) return undefined;
    const [first] = damaged;
    const more = damaged.length === 1 ? "" : ` (and ${damaged.length - 1} before it)`;
    throw new CheckpointError(
      "damaged",
      `${first!.reason}${more}; no checkpoint before it is whole`,
    );
  };

  const save = async (bytes: Uint8Array): Promise<string> => {
    await fs.mkdir(folder, { recursive: true });
    const names = await namesIn(folder);
    const number = 1 + (names.length === 0 ? 0 : numberOf(names.at(-1)!));
    const name = `checkpoint-${String(number).padStart(8, "0")}.safetensors`;
    const partial = at(`${name}.${process.pid}.partial`);
    try {
      await writeThrough(partial, bytes);
      await fs.rename(partial, at(name));
    } catch (error) {
      await fs.rm(partial, { force: true }).catch(() => {}); // the first error says more
      throw error;
    }
    await syncFolder(folder);
    const whole = names.filter((old) => !damagedNames.has(old));
    const kept = new Set(whole.slice(Math.max(0, whole.length - (KEPT - 1))));
    const torn = (await fs.readdir(folder)).filter((other) => PARTIAL.test(other));
    for (const old of [...names.filter((other) => !kept.has(other)), ...torn]) {
      await fs.rm(at(old), { force: true });
    }
    return at(name);
  };

  return { folder, save, latest };
}

/** Oldest first. */
async function namesIn(folder: string): Promise<string[]> {
  const entries = await fs.readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  return entries.filter((name) => NAME.test(name)).sort((a, b) => numberOf(a) - numberOf(b));
}

function numberOf(name: string): number {
  return Number(name.match(NAME)![1]);
}

async function writeThrough(file: string, bytes: Uint8Array): Promise<void> {
  const handle = await fs.open(file, "w");
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** So that the new name is on the disk too. Windows has no such call, and orders the two by itself. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await fs.open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
