import { Command, CommanderError, Option } from "commander";
import { version } from "../index.ts";
import type { Finish } from "./commands.ts";
import { addCompare, addData, addDoctor, addPredict, addTrain } from "./commands.ts";
import type { Context, GlobalOptions } from "./context.ts";
import type { ExitCode } from "./exit.ts";
import { EXIT, failureOf } from "./exit.ts";
import { PROGRAM_HELP } from "./help.ts";
import { addInit } from "./init-commands.ts";
import { choice, threadsOrAuto, whole } from "./options.ts";
import type { Streams } from "./output.ts";
import { Output } from "./output.ts";
import { enableRelaxed } from "./relaxed.ts";

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
    ["train", "compare", "predict", "init", "doctor", "data"].includes(word),
  );
  return `headstart ${command === undefined ? "" : `${command} `}--help`;
}

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
      new Option("--seed <number>", "seeds weights, order of rows and dropout")
        .argParser(whole("--seed", 0))
        .default(1),
    )
    .addOption(
      new Option(
        "--variant <name>",
        "core to run on; default: the fastest (compare: simd)",
      ).argParser(choice("--variant", ["simd", "relaxed"])),
    )
    .addOption(
      new Option("--threads <n>", "threads of a network; auto: the machine's cores (compare: 1)")
        .argParser(threadsOrAuto("--threads"))
        .default("auto"),
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
    const { seed, variant, threads } = globals;
    return { output: new Output(streams, globals), seed, variant, threads };
  };
  addTrain(program, context, finish);
  addCompare(program, context, finish);
  addPredict(program, context, finish);
  addInit(program, context, finish);
  addDoctor(program, context, finish);
  addData(program, context, finish);
  return program;
}
