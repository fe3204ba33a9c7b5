import type { Dataset } from "../data/index.ts";
import { balancedWeights } from "../data/index.ts";
import type { Layer, Loss, Optimizer, Schedule } from "../index.ts";
import {
  adam,
  adamw,
  binaryCrossEntropy,
  constantRate,
  cosineDecay,
  dense,
  dropout as dropoutLayer,
  flatten,
  huber,
  meanAbsoluteError,
  meanSquaredError,
  momentum,
  nesterov,
  rmsprop,
  sequential,
  sgd,
  softmaxCrossEntropy,
  stepDecay,
} from "../index.ts";
import type { PresetName } from "../init/index.ts";
import { isPresetName } from "../init/index.ts";
import { UsageError } from "./exit.ts";
import { printable } from "./text.ts";
import type { TrainOptions } from "./train.ts";

// What the options of `train` describe, in the library's terms.

/** Hidden layers, each with dropout after it if there is any, and a layer of outputs; images are flattened first. */
export function bodyOf(
  {
    hidden,
    activation,
    init,
    dropout,
    loss,
  }: Pick<TrainOptions, "hidden" | "activation" | "init" | "dropout" | "loss">,
  train: Dataset,
): Layer {
  const isOwn = init === undefined || isPresetName(init);
  const kernel = isOwn ? {} : { kernelInitializer: init };
  const isBinary = loss === "binary_cross_entropy";
  const outputs = train.classes === 0 ? train.targetWidth : isBinary ? 1 : train.classes;
  return sequential(
    ...(train.shape.length > 1 ? [flatten()] : []),
    ...hidden.flatMap((units) => [
      dense(units, { activation, ...kernel }),
      ...(dropout > 0 ? [dropoutLayer(dropout)] : []),
    ]),
    dense(outputs, kernel),
  );
}

/** The library that `--init` names, if it names one and no scheme. */
export function presetOf({ init }: Pick<TrainOptions, "init">): { readonly preset?: PresetName } {
  return init !== undefined && isPresetName(init) ? { preset: init } : {};
}

/** `auto`: cross-entropy for classes, mean squared error for numbers. Throws a `UsageError` when a loss does not suit the targets. */
export function lossOf(
  name: TrainOptions["loss"],
  train: Dataset,
  classWeights?: TrainOptions["classWeights"],
): Loss {
  const isRegression = train.classes === 0;
  const wantsNumbers = name === "mse" || name === "mae" || name === "huber";
  if (name !== "auto" && wantsNumbers !== isRegression) {
    const [are, fit] = isRegression
      ? ["numbers", "mse, mae or huber"]
      : ["classes", "cross_entropy"];
    throw new UsageError(
      `--loss: ${name} does not suit ${printable(train.name)}, whose targets are ${are}; use ${fit}, or leave it out`,
    );
  }
  if (classWeights !== undefined && isRegression) {
    throw new UsageError(
      `--class-weights: the targets of ${printable(train.name)} are numbers; leave it out`,
    );
  }
  const numbers = classWeights === "balanced" ? balancedWeights(train) : classWeights;
  if (numbers !== undefined && numbers.length !== train.classes) {
    throw new UsageError(
      `--class-weights: expected ${train.classes} numbers, one for each class, got ${numbers.length}`,
    );
  }
  const weights = numbers === undefined ? {} : { classWeights: numbers };
  switch (name) {
    case "auto":
      return isRegression ? meanSquaredError() : softmaxCrossEntropy(weights);
    case "cross_entropy":
      return softmaxCrossEntropy(weights);
    case "binary_cross_entropy":
      if (train.classes === 2) return binaryCrossEntropy(weights);
      throw new UsageError(
        `--loss: binary_cross_entropy wants 2 classes, but ${printable(train.name)} has ${train.classes}; use cross_entropy`,
      );
    case "mse":
      return meanSquaredError();
    case "mae":
      return meanAbsoluteError();
    case "huber":
      return huber();
  }
}

const OPTIMIZERS = { sgd, momentum, nesterov, rmsprop, adam, adamw };

/** The optimiser with its usual constants; `rows` tells a schedule how many steps an epoch has. */
export function optimizerOf(options: TrainOptions, rows: number): Optimizer {
  const { lr, clip, weightDecay } = options;
  return OPTIMIZERS[options.optimizer]({
    schedule: scheduleOf(options, rows),
    ...(lr === undefined ? {} : { learningRate: lr }),
    ...(clip === undefined ? {} : { clipNorm: clip }),
    ...(weightDecay === undefined ? {} : { weightDecay }),
  });
}

/** `step`: a tenth after each third of the training; `cosine`: to 0 at its end. */
function scheduleOf({ schedule, warmup, epochs, batch }: TrainOptions, rows: number): Schedule {
  const steps = Math.max(1, epochs * Math.ceil(rows / Math.min(batch, rows)) - warmup);
  switch (schedule) {
    case "constant":
      return constantRate({ warmup });
    case "step":
      return stepDecay(Math.ceil(steps / 3), { warmup });
    case "cosine":
      return cosineDecay(steps, { warmup });
  }
}
