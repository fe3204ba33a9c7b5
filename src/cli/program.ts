import { Command, CommanderError, Option } from "commander";
import { version } from "../index.ts";
import type { CompareCommandOptions } from "./compare.ts";
import { compare } from "./compare.ts";
import type { Context, GlobalOptions } from "./context.ts";
import type { TableOptions } from "./data.ts";
import { listDatasets, showDataset } from "./datasets.ts";
import { doctor } from "./doctor.ts";
import type { ExitCode } from "./exit.ts";
import { EXIT, failureOf } from "./exit.ts";
import {
  activationOption,
  choice,
  column,
  delimiter,
  depth,
  hidden,
  nonNegative,
  OPTIMIZERS,
  positive,
  rateOrAuto,
  scheme,
  schemes,
  share,
  whole,
} from "./options.ts";
import type { Streams } from "./output.ts";
import { Output } from "./output.ts";
import type { PredictOptions } from "./predict.ts";
import { predict } from "./predict.ts";
import { enableRelaxed } from "./relaxed.ts";
import type { TrainOptions } from "./train.ts";
import { LOSSES, SCHEDULES, train } from "./train.ts";

/** Steps and rows are counted in 32 bits. */
const MOST = 2 ** 31 - 1;

/** Runs one command line and gives the process's exit code; nothing is thrown. */
export async function run(argv: readonly string[], streams: Streams): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.ok;
  const program = describeProgram(streams, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(argv, { from: "user" });
    return exitCode;
  } catch (error) {
    return reportFailure(error, argv, streams);
  }
}

/** Asked-for help is no failure; anything else is one sentence on stderr, and with `--json` a document on stdout too. */
function reportFailure(error: unknown, argv: readonly string[], streams: Streams): ExitCode {
  if (error instanceof CommanderError && error.exitCode === 0) return EXIT.ok;
  if (error instanceof CommanderError && error.code === "commander.help") return EXIT.usage;
  // The options may be what is wrong, so they are looked for in the text.
  const output = new Output(streams, { json: argv.includes("--json") });
  const failure = failureOf(error, helpFor(argv));
  const { red } = output.errorColors;
  streams.stderr.write(`${red("headstart:")} ${failure.message}\n`);
  if (argv.includes("--verbose") && error instanceof Error) {
    streams.stderr.write(`${error.stack ?? ""}\n`);
    for (let cause = error.cause; cause instanceof Error; cause = cause.cause) {
      streams.stderr.write(`caused by ${cause.stack ?? cause.message}\n`);
    }
  }
  output.document({ error: failure });
  return failure.exitCode;
}

function helpFor(argv: readonly string[]): string {
  const command = argv.find((word) =>
    ["train", "compare", "predict", "doctor", "data"].includes(word),
  );
  return `headstart ${command === undefined ? "" : `${command} `}--help`;
}

type Finish = (code: ExitCode) => void;

function describeProgram(streams: Streams, finish: Finish): Command {
  const program = new Command("headstart")
    .description(
      "Trains deep networks on the CPU, and shows how they train under every weight initialisation.",
    )
    .version(version, "-V, --version", "print the version")
    .helpOption("-h, --help", "show this help")
    .helpCommand("help [command]", "show help for a command")
    .option("--json", "print one JSON document on stdout and everything else on stderr")
    .option("--quiet", "print only results and errors")
    .option("--verbose", "print stack traces of errors")
    .option("--no-color", "print without colour, as with the environment variable NO_COLOR")
    .addOption(
      option("--seed <number>", "seeds weights, order of rows and dropout")
        .argParser(whole("--seed", 0))
        .default(1),
    )
    .addOption(
      option("--variant <name>", "core to run on; default: the fastest (compare: simd)").argParser(
        choice("--variant", ["simd", "relaxed"]),
      ),
    )
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => streams.stdout.write(text),
      writeErr: (text) => streams.stderr.write(text),
      outputError: () => {}, // reportFailure says it
      getOutHelpWidth: () => Math.min(streams.stdout.columns ?? 100, 110),
      getErrHelpWidth: () => Math.min(streams.stderr.columns ?? 100, 110),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .exitOverride()
    .addHelpText("after", PROGRAM_HELP);
  const context = (command: Command): Context => {
    const globals = command.optsWithGlobals() as GlobalOptions;
    if (globals.variant === "relaxed") enableRelaxed();
    return { output: new Output(streams, globals), seed: globals.seed, variant: globals.variant };
  };
  addTrain(program, context, finish);
  addCompare(program, context, finish);
  addPredict(program, context, finish);
  addDoctor(program, context, finish);
  addData(program, context, finish);
  return program;
}

type ContextOf = (command: Command) => Context;

