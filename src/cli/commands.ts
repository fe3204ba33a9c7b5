import type { Command } from "commander";
import { Option } from "commander";
import { PRESETS } from "../init/index.ts";
import type { CompareCommandOptions } from "./compare.ts";
import { compare } from "./compare.ts";
import type { Context } from "./context.ts";
import type { TableOptions } from "./data.ts";
import { listDatasets, showDataset } from "./datasets.ts";
import { doctor } from "./doctor.ts";
import type { ExitCode } from "./exit.ts";
import { EXIT } from "./exit.ts";
import { COMPARE_HELP, DATA_HELP, DOCTOR_HELP, PREDICT_HELP, TRAIN_HELP } from "./help.ts";
import { activationOption, schemeOrLibrary, schemes } from "./network-options.ts";
import {
  choice,
  classWeights,
  column,
  delimiter,
  depth,
  every,
  hidden,
  nonNegative,
  OPTIMIZERS,
  positive,
  rateOrAuto,
  share,
  whole,
} from "./options.ts";
import type { PredictOptions } from "./predict.ts";
import { predict } from "./predict.ts";
import type { TrainOptions } from "./train.ts";
import { LOSSES, SCHEDULES, train } from "./train.ts";

// Each function adds one command with its options.

/** Takes the exit code of a command. */
export type Finish = (code: ExitCode) => void;

/** Steps and rows are counted in 32 bits. */
const MOST = 2 ** 31 - 1;

const DEFAULT_SCHEMES = [
  "he_normal",
  "glorot_uniform",
  "lecun_normal",
  "orthogonal",
  "small_random",
  "standard_normal",
  "zeros",
  "constant",
];

/** The context of a command, once its options are parsed. */
export type ContextOf = (command: Command) => Context;

export function addTrain(program: Command, context: ContextOf, finish: Finish): void {
  const command = program
    .command("train")
    .description(
      "Trains a network of dense layers and checks it on the test part after each epoch.",
    );
  addNetworkOptions(command);
  command
    .addOption(optimizer("adam"))
    .addOption(
      option("--lr <rate>", "learning rate; default: the optimiser's usual one").argParser(
        positive("--lr"),
      ),
    )
    .addOption(
      option("--epochs <n>", "passes over the data")
        .argParser(whole("--epochs", 1, MOST))
        .default(20),
    )
    .addOption(
      option("--batch <rows>", "rows of a step")
        .argParser(whole("--batch", 1, MOST))
        .default(32),
    )
    .addOption(
      option("--schedule <name>", "constant; step: a tenth after each third; cosine: to 0")
        .argParser(choice("--schedule", SCHEDULES))
        .default("constant"),
    )
    .addOption(
      option("--warmup <steps>", "steps of linear warm-up")
        .argParser(whole("--warmup", 0, MOST))
        .default(0),
    )
    .addOption(
      option("--clip <norm>", "clip gradients to this global norm").argParser(positive("--clip")),
    )
    .addOption(
      option("--weight-decay <x>", "L2 penalty; with adamw decoupled decay").argParser(
        nonNegative("--weight-decay"),
      ),
    )
    .addOption(
      option(
        "--class-weights <numbers>",
        'weight of each class in the loss, or "balanced" for rare classes to count as much',
      ).argParser(classWeights("--class-weights")),
    )
    .option("--no-standardise", "use the inputs (and targets of a regression) as they are")
    .option("--fail-on-divergence", `exit with ${EXIT.diverged} when training diverges`)
    .option("--save <file>", "save the network as safetensors, with how its data were prepared")
    .option(
      "--checkpoint <folder>",
      "write the training down there now and then, so that it can be resumed",
    )
    .addOption(
      option("--checkpoint-every <time>", "how often: 30s, 5m, 1h, 200steps")
        .argParser(every("--checkpoint-every"))
        .default({ seconds: 30 }, "30s"),
    )
    .option("--resume <folder>", "go on with the training that was written down there")
    .addHelpText("after", TRAIN_HELP);
  addTableOptions(command);
  command.action(async (options: TrainOptions) =>
    finish(await train(options, context(command), givenOptions(command))),
  );
}

export function addCompare(program: Command, context: ContextOf, finish: Finish): void {
  const command = program
    .command("compare")
    .description(
      "Trains one deep network under several weight initialisations and shows which ones learn.",
    )
    .addOption(dataOption().default("digits"))
    .addOption(
      option("--depth <n>", "weight layers, output included")
        .argParser(depth("--depth"))
        .default(30),
    )
    .addOption(
      option("--width <n>", "units of each hidden layer").argParser(whole("--width")).default(64),
    )
    .addOption(activation())
    .addOption(
      option(
        "--init <schemes>",
        "weight initialisations, or libraries for their defaults (torch, keras, ...), separated by commas",
      )
        .argParser(schemes("--init"))
        .default(DEFAULT_SCHEMES, DEFAULT_SCHEMES.join(",")),
    )
    .addOption(optimizer("momentum"))
    .addOption(
      option("--lr <rate>", '"auto" finds the best rate for each scheme')
        .argParser(rateOrAuto("--lr"))
        .default("auto"),
    )
    .addOption(
      option("--steps <n>", "steps of each run")
        .argParser(whole("--steps", 1, MOST))
        .default(300),
    )
    .addOption(
      option("--seeds <n>", "runs of each scheme, with seeds from --seed up")
        .argParser(whole("--seeds", 1, 1000))
        .default(3),
    )
    .addOption(
      option("--batch <rows>", "rows of a step")
        .argParser(whole("--batch", 1, MOST))
        .default(100),
    )
    .addOption(
      option("--workers <n>", "runs at a time; default: the machine's cores").argParser(
        whole("--workers", 1, 256),
      ),
    )
    .addHelpText("after", COMPARE_HELP);
  addTableOptions(command);
  command.action(async (options: CompareCommandOptions) =>
    finish(await compare(options, context(command))),
  );
}

