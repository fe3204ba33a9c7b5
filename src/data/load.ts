import { suggest } from "../core/nearest.ts";
import type { Dataset } from "./dataset.ts";
import { createDataset, featuresOf } from "./dataset.ts";
import { digest } from "./digest.ts";
import { DataError, quote } from "./errors.ts";
import { circles, gaussians, moons, spirals, teacher, xor } from "./generators.ts";
import type { DatasetName, GeneratedName, Manifest, ShippedName } from "./manifest.ts";
import { datasetNames, manifests } from "./manifest.ts";
import { split } from "./split.ts";

export interface LoadOptions {
  /** Of a generated set: the draw and its split. A shipped set is the same, and divided the same, for every seed. Default 0. */
  readonly seed?: number;
}

export interface LoadedDataset {
  readonly train: Dataset;
  readonly test: Dataset;
  /** Of what was loaded: for a generated set with a seed, `sha256` and `split.seed` are those of this draw. */
  readonly manifest: Manifest;
}

/**
 * A data set by name, divided as its manifest says; its bytes are verified against the manifest's SHA-256.
 *
 * Throws a `DataError` that lists the names when there is none of this name.
 */
export async function loadDataset(name: string, options: LoadOptions = {}): Promise<LoadedDataset> {
  if (!isDatasetName(name)) {
    throw new DataError({
      source: `data set ${quote(name)}`,
      expected: `one of ${datasetNames.join(", ")}`,
      got: quote(name),
      hint: suggest(name, datasetNames, "give one of these names, or read a file of your own"),
    });
  }
  const described = manifests[name];
  const seed = described.kind === "generated" ? (options.seed ?? 0) : described.split.seed;
  const all = isShipped(name) ? await readShipped(name) : GENERATORS[name]({ seed });
  const sha256 = await digest(all);
  if (seed === described.split.seed && sha256 !== described.sha256) {
    throw new DataError({
      source: name,
      expected: `data with sha256 ${described.sha256}`,
      got: sha256,
      hint: "the package's files are damaged or this engine's arithmetic is wrong; install the package anew",
    });
  }
  const { train } = described.split;
  const manifest = { ...described, sha256, split: { ...described.split, seed } };
  return { ...split(all, { train, seed }), manifest };
}

const GENERATORS: Record<GeneratedName, (options: { seed: number }) => Dataset> = {
  spirals,
  moons,
  circles,
  xor,
  gaussians,
  teacher,
};

const TEXTS: Record<ShippedName, () => Promise<{ text: string }>> = {
  digits: () => import("./sets/digits.ts"),
  iris: () => import("./sets/iris.ts"),
  wine: () => import("./sets/wine.ts"),
  breast_cancer: () => import("./sets/breast-cancer.ts"),
};

function isDatasetName(name: string): name is DatasetName {
  return Object.hasOwn(manifests, name);
}

function isShipped(name: DatasetName): name is ShippedName {
  return Object.hasOwn(TEXTS, name);
}

async function readShipped(name: ShippedName): Promise<Dataset> {
  const { rows, shape, classes, classNames, featureNames } = manifests[name];
  const { text } = await TEXTS[name]();
  const cellsOf = name === "digits" ? lettersOf : numbersOf;
  const lines = text.trim().split("\n");
  const features = featuresOf({ shape });
  const inputs = new Float32Array(rows * features);
  const targets = new Int32Array(rows);
  lines.forEach((line, i) => {
    const cells = cellsOf(line);
    targets[i] = cells.pop()!;
    inputs.set(cells, i * features);
  });
  return createDataset({
    name,
    rows,
    shape,
    inputs,
    targets,
    classes,
    classNames,
    ...(featureNames && { featureNames }),
  });
}

/** Pixels as letters, "a" = 0 to "q" = 16, then the digit. */
function lettersOf(line: string): number[] {
  const cells = Array.from(line, (letter) => letter.charCodeAt(0) - 97);
  cells[cells.length - 1] = Number(line.at(-1));
  return cells;
}

function numbersOf(line: string): number[] {
  return line.split(",").map(Number);
}
