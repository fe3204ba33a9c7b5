import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { beforeAll, expect, test } from "vitest";

// What has to be read before the program, or the library, can begin: a guard of the time it takes to start that is no stopwatch.

beforeAll(() => {
  const { status } = spawnSync(process.execPath, ["scripts/build.mjs"], { stdio: "inherit" });
  expect(status).toBe(0);
}, 180_000);

/** The files that Node reads for `entry`: those imported statically, and theirs. */
function filesOf(entry: string): Map<string, number> {
  const files = new Map<string, number>();
  const visit = (file: string) => {
    if (files.has(file)) return;
    const code = fs.readFileSync(file, "utf8");
    files.set(file, code.length);
    for (const [, to] of code.matchAll(
      /^(?:import|export)[^;]*?from\s*"(\.[^"]+)"|^import\s*"(\.[^"]+)"/gm,
    )) {
      if (to !== undefined) visit(path.join(path.dirname(file), to));
    }
  };
  visit(entry);
  return files;
}

const kilobytes = (files: Map<string, number>) =>
  [...files.values()].reduce((sum, bytes) => sum + bytes, 0) / 1024;

test("the command line begins with the parsing of options alone: no command, no layer, no core", () => {
  const files = filesOf("dist/node/cli/main.js");
  const code = [...files.keys()].map((file) => fs.readFileSync(file, "utf8")).join("\n");
  expect(code).toContain("Trains deep networks on the CPU"); // the program itself was found
  expect(code).not.toMatch(/class Network\b|class Tape\b|function addTrain\b|cli-table3|csv-parse/);
  expect(kilobytes(files)).toBeLessThan(50);
});

test("the library is a few files, and neither a binary nor a data set is among them", () => {
  const files = filesOf("dist/node/library/index.js");
  const names = [...files.keys()];
  expect(names.some((file) => file.includes("network"))).toBe(true);
  expect(files.size).toBeLessThan(16);
  expect(names.filter((file) => /wasm|data\/sets/.test(file))).toEqual([]);
});

test("what is loaded when it is needed is where the bundle looks for it", () => {
  const folder = "dist/node";
  const missing = fs
    .readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".js"))
    .flatMap((file) => {
      const code = fs.readFileSync(path.join(folder, file), "utf8");
      const found = code.matchAll(/(?:import\(|new URL\(|from )"(\.[^"]+\.js)"/g);
      return [...found].map(([, to]) => path.join(folder, path.dirname(file), to!));
    })
    .filter((file) => !fs.existsSync(file));
  expect(missing).toEqual([]);
});

const { exports } = JSON.parse(fs.readFileSync("package.json", "utf8")) as {
  exports: Record<string, string | { node?: string; default: string }>;
};
const code = Object.entries(exports).flatMap(([name, target]) =>
  typeof target === "string" ? [] : [[name, target] as const],
);

// A module of the library outside the bundle would have caches and classes of its own.
test.each(code)(
  "%s gives Node the names that it gives a browser, from the bundle",
  async (_, target) => {
    expect(target.node).toMatch(/^\.\/dist\/node\/library\//);
    const plain = await import(path.resolve(target.default));
    const bundled = await import(path.resolve(target.node!));
    expect(Object.keys(plain).length).toBeGreaterThan(0);
    expect(Object.keys(bundled).sort()).toEqual(Object.keys(plain).sort());
  },
);
