import * as fs from "node:fs";
import { expect, test } from "vitest";
import { SUITES } from "../src/cli/bench-suites.ts";

test("docs/benchmarks.md has the tables that its script makes of the results", async () => {
  // @ts-expect-error: a script without types
  const { page } = await import("../scripts/make-benchmarks-doc.mjs");
  const text = fs.readFileSync("docs/benchmarks.md", "utf8");
  expect(text, "run node scripts/make-benchmarks-doc.mjs").toBe(page());
  expect(text).toMatch(/^\| headstart relaxed \| .*\(x1\.00\)/m);
});

test("docs/benchmarks.md names every suite", () => {
  const text = fs.readFileSync("docs/benchmarks.md", "utf8");
  expect(text).toContain(`Suites: \`${Object.keys(SUITES).join(" ")}\``);
});
