import type { OpenData } from "./data.ts";
import { count, formatCount, formatShape, printable } from "./text.ts";

/** `digits: 1,400 rows to train on, 397 to test on, 8x8 inputs, 10 classes` */
export function dataLine({ name, train, test, dropped }: OpenData): string {
  const task = train.classes > 0 ? `${train.classes} classes` : "regression";
  const left = dropped === 0 ? "" : `, ${count(dropped, "row")} with missing values left out`;
  return (
    `${printable(name)}: ${count(train.rows, "row")} to train on, ${formatCount(test.rows)} to test on, ` +
    `${formatShape(train.shape)} inputs, ${task}${left}`
  );
}

/** The part of a document that says which data it is about. */
export interface DataFacts {
  readonly name: string;
  readonly sha256: string;
  readonly trainRows: number;
  readonly testRows: number;
  readonly shape: readonly number[];
  readonly classes: number;
  readonly files?: OpenData["files"];
}

export function dataFacts({ name, sha256, train, test, files }: OpenData): DataFacts {
  return {
    ...{ name, sha256, trainRows: train.rows, testRows: test.rows },
    ...{ shape: train.shape, classes: train.classes },
    ...(files === undefined ? {} : { files }),
  };
}
