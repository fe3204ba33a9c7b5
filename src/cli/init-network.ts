import type { Finding } from "../diagnostics/index.ts";
import { lint, RULES, recommend } from "../diagnostics/index.ts";
import type { Explanation } from "../index.ts";
import { Network, version } from "../index.ts";
import { describeRounded, initializer } from "../init/index.ts";
import type { Context } from "./context.ts";
import type { TableOptions } from "./data.ts";
import { openData } from "./data.ts";
import type { ExitCode } from "./exit.ts";
import { asUsage, EXIT } from "./exit.ts";
import { readModel } from "./model.ts";
import { bodyOf, lossOf, presetOf } from "./recipe.ts";
import { table } from "./table.ts";
import { count, formatShape, formatShort } from "./text.ts";
import type { TrainOptions } from "./train.ts";

// What a saved network's, or a described network's, initial values are.

/** The options of `train` that describe a network. */
export type NetworkDescription = TableOptions &
  Pick<TrainOptions, "data" | "hidden" | "activation" | "init" | "dropout" | "loss">;

/** `headstart init explain` */
export async function explainNetwork(
  file: string | undefined,
  options: NetworkDescription,
  context: Context,
): Promise<ExitCode> {
  const { output } = context;
  const network = await networkOf(file, options, context);
  const parameters = network.explain();
  const findings = lint(network);
  const recommendations = recommend(network);
  const right = { align: "right" } as const;
  output.print(
    table(
      [
        ...[{ head: "parameter" }, { head: "shape" }, { head: "scheme" }],
        ...[{ head: "fan in", ...right }, { head: "fan out", ...right }, { head: "before" }],
        ...[
          { head: "gain", ...right },
          { head: "std", ...right },
          { head: "measured", ...right },
        ],
        { head: "as drawn" },
      ],
      parameters.map((p) => [
        ...[
          p.name,
          formatShape(p.shape),
          rounded(p.scheme),
          `${p.fanIn}`,
          `${p.fanOut}`,
          p.activation,
        ],
        ...[formatShort(p.gain), formatShort(p.theory.std), formatShort(p.measured.std)],
        verdictText(p),
      ]),
      output.tableWidth,
    ),
  );
  output.print();
  const reasons = parameters.map(({ name, scheme, formula, source, why }) => {
    return { name, text: `${rounded(scheme)}: ${why.reason}. ${formula} (${source})` };
  });
  for (const line of grouped(reasons)) output.say(line);
  output.print();
  const others = recommendations.filter(({ isPresent }) => !isPresent);
  if (others.length > 0) output.print("What else would suit:");
  const suggestions = others.map(({ parameter: name, scheme, reason }) => {
    return { name, text: `${scheme}: ${reason}` };
  });
  for (const line of grouped(suggestions)) output.say(line);
  if (others.length > 0) output.print();
  reportFindings(findings, context);
  if (file !== undefined && parameters.some(({ verdict }) => !verdict.passes)) {
    output.note("after training, values are no longer a draw of their scheme");
  }
  output.document({
    ...{ command: "init explain", version, source: file ?? null },
    ...{ parameters, recommendations, findings },
  });
  return EXIT.ok;
}

/** `headstart init lint`: 1 when it finds something. */
export async function lintNetwork(
  file: string | undefined,
  options: NetworkDescription,
  context: Context,
): Promise<ExitCode> {
  const network = await networkOf(file, options, context);
  const findings = lint(network);
  reportFindings(findings, context);
  const rules = Object.fromEntries(findings.map(({ rule }) => [rule, RULES[rule]]));
  context.output.document({
    ...{ command: "init lint", version, source: file ?? null },
    ...{ findings, rules },
  });
  return findings.length === 0 ? EXIT.ok : EXIT.failed;
}

/** A scheme's text with its numbers as people read them. */
function rounded(scheme: string): string {
  return describeRounded(initializer(scheme));
}

/** Each text once, behind the names it is about. */
function grouped(
  lines: readonly { readonly name: string; readonly text: string }[],
): readonly string[] {
  return [...new Set(lines.map(({ text }) => text))].map((text) => {
    const names = lines.filter((line) => line.text === text).map(({ name }) => name);
    const more = names.length > 3 ? ` and ${names.length - 3} more` : "";
    return `${names.slice(0, 3).join(", ")}${more}: ${text}`;
  });
}

/** Findings of a rule that are printed; `--json` has all of them. */
const SHOWN = 2;

function reportFindings(findings: readonly Finding[], { output }: Context): void {
  const { bold, green } = output.colors;
  output.print(
    findings.length === 0 ? green("no findings") : `${count(findings.length, "finding")}:`,
  );
  for (const rule of new Set(findings.map((finding) => finding.rule))) {
    const own = findings.filter((finding) => finding.rule === rule);
    output.say(`${bold(rule)}: ${RULES[rule]}`);
    for (const { parameter, message, mend } of own.slice(0, SHOWN)) {
      output.say(`  ${parameter}: ${message}; ${mend}`);
    }
    if (own.length > SHOWN) output.print(`  and ${own.length - SHOWN} more`);
  }
}

function verdictText({ verdict }: Explanation): string {
  const { test, statistic, limit, passes } = verdict;
  const numbers =
    test === "equality" ? "" : ` (${formatShort(statistic)} of ${formatShort(limit)})`;
  return `${passes ? "yes" : "no"}${numbers}`;
}

async function networkOf(
  file: string | undefined,
  options: NetworkDescription,
  { seed, variant, threads }: Context,
): Promise<Network> {
  if (file !== undefined) return (await readModel(file, { variant, threads })).network;
  const { train } = await openData(options.data, options);
  return asUsage(() =>
    Network.create({
      input: train.shape,
      body: bodyOf(options, train),
      loss: lossOf(options.loss, train),
      seed,
      ...presetOf(options),
      ...(variant === undefined ? {} : { variant }),
    }),
  );
}
