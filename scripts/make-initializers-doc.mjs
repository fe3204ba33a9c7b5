// Writes docs/initializers.md from the registry of schemes, as built; with --check it only says whether the page is current.

import * as fs from "node:fs";
import * as path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "./build.mjs";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const file = path.join(root, "docs/initializers.md");

build();
const load = (module) => import(pathToFileURL(path.join(root, "dist", module)).href);
const { POLICIES, PRESETS, SCHEMES, ...init } = await load("init/index.js");
const { NOT_HERE, PRETRAINED, PROCEDURES } = await load("init/beyond.js");
const { RULES } = await load("diagnostics/index.js");
const page = render();

if (process.argv.includes("--check")) {
  const isCurrent = fs.existsSync(file) && fs.readFileSync(file, "utf8") === page;
  if (!isCurrent) {
    console.error(
      "docs/initializers.md: expected the page that the registry gives; run node scripts/make-initializers-doc.mjs",
    );
    process.exit(1);
  }
} else {
  fs.writeFileSync(file, page);
}

function render() {
  const families = [...new Set(SCHEMES.map(({ family }) => family))];
  const lines = [
    "# Initializers",
    "",
    "Generated from `src/init/schemes` by `scripts/make-initializers-doc.mjs`; do not edit.",
    "",
    `${SCHEMES.length} schemes. A layer takes one by name, with options behind a colon (\`"he_normal"\`, \`"normal:std=0.02"\`), or as the`,
    "description that `initializer()` makes; `he_normal`, `heNormal`, `HeNormal` and `he_normal_` are one name, and so are a scheme's",
    "aliases. Fans are what the layer states: terms summed into one output, outputs that one input feeds, for each gate or group.",
    "`headstart init show NAME` draws one. *Tested* is the property that `tests/init` holds a scheme to.",
    "",
    "| Family | Schemes |",
    "|---|---|",
    ...families.map((family) => `| [${family}](#${anchor(family)}) | ${links(family)} |`),
    `| [policies](#policies) | ${names(POLICIES)} |`,
    `| [procedures](#procedures) | ${names(PROCEDURES)} |`,
    `| [pretrained](#pretrained) | ${names(PRETRAINED)} |`,
    "",
    ...families.flatMap((family) => [
      `## ${capital(family)}`,
      "",
      ...SCHEMES.filter((scheme) => scheme.family === family).flatMap(section),
    ]),
    "## Policies",
    "",
    'Rules over all parameters of a network at once, by the residual blocks these lie in: `Network.create({ policy: "fixup" })`.',
    "",
    ...POLICIES.flatMap((row) => section({ ...row, applies: undefined })),
    "## Procedures",
    "",
    "Functions of `headstart` over a network and a batch of data.",
    "",
    ...PROCEDURES.flatMap(beyond),
    "## Pretrained",
    "",
    "Functions of `headstart` that take weights from elsewhere.",
    "",
    ...PRETRAINED.flatMap(beyond),
    "## What is not here and why",
    "",
    "| Scheme | Why |",
    "|---|---|",
    ...NOT_HERE.map(([name, why]) => `| ${cell(name)} | ${cell(why)} |`),
    "",
    "## Presets",
    "",
    "`presetInitializer(preset(name), spec)` of `headstart/init` gives what a library's layer takes by itself; with `bugCompatible` the",
    'library\'s misread fans, lost variances and fused orthogonal kernels too. `Network.create({ preset: "keras", … })` begins a whole',
    "network so; initializers that were given are read as the library reads their names. On the command line, `--init keras`.",
    "",
    "| Preset | Library |",
    "|---|---|",
    ...Object.entries(PRESETS).map(([name, library]) => `| \`${name}\` | ${cell(library)} |`),
    "",
    "## Lint rules",
    "",
    "`lint(network)` of `headstart/diagnostics`, and `headstart init lint`.",
    "",
    "| Rule | What it finds |",
    "|---|---|",
    ...Object.entries(RULES).map(([rule, about]) => `| \`${rule}\` | ${cell(about)} |`),
    "",
  ];
  return lines.join("\n");

  function links(family) {
    return SCHEMES.filter((scheme) => scheme.family === family)
      .map(({ name }) => `[\`${name}\`](#${name})`)
      .join(" ");
  }
}

function names(rows) {
  return rows.map(({ name }) => `[\`${name}\`](#${name.toLowerCase()})`).join(" ");
}

function beyond({ name, formula, use, source, property }) {
  return [
    ...[`### ${name}`, "", "| | |", "|---|---|"],
    ...[`| Formula | ${cell(formula)} |`, `| Use | ${cell(use)} |`],
    ...[`| Source | ${cell(source)} |`, `| Tested | ${cell(property)} |`, ""],
  ];
}

function section(row) {
  const { name, aliases, applies, defaults, formula, use, source, property } = row;
  const options = Object.entries(defaults).map(([key, value]) => `\`${key}=${value}\``);
  return [
    `### ${name}`,
    "",
    "| | |",
    "|---|---|",
    `| Formula | ${cell(formula)} |`,
    `| Also called | ${aliases.map((alias) => `\`${alias}\``).join(", ") || "–"} |`,
    `| Options | ${options.join(", ") || "none"} |`,
    ...(applies === undefined ? [] : [`| For | ${applies} |`, `| Fans | ${fansOf(row)} |`]),
    `| Use | ${cell(use)} |`,
    `| Source | ${cell(source)} |`,
    `| Tested | ${cell(property)} |`,
    "",
  ];
}

/** Which fans a scheme reads of a parameter that it takes, seen by reading them. */
function fansOf({ name, defaults }) {
  const modes = Object.hasOwn(defaults, "mode");
  const read = new Set();
  const taken = kinds().filter((spec) => {
    const watched = new Proxy(spec, {
      get(target, key) {
        if (key === "fanIn" || key === "fanOut") read.add(key === "fanIn" ? "fan_in" : "fan_out");
        return target[key];
      },
    });
    try {
      init.resolve(init.initializer(name), watched);
      return true;
    } catch {
      return false;
    }
  });
  if (taken.length === 0) throw new Error(`${name}: no kind of parameter is known that it takes`);
  if (modes && defaults.mode === "none") return "those that `mode` names; none by default";
  const found = [...read].sort().join(", ") || "none";
  return modes ? `those that \`mode\` names; by default ${found}` : found;
}

/** Parameters of each kind that schemes are for. */
function kinds() {
  const lstm = init.recurrentSpecs("lstm", { inputs: 3, units: 4 });
  return [
    init.denseSpec(6, 6),
    init.denseSpec(4, 8),
    init.convSpec({ size: [3, 3], inputs: 4, outputs: 8 }),
    init.convSpec({ size: [5], inputs: 4, outputs: 8 }),
    init.convTransposeSpec({ size: [4, 4], stride: 2, inputs: 4, outputs: 4 }),
    lstm.bias,
    init.fusedAttentionSpecs({ width: 6, heads: 1 }).queryKeyValue,
  ];
}

/** Text inside a table: bars would end the cell, and formulas hold characters that mark up. */
function cell(text) {
  return text.replace(/[\\|*_<>[\]]/g, "\\$&");
}

function capital(text) {
  return text[0].toUpperCase() + text.slice(1);
}

function anchor(text) {
  return text.toLowerCase().replaceAll(" ", "-");
}
