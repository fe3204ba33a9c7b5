import { loadCore } from "../core/core.ts";
import { meanAndVariance } from "../core/moments.ts";
import { streamKey } from "../core/rng.ts";
import type { ActivationLike } from "../index.ts";
import { version } from "../index.ts";
import type { Beyond } from "../init/beyond.ts";
import { PRETRAINED, PROCEDURES } from "../init/beyond.ts";
import type { Initializer, ParamSpec, Resolved, Scheme } from "../init/index.ts";
import {
  denseSpec,
  describeInitializer,
  fill,
  gain,
  initializer,
  POLICIES,
  resolve,
  SCHEMES,
  schemeOf,
  verify,
} from "../init/index.ts";
import { activationSpec } from "../ops/activation.ts";
import type { Context } from "./context.ts";
import type { ExitCode } from "./exit.ts";
import { asUsage, EXIT, UsageError } from "./exit.ts";
import { scheme as schemeParser } from "./network-options.ts";
import { pairs, shorten, table } from "./table.ts";
import { formatCount, formatShort, printable, wrap } from "./text.ts";
import { activationText } from "./train-report.ts";

/** `headstart init list` */
export async function listSchemes(
  word: string | undefined,
  { output }: Context,
): Promise<ExitCode> {
  const wanted = simplify(word ?? "");
  const matches = (row: Listed) =>
    [row.name, ...row.aliases, row.family].some((text) => simplify(text).includes(wanted));
  const found = SCHEMES.filter(matches);
  const others = OTHERS.filter(matches);
  if (found.length + others.length === 0) {
    throw new UsageError(
      `init list: no scheme, alias or family contains "${printable(word ?? "", 60)}"; headstart init list shows all ${SCHEMES.length}`,
    );
  }
  output.print(
    table(
      [
        { head: "name", isWhole: true },
        { head: "family" },
        { head: "also called" },
        { head: "use" },
      ],
      [...found, ...others].map(({ name, family, aliases, use }) => [
        name,
        family,
        shorten(aliases.join(", "), 30),
        shorten(use, 56),
      ]),
      output.columns,
    ),
  );
  output.print("\nheadstart init show NAME says more.");
  output.document({ command: "init list", version, schemes: found.map(schemeFacts), others });
  return EXIT.ok;
}

/** A row of the list. */
type Listed = Pick<Scheme, "name" | "aliases" | "use"> & { readonly family: string };

/** What is no scheme: rules over a whole network, and functions over one that exists. */
interface Other extends Listed {
  readonly family: "policy" | "procedure" | "pretrained";
  readonly options: string;
  readonly formula: string;
  readonly source: string;
  readonly property: string;
  /** How it is used. */
  readonly call: string;
}

const calling = (family: "procedure" | "pretrained") => (row: Beyond) => ({
  ...{ family, aliases: [], options: "those of the function", ...row },
  call: `${row.name}(network, …) of "headstart", over a network that exists`,
});

const OTHERS: readonly Other[] = [
  ...POLICIES.map(({ apply: _, defaults, ...row }) => ({
    ...{ family: "policy" as const, ...row, options: optionsText({ defaults }, { options: {} }) },
    call: `Network.create({ policy: "${row.name}", … })`,
  })),
  ...PROCEDURES.map(calling("procedure")),
  ...PRETRAINED.map(calling("pretrained")),
];

/** Letter case and what separates words do not count. */
function simplify(text: string): string {
  return text.toLowerCase().replace(/[^a-z0-9]/g, "");
}

function schemeFacts({ draw: _, ...facts }: Scheme): Omit<Scheme, "draw"> {
  return facts;
}

export interface ShowOptions {
  readonly activation: ActivationLike;
}

/** Inputs and outputs of the kernel that `init show` draws. */
const SAMPLE = [300, 100] as const;

/** `headstart init show` */
export async function showScheme(
  text: string,
  options: ShowOptions,
  context: Context,
): Promise<ExitCode> {
  const { output, seed, variant } = context;
  const [name = ""] = text.split(":");
  const isCalled = ({ name: own, aliases }: Listed) =>
    [own, ...aliases].some((known) => simplify(known) === simplify(name));
  const others = OTHERS.filter(isCalled);
  if (others.length > 0 && !SCHEMES.some(isCalled)) return showOthers(others, context);
  const described = initializer(schemeParser("init show")(text));
  const scheme = schemeOf(described.scheme);
  const spec = denseSpec(...SAMPLE, activationSpec(options.activation));
  const sample = await sampleOf(described, spec, { seed, variant });
  output.print(
    pairs(
      [
        ["scheme", describeInitializer(described)],
        ["also called", scheme.aliases.join(", ") || "-"],
        ["family", scheme.family],
        ["formula", scheme.formula],
        ["options", optionsText(scheme, described)],
        ["use", scheme.use],
        ["source", scheme.source],
        ["tested", scheme.property],
      ],
      output.columns,
    ),
  );
  output.print();
  if ("refused" in sample) {
    output.say(`no sample: a dense kernel is not what it is for (${sample.refused})`);
  } else {
    const { theory, measured, histogram } = sample;
    const { dim } = output.colors;
    output.say(
      `a kernel of ${SAMPLE.join(" x ")} before ${activationText(options.activation)}, seed ${seed}`,
    );
    for (const line of bars(histogram, Math.min(output.columns, 100) - 22)) output.print(line);
    output.say(
      dim(
        `mean ${formatShort(measured.mean)} (theory ${formatShort(theory.mean)}), std ${formatShort(measured.std)} (theory ${formatShort(theory.std)})`,
      ),
    );
  }
  printOthers(others, context);
  output.document({
    ...{ command: "init show", version, scheme: schemeFacts(scheme), options: described.options },
    sample: { shape: SAMPLE, activation: activationText(options.activation), seed, ...sample },
    others,
  });
  return EXIT.ok;
}

