import type { Command } from "commander";
import type { ContextOf, Finish } from "./commands.ts";
import { activation, addNetworkOptions, addTableOptions, option } from "./commands.ts";
import { UsageError } from "./exit.ts";
import {
  INIT_CALC_HELP,
  INIT_EXPLAIN_HELP,
  INIT_HELP,
  INIT_LINT_HELP,
  INIT_LIST_HELP,
  INIT_SHOW_HELP,
} from "./help.ts";
import type { CalcOptions, ShowOptions } from "./init.ts";
import { calcScheme, listSchemes, showScheme } from "./init.ts";
import type { NetworkDescription } from "./init-network.ts";
import { explainNetwork, lintNetwork } from "./init-network.ts";
import { whole } from "./options.ts";

/** The largest fan that is calculated with. */
const MOST = 1e9;

export function addInit(program: Command, context: ContextOf, finish: Finish): void {
  const init = program
    .command("init")
    .description(
      "Lists the schemes, shows one, calculates with it; explains and checks the initial values of a network.",
    )
    .addHelpText("after", INIT_HELP);
  const list = init
    .command("list [word]")
    .description("lists the schemes, or those whose name, alias or family contains a word")
    .addHelpText("after", INIT_LIST_HELP);
  list.action(async (word: string | undefined) => finish(await listSchemes(word, context(list))));

  const show = init
    .command("show <scheme>")
    .description("shows a scheme: formula, options, use, source, and a histogram of a sample")
    .addOption(activation("activation behind the sample").default("linear"))
    .addHelpText("after", INIT_SHOW_HELP);
  show.action(async (text: string, options: ShowOptions) =>
    finish(await showScheme(text, options, context(show))),
  );

  const calc = init
    .command("calc <scheme>")
    .description("works out variance, deviation and limit for given fans")
    .addOption(
      option("--fan-in <n>", "terms summed into one output")
        .argParser(whole("--fan-in", 1, MOST))
        .makeOptionMandatory(),
    )
    .addOption(
      option("--fan-out <n>", "outputs that one input feeds; default: as --fan-in").argParser(
        whole("--fan-out", 1, MOST),
      ),
    )
    .addOption(activation("activation that follows").default("linear"))
    .addHelpText("after", INIT_CALC_HELP);
  calc.action(async (text: string, options: CalcOptions) =>
    finish(await calcScheme(text, options, context(calc))),
  );

  const explain = init
    .command("explain [file]")
    .description(
      "explains the initial values of a saved network, or of one described as for train: scheme, fans, theory, measurement",
    )
    .addHelpText("after", INIT_EXPLAIN_HELP);
  addDescription(explain);
  explain.action(async (file: string | undefined, options: NetworkDescription) => {
    checkOne(file, explain);
    finish(await explainNetwork(file, options, context(explain)));
  });

  const lint = init
    .command("lint [file]")
    .description("checks the initial values of a saved network, or of one described as for train")
    .addHelpText("after", INIT_LINT_HELP);
  addDescription(lint);
  lint.action(async (file: string | undefined, options: NetworkDescription) => {
    checkOne(file, lint);
    finish(await lintNetwork(file, options, context(lint)));
  });
}

function addDescription(command: Command): void {
  addNetworkOptions(command);
  addTableOptions(command);
}

/** A file says itself what the network is. */
function checkOne(file: string | undefined, command: Command): void {
  const given = command.options.find(
    (o) => command.getOptionValueSource(o.attributeName()) === "cli",
  );
  if (file === undefined || given === undefined) return;
  throw new UsageError(
    `${given.long}: a saved network says itself what it is; leave ${given.long} out, or the file`,
  );
}
