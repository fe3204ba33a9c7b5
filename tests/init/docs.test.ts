import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { beforeAll, expect, test } from "vitest";
import { SCHEMES } from "../../src/init/index.ts";

const PAGE = "docs/initializers.md";
const check = () =>
  spawnSync(process.execPath, ["scripts/make-initializers-doc.mjs", "--check"], {
    encoding: "utf8",
  });

beforeAll(() => {
  const { status } = spawnSync(process.execPath, ["scripts/build.mjs"], { stdio: "inherit" });
  expect(status).toBe(0);
}, 180_000);

test("the page is what the registry gives", () => {
  const { status, stderr } = check();
  expect(stderr).toBe("");
  expect(status).toBe(0);
});

test("the page has a section for every scheme, with its aliases and defaults", () => {
  const page = fs.readFileSync(PAGE, "utf8");
  for (const { name, aliases, defaults } of SCHEMES) {
    const section = page.split(`### ${name}\n`)[1]?.split("### ")[0] ?? "";
    for (const alias of aliases) expect(section).toContain(`\`${alias}\``);
    for (const key of Object.keys(defaults)) expect(section).toContain(`\`${key}=`);
    for (const row of ["Formula", "Also called", "Options", "Use", "Source", "Tested"]) {
      expect(section).toMatch(new RegExp(`\\| ${row} \\| \\S`));
    }
  }
});