function addTrain(program: Command, context: ContextOf, finish: Finish): void {
  const command = program
    .command("train")
    .summary("train a network")
    .description(
      "Trains a network of dense layers and checks it on the test part after each epoch.",
    )
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
        "weight initialisation; default: the one for the activation",
      ).argParser(scheme("--init")),
    )
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
      option("--loss <name>", LOSSES.join(", "))
        .argParser(choice("--loss", LOSSES))
        .default("auto"),
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
      option("--dropout <share>", "dropout after each hidden layer")
        .argParser(share("--dropout"))
        .default(0),
    )
    .addOption(
      option("--weight-decay <x>", "L2 penalty; with adamw decoupled decay").argParser(
        nonNegative("--weight-decay"),
      ),
    )
    .option("--no-standardise", "use the inputs (and targets of a regression) as they are")
    .option("--fail-on-divergence", `exit with ${EXIT.diverged} when training diverges`)
    .option("--save <file>", "save the network as safetensors, with how its data were prepared")
    .addHelpText("after", TRAIN_HELP);
  addTableOptions(command);
  command.action(async (options: TrainOptions) => finish(await train(options, context(command))));
}

function addCompare(program: Command, context: ContextOf, finish: Finish): void {
  const command = program
    .command("compare")
    .summary("compare weight initialisations")
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
      option("--init <schemes>", "weight initialisations, separated by commas")
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

function addPredict(program: Command, context: ContextOf, finish: Finish): void {
  const command = program
    .command("predict")
    .summary("use a saved network")
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

function addDoctor(program: Command, context: ContextOf, finish: Finish): void {
  const command = program
    .command("doctor")
    .summary("check this machine")
    .description("Says what the engine offers, why a thing is off, and how fast the core is here.")
    .addHelpText("after", DOCTOR_HELP);
  command.action(async () => finish(await doctor(context(command))));
}

function addData(program: Command, context: ContextOf, finish: Finish): void {
  const data = program
    .command("data")
    .summary("list and describe data sets")
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

function option(flags: string, description: string): Option {
  return new Option(flags, description);
}

function dataOption(): Option {
  return option("--data <source>", "a data set (headstart data list), a table, or IDX files");
}

function activation(): Option {
  return option("--activation <name>", "activation of the hidden layers")
    .argParser(activationOption("--activation"))
    .default("relu");
}

function optimizer(name: (typeof OPTIMIZERS)[number]): Option {
  return option("--optimizer <name>", OPTIMIZERS.join(", "))
    .argParser(choice("--optimizer", OPTIMIZERS))
    .default(name);
}

/** How a table of one's own is read. */
function addTableOptions(command: Command): void {
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

const PROGRAM_HELP = `
Examples:
  headstart compare --data digits --depth 30 --init he_normal,glorot_uniform,orthogonal
  headstart train --data iris --hidden 16 --epochs 50 --save iris.safetensors
  headstart predict --model iris.safetensors --data iris
  headstart data list
  headstart doctor

Exit codes:
  ${EXIT.ok} done   ${EXIT.failed} failed   ${EXIT.usage} wrong usage, or sizes that do not fit   ${EXIT.diverged} diverged, with --fail-on-divergence
  ${EXIT.data} data or a model that cannot be used   ${EXIT.interrupted} stopped by Ctrl-C, with what was measured until then`;

const SOURCES = `
Data:
  --data digits            a data set that comes with the package
  --data spirals           one that is generated
  --data my.csv            a table (.csv .tsv .txt, also .gz); its last column is the target unless --label says another
  --data mnist/            a folder with MNIST's four IDX files (plain or .gz)
  --data images,labels     a pair of IDX files`;

const TRAIN_HELP = `${SOURCES}

Inputs are standardised with the training part's mean and deviation and clamped to 4 deviations; targets of a regression are
standardised too. Files without a test part are divided 80 : 20, the same way at every seed.

Examples:
  headstart train --data digits --hidden 128,64 --activation relu --init he_normal --optimizer adam --lr 1e-3 --epochs 20 --seed 1
  headstart train --data my.csv --label species --hidden 32 --schedule cosine --warmup 50 --save my.safetensors
  headstart train --data digits --lr 100 --optimizer sgd --fail-on-divergence; echo $?
  headstart train --data wine --json --quiet | jq .testAccuracy`;

const COMPARE_HELP = `${SOURCES}

A scheme may carry options: orthogonal:gain=1, truncated_normal:std=0.1,low=-1,high=1. PyTorch's, Keras's and JAX's spellings work.
With --lr auto the rates of a grid are tried with the first seed, more of them while the best one is at its edge, and the other
seeds run at the best one. The core is "simd", which gives the same numbers on every machine.

Examples:
  headstart compare --data digits --depth 30 --width 64 --activation relu --init he_normal,glorot_uniform,lecun_normal,orthogonal
  headstart compare --depth 10 --activation tanh --init glorot_uniform,he_normal --seeds 5
  headstart compare --init he_normal,zeros --lr 0.01 --json --quiet > result.json`;

const PREDICT_HELP = `${SOURCES}
  A table may lack the column of targets. Of a data set with a test part, that part is used.

Examples:
  headstart predict --model iris.safetensors --data iris
  headstart predict --model my.safetensors --data new.csv --out csv > predictions.csv
  headstart predict --model my.safetensors --data new.csv --json | jq .accuracy`;

const DOCTOR_HELP = `
Examples:
  headstart doctor
  headstart doctor --variant relaxed
  headstart doctor --json`;

const DATA_HELP = `
Examples:
  headstart data list
  headstart data info digits
  headstart data info my.csv --label species
  headstart data info /usr/share/datasets/fashion-mnist --json`;
