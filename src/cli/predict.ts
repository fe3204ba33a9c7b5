import type { Dataset } from "../data/index.ts";
import type { Network } from "../index.ts";
import { version } from "../index.ts";
import { confusionTable, SHOWN_CLASSES } from "./confusion.ts";
import type { Context } from "./context.ts";
import type { TableOptions } from "./data.ts";
import type { ExitCode } from "./exit.ts";
import { EXIT, FileError } from "./exit.ts";
import { readModel } from "./model.ts";
import { rowsFor } from "./predict-data.ts";
import { scoreText, showPredictions, toCsv } from "./predict-report.ts";
import { classCountOf, predictClasses, predictValues } from "./predictions.ts";
import type { Preprocessing } from "./preprocessing.ts";
import { classNamesOf, preprocess, unscale } from "./preprocessing.ts";
import { count, printable } from "./text.ts";

export interface PredictOptions extends TableOptions {
  readonly model: string;
  readonly data: string;
  readonly out: "table" | "csv";
  /** Rows of the table; 0 for all. */
  readonly limit: number;
}

/** `headstart predict` */
export async function predict(options: PredictOptions, context: Context): Promise<ExitCode> {
  const { output } = context;
  const { network, preprocessing } = await readModel(options.model, context);
  if (preprocessing === undefined) {
    output.note(
      "the model does not say how its data were prepared (headstart train --save does), so they are used as they are",
    );
  }
  const prepared = preprocessing ?? asTheyAre(network);
  const { name, dataset, labels } = await rowsFor(options.data, options, prepared);
  const { inputs } = preprocess(dataset, { ...prepared, targets: null });
  const names = prepared.classNames ?? namesFrom(dataset, network);
  const predictions =
    prepared.task === "classification"
      ? predictClasses(network, inputs, { names, labels })
      : predictValues(network, inputs, {
          unscale: (outputs) => unscale(outputs, prepared.targets),
          targets: labels,
        });

  const summary = `${printable(name)}: ${count(predictions.rows.length, "row")}${scoreText(predictions)}`;
  if (options.out === "csv" && !output.json) {
    output.raw(toCsv(predictions));
    output.note(summary);
  } else {
    showPredictions(output, predictions, options.limit);
    output.print(summary);
    const confusion = predictions.task === "classification" ? predictions.confusion : undefined;
    if (confusion !== undefined && confusion.length <= SHOWN_CLASSES) {
      output.print(`\n${confusionTable(confusion, names, output)}`);
    }
  }
  const { rows, ...scores } = predictions;
  output.document({
    command: "predict",
    model: options.model,
    data: { name, rows: dataset.rows },
    ...scores,
    ...(prepared.task === "classification" ? { classNames: names } : {}),
    predictions: rows,
    core: { variant: network.core.variant, version },
  });
  return EXIT.ok;
}

/** For a model that says nothing of its data. */
function asTheyAre({ recipe: { loss, input } }: Network): Preprocessing {
  const hasClasses = loss.targets === "classes" || loss.kind === "binary_cross_entropy";
  return {
    task: hasClasses ? "classification" : "regression",
    shape: input,
    inputs: null,
    targets: null,
    classNames: null,
    featureNames: null,
    label: null,
  };
}

/** For a model that does not name its classes: the names of the data, or numbers. */
function namesFrom(dataset: Dataset, network: Network): readonly string[] {
  const classes = classCountOf(network);
  if (dataset.classes === classes) return classNamesOf(dataset);
  if (dataset.classes < classes) return Array.from({ length: classes }, (_, i) => `${i}`);
  throw new FileError(
    `${printable(dataset.name)}: expected at most ${classes} classes, as the model tells apart, got ` +
      `${dataset.classes}; give data of the same kind`,
  );
}