function showOthers(others: readonly Other[], context: Context): ExitCode {
  printOthers(others, context);
  context.output.document({ command: "init show", version, others });
  return EXIT.ok;
}

function printOthers(others: readonly Other[], { output }: Context): void {
  for (const { family, name, aliases, formula, options, use, source, property, call } of others) {
    output.print(
      pairs(
        [
          [family, name],
          ["also called", aliases.join(", ") || "-"],
          ["formula", formula],
          ["options", options],
          ["use", use],
          ["source", source],
          ["tested", property],
          ["call", call],
        ],
        output.columns,
      ),
    );
  }
}

function optionsText(
  { defaults }: Pick<Scheme, "defaults">,
  { options }: Pick<Initializer, "options">,
): string {
  const all = Object.entries({ ...defaults, ...options });
  return all.map(([key, value]) => `${key}=${value}`).join(", ") || "none";
}

/** Values counted in classes of equal width. */
export interface Histogram {
  readonly low: number;
  readonly high: number;
  readonly counts: readonly number[];
}

const CLASSES = 21;

/** A draw of the scheme, measured; a scheme that wants another kind of parameter says so. */
async function sampleOf(
  described: Initializer,
  spec: ParamSpec,
  { seed, variant }: Pick<Context, "seed" | "variant">,
) {
  const core = await loadCore(variant === undefined ? {} : { variant });
  const n = spec.shape.reduce((product, size) => product * size, 1);
  const at = core.arena.allocate(n * 4, "the sample");
  let resolved: Resolved;
  try {
    resolved = resolve(described, spec);
    const key = streamKey(seed, "kernel");
    fill(core, at, spec, described, key, (bytes) => core.arena.allocate(bytes, "scratch"));
  } catch (error) {
    // A wrong option is refused for every parameter; schemes for other kinds of parameters refuse this one.
    if (!(error instanceof RangeError || error instanceof TypeError)) throw error;
    if (Object.keys(described.options).length > 0) {
      throw new UsageError(`init show: ${error.message}`, { cause: error });
    }
    return { refused: error.message };
  }
  const values = core.arena.f32(at, n).slice();
  const { mean, variance } = meanAndVariance(values);
  const histogram = histogramOf(values);
  return {
    theory: resolved.theory,
    measured: { mean, std: Math.sqrt(variance) },
    verdict: verify(resolved.draw, spec, values),
    histogram,
  };
}

/** Classes between the least and the greatest value; around 0 when these are about as far from it. */
export function histogramOf(values: Float32Array): Histogram {
  const least = values.reduce((a, b) => Math.min(a, b), Infinity);
  const greatest = values.reduce((a, b) => Math.max(a, b), -Infinity);
  const isCentred = Math.abs(least + greatest) < 0.25 * (greatest - least);
  const reach = Math.max(-least, greatest);
  const [low, high] = isCentred ? [-reach, reach] : [least, greatest];
  const classes = low === high ? 1 : CLASSES;
  const counts = Array.from({ length: classes }, () => 0);
  for (const x of values) {
    const at = low === high ? 0 : Math.floor(((x - low) / (high - low)) * classes);
    counts[Math.min(at, classes - 1)]!++;
  }
  return { low, high, counts };
}