export function addPredict(program: Command, context: ContextOf, finish: Finish): void {
  const command = program
    .command("predict")
    .description("Gives the class and its probability, or the value, of each row.")
    .addOption(option("--model <file>", "what headstart train --save wrote").makeOptionMandatory())
    .addOption(dataOption().makeOptionMandatory())
    .addOption(
      option("--out <format>", "table or csv")
        .argParser(choice("--out", ["table", "csv"]))
        .default("table"),
    )
    .addOption(
      option("--limit <rows>", "rows of the table; 0 for all")
        .argParser(whole("--limit", 0))
        .default(20),
    )
    .addHelpText("after", PREDICT_HELP);
  addTableOptions(command);
  command.action(async (options: PredictOptions) =>
    finish(await predict(options, context(command))),
  );
}

export function addDoctor(program: Command, context: ContextOf, finish: Finish): void {
  const command = program
    .command("doctor")
    .description("Says what the engine offers, why a thing is off, and how fast the core is here.")
    .addHelpText("after", DOCTOR_HELP);
  command.action(async () => finish(await doctor(context(command))));
}

export function addData(program: Command, context: ContextOf, finish: Finish): void {
  const data = program
    .command("data")
    .description(
      "Lists the data sets that come with the package, or describes one, or a file of your own.",
    )
    .addHelpText("after", DATA_HELP);
  const list = data.command("list").description("lists the data sets that come with the package");
  list.action(async () => finish(await listDatasets(context(list))));
  const info = data
    .command("info <source>")
    .description("describes a data set: rows, shape, classes, licence, sha256");
  addTableOptions(info);
  info.action(async (source: string, options: TableOptions) =>
    finish(await showDataset(source, options, context(info))),
  );
}

/** Names of the options that were given on the command line, rather than left at their defaults. */
function givenOptions(command: Command): readonly string[] {
  return Object.keys(command.optsWithGlobals()).filter(
    (name) => command.getOptionValueSourceWithGlobals(name) === "cli",
  );
}

/** What describes a network of dense layers: its data, layers, activation, initialisation and loss. */
export function addNetworkOptions(command: Command): void {
  command
    .addOption(dataOption().default("digits"))
    .addOption(
      option("--hidden <sizes>", 'units of the hidden layers, or "none"')
        .argParser(hidden("--hidden"))
        .default([128, 64], "128,64"),
    )
    .addOption(activation())
    .addOption(
      option(
        "--init <scheme>",
        `weight initialisation, or a library for its defaults (${Object.keys(PRESETS).join(", ")}); default: the one for the activation`,
      ).argParser(schemeOrLibrary("--init")),
    )
    .addOption(
      option("--loss <name>", LOSSES.join(", "))
        .argParser(choice("--loss", LOSSES))
        .default("auto"),
    )
    .addOption(
      option("--dropout <share>", "dropout after each hidden layer")
        .argParser(share("--dropout"))
        .default(0),
    );
}

export function option(flags: string, description: string): Option {
  return new Option(flags, description);
}

function dataOption(): Option {
  return option("--data <source>", "a data set (headstart data list), a table, or IDX files");
}

export function activation(about = "activation of the hidden layers"): Option {
  return option("--activation <name>", about)
    .argParser(activationOption("--activation"))
    .default("relu");
}

function optimizer(name: (typeof OPTIMIZERS)[number]): Option {
  return option("--optimizer <name>", OPTIMIZERS.join(", "))
    .argParser(choice("--optimizer", OPTIMIZERS))
    .default(name);
}

/** How a table of one's own is read. */
export function addTableOptions(command: Command): void {
  command
    .addOption(
      option(
        "--label <column>",
        "of a table: column of the targets, by name or index; default: the last",
      ).argParser(column),
    )
    .addOption(
      option("--task <kind>", "of a table: auto, classification, regression").argParser(
        choice("--task", ["auto", "classification", "regression"]),
      ),
    )
    .addOption(
      option("--missing <what>", "of a table: error, or drop rows with missing values").argParser(
        choice("--missing", ["error", "drop"]),
      ),
    )
    .addOption(
      option("--delimiter <char>", "of a table: between cells").argParser(delimiter("--delimiter")),
    )
    .option("--header", "of a table: the first row names the columns")
    .option("--no-header", "of a table: the first row is data");
}
