import * as fs from "node:fs/promises";
import * as path from "node:path";
import { suggest } from "../core/nearest.ts";
import type { CsvOptions } from "./csv.ts";
import { parseCsv } from "./csv.ts";
import type { Dataset } from "./dataset.ts";
import { sha256 } from "./digest.ts";
import { DataError, quoteList } from "./errors.ts";
import { MAX_BYTES } from "./gunzip.ts";
import type { IdxDatasetOptions } from "./idx.ts";
import { classesOf, joinIdx, parseIdx } from "./idx.ts";
import type { SplitOptions } from "./split.ts";
import { split } from "./split.ts";

/**
 * Options of the reader that the files need, the others being ignored. `maxBytes` (default 1 GiB) also bounds each file as it is on disk;
 * `name` defaults to the file's or the folder's name.
 */
export interface ReadOptions extends CsvOptions, IdxDatasetOptions {
  /** Divides files that have no official test part; without it `test` is absent then. */
  readonly split?: SplitOptions;
}

/** A pair of IDX files. */
export interface IdxPaths {
  readonly images: string;
  readonly labels: string;
}

/** What was read, for a report: another file with the same name has another sum. */
export interface FileRecord {
  readonly path: string;
  /** Size on disk. */
  readonly bytes: number;
  readonly sha256: string;
}

export interface FileDataset {
  readonly train: Dataset;
  /** The official test part, or the one that `split` made. */
  readonly test?: Dataset;
  readonly files: readonly FileRecord[];
  /** Rows left out for a missing value. */
  readonly dropped: number;
}

/**
 * Reads a data set from disk: a table (`.csv .tsv .txt`, each also `.gz`), a folder of MNIST's four files (plain or `.gz`; the test pair may be
 * missing), or a pair of IDX files. Throws a `DataError`.
 */
export async function readDataset(
  source: string | IdxPaths,
  options: ReadOptions = {},
): Promise<FileDataset> {
  if (typeof source !== "string") return readPair(source, options);
  if (await isDirectory(source)) return readFolder(source, options);
  const extension = extensionOf(source);
  if (extension === undefined) {
    throw new DataError({
      source,
      expected: "a table (.csv, .tsv, .txt, each also .gz) or a folder of MNIST's files",
      got: `a file called ${quoteList([path.basename(source)])}`,
      hint: "rename a table to .csv; give an IDX file of images together with its labels",
    });
  }
  return readTable(source, extension, options);
}

interface ReadFile extends FileRecord {
  readonly content: Uint8Array;
}

async function readTable(
  file: string,
  extension: string,
  options: ReadOptions,
): Promise<FileDataset> {
  const { content, ...record } = await readFile(file, options.maxBytes);
  const name = options.name ?? path.basename(file);
  const delimiter = options.delimiter ?? (extension === ".tsv" ? "\t" : undefined);
  const dataset = parseCsv(content, { ...options, name, ...(delimiter && { delimiter }) });
  return { ...divide(dataset, options), files: [record], dropped: dataset.dropped };
}

async function readPair({ images, labels }: IdxPaths, options: ReadOptions): Promise<FileDataset> {
  const imageFile = await readFile(images, options.maxBytes);
  const labelFile = await readFile(labels, options.maxBytes);
  const name = options.name ?? path.basename(images);
  const dataset = joinIdx(idxOf(imageFile, options), idxOf(labelFile, options), {
    ...options,
    name,
  });
  const files = [imageFile, labelFile].map(recordOf);
  return { ...divide(dataset, options), files, dropped: 0 };
}

/** MNIST's names, in the spellings of the original (`-idx3-ubyte`) and of some copies (`.idx3-ubyte`). */
const MNIST = {
  trainImages: ["train-images-idx3-ubyte", "train-images.idx3-ubyte"],
  trainLabels: ["train-labels-idx1-ubyte", "train-labels.idx1-ubyte"],
  testImages: ["t10k-images-idx3-ubyte", "t10k-images.idx3-ubyte"],
  testLabels: ["t10k-labels-idx1-ubyte", "t10k-labels.idx1-ubyte"],
} as const;