/** A line a class: its middle, a bar in eighths of a character, its count. */
export function bars({ low, high, counts }: Histogram, width: number): readonly string[] {
  const most = Math.max(...counts);
  const step = (high - low) / counts.length;
  return counts.map((count, i) => {
    const middle = counts.length === 1 ? low : low + (i + 0.5) * step;
    // What is 0 but for rounding is called 0.
    const label = formatShort(Math.abs(middle) < step * 1e-6 ? 0 : middle);
    const eighths = Math.round((8 * Math.max(1, width) * count) / most);
    const bar =
      "█".repeat(eighths >> 3) + (["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths & 7] ?? "");
    return `${label.padStart(10)} ${bar} ${count === 0 ? "" : formatCount(count)}`.trimEnd();
  });
}

export interface CalcOptions {
  readonly fanIn: number;
  /** Default: the same as `fanIn`. */
  readonly fanOut?: number;
  readonly activation: ActivationLike;
}

/** `headstart init calc` */
export async function calcScheme(
  text: string,
  { fanIn, fanOut = fanIn, activation }: CalcOptions,
  { output }: Context,
): Promise<ExitCode> {
  const described = initializer(schemeParser("init calc")(text));
  const spec = denseSpec(fanIn, fanOut, activationSpec(activation));
  const resolved = await asUsage(() => resolve(described, spec));
  const { draw, theory, scheme } = resolved;
  const variance = theory.std ** 2;
  const limit = Number.isFinite(theory.high) ? theory.high : null;
  const gainOf = gain(spec.activation);
  const handsOn = (fanIn * (variance + theory.mean ** 2)) / gainOf ** 2;
  const steps = workedSteps(resolved, { ...scheme.defaults, ...described.options }, spec);
  output.say(`${describeInitializer(described)}: ${scheme.formula}`);
  for (const step of steps) output.print(wrap(`  ${step}`, output.columns, "    "));
  output.print();
  output.print(
    pairs(
      [
        ["variance", formatShort(variance)],
        ["std", formatShort(theory.std)],
        ["limit", limit === null ? "none" : formatShort(limit)],
        ["gain", `${formatShort(gainOf)} for ${activationText(activation)}`],
        ["hands on", `${formatShort(handsOn)} of the second moment of the signal, a layer`],
      ],
      output.columns,
    ),
  );
  output.document({
    ...{ command: "init calc", version, scheme: described.scheme, options: described.options },
    ...{ fanIn, fanOut, activation: activationText(activation), gain: gainOf },
    ...{ distribution: draw.distribution, mean: theory.mean, variance, std: theory.std, limit },
    ...{ low: theory.low, high: theory.high, handsOn, steps },
  });
  return EXIT.ok;
}

/** How the numbers come about, a line a step. */
export function workedSteps(
  { draw, theory }: Pick<Resolved, "draw" | "theory">,
  options: Initializer["options"],
  { fanIn, fanOut }: ParamSpec,
): readonly string[] {
  const steps = [`fan_in = ${fanIn}, fan_out = ${fanOut}`];
  const n = fanText(String(options.mode), fanIn, fanOut);
  const { scale, slope } = options;
  const factor = 1 + (typeof slope === "number" ? slope * slope : 0);
  const variance = Number(scale) / (factor * (n?.value ?? Number.NaN));
  // Schemes whose formula has more to it than this keep it to themselves.
  if (n !== undefined && Math.abs(variance / theory.std ** 2 - 1) < 1e-6) {
    steps.push(`n = ${n.text}`);
    const spread = factor > 1 ? `((1 + ${slope}^2) ${short(n.value)})` : short(n.value);
    steps.push(`variance = scale / n = ${scale} / ${spread} = ${short(theory.std ** 2)}`);
    steps.push(`std = sqrt(variance) = ${short(theory.std)}`);
  }
  return [...steps, ...drawSteps(draw, theory)];
}

function fanText(mode: string, fanIn: number, fanOut: number) {
  switch (mode) {
    case "fan_in":
      return { value: fanIn, text: `fan_in = ${fanIn}` };
    case "fan_out":
      return { value: fanOut, text: `fan_out = ${fanOut}` };
    case "fan_avg": {
      const value = (fanIn + fanOut) / 2;
      return { value, text: `fan_avg = (${fanIn} + ${fanOut}) / 2 = ${short(value)}` };
    }
    case "fan_geo_avg": {
      const value = Math.sqrt(fanIn * fanOut);
      return { value, text: `fan_geo_avg = sqrt(${fanIn} * ${fanOut}) = ${short(value)}` };
    }
    default:
      return undefined;
  }
}

function drawSteps(draw: Resolved["draw"], theory: Resolved["theory"]): readonly string[] {
  // A mean that is 0 but for rounding is called 0.
  const near = (mean: number) => short(Math.abs(mean) < 1e-12 * theory.std ? 0 : mean);
  switch (draw.distribution) {
    case "constant":
      return [`every value is ${short(draw.value)}`];
    case "uniform":
      return [
        ...(draw.low === -draw.high ? [`limit = sqrt(3 variance) = ${short(draw.high)}`] : []),
        `w ~ U[${short(draw.low)}, ${short(draw.high)}), variance (high - low)^2 / 12 = ${short(theory.std ** 2)}`,
      ];
    case "normal":
      return [`w ~ N(${near(draw.mean)}, ${short(draw.std)}^2)`];
    case "truncated_normal":
      return [
        `sigma = ${short(draw.sigma)}: cut at ${short(draw.low)} and ${short(draw.high)} of it, std ${short(theory.std)} is left`,
        `w ~ N(${near(draw.mean)}, ${short(draw.sigma)}^2) on [${short(theory.low)}, ${short(theory.high)}]`,
      ];
    case "orthogonal":
      return [
        `W = ${short(draw.gain)} Q, the shorter side of Q orthonormal`,
        `variance = gain^2 / longer side = ${short(theory.std ** 2)}`,
      ];
    case "values":
      return [`values worked out one by one: mean ${near(theory.mean)}, std ${short(theory.std)}`];
  }
}

function short(x: number): string {
  return Number(x.toPrecision(6)).toString();
}
