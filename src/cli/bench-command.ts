import type { Command } from "commander";
import { bench } from "./bench.ts";
import type { ProfileCommandOptions } from "./bench-profile.ts";
import { profile } from "./bench-profile.ts";
import type { SuiteName } from "./bench-suites.ts";
import { SUITES } from "./bench-suites.ts";
import type { WorkloadName } from "./bench-workloads.ts";
import { WORKLOADS } from "./bench-workloads.ts";
import type { ContextOf, Finish } from "./commands.ts";
import { option } from "./commands.ts";
import { UsageError } from "./exit.ts";
import { BENCH_HELP } from "./help.ts";
import { activationOption } from "./network-options.ts";
import { choice, hidden, OPTIMIZERS, whole } from "./options.ts";

const SUITE_NAMES = Object.keys(SUITES) as SuiteName[];
/** Other names that suites are asked for by. */
const ALIASES: Readonly<Record<string, SuiteName>> = {
  softmax: "losses",
  rng: "random",
  optimiser: "optimizers",
  optimisers: "optimizers",
};
const WORKLOAD_NAMES = Object.keys(WORKLOADS) as WorkloadName[];

/** What is only for `--profile`. */
const NETWORK = ["inputs", "hidden", "outputs", "activation", "optimizer", "batch", "all"] as const;

type Options = ProfileCommandOptions & { readonly profile?: boolean };

export function addBench(program: Command, context: ContextOf, finish: Finish): void {
  const command = program
    .command("bench [what...]")
    .description(
      "Measures the core's kernels and whole training steps, beside what this machine can do at most; or shows where a step's time goes.",
    )
    .option("--quick", "short samples: a few seconds, coarse figures")
    .option("--profile", "the time of each instruction of a training step")
    .addOption(
      option("--inputs <n>", "of the network to profile; default: 784").argParser(
        whole("--inputs"),
      ),
    )
    .addOption(
      option("--hidden <sizes>", "units of its hidden layers; default: 512,256").argParser(
        hidden("--hidden"),
      ),
    )
    .addOption(option("--outputs <n>", "its outputs; default: 10").argParser(whole("--outputs")))
    .addOption(
      option("--activation <name>", "of its hidden layers; default: relu").argParser(
        activationOption("--activation"),
      ),
    )
    .addOption(
      option("--optimizer <name>", `${OPTIMIZERS.join(", ")}; default: sgd`).argParser(
        choice("--optimizer", OPTIMIZERS),
      ),
    )
    .addOption(option("--batch <rows>", "rows of a step; default: 128").argParser(whole("--batch")))
    .option("--all", "with --profile: every instruction in a row of its own")
    .addHelpText("after", BENCH_HELP);
  command.action(async (what: readonly string[], options: Options) => {
    const { threads } = context(command);
    if (threads !== "auto" && threads > 1) {
      throw new UsageError(`--threads: bench measures one thread, got ${threads}`);
    }
    const isProfile = options.profile === true;
    const extra = NETWORK.find((name) => options[name] !== undefined);
    if (!isProfile && extra !== undefined) {
      throw new UsageError(`--${extra} describes a network to profile; give --profile too`);
    }
    if (isProfile) {
      const names = what.map(choice("bench --profile", WORKLOAD_NAMES));
      if (names.length > 0 && extra !== undefined && extra !== "all") {
        throw new UsageError(
          `--${extra} describes another network than ${names[0]}; give one of the two`,
        );
      }
      const chosen = names.length > 0 ? names : WORKLOAD_NAMES;
      return finish(await profile(chosen, options, context(command)));
    }
    const names = what.map((name) => choice("bench", SUITE_NAMES)(ALIASES[name] ?? name));
    const chosen = names.length > 0 ? names : SUITE_NAMES;
    return finish(await bench(chosen, options, context(command)));
  });
}