async function readFolder(folder: string, options: ReadOptions): Promise<FileDataset> {
  const entries = await fs.readdir(folder).catch((cause) => {
    throw fileError(folder, cause, []);
  });
  const find = (names: readonly string[]): string | undefined => {
    const found = [...names, ...names.map((name) => `${name}.gz`)].find((n) => entries.includes(n));
    return found === undefined ? undefined : path.join(folder, found);
  };
  const need = (names: readonly string[]): string => {
    const found = find(names);
    if (found !== undefined) return found;
    throw new DataError({
      source: folder,
      expected: `a file ${names[0]} (or .gz)`,
      got: entries.length === 0 ? "an empty folder" : quoteList(entries.sort()),
      hint: "name the folder that holds MNIST's files, or one table in it",
    });
  };
  const pairs = [[need(MNIST.trainImages), need(MNIST.trainLabels)]];
  if (find(MNIST.testImages) !== undefined || find(MNIST.testLabels) !== undefined) {
    pairs.push([need(MNIST.testImages), need(MNIST.testLabels)]);
  }

  const files: FileRecord[] = [];
  const read = async (file: string) => {
    const content = await readFile(file, options.maxBytes);
    files.push(recordOf(content));
    return idxOf(content, options);
  };
  const parts = [];
  for (const [images, labels] of pairs) {
    parts.push({ images: await read(images!), labels: await read(labels!) });
  }
  const name = options.name ?? path.basename(path.resolve(folder));
  // Both parts have the classes of either: a class may be absent from one.
  const inUse = Math.max(...parts.map(({ labels }) => classesOf(labels)));
  const classes = options.classes ?? options.classNames?.length ?? inUse;
  const [train, test] = parts.map(({ images, labels }) =>
    joinIdx(images, labels, { ...options, name, classes }),
  );
  if (test === undefined) return { ...divide(train!, options), files, dropped: 0 };
  if (train!.shape.join() !== test.shape.join()) {
    throw new DataError({
      source: folder,
      expected: `test images of ${train!.shape.join("x")}, as the training images are`,
      got: test.shape.join("x"),
      hint: "put files that belong together into the folder",
    });
  }
  return { train: train!, test, files, dropped: 0 };
}

function divide(all: Dataset, options: ReadOptions): { train: Dataset; test?: Dataset } {
  return options.split === undefined ? { train: all } : split(all, options.split);
}

function idxOf({ path: name, content }: ReadFile, options: ReadOptions) {
  return parseIdx(content, { ...options, name });
}

function recordOf({ path, bytes, sha256 }: FileRecord): FileRecord {
  return { path, bytes, sha256 };
}

/** ".csv" for "a.csv" and "a.csv.gz"; `undefined` for what is no table. */
function extensionOf(file: string): string | undefined {
  const name = file.toLowerCase();
  const plain = name.endsWith(".gz") ? name.slice(0, -3) : name;
  return [".csv", ".tsv", ".txt"].find((extension) => plain.endsWith(extension));
}

async function isDirectory(file: string): Promise<boolean> {
  return (await statOf(file)).isDirectory();
}

async function statOf(file: string) {
  try {
    return await fs.stat(file);
  } catch (cause) {
    const siblings = await fs.readdir(path.dirname(file)).catch(() => []);
    throw fileError(file, cause, siblings);
  }
}

async function readFile(file: string, maxBytes: number = MAX_BYTES): Promise<ReadFile> {
  const stat = await statOf(file);
  if (!stat.isFile()) {
    throw new DataError({
      source: file,
      expected: "a file",
      got: stat.isDirectory() ? "a folder" : "a device, pipe or socket",
      hint: "name a file; save a stream to one first",
    });
  }
  if (stat.size > maxBytes) {
    throw new DataError({
      source: file,
      expected: `a file of at most ${maxBytes} bytes`,
      got: `${stat.size}`,
      hint: "raise maxBytes, or keep a part of the file",
    });
  }
  try {
    const content = await fs.readFile(file);
    return { path: file, bytes: content.length, sha256: await sha256(content), content };
  } catch (cause) {
    throw fileError(file, cause, []);
  }
}

const REASONS: ReadonlyMap<unknown, readonly [string, string]> = new Map([
  ["ENOENT", ["no such file", "check the path"]],
  ["ENOTDIR", ["a path through something that is no folder", "check the path"]],
  ["EACCES", ["no permission to read it", "change the file's permissions"]],
  ["EPERM", ["no permission to read it", "change the file's permissions"]],
  ["ELOOP", ["a symbolic link to itself", "check the path"]],
  ["ENAMETOOLONG", ["a name that is too long", "check the path"]],
  ["ERR_ACCESS_DENIED", ["no permission from Node", "grant it with --allow-fs-read"]],
  ["ERR_INVALID_ARG_VALUE", ["a path with a NUL character", "check the path"]],
]);

function fileError(file: string, cause: unknown, siblings: readonly string[]): DataError {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  const [got, hint] = REASONS.get(code) ?? [String(cause), "check the path and the disk"];
  const otherwise = code === "ENOENT" ? hint : undefined;
  return new DataError({
    source: file,
    expected: "a file that can be read",
    got,
    hint: otherwise === undefined ? hint : suggest(path.basename(file), siblings, otherwise),
    cause,
  });
}
