import type { Dataset } from "../data/index.ts";
import { classCounts, datasetNames, manifests } from "../data/index.ts";
import { version } from "../index.ts";
import type { Context } from "./context.ts";
import type { OpenData, TableOptions } from "./data.ts";
import { openData } from "./data.ts";
import type { ExitCode } from "./exit.ts";
import { EXIT } from "./exit.ts";
import { classNamesOf } from "./preprocessing.ts";
import { pairs, table } from "./table.ts";
import { formatBytes, formatCount, formatShape, formatShort, printable } from "./text.ts";

/** `headstart data list` */
export async function listDatasets({ output }: Context): Promise<ExitCode> {
  const all = datasetNames.map((name) => manifests[name]);
  const rows = all.map(({ name, kind, rows, shape, classes, split, title }) => [
    name,
    kind,
    formatCount(rows),
    `${formatCount(split.train)} + ${formatCount(split.test)}`,
    formatShape(shape),
    `${classes}`,
    title,
  ]);
  const right = { align: "right" } as const;
  output.print(
    table(
      [
        { head: "name" },
        { head: "kind" },
        { head: "rows", ...right },
        { head: "train + test", ...right },
        { head: "shape", ...right },
        { head: "classes", ...right },
        { head: "title" },
      ],
      rows,
      output.tableWidth,
    ),
  );
  output.print();
  output.say(
    "headstart data info NAME says more. Tables (.csv, .tsv) and MNIST's IDX files of your own work too.",
  );
  output.document({ command: "data list", version, datasets: all });
  return EXIT.ok;
}

/** `headstart data info` */
export async function showDataset(
  source: string,
  options: TableOptions,
  { output }: Context,
): Promise<ExitCode> {
  const data = await openData(source, options);
  const { train, test, manifest, files } = data;
  const entries: (readonly [string, string])[] = [
    ["name", printable(data.name)],
    ...(manifest === undefined
      ? []
      : ([
          ["title", manifest.title],
          ["kind", manifest.kind],
          ["source", manifest.source],
          ["licence", manifest.licence],
          ["citation", manifest.citation],
        ] as const)),
    [
      "rows",
      `${formatCount(train.rows + test.rows)}: ${formatCount(train.rows)} to train on, ${formatCount(test.rows)} to test on`,
    ],
    ...(data.dropped > 0
      ? [["left out", `${formatCount(data.dropped)} rows with missing values`] as const]
      : []),
    ["shape", formatShape(train.shape)],
    ["inputs", rangeText(train.inputs)],
    ["sha256", data.sha256],
    ...(files ?? []).map(
      ({ path, bytes, sha256 }) =>
        ["file", `${printable(path)}, ${formatBytes(bytes)}, sha256 ${sha256}`] as const,
    ),
  ];
  output.print(pairs(entries));
  output.print(`\n${targetsText(data)}`);
  if (train.featureNames !== undefined) output.print(`\n${featureTable(train, output.tableWidth)}`);
  output.document({
    command: "data info",
    version,
    name: data.name,
    sha256: data.sha256,
    rows: train.rows + test.rows,
    trainRows: train.rows,
    testRows: test.rows,
    dropped: data.dropped,
    shape: train.shape,
    classes: train.classes,
    classNames: train.classes > 0 ? classNamesOf(train) : null,
    classCounts: train.classes > 0 ? { train: classCounts(train), test: classCounts(test) } : null,
    featureNames: train.featureNames ?? null,
    inputs: rangeOf(train.inputs),
    manifest: manifest ?? null,
    files: files ?? null,
  });
  return EXIT.ok;
}

/** Most classes or features that are listed one by one. */
const LISTED = 40;

function targetsText({ train, test }: OpenData): string {
  if (train.classes === 0) {
    return `targets: ${train.targetWidth === 1 ? "a number" : `${train.targetWidth} numbers`} a row, ${rangeText(train.targets)}`;
  }
  const [inTrain, inTest] = [classCounts(train), classCounts(test)];
  const rows = classNamesOf(train)
    .slice(0, LISTED)
    .map((name, i) => [printable(name, 60), formatCount(inTrain[i]!), formatCount(inTest[i]!)]);
  const right = { align: "right" } as const;
  const list = table(
    [{ head: "class" }, { head: "train", ...right }, { head: "test", ...right }],
    rows,
  );
  return train.classes > LISTED ? `${list}\n… and ${train.classes - LISTED} more` : list;
}

function featureTable({ featureNames = [], inputs, rows }: Dataset, tableWidth: number): string {
  const width = featureNames.length;
  const shown = featureNames.slice(0, LISTED).map((name, j) => {
    const column = Float32Array.from({ length: rows }, (_, i) => inputs[i * width + j]!);
    const { least, mean, greatest } = rangeOf(column);
    return [printable(name, 60), formatShort(least), formatShort(mean), formatShort(greatest)];
  });
  const right = { align: "right" } as const;
  const heads = ["least", "mean", "greatest"].map((head) => ({ head, ...right }));
  const list = table([{ head: "feature (training part)" }, ...heads], shown, tableWidth);
  return width > LISTED ? `${list}\n… and ${width - LISTED} more` : list;
}

interface Range {
  readonly least: number;
  readonly mean: number;
  readonly greatest: number;
}

function rangeOf(values: ArrayLike<number>): Range {
  let least = Number.POSITIVE_INFINITY;
  let greatest = Number.NEGATIVE_INFINITY;
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    least = Math.min(least, value);
    greatest = Math.max(greatest, value);
    sum += value;
  }
  return { least, mean: sum / values.length, greatest };
}

function rangeText(values: ArrayLike<number>): string {
  const { least, mean, greatest } = rangeOf(values);
  return `from ${formatShort(least)} to ${formatShort(greatest)}, mean ${formatShort(mean)}`;
}
