import * as fs from "node:fs";
import * as path from "node:path";
import { expect, test } from "vitest";

/** Folders of `src`, lowest first: a file imports from its own folder or from one above it in this list. */
const ORDER = [
  "core",
  "init",
  "graph",
  "ops",
  "layers",
  "losses",
  "optim",
  "data",
  "network",
  "diagnostics",
  "lab",
  "cli",
];

const files = fs
  .readdirSync("src", { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts") && !file.includes("core/wasm/"));

const imports = files.flatMap((file) => {
  const text = fs.readFileSync(`src/${file}`, "utf8");
  return [...text.matchAll(/(?:from|import\()\s*"([^"]+)"/g)].map((match) => ({
    file,
    to: match[1]!,
  }));
});

const relative = imports.filter(({ to }) => to.startsWith("."));
const packages = imports.filter(({ to }) => !to.startsWith("."));

test("every folder of src has its place in the order", () => {
  const folders = new Set(
    files.map((file) => file.split("/")[0]!).filter((f) => !f.endsWith(".ts")),
  );
  expect([...folders].filter((folder) => !ORDER.includes(folder))).toEqual([]);
});

test("a module imports only from its own folder and from folders below it", () => {
  const wrong = relative.filter(({ file, to }) => {
    const own = file.split("/")[0]!;
    const other = path.posix.join(path.posix.dirname(file), to).split("/")[0]!;
    if (own.endsWith(".ts") || other === "version.ts") return false; // the index may name everything
    if (other.endsWith(".ts")) return own !== "cli"; // only consumers import the index
    return ORDER.indexOf(other) > ORDER.indexOf(own);
  });
  expect(wrong).toEqual([]);
});

test("relative imports carry .ts", () => {
  expect(relative.filter(({ to }) => !to.endsWith(".ts"))).toEqual([]);
});

test("the loader is imported by src/core/instantiate.ts alone", () => {
  const users = packages
    .filter(({ to }) => to === "@assemblyscript/loader")
    .map(({ file }) => file);
  expect(users).toEqual(["core/instantiate.ts"]);
});

test("packages of the command line are imported by src/cli alone", () => {
  const wrong = packages.filter(
    ({ file, to }) => /^(commander|picocolors|cli-)/.test(to) && !file.startsWith("cli/"),
  );
  expect(wrong).toEqual([]);
});

test("node modules are imported by src/cli and by files called *.node.ts alone", () => {
  const wrong = packages.filter(
    ({ file, to }) =>
      to.startsWith("node:") && !file.startsWith("cli/") && !file.endsWith(".node.ts"),
  );
  expect(wrong).toEqual([]);
});

test("the core, the graph, the layers and the initializers need no package but the loader", () => {
  const wrong = packages.filter(
    ({ file, to }) =>
      /^(core|init|graph|ops|layers|losses|optim|network|diagnostics)\//.test(file) &&
      !to.startsWith("node:") &&
      to !== "@assemblyscript/loader",
  );
  expect(wrong).toEqual([]);
});
