import { Command, CommanderError, Help, Option } from "commander";
import type { Turbo } from "../node.ts";
import { version } from "../version.ts";
import type { ContextOf, Finish } from "./commands.ts";
import type { Context, GlobalOptions } from "./context.ts";
import type { ExitCode } from "./exit.ts";
import { EXIT, failureOf } from "./exit.ts";
import { PROGRAM_HELP } from "./help.ts";
import { choice, refuse, threadsOrAuto, whole } from "./options.ts";
import type { Streams } from "./output.ts";
import { Output } from "./output.ts";
import { enableRelaxed } from "./relaxed.ts";

type Add = (program: Command, context: ContextOf, finish: Finish) => void;

/**
 * What each command is for, and where its options and its work are. They are loaded only for a command that the command line names:
 * the program starts in a fraction of the time that the whole library takes.
 */
const COMMANDS: Readonly<Record<string, { readonly summary: string; load(): Promise<Add> }>> = {
  train: {
    summary: "train a network",
    load: async () => (await import("./commands.ts")).addTrain,
  },
  compare: {
    summary: "compare weight initialisations",
    load: async () => (await import("./commands.ts")).addCompare,
  },
  predict: {
    summary: "use a saved network",
    load: async () => (await import("./commands.ts")).addPredict,
  },
  init: {
    summary: "look at weight initialisations",
    load: async () => (await import("./init-commands.ts")).addInit,
  },
  doctor: {
    summary: "check this machine",
    load: async () => (await import("./commands.ts")).addDoctor,
  },
  bench: {
    summary: "measure the speed on this machine",
    load: async () => (await import("./bench-command.ts")).addBench,
  },
  data: {
    summary: "list and describe data sets",
    load: async () => (await import("./commands.ts")).addData,
  },
};

/** Runs one command line and gives the process's exit code; nothing is thrown. */
export async function run(argv: readonly string[], streams: Streams): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.ok;
  const program = await describeProgram(argv, streams, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(argv, { from: "user" });
    return exitCode;
  } catch (error) {
    return reportFailure(error, argv, streams, program);
  }
}

/** Asked-for help is no failure; anything else is one sentence on stderr, and with `--json` a document on stdout too. */
function reportFailure(
  error: unknown,
  argv: readonly string[],
  streams: Streams,
  program: Command,
): ExitCode {
  if (error instanceof CommanderError && error.exitCode === 0) return EXIT.ok;
  if (error instanceof CommanderError && error.code === "commander.help") return EXIT.usage;
  // The options may be what is wrong, so they are looked for in the text.
  const output = new Output(streams, { json: argv.includes("--json") });
  const failure = failureOf(error, helpFor(argv, program));
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

/** `headstart init calc --help`: of the command that was asked for, or of the group it is in. */
function helpFor(argv: readonly string[], program: Command): string {
  const path = ["headstart"];
  let command: Command | undefined = program;
  for (const word of argv) {
    const inner: Command | undefined = command.commands.find((c) => c.name() === word);
    if (inner === undefined) continue;
    path.push(word);
    command = inner;
  }
  return `${path.join(" ")} --help`;
}

/** What the environment asks for; no value is no request. */
function asksForTurbo(value = ""): boolean {
  if (["1", "true", "yes"].includes(value)) return true;
  if (["", "0", "false", "no"].includes(value)) return false;
  return refuse("HEADSTART_TURBO", "1, true or yes (or 0, false or no)", value);
}

async function describeProgram(
  argv: readonly string[],
  streams: Streams,
  finish: Finish,
): Promise<Command> {
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
    .option(
      "--turbo",
      "let V8 make the kernels faster where it can (experimental), also HEADSTART_TURBO=1 (or true, yes); doctor tells more",
    )
    .addOption(
      new Option("--threads <n>", "threads of a network; auto: the machine's cores (compare: 1)")
        .argParser(threadsOrAuto("--threads"))
        .default("auto"),
    )
    .configureHelp({ showGlobalOptions: true, subcommandTerm: termOf })
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
    return { output: new Output(streams, globals), seed, variant, threads, turbo };
  };
  let turbo: Turbo | undefined;
  program.hook("preAction", async (_, command) => {
    const { turbo: asked, variant, threads } = command.optsWithGlobals() as GlobalOptions;
    if (!(asked ?? asksForTurbo(process.env.HEADSTART_TURBO))) return;
    const used = variant ?? (command.name() === "compare" ? "simd" : undefined);
    const { enableTurbo } = await import("../node.ts");
    turbo = await enableTurbo({ ...(used === undefined ? {} : { variant: used }), threads });
  });
  for (const [name, { summary, load }] of Object.entries(COMMANDS)) {
    const add = argv.includes(name) ? await load() : () => program.command(name);
    add(program, context, finish);
    program.commands.at(-1)!.summary(summary);
  }
  return program;
}

/** In a list of commands: those of the program by their names alone, since what they take may not be loaded. */
function termOf(command: Command): string {
  if (command.parent?.parent == null) return command.name();
  return new Help().subcommandTerm(command);
}
