// Writes docs/initializers.md from the registry of schemes, as built; with --check it only says whether the page is current.

import * as fs from "node:fs";
import * as path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "./build.mjs";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const file = path.join(root, "docs/initializers.md");

build();
const load = (module) => import(pathToFileURL(path.join(root, "dist", module)).href);
const { PRESETS, SCHEMES } = await load("init/index.js");
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
    "",
    ...families.flatMap((family) => [
      `## ${capital(family)}`,
      "",
      ...SCHEMES.filter((scheme) => scheme.family === family).flatMap(section),
    ]),
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

function section({ name, aliases, defaults, formula, use, source, property }) {
  const options = Object.entries(defaults).map(([key, value]) => `\`${key}=${value}\``);
  return [
    `### ${name}`,
    "",
    "| | |",
    "|---|---|",
    `| Formula | ${cell(formula)} |`,
    `| Also called | ${aliases.map((alias) => `\`${alias}\``).join(", ") || "–"} |`,
    `| Options | ${options.join(", ") || "none"} |`,
    `| Use | ${cell(use)} |`,
    `| Source | ${cell(source)} |`,
    `| Tested | ${cell(property)} |`,
    "",
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
