import { createHash } from "node:crypto";
import * as fs from "node:fs";
import type { FileDataset, FileRecord, ReadOptions } from "../data/files.node.ts";
import { readDataset } from "../data/files.node.ts";
import type { Dataset, Manifest } from "../data/index.ts";
import { DataError, datasetNames, loadDataset, split } from "../data/index.ts";

/** How a table of one's own is to be read. */
export interface TableOptions {
  readonly label?: string | number;
  readonly task?: "auto" | "classification" | "regression";
  readonly missing?: "error" | "drop";
  readonly delimiter?: string;
  readonly header?: boolean;
}

/** A data set that `--data` named. */
export interface OpenData {
  readonly name: string;
  readonly train: Dataset;
  readonly test: Dataset;
  /** Of a named set's numbers as its manifest says; of a file; of the sums of several files. */
  readonly sha256: string;
  /** Of a named set. */
  readonly manifest?: Manifest;
  /** Of files. */
  readonly files?: readonly FileRecord[];
  /** Rows that were left out for a missing value. */
  readonly dropped: number;
}

/** The share of a file's rows that train when it has no test part, and the seed of the draw: the same at every `--seed`. */
const SPLIT = { train: 0.8, seed: 0 } as const;

/** A data set by name, or from a table, a folder or a pair of IDX files, divided into two parts. Throws a `DataError`. */
export async function openData(source: string, options: TableOptions = {}): Promise<OpenData> {
  if (!isFile(source)) {
    const { train, test, manifest } = await loadDataset(source);
    return { name: manifest.name, train, test, sha256: manifest.sha256, manifest, dropped: 0 };
  }
  const { train, test, files, dropped } = await readFiles(source, options);
  const parts = test === undefined ? divide(train) : { train, test };
  return { name: train.name, ...parts, sha256: sumOf(files), files, dropped };
}

/** Reads files without dividing them. */
export function readFiles(source: string, options: TableOptions = {}): Promise<FileDataset> {
  return readDataset(pairOf(source) ?? source, readOptions(options));
}

/** Whether `--data` names something on disk rather than a data set that comes with the package. */
export function isFile(source: string): boolean {
  if ((datasetNames as readonly string[]).includes(source)) return false;
  return /[\\/.,]/.test(source) || fs.existsSync(source);
}

/** Whether it is one table, rather than IDX files. */
export function isTable(source: string): boolean {
  return (
    pairOf(source) === undefined && !fs.statSync(source, { throwIfNoEntry: false })?.isDirectory()
  );
}

/** `images,labels`: a pair of IDX files, unless there is one file of that name. */
function pairOf(source: string): { images: string; labels: string } | undefined {
  const [images, labels, ...rest] = source.split(",");
  if (!images || !labels || rest.length > 0 || fs.existsSync(source)) return undefined;
  return { images, labels };
}

function readOptions(options: TableOptions): ReadOptions {
  const { label, task, missing, delimiter, header } = options;
  return {
    ...(label === undefined ? {} : { label }),
    ...(task === undefined ? {} : { task }),
    ...(missing === undefined ? {} : { missing }),
    ...(delimiter === undefined ? {} : { delimiter }),
    ...(header === undefined ? {} : { header }),
  };
}

function divide(all: Dataset): { readonly train: Dataset; readonly test: Dataset } {
  if (all.rows < 2) {
    throw new DataError({
      source: all.name,
      expected: "at least 2 rows, one to train on and one to test on",
      got: "1",
      hint: "give a larger table",
    });
  }
  const rows = Math.min(all.rows - 1, Math.max(1, Math.round(all.rows * SPLIT.train)));
  return split(all, { train: rows, seed: SPLIT.seed });
}

/** The sum of a single file, as `sha256sum` prints it; of several, the sum of their sums. */
function sumOf(files: readonly FileRecord[]): string {
  const [first] = files;
  if (first !== undefined && files.length === 1) return first.sha256;
  return createHash("sha256")
    .update(files.map(({ sha256 }) => `${sha256}\n`).join(""))
    .digest("hex");
}
